//! A neuron's four columns: the tokens that its key and its value point at, and away from.

mod answering;
mod sheet;

use std::fmt;

use super::kind::{AnswerKind, AnyListed, Items, NotFinite, QueryKind, Walk};
use super::{Address, Answer, Callbacks, Convention, ModelCard, Query, QueryError, Reader};
use crate::checkpoint::Reading;
use crate::projection::Scored;
use crate::transformer::{Input, StoredPart, StoredTypes};
use crate::vocabulary::Filters;

pub(super) use answering::to_unit;

/// The four columns of a neuron.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NeuronQuery {
    pub layer: usize,
    pub neuron: usize,
    /// Of a gated neuron, which input is the key. Of any other, the first.
    pub input: Input,
    /// Length of each column.
    pub k: usize,
    pub filters: Filters,
    pub convention: Convention,
}

impl NeuronQuery {
    /// The neuron.
    pub fn address(&self) -> Address {
        Address::Neuron {
            layer: self.layer,
            neuron: self.neuron,
        }
    }
}

/// One of a neuron's four columns. The negative ones are the low ends of the same scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NeuronColumn {
    #[default]
    K,
    V,
    MinusK,
    MinusV,
}

impl NeuronColumn {
    /// In the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::K, Self::V, Self::MinusK, Self::MinusV];

    /// The name in JSON and CSV: `K`, `V`, `-K`, `-V`.
    pub fn name(self) -> &'static str {
        match self {
            Self::K => "K",
            Self::V => "V",
            Self::MinusK => "-K",
            Self::MinusV => "-V",
        }
    }
}

impl fmt::Display for NeuronColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::K => "K",
            Self::V => "V",
            Self::MinusK => "−K",
            Self::MinusV => "−V",
        })
    }
}

/// A neuron's columns.
#[derive(Clone, Debug, PartialEq)]
pub struct NeuronAnswer {
    /// In the order of [`NeuronColumn::ALL`], best first. In the negative columns the score is that of
    /// the negated vector.
    pub columns: [Vec<Scored>; 4],
    /// What was added to the scores of the key, where the convention says so.
    pub bias: Option<f32>,
    /// How many rows passed the filters, of how many.
    pub passing: usize,
    pub rows: usize,
}

impl NeuronAnswer {
    /// Of a difference: a vector that did not change has no words.
    pub(super) fn leave_out_unchanged(&mut self) {
        for column in &mut self.columns {
            if column.first().is_some_and(|best| best.score == 0.0)
                && column.last().is_some_and(|last| last.score == 0.0)
            {
                column.clear();
            }
        }
    }
}

impl QueryKind for NeuronQuery {
    fn filters(&self) -> Option<&Filters> {
        Some(&self.filters)
    }

    fn convention(&self) -> Option<Convention> {
        Some(self.convention)
    }

    fn address(&self) -> Option<Address> {
        Some(self.address())
    }

    fn stored(&self, types: &StoredTypes) -> Vec<StoredPart> {
        types.neuron(self.layer, self.input)
    }

    fn readings(&self) -> &'static [Reading] {
        &[Reading::Neurons]
    }

    fn check(&self, card: &ModelCard) -> Result<(), String> {
        card.check_input(self.input)
    }

    fn walk(&self) -> Option<Walk> {
        Some(Walk {
            layer: self.layer,
            item: self.neuron,
            among: Some(Items::Neurons),
            nearest: false,
        })
    }

    fn moved(&self, layer: usize, neuron: usize) -> Option<Query> {
        Some(Query::Neuron(Self {
            layer,
            neuron,
            ..self.clone()
        }))
    }

    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::Neuron(_))
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Neuron(reader.neuron(self, callbacks)?))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl AnswerKind for NeuronAnswer {
    fn heap_bytes(&self) -> usize {
        self.columns.iter().map(|c| size_of_val(&c[..])).sum()
    }

    fn not_finite(&self) -> Option<NotFinite> {
        let bias = self.bias.map(f64::from);
        let what = "scores of its lists";
        let scores = self.columns.iter().flatten().map(|s| f64::from(s.score));
        NotFinite::among("its bias", bias)
            .or_else(|| NotFinite::among(what, scores))
            .or_else(|| vanishing(what, &self.columns))
    }
}

/// A list whose best score is so small that single precision holds but a few of its digits.
fn vanishing(what: &'static str, lists: &[Vec<Scored>]) -> Option<NotFinite> {
    /// A thousand times the least number but 0.
    const LEAST: f32 = 1.4e-42;
    let mut best = lists.iter().filter_map(|list| list.first());
    let found = best.find(|best| best.score != 0.0 && best.score.abs() < LEAST);
    found.map(|best| NotFinite {
        what,
        got: best.score.to_string(),
    })
}
