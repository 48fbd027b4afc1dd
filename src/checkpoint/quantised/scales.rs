//! Numbers that belong to blocks of a matrix: one for all of it, for each row, for each group of
//! columns, for each rectangle.

use std::ops::Range;

use super::super::CheckpointError;
use super::super::tensors::Tensors;
use super::{Parts, Window};

/// Where the number of each element of a matrix lies.
#[derive(Debug)]
pub(super) struct BlockScales {
    pub(super) name: String,
    /// Of the tensor, as a matrix.
    shape: [usize; 2],
    /// Rows and columns of the matrix that share a number.
    block: [usize; 2],
}

impl BlockScales {
    /// The numbers of a matrix in a tensor of floats; `block` is the size of rectangles or groups
    /// where there are such. `None` if the shapes do not fit.
    pub(super) fn find(
        tensors: &Tensors,
        name: String,
        matrix: [usize; 2],
        block: [Option<usize>; 2],
    ) -> Option<Self> {
        let (entry, _) = tensors.get(&name)?;
        let shape = match entry.shape[..] {
            [] => [1, 1],
            [n] => [n, 1],
            [n, m] => [n, m],
            _ => return None,
        };
        let size = |axis: usize| match (shape[axis], matrix[axis]) {
            (1, size) => Some(size),
            (n, size) if n == size => Some(1),
            (n, size) => {
                let block = block[axis]?;
                (size.div_ceil(block) == n).then_some(block)
            }
        };
        let block = [size(0)?, size(1)?];
        entry
            .dtype
            .is_readable()
            .then_some(Self { name, shape, block })
    }

    /// Those of a window.
    pub(super) fn read(
        &self,
        parts: &dyn Parts,
        window: &Window,
    ) -> Result<WindowScales, CheckpointError> {
        let [down, right] = self.block;
        let of =
            |range: &Range<usize>, block: usize| range.start / block..range.end.div_ceil(block);
        let (rows, cols) = (of(&window.rows, down), of(&window.cols, right));
        Ok(WindowScales {
            // Of one column, whatever shape the tensor has.
            values: match self.shape[1] {
                1 => parts.floats_flat(&self.name, rows.clone())?,
                _ => parts.floats(&self.name, rows.clone(), cols.clone())?,
            },
            cols: cols.len(),
            first: [rows.start, cols.start],
            block: self.block,
        })
    }
}

/// The numbers that belong to a window.
pub(super) struct WindowScales {
    values: Vec<f32>,
    cols: usize,
    first: [usize; 2],
    block: [usize; 2],
}

impl WindowScales {
    /// That of the matrix's element at (row, col).
    pub(super) fn at(&self, row: usize, col: usize) -> f32 {
        let [down, right] = self.block;
        let row = row / down - self.first[0];
        self.values[row * self.cols + col / right - self.first[1]]
    }
}
