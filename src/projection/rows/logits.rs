//! Logits of many states in one pass over the output embedding: the best tokens of each, where some
//! tokens rank, and what the distributions are like.

use std::ops::Range;

use candle_core::Tensor;
use pulp::Arch;
use rayon::prelude::*;

use super::tally::{Crossed, Sums, SumsOf, Tally, WeightsOf};
use super::{CHUNK_ROWS, DEVICE_ROWS, Rows, Store};
use crate::checkpoint::Matrix;
use crate::projection::batch::{Scratch, Side, TransformedRows, multiplied, slack};
use crate::projection::kernel::{chunks, norm};
use crate::projection::ranks::RankedScore;
use crate::projection::select::Scored;
use crate::projection::{Best, ProjectionError};
use crate::task::CancelToken;

/// What follows the product with the output embedding.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogitShape<'a> {
    /// Added, `[vocab]`.
    pub bias: Option<&'a [f32]>,
    /// Logits are bent to stay below it: cap·tanh(x/cap).
    pub softcap: Option<f32>,
}

impl LogitShape<'_> {
    fn of(&self, row: usize, product: f32) -> f32 {
        let x = product + self.bias.map_or(0.0, |bias| bias[row]);
        self.softcap.map_or(x, |cap| cap * (x / cap).tanh())
    }

    fn apply(&self, block: &Range<usize>, products: &mut [f32]) {
        if self.bias.is_some() || self.softcap.is_some() {
            for products in products.chunks_exact_mut(block.len().max(1)) {
                let rows = block.clone().zip(products);
                rows.for_each(|(row, x)| *x = self.of(row, *x));
            }
        }
    }

    /// The furthest that a logit is from the exact one, where its product is within `slack`: bending
    /// brings none further apart, but it rounds, as adding does.
    fn slack(&self, slack: f32, largest: f32) -> f32 {
        let bias = self.bias.unwrap_or_default();
        let bias = bias.iter().fold(0.0, |m: f32, x| m.max(x.abs()));
        slack + 8.0 * f32::EPSILON * (largest + bias + self.softcap.unwrap_or_default())
    }
}

/// What is wanted of the logits of each state.
#[derive(Clone, Copy, Debug)]
pub struct LogitsWanted<'a> {
    /// Best tokens.
    pub k: usize,
    /// Tokens whose logits and ranks are wanted.
    pub tokens: &'a [u32],
    /// For each state the number of the one that its distribution is compared with.
    pub references: &'a [usize],
}

/// A distribution over the vocabulary.
#[derive(Clone, Debug, PartialEq)]
pub struct LogitDistribution {
    /// Best tokens with their logits, exactly.
    pub best: Vec<Scored>,
    /// Logit and rank of each token that was wanted; ranks from 1, ties go to the smaller id.
    pub tokens: Vec<RankedScore>,
    /// log Σ exp(logit).
    pub log_sum: f64,
    /// In nats.
    pub entropy: f64,
    /// KL(reference ‖ this) in nats; 0 without a reference.
    pub divergence: f64,
}

impl LogitDistribution {
    /// The probability of a logit.
    pub fn probability(&self, logit: f32) -> f32 {
        (f64::from(logit) - self.log_sum).exp() as f32
    }
}

impl Rows {
    /// The distributions over all rows that each of `vectors` (`[m, d_model]`) gives.
    ///
    /// # Errors
    /// The device fails, a logit that is no number, or the token is cancelled.
    pub fn distributions(
        &self,
        vectors: &Matrix,
        shape: LogitShape<'_>,
        wanted: LogitsWanted<'_>,
        cancel: CancelToken<'_>,
    ) -> Result<Vec<LogitDistribution>, ProjectionError> {
        let vectors = &*self.brought(vectors);
        let counted = match &*self.store {
            Store::Host(rows) => Some(self.counted(rows)),
            Store::Device(_) => None,
        };
        let longest = counted.map_or(0.0, |counted| counted.longest);
        let pass = Pass {
            shape,
            wanted,
            slacks: (0..vectors.rows())
                .map(|j| match counted {
                    Some(_) => {
                        let vector = vectors.row(j);
                        shape.slack(slack(vector, longest), norm(vector) * longest)
                    }
                    None => 0.0,
                })
                .collect(),
            exact: self.logits_of(vectors, shape, wanted.tokens)?,
        };
        let tallies = match (&*self.store, counted) {
            (Store::Device(rows), _) => pass.on_device(rows, vectors, cancel)?,
            (Store::Host(_), Some(counted)) => pass.on_host(counted, vectors, cancel)?,
            (Store::Host(_), None) => Vec::new(),
        };
        pass.distributions(tallies, counted, vectors)
    }

    /// All logits of one state, `[vocab]`, the same to the bit as in [`Self::distributions`].
    ///
    /// # Errors
    /// As [`Self::distributions`].
    pub fn logits(
        &self,
        vector: &[f32],
        shape: LogitShape<'_>,
    ) -> Result<Vec<f32>, ProjectionError> {
        let vectors = Matrix::new(1, vector.len(), vector.to_vec());
        let vectors = self.brought(&vectors);
        let all: Vec<u32> = (0..self.len as u32).collect();
        let of = |ids: &[u32]| self.logits_of(&vectors, shape, ids).map(|mut of| of.pop());
        let parts: Result<Vec<_>, _> = all.par_chunks(CHUNK_ROWS).map(of).collect();
        let logits: Vec<f32> = parts?.into_iter().flatten().flatten().collect();
        match logits.iter().all(|x| x.is_finite()) {
            true => Ok(logits),
            false => Err(ProjectionError::Overflow),
        }
    }

    /// The exact logits of some tokens for each vector.
    fn logits_of(
        &self,
        vectors: &Matrix,
        shape: LogitShape<'_>,
        tokens: &[u32],
    ) -> Result<Vec<Vec<f32>>, ProjectionError> {
        let of_host = |counted: TransformedRows<'_>, j: usize| {
            let mut buffer = Vec::new();
            let logit = |&id: &u32| {
                let row = id as usize;
                let product = counted.score(row, (vectors.row(j), 0.0), &mut buffer);
                shape.of(row, product)
            };
            tokens.iter().map(logit).collect()
        };
        Ok(match &*self.store {
            Store::Host(rows) => {
                let counted = self.counted(rows);
                (0..vectors.rows()).map(|j| of_host(counted, j)).collect()
            }
            Store::Device(_) => {
                let rows = self.pick_stored(tokens)?;
                let dot = |row: &[f32], vector: &[f32]| {
                    let terms = row.iter().zip(vector);
                    terms
                        .map(|(a, b)| f64::from(*a) * f64::from(*b))
                        .sum::<f64>() as f32
                };
                let logit = |j: usize, (at, &id): (usize, &u32)| {
                    shape.of(id as usize, dot(rows.row(at), vectors.row(j)))
                };
                let of = |j| tokens.iter().enumerate().map(|t| logit(j, t)).collect();
                (0..vectors.rows()).map(of).collect()
            }
        })
    }
}

/// One pass over the rows.
struct Pass<'a> {
    shape: LogitShape<'a>,
    wanted: LogitsWanted<'a>,
    /// How far the blocks' logits of each vector may be from the exact ones.
    slacks: Vec<f32>,
    /// The exact logits of the wanted tokens, by vector.
    exact: Vec<Vec<f32>>,
}

impl Pass<'_> {
    fn empty(&self) -> Vec<Tally> {
        let tally = Tally {
            best: Side::new(self.wanted.k),
            largest: f32::NEG_INFINITY,
            sum: 0.0,
            weighted: 0.0,
            of_reference: f32::NEG_INFINITY,
            cross: 0.0,
            above: vec![0; self.wanted.tokens.len()],
            unsure: vec![Vec::new(); self.wanted.tokens.len()],
        };
        vec![tally; self.slacks.len()]
    }

    fn on_host(
        &self,
        counted: TransformedRows<'_>,
        vectors: &Matrix,
        cancel: CancelToken<'_>,
    ) -> Result<Vec<Tally>, ProjectionError> {
        let blocks: Vec<Range<usize>> = chunks(counted.rows.rows(), CHUNK_ROWS).collect();
        let share = blocks.len().div_ceil(4 * rayon::current_num_threads());
        let shifts = vec![0.0; vectors.rows()];
        let found = blocks
            .par_chunks(share.max(1))
            .map(|blocks| {
                let (mut tallies, mut scratch) = (self.empty(), Scratch::default());
                for block in blocks {
                    cancel.check()?;
                    let scores =
                        multiplied(counted, block.clone(), (vectors, &shifts), &mut scratch);
                    self.shape.apply(block, scores);
                    self.take(block, scores, &mut tallies);
                }
                Ok(tallies)
            })
            .try_reduce_with(|mut a, b| {
                self.merge(&mut a, b);
                Ok(a)
            });
        found.unwrap_or_else(|| Ok(self.empty()))
    }

    fn on_device(
        &self,
        rows: &Tensor,
        vectors: &Matrix,
        cancel: CancelToken<'_>,
    ) -> Result<Vec<Tally>, ProjectionError> {
        let shape = (vectors.rows(), vectors.cols());
        let vectors = Tensor::from_slice(vectors.data(), shape, rows.device())?;
        let mut tallies = self.empty();
        for block in chunks(rows.dim(0)?, DEVICE_ROWS) {
            cancel.check()?;
            let some = rows.narrow(0, block.start, block.len())?.t()?;
            let mut scores: Vec<f32> = vectors.matmul(&some)?.flatten_all()?.to_vec1()?;
            self.shape.apply(&block, &mut scores);
            self.take(&block, &scores, &mut tallies);
        }
        Ok(tallies)
    }

    /// Takes in a block's logits, one vector's after another's.
    fn take(&self, block: &Range<usize>, scores: &[f32], tallies: &mut [Tally]) {
        let arch = Arch::new();
        let of = |j: usize| &scores[j * block.len()..(j + 1) * block.len()];
        let mut references: Vec<usize> = self.wanted.references.to_vec();
        references.sort_unstable();
        references.dedup();
        let weights: Vec<(f32, Vec<f32>)> = references
            .iter()
            .map(|&j| arch.dispatch(WeightsOf(of(j))))
            .collect();
        for (j, tally) in tallies.iter_mut().enumerate() {
            let logits = of(j);
            let sums = arch.dispatch(SumsOf(logits));
            tally.add(&sums);
            let reference = self.wanted.references.get(j);
            if let Some(at) = reference.and_then(|r| references.binary_search(r).ok()) {
                let (largest, weights) = &weights[at];
                tally.add_cross(*largest, arch.dispatch(Crossed(weights, logits)));
            }
            let slack = self.slacks[j];
            if sums.largest >= tally.best.least {
                for (row, &logit) in block.clone().zip(logits) {
                    tally.best.offer(row as u32, logit, slack);
                }
            }
            for (at, &exact) in self.exact[j].iter().enumerate() {
                let (surely, maybe) = (exact + slack, exact - slack);
                for (row, &logit) in block.clone().zip(logits) {
                    if logit > surely {
                        tally.above[at] += 1;
                    } else if logit >= maybe {
                        tally.unsure[at].push(row as u32);
                    }
                }
            }
        }
    }

    fn merge(&self, into: &mut [Tally], from: Vec<Tally>) {
        for ((into, from), slack) in into.iter_mut().zip(from).zip(&self.slacks) {
            into.add(&Sums {
                largest: from.largest,
                sum: from.sum,
                weighted: from.weighted,
            });
            into.add_cross(from.of_reference, from.cross);
            for scored in from.best.kept {
                into.best.offer(scored.id, scored.score, *slack);
            }
            let above = into.above.iter_mut().zip(from.above);
            above.for_each(|(a, b)| *a += b);
            let unsure = into.unsure.iter_mut().zip(from.unsure);
            unsure.for_each(|(a, b)| a.extend(b));
        }
    }

    /// What the tallies come to, the best and the unsure scored again exactly.
    fn distributions(
        &self,
        tallies: Vec<Tally>,
        counted: Option<TransformedRows<'_>>,
        vectors: &Matrix,
    ) -> Result<Vec<LogitDistribution>, ProjectionError> {
        let means: Vec<(f64, f64)> = tallies
            .iter()
            .map(|t| (t.log_sum(), f64::from(t.largest) + t.weighted / t.sum))
            .collect();
        let sums: Vec<f64> = tallies.iter().map(|t| t.sum).collect();
        if !means
            .iter()
            .all(|(log_sum, mean)| log_sum.is_finite() && mean.is_finite())
        {
            return Err(ProjectionError::Overflow);
        }
        let one = |(j, mut tally): (usize, Tally)| {
            let mut buffer = Vec::new();
            let mut exact = |row: u32, block: f32| match counted {
                Some(counted) => {
                    let vector = (vectors.row(j), 0.0);
                    let product = counted.score(row as usize, vector, &mut buffer);
                    self.shape.of(row as usize, product)
                }
                None => block,
            };
            tally.best.prune(self.slacks[j]);
            let mut best = Best::new(self.wanted.k);
            for Scored { id, score } in tally.best.kept {
                let score = exact(id, score);
                best.offer(Scored { id, score });
            }
            let tokens = self.wanted.tokens.iter().zip(&self.exact[j]).enumerate();
            let tokens = tokens.map(|(at, (&id, &score))| {
                let mut rank = 1 + tally.above[at];
                for &row in &tally.unsure[at] {
                    let other = exact(row, score);
                    rank += usize::from(other > score || other == score && row < id);
                }
                RankedScore { score, rank }
            });
            let tokens = tokens.collect();
            let (log_sum, mean) = means[j];
            let divergence = self.wanted.references.get(j).map_or(0.0, |&r| {
                if r == j {
                    return 0.0;
                }
                let (log_sum_r, mean_r) = means[r];
                (mean_r - tally.cross / sums[r] - log_sum_r + log_sum).max(0.0)
            });
            LogitDistribution {
                best: best.into_sorted(),
                tokens,
                log_sum,
                entropy: (log_sum - mean).max(0.0),
                divergence,
            }
        };
        Ok(tallies.into_par_iter().enumerate().map(one).collect())
    }
}
