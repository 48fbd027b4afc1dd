//! Reading a block of a tensor: pieces of the file, read and converted to f32, on all threads.
//! Resident memory holds the block and a piece a thread, never a whole file.

use std::ops::Range;

use rayon::prelude::*;

use super::huge_pages::HugePageBuffer;
use super::number::{Dtype, are_finite, convert};
use super::source::{PIECE, Runs, Source};
use super::tensor_entry::TensorEntry;
use super::{CheckpointError, Matrix, StoredMatrix};

/// File bytes that are one thread's work: so few that a small model's maps are read by all threads.
const WINDOW: usize = 512 << 10;

/// A block `rows × cols` that is known to lie inside a two-dimensional, readable tensor.
pub(super) struct Block<'a> {
    pub(super) name: &'a str,
    pub(super) source: &'a Source,
    pub(super) entry: &'a TensorEntry,
    pub(super) rows: Range<usize>,
    pub(super) cols: Range<usize>,
}

impl Block<'_> {
    /// The block, if its kind of number can be read.
    pub(super) fn readable(self) -> Result<Self, CheckpointError> {
        if self.entry.dtype.is_readable() {
            return Ok(self);
        }
        let (tensor, file) = (self.name.to_string(), self.source.name().to_string());
        let got = self.entry.dtype.to_string();
        Err(match self.entry.dtype {
            Dtype::Blocks(_) => CheckpointError::BlockType { tensor, file, got },
            _ => CheckpointError::Dtype { tensor, file, got },
        })
    }

    /// The numbers. `strides` are the tensor's, down a column and along a row.
    pub(super) fn read(&self, strides: [usize; 2]) -> Result<Matrix, CheckpointError> {
        let [down, right] = strides;
        // A transposed view is read along its memory and turned afterwards.
        let turned = down < right;
        let (mut block, finite) = if turned {
            let (block, finite) = self.read_along([right, down], &self.cols, &self.rows)?;
            (block.transposed(), finite)
        } else {
            self.read_along(strides, &self.rows, &self.cols)?
        };
        if self.entry.negated {
            block.data_mut().iter_mut().for_each(|x| *x = -*x);
        }
        if finite {
            Ok(block)
        } else {
            Err(self.not_finite(&block))
        }
    }

    /// The numbers in the type of the file, where it takes less room than f32 and the block is of
    /// whole rows that follow each other; else as f32.
    pub(super) fn read_stored(&self, strides: [usize; 2]) -> Result<StoredMatrix, CheckpointError> {
        let TensorEntry { dtype, negated, .. } = self.entry;
        let (rows, cols) = (self.rows.len(), self.cols.len());
        let whole = strides == [cols, 1] && cols > 0 && cols.is_multiple_of(dtype.block());
        if !dtype.is_narrow() || *negated || !whole {
            return Ok(self.read(strides)?.into());
        }
        let row = cols / dtype.block() * dtype.block_bytes();
        let start = self.entry.offset + (self.rows.start * row) as u64;
        let mut bytes = HugePageBuffer::zeros(rows * row);
        // A few rows at a time: a core's own cache still holds them when they are looked through.
        let window = (PIECE / row).max(1);
        let windows = bytes.par_chunks_mut(window * row).enumerate();
        let read = windows.map(|(i, out)| {
            self.source
                .read_into(start + (i * window * row) as u64, out)?;
            Ok(are_finite(dtype, out))
        });
        // Collected first, so that of several errors the same one is told every time.
        let read: Vec<Result<bool, CheckpointError>> = read.collect();
        let finite = read.into_iter().collect::<Result<Vec<bool>, _>>()?;
        let stored = StoredMatrix::narrow(rows, cols, dtype.clone(), bytes);
        match finite.contains(&false) {
            true => Err(self.not_finite(&stored.into_f32())),
            false => Ok(stored),
        }
    }

    /// Reads `outer × inner` lines, `strides` between lines and within one; also whether all
    /// numbers are finite.
    fn read_along(
        &self,
        strides: [usize; 2],
        outer: &Range<usize>,
        inner: &Range<usize>,
    ) -> Result<(Matrix, bool), CheckpointError> {
        let [step, right] = strides;
        let (lines, width) = (outer.len(), inner.len());
        let mut block = Matrix::zeros(lines, width);
        if block.data().is_empty() {
            return Ok((block, true));
        }
        let dtype = &self.entry.dtype;
        let (unit, unit_bytes) = (dtype.block(), dtype.block_bytes());
        let span = |numbers: usize| numbers / unit * unit_bytes;
        let stored = dtype.whole_blocks(inner);
        let run = span((stored.len() - 1) * right + unit);
        let start = self.entry.offset + span(outer.start * step + stored.start * right) as u64;
        let step = span(step);
        let window = (WINDOW / step.max(run)).max(1);
        // Numbers that follow each other without a gap are one long run.
        let seamless = right == 1 && step == run && stored == *inner;
        let read = |(i, out): (usize, &mut [f32])| -> Result<bool, CheckpointError> {
            let first = start + (i * window * step) as u64;
            if seamless && self.lies_as_needed() {
                let mut finite = true;
                for (at, piece) in (first..).step_by(PIECE).zip(out.chunks_mut(PIECE / 4)) {
                    self.source.read_into(at, bytemuck::cast_slice_mut(piece))?;
                    finite &= all_finite(piece);
                }
                return Ok(finite);
            }
            if seamless {
                // A piece holds whole blocks: its length is a multiple of theirs.
                self.source
                    .pieces(first, span(out.len()), unit_bytes, |at, piece| {
                        let numbers = piece.len() / unit_bytes * unit;
                        let out = &mut out[at / unit_bytes * unit..][..numbers];
                        convert(dtype, piece, 1, out);
                    })?;
            } else {
                let runs = Runs {
                    count: out.len() / width,
                    step,
                    len: run,
                };
                let mut blocks = vec![0.0; if unit == 1 { 0 } else { stored.len() }];
                self.source.runs(first, runs, |line, bytes| {
                    let out = &mut out[line * width..][..width];
                    if unit == 1 {
                        convert(dtype, bytes, right, out);
                    } else {
                        convert(dtype, bytes, 1, &mut blocks);
                        out.copy_from_slice(&blocks[inner.start - stored.start..][..width]);
                    }
                })?;
            }
            Ok(all_finite(out))
        };
        let finite = if lines <= window {
            read((0, block.data_mut()))?
        } else {
            let windows = block.data_mut().par_chunks_mut(window * width).enumerate();
            // Collected first, so that of several errors the same one is told every time.
            let read: Vec<_> = windows.map(read).collect();
            read.into_iter().try_fold(true, |finite, window| {
                Ok::<_, CheckpointError>(finite & window?)
            })?
        };
        Ok((block, finite))
    }

    /// Whether the file's bytes are the numbers' own in memory. Of the hub more is asked for at once.
    fn lies_as_needed(&self) -> bool {
        let little_endian = cfg!(target_endian = "little");
        self.entry.dtype == Dtype::F32 && little_endian && self.source.as_remote().is_none()
    }

    /// The first number of the block that is not finite, by its place in the tensor.
    fn not_finite(&self, block: &Matrix) -> CheckpointError {
        let bad = block.data().iter().position(|x| !x.is_finite());
        // Only called when there is one.
        let at = bad.unwrap_or(0);
        CheckpointError::NotFinite {
            tensor: self.name.to_string(),
            file: self.source.name().to_string(),
            row: self.rows.start + at / block.cols(),
            col: self.cols.start + at % block.cols(),
            value: block.data()[at],
        }
    }
}

/// Without a branch a number, so that it runs at memory speed.
fn all_finite(numbers: &[f32]) -> bool {
    numbers
        .iter()
        .fold(true, |finite, x| finite & x.is_finite())
}
