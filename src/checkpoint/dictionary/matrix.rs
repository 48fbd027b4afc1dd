//! A matrix of no layout, whose rows are directions.

use crate::checkpoint::CheckpointError;

use super::files::DictionaryFiles;
use super::hook::{DictionaryHook, layer_called};
use super::side::{DictionaryLayout, PLAIN, SideLayout, damaged};
use super::{DictionaryOptions, DictionarySide, DictionaryWidths};

/// A matrix of no layout: the one that is named, or the only one.
pub(super) fn plain(
    files: &DictionaryFiles,
    options: &DictionaryOptions,
    widths: DictionaryWidths,
) -> Result<DictionaryLayout, CheckpointError> {
    let hook = options.hook.unwrap_or(DictionaryHook::ResidPost);
    let width = widths.of(hook);
    let tensor = chosen(files, options, width)?;
    let found = files.tensors.get(&tensor);
    let found = found
        .map(|(entry, _)| entry.shape.clone())
        .unwrap_or_default();
    let &[count, cols] = &found[..] else {
        return Err(damaged(
            files,
            format!(
                "{tensor}: expected rows of directions, [n, {width}], got shape {found:?}; save one \
                 direction as one row"
            ),
        ));
    };
    if cols != width {
        return Err(damaged(
            files,
            format!(
                "{tensor}: expected rows of {width} numbers, as this model has, got shape {found:?}; \
                 save one direction a row"
            ),
        ));
    }
    let by_path = files
        .described
        .path
        .first()
        .and_then(|file| layer_called(file));
    let side = SideLayout {
        tensor,
        transposed: false,
        hook,
        layer: options.layer.or(by_path),
        count,
    };
    let (reads, writes) = match options.side {
        Some(DictionarySide::Reads) => (Some(side), None),
        Some(DictionarySide::Writes) | None => (None, Some(side)),
    };
    Ok(DictionaryLayout {
        title: PLAIN,
        reads,
        writes,
        ..DictionaryLayout::default()
    })
}

/// The name of the matrix that is meant.
fn chosen(
    files: &DictionaryFiles,
    options: &DictionaryOptions,
    width: usize,
) -> Result<String, CheckpointError> {
    let all: Vec<&str> = files.tensors.names().collect();
    let is_matrix = |name: &&&str| {
        let entry = files.tensors.get(name);
        entry.is_some_and(|(entry, _)| entry.shape.len() == 2 && entry.shape.contains(&width))
    };
    let found = match &options.tensor {
        Some(name) => all.iter().find(|own| *own == name),
        None if all.len() == 1 => all.first(),
        None => {
            let mut matrices = all.iter().filter(is_matrix);
            matrices.next().filter(|_| matrices.next().is_none())
        }
    };
    found.map(|name| (*name).to_owned()).ok_or_else(|| {
        let names = match all.len() {
            0 => "nothing".to_owned(),
            _ => all.iter().take(12).copied().collect::<Vec<_>>().join(", "),
        };
        let asked = options
            .tensor
            .as_deref()
            .unwrap_or("one matrix of directions");
        damaged(
            files,
            format!("expected {asked}, got {names}; say which with --tensor"),
        )
    })
}
