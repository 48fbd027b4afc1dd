//! The keys of one architecture in a GGUF file's metadata, and what of its tensors they go with.

use super::super::CheckpointError;
use super::super::tensors::Tensors;
use super::metadata::GgufMetadata;

/// Keys and tensors of one model.
pub(super) struct Keys<'a> {
    pub(super) metadata: &'a GgufMetadata,
    pub(super) architecture: &'a str,
    tensors: &'a Tensors,
}

impl<'a> Keys<'a> {
    /// # Errors
    /// A file that names no architecture.
    pub(super) fn new(
        metadata: &'a GgufMetadata,
        tensors: &'a Tensors,
    ) -> Result<Self, CheckpointError> {
        let key = "general.architecture";
        let missing = || {
            let what = format!(
                "`{key}`: expected the name of an architecture, got nothing; get the file again"
            );
            CheckpointError::damaged(metadata.file(), what)
        };
        Ok(Self {
            metadata,
            architecture: metadata.text(key).ok_or_else(missing)?,
            tensors,
        })
    }
}

impl Keys<'_> {
    /// What messages call the file.
    pub(super) fn file(&self) -> &str {
        self.metadata.file()
    }

    /// Whether there is a tensor of this name in GGUF.
    pub(super) fn holds(&self, tensor: &str) -> bool {
        self.tensors.get(tensor).is_some()
    }

    /// Rows of a tensor, if it is there.
    pub(super) fn rows(&self, tensor: &str) -> Option<u64> {
        let (entry, _) = self.tensors.get(tensor)?;
        entry.shape.first().map(|&rows| rows as u64)
    }

    /// Inputs of a map, if it is there.
    pub(super) fn inputs(&self, tensor: &str) -> Option<u64> {
        let (entry, _) = self.tensors.get(tensor)?;
        entry.shape.last().map(|&inputs| inputs as u64)
    }

    /// The numbers of a tensor of one axis, if it is there.
    ///
    /// # Errors
    /// Numbers that cannot be read.
    pub(super) fn vector(&self, tensor: &str) -> Result<Option<Vec<f32>>, CheckpointError> {
        match self.holds(tensor) {
            true => self.tensors.vector(tensor).map(Some),
            false => Ok(None),
        }
    }

    /// A size that may be an array of one for each layer, 0 in layers that have none of their kind.
    pub(super) fn one(
        &self,
        name: &str,
        layers: u64,
        kinds: bool,
    ) -> Result<Option<u64>, CheckpointError> {
        let key = self.key(name);
        let Some(each) = self.metadata.wholes(&key)? else {
            return Ok(self.metadata.whole(&key));
        };
        let size = |size: &&u64| **size > 0 || !kinds;
        let first = each.iter().find(size).copied();
        // Layers that predict further tokens are counted too.
        let counted = [layers, layers + self.predicting()];
        let mut sizes = each.iter().filter(size);
        match sizes.find(|&&size| Some(size) != first) {
            None if counted.contains(&(each.len() as u64)) => Ok(first),
            None => Err(self.unlike(name, &format!("one of each of {layers} layers"), each.len())),
            Some(other) => {
                let expected = format!("{} in every layer", first.unwrap_or_default());
                Err(self.unlike(name, &expected, other))
            }
        }
    }

    /// Layers at the end that predict tokens after the next one, and are no part of the model.
    pub(super) fn predicting(&self) -> u64 {
        self.whole("nextn_predict_layers").unwrap_or(0)
    }

    /// A size without which nothing can be read.
    pub(super) fn needed(&self, name: &str) -> Result<u64, CheckpointError> {
        self.whole(name).ok_or_else(|| {
            let what = format!(
                "`{}`: expected a whole number, got nothing; get the file again",
                self.key(name)
            );
            CheckpointError::damaged(self.file(), what)
        })
    }

    /// That a model is of a kind that no family here is.
    pub(super) fn unlike(
        &self,
        name: &str,
        expected: &str,
        got: impl std::fmt::Display,
    ) -> CheckpointError {
        CheckpointError::Unlike {
            file: self.file().to_owned(),
            key: self.key(name),
            expected: expected.to_owned(),
            got: got.to_string(),
        }
    }

    /// A key's full name.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    /// A whole number of the architecture.
    pub(super) fn whole(&self, name: &str) -> Option<u64> {
        self.metadata.whole(&self.key(name))
    }

    /// A number of the architecture.
    pub(super) fn real(&self, name: &str) -> Option<f64> {
        let number = self.metadata.real(&self.key(name))?;
        // Floats are stored as f32: the shortest decimal of one is what was converted.
        let short = (number as f32).to_string();
        Some(short.parse().unwrap_or(number))
    }

    /// A text of the architecture.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.metadata.text(&self.key(name))
    }

    /// A flag of the architecture.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.metadata.flag(&self.key(name))
    }
}
