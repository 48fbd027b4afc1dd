//! `config.json`: the family and the sizes, each of them checked.

use serde_json::{Map, Value};

use super::error::one_line;
use super::files::Files;
use super::{CheckpointError, FAMILIES, Family, PassSpec, Spec, family};

/// Larger than any `config.json`.
const LARGEST_CONFIG: u64 = 16 << 20;

/// No size of a language model is beyond it.
const LARGEST_SIZE: u64 = 1 << 24;

/// A `config.json` that holds an object.
pub(super) struct Config {
    file: String,
    values: Map<String, Value>,
}

impl Config {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// None there, not JSON, or not an object.
    pub(super) fn open(files: &Files) -> Result<Self, CheckpointError> {
        let source = files
            .open("config.json")?
            .ok_or_else(|| CheckpointError::MissingFile {
                folder: files.name(),
                missing: "config.json",
                expected: "it beside the weights".into(),
            })?;
        let file = source.name().to_string();
        let bytes = source.into_bytes(LARGEST_CONFIG)?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(values)) => Ok(Self { file, values }),
            Ok(other) => {
                let what = format!("expected a JSON object, got {}", shown(&other));
                Err(CheckpointError::damaged(
                    &file,
                    format!("{what}; get the file again"),
                ))
            }
            Err(error) => {
                let what = format!("expected JSON, got {error}; get the file again");
                Err(CheckpointError::damaged(&file, what))
            }
        }
    }

    /// The family that `model_type` names.
    pub(super) fn family(&self) -> Result<&'static Family, CheckpointError> {
        let got = self.value(&["model_type"]).map(|(_, value)| value);
        let found = got.and_then(Value::as_str).and_then(family);
        found.ok_or_else(|| {
            let known: Vec<&str> = FAMILIES.iter().map(|f| f.model_type).collect();
            CheckpointError::UnknownFamily {
                file: self.file.clone(),
                got: got.map_or("(missing)".into(), shown),
                known: known.join(", "),
            }
        })
    }

    /// Sizes and choices by the family's keys.
    ///
    /// # Errors
    /// A size that is missing, no whole number, zero or absurd; heads that do not divide the width.
    pub(super) fn spec(&self, family: &Family) -> Result<Spec, CheckpointError> {
        let keys = &family.config;
        let width = self.size(keys.width)?;
        let heads = self.size(keys.heads)?;
        if !width.is_multiple_of(heads) {
            let key = self.value(keys.heads).map_or(keys.heads[0], |(key, _)| key);
            let expected = format!("a divisor of the width {width}");
            return Err(self.wrong(key, expected, heads.to_string()));
        }
        Ok(Spec {
            layers: self.size(keys.layers)?,
            width,
            heads,
            head_width: width / heads,
            neurons: match self.value(keys.neurons) {
                Some(_) => self.size(keys.neurons)?,
                None => 4 * width,
            },
            vocab: self.size(&["vocab_size"])?,
            positions: self.size(keys.positions)?,
            activation: match self.value(keys.activation) {
                None => family.default_activation.to_string(),
                Some((_, Value::String(name))) => one_line(name),
                Some((key, other)) => {
                    return Err(self.wrong(key, "the name of a function".into(), shown(other)));
                }
            },
            tied: self.flag(&["tie_word_embeddings"], true)?,
        })
    }

    /// What concerns the forward pass; `None` for a family without one.
    ///
    /// # Errors
    /// A value of the wrong kind.
    pub(super) fn pass(&self, family: &Family) -> Result<Option<PassSpec>, CheckpointError> {
        let keys = &family.config;
        let Some(pass) = &family.pass else {
            return Ok(None);
        };
        let norm_epsilon = match self.value(keys.norm_epsilon) {
            None => pass.norm_epsilon,
            Some((key, value)) => {
                let epsilon = value.as_f64().filter(|e| (0.0..1.0).contains(e));
                let expected = || "a small number, 0 or more".to_string();
                epsilon.ok_or_else(|| self.wrong(key, expected(), shown(value)))?
            }
        };
        let kind = self.value(keys.position_kind).map(|(_, kind)| kind);
        Ok(Some(PassSpec {
            causal: pass.causal || self.flag(keys.decoder, false)?,
            norm_epsilon,
            scale_scores: self.flag(keys.scale_scores, true)?,
            scale_by_layer: self.flag(keys.scale_by_layer, false)?,
            odd_positions: kind.filter(|&kind| kind != "absolute").map(shown),
        }))
    }

    fn flag(&self, keys: &[&str], usual: bool) -> Result<bool, CheckpointError> {
        match self.value(keys) {
            None => Ok(usual),
            Some((_, Value::Bool(flag))) => Ok(*flag),
            Some((key, other)) => Err(self.wrong(key, "true or false".into(), shown(other))),
        }
    }

    /// The first of the keys that is there and not null.
    fn value<'k>(&self, keys: &[&'k str]) -> Option<(&'k str, &Value)> {
        keys.iter().find_map(|&key| {
            let value = self.values.get(key)?;
            (!value.is_null()).then_some((key, value))
        })
    }

    fn size(&self, keys: &[&str]) -> Result<usize, CheckpointError> {
        let expected = format!("a whole number from 1 to {LARGEST_SIZE}");
        let Some((key, value)) = self.value(keys) else {
            return Err(self.wrong(keys[0], expected, "nothing".into()));
        };
        match value.as_u64() {
            Some(size @ 1..=LARGEST_SIZE) => Ok(size as usize),
            _ => Err(self.wrong(key, expected, shown(value))),
        }
    }

    fn wrong(&self, key: &str, expected: String, got: String) -> CheckpointError {
        CheckpointError::Config {
            file: self.file.clone(),
            key: key.to_string(),
            expected,
            got,
        }
    }
}

/// A value as JSON has it, cut short.
fn shown(value: &Value) -> String {
    let text = one_line(&value.to_string());
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
