//! tokenizer.json: the vocabulary in one file, of which only the tokens are read here.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::encode::Recipe;
use super::error::{VocabularyError, short};
use super::load::{Listing, check_merges, utf8};
use super::special::AddedToken;
use super::token::Style;

const FILE: &str = "tokenizer.json";

#[derive(Deserialize)]
struct File<'a> {
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(borrow)]
    model: Model<'a>,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    decoder: Value,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    #[serde(flatten)]
    token: AddedToken,
}

#[derive(Deserialize)]
struct Model<'a> {
    vocab: Tokens,
    #[serde(borrow, default)]
    merges: Vec<Merge<'a>>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
}

/// A vocabulary: `{token: id}`, or SentencePiece's `[[token, score]]` in the order of ids.
pub(super) struct Tokens(pub Vec<(String, u32)>);

/// A merge: `["a", "b"]`, or `"a b"`, whose second part is none as yet.
struct Merge<'a>(Cow<'a, str>, Option<Cow<'a, str>>);

/// Reads the tokens; `recipe` is the same file, for texts.
pub(super) fn read(bytes: &[u8], recipe: Recipe) -> Result<Listing, VocabularyError> {
    let file: File =
        serde_json::from_str(utf8(FILE, bytes)?).map_err(|e| VocabularyError::Json {
            file: FILE,
            problem: e.to_string(),
        })?;
    let tokens = file.model.vocab.0;
    let prefix = file.model.continuing_subword_prefix.unwrap_or_default();
    let suffix = file.model.end_of_word_suffix.unwrap_or_default();
    let merges = file.model.merges.iter().enumerate();
    let merges = merges.map(|(at, merge)| merge.parts(at + 1));
    let merges = merges.collect::<Result<Vec<_>, _>>()?;
    check_merges(FILE, &tokens, &merges, &prefix)?;
    let style = if [&file.pre_tokenizer, &file.decoder]
        .into_iter()
        .any(is_byte_level)
    {
        Style::ByteLevel
    } else if !suffix.is_empty() {
        Style::EndOfWord(suffix)
    } else if !prefix.is_empty() {
        Style::Continuation(prefix)
    } else if tokens.iter().any(|(token, _)| token.starts_with('▁')) {
        Style::Metaspace
    } else {
        Style::Plain
    };
    Ok(Listing {
        file: FILE,
        tokens,
        added: file
            .added_tokens
            .into_iter()
            .map(|a| (a.token, a.id))
            .collect(),
        style,
        recipe,
    })
}

/// Whether a component, or one within it, is `ByteLevel`.
fn is_byte_level(component: &Value) -> bool {
    match component {
        Value::Object(fields) => {
            fields.get("type").is_some_and(|kind| kind == "ByteLevel")
                || fields.values().any(is_byte_level)
        }
        Value::Array(parts) => parts.iter().any(is_byte_level),
        _ => false,
    }
}

impl Merge<'_> {
    fn parts(&self, number: usize) -> Result<(&str, &str), VocabularyError> {
        let parts = match self {
            Self(first, Some(second)) => Some((first.as_ref(), second.as_ref())),
            Self(both, None) => both.split_once(' '),
        };
        parts.ok_or_else(|| VocabularyError::BadMerge {
            file: FILE,
            number,
            merge: short(&self.0),
        })
    }
}

impl<'de> Deserialize<'de> for Tokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Tokens;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a vocabulary: {token: id} or [[token, score]]")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tokens, A::Error> {
                let mut tokens = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    tokens.push(entry);
                }
                Ok(Tokens(tokens))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tokens, A::Error> {
                let mut tokens = Vec::new();
                let mut id = 0;
                while let Some((token, _score)) = seq.next_element::<(String, f64)>()? {
                    tokens.push((token, id));
                    id += 1;
                }
                Ok(Tokens(tokens))
            }
        }
        deserializer.deserialize_any(Pairs)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Merge<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Borrows the strings that have no escapes: nearly all.
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Merge<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a merge: \"a b\" or [\"a\", \"b\"]")
            }

            fn visit_borrowed_str<E: de::Error>(self, both: &'de str) -> Result<Merge<'de>, E> {
                Ok(Merge(Cow::Borrowed(both), None))
            }

            fn visit_str<E: de::Error>(self, both: &str) -> Result<Merge<'de>, E> {
                Ok(Merge(Cow::Owned(both.to_owned()), None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Merge<'de>, A::Error> {
                let (Some(first), Some(second)) = (seq.next_element()?, seq.next_element()?) else {
                    return Err(de::Error::invalid_length(1, &self));
                };
                Ok(Merge(first, Some(second)))
            }
        }
        deserializer.deserialize_any(Parts)
    }
}
