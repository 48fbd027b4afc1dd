//! PEFT's folders: `adapter_config.json` with `adapter_model.safetensors` or `adapter_model.bin`.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;
use serde_json::{Map, Value};

use super::super::CheckpointError;
use super::super::error::one_line;
use super::super::source::Source;
use super::super::tensors::Tensors;
use super::super::{pytorch, safetensors};
use super::{Adapter, Update, factors};

type Config = Map<String, Value>;

/// Before the base's names.
const BEFORE: &str = "base_model.model.";

/// Settings under which the product is not `scale·B·A` of these tensors, or the base was changed
/// before; each with what it is called.
const NOT_READ: [(&str, &str); 13] = [
    ("layer_replication", "layers that are repeated"),
    ("target_parameters", "factors of single parameters"),
    ("trainable_token_indices", "rows of single tokens"),
    (
        "alora_invocation_tokens",
        "an adapter that some tokens switch on (aLoRA)",
    ),
    ("lora_bias", "biases of the factors"),
    ("use_qalora", "QA-LoRA"),
    ("use_bdlora", "block-diagonal factors"),
    ("arrow_config", "a choice among adapters (Arrow)"),
    ("kasa_config", "KaSA"),
    ("monteclora_config", "MonteCLoRA"),
    ("velora_config", "VeLoRA"),
    ("megatron_config", "Megatron's parallel layers"),
    ("shira_config", "SHiRA"),
];

/// How factors may begin without a change of the base.
const PLAIN_BEGINNINGS: [&str; 4] = ["gaussian", "eva", "orthogonal", "true"];

/// Refuses adapters of another kind than LoRA.
pub(super) fn check_kind(file: &str, config: &Config) -> Result<(), CheckpointError> {
    let kind = config.get("peft_type").and_then(Value::as_str);
    if kind == Some("LORA") {
        return Ok(());
    }
    let kind = kind.map_or("none".to_owned(), one_line);
    let what = format!(
        "`peft_type`: expected LORA, got {kind}: adapters of this kind are not read; merge it into its \
         base (`merge_and_unload`), where it can be, and save that"
    );
    Err(CheckpointError::damaged(file, what))
}

/// Reads an adapter's configuration and headers.
pub(super) fn read(folder: &Path, file: &str, config: &Config) -> Result<Adapter, CheckpointError> {
    check_kind(file, config)?;
    check_settings(file, config)?;
    let mut tensors = Tensors::default();
    if let Some(source) = Source::open(&folder.join("adapter_model.safetensors"))? {
        let entries = safetensors::read(&source)?;
        tensors.add(source, entries)?;
    } else if let Some(source) = Source::open(&folder.join("adapter_model.bin"))? {
        let entries = pytorch::read(&source)?;
        tensors.add(source, entries)?;
    } else {
        return Err(CheckpointError::MissingFile {
            folder: crate::outside::escape::path(folder),
            missing: "adapter weights",
            expected: "adapter_model.safetensors or adapter_model.bin beside adapter_config.json"
                .into(),
        });
    }
    let scales = Scales::of(file, config)?;
    let (mut updates, mut copies) = (Vec::new(), Vec::new());
    let mut modules = BTreeSet::new();
    for name in tensors.names() {
        let below = name.strip_prefix(BEFORE).unwrap_or(name);
        match below.find(".lora_") {
            Some(end) => {
                modules.insert(name[..name.len() - below.len() + end].to_owned());
            }
            None => copies.push([name.to_owned(), of_copy(below)]),
        }
    }
    for full in modules {
        let module = full.strip_prefix(BEFORE).unwrap_or(&full).to_owned();
        let part = |part: &str| format!("{full}.lora_{part}");
        let of_embedding = ["embedding_A", "embedding_B"].map(part);
        let own = match of_embedding.iter().any(|name| tensors.get(name).is_some()) {
            true => of_embedding,
            false => ["A.weight", "B.weight"].map(part),
        };
        let (a, b, rank) = factors(&tensors, file, &module, own)?;
        let magnitudes = [part("magnitude_vector"), part("magnitude_vector.weight")];
        let magnitude = magnitudes
            .into_iter()
            .find(|name| tensors.get(name).is_some());
        if magnitude.is_none() && scales.dora {
            let module = one_line(&module);
            let what = format!("{module}: expected a magnitude, as `use_dora` says, got none");
            return Err(CheckpointError::damaged(file, what));
        }
        updates.push(Update {
            scale: scales.scale(file, &module, rank)?,
            magnitude: magnitude.map(|name| (name, false)),
            module,
            a,
            b,
            rank,
        });
    }
    Ok(Adapter {
        file: file.to_owned(),
        magnitude: scales.dora,
        tensors,
        updates,
        copies,
    })
}

/// The base's name of a tensor that is held whole.
fn of_copy(name: &str) -> String {
    let name = name.replace(".base_layer.", ".");
    name.replace(".modules_to_save.default.", ".")
        .replace(".modules_to_save.", ".")
}

fn check_settings(file: &str, config: &Config) -> Result<(), CheckpointError> {
    let is_set = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(values) => !values.is_empty(),
        Value::Object(values) => !values.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => true,
    };
    for (key, what) in NOT_READ {
        if config.get(key).is_some_and(is_set) {
            let what = format!(
                "`{key}`: expected none, got {what}, which is not read; merge the adapter into its base \
                 (`merge_and_unload`) and save that"
            );
            return Err(CheckpointError::damaged(file, what));
        }
    }
    if let Some(Value::String(beginning)) = config.get("init_lora_weights")
        && !PLAIN_BEGINNINGS.contains(&&*beginning.to_lowercase())
    {
        let beginning = one_line(beginning);
        let what = format!(
            "`init_lora_weights`: expected a beginning that leaves the base as it is, got {beginning}, \
             which changes it; save the adapter with `path_initial_model_for_weight_conversion`, or \
             merge it into its base and save that"
        );
        return Err(CheckpointError::damaged(file, what));
    }
    Ok(())
}

/// What products are multiplied with.
struct Scales<'a> {
    rank: f64,
    alpha: f64,
    /// Divided by the root of the rank (rsLoRA, Kalajdzievski 2023, arXiv 2312.03732).
    by_root: bool,
    dora: bool,
    ranks: Vec<(Regex, f64)>,
    alphas: Vec<(Regex, f64)>,
    config: &'a Config,
}

impl<'a> Scales<'a> {
    fn of(file: &str, config: &'a Config) -> Result<Self, CheckpointError> {
        let flag = |key| config.get(key).and_then(Value::as_bool).unwrap_or_default();
        let number = |key: &str| {
            let value = config.get(key).and_then(Value::as_f64);
            value.filter(|x| x.is_finite()).ok_or_else(|| {
                let got = config
                    .get(key)
                    .map_or("none".to_owned(), ToString::to_string);
                let what = format!("`{key}`: expected a number, got {got}; get the file again");
                CheckpointError::damaged(file, what)
            })
        };
        Ok(Self {
            rank: number("r")?,
            alpha: number("lora_alpha")?,
            by_root: flag("use_rslora"),
            dora: flag("use_dora"),
            ranks: patterns(file, config, "rank_pattern")?,
            alphas: patterns(file, config, "alpha_pattern")?,
            config,
        })
    }

    fn scale(&self, file: &str, module: &str, rank: usize) -> Result<f32, CheckpointError> {
        let found = |patterns: &[(Regex, f64)], usual: f64| {
            let found = patterns
                .iter()
                .find(|(pattern, _)| pattern.is_match(module));
            found.map_or(usual, |(_, number)| *number)
        };
        let expected = found(&self.ranks, self.rank);
        if expected != rank as f64 {
            let key = match self.config.get("rank_pattern") {
                Some(Value::Object(patterns)) if !patterns.is_empty() => "`r` and `rank_pattern`",
                _ => "`r`",
            };
            let module = one_line(module);
            let what = format!(
                "{key}: expected the rank of the factors of {module}, {rank}, got {expected}; take \
                 adapter_config.json and weights from the same adapter"
            );
            return Err(CheckpointError::damaged(file, what));
        }
        let by = if self.by_root {
            expected.sqrt()
        } else {
            expected
        };
        Ok((found(&self.alphas, self.alpha) / by) as f32)
    }
}

/// Regular expressions of ends of module paths, as PEFT matches them, and their numbers.
fn patterns(file: &str, config: &Config, key: &str) -> Result<Vec<(Regex, f64)>, CheckpointError> {
    let Some(Value::Object(patterns)) = config.get(key) else {
        return Ok(Vec::new());
    };
    let read = |(pattern, number): (&String, &Value)| {
        let whole = Regex::new(&format!("^(?:.*\\.)?(?:{pattern})$"));
        match (whole, number.as_f64()) {
            (Ok(whole), Some(number)) => Ok((whole, number)),
            _ => {
                let (pattern, number) = (one_line(pattern), one_line(&number.to_string()));
                let what = format!(
                    "`{key}`: expected patterns of modules with numbers, got {pattern}: {number}"
                );
                Err(CheckpointError::damaged(file, what))
            }
        }
    };
    patterns.iter().map(read).collect()
}
