//! Where single rows stand among all, wherever these are.

use std::ops::Range;

use candle_core::Tensor;

use super::{DEVICE_ROWS, Rows, Store};
use crate::checkpoint::{Matrix, StoredMatrix};
use crate::projection::batch::longer;
use crate::projection::kernel::{chunks, norm};
use crate::projection::ranks::{self, RankedScore};
use crate::projection::score_sums::{self, ScoreSums};
use crate::projection::{ProjectionError, batch};
use crate::task::CancelToken;

impl Rows {
    /// For each of `vectors` (`[m, width]`) the score of the row `at[j]` and its rank among the
    /// passing rows, from 1: exactly as in the vector's list.
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    pub(in crate::projection) fn ranks(
        &self,
        vectors: &Matrix,
        at: &[u32],
        flags: &[bool],
        cancel: CancelToken<'_>,
    ) -> Result<Vec<RankedScore>, ProjectionError> {
        let vectors = &*self.brought(vectors);
        let rows = match &*self.store {
            Store::Host(rows) => {
                let rows = self.counted(rows);
                return Ok(ranks::ranks(rows, vectors, at, flags, cancel)?);
            }
            Store::Device(rows) => rows,
        };
        let mut ranked = Vec::with_capacity(at.len());
        for (j, &row) in at.iter().enumerate() {
            cancel.check()?;
            let scores = self.scores_on_device(rows, vectors, j)?;
            let score = scores[row as usize];
            let ahead = scores.iter().zip(flags).enumerate();
            let ahead = ahead.filter(|&(i, (&s, &passes))| {
                passes && (s > score || s == score && i < row as usize)
            });
            let rank = ahead.count() + 1;
            ranked.push(RankedScore { score, rank });
        }
        Ok(ranked)
    }

    /// For each of `vectors` (`[m, width]`) the number of passing rows whose score is above the one
    /// given.
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    pub fn above(
        &self,
        vectors: &Matrix,
        than: &[f32],
        flags: &[bool],
        cancel: CancelToken<'_>,
    ) -> Result<Vec<usize>, ProjectionError> {
        let vectors = &*self.brought(vectors);
        let rows = match &*self.store {
            Store::Host(rows) => {
                let rows = self.counted(rows);
                return Ok(ranks::above(rows, vectors, than, flags, cancel)?);
            }
            Store::Device(rows) => rows,
        };
        let mut counts = Vec::with_capacity(than.len());
        for (j, than) in than.iter().enumerate() {
            cancel.check()?;
            let scores = self.scores_on_device(rows, vectors, j)?;
            let above = scores
                .iter()
                .zip(flags)
                .filter(|&(s, &passes)| passes && s > than);
            counts.push(above.count());
        }
        Ok(counts)
    }

    /// Of each of `vectors` (`[m, width]`) how its scores are distributed over the passing rows.
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    pub fn score_sums(
        &self,
        vectors: &Matrix,
        flags: &[bool],
        cancel: CancelToken<'_>,
    ) -> Result<Vec<ScoreSums>, ProjectionError> {
        let vectors = &*self.brought(vectors);
        let rows = match &*self.store {
            Store::Host(rows) => {
                let rows = self.counted(rows);
                return Ok(score_sums::score_sums(rows, vectors, flags, cancel)?);
            }
            Store::Device(rows) => rows,
        };
        let mut found = Vec::with_capacity(vectors.rows());
        for j in 0..vectors.rows() {
            cancel.check()?;
            let scores = self.scores_on_device(rows, vectors, j)?;
            let passing = scores.iter().zip(flags).filter(|(_, passes)| **passes);
            let mut sums = ScoreSums::default();
            sums.add(passing.map(|(score, _)| *score));
            found.push(sums);
        }
        Ok(found)
    }

    /// The scores of all rows at one of some vectors.
    fn scores_on_device(
        &self,
        rows: &Tensor,
        vectors: &Matrix,
        j: usize,
    ) -> Result<Vec<f32>, ProjectionError> {
        let vector = Tensor::from_slice(vectors.row(j), (vectors.cols(), 1), rows.device())?;
        let mut scores: Vec<f32> = rows.matmul(&vector)?.flatten_all()?.to_vec1()?;
        let shift = self.transform.shift(vectors.row(j));
        self.transform.scores(0..self.len, &mut scores, &[shift]);
        Ok(scores)
    }

    /// Rows that lie on the processor, as they count.
    pub(super) fn counted<'a>(&'a self, rows: &'a StoredMatrix) -> batch::TransformedRows<'a> {
        let longest = || batch::longest(rows, &self.transform);
        batch::TransformedRows {
            rows,
            transform: &self.transform,
            longest: *self.longest.get_or_init(longest),
        }
    }

    /// The norm of the longest row as it counts, or more; NaN if one is.
    ///
    /// # Errors
    /// The device fails.
    pub(in crate::projection) fn longest(&self) -> Result<f32, ProjectionError> {
        if let (Store::Host(rows), None) = (&*self.store, &self.map) {
            return Ok(self.counted(rows).longest);
        }
        if self.map.is_some() {
            return self.longest_mapped();
        }
        let of_chunk = |chunk: Range<usize>, some: &[f32]| {
            let rows = chunk.zip(some.chunks_exact(self.width()));
            let lengths = rows.map(|(at, row)| self.transform.longest(at, row));
            lengths.fold(0.0, longer)
        };
        let longest = self.chunked(CancelToken::never(), of_chunk)?;
        Ok(longest.into_iter().fold(0.0, longer))
    }

    /// The same of rows that go through a map, with room for what scores round otherwise.
    fn longest_mapped(&self) -> Result<f32, ProjectionError> {
        let mut longest = 0.0;
        for range in chunks(self.len, DEVICE_ROWS) {
            let some = self.counted_chunk(range)?;
            let lengths = some.chunks_exact(self.width().max(1)).map(norm);
            longest = lengths.fold(longest, longer);
        }
        Ok(longest * 1.001)
    }
}
