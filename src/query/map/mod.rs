//! Maps: a token's occurrences at one state, or the best tokens of a neuron's column, as points.

mod answering;
mod contexts;
mod sheet;

use std::ops::Range;

use super::kind::{AnswerKind, AnyListed, NotFinite, QueryKind};
use super::{
    Address, Answer, Callbacks, Convention, ModelCard, NeuronColumn, NeuronQuery, Query,
    QueryError, Reader, TextReading, TokenChoice,
};
use crate::checkpoint::Reading;
use crate::geometry::Subwords;
use crate::transformer::Input;
use crate::vocabulary::Filters;

pub use contexts::contexts;
pub use sheet::{MapOf, sheet as map_sheet};

/// A token's occurrences at one state, as points.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContextMapQuery {
    pub reading: TextReading,
    pub token: TokenChoice,
    pub pieces: Subwords,
    pub state: usize,
}

/// The best tokens of a neuron's column, as points of their embeddings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NeuronMapQuery {
    pub layer: usize,
    pub neuron: usize,
    /// As in a [`NeuronQuery`].
    pub input: Input,
    pub column: NeuronColumn,
    pub k: usize,
    pub filters: Filters,
    pub convention: Convention,
}

impl NeuronQuery {
    /// The best tokens of one of its columns, as points.
    pub fn points_of(self, column: NeuronColumn) -> NeuronMapQuery {
        NeuronMapQuery {
            layer: self.layer,
            neuron: self.neuron,
            input: self.input,
            column,
            k: self.k,
            filters: self.filters,
            convention: self.convention,
        }
    }
}

impl NeuronMapQuery {
    pub(super) fn neuron_query(&self) -> NeuronQuery {
        NeuronQuery {
            convention: self.convention,
            layer: self.layer,
            neuron: self.neuron,
            input: self.input,
            k: self.k,
            filters: self.filters.clone(),
        }
    }
}

/// Points in two dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct MapAnswer {
    pub points: Vec<MapPoint>,
    /// The share of the variance that each axis shows.
    pub explained: [f64; 2],
    /// What the user should know, a sentence each.
    pub notices: Vec<String>,
}

/// One point.
#[derive(Clone, Debug, PartialEq)]
pub struct MapPoint {
    pub at: [f64; 2],
    pub what: Pointed,
}

/// What a point stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Pointed {
    /// An occurrence: the text's number, and the token's positions in it.
    Occurrence {
        text: usize,
        positions: Range<usize>,
    },
    /// A row of the embedding, and its score.
    Row { id: u32, score: f32 },
}

impl QueryKind for ContextMapQuery {
    fn needs_all_weights(&self) -> bool {
        true
    }

    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::ContextMap(_))
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Map(reader.model().context_map(self, callbacks)?))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl QueryKind for NeuronMapQuery {
    fn convention(&self) -> Option<Convention> {
        Some(self.convention)
    }

    fn address(&self) -> Option<Address> {
        Some(self.neuron_query().address())
    }

    fn readings(&self) -> &'static [Reading] {
        &[Reading::Neurons]
    }

    fn needs_output(&self) -> bool {
        matches!(self.column, NeuronColumn::V | NeuronColumn::MinusV)
    }

    fn check(&self, card: &ModelCard) -> Result<(), String> {
        card.check_input(self.input)
    }

    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::NeuronMap(_))
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        let answer = reader.neuron(&self.neuron_query(), callbacks)?;
        Ok(Answer::Map(reader.model().neuron_map(self, &answer)?))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl AnswerKind for MapAnswer {
    fn heap_bytes(&self) -> usize {
        size_of_val(&self.points[..])
    }

    fn not_finite(&self) -> Option<NotFinite> {
        let points = self.points.iter().flat_map(|point| point.at);
        NotFinite::among("places of its points", points.chain(self.explained))
    }
}
