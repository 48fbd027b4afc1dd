//! Which tokens and pairs a list may show. Filters are a plain value: part of every query, printed
//! under every list, saved with the session.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::visible::folded;

/// The filters of a list. The default lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Filters {
    /// Printable ASCII only.
    pub ascii: bool,
    /// Letters and digits only, and not empty; Unicode's, or `[A-Za-z0-9]` together with `ascii`.
    pub alnum: bool,
    /// Pairs: not twice the same word (in whatever case).
    pub exclude_same: bool,
    /// Pairs: not two words that look alike (see [`super::Vocabulary::similar`]).
    pub exclude_similar: bool,
    /// No special tokens (`<s>`) and none in brackets (`[unused12]`).
    pub exclude_special: bool,
    /// No tokens that training hardly saw, as far as the embedding tells.
    pub exclude_undertrained: bool,
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

impl Filters {
    /// The filters that a single token passes or not: without those of pairs.
    pub fn per_token(&self) -> Self {
        Self {
            exclude_same: false,
            exclude_similar: false,
            ..self.clone()
        }
    }

    /// Whether everything passes and there are no positions.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The filters that are on, named as on the command line, each with its value.
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        let switches = [
            ("ascii", self.ascii),
            ("alnum", self.alnum),
            ("exclude-same", self.exclude_same),
            ("exclude-similar", self.exclude_similar),
            ("exclude-special", self.exclude_special),
            ("exclude-undertrained", self.exclude_undertrained),
            ("positions", self.positions),
        ];
        let values = [
            ("contains", Some(&self.contains).filter(|c| !c.is_empty())),
            ("words", self.words.as_ref().map(|words| &words.label)),
            ("text", self.text.as_ref().map(|text| &text.label)),
        ];
        let on = switches.into_iter().filter(|(_, on)| *on);
        on.map(|(name, _)| (name, true.to_string()))
            .chain(
                values
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, value?.clone()))),
            )
            .collect()
    }
}

/// Where a list of words or a text was read, and what the file held then.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileSource {
    /// Whole, so that it is found from another folder too.
    pub path: Arc<Path>,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub sha256: Arc<str>,
}

impl FileSource {
    /// Of a file that holds these bytes.
    pub fn of(path: &Path, bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            path: path.into(),
            sha256: sha256.into(),
        }
    }
}

/// A list of words: a token passes if its own text ([`super::Token::own_text`]) is one of them, in
/// whatever case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Words {
    /// What the list is called on screen: a file's name.
    pub label: String,
    /// The words, trimmed, composed and in small letters.
    pub words: Arc<BTreeSet<String>>,
    /// The file that they are from.
    pub source: Option<FileSource>,
}

impl Words {
    /// One word a line; empty lines do not count, nor does a byte order mark at the start.
    pub fn parse(label: impl Into<String>, lines: &str) -> Self {
        let words = lines
            .trim_start_matches('\u{FEFF}')
            .lines()
            .map(|w| folded(w.trim()))
            .filter(|w| !w.is_empty());
        Self {
            label: label.into(),
            words: Arc::new(words.collect()),
            source: None,
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
    /// The file that it is from; `None` if it was typed.
    pub source: Option<FileSource>,
}

/// How many tokens a text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TextCount {
    pub count: usize,
    /// How many stand for what the vocabulary cannot spell.
    pub unknown: usize,
}

impl TextCount {
    /// `3 of 50 tokens are unknown`; `None` if all are known.
    pub fn warning(self) -> Option<String> {
        let Self { count, unknown } = self;
        (unknown > 0).then(|| format!("{unknown} of {count} tokens are unknown"))
    }
}

/// Letters of a typed text that serve as its name.
const LABEL_LETTERS: usize = 16;

impl Text {
    /// A text that was typed, called by its beginning.
    pub fn typed(text: &str) -> Self {
        let mut label: String = text.chars().take(LABEL_LETTERS).collect();
        if label.len() < text.len() {
            label.push('…');
        }
        Self {
            label,
            text: text.into(),
            source: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_what_is_on_as_the_command_line_names_it() {
        assert!(Filters::default().is_default());
        assert!(Filters::default().describe().is_empty());
        let filters = Filters {
            ascii: true,
            exclude_same: true,
            contains: "dom".into(),
            words: Some(Words::parse("list.txt", " Dom \n\nkot\n")),
            ..Filters::default()
        };
        assert!(!filters.is_default());
        let described = filters.describe();
        let described: Vec<_> = described.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let expected = [
            ("ascii", "true"),
            ("exclude-same", "true"),
            ("contains", "dom"),
            ("words", "list.txt"),
        ];
        assert_eq!(described, expected);
    }

    #[test]
    fn is_saved_as_toml_without_words_and_text() -> Result<(), Box<dyn std::error::Error>> {
        let filters = Filters {
            alnum: true,
            positions: true,
            contains: "żo\"na".into(),
            ..Filters::default()
        };
        let with_words = Filters {
            words: Some(Words::parse("list.txt", "dom")),
            ..filters.clone()
        };
        assert_eq!(
            toml::from_str::<Filters>(&toml::to_string(&with_words)?)?,
            filters
        );
        assert_eq!(
            toml::from_str::<Filters>("ascii = true")?.describe().len(),
            1
        );
        Ok(())
    }
}
