//! Why a query was not answered.

use thiserror::Error;

/// Why a query was not answered.
#[derive(Debug, Error)]
pub enum QueryError {
    /// Anything else, said in a sentence.
    #[error("{0}")]
    Other(String),
}
