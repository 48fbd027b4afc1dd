//! Folders in which a program keeps models as they were downloaded: LM Studio's
//! `models/PUBLISHER/MODEL/FILE.gguf`, llama.cpp's cache.

use std::path::{Path, PathBuf};

use crate::outside::escape;

use super::super::gguf;
use super::{ModelStore, StoreListing, StoredModel, base_of, entries, located, size};

/// A program's folders.
#[derive(Debug)]
pub(super) struct ModelFolders {
    pub title: &'static str,
    /// Before the colon in names of its models.
    pub prefix: &'static str,
    /// One may be of an older version of the program, or not be there.
    pub roots: Vec<PathBuf>,
    /// Folders below a root that are looked into.
    pub depth: usize,
}

impl ModelFolders {
    fn stored(&self, name: &str, path: &Path, bytes: u64) -> StoredModel {
        let name = format!("{}:{name}", self.prefix);
        StoredModel {
            location: located(&name, path.to_owned()),
            name,
            place: self.title,
            bytes,
            base: None,
        }
    }

    /// Adds the models in a folder, whose names from the root on are `names`, and `depth` folders
    /// below it.
    fn add(&self, names: &str, folder: &Path, depth: usize, listing: &mut StoreListing) {
        let inside = entries(folder, &mut listing.problems);
        let files = || inside.iter().map(|(name, path)| (name.as_str(), path));
        if let Some(base) = base_of(folder, &mut listing.problems) {
            let weights = files().filter(|(name, _)| name.ends_with(".safetensors"));
            let bytes = weights.map(|(_, path)| size(path)).sum();
            let adapter = self.stored(names, folder, bytes);
            let base = Some(base);
            return listing.models.push(StoredModel { base, ..adapter });
        }
        if files().any(|(name, _)| name == "config.json") {
            let weights = files().filter(|(name, _)| name.ends_with(".safetensors"));
            let bytes = weights.map(|(_, path)| size(path)).sum();
            if bytes > 0 {
                listing.models.push(self.stored(names, folder, bytes));
            }
        }
        for (file, path, bytes) in gguf_files(&inside) {
            let name = below(names, file);
            listing.models.push(self.stored(&name, path, bytes));
        }
        if depth == 0 {
            return;
        }
        for (name, path) in inside.iter().filter(|(_, path)| path.is_dir()) {
            self.add(&below(names, name), path, depth - 1, listing);
        }
    }
}

fn below(names: &str, name: &str) -> String {
    match names {
        "" => name.to_owned(),
        names => format!("{names}/{name}"),
    }
}

impl ModelStore for ModelFolders {
    fn list(&self, listing: &mut StoreListing) {
        for root in &self.roots {
            self.add("", root, self.depth, listing);
        }
    }

    fn find(&self, name: &str) -> Option<Result<PathBuf, String>> {
        let name = name.strip_prefix(self.prefix)?.strip_prefix(':')?;
        let plain = name.split('/').all(escape::is_plain_name);
        let mut paths = self.roots.iter().map(|root| root.join(name));
        let found = paths.find(|path| plain && path.exists());
        Some(found.ok_or_else(|| {
            let roots: Vec<String> = self.roots.iter().map(|r| escape::path(r)).collect();
            format!(
                "{} keeps none of that name in {}",
                self.title,
                roots.join(" or ")
            )
        }))
    }
}

/// The GGUF models among the files of a folder: of each the first file, with the size of all shards.
pub(super) fn gguf_files(files: &[(String, PathBuf)]) -> Vec<(&str, &Path, u64)> {
    let models = files
        .iter()
        .filter(|(_, path)| gguf::is_model(path) && path.is_file());
    models
        .map(|(name, path)| {
            let bytes = gguf::shards(path).iter().map(|shard| size(shard)).sum();
            (name.as_str(), path.as_path(), bytes)
        })
        .collect()
}
