//! Which tokens and pairs a list may show. Filters are a plain value: part of every query, printed
//! under every list, saved with the session.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The filters of a list. The default lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// Printable ASCII only.
    pub ascii: bool,
    /// Letters and digits only, and not empty; Unicode's, or `[A-Za-z0-9]` together with `ascii`.
    pub alnum: bool,
    /// Pairs: not twice the same word (trimmed and lower-cased).
    pub exclude_same: bool,
    /// Pairs: not two words that look alike (see [`super::alike`]).
    pub exclude_similar: bool,
    /// No special tokens (`<s>`) and none in brackets (`[unused12]`).
    pub exclude_special: bool,
    /// Learned positions as rows of their own, `[pos 17]`; no other filter touches them.
    pub positions: bool,
    /// Only tokens whose text contains this, in either case. Empty: no condition.
    pub contains: String,
    /// Only these words.
    #[serde(skip)]
    pub words: Option<Words>,
    /// Only the tokens that occur in a text.
    #[serde(skip)]
    pub text: Option<Text>,
}

/// A list of words: a token passes if its text, lower-cased, is one of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Words {
    /// What the list is called on screen: a file's name.
    pub label: String,
    /// The words, trimmed and lower-cased.
    pub words: Arc<BTreeSet<String>>,
}

impl Words {
    /// One word a line; empty lines do not count.
    pub fn parse(label: impl Into<String>, lines: &str) -> Self {
        let words = lines
            .lines()
            .map(|w| w.trim().to_lowercase())
            .filter(|w| !w.is_empty());
        Self {
            label: label.into(),
            words: Arc::new(words.collect()),
        }
    }
}

/// A text: a token passes if the tokenizer finds it there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text {
    /// What the text is called on screen: a file's name or its beginning.
    pub label: String,
    /// The text itself; each vocabulary finds its own tokens in it.
    pub text: Arc<str>,
}
