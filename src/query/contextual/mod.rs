//! Queries about a model that runs on texts: what is measured of its states, and maps of a
//! token's occurrences and of a neuron's tokens.

mod bundled;
mod maps;
mod measure;
mod reading;

use std::ops::Range;
use std::sync::Arc;

use candle_core::Device;

use crate::checkpoint::Checkpoint;
use crate::geometry::{Curve, Measure, Pieces, Texts};
use crate::transformer::{ForwardError, Input};
use crate::vocabulary::{Filters, Vocabulary, VocabularyError};

use super::{Column, Convention, ModelCard, NeuronQuery, QueryError};

pub use bundled::language_of;

/// Texts, and which of their positions count.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TextReading {
    pub texts: Texts,
    /// Longer texts are cut, special tokens counted; never more than the model has positions.
    pub max_tokens: Option<usize>,
    /// Leave out each text's first position, where decoders keep what they do not need.
    pub skip_first: bool,
    /// Leave out special tokens.
    pub skip_special: bool,
}

impl TextReading {
    /// All of every text, as far as the model reaches.
    pub fn new(texts: Texts) -> Self {
        Self {
            texts,
            max_tokens: None,
            skip_first: false,
            skip_special: false,
        }
    }
}

/// A token that is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TokenChoice {
    /// One id, wherever it stands.
    Id(u32),
    /// A word as a person types it, or a token's own string: see [`Vocabulary::word`].
    Word(String),
}

/// What is measured at every state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GeometryQuery {
    pub reading: TextReading,
    pub token: Option<TokenChoice>,
    pub pieces: Pieces,
    /// How many of the dimensions that bring the most to anisotropy are left out, at each state.
    pub without_dominant: usize,
}

/// A token's occurrences at one state, as points.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContextMapQuery {
    pub reading: TextReading,
    pub token: TokenChoice,
    pub pieces: Pieces,
    pub state: usize,
}

/// The best tokens of a neuron's column, as points of their embeddings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NeuronMapQuery {
    pub layer: usize,
    pub neuron: usize,
    /// As in a [`NeuronQuery`].
    pub input: Input,
    pub column: Column,
    pub k: usize,
    pub filters: Filters,
    pub convention: Convention,
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

/// What was measured, or how far it is.
#[derive(Clone, Debug, PartialEq)]
pub struct GeometryAnswer {
    /// In the order of the query's; empty until it is done.
    pub texts: Vec<TextAnswer>,
    /// The token that was asked about.
    pub token: Option<TokenAnswer>,
    /// In the order of [`Measure::ALL`]; empty until it is done.
    pub curves: Vec<Curve>,
    /// By state: the three dimensions that bring the most to anisotropy, the largest first.
    pub dominant: Vec<Vec<usize>>,
    /// What the user should know, a sentence each: texts that were cut, a token in no text.
    pub notices: Vec<String>,
    /// Share of the work that is done, 0 to 1.
    pub done: f32,
}

/// One text.
#[derive(Clone, Debug, PartialEq)]
pub struct TextAnswer {
    /// As the model read it.
    pub ids: Vec<u32>,
    /// How many tokens it had before it was cut.
    pub cut_from: Option<usize>,
    /// How many of `ids` stand for what the vocabulary cannot spell.
    pub unknown: usize,
    /// Mean cosine over the pairs within it, by state.
    pub anisotropy: Vec<Option<f64>>,
}

/// The token that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAnswer {
    /// Sequences of ids that count as it.
    pub spellings: Vec<Vec<u32>>,
    pub occurrences: usize,
    /// How many texts hold it.
    pub texts: usize,
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

impl GeometryAnswer {
    /// Work that is so far done.
    pub(super) fn so_far(done: f32) -> Self {
        Self {
            texts: Vec::new(),
            token: None,
            curves: Vec::new(),
            dominant: Vec::new(),
            notices: Vec::new(),
            done,
        }
    }

    /// A measure's curve, if it was measured.
    pub fn curve(&self, measure: Measure) -> Option<&Curve> {
        self.curves.iter().find(|c| c.measure == measure)
    }

    /// What it holds beside itself, in bytes.
    pub fn heap_bytes(&self) -> usize {
        let text = |t: &TextAnswer| size_of_val(t) + 4 * t.ids.len() + 16 * t.anisotropy.len();
        let curve = |c: &Curve| size_of_val(c) + 80 * c.raw.len();
        self.texts.iter().map(text).sum::<usize>() + self.curves.iter().map(curve).sum::<usize>()
    }
}

/// An open model, as far as running it goes.
#[derive(Clone, Copy)]
pub(super) struct Model<'a> {
    pub checkpoint: &'a Checkpoint,
    pub device: &'a Device,
    pub card: &'a Arc<ModelCard>,
}

impl Model<'_> {
    fn vocabulary(&self) -> &Vocabulary {
        &self.card.vocabulary
    }

    fn forward_error(&self, error: ForwardError) -> QueryError {
        QueryError::Forward {
            model: self.card.name.clone(),
            error: Box::new(error),
        }
    }

    fn vocabulary_error(&self, error: VocabularyError) -> QueryError {
        QueryError::Vocabulary {
            model: self.card.name.clone(),
            error,
        }
    }

    fn nothing(&self, what: String) -> QueryError {
        QueryError::Nothing {
            model: self.card.name.clone(),
            what,
        }
    }
}
