//! The singular directions of weight matrices: of a head's `[width, width]` forms through thin QR
//! of their two factors and a decomposition of head × head numbers, of a layer's vectors from
//! their Gram matrix. After Millidge and Black 2022, "The singular value decompositions of
//! transformer weight matrices are highly interpretable".

use faer::{Mat, MatRef, Side};

use crate::checkpoint::Matrix;
use crate::transformer::FormWeights;

/// Neighbouring singular values that differ by no more than this share of the larger one belong
/// to one block, in which any rotation of the directions is as good: rounding weights to 16 bits
/// (half a thousandth) may already turn them.
pub const BLOCK_GAP: f32 = 1e-3;

/// Singular values below this share of the first are zero up to rounding: one block.
const ZERO: f32 = 1e-6;

/// A matrix as `Σ values[i] · left[i]ᵀ·right[i]`, the largest first.
#[derive(Clone, Debug)]
pub struct Decomposition {
    /// All singular values, falling.
    pub values: Vec<f32>,
    /// Unit vectors, a row each: what is read or asks.
    pub left: Matrix,
    /// Unit vectors, a row each: what is written or attended to. Both signs of a pair are turned
    /// together so that the coordinate of `left` that is largest in size is positive.
    pub right: Matrix,
}

impl Decomposition {
    /// The same without values that are zero up to rounding.
    #[must_use]
    pub fn without_zeros(mut self) -> Self {
        let first = self.values.first().copied().unwrap_or_default();
        let more = |value: &&f32| **value > first * ZERO;
        let count = self.values.iter().take_while(more).count();
        self.values.truncate(count);
        let some = |matrix: &Matrix| {
            let rows = matrix.rows().min(count);
            let data = matrix.data()[..rows * matrix.cols()].to_vec();
            Matrix::new(rows, matrix.cols(), data)
        };
        self.left = some(&self.left);
        self.right = some(&self.right);
        self
    }

    /// For each value the number of its block, if it shares one with a neighbour; see
    /// [`BLOCK_GAP`].
    pub fn blocks(&self) -> Vec<Option<usize>> {
        let zero = self.values.first().map_or(0.0, |first| first * ZERO);
        let one = |a: f32, b: f32| a - b <= BLOCK_GAP * a || a <= zero;
        let runs = self.values.chunk_by(|&a, &b| one(a, b));
        let mut blocks = Vec::with_capacity(self.values.len());
        let mut number = 0;
        for run in runs {
            let block = (run.len() > 1).then_some(number);
            number += usize::from(block.is_some());
            blocks.extend(std::iter::repeat_n(block, run.len()));
        }
        blocks
    }
}

/// The directions of a head's form `left·rightᵀ`. `None` where a decomposition fails: numbers that
/// are not finite.
pub fn decompose_form(form: &FormWeights) -> Option<Decomposition> {
    let (left, right) = (wide(&form.left), wide(&form.right));
    let (a, b) = rayon::join(|| left.qr(), || right.qr());
    let core = a.thin_R() * b.thin_R().transpose();
    let svd = core.svd().ok()?;
    let left = a.compute_thin_Q() * svd.U();
    let right = b.compute_thin_Q() * svd.V();
    let values = svd.S().column_vector().iter().map(|&s| s as f32).collect();
    Some(signed(values, &left, &right))
}

/// The Gram matrix of vectors `[n, width]`: `[width, width]`.
pub fn gram(vectors: &Matrix) -> Mat<f64> {
    let vectors = wide(vectors);
    vectors.transpose() * &vectors
}

/// The `n` first directions of vectors `[m, width]`, which are the rows of a matrix: on the left
/// the directions of the residual stream, on the right what each vector has of them. `gram` is
/// theirs. `None` where the decomposition fails.
pub fn decompose_rows(vectors: &Matrix, gram: &Mat<f64>, n: usize) -> Option<Decomposition> {
    let eigen = gram.self_adjoint_eigen(Side::Lower).ok()?;
    let width = vectors.cols();
    // They come rising; rounding may leave the least a little below zero.
    let squares = eigen.S().column_vector();
    let values: Vec<f64> = (0..width)
        .rev()
        .map(|i| squares[i].max(0.0).sqrt())
        .collect();
    let n = n.min(width).min(vectors.rows());
    let left = Mat::from_fn(width, n, |i, j| eigen.U()[(i, width - 1 - j)]);
    let along = wide(vectors) * &left;
    let right = Mat::from_fn(vectors.rows(), n, |i, j| {
        let length = values[j];
        if length > 0.0 {
            along[(i, j)] / length
        } else {
            0.0
        }
    });
    let values = values.into_iter().take(vectors.rows().min(width));
    Some(signed(values.map(|s| s as f32).collect(), &left, &right))
}

/// By how much a matrix `a·bᵀ` keeps directions rather than turning them over: the sum of its
/// eigenvalues' real parts over the sum of their sizes, −1 to 1 (Elhage et al. 2021, "A
/// Mathematical Framework for Transformer Circuits"). From the thin factors `[n, h]`: `a·bᵀ` has
/// the eigenvalues of `bᵀ·a`, and zeros. `None` where there is nothing but zeros, or no telling.
pub fn copying(a: &Matrix, b: &Matrix) -> Option<f32> {
    let of = |m: &Matrix| MatRef::from_row_major_slice(m.data(), m.rows(), m.cols()).to_owned();
    let core = of(b).transpose() * of(a);
    let core = Mat::from_fn(core.nrows(), core.ncols(), |i, j| f64::from(core[(i, j)]));
    let eigenvalues = core.eigenvalues().ok()?;
    let sum: f64 = eigenvalues.iter().map(|z| z.re).sum();
    let size: f64 = eigenvalues.iter().map(|z| z.re.hypot(z.im)).sum();
    let share = (sum / size) as f32;
    share.is_finite().then_some(share)
}

fn wide(m: &Matrix) -> Mat<f64> {
    Mat::from_fn(m.rows(), m.cols(), |i, j| f64::from(m.row(i)[j]))
}

/// The columns of `left` and `right` as rows, with their signs.
fn signed(values: Vec<f32>, left: &Mat<f64>, right: &Mat<f64>) -> Decomposition {
    let sign = |j: usize| {
        let column = left.col(j);
        let largest = column
            .iter()
            .fold(0.0f64, |a, &b| if b.abs() > a.abs() { b } else { a });
        if largest < 0.0 { -1.0 } else { 1.0 }
    };
    let signs: Vec<f64> = (0..left.ncols()).map(sign).collect();
    let rows = |m: &Mat<f64>| {
        let (n, width) = (m.ncols(), m.nrows());
        let at = |i: usize| (signs[i / width] * m[(i % width, i / width)]) as f32;
        Matrix::new(n, width, (0..n * width).map(at).collect())
    };
    Decomposition {
        left: rows(left),
        right: rows(right),
        values,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decomposition(values: &[f32]) -> Decomposition {
        Decomposition {
            values: values.to_vec(),
            left: Matrix::zeros(0, 0),
            right: Matrix::zeros(0, 0),
        }
    }

    #[test]
    fn values_that_coincide_are_one_block() {
        let blocks = |values: &[f32]| decomposition(values).blocks();
        assert_eq!(blocks(&[3.0, 2.0, 1.0]), [None, None, None]);
        assert_eq!(
            blocks(&[2.0, 1.999, 1.5, 1.0, 0.9995, 0.9991]),
            [Some(0), Some(0), None, Some(1), Some(1), Some(1)]
        );
        // What rounding leaves of a form of lower rank.
        assert_eq!(blocks(&[1.0, 3e-8, 1e-9]), [None, Some(0), Some(0)]);
        assert_eq!(blocks(&[0.0, 0.0]), [Some(0), Some(0)]);
    }

    #[test]
    fn the_largest_coordinate_of_the_left_is_positive() {
        // diag(2, −3) has u = e₂, v = −e₂ first; then e₁ with itself.
        let form = FormWeights {
            left: Matrix::new(2, 2, vec![2.0, 0.0, 0.0, -3.0]),
            right: Matrix::new(2, 2, vec![1.0, 0.0, 0.0, 1.0]),
        };
        let found = decompose_form(&form).unwrap();
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(close(&found.values, &[3.0, 2.0]), "{found:?}");
        assert!(close(found.left.data(), &[0.0, 1.0, 1.0, 0.0]), "{found:?}");
        assert!(
            close(found.right.data(), &[0.0, -1.0, 1.0, 0.0]),
            "{found:?}"
        );
    }

    #[test]
    fn a_rotation_copies_nothing_and_a_projection_everything() {
        let identity = Matrix::new(2, 2, vec![1.0, 0.0, 0.0, 1.0]);
        let turn = Matrix::new(2, 2, vec![0.0, 1.0, -1.0, 0.0]);
        let back = Matrix::new(2, 2, vec![-2.0, 0.0, 0.0, -1.0]);
        assert_eq!(copying(&identity, &identity), Some(1.0));
        assert!(copying(&turn, &identity).unwrap().abs() < 1e-6);
        assert_eq!(copying(&back, &identity), Some(-1.0));
        assert_eq!(copying(&Matrix::zeros(3, 2), &Matrix::zeros(3, 2)), None);
    }
}
