//! llama.cpp's adapters: a GGUF file with `general.type` `adapter` and the factors of tensors by
//! GGUF's names, as convert_lora_to_gguf.py writes it.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use crate::outside;

use super::super::gguf::Gguf;
use super::super::{CheckpointError, Family, Spec};
use super::{Adapter, NamedBase, Update, factors};

/// The key `general.type` with the value `adapter`, as it lies in a file: key, kind of a text, length.
const ADAPTER: &[u8] = b"general.type\x08\0\0\0\x07\0\0\0\0\0\0\0adapter";

/// Bytes of a file in which that key is looked for: it comes before a tokenizer's lists.
const HEAD: u64 = 64 << 10;

/// The base of a GGUF file that is an adapter; `None` if it is none.
pub(super) fn named_base(path: &Path) -> Result<Option<NamedBase>, CheckpointError> {
    let mut head = Vec::new();
    let read = outside::open(path).map(|file| file.take(HEAD).read_to_end(&mut head));
    let found = head.windows(ADAPTER.len()).any(|window| window == ADAPTER);
    if !matches!(read, Ok(Ok(_))) || !found {
        return Ok(None);
    }
    let gguf = Gguf::open(path)?;
    let text = |key: &str| gguf.metadata().text(&format!("general.base_model.0.{key}"));
    let of_url = text("repo_url").and_then(|url| url.split_once("huggingface.co/"));
    Ok(Some(NamedBase(of_url.map(|(_, id)| id.to_owned()))))
}

/// Reads an adapter's header.
pub(super) fn read(path: &Path, family: &Family, spec: &Spec) -> Result<Adapter, CheckpointError> {
    let gguf = Gguf::open(path)?;
    let metadata = gguf.metadata();
    let file = metadata.file().to_owned();
    let kind = metadata.text("adapter.type").unwrap_or("lora");
    if kind != "lora" {
        let kind = super::one_line(kind);
        let what = format!("`adapter.type`: expected lora, got {kind}, which is not read");
        return Err(CheckpointError::damaged(&file, what));
    }
    let alpha = metadata.real("adapter.lora.alpha").unwrap_or_default();
    let tensors = gguf.into_factors(family, spec)?;
    let modules = tensors
        .names()
        .filter_map(|name| name.rsplit_once(".lora_"));
    let modules: BTreeSet<String> = modules.map(|(module, _)| module.to_owned()).collect();
    let mut updates = Vec::new();
    for module in modules {
        let own = ["a", "b"].map(|part| format!("{module}.lora_{part}"));
        let (a, b, rank) = factors(&tensors, &file, &module, own)?;
        updates.push(Update {
            module,
            a,
            b,
            rank,
            scale: if alpha == 0.0 {
                1.0
            } else {
                (alpha / rank as f64) as f32
            },
            magnitude: None,
        });
    }
    Ok(Adapter {
        file,
        magnitude: false,
        tensors,
        updates,
        copies: Vec::new(),
    })
}
