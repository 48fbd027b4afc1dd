//! What can go wrong in a projection.

use thiserror::Error;

use crate::task::Cancelled;

/// Why a product could not be computed.
#[derive(Debug, Error)]
pub enum ProjectionError {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The device refused; out of memory, most often.
    #[error("the device failed: {0}; try --device cpu")]
    Device(String),
    /// A score that is infinite or no number.
    #[error(
        "a score overflows single precision: expected weights and embeddings of a common size, got \
         some that are too large to be multiplied; there is no list of them"
    )]
    Overflow,
    /// Scores that single precision rounds to nothing.
    #[error(
        "scores vanish in single precision: expected weights and embeddings of a common size, got \
         some that are too small to be multiplied; there is no list of them"
    )]
    Underflow,
}

impl From<candle_core::Error> for ProjectionError {
    fn from(error: candle_core::Error) -> Self {
        // candle adds a backtrace below the first line.
        Self::Device(
            error
                .to_string()
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
        )
    }
}
