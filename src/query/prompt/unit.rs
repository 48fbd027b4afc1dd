//! What of a model can be changed: a neuron or a head.

use std::ops::Range;

use crate::checkpoint::{NeuronBlock, Spec};
use crate::query::{Address, ModelCard};

/// A neuron or a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    Neuron {
        layer: usize,
        neuron: usize,
    },
    /// A neuron by its number in an expert.
    OfExpert {
        layer: usize,
        /// `None` is the shared one.
        expert: Option<usize>,
        neuron: usize,
    },
    Head {
        layer: usize,
        head: usize,
    },
}

impl Unit {
    /// Its layer.
    pub fn layer(self) -> usize {
        match self {
            Self::Neuron { layer, .. }
            | Self::OfExpert { layer, .. }
            | Self::Head { layer, .. } => layer,
        }
    }

    /// Its address.
    pub fn address(self) -> Address {
        match self {
            Self::Neuron { layer, neuron } => Address::Neuron { layer, neuron },
            Self::OfExpert {
                layer,
                expert,
                neuron,
            } => Address::Expert {
                layer,
                expert,
                neuron: Some(neuron),
            },
            Self::Head { layer, head } => Address::Head {
                layer,
                head,
                form: None,
            },
        }
    }

    /// Its numbers among those of its layer: activations of all neurons, or what all heads read.
    pub(super) fn columns(self, spec: &Spec) -> Range<usize> {
        match self {
            Self::Neuron { neuron, .. } => neuron..neuron + 1,
            Self::OfExpert {
                layer,
                expert,
                neuron,
            } => {
                let block = expert.map_or(NeuronBlock::Shared, NeuronBlock::Expert);
                let sizes = spec.experts(layer);
                let at = sizes.map_or(0, |sizes| sizes.first(block)) + neuron;
                at..at + 1
            }
            Self::Head { layer, head } => {
                let d_head = spec.head_sizes(layer).d_head;
                head * d_head..(head + 1) * d_head
            }
        }
    }

    /// The same under the name that tells its expert, where it has one.
    pub(super) fn named(self, card: &ModelCard) -> Self {
        Self::try_from(card.named(self.address())).unwrap_or(self)
    }
}

impl TryFrom<Address> for Unit {
    type Error = Address;

    fn try_from(address: Address) -> Result<Self, Address> {
        match address {
            Address::Neuron { layer, neuron } => Ok(Self::Neuron { layer, neuron }),
            Address::Head { layer, head, .. } => Ok(Self::Head { layer, head }),
            Address::Expert {
                layer,
                expert,
                neuron: Some(neuron),
            } => Ok(Self::OfExpert {
                layer,
                expert,
                neuron,
            }),
            Address::Layer { .. }
            | Address::Expert { neuron: None, .. }
            | Address::State { .. }
            | Address::Token { .. }
            | Address::Direction { .. } => Err(address),
        }
    }
}
