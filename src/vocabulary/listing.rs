//! What the readers of vocabulary files hand on, and the checks that they share.

use std::collections::HashSet;

use super::added::AddedToken;
use super::error::{VocabularyError, short};
use super::recipe::Recipe;
use super::token::Style;

/// What a vocabulary file holds.
pub(super) struct Listing {
    pub file: &'static str,
    /// The model's own.
    pub tokens: Vec<(String, u32)>,
    /// Those beside it, with the ids that texts get.
    pub added: Vec<(AddedToken, u32)>,
    pub style: Style,
    /// The string of the unknown token, where there is one.
    pub unknown: Option<String>,
    pub recipe: Recipe,
    pub notices: Vec<String>,
}

/// The text of a file that must be UTF-8.
pub(super) fn utf8<'a>(file: &'static str, bytes: &'a [u8]) -> Result<&'a str, VocabularyError> {
    str::from_utf8(bytes).map_err(|e| VocabularyError::NotUtf8 {
        file,
        at: e.valid_up_to(),
    })
}

/// The first merge that does not join two tokens into a third, as a vocabulary that was made smaller
/// leaves behind. The tokenizer would say so only at the first text, or fall over a part shorter
/// than `prefix`, the mark that the second part loses.
pub(super) fn unknown_merge<'m>(
    file: &'static str,
    tokens: &[(String, u32)],
    merges: impl Iterator<Item = (&'m str, &'m str)>,
    prefix: &str,
) -> Option<VocabularyError> {
    let known: HashSet<&str> = tokens.iter().map(|(token, _)| token.as_str()).collect();
    let mut joined = String::new();
    for (at, (first, second)) in merges.enumerate() {
        joined.clear();
        joined.push_str(first);
        joined.push_str(second.get(prefix.len()..).unwrap_or(second));
        let unknown = [first, second, &joined]
            .into_iter()
            .find(|t| !known.contains(t));
        if second.get(prefix.len()..).is_none() || unknown.is_some() {
            return Some(VocabularyError::UnknownMerge {
                file,
                number: at + 1,
                merge: short(&format!("{first} {second}")),
                unknown: short(unknown.unwrap_or(second)),
            });
        }
    }
    None
}
