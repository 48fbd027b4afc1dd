//! MLX's folders, as `mlx_lm.lora` saves them: `adapter_config.json` and `adapters.safetensors`, whose
//! factors are `[in, rank]` and `[rank, out]`, or whole tensors of a full fine-tune.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use super::super::error::one_line;
use super::super::source::Source;
use super::super::tensors::Tensors;
use super::super::{CheckpointError, Family, safetensors};
use super::{Adapter, Update, factors};

const FILE: &str = "adapters.safetensors";

/// Whether a folder with an `adapter_config.json` is of MLX.
pub(super) fn is_mlx(folder: &Path, config: &Map<String, Value>) -> bool {
    let described = ["lora_parameters", "fine_tune_type"]
        .iter()
        .any(|key| config.contains_key(*key));
    !config.contains_key("peft_type") && (described || folder.join(FILE).exists())
}

/// Reads an adapter's configuration and headers.
pub(super) fn read(
    folder: &Path,
    file: &str,
    config: &Map<String, Value>,
    family: &Family,
) -> Result<Adapter, CheckpointError> {
    let kind = config
        .get("fine_tune_type")
        .and_then(Value::as_str)
        .unwrap_or("lora");
    if !["lora", "dora", "full"].contains(&kind) {
        let kind = one_line(kind);
        let what =
            format!("`fine_tune_type`: expected lora, dora or full, got {kind}, which is not read");
        return Err(CheckpointError::damaged(file, what));
    }
    let Some(source) = Source::open(&folder.join(FILE))? else {
        return Err(CheckpointError::MissingFile {
            folder: crate::outside::escape::path(folder),
            missing: "adapter weights",
            expected: format!("{FILE} beside adapter_config.json"),
        });
    };
    let mut tensors = Tensors::default();
    let entries = safetensors::read(&source)?;
    tensors.add(source, entries)?;
    let (mut modules, mut copies) = (BTreeSet::new(), Vec::new());
    for name in tensors.names() {
        match name
            .strip_suffix(".lora_a")
            .or_else(|| name.strip_suffix(".lora_b"))
        {
            Some(module) => {
                modules.insert(module.to_owned());
            }
            None if name.ends_with(".m") => {}
            None => copies.push([name.to_owned(), name.to_owned()]),
        }
    }
    let mut updates = Vec::new();
    for module in modules {
        let own = ["a", "b"].map(|part| format!("{module}.lora_{part}"));
        own.iter().for_each(|name| tensors.transpose(name));
        let (a, b, rank) = factors(&tensors, file, &module, own)?;
        let magnitude = Some(format!("{module}.m")).filter(|name| tensors.get(name).is_some());
        // Lengths of an embedding's rows are of its inputs.
        let embedding = family.embedding.trim_end_matches(".weight");
        let of_inputs = module.ends_with(embedding);
        updates.push(Update {
            scale: scale(file, config, rank)?,
            magnitude: magnitude.map(|name| (name, of_inputs)),
            module,
            a,
            b,
            rank,
        });
    }
    Ok(Adapter {
        file: file.to_owned(),
        magnitude: updates.iter().any(|update| update.magnitude.is_some()),
        tensors,
        updates,
        copies,
    })
}

/// `scale`, in older files times `alpha` over the rank.
fn scale(file: &str, config: &Map<String, Value>, rank: usize) -> Result<f32, CheckpointError> {
    let parameters = config.get("lora_parameters").unwrap_or(&Value::Null);
    let number = |key: &str| parameters.get(key).and_then(Value::as_f64);
    let Some(scale) = number("scale").filter(|scale| scale.is_finite()) else {
        let what = "`lora_parameters`: expected a number `scale`, got none; get the file again";
        return Err(CheckpointError::damaged(file, what));
    };
    Ok((scale * number("alpha").map_or(1.0, |alpha| alpha / rank as f64)) as f32)
}
