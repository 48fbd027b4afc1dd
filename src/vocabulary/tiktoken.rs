//! Ranks of byte strings -> a byte-level BPE: tiktoken's text file, which Llama 3 ships as
//! tokenizer.model, and Mistral's tekken.json. Every pair that makes a listed string is a merge, in
//! the order of what it makes.

use std::collections::{HashMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use super::added::AddedToken;
use super::assembly::{Around, Assembly, Parts, split_then_bytes, with_vocab};
use super::error::{VocabularyError, short};
use super::json_values;
use super::listing::{Listing, utf8};
use super::settings::TokenizerSettings;
use super::token::{Style, byte_symbol};

/// How tiktoken's files are taken to cut a text: as GPT-4's.
pub(super) const PATTERN: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = "tekken.json";

/// Whether the first line is a string in base 64 and its rank.
pub(super) fn is_ranks(bytes: &[u8]) -> bool {
    let line = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = str::from_utf8(line)
        .ok()
        .and_then(|line| line.trim().split_once(' '));
    line.is_some_and(|(string, rank)| {
        !string.is_empty() && STANDARD.decode(string).is_ok() && rank.parse::<u32>().is_ok()
    })
}

/// # Errors
/// Lines that are not a string in base 64 and its rank.
pub(super) fn read(
    file: &'static str,
    bytes: &[u8],
    settings: &TokenizerSettings,
) -> Result<Listing, VocabularyError> {
    let mut ranked = Vec::new();
    for (line, number) in utf8(file, bytes)?.lines().zip(1..) {
        if line.trim().is_empty() {
            continue;
        }
        let parsed = line.trim().split_once(' ').and_then(|(string, rank)| {
            Some((STANDARD.decode(string).ok()?, rank.parse::<u32>().ok()?))
        });
        ranked.push(parsed.ok_or_else(|| VocabularyError::BadLine {
            file,
            number,
            expected: "a string in base 64 and its rank",
            got: short(line),
        })?);
    }
    let size = ranked.len();
    // Ids between the ranks and the highest added token are reserved.
    let added = &settings.added;
    let highest = added.keys().next_back().map_or(0, |id| *id as usize + 1);
    let marked = (size..highest.min(size + (1 << 16)))
        .map(|id| match added.get(&(id as u32)) {
            Some(token) => AddedToken::special(token.content.as_str()),
            None => AddedToken::special(format!("<|reserved_token_{id}|>")),
        })
        .chain(settings.extra.iter().cloned());
    let marked = marked.collect();
    Ok(listing(
        file,
        settings,
        &ranked,
        0,
        marked,
        PATTERN.to_owned(),
    ))
}

#[derive(Deserialize)]
struct Tekken {
    config: TekkenConfig,
    vocab: Vec<TekkenEntry>,
    #[serde(default)]
    special_tokens: Vec<TekkenSpecial>,
}

#[derive(Deserialize)]
struct TekkenConfig {
    pattern: String,
    /// Entries and special tokens together; the entries beyond are not used.
    default_vocab_size: Option<usize>,
    default_num_special_tokens: Option<usize>,
}

#[derive(Deserialize)]
struct TekkenEntry {
    token_bytes: String,
}

#[derive(Deserialize)]
struct TekkenSpecial {
    rank: usize,
    token_str: String,
}

/// # Errors
/// A file that does not parse.
pub(super) fn tekken(
    bytes: &[u8],
    settings: &TokenizerSettings,
) -> Result<Listing, VocabularyError> {
    let bad = |problem: String| VocabularyError::Json {
        file: TEKKEN,
        problem,
    };
    let file: Tekken = json_values::json(TEKKEN, bytes)?;
    let mut special = file.special_tokens;
    special.sort_by_key(|token| token.rank);
    if special.is_empty() {
        return Err(bad(
            "expected special_tokens, got none (an old tekken file)".to_owned(),
        ));
    }
    if special
        .iter()
        .zip(0..)
        .any(|(token, rank)| token.rank != rank)
    {
        return Err(bad(
            "expected the ranks of special_tokens from 0 without a gap".to_owned(),
        ));
    }
    let listed = special.len();
    let reserved = file.config.default_num_special_tokens.unwrap_or(listed);
    if reserved > 1 << 16 {
        return Err(bad(format!(
            "expected at most 65536 special tokens, got {reserved}"
        )));
    }
    let names = special.into_iter().map(|token| token.token_str);
    let filler = (listed..reserved).map(|rank| format!("<SPECIAL_{rank}>"));
    let special: Vec<String> = names.chain(filler).collect();
    let used = file
        .config
        .default_vocab_size
        .map_or(usize::MAX, |all| all.saturating_sub(reserved));
    let mut ranked = Vec::new();
    for (entry, rank) in file.vocab.iter().take(used).zip(0u32..) {
        let string = STANDARD.decode(&entry.token_bytes);
        let string = string.map_err(|e| bad(format!("token_bytes of entry {rank}: {e}")))?;
        ranked.push((string, rank));
    }
    let marked = special.into_iter().map(AddedToken::special).collect();
    let shift = reserved as u32;
    Ok(listing(
        TEKKEN,
        settings,
        &ranked,
        shift,
        marked,
        file.config.pattern,
    ))
}

/// `shift`: the special tokens' ids come first.
fn listing(
    file: &'static str,
    settings: &TokenizerSettings,
    ranked: &[(Vec<u8>, u32)],
    shift: u32,
    marked: Vec<AddedToken>,
    pattern: String,
) -> Listing {
    let symbols =
        |bytes: &[u8]| -> String { bytes.iter().map(|&byte| byte_symbol(byte)).collect() };
    let ranks: HashMap<&[u8], u32> = ranked
        .iter()
        .map(|(s, rank)| (s.as_slice(), *rank))
        .collect();
    let mut merges = Vec::new();
    for (string, rank) in &ranks {
        for at in 1..string.len() {
            let (left, right) = string.split_at(at);
            if let (Some(l), Some(r)) = (ranks.get(left), ranks.get(right)) {
                merges.push((*rank, *l, *r, (left, right)));
            }
        }
    }
    merges.sort_unstable_by_key(|(rank, l, r, _)| (*rank, *l, *r));
    let merges: Vec<(String, String)> = merges
        .into_iter()
        .map(|(_, _, _, (left, right))| (symbols(left), symbols(right)))
        .collect();
    let special = marked
        .iter()
        .zip(0..shift)
        .map(|(token, id)| (token.content.clone(), id));
    let mut tokens: Vec<(String, u32)> = special.collect();
    tokens.extend(
        ranked
            .iter()
            .map(|(s, rank)| (symbols(s), rank.saturating_add(shift))),
    );
    let distinct: HashSet<&str> = tokens.iter().map(|(t, _)| t.as_str()).collect();
    let size = distinct.len();
    let model = json!({ "type": "BPE", "merges": merges, "ignore_merges": true });
    let assembly = Assembly {
        file,
        settings,
        size,
        tokens,
        usual: &[],
        marked: Vec::new(),
        first: marked,
    };
    let model = with_vocab(model, &assembly.tokens);
    let mut listing = assembly.finish(Parts {
        style: Style::ByteLevel,
        model,
        normalizer: serde_json::Value::Null,
        pre_tokenizer: split_then_bytes(pattern.into(), false),
        around: Around::Asked,
    });
    // Bytes spell everything.
    listing.unknown = None;
    listing
}
