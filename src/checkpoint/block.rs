//! Reading a block of a tensor: windows of the file, mapped, converted to f32 and let go, on all
//! threads. Resident memory holds the block and a window a thread, never a whole file.

use std::ops::Range;

use rayon::prelude::*;

use super::number::convert;
use super::source::Source;
use super::tensors::Entry;
use super::{CheckpointError, Matrix};

/// File bytes that one thread maps at once.
const WINDOW: usize = 4 << 20;

/// A block `rows × cols` that is known to lie inside a two-dimensional, readable tensor.
pub(super) struct Block<'a> {
    pub(super) name: &'a str,
    pub(super) source: &'a Source,
    pub(super) entry: &'a Entry,
    pub(super) rows: Range<usize>,
    pub(super) cols: Range<usize>,
}

impl Block<'_> {
    /// The numbers. `strides` are the tensor's, down a column and along a row.
    pub(super) fn read(&self, strides: [usize; 2]) -> Result<Matrix, CheckpointError> {
        let [down, right] = strides;
        // A transposed view is read along its memory and turned afterwards.
        if down < right {
            let block = self.read_along([right, down], &self.cols, &self.rows)?;
            self.check(&block, true)?;
            return Ok(block.transposed());
        }
        let block = self.read_along(strides, &self.rows, &self.cols)?;
        self.check(&block, false)?;
        Ok(block)
    }

    /// Reads `outer × inner` lines, `strides` between lines and within one.
    fn read_along(
        &self,
        strides: [usize; 2],
        outer: &Range<usize>,
        inner: &Range<usize>,
    ) -> Result<Matrix, CheckpointError> {
        let [step, right] = strides;
        let (lines, width) = (outer.len(), inner.len());
        let mut data = vec![0f32; lines * width];
        if data.is_empty() {
            return Ok(Matrix::new(lines, width, data));
        }
        let bytes = self.entry.dtype.bytes();
        let run = ((width - 1) * right + 1) * bytes;
        let step = step * bytes;
        let start = self.entry.offset + (outer.start * step + inner.start * right * bytes) as u64;
        let window = (WINDOW / step.max(run)).max(1);
        // Numbers that follow each other without a gap are one long run.
        let seamless = right == 1 && step == run;
        let read = |(i, out): (usize, &mut [f32])| {
            let first = start + (i * window * step) as u64;
            let span = (out.len() / width - 1) * step + run;
            let dense = 2 * run > step;
            self.source.with(first, span, dense, |window| {
                if seamless {
                    return convert(&self.entry.dtype, window, 1, out);
                }
                for (line, out) in out.chunks_exact_mut(width).enumerate() {
                    let line = &window[line * step..line * step + run];
                    convert(&self.entry.dtype, line, right, out);
                }
            })
        };
        if lines <= window {
            read((0, &mut data))?;
        } else {
            let windows = data.par_chunks_mut(window * width).enumerate();
            // Collected first, so that of several errors the same one is told every time.
            let done: Vec<_> = windows.map(read).collect();
            done.into_iter().collect::<Result<(), _>>()?;
        }
        Ok(Matrix::new(lines, width, data))
    }

    /// Refuses a number that is not finite, by its place in the tensor.
    fn check(&self, block: &Matrix, turned: bool) -> Result<(), CheckpointError> {
        let pieces = block.data().par_chunks(1 << 16);
        let Some(piece) = pieces.position_first(|piece| !all_finite(piece)) else {
            return Ok(());
        };
        let from = piece << 16;
        let rest = &block.data()[from..];
        let at = from + rest.iter().position(|x| !x.is_finite()).unwrap_or(0);
        let (line, place) = (at / block.cols(), at % block.cols());
        let (row, col) = if turned { (place, line) } else { (line, place) };
        Err(CheckpointError::NotFinite {
            tensor: self.name.to_string(),
            file: self.source.name().to_string(),
            row: self.rows.start + row,
            col: self.cols.start + col,
            value: block.data()[at],
        })
    }
}

/// Without a branch a number, so that it runs at memory speed.
fn all_finite(numbers: &[f32]) -> bool {
    !numbers.iter().fold(false, |bad, x| bad | !x.is_finite())
}
