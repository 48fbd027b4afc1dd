//! GGUF, the format of llama.cpp: one file, or several shards, with keys, tokenizer and tensors.

mod configuration;
mod expert_keys;
mod expert_names;
mod header;
mod keys;
mod latent;
mod layer_keys;
mod metadata;
mod mixer_names;
mod names;
mod reader;
mod rearranged;
mod rope;
mod stack_names;
mod unknown_names;
mod value;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::outside::{self, escape};

use super::elsewhere;
use super::source::Source;
use super::tensor_entry::TensorEntry;
use super::tensors::Tensors;
use super::{CheckpointError, Family, MixerSizes, Spec};

pub use configuration::architectures_of;
pub use metadata::GgufMetadata;
pub use value::{MetadataValue, StoredValue};

use keys::Keys;

/// What llama.cpp calls the values of `general.file_type`, from 0 on; empty where one is not in use.
const MIXTURES: [&str; 33] = [
    "F32", "F16", "Q4_0", "Q4_1", "", "", "", "Q8_0", "Q5_0", "Q5_1", "Q2_K", "Q3_K_S", "Q3_K_M",
    "Q3_K_L", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K", "IQ2_XXS", "IQ2_XS", "Q2_K_S",
    "IQ3_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ3_M", "IQ2_S", "IQ2_M", "IQ4_XS", "IQ1_M",
    "BF16",
];

/// A model's GGUF files, open.
pub(super) struct Gguf {
    metadata: GgufMetadata,
    /// By GGUF's names.
    tensors: Tensors,
}

impl Gguf {
    /// Opens a file and, where it is one of several shards, the others beside it.
    ///
    /// # Errors
    /// A shard that is not there, or as [`header::read`].
    pub(super) fn open(file: &Path) -> Result<Self, CheckpointError> {
        let shards = shards(file);
        let mut tensors = Tensors::default();
        let mut metadata = None;
        for shard in &shards {
            let Some(source) = Source::open(shard)? else {
                let what = format!(
                    "expected the shard {} beside it, got none; get it too",
                    escape::path(shard)
                );
                return Err(CheckpointError::damaged(&escape::path(file), what));
            };
            let source = Arc::new(source);
            let header = header::read(Arc::clone(&source))?;
            tensors.add(source, header.tensors)?;
            // The first shard has all keys.
            metadata.get_or_insert(header.metadata);
        }
        let none = || CheckpointError::damaged(&escape::path(file), "expected a file, got none");
        Ok(Self {
            metadata: metadata.ok_or_else(none)?,
            tensors,
        })
    }

    /// The `config.json` that says what the file's keys say.
    ///
    /// # Errors
    /// No model but what belongs to one, or as [`configuration::config`].
    pub(super) fn config(&self) -> Result<Map<String, Value>, CheckpointError> {
        let text = |key| self.metadata.text(key);
        let instead = elsewhere::in_gguf(text("general.type"), text("general.architecture"));
        if let Some(instead) = instead {
            let what = format!("expected a model, got {instead}");
            return Err(CheckpointError::damaged(self.metadata.file(), what));
        }
        configuration::config(&Keys::new(&self.metadata, &self.tensors)?)
    }

    /// Its keys.
    pub(super) fn metadata(&self) -> &GgufMetadata {
        &self.metadata
    }

    /// The factors of an adapter, each under the name of its module in the family's checkpoints with
    /// `.lora_a` (`[rank, in]`) or `.lora_b` (`[out, rank]`).
    ///
    /// # Errors
    /// A tensor of a name that is not known, or two of one.
    pub(super) fn into_factors(
        self,
        family: &Family,
        spec: &Spec,
    ) -> Result<Tensors, CheckpointError> {
        names::factors_of_family(self.tensors, family, spec, self.metadata.file())
    }

    /// The mixture of types that it was quantised to (`Q4_K_M`), or else the type of most numbers.
    pub(super) fn stored_type(&self) -> Option<String> {
        let mixture = self.metadata.whole("general.file_type");
        let mixture = mixture.and_then(|number| MIXTURES.get(usize::try_from(number).ok()?));
        let named = mixture.filter(|name| !name.is_empty());
        named
            .map(|name| (*name).to_owned())
            .or_else(|| self.tensors.most_common_type())
    }

    /// Its keys, and its tensors as the family's own checkpoints have them; what of them is not known
    /// is said in `spec`.
    ///
    /// # Errors
    /// Two tensors of one name.
    pub(super) fn into_parts(
        self,
        family: &Family,
        spec: &mut Spec,
        mixer: Option<MixerSizes>,
    ) -> Result<(GgufMetadata, Tensors), CheckpointError> {
        let activations = self.activations(family, spec);
        let (mut tensors, unknown) = names::of_family(self.tensors, family, spec, mixer)?;
        spec.unknown.extend(unknown);
        tensors.add_to_first(activations);
        Ok((self.metadata, tensors))
    }

    /// The learned numbers of layers' activations, which lie among the keys (xIELU).
    fn activations(&self, family: &Family, spec: &Spec) -> Vec<(String, TensorEntry)> {
        let names = family
            .forward
            .and_then(|forward| forward.learned_activation);
        let of_keys = ["xielu.alpha_p", "xielu.alpha_n"];
        let each = names.into_iter().flatten().zip(of_keys);
        let stored = each.flat_map(|(name, key)| {
            let entries = self.metadata.floats(key, spec.layers);
            let prefix = family.prefixes.first().copied().unwrap_or_default();
            entries.into_iter().enumerate().map(move |(layer, entry)| {
                let layer = family.layer.replace("{}", &layer.to_string());
                (format!("{prefix}{layer}{name}"), entry)
            })
        });
        stored.collect()
    }
}

impl GgufMetadata {
    /// The keys of a file, or of the first of several shards.
    ///
    /// # Errors
    /// There is no such file, or it is no GGUF that can be read.
    pub fn open(file: &Path) -> Result<Self, CheckpointError> {
        Ok(Gguf::open(file)?.metadata)
    }
}

/// Whether a file begins as GGUF does.
pub(super) fn is_gguf(file: &Path) -> bool {
    use std::io::Read;
    let mut magic = [0; 4];
    let read = outside::open(file).map(|mut file| file.read_exact(&mut magic));
    matches!(read, Ok(Ok(()))) && &magic == header::MAGIC
}

/// The GGUF file of a folder's model; of shards the first.
///
/// # Errors
/// Several models.
pub(super) fn in_folder(folder: &Path) -> Result<Option<PathBuf>, CheckpointError> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(None);
    };
    let paths = entries.flatten().take(10_000).map(|entry| entry.path());
    let mut models: Vec<PathBuf> = paths.filter(|path| is_model(path)).collect();
    models.sort();
    if models.len() > 1 {
        let named: Vec<String> = models.iter().filter_map(|path| name(path)).collect();
        return Err(CheckpointError::SeveralModels {
            folder: escape::path(folder),
            got: escape::short(&named.join(", ")),
        });
    }
    Ok(models.pop())
}

/// Whether a file is a model by its name: no part that lies beside one, no shard but the first.
pub(super) fn is_model(path: &Path) -> bool {
    const BESIDE: [&str; 3] = ["mmproj", "mtp-", "imatrix"];
    let name = name(path).unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    lower.ends_with(".gguf")
        && !BESIDE.iter().any(|beside| lower.starts_with(beside))
        && shard(&name).is_none_or(|shard| shard.number == 1)
}

/// The file name, if it is text.
fn name(path: &Path) -> Option<String> {
    Some(path.file_name()?.to_str()?.to_owned())
}

/// `NAME-00002-of-00003.gguf`, the second of three shards.
struct Shard {
    base: String,
    number: usize,
    count: usize,
}

fn shard(name: &str) -> Option<Shard> {
    let stem = name.strip_suffix(".gguf")?;
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (base, number) = rest.rsplit_once('-')?;
    let five = |digits: &str| {
        let plain = digits.len() == 5 && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse::<usize>().ok()).flatten()
    };
    let (number, count) = (five(number)?, five(count)?);
    (1..=count).contains(&number).then(|| Shard {
        base: base.to_owned(),
        number,
        count,
    })
}

/// All shards of which a file is one, in their order; or the file alone.
pub(super) fn shards(file: &Path) -> Vec<PathBuf> {
    match name(file).as_deref().and_then(shard) {
        None => vec![file.to_owned()],
        Some(Shard { base, count, .. }) => {
            let of = |number| format!("{base}-{number:05}-of-{count:05}.gguf");
            (1..=count)
                .map(|number| file.with_file_name(of(number)))
                .collect()
        }
    }
}
