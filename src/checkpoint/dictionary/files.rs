//! From a path to the tensors of a dictionary and what its configuration says of them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::checkpoint::CheckpointError;
use crate::checkpoint::safetensors;
use crate::checkpoint::source::Source;
use crate::checkpoint::tensors::Tensors;
use crate::checkpoint::{error::one_line, pytorch};
use crate::outside::{self, escape};

use super::arrays;

/// Configurations are some kilobytes.
const LONGEST_CONFIG: u64 = 4 << 20;

/// The files of a folder that hold a dictionary of one layer, the most telling first.
const WHOLE: [&str; 8] = [
    "sae_weights.safetensors",
    "params.npz",
    "params.safetensors",
    "sae.safetensors",
    "ae.pt",
    "checkpoints/final.safetensors",
    "final.safetensors",
    "transcoder.safetensors",
];

/// Files of a layer, `{}` its number: of cross-layer transcoders two.
const BY_LAYER: [&[&str]; 2] = [
    &["W_enc_{}.safetensors", "W_dec_{}.safetensors"],
    &["layer_{}.safetensors"],
];

/// Configurations beside the weights, or in the folder above them.
const CONFIGS: [&str; 6] = [
    "cfg.json",
    "config.json",
    "hyperparams.json",
    "lm_config.json",
    "config.yaml",
    "config.yml",
];

/// The tensors of a dictionary, and what is said of them.
pub(super) struct DictionaryFiles {
    pub(super) tensors: Tensors,
    /// What messages call it.
    pub(super) name: String,
    pub(super) described: Described,
    /// Whether its file is one of those of a layer, as circuit-tracer keeps them.
    pub(super) by_layer: bool,
}

/// What configurations say, by their keys at whatever depth; the first that is met.
#[derive(Debug, Default)]
pub(super) struct Described {
    values: Vec<(String, String)>,
    /// The path's own parts, the last first.
    pub(super) path: Vec<String>,
}

impl Described {
    /// The value of the first of some keys that is there.
    pub(super) fn get(&self, keys: &[&str]) -> Option<&str> {
        keys.iter().find_map(|key| {
            let found = self.values.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.as_str())
        })
    }

    fn json(&mut self, value: &Value, depth: usize) {
        let Value::Object(fields) = value else { return };
        let plain = fields.iter().filter_map(|(key, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(truth) => truth.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => return None,
            };
            Some((key.clone(), text))
        });
        self.values.extend(plain);
        if depth > 0 {
            fields
                .values()
                .for_each(|inner| self.json(inner, depth - 1));
        }
    }

    /// Lines `key: value`; of what is nested the keys alone count.
    fn yaml(&mut self, text: &str) {
        for line in text.lines() {
            if let Some((key, value)) = line.split_once(':') {
                let value = value.split(" #").next().unwrap_or_default().trim();
                let value = value.trim_matches(['"', '\'']);
                if !value.is_empty() {
                    self.values.push((key.trim().to_owned(), value.to_owned()));
                }
            }
        }
    }
}

/// The files of a dictionary at a path: a file, or a folder of a layout that is known. `layer`: of
/// folders with a file for each layer, which.
///
/// # Errors
/// Nothing there that is known, or a file that contradicts itself.
pub(super) fn open(path: &Path, layer: Option<usize>) -> Result<DictionaryFiles, CheckpointError> {
    let name = escape::path(path);
    let damaged = |what: String| CheckpointError::damaged(&name, what);
    if !path.exists() {
        return Err(damaged(
            "expected a file or a folder of directions, got none; check the spelling".to_owned(),
        ));
    }
    let files = match path.is_dir() {
        true => in_folder(path, layer)?,
        false => vec![path.to_owned()],
    };
    let mut tensors = Tensors::default();
    let mut plain = Vec::new();
    for file in &files {
        let found = read(file)?;
        plain.extend(found.plain);
        match files.len() {
            1 => tensors = found.tensors,
            _ => tensors.append(found.tensors),
        }
    }
    let first = files.first().map_or(path, PathBuf::as_path);
    let whole = std::path::absolute(first).unwrap_or_else(|_| first.to_owned());
    // What a pickle says of itself goes before what lies beside it.
    let mut described = Described::default();
    let own = plain.into_iter().map(|(name, value)| {
        let key = name.rsplit('.').next().unwrap_or_default();
        (key.to_owned(), value)
    });
    described.values.extend(own);
    let parts = whole.components().rev();
    described.path = parts
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let folders = whole.ancestors().skip(1).take(2);
    for config in folders.flat_map(|folder| CONFIGS.map(|name| folder.join(name))) {
        if !config.is_file() {
            continue;
        }
        let text = outside::read_text(&config, LONGEST_CONFIG)?;
        match config.extension().is_some_and(|e| e == "json") {
            true => {
                let value = serde_json::from_str(&text).map_err(|e| {
                    let what = format!("expected JSON, got {e}; get the file again");
                    CheckpointError::damaged(&escape::path(&config), what)
                })?;
                described.json(&value, 3);
            }
            false => described.yaml(&text),
        }
    }
    let file = |file: &PathBuf| file.file_name().map(|f| f.to_string_lossy().into_owned());
    let by_layer = files.iter().filter_map(file).any(|file| {
        let stem = file
            .trim_end_matches(|c: char| c != '.')
            .trim_end_matches('.');
        let numbered = stem.trim_end_matches(|c: char| c.is_ascii_digit());
        numbered != stem && ["layer_", "W_enc_"].contains(&numbered)
    });
    Ok(DictionaryFiles {
        tensors,
        name,
        described,
        by_layer,
    })
}

/// The files of a folder that make one dictionary.
fn in_folder(path: &Path, layer: Option<usize>) -> Result<Vec<PathBuf>, CheckpointError> {
    let whole = WHOLE.map(|name| path.join(name));
    if let Some(found) = whole.into_iter().find(|file| file.is_file()) {
        return Ok(vec![found]);
    }
    for names in BY_LAYER {
        let of = |layer: usize| -> Vec<PathBuf> {
            let named = names
                .iter()
                .map(|name| name.replace("{}", &layer.to_string()));
            named.map(|name| path.join(name)).collect()
        };
        let there = |layer: usize| of(layer).iter().all(|file| file.is_file());
        let layers: Vec<usize> = (0..1024).filter(|&layer| there(layer)).collect();
        let (Some(first), Some(last)) = (layers.first(), layers.last()) else {
            continue;
        };
        return match layer.filter(|&layer| there(layer)) {
            Some(layer) => Ok(of(layer)),
            None => Err(CheckpointError::damaged(
                &escape::path(path),
                format!(
                    "a folder with a file for each layer: expected --layer {first} to {last}, got {}",
                    layer.map_or("none".to_owned(), |layer| layer.to_string())
                ),
            )),
        };
    }
    Err(CheckpointError::damaged(
        &escape::path(path),
        format!(
            "expected a folder with one of {}, layer_N.safetensors or W_enc_N.safetensors, got none; \
             give the file itself",
            WHOLE.join(", ")
        ),
    ))
}

/// What a file holds.
#[derive(Default)]
struct FileContent {
    tensors: Tensors,
    /// Plain values of a pickle.
    plain: Vec<(String, String)>,
}

/// The tensors of a file, by its name.
fn read(path: &Path) -> Result<FileContent, CheckpointError> {
    let name = escape::path(path);
    let source = Source::open(path)?.ok_or_else(|| {
        CheckpointError::damaged(&name, "expected a file, got none; check the spelling")
    })?;
    if let Some(other) = source.impostor()? {
        let what = format!("expected directions, got {other}; get the file again");
        return Err(CheckpointError::damaged(&name, what));
    }
    let extension = path.extension().unwrap_or_default();
    let mut content = FileContent::default();
    let tensors = &mut content.tensors;
    match &*extension.to_string_lossy().to_ascii_lowercase() {
        "safetensors" => {
            let entries = safetensors::read(&source)?;
            tensors.add(source, entries)?;
        }
        "npz" => *tensors = arrays::npz(source)?,
        "npy" => {
            let entry = arrays::npy(&source, 0, source.len())?;
            tensors.add(source, vec![("array".to_owned(), entry)])?;
        }
        "pt" | "pth" | "bin" => {
            let nested = pytorch::nested(&source)?;
            tensors.add(source, nested.tensors)?;
            content.plain = nested.plain;
        }
        other => {
            let what = format!(
                "expected a file of directions (.safetensors, .npz, .npy or .pt), got {}; save the \
                 rows in one of these",
                match other {
                    "" => "one without an ending".to_owned(),
                    other => one_line(&format!(".{other}")),
                }
            );
            return Err(CheckpointError::damaged(&name, what));
        }
    }
    Ok(content)
}
