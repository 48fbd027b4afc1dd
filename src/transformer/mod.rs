//! Weights by layer, neuron and head.

mod form;

pub use form::Form;
