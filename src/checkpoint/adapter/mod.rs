//! Adapters: files that change some matrices of a base model by products of two thin factors. A format
//! of adapters is a file here; what is read of it is the same of all, and is merged into the base's
//! tensors under the base's own names.

mod gguf_file;
mod mlx;
mod peft;

use std::path::Path;

use serde_json::{Map, Value};

use crate::outside::{self, escape};

use super::error::one_line;
use super::family::{Layout, Linear};
use super::merged_matrix::{Magnitude, MagnitudeOf, Merge, MergedMatrix};
use super::number::Dtype;
use super::tensor_entry::TensorEntry;
use super::tensors::Tensors;
use super::{CheckpointError, Family, Spec};

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
    /// Modules in `copies` need not be the base's: heads of other tasks.
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

/// The tensors of a base, as its family names them.
struct BaseTensors<'a> {
    tensors: Tensors,
    family: &'a Family,
    tied: bool,
    prefix: &'a str,
}

impl BaseTensors<'_> {
    /// The base's own name of a tensor that an adapter knows by its path in some class of the model.
    fn full(&self, tensor: &str) -> Option<String> {
        let there = |name: &String| self.tensors.get(name).is_some();
        if let Some(name) = Some(tensor.to_owned()).filter(there) {
            return Some(name);
        }
        let prefixes = self.family.prefixes.iter();
        prefixes
            .filter_map(|prefix| tensor.strip_prefix(prefix))
            .map(|below| format!("{}{below}", self.prefix))
            .find(there)
    }

    fn embedding(&self) -> String {
        format!("{}{}", self.prefix, self.family.embedding)
    }

    /// The name of the embedding that nothing is merged into.
    fn plain_embedding(&self) -> String {
        let kept = format!("{}{BASE}", self.embedding());
        match self.tensors.get(&kept) {
            Some(_) => kept,
            None => self.embedding(),
        }
    }

    /// Puts an adapter's copy of a tensor in the place of the base's. The head of a tied model becomes
    /// one of its own; what the base does not have is a head for another task, which nothing here reads.
    fn replace(&mut self, own: &str, tensor: &str, spec: &mut Spec) {
        let own = format!("{own}{OWN}");
        let name = self.full(tensor).unwrap_or_else(|| tensor.to_owned());
        // Rows for tokens that were added.
        let rows = self.tensors.get(&own).map(|(entry, _)| entry.shape.clone());
        if let Some(&[rows, _]) = rows.as_deref()
            && name == self.embedding()
        {
            spec.vocab = rows;
        }
        self.tensors.rename(&own, &name);
    }

    /// Merges a product into a matrix.
    fn merge(&mut self, file: &str, update: Update) -> Result<(), CheckpointError> {
        let wrong = |what: String| Err(CheckpointError::damaged(file, what));
        let module = one_line(&update.module);
        let weight = format!("{}.weight", update.module);
        let head = self.family.output_embedding.contains(&&*weight);
        let (name, base) = match self.full(&weight) {
            Some(name) => {
                let base = format!("{name}{BASE}");
                self.tensors.rename(&name, &base);
                (name, base)
            }
            // The head of a tied model becomes one of its own.
            None if head && self.tied => (weight, self.plain_embedding()),
            None if !is_of_language(&update.module) => return Ok(()),
            None => {
                return wrong(format!(
                    "changes {module}, expected a module of the base, got one that it does not have: \
                     this adapter is of another base; give it with --base"
                ));
            }
        };
        let own = |name: &str| format!("{name}{OWN}");
        let (a, b) = (own(&update.a), own(&update.b));
        let shapes = [&base, &a, &b].map(|name| {
            let found = self.tensors.get(name);
            found.map_or(Vec::new(), |(entry, _)| entry.shape.clone())
        });
        let transposed = self.is_transposed(&name);
        let [&[height, width], &[_, inputs], &[outputs, rank]] = shapes.each_ref().map(|s| &s[..])
        else {
            return wrong(format!(
                "{module}: expected matrices, got shapes {shapes:?}; get it again"
            ));
        };
        let expected = if transposed {
            [inputs, outputs]
        } else {
            [outputs, inputs]
        };
        if [height, width] != expected {
            return wrong(format!(
                "changes {module} by a matrix of shape {expected:?}, expected {:?} as the base has it: \
                 this adapter is of another base; give it with --base",
                [height, width]
            ));
        }
        // Of a layout `[in, out]` the product is transposed, and with it both factors.
        let (left, right) = if transposed { (a, b) } else { (b, a) };
        if transposed {
            self.tensors.transpose(&left);
            self.tensors.transpose(&right);
        }
        let magnitude = update.magnitude.map(|(name, of_inputs)| {
            let of = match of_inputs == transposed {
                true => MagnitudeOf::Rows,
                false => MagnitudeOf::Columns,
            };
            (own(&name), of)
        });
        if let Some((magnitude, of)) = &magnitude {
            let numbers = match of {
                MagnitudeOf::Rows => height,
                MagnitudeOf::Columns => width,
            };
            let got = self
                .tensors
                .get(magnitude)
                .map(|(entry, _)| &entry.shape[..]);
            if got != Some(&[numbers]) {
                return wrong(format!(
                    "{module}: expected a magnitude of shape [{numbers}], got {got:?}; get it again"
                ));
            }
        }
        let of_base = self
            .tensors
            .get(&base)
            .map(|(entry, _)| entry.dtype.clone());
        let of_base = of_base.unwrap_or(Dtype::F32);
        let kind = if magnitude.is_some() { "DoRA" } else { "LoRA" };
        let merge = Merge {
            title: format!("{of_base} + {kind} rank {rank}"),
            quantised: of_base.is_quantised(),
            base: base.clone(),
            shape: [height, width],
            left,
            right,
            rank,
            scale: update.scale,
            magnitude: magnitude.map(|(name, of)| Magnitude::new(name, of)),
        };
        let dtype = Dtype::Merged(MergedMatrix::new(merge));
        let entry = TensorEntry::contiguous(dtype, vec![height, width], 0);
        self.tensors.insert_beside(&base, name, entry);
        Ok(())
    }

    /// Whether a matrix is stored `[in, out]`: embeddings, whose inputs are tokens, and `Conv1D`.
    fn is_transposed(&self, name: &str) -> bool {
        let family = self.family;
        let linears: [Option<&Linear>; 7] = [
            Some(&family.ff_in),
            family.ff_gate.as_ref(),
            Some(&family.ff_out),
            Some(&family.query),
            Some(&family.key),
            Some(&family.value),
            Some(&family.attention_out),
        ];
        let of_linear = |linear: &&Linear| name.ends_with(&format!(".{}.weight", linear.name));
        let mut found = linears.into_iter().flatten().filter(of_linear);
        name == self.embedding() || found.any(|linear| linear.layout == Layout::InOut)
    }
}

/// Whether a module can be of a language model, not of what turns pictures or sounds into its input.
fn is_of_language(module: &str) -> bool {
    let other = ["vision", "visual", "audio", "image", "multi_modal"];
    !module
        .split('.')
        .any(|part| other.iter().any(|word| part.contains(word)))
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
