//! Matrices that a GGUF file holds in other parts, or in another order of columns, than the family's
//! own checkpoints.

use std::sync::Arc;

use super::super::CheckpointError;
use super::super::number::Dtype;
use super::super::quantised_matrix::{Parts, QuantisedMatrix, Scheme, Window};
use super::super::row_order::RowOrder;
use super::super::tensor_entry::TensorEntry;
use super::super::tensors::Tensors;

/// A matrix whose columns the file has in another order.
#[derive(Debug)]
pub(super) struct ColumnsInOrder {
    /// Its full name as it is stored.
    pub(super) stored: String,
    /// How it is stored.
    pub(super) title: String,
    pub(super) shape: [usize; 2],
    /// Which column of the file each column is.
    pub(super) order: RowOrder,
}

impl Scheme for ColumnsInOrder {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn shape(&self) -> [usize; 2] {
        self.shape
    }

    fn parts(&self) -> Vec<&str> {
        vec![&self.stored]
    }

    fn dequantise(
        &self,
        parts: &dyn Parts,
        window: &Window,
        out: &mut [f32],
    ) -> Result<(), CheckpointError> {
        let cover = self.order.cover(&window.cols);
        let first = cover.start;
        let block = parts.block(&self.stored, window.rows.clone(), cover)?;
        let lines = out.chunks_exact_mut(window.cols.len().max(1));
        for (row, line) in lines.enumerate() {
            let stored = block.row(row);
            for (col, x) in window.cols.clone().zip(line) {
                *x = stored[self.order.stored(col) - first];
            }
        }
        Ok(())
    }
}

/// The rows of one matrix, and below them those of another.
#[derive(Debug)]
struct OneBelowAnother {
    above: String,
    below: String,
    title: String,
    /// Of each.
    shape: [usize; 2],
}

impl Scheme for OneBelowAnother {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn shape(&self) -> [usize; 2] {
        [2 * self.shape[0], self.shape[1]]
    }

    fn parts(&self) -> Vec<&str> {
        vec![&self.above, &self.below]
    }

    fn dequantise(
        &self,
        parts: &dyn Parts,
        window: &Window,
        out: &mut [f32],
    ) -> Result<(), CheckpointError> {
        let (rows, each) = (&window.rows, self.shape[0]);
        let [above, below] = [rows.start.min(each)..rows.end.min(each), {
            rows.start.max(each) - each..rows.end.max(each) - each
        }];
        let (first, rest) = out.split_at_mut(above.len() * window.cols.len());
        for (name, rows, out) in [(&self.above, above, first), (&self.below, below, rest)] {
            if !rows.is_empty() {
                let block = parts.block(name, rows, window.cols.clone())?;
                out.copy_from_slice(block.data());
            }
        }
        Ok(())
    }
}

/// Adds a matrix whose columns are stored in another order, if it is there in the shape that it has.
pub(super) fn columns_in_order(tensors: &mut Tensors, name: &str, own: ColumnsInOrder) {
    if let Some((entry, _)) = tensors.get(&own.stored)
        && entry.shape == own.shape
    {
        let title = entry.dtype.to_string();
        let stored = own.stored.clone();
        insert(
            tensors,
            &stored,
            name,
            Arc::new(ColumnsInOrder { title, ..own }),
        );
    }
}

/// Adds the matrix that two of one shape are the halves of, if they are there.
pub(super) fn one_below_another(tensors: &mut Tensors, name: &str, [above, below]: [String; 2]) {
    let shape = |name: &str| tensors.get(name).map(|(entry, _)| entry.shape.clone());
    if let (Some(shape), Some(other)) = (shape(&above), shape(&below))
        && let [rows, cols] = shape[..]
        && shape == other
        && let Some((entry, _)) = tensors.get(&above)
    {
        let both = OneBelowAnother {
            title: entry.dtype.to_string(),
            above: above.clone(),
            below,
            shape: [rows, cols],
        };
        insert(tensors, &above, name, Arc::new(both));
    }
}

fn insert(tensors: &mut Tensors, beside: &str, name: &str, scheme: Arc<dyn Scheme>) {
    let shape = scheme.shape().to_vec();
    let matrix = Dtype::Quantised(QuantisedMatrix::new(scheme));
    let entry = TensorEntry::contiguous(matrix, shape, 0);
    if tensors.get(name).is_none() {
        tensors.insert_beside(beside, name.to_owned(), entry);
    }
}
