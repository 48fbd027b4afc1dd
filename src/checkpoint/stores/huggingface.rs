//! The cache of Hugging Face's tools, which llama.cpp and LM Studio use too.

use std::path::{Path, PathBuf};

use crate::hub::Cache;

use super::super::files::Files;
use super::super::weights;
use super::folders::gguf_files;
use super::{ModelStore, StoreListing, StoredModel, base_of, entries, located, size};

/// The cache.
#[derive(Debug)]
pub(super) struct HuggingFace {
    cache: Cache,
}

impl HuggingFace {
    pub(super) fn new(cache: Cache) -> Self {
        Self { cache }
    }
}

impl ModelStore for HuggingFace {
    fn list(&self, listing: &mut StoreListing) {
        if let Some(root) = self.cache.root() {
            // To say that it cannot be read.
            entries(root, &mut listing.problems);
        }
        for model in self.cache.models() {
            let files = entries(&model.path, &mut listing.problems);
            let stored = |name: String, path: &Path, bytes| StoredModel {
                location: located(&name, path.to_owned()),
                name,
                place: "hub cache",
                bytes,
                base: None,
            };
            let is_weights = |name: &str| name.ends_with(".safetensors") || name.ends_with(".bin");
            let weights = files.iter().filter(|(name, _)| is_weights(name));
            let bytes = weights.map(|(_, path)| size(path)).sum();
            let base = base_of(&model.path, &mut listing.problems);
            if base.is_some() {
                let adapter = stored(model.name, &model.path, bytes);
                listing.models.push(StoredModel { base, ..adapter });
                continue;
            }
            // Of a model that was looked at in parts, or by a program that wanted its tokenizer
            // only, there is a snapshot too.
            if weights::complete(&Files::Folder(model.path.clone())).unwrap_or(false) {
                listing.models.push(stored(model.name, &model.path, bytes));
                continue;
            }
            // Of several files each is a model of its own, named by its path.
            for (_, path, bytes) in gguf_files(&files) {
                let name = path.to_string_lossy().into_owned();
                listing.models.push(stored(name, path, bytes));
            }
        }
    }

    fn find(&self, _: &str) -> Option<Result<PathBuf, String>> {
        None
    }
}
