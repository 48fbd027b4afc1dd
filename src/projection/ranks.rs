//! The place of a token in a vector's own list, without the list: how many tokens score higher.

use std::ops::Range;

use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::task::{CancelToken, Cancelled};

use super::batch::{Scratch, TransformedRows, multiplied, slack};
use super::kernel::chunks;
use super::{ProjectionError, Rows};

/// Rows multiplied at a time.
const BLOCK_ROWS: usize = 512;

/// The rows that a vector's list is made of: the embedding, and learned positions where they count.
#[derive(Clone, Copy)]
pub struct ListRows<'a> {
    pub rows: &'a Rows,
    /// Which of them pass.
    pub flags: &'a [bool],
    /// Rows whose ids come after those of the tokens, and which of them pass.
    pub positions: Option<(&'a Rows, &'a [bool])>,
}

/// A token in a vector's list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankedScore {
    pub score: f32,
    /// From 1; ties go to the smaller id.
    pub rank: usize,
}

impl ListRows<'_> {
    /// For each of `vectors` (`[m, d_model]`) the score of the token `at[j]` and its rank, exactly
    /// as in the vector's list.
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    pub fn ranks(
        &self,
        vectors: &Matrix,
        at: &[u32],
        cancel: CancelToken<'_>,
    ) -> Result<Vec<RankedScore>, ProjectionError> {
        let mut ranked = self.rows.ranks(vectors, at, self.flags, cancel)?;
        if let Some((rows, flags)) = self.positions {
            let scores: Vec<f32> = ranked.iter().map(|ranked| ranked.score).collect();
            let ahead = rows.above(vectors, &scores, flags, cancel)?;
            let both = ranked.iter_mut().zip(ahead);
            both.for_each(|(ranked, ahead)| ranked.rank += ahead);
        }
        Ok(ranked)
    }
}

/// As [`Rows::ranks`].
pub(super) fn ranks(
    counted: TransformedRows<'_>,
    vectors: &Matrix,
    at: &[u32],
    flags: &[bool],
    cancel: CancelToken<'_>,
) -> Result<Vec<RankedScore>, Cancelled> {
    let shifts = counted.transform.shifts(vectors);
    let mut buffer = Vec::new();
    let limits = at.iter().enumerate().map(|(j, &row)| Limit {
        row: row as usize,
        score: counted.score(row as usize, (vectors.row(j), shifts[j]), &mut buffer),
    });
    let limits: Vec<Limit> = limits.collect();
    let ahead = ahead(counted, (vectors, &shifts), &limits, flags, cancel)?;
    let ranked = limits.iter().zip(ahead);
    Ok(ranked
        .map(|(limit, ahead)| RankedScore {
            score: limit.score,
            rank: ahead + 1,
        })
        .collect())
}

/// As [`Rows::above`].
pub(super) fn above(
    counted: TransformedRows<'_>,
    vectors: &Matrix,
    scores: &[f32],
    flags: &[bool],
    cancel: CancelToken<'_>,
) -> Result<Vec<usize>, Cancelled> {
    let shifts = counted.transform.shifts(vectors);
    // No row is before the first: of equal scores none is ahead.
    let limits: Vec<Limit> = scores
        .iter()
        .map(|&score| Limit { score, row: 0 })
        .collect();
    ahead(counted, (vectors, &shifts), &limits, flags, cancel)
}

/// What rows are ahead of: a score, and of that score a row.
struct Limit {
    score: f32,
    row: usize,
}

/// How many passing rows are ahead of each vector's limit.
fn ahead(
    counted: TransformedRows<'_>,
    (vectors, shifts): (&Matrix, &[f32]),
    limits: &[Limit],
    flags: &[bool],
    cancel: CancelToken<'_>,
) -> Result<Vec<usize>, Cancelled> {
    let wants: Vec<Want<'_>> = limits
        .iter()
        .enumerate()
        .map(|(j, limit)| Want {
            vector: vectors.row(j),
            row: limit.row,
            score: limit.score,
            slack: slack(vectors.row(j), counted.longest),
        })
        .collect();
    let blocks = chunks(counted.rows.rows(), BLOCK_ROWS);
    let blocks: Vec<Range<usize>> = blocks
        .filter(|block| flags[block.clone()].contains(&true))
        .collect();
    blocks
        .par_iter()
        .map_init(Scratch::default, |scratch, block| {
            cancel.check()?;
            let scores = multiplied(counted, block.clone(), (vectors, shifts), scratch);
            Ok(ahead_in(
                block.clone(),
                (counted, shifts),
                scores,
                &wants,
                flags,
            ))
        })
        .try_reduce(
            || vec![0; wants.len()],
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                Ok(a)
            },
        )
}

struct Want<'a> {
    vector: &'a [f32],
    row: usize,
    score: f32,
    /// No score of the blocked product is further from the exact one.
    slack: f32,
}

/// How many passing rows of a block are ahead of each row that is ranked, by the block's scores up
/// to the slack.
fn ahead_in(
    block: Range<usize>,
    (counted, shifts): (TransformedRows<'_>, &[f32]),
    scores: &[f32],
    wants: &[Want<'_>],
    flags: &[bool],
) -> Vec<usize> {
    let (passing, mut buffer) = (&flags[block.clone()], Vec::new());
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
                let exact = counted.score(row, (want.vector, *shift), &mut buffer);
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
