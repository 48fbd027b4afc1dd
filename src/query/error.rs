//! Why a query was not answered.

use thiserror::Error;

use crate::checkpoint::CheckpointError;
use crate::projection::ProjectionError;
use crate::transformer::ForwardError;
use crate::vocabulary::VocabularyError;

/// Why a model could not be opened, or a query not answered.
#[derive(Debug, Error)]
pub enum QueryError {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("{model}: {source}")]
    Vocabulary {
        model: String,
        source: VocabularyError,
    },
    #[error("{model}: {source}")]
    Forward {
        model: String,
        source: Box<ForwardError>,
    },
    /// Texts or a token about which nothing can be said.
    #[error("{model}: {what}")]
    Nothing { model: String, what: String },
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// A place that the model does not have.
    #[error("{what} {got} is not in {model}: expected 0 to {last}")]
    OutOfRange {
        what: &'static str,
        got: usize,
        last: usize,
        model: String,
    },
    #[error(
        "{model}: needs all of its weights, which stay on the hub: `lexiscope download {model}`"
    )]
    NeedsAll { model: String },
    /// What another kind of reader has to say.
    #[error("{0}")]
    Other(String),
}
