//! Reading a block of a tensor: pieces of the file, read and converted to f32, on all threads.
//! Resident memory holds the block and a piece a thread, never a whole file.

use std::ops::Range;

use rayon::prelude::*;

use super::number::convert;
use super::source::Source;
use super::tensor_entry::TensorEntry;
use super::{CheckpointError, Matrix};

/// File bytes that are one thread's work.
const WINDOW: usize = 4 << 20;

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
        Err(CheckpointError::Dtype {
            tensor: self.name.to_string(),
            file: self.source.name().to_string(),
            got: self.entry.dtype.to_string(),
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
        let bytes = self.entry.dtype.bytes();
        let run = ((width - 1) * right + 1) * bytes;
        let step = step * bytes;
        let start = self.entry.offset + (outer.start * step + inner.start * right * bytes) as u64;
        let window = (WINDOW / step.max(run)).max(1);
        // Numbers that follow each other without a gap are one long run.
        let seamless = right == 1 && step == run;
        let read = |(i, out): (usize, &mut [f32])| -> Result<bool, CheckpointError> {
            let first = start + (i * window * step) as u64;
            let dtype = &self.entry.dtype;
            if seamless {
                let span = out.len() * bytes;
                // A piece holds whole numbers: its length is a multiple of theirs.
                self.source.pieces(first, span, |at, piece| {
                    let out = &mut out[at / bytes..][..piece.len() / bytes];
                    convert(dtype, piece, 1, out);
                })?;
            } else {
                let runs = [out.len() / width, step, run];
                self.source.runs(first, runs, |line, bytes| {
                    convert(dtype, bytes, right, &mut out[line * width..][..width]);
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
