//! Parts of tensors of several layers, and which way a matrix lies.

use crate::checkpoint::CheckpointError;
use crate::checkpoint::tensor_entry::TensorEntry;

use super::DictionaryOptions;
use super::files::DictionaryFiles;
use super::side::{DECODERS, damaged};

/// The two-dimensional part of a tensor that is meant: of one for all layers the slice of the layer,
/// of a cross-layer decoder that of the layer written to.
pub(super) fn sliced(
    files: &mut DictionaryFiles,
    name: &str,
    options: &DictionaryOptions,
    layer: Option<usize>,
) -> Result<String, CheckpointError> {
    let Some((entry, _)) = files.tensors.get(name) else {
        return Ok(name.to_owned());
    };
    let mut part = entry.clone();
    let decodes = DECODERS.iter().any(|own| name.starts_with(own));
    let axes = part.shape.len();
    let missing = |files: &DictionaryFiles, what: &str, last: usize| {
        let what = format!("{name} holds several layers: expected {what} 0 to {last}");
        damaged(files, what)
    };
    // [layers, …]: what is read or written from one layer.
    if (decodes && axes == 4) || (!decodes && axes == 3) {
        let last = part.shape[0].saturating_sub(1);
        let at = layer.filter(|&layer| layer <= last);
        let at = at.ok_or_else(|| missing(files, "--layer", last))?;
        fix(&mut part, 0, at);
    }
    // [n, targets, d]: counted from the layer that is read, or from the first.
    if decodes && part.shape.len() == 3 {
        let targets = part.shape[1];
        let first = if axes == 4 { 0 } else { layer.unwrap_or(0) };
        let target = options.target.or(layer).unwrap_or(first);
        let at = target.checked_sub(first).filter(|&at| at < targets);
        let at = at.ok_or_else(|| {
            let last = (first + targets).saturating_sub(1);
            let what = format!(
                "{name} writes to several layers: expected --target {first} to {last}, got {target}"
            );
            damaged(files, what)
        })?;
        fix(&mut part, 1, at);
    }
    if part.shape.len() == axes {
        return Ok(name.to_owned());
    }
    let new = format!("{name}[slice]");
    files.tensors.insert_beside(name, new.clone(), part);
    Ok(new)
}

/// A tensor at one place along an axis.
fn fix(entry: &mut TensorEntry, axis: usize, at: usize) {
    entry.shape.remove(axis);
    let step = entry.strides.remove(axis);
    let bytes = entry.dtype.span(step.saturating_mul(at));
    entry.offset = entry.offset.saturating_add(bytes);
}

/// The tensor, whether directions are its columns, and how many it has.
pub(super) fn oriented(
    files: &DictionaryFiles,
    tensor: String,
    width: usize,
    columns: bool,
) -> Result<(String, bool, usize), CheckpointError> {
    let shape = files
        .tensors
        .get(&tensor)
        .map(|(entry, _)| entry.shape.clone());
    match shape.as_deref() {
        Some(&[rows, cols]) if cols == width && (rows != width || !columns) => {
            Ok((tensor, false, rows))
        }
        Some(&[rows, cols]) if rows == width => Ok((tensor, true, cols)),
        got => Err(damaged(
            files,
            format!(
                "{tensor}: expected directions of {width} numbers, as this model has, got shape {:?}; \
                 take the dictionary of this model and hook",
                got.unwrap_or_default()
            ),
        )),
    }
}
