//! Files of a fitted Jacobian lens (arXiv 2607.15495): for each layer a matrix that carries the
//! residual stream after it into that after the last.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::outside::{self, escape};

use super::error::one_line;
use super::source::Source;
use super::tensors::Tensors;
use super::{CheckpointError, Matrix, pytorch, safetensors};

/// A fitted lens: matrices by layer, and what is said of how they were fitted.
#[derive(Debug)]
pub struct LensFile {
    tensors: Tensors,
    layers: BTreeMap<usize, String>,
    d_model: usize,
    about: LensAbout,
    /// What the file says beside its matrices.
    said: Vec<(String, String)>,
}

/// What a lens says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LensAbout {
    /// The file as the user named it.
    pub path: String,
    /// How many prompts it is a mean over.
    pub prompts: Option<usize>,
    /// Of which texts.
    pub data: Option<String>,
    /// For which model.
    pub model: Option<String>,
    /// The first digits of the file's SHA-256.
    pub hash: String,
    /// How many layers it has a matrix for.
    pub layers: usize,
}

impl LensAbout {
    /// All of it in a line.
    pub fn said(&self) -> String {
        let prompts = match self.prompts {
            Some(1) => "1 prompt".to_owned(),
            Some(n) => format!("{n} prompts"),
            None => "prompts that are not counted".to_owned(),
        };
        let data = self.data.as_ref().map(|data| format!(" of {data}"));
        let layers = self.layers;
        format!(
            "{}, {layers} layers, {prompts}{}, sha256 {}",
            self.path,
            data.unwrap_or_default(),
            self.hash
        )
    }
}

impl LensFile {
    /// Opens a file as it is published (`*_jacobian_lens.pt`) or as `fit-lens` writes it
    /// (`.safetensors`), for a model of so many layers.
    ///
    /// # Errors
    /// A file of another kind, matrices of another model's size, or a lens of another place than
    /// whole layers.
    pub fn opened(path: &Path, layers: usize, d_model: usize) -> Result<Self, CheckpointError> {
        let name = escape::path(path);
        let source = Source::open(path)?.ok_or_else(|| {
            let what = "expected a file of a fitted lens, got none; check the spelling";
            CheckpointError::damaged(&name, what)
        })?;
        let about = LensAbout {
            path: path.to_string_lossy().into_owned(),
            hash: hash(path)?,
            ..LensAbout::default()
        };
        Self::of(source, about, (layers, d_model))
    }

    /// The same of bytes that are part of the program.
    ///
    /// # Errors
    /// As [`Self::opened`].
    pub fn bundled(
        name: &str,
        bytes: &'static [u8],
        layers: usize,
        d_model: usize,
    ) -> Result<Self, CheckpointError> {
        let about = LensAbout {
            path: name.to_owned(),
            hash: digits(Sha256::digest(bytes).as_slice()),
            ..LensAbout::default()
        };
        let source = Source::bundled(name.to_owned(), bytes);
        Self::of(source, about, (layers, d_model))
    }

    fn of(
        source: Source,
        about: LensAbout,
        (layers, d_model): (usize, usize),
    ) -> Result<Self, CheckpointError> {
        let name = source.name().to_owned();
        let damaged = |what: String| CheckpointError::damaged(&name, what);
        let head = source.copy(0, source.len().min(2) as usize)?;
        let (entries, said) = match head[..] {
            [b'P', b'K'] | [0x80, _] => {
                let nested = pytorch::nested(&source)?;
                (nested.tensors, nested.plain)
            }
            _ => (safetensors::read(&source)?, safetensors::metadata(&source)?),
        };
        let mut tensors = Tensors::default();
        tensors.add(source, entries)?;
        let mut file = Self {
            tensors,
            layers: BTreeMap::new(),
            d_model,
            about: LensAbout::default(),
            said,
        };
        if let Some(place) = file
            .said("capture_point")
            .filter(|place| *place != "block_output")
        {
            return Err(damaged(format!(
                "expected a lens of what whole layers leave (block_output), got one of {place}; take \
                 another"
            )));
        }
        file.layers = by_layer(&file.tensors, &damaged, (layers, d_model))?;
        let first = |keys: [&str; 2]| keys.into_iter().find_map(|key| file.said(key));
        file.about = LensAbout {
            prompts: file.said("n_prompts").and_then(|n| n.parse().ok()),
            data: first(["data", "dataset"]).map(one_line),
            model: first(["model", "model_name"]).map(one_line),
            layers: file.layers.len(),
            ..about
        };
        Ok(file)
    }

    /// What the file says under a key.
    pub fn said(&self, key: &str) -> Option<&str> {
        let of = |name: &str| name.rsplit('.').next() == Some(key);
        let found = self.said.iter().find(|(name, _)| of(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Whether it has a matrix for a layer.
    pub fn has(&self, layer: usize) -> bool {
        self.layers.contains_key(&layer)
    }

    /// What it says of itself.
    pub fn about(&self) -> &LensAbout {
        &self.about
    }

    /// A layer's matrix J, `[d_model, d_model]`: h_L ≈ J·h_l; `None` if it has none for the layer.
    ///
    /// # Errors
    /// Numbers that are not finite, or a file that cannot be read.
    pub fn jacobian(&self, layer: usize) -> Result<Option<Matrix>, CheckpointError> {
        let all = 0..self.d_model;
        let name = self.layers.get(&layer);
        name.map(|name| self.tensors.block(name, all.clone(), all.clone()))
            .transpose()
    }
}

/// The matrices `J.0`, `J.1` …, their sizes checked.
fn by_layer(
    tensors: &Tensors,
    damaged: &dyn Fn(String) -> CheckpointError,
    (layers, d_model): (usize, usize),
) -> Result<BTreeMap<usize, String>, CheckpointError> {
    let numbered = tensors.names().filter_map(|name| {
        let layer = name.strip_prefix("J.")?.parse().ok()?;
        Some((layer, name.to_owned()))
    });
    let by_layer: BTreeMap<usize, String> = numbered.collect();
    let Some((&last, _)) = by_layer.last_key_value() else {
        return Err(damaged(
            "expected matrices J by layer, as a fitted Jacobian lens has them, got none; give a lens"
                .to_owned(),
        ));
    };
    if last >= layers {
        let most = layers.saturating_sub(1);
        return Err(damaged(format!(
            "expected layers 0 to {most}, as this model has, got layer {last}; take the lens of this \
             model"
        )));
    }
    for name in by_layer.values() {
        let shape = tensors.get(name).map(|(entry, _)| entry.shape.clone());
        let shape = shape.unwrap_or_default();
        if shape != [d_model, d_model] {
            return Err(damaged(format!(
                "{name}: expected [{d_model}, {d_model}], as wide as this model, got {shape:?}; take \
                 the lens of this model"
            )));
        }
    }
    Ok(by_layer)
}

/// The first twelve digits of a file's SHA-256.
fn hash(path: &Path) -> Result<String, CheckpointError> {
    let name = escape::path(path);
    let mut file = outside::open(path)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => hasher.update(&piece[..n]),
            Err(error) => return Err(CheckpointError::io(&name, error)),
        }
    }
    Ok(digits(hasher.finalize().as_slice()))
}

fn digits(digest: &[u8]) -> String {
    let digits = digest.iter().take(6).map(|byte| format!("{byte:02x}"));
    digits.collect()
}
