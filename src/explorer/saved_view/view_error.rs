//! Why a text is no view.

use thiserror::Error;

use crate::query::AddressError;

/// Why a text is no view.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ViewError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("a quote is open: expected another one, or none")]
    OpenQuote,
    #[error(
        "`{0}` is no option of a view: expected options of `lexiscope neuron`, `pairs`, `dictionary` or `geometry`"
    )]
    Option(String),
    #[error("{name}: {why}")]
    Value { name: String, why: String },
    #[error(
        "`{0}` makes a list that is no place of the explorer: expected neuron, pairs, directions, dictionary, links or geometry"
    )]
    Command(String),
}
