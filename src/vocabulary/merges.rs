//! The merges of a tokenizer.json.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use super::error::{VocabularyError, short};

/// The file that they are in.
pub(super) const FILE: &str = "tokenizer.json";

/// Merges of which nothing is kept but the first that is not of two parts.
pub(super) struct TwoParts(pub Result<(), VocabularyError>);

impl Default for TwoParts {
    fn default() -> Self {
        Self(Ok(()))
    }
}

/// A merge: `["a", "b"]`, or `"a b"`, whose second part is none as yet.
pub(super) struct Merge<'a>(Cow<'a, str>, Option<Cow<'a, str>>);

/// A string that is borrowed if it has no escapes.
#[derive(Deserialize)]
struct Part<'a>(#[serde(borrow)] Cow<'a, str>);

impl Merge<'_> {
    /// Its two parts; `number`: which of the merges it is.
    ///
    /// # Errors
    /// It has not two.
    pub(super) fn parts(&self, number: usize) -> Result<(&str, &str), VocabularyError> {
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

impl<'de> Deserialize<'de> for TwoParts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = TwoParts;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list of merges")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<TwoParts, A::Error> {
                let (mut found, mut number) = (Ok(()), 0);
                while let Some(merge) = seq.next_element::<Merge>()? {
                    number += 1;
                    found = found.and_then(|()| merge.parts(number).map(drop));
                }
                Ok(TwoParts(found))
            }
        }
        deserializer.deserialize_seq(Each)
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
                let (Some(Part(first)), Some(Part(second))) =
                    (seq.next_element()?, seq.next_element()?)
                else {
                    return Err(de::Error::invalid_length(1, &self));
                };
                Ok(Merge(first, Some(second)))
            }
        }
        deserializer.deserialize_any(Parts)
    }
}
