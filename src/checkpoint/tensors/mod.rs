//! Named tensors, and reading their numbers from the files that they lie in.

mod raw;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::hub::{self, Ranged};
use crate::task::Callbacks;

use super::block::Block;
use super::error::one_line;
use super::number::Dtype;
use super::row_order::RowOrder;
use super::source::{PIECE, Source};
use super::tensor_entry::TensorEntry;
use super::{CheckpointError, Matrix, StoredMatrix, TensorSlice};

/// More tensors than any file of a model that can be read has, by a wide margin: what a header costs
/// grows with them, and not with the numbers that they have.
pub(super) const MOST_TENSORS: usize = 1 << 17;

/// Every tensor of a checkpoint, by name, and the files that they lie in.
#[derive(Debug, Default)]
pub(super) struct Tensors {
    sources: Vec<Arc<Source>>,
    entries: BTreeMap<String, (usize, TensorEntry)>,
}

impl Tensors {
    /// Adds a file and its tensors.
    ///
    /// # Errors
    /// A tensor that does not fit into the file.
    pub(super) fn add(
        &mut self,
        source: impl Into<Arc<Source>>,
        entries: Vec<(String, TensorEntry)>,
    ) -> Result<(), CheckpointError> {
        let source = source.into();
        for (name, entry) in entries {
            if entry.end().is_none_or(|end| end > source.len()) {
                let what = format!(
                    "tensor {name}: expected {:?} numbers of {} from byte {}, got only {} bytes \
                     in the file; get it again",
                    entry.shape,
                    entry.dtype,
                    entry.offset,
                    source.len()
                );
                return Err(CheckpointError::damaged(source.name(), what));
            }
            self.entries.insert(name, (self.sources.len(), entry));
        }
        self.sources.push(source);
        Ok(())
    }

    /// Adds the tensors of other files.
    pub(super) fn append(&mut self, other: Self) {
        let before = self.sources.len();
        self.sources.extend(other.sources);
        let entries = other.entries.into_iter();
        let moved = entries.map(|(name, (source, entry))| (name, (before + source, entry)));
        self.entries.extend(moved);
    }

    /// A tensor's description and the name of its file.
    pub(super) fn get(&self, name: &str) -> Option<(&TensorEntry, &str)> {
        let (source, entry) = self.entries.get(name)?;
        Some((entry, self.sources[*source].name()))
    }

    /// Whether a tensor lies in a file that stays on the hub.
    pub(super) fn is_remote(&self, name: &str) -> bool {
        let entry = self.entries.get(name);
        entry.is_some_and(|(source, _)| self.sources[*source].as_remote().is_some())
    }

    /// Whether two names are of the same numbers, in the same place.
    pub(super) fn are_one(&self, a: &str, b: &str) -> bool {
        let [a, b] = [a, b].map(|name| self.entries.get(name));
        a.is_some() && a == b
    }

    /// The same tensors under other names.
    ///
    /// # Errors
    /// Two of them would have one name.
    pub(super) fn renamed(self, name: impl Fn(&str) -> String) -> Result<Self, CheckpointError> {
        self.mapped(|old, entry| vec![(name(old), entry.clone())])
    }

    /// What `map` makes of each tensor: one or several under other names, or none.
    ///
    /// # Errors
    /// Two of them would have one name.
    pub(super) fn mapped(
        mut self,
        map: impl Fn(&str, &TensorEntry) -> Vec<(String, TensorEntry)>,
    ) -> Result<Self, CheckpointError> {
        let entries = std::mem::take(&mut self.entries);
        for (old, (source, entry)) in entries {
            for (new, entry) in map(&old, &entry) {
                if let Some((source, _)) = self.entries.get(&new) {
                    let what = format!(
                        "expected one tensor {new}, got another one under the name {old}; save the \
                         model's own state dict"
                    );
                    return Err(CheckpointError::damaged(self.sources[*source].name(), what));
                }
                self.entries.insert(new, (source, entry));
            }
        }
        Ok(self)
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        let sources = self.sources.iter();
        sources.fold(0, |sum, source| sum.saturating_add(source.len()))
    }

    /// Whether two tensors are stored in different types of which at least one is quantised.
    pub(super) fn quantised_apart(&self, a: &str, b: &str) -> bool {
        let [a, b] = [a, b].map(|name| self.get(name).map(|(entry, _)| &entry.dtype));
        a != b && [a, b].into_iter().flatten().any(Dtype::is_quantised)
    }

    /// Whether two tensors of one shape hold the same bytes in the same type; `None` if their types
    /// differ, or bytes are not all that makes their numbers.
    pub(super) fn same_bytes(&self, a: &str, b: &str) -> Result<Option<bool>, CheckpointError> {
        let [(of_a, a), (of_b, b)] = [self.find(a)?, self.find(b)?];
        let alike = |b: &TensorEntry| TensorEntry {
            offset: a.offset,
            ..b.clone()
        };
        let (Some(end), true) = (a.end(), *a == alike(b)) else {
            return Ok(None);
        };
        let pieces: Vec<u64> = (a.offset..end).step_by(PIECE).collect();
        let same = |&at: &u64| -> Result<bool, CheckpointError> {
            let len = (end - at).min(PIECE as u64) as usize;
            let there = of_a.copy(at, len)?;
            Ok(there == of_b.copy(at - a.offset + b.offset, len)?)
        };
        // The first that differ, if any do.
        let differ = pieces
            .par_iter()
            .map(same)
            .find_any(|same| !matches!(same, Ok(true)));
        differ.unwrap_or(Ok(true)).map(Some)
    }

    /// All names, sorted.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// How most of the numbers are stored; those that are quantised, where some are.
    pub(super) fn most_common_type(&self) -> Option<String> {
        let mut counts: BTreeMap<(bool, String), usize> = BTreeMap::new();
        for (_, entry) in self.entries.values() {
            let quantised = matches!(entry.dtype, Dtype::Quantised(_));
            let sizes = entry.shape.iter();
            let numbers = sizes.fold(1usize, |n, &size| n.saturating_mul(size));
            let count = counts.entry((quantised, entry.dtype.to_string()));
            let count = count.or_default();
            *count = count.saturating_add(numbers);
        }
        let most = counts
            .into_iter()
            .max_by_key(|((quantised, _), n)| (*quantised, *n));
        most.map(|((_, name), _)| name)
    }

    /// The block `rows × cols` of a two-dimensional tensor, as f32.
    pub(super) fn block(
        &self,
        name: &str,
        rows: Range<usize>,
        cols: Range<usize>,
    ) -> Result<Matrix, CheckpointError> {
        let (window, strides) = self.find_block(name, rows.clone(), cols.clone())?;
        if let Dtype::Quantised(matrix) = &window.entry.dtype {
            return matrix.block(self, &rows, &cols);
        }
        if let Dtype::Merged(matrix) = &window.entry.dtype {
            return matrix.block(self, &rows, &cols);
        }
        let (order, first) = (window.entry.order, window.rows.start);
        let block = window.read(strides)?;
        if order == RowOrder::Same {
            return Ok(block);
        }
        let mut ordered = Matrix::zeros(rows.len(), block.cols());
        let lines = ordered.data_mut().chunks_exact_mut(block.cols().max(1));
        for (row, line) in rows.zip(lines) {
            line.copy_from_slice(block.row(order.stored(row) - first));
        }
        Ok(ordered)
    }

    /// The same in the type of the file, where that takes less room.
    pub(super) fn stored(
        &self,
        name: &str,
        rows: Range<usize>,
        cols: Range<usize>,
    ) -> Result<StoredMatrix, CheckpointError> {
        let (block, strides) = self.find_block(name, rows.clone(), cols.clone())?;
        match (&block.entry.dtype, block.entry.order) {
            (Dtype::Quantised(_) | Dtype::Merged(_), _) => Ok(self.block(name, rows, cols)?.into()),
            (_, RowOrder::Same) => block.read_stored(strides),
            _ => Ok(self.block(name, rows, cols)?.into()),
        }
    }

    /// A block, of the rows of the file among which its own lie, and the strides of its tensor, down
    /// a column and along a row.
    fn find_block<'a>(
        &'a self,
        name: &'a str,
        rows: Range<usize>,
        cols: Range<usize>,
    ) -> Result<(Block<'a>, [usize; 2]), CheckpointError> {
        let (source, entry) = self.find(name)?;
        let outside = || outside(name, source, entry, rows.clone(), cols.clone());
        let (&[height, width], &[down, right]) = (&entry.shape[..], &entry.strides[..]) else {
            return Err(outside());
        };
        let inside = |range: &Range<usize>, size| range.start <= range.end && range.end <= size;
        if !inside(&rows, height) || !inside(&cols, width) {
            return Err(outside());
        }
        let stored = entry.order.cover(&rows);
        if stored.end > height {
            return Err(outside());
        }
        let block = Block {
            name,
            source,
            entry,
            rows: stored,
            cols,
        };
        Ok((block.readable()?, [down, right]))
    }

    /// Brings blocks near that lie in files on the hub.
    pub(super) fn bring(
        &self,
        slices: &[TensorSlice],
        callbacks: Callbacks<'_>,
    ) -> Result<(), CheckpointError> {
        let mut spans: Vec<(&Ranged, Vec<Range<u64>>)> = Vec::new();
        for slice in slices {
            let (mut source, mut entry) = self.find(&slice.tensor)?;
            let mut whole = false;
            // What is merged into a matrix lies here.
            if let Dtype::Merged(matrix) = &entry.dtype {
                (source, entry) = self.find(matrix.base())?;
                whole = matrix.needs_whole_base();
            }
            let of_slice = match &entry.dtype {
                Dtype::Quantised(matrix) => self.whole_parts(matrix)?,
                _ if whole && entry.shape.len() == 2 => {
                    let (rows, cols) = (0..entry.shape[0], 0..entry.shape[1]);
                    vec![(source, entry.spans(&rows, &cols))]
                }
                _ => vec![(source, entry.spans(&slice.rows, &slice.cols))],
            };
            for (source, bytes) in of_slice {
                let Some(file) = source.as_remote() else {
                    continue;
                };
                let same = |(other, _): &&mut (&Ranged, _)| other.name() == file.name();
                match spans.iter_mut().find(same) {
                    Some((_, spans)) => spans.extend(bytes),
                    None => spans.push((file, bytes)),
                }
            }
        }
        Ok(hub::bring(&spans, callbacks)?)
    }

    /// Adds the tensors of other files, each under its name and `suffix`.
    pub(super) fn absorb(&mut self, other: Self, suffix: &str) {
        let before = self.sources.len();
        self.sources.extend(other.sources);
        for (name, (source, entry)) in other.entries {
            let name = format!("{name}{suffix}");
            self.entries.insert(name, (before + source, entry));
        }
    }

    /// Exchanges the axes of a tensor.
    pub(super) fn transpose(&mut self, name: &str) {
        if let Some((_, entry)) = self.entries.get_mut(name) {
            entry.shape.reverse();
            entry.strides.reverse();
        }
    }

    /// Gives a tensor another name.
    pub(super) fn rename(&mut self, old: &str, new: &str) {
        if let Some(entry) = self.entries.remove(old) {
            self.entries.insert(new.to_owned(), entry);
        }
    }

    /// Adds a tensor to the file of another one.
    pub(super) fn insert_beside(&mut self, other: &str, name: String, entry: TensorEntry) {
        if let Some((source, _)) = self.entries.get(other) {
            self.entries.insert(name, (*source, entry));
        }
    }

    /// Adds tensors to the first file.
    pub(super) fn add_to_first(&mut self, entries: Vec<(String, TensorEntry)>) {
        let placed = entries.into_iter().map(|(name, entry)| (name, (0, entry)));
        self.entries.extend(placed);
    }

    /// All numbers of a tensor of one dimension.
    pub(super) fn vector(&self, name: &str) -> Result<Vec<f32>, CheckpointError> {
        let (source, entry) = self.find(name)?;
        let (&[len], &[step]) = (&entry.shape[..], &entry.strides[..]) else {
            return Err(CheckpointError::Outside {
                tensor: name.to_string(),
                file: source.name().to_string(),
                shape: entry.shape.clone(),
                rows: 0..1,
                cols: 0..entry.shape.iter().product(),
            });
        };
        let block = Block {
            name,
            source,
            entry,
            rows: 0..1,
            cols: 0..len,
        };
        // As one row, the next of which would follow the last number.
        let row = block.readable()?.read([len * step, step])?.into_data();
        match entry.order {
            RowOrder::Same => Ok(row),
            order => {
                let stored = |i| row.get(order.stored(i)).copied();
                Ok((0..len).filter_map(stored).collect())
            }
        }
    }

    fn find(&self, name: &str) -> Result<(&Source, &TensorEntry), CheckpointError> {
        let (source, entry) =
            self.entries
                .get(name)
                .ok_or_else(|| CheckpointError::MissingTensor {
                    place: "the checkpoint".into(),
                    tensor: one_line(name),
                    why: "to read from it".into(),
                    advice: "give the name of a tensor that is in the file".into(),
                })?;
        Ok((&self.sources[*source], entry))
    }
}

fn outside(
    name: &str,
    source: &Source,
    entry: &TensorEntry,
    rows: Range<usize>,
    cols: Range<usize>,
) -> CheckpointError {
    CheckpointError::Outside {
        tensor: name.to_string(),
        file: source.name().to_string(),
        shape: entry.shape.clone(),
        rows,
        cols,
    }
}

#[cfg(test)]
mod tests;
