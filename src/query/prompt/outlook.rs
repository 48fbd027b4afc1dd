//! A model that a text is run on, and what is read of its last state.

use candle_core::Tensor;

use super::run::row;
use super::{Prediction, TargetAnswer};
use crate::checkpoint::Matrix;
use crate::projection::{LogitDistribution, LogitShape, LogitsWanted};
use crate::query::{QueryError, Reader};
use crate::task::CancelToken;
use crate::transformer::{Forward, ForwardError, LogitHead};

/// What all parts of an answer need.
pub(super) struct PromptedModel<'a> {
    pub reader: &'a Reader,
    pub forward: Forward<'a>,
    pub head: LogitHead,
    pub position: usize,
    pub cancel: CancelToken<'a>,
}

/// What is read of a run's states.
pub(super) struct Outlook {
    /// All logits at the position, `[vocab]`.
    pub logits: Vec<f32>,
    pub predictions: Vec<Prediction>,
}

impl PromptedModel<'_> {
    pub(super) fn error(&self, error: impl Into<ForwardError>) -> QueryError {
        self.reader.model().forward_error(error.into())
    }

    pub(super) fn shape(&self) -> LogitShape<'_> {
        LogitShape {
            bias: self.head.bias(),
            softcap: self.head.softcap(),
        }
    }

    pub(super) fn is_causal(&self) -> bool {
        let forward = self.reader.weights.checkpoint().forward();
        forward.is_none_or(|forward| forward.causal)
    }

    /// What W_U is multiplied with at the position after the last layer.
    pub(super) fn last_read(&self, states: &[Tensor], at: usize) -> Result<Vec<f32>, QueryError> {
        let last = states.last().ok_or(QueryError::WrongAnswer)?;
        let read = self.head.read(last).map_err(|e| self.error(e))?;
        row(&read, at).map_err(|e| self.error(e))
    }

    pub(super) fn outlook(&self, states: &[Tensor], k: usize) -> Result<Outlook, QueryError> {
        let read = self.last_read(states, self.position)?;
        let written = &self.reader.logit_rows;
        let logits = written.logits(&read, self.shape())?;
        let wanted = LogitsWanted {
            k: k.max(1),
            tokens: &[],
            references: &[],
        };
        let vector = Matrix::new(1, read.len(), read);
        let found = written.distributions(&vector, self.shape(), wanted, self.cancel)?;
        let predictions = found.first().map(predictions).unwrap_or_default();
        Ok(Outlook {
            logits,
            predictions,
        })
    }

    /// The words that were asked about, by all logits at the position.
    pub(super) fn target_answers(
        &self,
        outlook: &Outlook,
        targets: &[u32],
        lens: Vec<Vec<f32>>,
    ) -> Vec<TargetAnswer> {
        let log_sum = log_sum(&outlook.logits);
        let one = |(&id, lens): (&u32, Vec<f32>)| {
            let logit = outlook.logits[id as usize];
            let ahead = outlook.logits.iter().zip(0u32..);
            let ahead = ahead.filter(|&(&x, other)| x > logit || x == logit && other < id);
            TargetAnswer {
                prediction: Prediction {
                    id,
                    logit,
                    probability: (f64::from(logit) - log_sum).exp() as f32,
                },
                rank: 1 + ahead.count(),
                lens,
            }
        };
        targets.iter().zip(lens).map(one).collect()
    }
}

pub(super) fn predictions(of: &LogitDistribution) -> Vec<Prediction> {
    let best = of.best.iter().map(|scored| Prediction {
        id: scored.id,
        logit: scored.score,
        probability: of.probability(scored.score),
    });
    best.collect()
}

/// log Σ exp(x).
pub(super) fn log_sum(logits: &[f32]) -> f64 {
    let largest = logits.iter().fold(f32::NEG_INFINITY, |m, &x| m.max(x));
    let terms = logits
        .iter()
        .map(|&x| (f64::from(x) - f64::from(largest)).exp());
    f64::from(largest) + terms.sum::<f64>().ln()
}
