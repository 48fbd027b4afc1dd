//! The tensors of the files that hold the weights.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::outside::escape;

use super::CheckpointError;
use super::error::one_line;
use super::files::Files;
use super::tensor_entry::TensorEntry;
use super::tensors::{MOST_TENSORS, Tensors};
use super::weight_files::{FORMS, Read, choose, looked_for};

/// Larger than any index of shards.
pub(super) const LARGEST_INDEX: u64 = 64 << 20;

#[derive(Deserialize)]
struct Index {
    /// Tensor → file.
    weight_map: BTreeMap<String, String>,
}

/// Every tensor of the weights that are there: safetensors before pickle, one file before shards.
pub(super) fn open(files: &Files) -> Result<Tensors, CheckpointError> {
    let mut tensors = Tensors::default();
    for form in &FORMS {
        if let Some(source) = files.open(form.file)? {
            let entries = (form.read)(&source)?;
            tensors.add(source, entries)?;
            return Ok(tensors);
        }
        if let Some(index) = files.open(form.index)? {
            let index_name = index.name().to_string();
            let index = parse_index(&index_name, &index.whole(LARGEST_INDEX)?)?;
            add_shards(&mut tensors, files, &index_name, index, form.read)?;
            return Ok(tensors);
        }
    }
    let missing = || CheckpointError::MissingFile {
        folder: files.name(),
        missing: "weights",
        expected: format!("one of {}", looked_for()),
    };
    Err(files.elsewhere().unwrap_or_else(missing))
}

/// Whether an index of shards names a tensor of some kind.
///
/// # Errors
/// It is none.
pub(super) fn names_any(
    name: &str,
    bytes: &[u8],
    of_kind: impl Fn(&str) -> bool,
) -> Result<bool, CheckpointError> {
    let index = parse_index(name, bytes)?;
    Ok(index.weight_map.keys().any(|tensor| of_kind(tensor)))
}

/// The files that an index of shards names.
///
/// # Errors
/// It is none, or names what cannot lie beside it.
pub(super) fn shards(name: &str, bytes: &[u8]) -> Result<Vec<String>, CheckpointError> {
    let index = parse_index(name, bytes)?;
    let mut files: Vec<String> = index.weight_map.into_values().collect();
    files.sort();
    files.dedup();
    match files.iter().find(|file| !escape::is_plain_name(file)) {
        None => Ok(files),
        Some(file) => {
            let what = format!("names the file {}, expected one beside it", one_line(file));
            Err(CheckpointError::damaged(name, what))
        }
    }
}

/// Whether all files of the weights are there.
pub(super) fn complete(files: &Files) -> Result<bool, CheckpointError> {
    let there = |file: &str| files.open(file).is_ok_and(|found| found.is_some());
    let Some(weight_files) = choose(there) else {
        return Ok(false);
    };
    if !weight_files.is_index {
        return Ok(true);
    }
    let bytes = files
        .read(weight_files.file, LARGEST_INDEX)?
        .unwrap_or_default();
    Ok(shards(weight_files.file, &bytes)?
        .iter()
        .all(|shard| there(shard)))
}

fn parse_index(name: &str, bytes: &[u8]) -> Result<Index, CheckpointError> {
    // A name and a file each, in quotes.
    let quotes = bytes.iter().filter(|&&b| b == b'"').count();
    if quotes / 4 > MOST_TENSORS {
        let what = format!("expected an index of at most {MOST_TENSORS} tensors, got more");
        return Err(CheckpointError::damaged(name, what));
    }
    let index: Index = serde_json::from_slice(bytes).map_err(|e| {
        let what = format!("expected an index with a `weight_map`, got {e}; get the file again");
        CheckpointError::damaged(name, what)
    })?;
    if index.weight_map.is_empty() {
        let what = "expected tensors in `weight_map`, got none; get the file again";
        return Err(CheckpointError::damaged(name, what));
    }
    Ok(index)
}

fn add_shards(
    tensors: &mut Tensors,
    files: &Files,
    index_name: &str,
    index: Index,
    read: Read,
) -> Result<(), CheckpointError> {
    let mut shards: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (tensor, shard) in index.weight_map {
        shards.entry(shard).or_default().push(tensor);
    }
    for (shard, names) in shards {
        let found = if escape::is_plain_name(&shard) {
            files.open(&shard)?
        } else {
            None
        };
        let source = found.ok_or_else(|| {
            let shard = one_line(&shard);
            let what = format!(
                "names the file {shard}, expected it in the same folder, got none; get it too"
            );
            CheckpointError::damaged(index_name, what)
        })?;
        let mut entries: BTreeMap<String, TensorEntry> = read(&source)?.into_iter().collect();
        let mut kept = Vec::with_capacity(names.len());
        for name in names {
            let (name, entry) =
                entries
                    .remove_entry(&name)
                    .ok_or_else(|| CheckpointError::MissingTensor {
                        place: source.name().to_string(),
                        tensor: one_line(&name),
                        why: format!("because {index_name} says so"),
                        advice: "index and shards are of different checkpoints; get all again"
                            .into(),
                    })?;
            kept.push((name, entry));
        }
        tensors.add(source, kept)?;
    }
    Ok(())
}
