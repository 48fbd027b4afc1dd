//! Old sets of tokenizer files, of every family that has one, read as transformers reads them: the
//! ids of 200 texts, held against those of its `AutoTokenizer` (`tests/tokenizers/make.py`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

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

/// As zlib's.
fn crc32(ids: &[u32]) -> u32 {
    let bytes = ids.iter().flat_map(|id| id.to_le_bytes());
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
