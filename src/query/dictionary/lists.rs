//! Both ends of directions' lists.

use super::{DictionaryQuery, DirectionColumns, OpenDictionary};
use crate::checkpoint::{DictionarySide, Matrix};
use crate::projection::{BothEnds, Passing};
use crate::query::QueryError;
use crate::query::answering::Callbacks;
use crate::query::reader::Reader;

/// The two sides, in the order of columns.
pub(super) const SIDES: [DictionarySide; 2] = [DictionarySide::Reads, DictionarySide::Writes];

impl Reader {
    /// The columns of some directions.
    pub(super) fn direction_lists(
        &mut self,
        open: &mut OpenDictionary,
        query: &DictionaryQuery,
        rows: &[usize],
        k: usize,
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<DirectionColumns>, QueryError> {
        let mask = self.mask(&query.filters, callbacks.cancel)?;
        let empty = |&row: &usize| DirectionColumns {
            columns: Default::default(),
            bias: open.file.bias(row),
            threshold: open.file.threshold(row),
            lengths: [None; 2],
            passing: mask.passing,
            rows: mask.passes.len(),
        };
        let mut lists: Vec<DirectionColumns> = rows.iter().map(empty).collect();
        let positions = self.with_positions(&query.filters)?;
        for (at, side) in SIDES.into_iter().enumerate() {
            let hidden = side == DictionarySide::Writes && !self.card.has_output(query.convention);
            if !open.file.has(side) || hidden {
                continue;
            }
            let mut vectors = Vec::new();
            let mut biases = Vec::with_capacity(rows.len());
            for run in rows.chunk_by(|a, b| a + 1 == *b) {
                let run_of = run[0]..run[0] + run.len();
                let stored = open.file.rows(side, run_of.clone())?;
                for i in 0..run.len() {
                    let squares = stored.row(i).iter().map(|&x| f64::from(x).powi(2));
                    lists[biases.len() + i].lengths[at] = Some(squares.sum::<f64>().sqrt() as f32);
                }
                let chunk = self.directions_of(open, side, run_of, query.convention, callbacks)?;
                vectors.extend_from_slice(chunk.vectors.data());
                biases.extend(chunk.biases);
            }
            let vectors = Matrix::new(rows.len(), self.card.spec.d_model, vectors);
            let ends_of = |_| BothEnds::new(k.min(mask.passing));
            let mut ends: Vec<BothEnds> = rows.iter().map(ends_of).collect();
            let mut first_id = 0;
            for of_positions in [false, true].into_iter().filter(|p| positions || !p) {
                let how = (query.convention, of_positions);
                let embedding = self.rows_of_side(open, side, how, callbacks)?;
                let passing = Passing {
                    flags: &mask.passes[first_id..first_id + embedding.len()],
                    first_id: first_id as u32,
                };
                first_id += embedding.len();
                embedding.offer_scores(&vectors, passing, &mut ends, callbacks.cancel)?;
            }
            for ((list, ends), bias) in lists.iter_mut().zip(ends).zip(biases) {
                let bias = bias.unwrap_or(0.0);
                let mut high = ends.highest.into_sorted();
                let mut low = ends.lowest.into_sorted();
                high.iter_mut().for_each(|s| s.score += bias);
                low.iter_mut().for_each(|s| s.score -= bias);
                (list.columns[at], list.columns[at + 2]) = (high, low);
            }
        }
        Ok(lists)
    }
}
