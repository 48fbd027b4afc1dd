//! What the worker needs from the thing that answers, and what that thing may ask in return.

use std::sync::Arc;

use crate::hub::{Progress, Waiting};
use crate::task::CancelToken;

use super::{Answer, ModelCard, NeuronAnswer, NeuronQuery, Query, QueryError};

/// An open model that answers queries.
pub trait Answering: Send {
    /// Answers one query. Partial answers go to `callbacks.on_partial`.
    ///
    /// # Errors
    /// A place that the model does not have, numbers that cannot be read, or a cancelled token.
    fn answer(&mut self, query: &Query, callbacks: Callbacks<'_>) -> Result<Answer, QueryError>;

    /// Several neuron queries of the same filters in one pass over the embedding, an answer each,
    /// in their order; otherwise as [`Answering::answer`], without partial answers.
    ///
    /// # Errors
    /// As [`Answering::answer`].
    fn answer_neurons(
        &mut self,
        queries: &[NeuronQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<NeuronAnswer>, QueryError>;

    /// What is known of the model.
    fn card(&self) -> Arc<ModelCard>;
}

/// What is called while a query is being answered.
#[derive(Clone, Copy, Default)]
pub struct Callbacks<'a> {
    /// Checked every few milliseconds.
    pub cancel: CancelToken<'a>,
    /// Takes an answer that is not finished but better than the one before.
    pub on_partial: Option<&'a (dyn Fn(Answer) + Sync)>,
    /// Takes how far the weights that the answer needs have come from the hub.
    pub on_fetching: Option<&'a (dyn Fn(&Progress) + Sync)>,
}

impl Callbacks<'_> {
    /// Nobody is told anything, and nobody cancels.
    pub const fn none() -> Self {
        Self {
            cancel: CancelToken::never(),
            on_partial: None,
            on_fetching: None,
        }
    }

    /// The same for an answer of which another one is made.
    #[must_use]
    pub(super) fn without_partial(self) -> Self {
        Self {
            on_partial: None,
            ..self
        }
    }

    /// Passes on an answer that is not finished.
    pub fn partial(self, answer: Answer) {
        if let Some(on_partial) = self.on_partial {
            on_partial(answer);
        }
    }
}

impl Waiting for Callbacks<'_> {
    fn wanted(&self) -> bool {
        !self.cancel.is_cancelled()
    }

    fn progress(&self, progress: &Progress) {
        if let Some(on_fetching) = self.on_fetching {
            on_fetching(progress);
        }
    }
}
