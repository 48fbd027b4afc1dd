//! Tokenizer files -> every token at its row: which files there are, and whether they agree with
//! the embedding.

use super::error::{VocabularyError, short};
use super::listing::Listing;
use super::recipe::Recipe;
use super::settings::TokenizerSettings;
use super::token::{Origin, Style};
use super::{TokenizerFiles, file_sets, gguf, single};

/// Bytes of the longest token that is read. The longest of a vocabulary in use are some hundred
/// spaces or dashes.
const LONGEST_TOKEN: usize = 1 << 14;

/// The tokens of an embedding's rows.
pub(super) struct Placed {
    pub rows: Vec<Option<(String, Origin)>>,
    pub style: Style,
    pub unknown: Option<u32>,
    pub recipe: Recipe,
    /// What the user should know, a sentence each.
    pub notices: Vec<String>,
}

/// Reads the best of the files that are there; see [`super::Vocabulary::open`].
pub(super) fn load(mut files: TokenizerFiles, rows: usize) -> Result<Placed, VocabularyError> {
    let settings = TokenizerSettings::read(&files)?;
    let listing = match (files.gguf.take(), files.tokenizer_json.take()) {
        (Some(gguf), _) => gguf::read(&gguf)?,
        (None, Some(bytes)) => single::read(bytes, files.tokenizer_json_again.take(), &settings)?,
        (None, None) => file_sets::read(&files, &settings)?,
    };
    place(listing, &settings, rows)
}

fn place(
    listing: Listing,
    settings: &TokenizerSettings,
    rows: usize,
) -> Result<Placed, VocabularyError> {
    let file = listing.file;
    check_lengths(&listing)?;
    let mut notices = listing.notices;
    let unknown = listing.unknown.and_then(|unknown| {
        let own = listing.tokens.iter().find(|(token, _)| *token == unknown);
        let added = listing
            .added
            .iter()
            .find(|(token, _)| token.content == unknown);
        own.map(|(_, id)| *id).or(added.map(|(_, id)| *id))
    });
    let mut placed: Vec<Option<(String, Origin)>> = vec![None; rows];
    let mut beyond: Vec<u32> = Vec::new();
    for (token, id) in listing.tokens {
        match placed.get_mut(id as usize) {
            None => beyond.push(id),
            Some(Some((first, _))) if *first != token => {
                return Err(VocabularyError::SameId {
                    file,
                    id,
                    first: short(first),
                    second: short(&token),
                });
            }
            Some(row) => *row = Some((token, Origin::Model)),
        }
    }
    if placed.iter().all(Option::is_none) {
        return Err(match beyond.first() {
            Some(&id) => VocabularyError::BeyondRows { file, id, rows },
            None => VocabularyError::Empty { file },
        });
    }
    for (token, id) in listing.added {
        let origin = match token.special {
            true => Origin::Special,
            false => Origin::Added,
        };
        // A token added for padding often has no row of its own; no list can hold it. A row that the
        // model's own token has keeps its name.
        match placed.get_mut(id as usize) {
            Some(row @ None) => *row = Some((token.content, origin)),
            Some(Some((first, of))) if *first == token.content => *of = origin,
            Some(Some(_)) | None => {}
        }
    }
    for (token, origin) in placed.iter_mut().flatten() {
        if settings.special.contains(token) {
            *origin = Origin::Special;
        }
    }
    notices.extend(beyond_notice(file, &beyond, rows));
    Ok(Placed {
        rows: placed,
        style: listing.style,
        unknown,
        recipe: listing.recipe,
        notices,
    })
}

/// # Errors
/// A token that is too long.
fn check_lengths(listing: &Listing) -> Result<(), VocabularyError> {
    let added = listing.added.iter().map(|(token, id)| (&token.content, id));
    let mut all = listing
        .tokens
        .iter()
        .map(|(token, id)| (token, id))
        .chain(added);
    if let Some((token, id)) = all.find(|(token, _)| token.len() > LONGEST_TOKEN) {
        return Err(VocabularyError::LongToken {
            file: listing.file,
            id: *id,
            bytes: token.len(),
            longest: LONGEST_TOKEN,
        });
    }
    Ok(())
}

/// What is said of tokens whose ids have no row.
fn beyond_notice(file: &str, beyond: &[u32], rows: usize) -> Option<String> {
    let (first, last) = (beyond.iter().min()?, beyond.iter().max()?);
    let tokens = match beyond.len() {
        1 => "one token".to_owned(),
        n => format!("{n} tokens"),
    };
    Some(format!(
        "{file} has {tokens} (id {first} to {last}) more than the embedding has rows ({rows}): \
         they are in no list, and a text with one of them cannot be read"
    ))
}
