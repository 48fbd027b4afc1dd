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
    // Not `source`: a chain of errors would be printed with the same sentence twice.
    #[error("{model}: {error}")]
    Vocabulary {
        model: String,
        error: VocabularyError,
    },
    #[error("{model}: {error}")]
    Forward {
        model: String,
        error: Box<ForwardError>,
    },
    /// Texts or a token about which nothing can be said.
    #[error("{model}: {what}")]
    Nothing { model: String, what: String },
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// Rows of an embedding that do not reach every direction, or whose inverse is no number.
    #[error("{model}: the convention inverse is not offered: its embedding {why}; leave it out")]
    NoInverse { model: String, why: &'static str },
    /// Numbers that overflow single precision, or are none.
    #[error(
        "{model}: {what}: expected finite numbers, got {got}; the weights are too large or too \
             small for single precision"
    )]
    NotFinite {
        model: String,
        what: String,
        got: String,
    },
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
