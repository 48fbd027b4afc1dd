//! Pairs of words of a relation, and which of them are single tokens of a vocabulary.

use std::sync::Arc;

use thiserror::Error;

use super::BundledRelation;
use crate::outside::escape;
use crate::query::TokenPair;
use crate::vocabulary::{Boundary, Vocabulary, VocabularyError};

/// A relation as pairs of words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Relation {
    pub name: String,
    /// The file it was read from, as it is to be given again; `None` of a bundled one.
    pub file: Option<String>,
    pub pairs: Arc<[WordPair]>,
}

/// Two words that stand in a relation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WordPair {
    pub source: String,
    pub target: String,
}

/// Why a file holds no relation.
#[derive(Debug, Error)]
pub enum RelationError {
    #[error("line {line}: expected a source and a target with a tab between them, got {got:?}")]
    Line { line: usize, got: String },
    #[error("expected lines of a source, a tab and a target, got none")]
    Empty,
}

impl Relation {
    /// Reads pairs, one a line: source, a tab, target. Empty lines and lines that begin with `#` say
    /// nothing.
    ///
    /// # Errors
    /// A line of another form, or no pair.
    pub fn parse(name: &str, file: Option<String>, text: &str) -> Result<Self, RelationError> {
        let mut pairs = Vec::new();
        for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let words: Vec<&str> = line.split('\t').map(str::trim).collect();
            match words[..] {
                [source, target] if !source.is_empty() && !target.is_empty() => {
                    pairs.push(WordPair {
                        source: source.to_owned(),
                        target: target.to_owned(),
                    });
                }
                _ => {
                    return Err(RelationError::Line {
                        line: at + 1,
                        got: escape::line(&line.chars().take(60).collect::<String>()).into_owned(),
                    });
                }
            }
        }
        match pairs.is_empty() {
            true => Err(RelationError::Empty),
            false => Ok(Self {
                name: name.to_owned(),
                file,
                pairs: pairs.into(),
            }),
        }
    }

    /// A bundled relation.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn bundled(relation: BundledRelation) -> Result<Self, RelationError> {
        Self::parse(relation.name(), None, relation.pairs())
    }
}

/// The pairs of a relation of which both words are single tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct RelationPairs {
    pub name: String,
    /// In their order.
    pub pairs: Vec<TokenPair>,
    /// Words that are no single tokens, each once; pairs with one of them are left out.
    pub left_out: Vec<String>,
    /// Pairs of the file.
    pub given: usize,
}

impl RelationPairs {
    pub(in crate::query) fn of(
        relation: &Relation,
        vocabulary: &Vocabulary,
    ) -> Result<Self, VocabularyError> {
        let mut found = Self {
            name: relation.name.clone(),
            pairs: Vec::new(),
            left_out: Vec::new(),
            given: relation.pairs.len(),
        };
        for WordPair { source, target } in &*relation.pairs {
            let ids = [
                single_token(vocabulary, source)?,
                single_token(vocabulary, target)?,
            ];
            for (word, id) in [source, target].into_iter().zip(ids) {
                if id.is_none() && !found.left_out.contains(word) {
                    found.left_out.push(word.clone());
                }
            }
            if let [Some(from), Some(to)] = ids {
                found.pairs.push(TokenPair { from, to });
            }
        }
        Ok(found)
    }

    /// The relation's targets other than those of a source.
    pub(super) fn other_targets(&self, source: u32) -> Vec<u32> {
        let own = |to: u32| self.pairs.contains(&TokenPair { from: source, to });
        let mut others: Vec<u32> = self.pairs.iter().map(|pair| pair.to).collect();
        others.retain(|to| !own(*to));
        others.sort_unstable();
        others.dedup();
        others
    }
}

/// The token that a word is inside a text, behind a space; `None` if it is several, or unknown.
fn single_token(vocabulary: &Vocabulary, word: &str) -> Result<Option<u32>, VocabularyError> {
    let alone = |text: &str| -> Result<Option<u32>, VocabularyError> {
        let ids = vocabulary.encode(text)?;
        let id = match ids[..] {
            [id] => id,
            _ => return Ok(None),
        };
        let token = vocabulary.token(id);
        Ok(token
            .filter(|token| token.boundary == Boundary::Word && token.own_text() == word)
            .map(|_| id))
    };
    match alone(&format!(" {word}"))? {
        Some(id) => Ok(Some(id)),
        // Vocabularies that put a space before every text have two of them otherwise.
        None => alone(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Language;
    use crate::vocabulary::TokenizerFiles;

    #[test]
    fn every_bundled_relation_is_read() {
        for language in Language::ALL {
            assert_eq!(BundledRelation::of(language).count(), 10);
        }
        for relation in BundledRelation::all() {
            let read = Relation::bundled(relation).unwrap();
            let pairs: std::collections::HashSet<_> = read.pairs.iter().collect();
            assert!((15..=40).contains(&pairs.len()), "{}", relation.name());
            assert_eq!(pairs.len(), read.pairs.len(), "{}", relation.name());
            assert_eq!(BundledRelation::named(relation.name()), Some(relation));
        }
    }

    #[test]
    fn lines_of_another_form_are_named() {
        let failed = |text: &str| Relation::parse("r", None, text).unwrap_err().to_string();
        assert_eq!(
            failed("# capitals\n\nPolska\tWarszawa\nFrancja Paryż\n"),
            "line 4: expected a source and a target with a tab between them, got \"Francja Paryż\""
        );
        assert!(failed("a\tb\tc").starts_with("line 1: "));
        assert!(failed("# nothing\n").ends_with("got none"));
    }

    #[test]
    fn pairs_of_single_tokens_count_and_the_other_words_are_named() {
        let files = TokenizerFiles {
            vocab_txt: Some(b"[UNK]\nkot\nkoty\ndom\n##y\npies\npsy".as_slice().into()),
            ..TokenizerFiles::default()
        };
        let vocabulary = Vocabulary::open(&files, 7).unwrap();
        let text = "kot\tkoty\ndom\tdomy\npies\tpsy\nlas\tlasy\nkot\tpsy\n";
        let relation = Relation::parse("plural", None, text).unwrap();
        let found = RelationPairs::of(&relation, &vocabulary).unwrap();
        let pair = |from, to| TokenPair { from, to };
        assert_eq!(found.pairs, [pair(1, 2), pair(5, 6), pair(1, 6)]);
        assert_eq!(found.left_out, ["domy", "las", "lasy"]);
        assert_eq!(found.given, 5);
        // Of kot, koty and psy are its own; of pies only psy is.
        assert!(found.other_targets(1).is_empty());
        assert_eq!(found.other_targets(5), [2]);
    }
}
