//! Why a query was not answered.

use thiserror::Error;

use crate::checkpoint::CheckpointError;
use crate::hub::HubError;
use crate::projection::ProjectionError;
use crate::task::Cancelled;
use crate::transformer::ForwardError;
use crate::vocabulary::VocabularyError;

/// Why a model could not be opened, or a query not answered.
#[derive(Debug, Error)]
pub enum QueryError {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
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
    /// A search that does not fit into the memory that it may take.
    #[error(
        "{model}: the pairs of a head take {needed}M beside the embedding, and --memory allows \
         {most}M; give --memory {needed}M"
    )]
    Memory {
        model: String,
        needed: u64,
        most: u64,
    },
    /// An answer of another kind than the query.
    #[error("no answer came back; this is a defect of lexiscope")]
    WrongAnswer,
    /// What another kind of reader has to say.
    #[error("{0}")]
    Other(String),
}

impl QueryError {
    /// Whether it was cancelled, at whatever depth: nothing is wrong then.
    pub fn is_cancelled(&self) -> bool {
        match self {
            Self::Cancelled(_) | Self::Projection(ProjectionError::Cancelled(_)) => true,
            Self::Forward { error, .. } => matches!(**error, ForwardError::Cancelled(_)),
            Self::Checkpoint(CheckpointError::Hub { error, .. }) => {
                matches!(error, HubError::Cancelled(_))
            }
            Self::Checkpoint(_)
            | Self::Vocabulary { .. }
            | Self::Nothing { .. }
            | Self::Projection(_)
            | Self::NoInverse { .. }
            | Self::NotFinite { .. }
            | Self::OutOfRange { .. }
            | Self::NeedsAll { .. }
            | Self::Memory { .. }
            | Self::WrongAnswer
            | Self::Other(_) => false,
        }
    }
}
