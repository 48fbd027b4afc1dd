//! Neurons whose K or V column over the vocabulary is like a neuron's, in its own model or in another one
//! with the same tokens.
//!
//! The cosine of two columns E·x and E′·x′ over the shared tokens is x·(EᵀE′)·x′ over the roots of
//! x·(EᵀE)·x and x′·(E′ᵀE′)·x′: by these kernels, [d_model, d_model′], no column over the vocabulary is
//! formed for any of the other neurons (Dar et al. 2022, arXiv 2209.02535, §5). Exact up to rounding.

mod answering;
mod sheet;

use super::{Address, Convention};
use crate::transformer::Input;
use crate::vocabulary::Filters;

pub use sheet::similar_sheet;

/// Asks for the neurons whose columns are most like a neuron's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SimilarNeuronsQuery {
    pub layer: usize,
    pub neuron: usize,
    /// Of gated neurons, which input is the key, in both models.
    pub input: Input,
    /// Neurons in each list.
    pub count: usize,
    /// Tokens of K and V that come with a neuron.
    pub words: usize,
    /// Which tokens count.
    pub filters: Filters,
    pub convention: Convention,
}

impl SimilarNeuronsQuery {
    /// Tokens of each side, unless others are asked for.
    pub const WORDS: usize = 6;

    /// The neuron that is asked about.
    pub fn address(&self) -> Address {
        let (layer, neuron) = (self.layer, self.neuron);
        Address::Neuron { layer, neuron }
    }
}

/// A neuron with the cosines of its columns with those of the one that is asked about; `None` of a
/// column that is all zeros.
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarNeuron {
    pub layer: usize,
    pub neuron: usize,
    pub key: Option<f32>,
    /// `None` where one of the models has no output embedding, too.
    pub value: Option<f32>,
    /// Its best tokens, of its own model's vocabulary.
    pub key_words: Vec<u32>,
    pub value_words: Vec<u32>,
}

/// The most similar neurons.
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarNeuronsAnswer {
    /// Highest cosine of K first.
    pub by_key: Vec<SimilarNeuron>,
    /// Highest cosine of V first.
    pub by_value: Vec<SimilarNeuron>,
    /// Tokens that both vocabularies have and that the filters let pass: over these columns are compared.
    pub shared: usize,
    /// Tokens of both.
    pub tokens: [usize; 2],
    /// The best tokens of the neuron that is asked about: of K, and of V.
    pub own_words: [Vec<u32>; 2],
}
