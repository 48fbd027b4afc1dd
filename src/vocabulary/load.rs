//! Tokenizer files -> every token at its row: which files there are, and whether they agree with
//! the embedding.

use std::collections::HashSet;

use super::encode::Recipe;
use super::error::{VocabularyError, short};
use super::special::{AddedToken, Settings};
use super::token::{Origin, Style};
use super::{TokenizerFiles, separate, single};

/// What a vocabulary file holds.
pub(super) struct Listing {
    pub file: &'static str,
    pub tokens: Vec<(String, u32)>,
    pub added: Vec<(AddedToken, u32)>,
    pub style: Style,
    pub recipe: Recipe,
}

/// The tokens of an embedding's rows.
pub(super) struct Placed {
    pub rows: Vec<Option<(String, Origin)>>,
    pub style: Style,
    pub recipe: Recipe,
}

/// Reads the best of the files that are there; see [`super::Vocabulary::open`].
pub(super) fn load(files: &TokenizerFiles, rows: usize) -> Result<Placed, VocabularyError> {
    let settings = Settings::read(files)?;
    let listing = if let Some(bytes) = &files.tokenizer_json {
        single::read(bytes, Recipe::File(bytes.clone()))?
    } else if let (Some(vocab), Some(merges)) = (&files.vocab_json, &files.merges_txt) {
        separate::pairs(vocab, merges, &settings)?
    } else if let Some(bytes) = &files.vocab_txt {
        separate::pieces(bytes, &settings)?
    } else {
        let got = match (&files.vocab_json, &files.merges_txt) {
            (Some(_), None) => "vocab.json without merges.txt",
            (None, Some(_)) => "merges.txt without vocab.json",
            _ => "none of them",
        };
        return Err(VocabularyError::Missing { got });
    };
    place(listing, &settings, rows)
}

fn place(listing: Listing, settings: &Settings, rows: usize) -> Result<Placed, VocabularyError> {
    let mut placed: Vec<Option<(String, Origin)>> = vec![None; rows];
    let file = listing.file;
    let model = listing.tokens.into_iter();
    for (token, id) in model {
        put(&mut placed, file, token, id, Origin::Model)?;
    }
    let origin = |added: &AddedToken| match added.special {
        true => Origin::Special,
        false => Origin::Added,
    };
    for (added, id) in listing.added {
        let origin = origin(&added);
        put(&mut placed, file, added.content, id, origin)?;
    }
    for (&id, added) in &settings.added_tokens_decoder {
        let token = added.content.clone();
        put(
            &mut placed,
            "tokenizer_config.json",
            token,
            id,
            origin(added),
        )?;
    }
    for (token, origin) in placed.iter_mut().flatten() {
        if settings.special.contains(token) {
            *origin = Origin::Special;
        }
    }
    if placed.iter().all(Option::is_none) {
        return Err(VocabularyError::Empty { file });
    }
    Ok(Placed {
        rows: placed,
        style: listing.style,
        recipe: listing.recipe,
    })
}

fn put(
    placed: &mut [Option<(String, Origin)>],
    file: &'static str,
    token: String,
    id: u32,
    origin: Origin,
) -> Result<(), VocabularyError> {
    let rows = placed.len();
    match placed.get_mut(id as usize) {
        // A token added for padding often has no row of its own; no list can hold it.
        None if origin != Origin::Model => Ok(()),
        None => Err(VocabularyError::BeyondRows {
            file,
            token: short(&token),
            id,
            rows,
        }),
        Some(Some((first, _))) if *first != token => Err(VocabularyError::SameId {
            file,
            id,
            first: short(first),
            second: short(&token),
        }),
        Some(row) => {
            *row = Some((token, origin));
            Ok(())
        }
    }
}

/// The text of a file that must be UTF-8.
pub(super) fn utf8<'a>(file: &'static str, bytes: &'a [u8]) -> Result<&'a str, VocabularyError> {
    str::from_utf8(bytes).map_err(|e| VocabularyError::NotUtf8 {
        file,
        at: e.valid_up_to(),
    })
}

/// Every merge joins two tokens into a third. The tokenizer would say so only at the first text,
/// or fall over a part shorter than `prefix`, the mark that the second part loses.
pub(super) fn check_merges<A: AsRef<str>>(
    file: &'static str,
    tokens: &[(String, u32)],
    merges: &[(A, A)],
    prefix: &str,
) -> Result<(), VocabularyError> {
    let known: HashSet<&str> = tokens.iter().map(|(token, _)| token.as_str()).collect();
    let mut joined = String::new();
    for (at, (first, second)) in merges.iter().enumerate() {
        let (first, second) = (first.as_ref(), second.as_ref());
        joined.clear();
        joined.push_str(first);
        joined.push_str(second.get(prefix.len()..).unwrap_or(second));
        let unknown = [first, second, &joined]
            .into_iter()
            .find(|t| !known.contains(t));
        if second.get(prefix.len()..).is_none() || unknown.is_some() {
            return Err(VocabularyError::UnknownMerge {
                file,
                number: at + 1,
                merge: short(&format!("{first} {second}")),
                unknown: short(unknown.unwrap_or(second)),
            });
        }
    }
    Ok(())
}
