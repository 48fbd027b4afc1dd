//! What a head does whatever the other side is: what its left side's biases bring to each row.

use crate::checkpoint::Matrix;
use crate::projection::{BothEnds, Scored};
use crate::vocabulary::Mask;

/// Both ends of what the left side's biases bring to every passing row of the right side
/// (`[rows, d_head]`), `k` each; `None` where the left side has none.
pub(super) fn unconditional(
    biases: &[Option<Vec<f32>>; 2],
    right: &Matrix,
    mask: &Mask,
    k: usize,
) -> Option<[Vec<Scored>; 2]> {
    let [Some(bias), other] = biases else {
        return None;
    };
    // What the two biases make together is the same for every row: it is not the row's.
    let constant = other.as_ref().map_or(0.0, |other| dot(bias, other));
    let mut ends = BothEnds::new(k.min(mask.passing));
    for (row, passes) in mask.passes.iter().enumerate() {
        if *passes {
            ends.offer(row as u32, dot(right.row(row), bias) - constant);
        }
    }
    let [highest, mut lowest] = [ends.highest, ends.lowest].map(|best| best.into_sorted());
    // As the form has them, not as the end does.
    lowest.iter_mut().for_each(|s| s.score = 0.0 - s.score);
    Some([highest, lowest])
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
