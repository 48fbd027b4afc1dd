//! What the worker needs from the thing that answers, and what that thing may ask in return.

use std::sync::Arc;

use crate::checkpoint::CheckpointError;
use crate::hub::{HubError, Progress, Waiting};

use super::{Answer, ModelCard, NeuronAnswer, NeuronQuery, Query, QueryError};

/// An open model that answers queries.
pub trait Answering: Send {
    /// Answers one query. `watch.wanted()` is asked between chunks; partial answers go to
    /// `watch.improved`.
    ///
    /// `Ok(None)`: `watch.wanted()` said no, and nothing else makes it.
    ///
    /// # Errors
    /// A place that the model does not have, or numbers that cannot be read.
    fn answer(&mut self, query: &Query, watch: &dyn Watch) -> Result<Option<Answer>, QueryError>;

    /// Several neuron queries of the same filters in one pass over the embedding, an answer each,
    /// in their order; otherwise as [`Answering::answer`], without partial answers.
    ///
    /// # Errors
    /// As [`Answering::answer`].
    fn answer_neurons(
        &mut self,
        queries: &[NeuronQuery],
        watch: &dyn Watch,
    ) -> Result<Option<Vec<NeuronAnswer>>, QueryError>;

    /// What is known of the model.
    fn card(&self) -> Arc<ModelCard>;
}

/// Whoever waits for an answer.
pub trait Watch: Sync {
    /// Whether the answer is still wanted; cheap enough to be asked every few milliseconds.
    fn wanted(&self) -> bool;

    /// Takes an answer that is not finished but better than the one before.
    fn improved(&self, partial: Answer);

    /// Takes how far the weights that the answer needs have come from the hub.
    fn fetching(&self, _progress: &Progress) {}
}

/// Whoever waits for an answer waits for the weights that it needs.
pub(super) struct Fetch<'a>(pub(super) &'a dyn Watch);

impl Waiting for Fetch<'_> {
    fn wanted(&self) -> bool {
        self.0.wanted()
    }

    fn progress(&self, progress: &Progress) {
        self.0.fetching(progress);
    }
}

/// `false` if the transfer was called off.
pub(super) fn arrived(brought: Result<(), CheckpointError>) -> Result<bool, QueryError> {
    match brought {
        Ok(()) => Ok(true),
        Err(CheckpointError::Hub {
            error: HubError::CalledOff,
            ..
        }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Waits to the end, and for the end only.
#[derive(Clone, Copy, Debug)]
pub struct Patient;

impl Watch for Patient {
    fn wanted(&self) -> bool {
        true
    }

    fn improved(&self, _partial: Answer) {}
}

/// Lets nothing through of the partial answers that another answer is made of.
pub(super) struct Quiet<'a>(pub(super) &'a dyn Watch);

impl Watch for Quiet<'_> {
    fn wanted(&self) -> bool {
        self.0.wanted()
    }

    fn improved(&self, _partial: Answer) {}

    fn fetching(&self, progress: &Progress) {
        self.0.fetching(progress);
    }
}
