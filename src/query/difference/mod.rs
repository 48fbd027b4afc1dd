//! What a fine-tune changed: neurons and heads ranked by how far they moved, and the lists of both
//! models side by side. Asked of a difference of two models.

mod figures;
mod heads;
mod lists;
mod lists_sheet;
mod neurons;
mod sheet;

use super::kind::{AnswerKind, AnyListed, NotFinite, QueryKind};
use super::{
    Address, Answer, Callbacks, Convention, ModelCard, NeuronQuery, PairsQuery, Query, QueryError,
    Reader,
};
use crate::checkpoint::Reading;
use crate::vocabulary::Filters;

pub(super) use lists_sheet::beside;

/// Neurons and heads by how much they changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChangesQuery {
    /// Only this layer.
    pub layer: Option<usize>,
    /// Neurons, and heads, in the list; 0 for none.
    pub neurons: usize,
    pub heads: usize,
    /// Length of the lists of which the overlap is told, for the neurons and heads in the list.
    pub k: usize,
    /// Whether the overlap of heads is told where a search of pairs takes seconds, too.
    pub pairs: bool,
    pub filters: Filters,
    pub convention: Convention,
}

/// How far a vector or a form of the tuned model is from the base's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VectorChange {
    /// |Δ|/|base|; `None` where the base has no length and the tuned model has.
    pub relative: Option<f64>,
    /// Of the two; `None` where one has no length.
    pub cosine: Option<f64>,
}

/// Numbers of the matrices that were compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangedNumbers {
    pub all: usize,
    pub changed: usize,
    /// Of those that changed, where both models are stored in 16 bits: by no more than the step to the
    /// next number that the coarser type holds, which rounding alone may do.
    pub by_rounding: usize,
}

/// A neuron and how far it moved.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedNeuron {
    pub layer: usize,
    pub neuron: usize,
    /// Of its vectors together.
    pub change: VectorChange,
    /// Of a gated neuron the gate.
    pub key: VectorChange,
    /// Of a gated neuron.
    pub up: Option<VectorChange>,
    pub value: VectorChange,
    pub numbers: ChangedNumbers,
    /// Tokens that the best k of both models have in common, of K and of V.
    pub overlap: Option<[usize; 2]>,
    /// First words of the changes of K and of V.
    pub words: [Vec<u32>; 2],
}

/// A head and how far it moved.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedHead {
    pub layer: usize,
    pub head: usize,
    pub vo: VectorChange,
    pub qk: VectorChange,
    /// Pairs that the best k of both models have in common, of VO and of QK.
    pub overlap: Option<[usize; 2]>,
}

/// What changed most.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangesAnswer {
    /// Most first, by the change of all vectors together.
    pub neurons: Vec<ChangedNeuron>,
    /// Most first, by the form that changed more.
    pub heads: Vec<ChangedHead>,
    /// Of the vectors of all neurons that were looked at.
    pub numbers: ChangedNumbers,
    /// How many neurons and heads were looked at, and how many of them changed at all.
    pub looked_at: [usize; 2],
    pub changed: [usize; 2],
}

/// A list in both models.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BothListsQuery {
    Neuron(NeuronQuery),
    Pairs(PairsQuery),
}

/// Where an item of one of two lists stands in both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moved<T> {
    pub item: T,
    /// Rank from 1 and score, if it is among the best k.
    pub tuned: Option<(usize, f32)>,
    pub base: Option<(usize, f32)>,
}

/// A pair of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPair {
    pub from: u32,
    pub to: u32,
}

/// Both models' lists: those of the tuned model in their order, then what fell out of them.
#[derive(Clone, Debug, PartialEq)]
pub enum BothListsAnswer {
    Neuron {
        /// In the order of [`NeuronColumn::ALL`](super::NeuronColumn::ALL).
        columns: [Vec<Moved<u32>>; 4],
        key: VectorChange,
        value: VectorChange,
        numbers: ChangedNumbers,
    },
    Pairs {
        pairs: Vec<Moved<TokenPair>>,
        change: VectorChange,
    },
}

impl QueryKind for ChangesQuery {
    fn filters(&self) -> Option<&Filters> {
        Some(&self.filters)
    }

    fn convention(&self) -> Option<Convention> {
        Some(self.convention)
    }

    fn address(&self) -> Option<Address> {
        self.layer.map(|layer| Address::Layer { layer })
    }

    fn readings(&self) -> &'static [Reading] {
        match (self.neurons, self.heads) {
            (0, _) => &[Reading::Vo, Reading::Qk],
            (_, 0) => &[Reading::Neurons],
            _ => &[Reading::Neurons, Reading::Vo, Reading::Qk],
        }
    }

    fn needs_all_weights(&self) -> bool {
        true
    }

    fn check(&self, card: &ModelCard) -> Result<(), String> {
        compared(card)
    }

    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::Changes(_))
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Changes(reader.changes(self, callbacks)?))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl BothListsQuery {
    /// Whether it asks for the lists of which the query asks the change.
    pub(super) fn is_about(&self, query: &Query) -> bool {
        match (self, query) {
            (Self::Neuron(own), Query::Neuron(of)) => own == of,
            (Self::Pairs(own), Query::Pairs(of)) => own == of,
            _ => false,
        }
    }
}

impl QueryKind for BothListsQuery {
    fn filters(&self) -> Option<&Filters> {
        match self {
            Self::Neuron(query) => query.filters(),
            Self::Pairs(query) => query.filters(),
        }
    }

    fn convention(&self) -> Option<Convention> {
        match self {
            Self::Neuron(query) => query.convention(),
            Self::Pairs(query) => query.convention(),
        }
    }

    fn address(&self) -> Option<Address> {
        match self {
            Self::Neuron(query) => Some(query.address()),
            Self::Pairs(query) => Some(query.address()),
        }
    }

    fn readings(&self) -> &'static [Reading] {
        match self {
            Self::Neuron(query) => query.readings(),
            Self::Pairs(query) => query.readings(),
        }
    }

    fn check(&self, card: &ModelCard) -> Result<(), String> {
        compared(card)
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::BothLists(reader.both_lists(self, callbacks)?))
    }
}

/// Whether two models are compared.
fn compared(card: &ModelCard) -> Result<(), String> {
    match card.against {
        Some(_) => Ok(()),
        None => Err("nothing is compared with it: give --against MODEL".to_owned()),
    }
}

impl VectorChange {
    fn not_finite(&self) -> Option<NotFinite> {
        let numbers = self.relative.into_iter().chain(self.cosine);
        NotFinite::among("figures of what changed", numbers)
    }

    /// What lists are sorted by: without a base's length, more than any.
    fn size(&self) -> f64 {
        self.relative.unwrap_or(f64::INFINITY)
    }
}

impl AnswerKind for ChangesAnswer {
    fn heap_bytes(&self) -> usize {
        let words = self.neurons.iter().flat_map(|neuron| &neuron.words);
        size_of_val(&self.neurons[..])
            + size_of_val(&self.heads[..])
            + words.map(|words| size_of_val(&words[..])).sum::<usize>()
    }

    fn not_finite(&self) -> Option<NotFinite> {
        let of_neurons = self.neurons.iter().flat_map(|n| [n.change, n.key, n.value]);
        let of_heads = self.heads.iter().flat_map(|head| [head.vo, head.qk]);
        of_neurons
            .chain(of_heads)
            .find_map(|change| change.not_finite())
    }
}

impl AnswerKind for BothListsAnswer {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::Neuron { columns, .. } => columns.iter().map(|c| size_of_val(&c[..])).sum(),
            Self::Pairs { pairs, .. } => size_of_val(&pairs[..]),
        }
    }

    fn not_finite(&self) -> Option<NotFinite> {
        match self {
            Self::Neuron { key, value, .. } => key.not_finite().or_else(|| value.not_finite()),
            Self::Pairs { change, .. } => change.not_finite(),
        }
    }
}
