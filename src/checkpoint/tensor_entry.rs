//! What the header of a file says of a tensor: kind of number, shape, and where its numbers lie.

use std::iter;
use std::ops::Range;

use super::number::Dtype;
use super::row_order::RowOrder;

/// A tensor as its file's header describes it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TensorEntry {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    /// Steps between neighbours along each axis, in numbers. Of numbers in blocks one axis has step 1.
    pub(super) strides: Vec<usize>,
    /// Byte offset of the first number in its file.
    pub(super) offset: u64,
    /// Whether the tensor's numbers are those of the file with their signs turned: PyTorch's
    /// negative views.
    pub(super) negated: bool,
    pub(super) order: RowOrder,
}

impl TensorEntry {
    /// A tensor without gaps, last axis fastest.
    pub(super) fn contiguous(dtype: Dtype, shape: Vec<usize>, offset: u64) -> Self {
        let mut strides = vec![1usize; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
        }
        Self {
            dtype,
            shape,
            strides,
            offset,
            negated: false,
            order: RowOrder::Same,
        }
    }

    /// A tensor that is known and whose numbers are in no file, with what it is in words.
    pub(super) fn unreadable(what: &'static str) -> Self {
        Self::contiguous(Dtype::Made(what), Vec::new(), 0)
    }

    /// The bytes of a block of two dimensions: a span for every line of it, along the memory, and
    /// one where lines follow each other.
    pub(super) fn spans(&self, rows: &Range<usize>, cols: &Range<usize>) -> Vec<Range<u64>> {
        let &[down, right] = &self.strides[..] else {
            return Vec::new();
        };
        let rows = &self.order.cover(rows);
        let (outer, inner, step, along) = match down < right {
            true => (cols, rows, right, down),
            false => (rows, cols, down, right),
        };
        if outer.is_empty() || inner.is_empty() {
            return Vec::new();
        }
        let inner = self.dtype.whole_blocks(inner);
        let span = |numbers: usize| self.dtype.span(numbers);
        let run = (inner.len() - 1) * along + 1;
        let at = |line: usize| self.offset + span(line * step + inner.start * along);
        if run == step {
            return iter::once(at(outer.start)..at(outer.end - 1) + span(run)).collect();
        }
        let lines = outer.clone();
        lines.map(|line| at(line)..at(line) + span(run)).collect()
    }

    /// Byte after the last number, if it can be counted. Steps that make numbers overlap count as
    /// if they did not, so that a small file cannot claim a large tensor.
    pub(super) fn end(&self) -> Option<u64> {
        let count = self
            .shape
            .iter()
            .try_fold(1u64, |n, &size| n.checked_mul(size as u64))?;
        if count == 0 {
            return Some(self.offset);
        }
        let mut last = 0u64;
        for (&size, &stride) in self.shape.iter().zip(&self.strides) {
            last = last.checked_add((size as u64 - 1).checked_mul(stride as u64)?)?;
        }
        let span = count.max(last.checked_add(1)?);
        // Rows are whole blocks, and of the few types that are not known nothing is counted.
        let blocks = span.div_ceil(self.dtype.block() as u64);
        let bytes = blocks.checked_mul(self.dtype.span(self.dtype.block()))?;
        bytes.checked_add(self.offset)
    }
}
