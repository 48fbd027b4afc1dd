//! Evidence for reading keys and values as words: of every neuron, whether its K list tells when it
//! fires, and whether its V list tells what the model then predicts.
//!
//! Positions that count are those of [`contexts`](super::contexts). **Precision of K at 10** is
//! [`KeyFigures::precision`](super::KeyFigures::precision). **Agreement of V at 10**: of the same 10
//! positions, the share where the model's best prediction is among the first 10 of the neuron's V
//! list; what is predicted at a position is the next token, of an encoder the token there. Beside each
//! stands its *base*, the share of all positions that count of which the same holds.

mod answering;
mod sheet;

pub use answering::EvidenceRun;

use super::kind::{AnswerKind, AnyListed, NotFinite, QueryKind};
use super::{Answer, Callbacks, ContextTexts, Convention, ModelCard, QueryError, Reader};
use crate::checkpoint::Reading;
use crate::transformer::Input;

/// Asks for the evidence of all neurons of a model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EvidenceQuery {
    pub texts: ContextTexts,
    /// Of gated neurons, which input is the key.
    pub input: Input,
    /// How weights become words.
    pub convention: Convention,
}

/// The evidence of all neurons.
#[derive(Clone, Debug, PartialEq)]
pub struct EvidenceAnswer {
    pub layers: Vec<LayerEvidence>,
    /// Positions that count.
    pub positions: usize,
    /// What the user should know, a sentence each.
    pub notices: Vec<String>,
    /// Share of the work that is done, 0 to 1; before that nothing else is known.
    pub done: f32,
}

/// The evidence of a layer's neurons.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerEvidence {
    pub neurons: Vec<NeuronEvidence>,
}

/// The evidence of a neuron.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeuronEvidence {
    /// The highest activation.
    pub most: f32,
    /// The share of positions where the activation is above 0.
    pub above_zero: f64,
    /// Precision of K at 10.
    pub precision: f64,
    pub precision_base: f64,
    /// Agreement of V at 10; `None` where nothing is predicted.
    pub agreement: Option<f64>,
    pub agreement_base: Option<f64>,
}

impl LayerEvidence {
    /// The mean over the neurons; `None` if it is not known of them.
    pub fn mean(&self, of: impl Fn(&NeuronEvidence) -> Option<f64>) -> Option<f64> {
        let sum: Option<f64> = self.neurons.iter().map(of).sum();
        sum.map(|sum| sum / self.neurons.len().max(1) as f64)
    }
}

impl EvidenceAnswer {
    /// Work that is so far done.
    fn so_far(done: f32) -> Self {
        Self {
            layers: Vec::new(),
            positions: 0,
            notices: Vec::new(),
            done,
        }
    }
}

impl QueryKind for EvidenceQuery {
    fn convention(&self) -> Option<Convention> {
        Some(self.convention)
    }

    fn readings(&self) -> &'static [Reading] {
        &[Reading::Neurons]
    }

    fn needs_all_weights(&self) -> bool {
        true
    }

    fn check(&self, card: &ModelCard) -> Result<(), String> {
        card.check_input(self.input)
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Evidence(reader.evidence(self, callbacks)?))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl EvidenceQuery {
    /// What it is made under, in a line.
    pub fn described(&self) -> String {
        format!(
            "convention {} · texts {}",
            self.convention.name(),
            self.texts.described()
        )
    }
}

impl AnswerKind for EvidenceAnswer {
    fn heap_bytes(&self) -> usize {
        let layers = self.layers.iter();
        layers.map(|layer| size_of_val(&layer.neurons[..])).sum()
    }

    fn not_finite(&self) -> Option<NotFinite> {
        let neurons = self.layers.iter().flat_map(|layer| &layer.neurons);
        NotFinite::among("activations", neurons.map(|neuron| neuron.most.into()))
    }
}
