//! What a list says of a model besides its name: its family and how its numbers are stored, read from
//! headers alone.

use rayon::prelude::*;

use super::super::config::Config;
use super::super::files::Files;
use super::super::gguf::Gguf;
use super::super::quantised;
use super::super::weights;
use super::super::{CheckpointError, Location};
use super::{StoreListing, StoredBase, StoredModel};

/// What a model is, by its headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelSummary {
    /// `None` where it cannot be told.
    pub family: Option<&'static str>,
    /// How most of its numbers are stored: `BF16`, `Q4_K`.
    pub stored: Option<String>,
    /// Why it cannot be opened, if its headers say so.
    pub problem: Option<String>,
}

impl ModelSummary {
    /// Reads a model's configuration and headers.
    pub fn of(location: &Location) -> Self {
        let mut summary = Self::default();
        if let Err(error) = summary.read(location) {
            summary.problem = Some(error.to_string());
        }
        summary
    }

    fn read(&mut self, location: &Location) -> Result<(), CheckpointError> {
        if let Location::Adapted(adapted) = location {
            // What is stored of it are factors; the family is its base's.
            return self.read(&adapted.base);
        }
        let files = Files::of(location)?;
        let (_, family) = match &files {
            Files::Gguf(file) => {
                let gguf = Gguf::open(file)?;
                self.stored = gguf.stored_type();
                Config::of(&files.name(), gguf.config()?)?
            }
            Files::Bundled(_) | Files::Folder(_) | Files::Remote(_) => {
                let config = Config::read(&files);
                let mut tensors = weights::open(&files)?;
                if let Ok((config, _)) = &config {
                    tensors = quantised::assembled(tensors, config.quantisation())?;
                }
                self.stored = tensors.most_common_type();
                config?
            }
        };
        self.family = Some(family.title);
        Ok(())
    }
}

impl StoreListing {
    /// What each of the models is, in their order. Headers of several are read at a time.
    pub fn summaries(&self) -> Vec<ModelSummary> {
        let models = self.models.par_iter();
        let summary = |model: &StoredModel| match &model.base {
            Some(StoredBase { missing, .. }) if missing.is_some() => ModelSummary {
                problem: missing.clone(),
                ..ModelSummary::default()
            },
            _ => ModelSummary::of(&model.location),
        };
        models.map(summary).collect()
    }
}
