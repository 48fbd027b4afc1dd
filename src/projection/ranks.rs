//! The place of a token in a vector's own list, without the list: how many tokens score higher.

use std::ops::Range;

use rayon::prelude::*;

use crate::checkpoint::Matrix;

use super::batch::{Counted, longest, multiplied, slack};
use super::rows::{Adjust, chunks};

/// Rows multiplied at a time.
const BLOCK_ROWS: usize = 512;

/// For each of `vectors` (`[m, width]`) the score of the row `at[j]` and its rank among the
/// passing rows, from 1, ties to the smaller row: exactly as in the vector's list. `None` if it
/// was called off.
pub(super) fn ranks(
    (rows, adjust): (&Matrix, &Adjust),
    vectors: &Matrix,
    at: &[u32],
    flags: &[bool],
    wanted: &(dyn Fn() -> bool + Sync),
) -> Option<Vec<(f32, usize)>> {
    let counted = Counted {
        rows,
        adjust,
        longest: longest(rows, adjust),
    };
    let shifts = adjust.shifts(vectors);
    let wants: Vec<Want<'_>> = at
        .iter()
        .enumerate()
        .map(|(j, &row)| {
            let vector = vectors.row(j);
            Want {
                vector,
                row: row as usize,
                score: counted.score(row as usize, vector, shifts[j]),
                slack: slack(vector, counted.longest),
            }
        })
        .collect();
    let blocks: Vec<Range<usize>> = chunks(rows.rows(), BLOCK_ROWS).collect();
    let ahead = blocks
        .par_iter()
        .map(|block| {
            wanted().then_some(())?;
            Some(ahead_in(
                block.clone(),
                counted,
                (vectors, &shifts),
                &wants,
                flags,
            ))
        })
        .try_reduce(
            || vec![0; wants.len()],
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                Some(a)
            },
        )?;
    let ranked = wants.iter().zip(ahead);
    Some(ranked.map(|(want, n)| (want.score, n + 1)).collect())
}

struct Want<'a> {
    vector: &'a [f32],
    row: usize,
    score: f32,
    /// No score of the blocked product is further from the exact one.
    slack: f32,
}

/// How many passing rows of a block are ahead of each row that is ranked.
fn ahead_in(
    block: Range<usize>,
    counted: Counted<'_>,
    (vectors, shifts): (&Matrix, &[f32]),
    wants: &[Want<'_>],
    flags: &[bool],
) -> Vec<usize> {
    let mut scores = Vec::new();
    multiplied(counted, block.clone(), (vectors, shifts), &mut scores);
    let passing = &flags[block.clone()];
    let count = |((want, scores), shift): ((&Want<'_>, &[f32]), &f32)| {
        let (low, high) = (want.score - want.slack, want.score + want.slack);
        let mut ahead = 0;
        for (i, (&score, _)) in scores
            .iter()
            .zip(passing)
            .enumerate()
            .filter(|(_, (_, p))| **p)
        {
            if score > high {
                ahead += 1;
            } else if score >= low || score.is_nan() {
                // Too close to call: by the kernel that lists are made with.
                let row = block.start + i;
                let exact = counted.score(row, want.vector, *shift);
                ahead += usize::from(exact > want.score || exact == want.score && row < want.row);
            }
        }
        ahead
    };
    wants
        .iter()
        .zip(scores.chunks_exact(block.len()))
        .zip(shifts)
        .map(count)
        .collect()
}
