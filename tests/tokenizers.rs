//! Old sets of tokenizer files, of every family that has one, read as transformers reads them: the
//! ids of 200 texts, held against those of its `AutoTokenizer` (`tests/tokenizers/make.py`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "tokenizers/chat.rs"]
mod chat;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use lexiscope::checkpoint::GgufMetadata;
use lexiscope::query::gguf_tokenizer;
use lexiscope::vocabulary::{TokenizerFiles, Vocabulary};
use serde::Deserialize;

#[derive(Deserialize)]
struct Set {
    /// By name; a content with an `@` is the name of a file in `files`.
    files: BTreeMap<String, String>,
    rows: usize,
    /// Ids of the first texts.
    first: Vec<Option<Vec<u32>>>,
    /// Eight hexadecimal digits a text.
    crc: String,
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tokenizers"))
}

fn sets() -> Result<BTreeMap<String, Set>, Box<dyn Error>> {
    let sets = fs::read(folder().join("sets.json"))?;
    Ok(serde_json::from_slice(&sets)?)
}

type Contents = BTreeMap<String, Vec<u8>>;

fn contents(set: &Set) -> Result<Contents, Box<dyn Error>> {
    let mut contents = Contents::new();
    for (name, content) in &set.files {
        let bytes = match content.strip_prefix('@') {
            Some(kept) => fs::read(folder().join("files").join(kept))?,
            None => content.clone().into_bytes(),
        };
        contents.insert(name.clone(), bytes);
    }
    Ok(contents)
}

fn files(contents: Contents) -> Result<TokenizerFiles, Box<dyn Error>> {
    let mut files = TokenizerFiles::default();
    for (name, bytes) in contents {
        let bytes: Cow<'static, [u8]> = bytes.into();
        let place = match name.as_str() {
            "config.json" => &mut files.config_json,
            "tokenizer_config.json" => &mut files.tokenizer_config_json,
            "special_tokens_map.json" => &mut files.special_tokens_map_json,
            "added_tokens.json" => &mut files.added_tokens_json,
            "tokenizer.json" => &mut files.tokenizer_json,
            "vocab.json" => &mut files.vocab_json,
            "merges.txt" => &mut files.merges_txt,
            "vocab.txt" => &mut files.vocab_txt,
            "bpe.codes" => &mut files.bpe_codes,
            "tokenizer.model" => &mut files.tokenizer_model,
            "sentencepiece.bpe.model" => &mut files.sentencepiece_bpe_model,
            "spiece.model" => &mut files.spiece_model,
            "tekken.json" => &mut files.tekken_json,
            other => return Err(format!("no such file: {other}").into()),
        };
        *place = Some(bytes);
    }
    Ok(files)
}

/// As zlib's, of the ids as little-endian numbers.
fn crc32(ids: &[u32]) -> u32 {
    crc32_of(ids.iter().flat_map(|id| id.to_le_bytes()))
}

fn crc32_of(bytes: impl Iterator<Item = u8>) -> u32 {
    !bytes.fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| match crc & 1 {
            1 => (crc >> 1) ^ 0xEDB8_8320,
            _ => crc >> 1,
        })
    })
}

#[test]
fn every_set_of_files_is_read_as_transformers_reads_it() -> Result<(), Box<dyn Error>> {
    let sets = sets()?;
    let texts: Vec<String> = serde_json::from_slice(&fs::read(folder().join("texts.json"))?)?;
    assert!(sets.len() > 25 && texts.len() == 200);
    let mut faults = Vec::new();
    for (name, set) in &sets {
        let vocabulary = Vocabulary::open(&files(contents(set)?)?, set.rows)?;
        let crcs = set.crc.as_bytes().chunks(8).map(str::from_utf8);
        let mut wrong = 0;
        for ((text, crc), at) in texts.iter().zip(crcs).zip(0..) {
            let ids = vocabulary.encode_with_special(text);
            let got = ids
                .as_ref()
                .map_or("--------".to_owned(), |ids| format!("{:08x}", crc32(ids)));
            if got == crc? {
                continue;
            }
            wrong += 1;
            if wrong == 1 {
                let expected = set.first.get(at);
                faults.push(format!(
                    "{name}: {text:?}: got {ids:?}, expected {expected:?}"
                ));
            }
        }
        if wrong > 0 {
            faults.push(format!("{name}: {wrong} of {} texts", texts.len()));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    Ok(())
}

/// Some bytes changed, left out, doubled or put in.
fn harm(bytes: &mut Vec<u8>, random: &mut fastrand::Rng) {
    for _ in 0..random.usize(1..4) {
        let at = random.usize(..=bytes.len());
        let end = (at + random.usize(1..12)).min(bytes.len());
        match random.u8(..6) {
            0 => drop(bytes.drain(at..end)),
            1 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            2 => drop(bytes.splice(at..at, std::iter::repeat_with(|| random.u8(..)).take(3))),
            3 => {
                // A number that is larger than all others.
                let digits = bytes[at..end]
                    .iter_mut()
                    .filter(|byte| byte.is_ascii_digit());
                digits.for_each(|digit| *digit = b'9');
            }
            4 => bytes.truncate(at.max(bytes.len() / 2)),
            _ => bytes[at..end]
                .iter_mut()
                .for_each(|byte| *byte ^= 1 << random.u8(..8)),
        }
    }
}

/// Whatever happens to a file, the vocabulary opens or says why not, and so does a text.
/// `LEXISCOPE_FUZZ=N` tries N times as much.
#[test]
fn damaged_files_are_read_or_refused_in_one_line() -> Result<(), Box<dyn Error>> {
    let times = std::env::var("LEXISCOPE_FUZZ")
        .ok()
        .and_then(|n| n.parse().ok());
    let mut random = fastrand::Rng::with_seed(7);
    let (mut read, mut refused) = (0, 0);
    for (name, set) in sets()? {
        let whole = contents(&set)?;
        for _ in 0..12 * times.unwrap_or(1) {
            let mut harmed = whole.clone();
            let of = random.usize(..harmed.len());
            if let Some(bytes) = harmed.values_mut().nth(of) {
                harm(bytes, &mut random);
            }
            let vocabulary = Vocabulary::open(&files(harmed)?, set.rows);
            let ids = vocabulary.and_then(|v| v.encode_with_special("Stary zamek  stał 2024 <s>"));
            match ids {
                Ok(ids) => {
                    read += 1;
                    assert!(
                        ids.iter().all(|&id| (id as usize) < set.rows),
                        "{name}: {ids:?}"
                    );
                }
                Err(error) => {
                    refused += 1;
                    let error = error.to_string();
                    assert!(
                        !error.contains('\n') && error.len() < 600,
                        "{name}: {error}"
                    );
                }
            }
        }
    }
    assert!(read > 20 && refused > 20, "{read} read, {refused} refused");
    Ok(())
}

/// What the tokenizer.json of the model makes, from which a GGUF file was written.
#[derive(Deserialize)]
struct GgufExpected {
    rows: usize,
    /// Of all tokens, joined by NUL.
    tokens: String,
    /// The first and the last of them.
    some: Vec<String>,
    /// Eight hexadecimal digits a text.
    crc: String,
}

fn of_gguf(name: &str, rows: usize) -> Result<Vocabulary, Box<dyn Error>> {
    let file = folder().join("gguf").join(format!("{name}.gguf"));
    let files = TokenizerFiles {
        gguf: Some(gguf_tokenizer(&GgufMetadata::open(&file)?)?),
        ..TokenizerFiles::default()
    };
    Ok(Vocabulary::open(&files, rows)?)
}

#[test]
fn a_gguf_files_tokenizer_reads_texts_as_its_tokenizer_json_does() -> Result<(), Box<dyn Error>> {
    let expected = fs::read(folder().join("gguf.json"))?;
    let expected: BTreeMap<String, GgufExpected> = serde_json::from_slice(&expected)?;
    let mut texts: Vec<String> = serde_json::from_slice(&fs::read(folder().join("texts.json"))?)?;
    let pairs = (0..300).map(|i| format!("{} {}", texts[i % 200], texts[(7 * i + 3) % 200]));
    let pairs: Vec<String> = pairs.collect();
    texts.extend(pairs);
    assert!(expected.len() > 15 && texts.len() == 500);
    let mut faults = Vec::new();
    for (name, expected) in &expected {
        // More rows than tokens: those that the converter filled have none.
        let vocabulary = of_gguf(name, expected.rows + 2)?;
        let raw = |id: u32| vocabulary.token(id).map_or("", |token| &*token.raw);
        let tokens: Vec<&str> = (0..expected.rows as u32).map(raw).collect();
        let joined = crc32_of(tokens.join("\0").bytes());
        if format!("{joined:08x}") != expected.tokens || vocabulary.len() != expected.rows {
            let ends = [&tokens[..4], &tokens[tokens.len() - 4..]].concat();
            faults.push(format!(
                "{name}: got {ends:?}, expected {:?}",
                expected.some
            ));
        }
        let mut wrong = Vec::new();
        for (text, crc) in texts.iter().zip(expected.crc.as_bytes().chunks(8)) {
            let ids = vocabulary.encode_with_special(text);
            let got = ids.as_ref().map(|ids| format!("{:08x}", crc32(ids)));
            if !got.is_ok_and(|got| got.as_bytes() == crc) {
                wrong.push((text, ids));
            }
        }
        if let Some((text, ids)) = wrong.first() {
            let texts = wrong.len();
            faults.push(format!("{name}: {texts} texts, {text:?} got {ids:?}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    Ok(())
}
