//! Old sets of tokenizer files, of every family that has one, read as transformers reads them: the
//! ids of 200 texts, held against those of its `AutoTokenizer` (`tests/tokenizers/make.py`).

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

fn files(set: &Set) -> Result<TokenizerFiles, Box<dyn Error>> {
    let mut files = TokenizerFiles::default();
    for (name, content) in &set.files {
        let bytes: Cow<'static, [u8]> = match content.strip_prefix('@') {
            Some(kept) => fs::read(folder().join("files").join(kept))?.into(),
            None => content.clone().into_bytes().into(),
        };
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
    let sets = fs::read(folder().join("sets.json"))?;
    let sets: BTreeMap<String, Set> = serde_json::from_slice(&sets)?;
    let texts: Vec<String> = serde_json::from_slice(&fs::read(folder().join("texts.json"))?)?;
    assert!(sets.len() > 25 && texts.len() == 200);
    let mut faults = Vec::new();
    for (name, set) in &sets {
        let vocabulary = Vocabulary::open(&files(set)?, set.rows)?;
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
