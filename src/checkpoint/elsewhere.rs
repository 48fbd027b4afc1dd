//! Folders and repositories without a checkpoint that can be read, by what is in them instead:
//! adapters, GGUF, models in a folder below.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::hub::Listing;
use crate::outside::{self, escape};

use super::CheckpointError;

/// More than any list of modules or description of an adapter takes.
const LONGEST: u64 = 1 << 20;

/// The folder in which a sentence-transformers model keeps its transformer, `0_Transformer` for one.
pub(super) fn transformer_of(folder: &Path) -> Option<PathBuf> {
    let modules: Value = json(&folder.join("modules.json"))?;
    let inner = modules.as_array()?.iter().find_map(|module| {
        let kind = module.get("type")?.as_str()?;
        let path = module.get("path")?.as_str()?;
        (kind.ends_with("Transformer") && escape::is_plain_name(path)).then_some(path)
    })?;
    let inner = folder.join(inner);
    inner.join("config.json").is_file().then_some(inner)
}

/// What a folder holds in the place of a checkpoint; `None` if nothing tells.
pub(super) fn in_folder(folder: &Path, name: &str) -> Option<CheckpointError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).ok()?.flatten().take(10_000) {
        let name = entry.file_name().to_string_lossy().into_owned();
        match entry.path().join("config.json").is_file() {
            true => files.push(format!("{name}/config.json")),
            false => files.push(name),
        }
    }
    files.sort();
    let adapter: Option<Value> = json(&folder.join("adapter_config.json"));
    let base = adapter.as_ref().and_then(|adapter| {
        let base = adapter.get("base_model_name_or_path")?;
        base.as_str().filter(|base| !base.is_empty())
    });
    in_list(name, files.iter().map(String::as_str), base)
}

/// As [`in_folder`], by the paths of a repository's files; of an adapter, with its `base` if known.
pub(super) fn in_list<'f>(
    name: &str,
    files: impl Iterator<Item = &'f str>,
    base: Option<&str>,
) -> Option<CheckpointError> {
    let files: Vec<&str> = files.collect();
    let has = |file: &str| files.contains(&file);
    let ending = |ending: &str| files.iter().find(|file| file.ends_with(ending));
    let (holds, advice) = if has("adapter_config.json") {
        let base = base.map_or_else(String::new, |base| format!(" ({})", escape::short(base)));
        (
            "an adapter alone (adapter_config.json)".to_owned(),
            format!("open the model that it adapts{base}, or one with the adapter merged into it"),
        )
    } else if let Some(file) = ending(".gguf") {
        (format!("GGUF ({})", escape::short(file)), GGUF.to_owned())
    } else if has("zero_to_fp32.py") {
        (
            "the parts of a DeepSpeed run".to_owned(),
            "gather them with its zero_to_fp32.py".to_owned(),
        )
    } else if let Some(file) = ending(".pth").filter(|file| file.starts_with("consolidated")) {
        (
            format!(
                "weights in their maker's own layout ({})",
                escape::short(file)
            ),
            "take the checkpoint converted for transformers".to_owned(),
        )
    } else if let Some(file) = ending("/config.json") {
        let below = file.trim_end_matches("/config.json");
        (
            format!("a model in a folder below ({})", escape::short(below)),
            "give that folder".to_owned(),
        )
    } else {
        return None;
    };
    Some(CheckpointError::Elsewhere {
        folder: name.to_owned(),
        holds,
        advice,
    })
}

/// What to do with a repository of GGUF files, which often are one model in many types.
const GGUF: &str = "GGUF files are not fetched from the hub; download one and give its path";

fn json(path: &Path) -> Option<Value> {
    serde_json::from_slice(&outside::read(path, LONGEST).ok()?).ok()
}

/// A repository whose texts could not be read once all of it is here.
pub(super) fn no_tokenizer(listing: &Listing) -> CheckpointError {
    let names = listing.files.iter().map(|file| file.name.as_str());
    let close = |name: &&str| {
        let parts = [
            "token",
            "vocab",
            "merges",
            "bpe",
            "spiece",
            "sentencepiece",
            "tekken",
        ];
        !name.ends_with("_config.json") && parts.iter().any(|part| name.contains(part))
    };
    let there: Vec<&str> = names.filter(close).take(4).collect();
    CheckpointError::NoTokenizer {
        id: listing.id.to_string(),
        expected: "tokenizer.json, vocab.json with merges.txt, vocab.txt, or a SentencePiece model",
        got: match there.is_empty() {
            true => "none of them".to_owned(),
            false => super::error::one_line(&there.join(", ")),
        },
    }
}

pub(super) fn no_weights(listing: &Listing, looked_for: String) -> CheckpointError {
    let mut there: Vec<&str> = listing
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    there.sort_by_key(|name| !is_weights(name));
    there.truncate(4);
    CheckpointError::NoWeights {
        id: listing.id.to_string(),
        looked_for,
        got: super::error::one_line(&there.join(", ")),
    }
}

/// By its ending, weights of some other program.
fn is_weights(name: &str) -> bool {
    let ending = Path::new(name).extension().and_then(|e| e.to_str());
    matches!(
        ending,
        Some("gguf" | "h5" | "msgpack" | "onnx" | "pt" | "pth" | "bin" | "safetensors" | "ot")
    )
}
