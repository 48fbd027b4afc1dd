//! Weights by layer, neuron and head, and the forward pass.

mod form;
mod forward;
mod weights;

pub use form::{Form, Input};
pub use forward::{Forward, ForwardError, Hook, Seen, Site, with_numbers};
pub use weights::{FormWeights, Piece, Vectors, Weights};
