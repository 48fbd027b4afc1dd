//! Dictionaries from files (autoencoders, transcoders, any rows of directions) as words: a
//! direction's columns, where words stand, rankings, and what is similar.

mod find;
mod lists;
mod open;
mod rank;
mod sheet;
mod similar;

use std::path::PathBuf;
use std::sync::Arc;

pub(in crate::query) use open::OpenDictionary;

use super::kind::{AnswerKind, AnyListed, NotFinite, QueryKind, Walk};
use super::{
    Address, Answer, Callbacks, Convention, FindAnswer, Query, QueryError, RankAnswer, RankBy,
    RankMetric, Reader,
};
use crate::checkpoint::{DictionaryHook, DictionaryOptions, DictionarySide};
use crate::projection::{Hit, Scored};
use crate::vocabulary::Filters;

/// Where a dictionary is, and what the user says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DictionarySource {
    pub path: PathBuf,
    pub options: DictionaryOptions,
}

impl DictionarySource {
    /// It as options of the command line, each with its value.
    pub fn options(&self) -> Vec<(&'static str, String)> {
        let DictionaryOptions {
            layer,
            target,
            side,
            hook,
            tensor,
        } = &self.options;
        let said = [
            ("--layer", layer.map(|layer| layer.to_string())),
            ("--target", target.map(|target| target.to_string())),
            ("--side", side.map(|side| side.to_string())),
            ("--hook", hook.map(|hook| hook.to_string())),
            ("--tensor", tensor.clone()),
        ];
        let said = said
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        let path = self.path.to_string_lossy().into_owned();
        [("--directions", path)].into_iter().chain(said).collect()
    }
}

/// What is asked of a dictionary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DictionaryQuery {
    pub source: Arc<DictionarySource>,
    pub ask: DictionaryAsk,
    pub filters: Filters,
    pub convention: Convention,
}

/// … in one of its ways.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DictionaryAsk {
    /// What it is.
    About,
    /// The columns of a direction, of length `k`.
    Direction { row: usize, k: usize },
    /// Where words stand: the `k` best places of each kind.
    Find {
        words: Vec<String>,
        by: RankBy,
        k: usize,
    },
    /// The directions ranked by a measure of neurons, with the first words of each.
    Rank {
        by: RankMetric,
        count: usize,
        words: usize,
    },
    /// Directions and neurons of the model with the largest cosines to a direction.
    Similar { row: usize, n: usize },
}

/// What a dictionary is.
#[derive(Clone, Debug, PartialEq)]
pub struct DictionaryCard {
    /// What messages call its file.
    pub name: String,
    /// The layout that it was recognised as.
    pub layout: &'static str,
    /// The model that its configuration names.
    pub model: Option<String>,
    /// How many directions it has.
    pub count: usize,
    /// Of encoder and decoder, those that it has.
    pub sides: Vec<DictionaryCardSide>,
}

/// One of a dictionary's sides.
#[derive(Clone, Debug, PartialEq)]
pub struct DictionaryCardSide {
    pub side: DictionarySide,
    pub hook: DictionaryHook,
    pub layer: Option<usize>,
    pub tensor: String,
    pub stored: String,
}

impl DictionaryCard {
    /// Whether it has a side.
    pub fn has(&self, side: DictionarySide) -> bool {
        self.sides.iter().any(|of| of.side == side)
    }

    /// What it is, in a line.
    pub fn said(&self) -> String {
        let sides = self.sides.iter().map(|of| {
            let layer = of.layer.map_or("?".to_owned(), |layer| layer.to_string());
            format!("{} L{layer} {}", of.side, of.hook)
        });
        let sides = sides.collect::<Vec<_>>().join(", ");
        format!("{}, {} directions, {sides}", self.layout, self.count)
    }
}

/// What comes back.
#[derive(Clone, Debug, PartialEq)]
pub struct DictionaryAnswer {
    pub card: Arc<DictionaryCard>,
    pub found: DictionaryFound,
}

/// … by what was asked.
#[derive(Clone, Debug, PartialEq)]
pub enum DictionaryFound {
    About,
    Direction(DirectionColumns),
    Places(FindAnswer),
    Ranked(RankAnswer),
    Similar(Vec<SimilarVectors>),
}

/// The columns of a direction, as a neuron's; those of a side that the dictionary lacks are empty.
#[derive(Clone, Debug, PartialEq)]
pub struct DirectionColumns {
    /// K, V, −K, −V.
    pub columns: [Vec<Scored>; 4],
    /// What the encoder adds, as it is stored.
    pub bias: Option<f32>,
    /// Below this an activation counts as none.
    pub threshold: Option<f32>,
    /// Lengths of the encoder's and the decoder's rows.
    pub lengths: [Option<f32>; 2],
    /// How many rows of the embedding passed the filters, of how many.
    pub passing: usize,
    pub rows: usize,
}

/// What has the largest cosines to one side of a direction, at both ends.
#[derive(Clone, Debug, PartialEq)]
pub struct SimilarVectors {
    pub side: DictionarySide,
    /// Other directions of the dictionary, the largest cosines first whatever their sign.
    pub directions: Vec<Hit>,
    /// Keys or values of the model's neurons.
    pub neurons: Vec<Hit>,
}

impl DictionaryQuery {
    /// The direction that it is about, if it is about one.
    pub fn row(&self) -> Option<usize> {
        match self.ask {
            DictionaryAsk::Direction { row, .. } | DictionaryAsk::Similar { row, .. } => Some(row),
            DictionaryAsk::About | DictionaryAsk::Find { .. } | DictionaryAsk::Rank { .. } => None,
        }
    }
}

impl QueryKind for DictionaryQuery {
    fn filters(&self) -> Option<&Filters> {
        Some(&self.filters)
    }

    fn convention(&self) -> Option<Convention> {
        Some(self.convention)
    }

    fn address(&self) -> Option<Address> {
        self.row().map(|row| Address::Direction { row })
    }

    fn walk(&self) -> Option<Walk> {
        match self.ask {
            DictionaryAsk::Direction { row, .. } => Some(Walk {
                layer: 0,
                item: row,
                among: None,
                nearest: false,
            }),
            DictionaryAsk::About
            | DictionaryAsk::Find { .. }
            | DictionaryAsk::Rank { .. }
            | DictionaryAsk::Similar { .. } => None,
        }
    }

    fn moved(&self, layer: usize, item: usize) -> Option<Query> {
        let DictionaryAsk::Direction { k, .. } = self.ask else {
            return None;
        };
        // It is of no layer, so that no other one has more.
        let ask = DictionaryAsk::Direction { row: item, k };
        let moved = Self {
            ask,
            ..self.clone()
        };
        (layer == 0).then_some(Query::Dictionary(moved))
    }

    fn shares_place(&self, other: &Query) -> bool {
        match other {
            Query::Dictionary(other) => {
                std::mem::discriminant(&self.ask) == std::mem::discriminant(&other.ask)
                    && self.source == other.source
            }
            _ => false,
        }
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Dictionary(reader.dictionary(self, callbacks)?))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl AnswerKind for DictionaryAnswer {
    fn heap_bytes(&self) -> usize {
        match &self.found {
            DictionaryFound::About => 0,
            DictionaryFound::Direction(of) => of.columns.iter().map(|c| size_of_val(&c[..])).sum(),
            DictionaryFound::Places(found) => found.heap_bytes(),
            DictionaryFound::Ranked(ranked) => ranked.heap_bytes(),
            DictionaryFound::Similar(sides) => {
                let hits = |side: &SimilarVectors| side.directions.len() + side.neurons.len();
                sides.iter().map(hits).sum::<usize>() * size_of::<Hit>()
            }
        }
    }

    fn not_finite(&self) -> Option<NotFinite> {
        match &self.found {
            DictionaryFound::About | DictionaryFound::Ranked(_) | DictionaryFound::Similar(_) => {
                None
            }
            DictionaryFound::Direction(of) => {
                let scores = of.columns.iter().flatten().map(|s| f64::from(s.score));
                NotFinite::among("scores of its lists", scores)
            }
            DictionaryFound::Places(found) => found.not_finite(),
        }
    }
}
