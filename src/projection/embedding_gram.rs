//! What two embeddings have in common over the vocabulary, `Aᵀ·B`: with it a form's eigenvalues over
//! all tokens cost no more than a product of its weights.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use crate::checkpoint::Matrix;
use crate::task::CancelToken;

use super::kernel::{chunks, multiply};
use super::{ProjectionError, Rows};

/// Rows at a time: a product that fills all threads, and some milliseconds between two looks at
/// whether it is still wanted.
const SOME_ROWS: usize = 512;

/// `Aᵀ·B`, `[width of A, width of B]`, of as many rows each, as they count.
///
/// # Errors
/// The device fails, or the token is cancelled.
pub fn embedding_gram(
    a: &Rows,
    b: &Rows,
    cancel: CancelToken<'_>,
) -> Result<Matrix, ProjectionError> {
    let mut out = Matrix::zeros(a.width(), b.width());
    for range in chunks(a.len().min(b.len()), SOME_ROWS) {
        cancel.check()?;
        let n = range.len();
        let (left, right) = (a.counted_chunk(range.clone())?, b.counted_chunk(range)?);
        let left = MatRef::from_row_major_slice(&left, n, a.width());
        let right = MatRef::from_row_major_slice(&right, n, b.width());
        let sum = MatMut::from_row_major_slice_mut(out.data_mut(), a.width(), b.width());
        matmul(sum, Accum::Add, left.transpose(), right, 1.0, Par::rayon(0));
    }
    Ok(out)
}

/// `A·B`, on the calling thread.
pub fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let mut out = Matrix::zeros(a.rows(), b.cols());
    multiply(
        MatRef::from_row_major_slice(a.data(), a.rows(), a.cols()),
        MatRef::from_row_major_slice(b.data(), b.rows(), b.cols()),
        out.data_mut(),
    );
    out
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn sums_over_all_rows() {
        // More rows than are taken at a time: 600 × (1, 2)ᵀ·(3, −1).
        let rows = |row: [f32; 2]| {
            let matrix = Matrix::new(600, 2, row.repeat(600));
            Rows::new(matrix, &Device::Cpu).unwrap()
        };
        let (a, b) = (rows([1.0, 2.0]), rows([3.0, -1.0]));
        let found = embedding_gram(&a, &b, CancelToken::never()).unwrap();
        assert_eq!(found.data(), [1800.0, -600.0, 3600.0, -1200.0]);
        assert!(embedding_gram(&a, &b, CancelToken::new(&|| true)).is_err());
        let turned = product(&found, &Matrix::new(2, 1, vec![1.0, 3.0]));
        assert_eq!(turned.data(), [0.0, 0.0]);
    }
}
