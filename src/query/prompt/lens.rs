//! The lens: every state of a run through the final norm, by its own statistics, and the output
//! embedding.

use std::ops::Range;

use candle_core::Tensor;

use super::LensCell;
use super::outlook::{PromptedModel, predictions};
use super::run::{KeptLens, KeptRun, row};
use crate::checkpoint::Matrix;
use crate::projection::{LogitDistribution, LogitsWanted};
use crate::query::QueryError;
use crate::transformer::with_numbers;

/// States that are read at a time: enough that the embedding is read but once for a short text.
const LENS_ROWS: usize = 1024;

impl PromptedModel<'_> {
    /// The lens of the run, unless that is kept or none is asked for. `first` takes what is known
    /// once the position in hand was read: the cells of other positions have no words yet.
    pub(super) fn read_lens(
        &self,
        run: &mut KeptRun,
        k: usize,
        target: Option<u32>,
        first: impl FnOnce(&[Vec<LensCell>]),
    ) -> Result<(), QueryError> {
        if k == 0 {
            return Ok(());
        }
        let same = |kept: &KeptLens| kept.k == k && kept.target == target;
        if !run.lens.as_ref().is_some_and(same) {
            run.lens = Some(KeptLens {
                k,
                target,
                cells: self.lens(&run.states, k, target, first)?,
            });
        }
        Ok(())
    }

    /// What W_U is multiplied with of every state, `[tokens, d_model]` each.
    pub(super) fn reads(&self, states: &[Tensor]) -> Result<Vec<Tensor>, QueryError> {
        let read = |(state, x): (usize, &Tensor)| {
            let carried = self.through_lens(state, x)?;
            let x = carried.as_ref().unwrap_or(x);
            self.head.read(x).map_err(|e| self.error(e))
        };
        states.iter().enumerate().map(read).collect()
    }

    /// A state carried to the last layer by the fitted lens; `None` without one, and of states that it
    /// does not carry: the embeddings, and the last.
    fn through_lens(&self, state: usize, x: &Tensor) -> Result<Option<Tensor>, QueryError> {
        let last = self.reader.card.spec.passes.len();
        let layer = state.checked_sub(1).filter(|_| state < last);
        let Some(layer) = layer.filter(|&layer| self.reader.carries(layer)) else {
            return Ok(None);
        };
        let carried = |x: &Tensor| -> candle_core::Result<_> {
            let (rows, width) = x.dims2()?;
            let numbers = with_numbers(x, <[f32]>::to_vec)?;
            Ok(Matrix::new(rows, width, numbers))
        };
        let rows = carried(x).map_err(|e| self.error(e))?;
        let rows = self.reader.carried(layer, rows)?;
        let carried = Tensor::from_vec(rows.into_data(), x.shape(), x.device());
        carried.map(Some).map_err(|e| self.error(e))
    }

    /// The lens of every state at every position, with the k best words of each; none if k is 0.
    pub(super) fn lens(
        &self,
        states: &[Tensor],
        k: usize,
        target: Option<u32>,
        first: impl FnOnce(&[Vec<LensCell>]),
    ) -> Result<Vec<Vec<LensCell>>, QueryError> {
        if k == 0 {
            return Ok(Vec::new());
        }
        let reads = self.reads(states)?;
        let tokens = states.first().map_or(Ok(0), |x| x.dim(0));
        let tokens = tokens.map_err(|e| self.error(e))?;
        let mut cells = vec![vec![LensCell::default(); tokens]; states.len()];
        let here = self.position.min(tokens.saturating_sub(1));
        self.lens_at((states, &reads), (k, target), here..here + 1, &mut cells)?;
        if tokens > 1 {
            first(&cells);
        }
        let step = (LENS_ROWS / states.len().max(1)).max(1);
        for apart in [0..here, here + 1..tokens] {
            for first in apart.clone().step_by(step) {
                let some = first..apart.end.min(first + step);
                self.lens_at((states, &reads), (k, target), some, &mut cells)?;
            }
        }
        Ok(cells)
    }

    /// The cells of all states at some positions.
    fn lens_at(
        &self,
        (states, reads): (&[Tensor], &[Tensor]),
        (k, target): (usize, Option<u32>),
        some: Range<usize>,
        cells: &mut [Vec<LensCell>],
    ) -> Result<(), QueryError> {
        let targets: Vec<u32> = target.into_iter().collect();
        let last = (states.len() - 1) * some.len();
        let of_last = (0..some.len()).map(|p| last + p);
        let references: Vec<usize> = (0..states.len()).flat_map(|_| of_last.clone()).collect();
        let wanted = LogitsWanted {
            k,
            tokens: &targets,
            references: &references,
        };
        let vectors = self.rows(reads, some.clone())?;
        let written = &self.reader.logit_rows;
        let found = written.distributions(&vectors, self.shape(), wanted, self.cancel)?;
        for (at, of) in found.iter().enumerate() {
            let (state, position) = (at / some.len(), some.start + at % some.len());
            let norm = self.norm(&states[state], position)?;
            cells[state][position] = cell(of, norm);
        }
        Ok(())
    }

    /// Some rows of each tensor, those of one after those of another.
    pub(super) fn rows(&self, of: &[Tensor], some: Range<usize>) -> Result<Matrix, QueryError> {
        let mut data = Vec::new();
        for tensor in of {
            let rows = tensor.narrow(0, some.start, some.len());
            let rows = rows.and_then(|rows| rows.contiguous());
            let rows = rows.map_err(|e| self.error(e))?;
            with_numbers(&rows, |x| data.extend_from_slice(x)).map_err(|e| self.error(e))?;
        }
        let count = of.len() * some.len();
        Ok(Matrix::new(count, data.len() / count.max(1), data))
    }

    /// The logits of some tokens at the position, by token and state.
    pub(super) fn target_lens(
        &self,
        states: &[Tensor],
        targets: &[u32],
    ) -> Result<Vec<Vec<f32>>, QueryError> {
        let here = self.position..self.position + 1;
        let vectors = self.rows(&self.reads(states)?, here)?;
        let wanted = LogitsWanted {
            k: 1,
            tokens: targets,
            references: &[],
        };
        let written = &self.reader.logit_rows;
        let found = written.distributions(&vectors, self.shape(), wanted, self.cancel)?;
        let of = |at: usize| found.iter().map(|of| of.tokens[at].score).collect();
        Ok((0..targets.len()).map(of).collect())
    }

    pub(super) fn norm(&self, state: &Tensor, position: usize) -> Result<f32, QueryError> {
        let row = row(state, position).map_err(|e| self.error(e))?;
        let squares = row.iter().map(|&x| f64::from(x).powi(2));
        Ok(squares.sum::<f64>().sqrt() as f32)
    }
}

fn cell(of: &LogitDistribution, norm: f32) -> LensCell {
    LensCell {
        best: predictions(of),
        entropy: of.entropy as f32,
        divergence: of.divergence as f32,
        norm,
        target_rank: of.tokens.first().map(|target| target.rank),
    }
}
