//! Folders and repositories without a checkpoint that can be read, by what is in them instead:
//! adapters, weights for other programs, a tokenizer alone, models in a folder below.

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
    let inside = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let named = entries.map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, entry.path())
        });
        named.take(1_000).collect::<Vec<_>>()
    };
    let mut files = Vec::new();
    for (name, path) in inside(folder) {
        if path.is_dir() {
            let below = inside(&path).into_iter();
            files.extend(below.map(|(file, _)| format!("{name}/{file}")));
        }
        files.push(name);
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
    let shown_by = |kind: &'static Kind| {
        let file = files.iter().find(|file| (kind.is)(file))?;
        Some((kind, file))
    };
    let (kind, file) = KINDS.iter().find_map(shown_by).or_else(|| {
        let whole = files
            .iter()
            .any(|file| *file == "config.json" || is_weights(file));
        BARE.iter().filter(|_| !whole).find_map(shown_by)
    })?;
    let mut advice = kind.advice.to_owned();
    if let Some(base) = base.filter(|_| kind.holds == ADAPTER) {
        let named = format!("adapts ({})", escape::short(base));
        advice = advice.replacen("adapts", &named, 1);
    }
    let shown = file.strip_suffix("/config.json").unwrap_or(file);
    Some(CheckpointError::Elsewhere {
        folder: name.to_owned(),
        holds: format!("{} ({})", kind.holds, escape::short(shown)),
        advice,
    })
}

/// What lies in the place of a checkpoint, and what to do.
struct Kind {
    /// Whether a file, by its path, shows it.
    is: fn(&str) -> bool,
    holds: &'static str,
    advice: &'static str,
}

const ADAPTER: &str = "an adapter alone";

/// The more special ones first.
const KINDS: [Kind; 10] = [
    Kind {
        is: |file| file == "adapter_config.json",
        holds: ADAPTER,
        advice: "open the model that it adapts, or one with the adapter merged into it",
    },
    Kind {
        is: |file| file == "model_index.json",
        holds: "a diffusers pipeline, which makes pictures",
        advice: "open its text encoder, a folder below such as text_encoder, if it has one",
    },
    Kind {
        is: |file| ends(file, &[".gguf"]),
        holds: "GGUF",
        // Which often is one model in many types.
        advice: "GGUF files are not fetched from the hub; download one and give its path",
    },
    Kind {
        is: |file| file == "zero_to_fp32.py",
        holds: "the parts of a DeepSpeed run",
        advice: "gather them with its zero_to_fp32.py",
    },
    Kind {
        is: |file| file.starts_with("consolidated") && ends(file, &[".pth"]),
        holds: "weights in their maker's own layout",
        advice: "take the checkpoint converted for transformers",
    },
    Kind {
        is: |file| {
            matches!(file, "tf_model.h5" | "tf_model.h5.index.json") || ends(file, &[".ckpt.index"])
        },
        holds: "weights for TensorFlow alone",
        advice: "take the model's weights for PyTorch, or save them from transformers 4, read with \
                 from_tf=True",
    },
    Kind {
        is: |file| file.starts_with("flax_model.msgpack"),
        holds: "weights for Flax alone",
        advice: "take the model's weights for PyTorch, or save them from transformers 4, read with \
                 from_flax=True",
    },
    Kind {
        is: |file| ends(file, &[".onnx"]),
        holds: "a model exported to ONNX",
        advice: "take the checkpoint that it was exported from, with config.json and \
                 model.safetensors",
    },
    Kind {
        is: |file| {
            ends(file, &[".tflite", ".mlmodel", ".mlpackage"]) || file.starts_with("openvino_")
        },
        holds: "a model exported for one program",
        advice: "take the checkpoint that it was exported from, with config.json and \
                 model.safetensors",
    },
    Kind {
        is: |file| ends(file, &["/config.json"]) && !file.contains("_Pooling/"),
        holds: "a model in a folder below",
        advice: "give that folder",
    },
];

/// What a folder without a configuration and weights holds.
const BARE: [Kind; 2] = [
    Kind {
        is: |file| file == "modules.json",
        holds: "a sentence-transformers model without a transformer",
        advice: "it has no layers to look at; choose another model",
    },
    Kind {
        is: |file| {
            matches!(
                file,
                "tokenizer.json"
                    | "tokenizer_config.json"
                    | "vocab.json"
                    | "vocab.txt"
                    | "tokenizer.model"
            )
        },
        holds: "a tokenizer alone",
        advice: "give the folder of a whole model, with config.json and model.safetensors",
    },
];

fn ends(file: &str, endings: &[&str]) -> bool {
    let file = file.to_ascii_lowercase();
    endings.iter().any(|ending| file.ends_with(ending))
}

/// What a GGUF file holds in the place of a model, by its `general.type` and architecture.
pub(super) fn in_gguf(kind: Option<&str>, architecture: Option<&str>) -> Option<&'static str> {
    Some(match (kind, architecture) {
        (Some("adapter"), _) => {
            "an adapter: open the model that it adapts, or one with the adapter merged into it"
        }
        (Some("mmproj"), _) | (_, Some("clip")) => {
            "what turns pictures into a model's input (mmproj): open the model's own file"
        }
        (Some("imatrix"), _) => {
            "what a model was quantised by (imatrix): open the model's own file"
        }
        _ => return None,
    })
}

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
