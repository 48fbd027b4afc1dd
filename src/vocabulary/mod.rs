//! Ids, strings, visible text, token classes, filter masks.

mod error;
mod filter;
mod token;

use std::borrow::Cow;

pub use error::VocabularyError;
pub use filter::{Filters, Text, Words};
pub use token::{Boundary, Token};

/// The tokenizer's files, as far as they are there.
#[derive(Debug, Default)]
pub struct TokenizerFiles {
    pub tokenizer_json: Option<Cow<'static, [u8]>>,
    pub vocab_json: Option<Cow<'static, [u8]>>,
    pub merges_txt: Option<Cow<'static, [u8]>>,
    pub vocab_txt: Option<Cow<'static, [u8]>>,
    pub tokenizer_config_json: Option<Cow<'static, [u8]>>,
    pub special_tokens_map_json: Option<Cow<'static, [u8]>>,
}

/// Which rows of the embedding (and, after them, positions) a list may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// One flag a row.
    pub passes: Vec<bool>,
    /// How many are set.
    pub passing: usize,
}

/// What the rows of an embedding are called.
pub struct Vocabulary {}

impl Vocabulary {
    /// Reads a tokenizer for an embedding of `rows` rows. Rows without a token never pass a mask.
    ///
    /// # Errors
    /// No tokenizer files, files that do not parse, or ids beyond the embedding.
    pub fn open(_files: &TokenizerFiles, _rows: usize) -> Result<Self, VocabularyError> {
        todo!("helper B")
    }

    /// Rows of the embedding.
    pub fn rows(&self) -> usize {
        todo!("helper B")
    }

    /// How many rows have a token.
    pub fn len(&self) -> usize {
        todo!("helper B")
    }

    /// The token of a row; `None` for a padded row and for a position.
    pub fn token(&self, _id: u32) -> Option<&Token> {
        todo!("helper B")
    }

    /// A row as a person reads it: the token's text, or `[pos 17]` for the row `rows() + 17`.
    pub fn text(&self, _id: u32) -> Cow<'_, str> {
        todo!("helper B")
    }

    /// The rows that pass, `positions` learned positions after the vocabulary's own if
    /// `filters.positions` is set.
    pub fn mask(&self, _filters: &Filters, _positions: usize) -> Mask {
        todo!("helper B")
    }

    /// Equal when trimmed and lower-cased. A position is the same as itself only.
    pub fn same(&self, _a: u32, _b: u32) -> bool {
        todo!("helper B")
    }

    /// One a prefix of the other or one edit apart, the shorter of four letters or more.
    pub fn similar(&self, _a: u32, _b: u32) -> bool {
        todo!("helper B")
    }

    /// Token ids of a text, without special tokens.
    pub fn encode(&self, _text: &str) -> Result<Vec<u32>, VocabularyError> {
        todo!("helper B")
    }
}
