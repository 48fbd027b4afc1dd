//! One thread that owns the model: queries in, answers out, the newest first.

use std::sync::Arc;
use std::time::Duration;

use crate::checkpoint::Location;
use crate::query::{Answer, ModelCard, Query};

/// Which opening of a model a message belongs to; later openings have larger numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ModelId(pub u64);

/// What the worker tells.
pub enum Event {
    /// A model is open; answers to its queries may follow.
    Opened { id: ModelId, card: Arc<ModelCard> },
    /// It could not be opened; the model before it is still there.
    NotOpened {
        id: ModelId,
        name: String,
        message: String,
    },
    /// An answer, or a better one than before (see `PairsAnswer::exact`).
    Answered {
        id: ModelId,
        query: Query,
        answer: Arc<Answer>,
        took: Duration,
    },
    /// A query could not be answered.
    Failed {
        id: ModelId,
        query: Query,
        message: String,
    },
}

/// The thread's handle; dropping it cancels what runs and joins.
pub struct Worker {}

impl Worker {
    /// Opens a model in the place of the present one, which stays until the new one is open.
    pub fn open(&self, _location: Location) -> ModelId {
        todo!("helper C")
    }

    /// What the screen shows now, most important first. Replaces the list before: what is not in
    /// it any more is dropped or, if it runs, stopped at its next chunk.
    pub fn want(&self, _id: ModelId, _queries: Vec<Query>) {
        todo!("helper C")
    }
}
