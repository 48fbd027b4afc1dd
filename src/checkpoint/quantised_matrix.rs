//! A matrix that is stored quantised, as several tensors: what a scheme must do, and windows of it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::{CheckpointError, Matrix};

/// Rows that one thread dequantises at a time.
const WINDOW_ROWS: usize = 64;

/// Behind the name of codes whose own name their matrix takes.
pub(super) const KEPT: &str = " (stored)";

/// The tensors that other matrices are made of, by full name.
pub(super) trait Parts: Sync {
    /// A block of a tensor of two dimensions as f32, however it is stored.
    ///
    /// # Errors
    /// As [`Self::raw`].
    fn block(
        &self,
        name: &str,
        rows: Range<usize>,
        cols: Range<usize>,
    ) -> Result<Matrix, CheckpointError>;

    /// All numbers of a tensor of one dimension as f32.
    ///
    /// # Errors
    /// As [`Self::raw`].
    fn vector(&self, name: &str) -> Result<Vec<f32>, CheckpointError>;

    /// The bytes of a block of a matrix that is stored row after row, whatever they mean.
    ///
    /// # Errors
    /// A block outside the tensor, or a file that cannot be read.
    fn raw(
        &self,
        name: &str,
        rows: Range<usize>,
        cols: Range<usize>,
    ) -> Result<Vec<u8>, CheckpointError>;

    /// The bytes of some of a tensor's numbers, in their order in the file.
    ///
    /// # Errors
    /// As [`Self::raw`].
    fn raw_flat(&self, name: &str, numbers: Range<usize>) -> Result<Vec<u8>, CheckpointError>;

    /// As [`Self::raw`], of floats.
    ///
    /// # Errors
    /// As [`Self::raw`].
    fn floats(
        &self,
        name: &str,
        rows: Range<usize>,
        cols: Range<usize>,
    ) -> Result<Vec<f32>, CheckpointError>;

    /// As [`Self::raw_flat`], of floats.
    ///
    /// # Errors
    /// As [`Self::raw`].
    fn floats_flat(&self, name: &str, numbers: Range<usize>) -> Result<Vec<f32>, CheckpointError>;

    /// The file that a tensor lies in, for messages.
    fn file(&self, name: &str) -> &str;
}

/// How one matrix is stored.
pub(super) trait Scheme: fmt::Debug + Send + Sync {
    /// What stands beside the numbers, such as `GPTQ 4-bit`.
    fn title(&self) -> String;

    /// `[out, in]`.
    fn shape(&self) -> [usize; 2];

    /// The tensors that it is made of, the codes first.
    fn parts(&self) -> Vec<&str>;

    /// Fills `out`, `[rows, cols]`, with a window of the matrix.
    ///
    /// # Errors
    /// A part that cannot be read.
    fn dequantise(
        &self,
        parts: &dyn Parts,
        window: &Window,
        out: &mut [f32],
    ) -> Result<(), CheckpointError>;
}

/// Some rows and columns of a matrix.
pub(super) struct Window {
    pub(super) rows: Range<usize>,
    pub(super) cols: Range<usize>,
}

/// A matrix that is stored quantised.
#[derive(Clone, Debug)]
pub(super) struct QuantisedMatrix(Arc<dyn Scheme>);

/// The same matrix.
impl PartialEq for QuantisedMatrix {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for QuantisedMatrix {}

impl fmt::Display for QuantisedMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.title())
    }
}

impl QuantisedMatrix {
    /// A matrix in a scheme.
    pub(super) fn new(scheme: Arc<dyn Scheme>) -> Self {
        Self(scheme)
    }

    /// The tensors that it is made of.
    pub(super) fn parts(&self) -> Vec<&str> {
        self.0.parts()
    }

    /// The block `rows × cols`, which lies inside the matrix, dequantised on all threads.
    ///
    /// # Errors
    /// A part that cannot be read, or a number that is not finite.
    pub(super) fn block(
        &self,
        parts: &dyn Parts,
        rows: &Range<usize>,
        cols: &Range<usize>,
    ) -> Result<Matrix, CheckpointError> {
        let mut block = Matrix::zeros(rows.len(), cols.len());
        if block.data().is_empty() {
            return Ok(block);
        }
        let windows = block.data_mut().par_chunks_mut(WINDOW_ROWS * cols.len());
        let done: Vec<_> = windows
            .enumerate()
            .map(|(at, out)| {
                let first = rows.start + at * WINDOW_ROWS;
                let window = Window {
                    rows: first..first + out.len() / cols.len(),
                    cols: cols.clone(),
                };
                self.0.dequantise(parts, &window, out)
            })
            .collect();
        // Collected first, so that of several errors the same one is told every time.
        done.into_iter().collect::<Result<(), _>>()?;
        match block.data().iter().position(|x| !x.is_finite()) {
            None => Ok(block),
            Some(at) => Err(self.not_finite(parts, &block, at, rows.start, cols.start)),
        }
    }

    fn not_finite(
        &self,
        parts: &dyn Parts,
        block: &Matrix,
        at: usize,
        first_row: usize,
        first_col: usize,
    ) -> CheckpointError {
        let codes = self.parts().first().copied().unwrap_or_default();
        CheckpointError::NotFinite {
            file: parts.file(codes).to_owned(),
            tensor: codes.trim_end_matches(KEPT).to_owned(),
            row: first_row + at / block.cols(),
            col: first_col + at % block.cols(),
            value: block.data()[at],
        }
    }
}
