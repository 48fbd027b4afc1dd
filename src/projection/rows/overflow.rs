//! Scores that single precision cannot hold.

use std::ops::Range;

use super::Passing;

/// Whether a passing row of a chunk has a score that is infinite or no number.
pub(super) fn overflow(scores: &[f32], chunk: Range<usize>, passing: Passing<'_>) -> bool {
    let m = scores.len() / chunk.len().max(1);
    !all_finite(scores)
        && chunk
            .zip(scores.chunks_exact(m.max(1)))
            .any(|(row, scores)| passing.flags[row] && !all_finite(scores))
}

/// Without a branch a number, so that it runs at memory speed.
pub(super) fn all_finite(numbers: &[f32]) -> bool {
    numbers
        .iter()
        .fold(true, |finite, x| finite & x.is_finite())
}
