//! Weights by layer, neuron and head.

mod form;
mod weights;

pub use form::Form;
pub use weights::{FormWeights, Weights};
