//! Why a model could not be run on texts.

use thiserror::Error;

use crate::checkpoint::{CheckpointError, UnknownChoice};
use crate::task::Cancelled;

/// What stands in the way of a forward pass, in one line.
#[derive(Debug, Error)]
pub enum ForwardError {
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(
        "{family} models can be read as words but not run on texts yet: \
         expected one of {known}; open one of these for its geometry"
    )]
    Family { family: &'static str, known: String },
    #[error(
        "{family} models can be read as words but not run on texts: they {why}; \
         expected one of {known}"
    )]
    NotRun {
        family: &'static str,
        why: &'static str,
        known: String,
    },
    #[error("the difference of two models cannot be run on texts: open one of the two")]
    Difference,
    #[error("configuration: unknown activation function {got}: expected one of {known}")]
    Activation { got: String, known: String },
    #[error(
        "configuration: unknown `{}` {}: expected {}; \
         such a model can be read as words but not run on texts",
        .0.key, .0.got, .0.expected
    )]
    Choice(UnknownChoice),
    #[error(
        "state {state} overflows single precision: expected finite numbers, got some that are not; \
         the weights are too large for it"
    )]
    Overflow { state: usize },
    #[error("a text of {got} tokens: expected 1 to {limit}, the positions that the model has")]
    Length { got: usize, limit: usize },
    #[error("token {got}: expected an id below {vocab}, the rows of the embedding")]
    Token { got: u32, vocab: usize },
    #[error(
        "the file has no masked-language-model head ({tensor}): predictions cannot be read; expected a \
         checkpoint that was saved with it"
    )]
    NoHead { tensor: String },
    #[error(
        "what takes the place of {point} has the shape {got}: expected {expected}, that of what it replaces"
    )]
    Replacement {
        point: &'static str,
        expected: String,
        got: String,
    },
    #[error(
        "layer {got}: expected a start at layer 0 to {last}, with states of the text's tokens before it"
    )]
    Start { got: usize, last: usize },
    #[error("layer {layer} has no neurons: expected a layer that has some")]
    NoNeurons { layer: usize },
    #[error(
        "texts go through the encoder alone here: its states can be asked for (geometry), predictions are not made"
    )]
    EncoderAlone,
    #[error("the derivative of {0} is not known here: a lens can be fitted to models without")]
    NoDerivative(&'static str),
    /// The device failed; the first line of what it says.
    #[error("the device could not compute: {0}; try --device cpu")]
    Device(String),
}

impl From<candle_core::Error> for ForwardError {
    fn from(error: candle_core::Error) -> Self {
        // candle adds a backtrace below the first line.
        let text = error.to_string();
        Self::Device(text.lines().next().unwrap_or_default().to_owned())
    }
}
