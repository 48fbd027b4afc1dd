//! What is measured of the hidden states of a model that runs on texts.

mod measure;
mod reading;
mod sheet;
mod text_language;

use super::kind::{AnswerKind, NotFinite, QueryKind};
use super::model::Model;
use super::{Answer, Callbacks, Query, QueryError, Reader};
use crate::geometry::{Curve, Measure, Subwords, Texts};

pub(super) use reading::{ReadText, cut};
pub(in crate::query) use sheet::add_reading;
pub use sheet::{
    Depth, GeometryChart, ModelGeometry, command as geometry_command, described,
    sheet as geometry_sheet,
};
pub use text_language::{TextLanguageQuery, language_of};

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
    /// A word as a person types it, or a token's own string: see [`Vocabulary::word`](crate::vocabulary::Vocabulary::word).
    Word(String),
}

/// What is measured at every state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GeometryQuery {
    pub reading: TextReading,
    pub token: Option<TokenChoice>,
    pub pieces: Subwords,
    /// How many of the dimensions that bring the most to anisotropy are left out, at each state.
    pub without_dominant: usize,
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

impl QueryKind for GeometryQuery {
    fn needs_all_weights(&self) -> bool {
        true
    }

    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::Geometry(_))
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Geometry(reader.model().geometry(self, callbacks)?))
    }
}

impl AnswerKind for GeometryAnswer {
    fn heap_bytes(&self) -> usize {
        self.heap_bytes()
    }

    fn not_finite(&self) -> Option<NotFinite> {
        let what = "measures of its states";
        let curves = self.curves.iter();
        let estimates = curves.flat_map(|curve| curve.raw.iter().chain(&curve.corrected).flatten());
        let numbers = estimates.flat_map(|estimate| {
            let ends = estimate.interval.into_iter().flatten();
            std::iter::once(estimate.value).chain(ends)
        });
        let texts = self.texts.iter().flat_map(|text| text.anisotropy.iter());
        NotFinite::among(what, numbers).or_else(|| NotFinite::among(what, texts.copied().flatten()))
    }
}
