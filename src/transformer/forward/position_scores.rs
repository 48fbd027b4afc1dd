//! What positions add to attention scores: a bias by the distance in buckets, and ALiBi.

use half::bf16;

/// What is added to scores by the distance of a key from its query, in buckets: half of them for
/// keys behind the query and half for those ahead; of each half, half for one distance each and the
/// others for ranges that grow, as in T5 and MPNet.
pub(super) struct RelativeScores {
    /// `[buckets, heads]`.
    pub table: Vec<f32>,
    pub heads: usize,
}

impl RelativeScores {
    pub(super) const BUCKETS: usize = 32;

    /// The distance from which all keys are in the last bucket.
    const FURTHEST: f32 = 128.0;

    pub(super) fn at(&self, head: usize, query: usize, key: usize) -> f32 {
        let half = Self::BUCKETS / 2;
        let apart = query.abs_diff(key);
        let exact = half / 2;
        let bucket = if apart < exact {
            apart
        } else {
            let (n, exact_f) = (apart as f32, exact as f32);
            let share = (n / exact_f).ln() / (Self::FURTHEST / exact_f).ln();
            (exact + (share * (half - exact) as f32) as usize).min(half - 1)
        };
        let ahead = if key > query { half } else { 0 };
        self.table[(ahead + bucket) * self.heads + head]
    }
}

/// Scores that fall with the distance.
#[derive(Clone, Copy)]
pub(super) struct Alibi {
    /// Before scores are scaled, and rounded to bfloat16.
    pub before_scale: bool,
}

impl Alibi {
    /// What is added to a head's scores at a position. By the position and not by the distance:
    /// that is the same for all that a query sees, up to a number that softmax takes out.
    pub(super) fn at(self, head: usize, heads: usize, scale: f32) -> impl Fn(usize) -> f32 {
        let slope = slope(head, heads);
        move |position| {
            if self.before_scale {
                let slope = bf16::from_f32(slope).to_f32();
                bf16::from_f32(slope * position as f32).to_f32() * scale
            } else {
                slope * position as f32
            }
        }
    }
}

/// Powers of 2^(−8/n) for the first n heads, n a power of two; for those beyond, every other one
/// of 2n heads (Press et al. 2021, as in BLOOM's code).
fn slope(head: usize, heads: usize) -> f32 {
    let n = 1usize << heads.max(1).ilog2();
    let power = |step: f64, times: usize| 2f64.powf(-step * times as f64) as f32;
    match head.checked_sub(n) {
        None => power(8.0 / n as f64, head + 1),
        Some(beyond) => power(4.0 / n as f64, 2 * beyond + 1),
    }
}
