//! A fairseq dictionary (vocab.txt, `piece count` a line) with its codes (bpe.codes): PhoBERT's and
//! BERTweet's tokenizer. A piece inside a word ends in `@@`; the ids begin behind four tokens that
//! the dictionary does not list.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::assembly::{Around, Assembly, Parts, with_vocab};
use super::byte_pairs::ROBERTA;
use super::error::{VocabularyError, short};
use super::listing::{Listing, utf8};
use super::recipe::{ModelSource, Unlisted};
use super::settings::{Role, TokenizerSettings};
use super::token::Style;

const FILE: &str = "vocab.txt";
const CODES: &str = "bpe.codes";
/// What a piece inside a word ends in, in the dictionary.
const JOINED: &str = "@@";
/// What a word ends in, in the codes.
const END_OF_WORD: &str = "</w>";

/// # Errors
/// Files that are not what they should be.
pub(super) fn read(
    vocab: &[u8],
    codes: &[u8],
    settings: &TokenizerSettings,
) -> Result<Listing, VocabularyError> {
    let first = [Role::Bos, Role::Pad, Role::Eos, Role::Unk];
    let usual = |role| {
        ROBERTA
            .iter()
            .find(|(of, _)| *of == role)
            .map(|(_, name)| *name)
    };
    let name = |role| settings.named(role, usual(role)).map(|token| token.content);
    let mut ids: HashMap<String, u32> = HashMap::new();
    let mut tokens: Vec<(String, u32)> = Vec::new();
    for (role, id) in first.into_iter().zip(0..) {
        let name = name(role).unwrap_or_default();
        ids.insert(name.clone(), id);
        tokens.push((name, id));
    }
    for (line, number) in utf8(FILE, vocab)?.lines().zip(1usize..) {
        let line = line.trim();
        let Some((piece, _count)) = line.rsplit_once(' ') else {
            return Err(VocabularyError::BadLine {
                file: FILE,
                number,
                expected: "a piece and its count, as beside bpe.codes",
                got: short(line),
            });
        };
        let id = ids.len() as u32;
        // A piece that stands twice has its second place, and the next piece the same one.
        if ids.insert(piece.to_owned(), id).is_none() {
            tokens.push((piece.to_owned(), id));
        }
    }
    let assembly = Assembly {
        file: FILE,
        settings,
        size: ids.len(),
        tokens,
        usual: ROBERTA,
        // It follows the dictionary, and has a row.
        marked: settings
            .named(Role::Mask, usual(Role::Mask))
            .into_iter()
            .collect(),
        first: Vec::new(),
    };
    let merges = read_codes(utf8(CODES, codes)?)?;
    let (model, unlisted) = match settings.normalization {
        Some(true) => {
            let why = "it rewrites tweets before it reads them (\"normalization\": true), which is \
                       not done here; with \"normalization\": false in tokenizer_config.json it \
                       reads texts that are rewritten already";
            (ModelSource::Refused(why.to_owned()), None)
        }
        Some(false) | None => {
            let (model, unlisted) = model(&assembly, &merges);
            (model, Some(unlisted))
        }
    };
    // A word is what spaces part, and a line's end stays with the word before it.
    let words = json!({
        "type": "Split", "pattern": { "Regex": r"[^\s\x1c-\x1f]+\n?" }, "behavior": "Removed", "invert": true,
    });
    let mut listing = assembly.finish(Parts {
        style: Style::Joined(JOINED.into()),
        model,
        normalizer: serde_json::Value::Null,
        pre_tokenizer: words,
        around: Around::Tokens(Role::Cls, Role::Sep),
    });
    listing.recipe.unlisted = unlisted;
    Ok(listing)
}

fn read_codes(text: &str) -> Result<Vec<(&str, &str)>, VocabularyError> {
    let lines = text
        .lines()
        .zip(1usize..)
        .filter(|(line, _)| !line.trim().is_empty());
    lines
        .map(|(line, number)| {
            let mut parts = line.split_whitespace();
            match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(first), Some(second), Some(_count), None) => Ok((first, second)),
                _ => Err(VocabularyError::BadLine {
                    file: CODES,
                    number,
                    expected: "two pieces and a count",
                    got: short(line),
                }),
            }
        })
        .collect()
}

/// The codes as a BPE whose words end in `</w>`. Pieces that the codes make and the dictionary
/// leaves out are unknown only once a word ends with them in it: until then they need ids.
fn model(assembly: &Assembly<'_>, merges: &[(&str, &str)]) -> (ModelSource, Unlisted) {
    let of_codes = |piece: &str| match piece.strip_suffix(JOINED) {
        Some(inside) => inside.to_owned(),
        None => format!("{piece}{END_OF_WORD}"),
    };
    let special: HashSet<&str> = assembly
        .tokens
        .iter()
        .take(4)
        .map(|(t, _)| t.as_str())
        .collect();
    let pieces = assembly
        .tokens
        .iter()
        .map(|(token, id)| match special.contains(token.as_str()) {
            true => (token.clone(), *id),
            false => (of_codes(token), *id),
        });
    let mut vocab: Vec<(String, u32)> = pieces.collect();
    let mut known: HashSet<String> = vocab.iter().map(|(piece, _)| piece.clone()).collect();
    let listed = assembly.size as u32;
    let mut next = listed;
    for (first, second) in merges {
        for piece in [
            (*first).to_owned(),
            (*second).to_owned(),
            format!("{first}{second}"),
        ] {
            if known.insert(piece.clone()) {
                vocab.push((piece, next));
                next += 1;
            }
        }
    }
    let unknown = assembly.name(Role::Unk);
    let id = assembly
        .tokens
        .iter()
        .find(|(token, _)| Some(token) == unknown.as_ref());
    let unlisted = Unlisted {
        first: listed,
        unknown: id.map_or(3, |(_, id)| *id),
        count: next - listed,
    };
    let model = json!({
        "type": "BPE",
        "merges": merges,
        "unk_token": unknown,
        "end_of_word_suffix": END_OF_WORD,
    });
    (with_vocab(model, &vocab), unlisted)
}
