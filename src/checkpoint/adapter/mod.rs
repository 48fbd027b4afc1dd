//! Adapters: files that change some matrices of a base model by products of two thin factors. A format
//! of adapters is a file here; what is read of it is the same of all, and is merged into the base's
//! tensors under the base's own names.

mod base_tensors;
mod gguf_file;
mod mlx;
mod peft;

use std::path::Path;

use serde_json::{Map, Value};

use crate::outside::{self, escape};

use super::error::one_line;
use super::tensors::Tensors;
use super::{CheckpointError, Family, Spec};
use base_tensors::BaseTensors;

/// Behind the names of an adapter's own tensors among those of its base.
const OWN: &str = " (adapter)";

/// Behind the name of a base's matrix that is merged under its own name.
const BASE: &str = " (base)";

/// Larger than any `adapter_config.json`.
const LARGEST_CONFIG: u64 = 4 << 20;

/// What was merged into a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedAdapter {
    /// `LoRA` or `DoRA`.
    pub kind: &'static str,
    /// The largest rank of a product.
    pub rank: usize,
    /// Matrices that products were added to.
    pub matrices: usize,
    /// Tensors that the adapter holds whole.
    pub copies: usize,
    /// The base, as it was found.
    pub base: String,
}

/// What an adapter's files say, before the base is open.
#[derive(Debug)]
struct Adapter {
    /// Its folder or file, for messages.
    file: String,
    tensors: Tensors,
    updates: Vec<Update>,
    /// Whole tensors that take the place of the base's: own name, and the base's.
    copies: Vec<[String; 2]>,
    /// Whether it is DoRA, with magnitudes.
    magnitude: bool,
}

/// `W + scale·B·A` for one module.
#[derive(Debug)]
struct Update {
    /// The path of the module in the base.
    module: String,
    /// Own name of `A`, `[rank, in]`.
    a: String,
    /// Own name of `B`, `[out, rank]`.
    b: String,
    rank: usize,
    scale: f32,
    /// Own name of DoRA's magnitude, and whether it has a number for each input, not output.
    magnitude: Option<(String, bool)>,
}

/// The base that an adapter names; `None` if it names none.
pub(super) struct NamedBase(pub(super) Option<String>);

/// Whether a folder or file is an adapter, and if so the name of its base.
///
/// # Errors
/// A description of an adapter that cannot be read, or of a kind that is not read.
pub(super) fn named_base(path: &Path) -> Result<Option<NamedBase>, CheckpointError> {
    if path.is_file() {
        return gguf_file::named_base(path);
    }
    if super::weight_files::in_folder(path) || !path.join("adapter_config.json").exists() {
        return Ok(None);
    }
    let (file, config) = config(path)?;
    let name = match mlx::is_mlx(path, &config) {
        true => config.get("model"),
        false => {
            peft::check_kind(&file, &config)?;
            config.get("base_model_name_or_path")
        }
    };
    let name = name.and_then(Value::as_str).filter(|name| !name.is_empty());
    Ok(Some(NamedBase(name.map(str::to_owned))))
}

/// The `adapter_config.json` of a folder, and its name for messages.
fn config(folder: &Path) -> Result<(String, Map<String, Value>), CheckpointError> {
    let path = folder.join("adapter_config.json");
    let file = escape::path(&path);
    let bytes = outside::read(&path, LARGEST_CONFIG)?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(config)) => Ok((file, config)),
        Ok(_) => {
            let what = "expected a JSON object, got something else; get the file again";
            Err(CheckpointError::damaged(&file, what))
        }
        Err(error) => {
            let what = format!("expected JSON, got {error}; get the file again");
            Err(CheckpointError::damaged(&file, what))
        }
    }
}

/// The base's tensors, which are the family's, with an adapter merged into them.
///
/// # Errors
/// An adapter that cannot be read, or that is of another base.
pub(super) fn merged(
    base: Tensors,
    path: &Path,
    (family, spec): (&Family, &mut Spec),
    prefix: &str,
    base_name: String,
) -> Result<(Tensors, MergedAdapter), CheckpointError> {
    let adapter = match path.is_file() {
        true => gguf_file::read(path, family, spec)?,
        false => {
            let (file, config) = config(path)?;
            match mlx::is_mlx(path, &config) {
                true => mlx::read(path, &file, &config, family)?,
                false => peft::read(path, &file, &config)?,
            }
        }
    };
    if adapter.updates.is_empty() && adapter.copies.is_empty() {
        return Err(adapter.wrong("expected factors of matrices, got none; get it again"));
    }
    let summary = MergedAdapter {
        kind: if adapter.magnitude { "DoRA" } else { "LoRA" },
        rank: adapter
            .updates
            .iter()
            .map(|u| u.rank)
            .max()
            .unwrap_or_default(),
        matrices: adapter.updates.len(),
        copies: adapter.copies.len(),
        base: base_name,
    };
    let mut of_base = BaseTensors {
        tensors: base,
        family,
        tied: spec.tied,
        prefix,
    };
    let Adapter {
        file,
        tensors,
        updates,
        copies,
        ..
    } = adapter;
    of_base.tensors.absorb(tensors, OWN);
    for [own, module] in copies {
        of_base.replace(&own, &module, spec);
    }
    // The embedding first: a head that is made of it is made of the base's.
    let embedding = of_base.embedding();
    let (first, rest): (Vec<_>, Vec<_>) = updates.into_iter().partition(|update| {
        of_base.full(&format!("{}.weight", update.module)).as_ref() == Some(&embedding)
    });
    for update in first.into_iter().chain(rest) {
        of_base.merge(&file, update)?;
    }
    Ok((of_base.tensors, summary))
}

impl Adapter {
    fn wrong(&self, what: impl AsRef<str>) -> CheckpointError {
        CheckpointError::damaged(&self.file, what)
    }
}

/// The factors of a module by their own names: `A` and `B` with their rank.
///
/// # Errors
/// One of the two is missing, they are of two ranks, or of rank 0.
fn factors(
    tensors: &Tensors,
    file: &str,
    module: &str,
    [a, b]: [String; 2],
) -> Result<(String, String, usize), CheckpointError> {
    let wrong = |what: String| {
        let module = one_line(module);
        Err(CheckpointError::damaged(file, format!("{module}: {what}")))
    };
    let shape = |name: &String| tensors.get(name).map(|(entry, _)| entry.shape.clone());
    let shapes = match (shape(&a), shape(&b)) {
        (Some(of_a), Some(of_b)) => [of_a, of_b],
        (None, _) => return wrong("expected the factors A and B, got no A; get it again".into()),
        (_, None) => return wrong("expected the factors A and B, got no B; get it again".into()),
    };
    match shapes.each_ref().map(|shape| &shape[..]) {
        [&[0, _], _] | [_, &[_, 0]] => {
            wrong("expected factors of rank 1 or more, got rank 0; get it again".into())
        }
        [&[rank, _], &[_, of_b]] if rank == of_b => Ok((a, b, rank)),
        _ => wrong(format!(
            "expected factors of one rank, got shapes {:?} and {:?}; get it again",
            shapes[0], shapes[1]
        )),
    }
}
