//! Vectors as sums of tokens' embeddings: the pseudo-inverse in the place of the transpose.

use faer::linalg::matmul::matmul;
use faer::linalg::solvers::{Llt, Solve};
use faer::{Accum, Mat, MatRef, Par, Side};

use crate::checkpoint::Matrix;
use crate::task::CancelToken;

use super::kernel::chunks;
use super::{ProjectionError, Rows};

/// Multiplications between two looks at whether the answer is still wanted: some milliseconds.
const CHUNK: usize = 1 << 28;

/// Of rows E (`[n, width]`) the inverse of EᵀE. The products of E with a vector that it was
/// applied to are the least numbers c with Eᵀ·c the vector itself: its coordinates over the
/// vocabulary, as the exact form of Dar et al. 2022 (arXiv 2209.02535, §3.1) has them.
#[derive(Debug)]
pub struct Inverse {
    gram: Llt<f64>,
}

impl Inverse {
    /// Of transformed rows; `None` if they do not reach every direction, so that there
    /// is none.
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    pub fn of(rows: &Rows, cancel: CancelToken<'_>) -> Result<Option<Self>, ProjectionError> {
        let gram = gram(rows, cancel)?.llt(Side::Lower).ok();
        Ok(gram.map(|gram| Self { gram }))
    }

    /// Vectors, `[m, width]`, each with the inverse applied.
    pub fn apply(&self, vectors: &Matrix) -> Matrix {
        let (m, width) = (vectors.rows(), vectors.cols());
        let given = MatRef::from_row_major_slice(vectors.data(), m, width);
        let columns = Mat::from_fn(width, m, |i, j| f64::from(given[(j, i)]));
        let solved = self.gram.solve(&columns);
        let at = |at: usize| solved[(at % width, at / width)] as f32;
        Matrix::new(m, width, (0..m * width).map(at).collect())
    }
}

/// EᵀE, `[width, width]`: in f64, as its inverse is as sensitive as the square of the condition of
/// the rows.
fn gram(rows: &Rows, cancel: CancelToken<'_>) -> Result<Mat<f64>, ProjectionError> {
    let width = rows.width();
    let mut sum = Mat::zeros(width, width);
    for chunk in chunks(rows.len(), (CHUNK / (width * width).max(1)).max(32)) {
        cancel.check()?;
        let ids: Vec<u32> = chunk.map(|row| row as u32).collect();
        let some = rows.pick(&ids)?;
        let some = Mat::from_fn(ids.len(), width, |i, j| f64::from(some.row(i)[j]));
        let (all, par) = (sum.as_mut(), Par::rayon(0));
        matmul(all, Accum::Add, some.transpose(), &some, 1.0, par);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::projection::RowScale;

    #[test]
    fn the_products_are_the_coordinates_of_the_vector() {
        let mut rng = fastrand::Rng::with_seed(5);
        let (n, width) = (1300, 7);
        let data = (0..n * width).map(|_| rng.f32() - 0.3).collect();
        let rows = Rows::new(Matrix::new(n, width, data), &Device::Cpu).unwrap();
        let unit = RowScale::Unit { centring: false };
        for (centred, scale) in [
            (false, RowScale::None),
            (true, RowScale::None),
            (true, unit),
        ] {
            let rows = rows.adjusted(centred, scale, CancelToken::never()).unwrap();
            let inverse = Inverse::of(&rows, CancelToken::never()).unwrap().unwrap();
            let vector = Matrix::new(1, width, vec![1.0, -2.0, 0.5, 0.0, 3.0, 0.25, -1.0]);
            let applied = inverse.apply(&vector).transposed();
            let coordinates = rows.times(&applied, CancelToken::never()).unwrap();
            let all: Vec<u32> = (0..n as u32).collect();
            let counted = rows.pick(&all).unwrap();
            for i in 0..width {
                let terms =
                    (0..n).map(|t| f64::from(coordinates.row(t)[0]) * f64::from(counted.row(t)[i]));
                let back: f64 = terms.sum();
                let wanted = f64::from(vector.row(0)[i]);
                assert!((back - wanted).abs() < 1e-4, "{back} for {wanted}");
            }
        }
    }

    #[test]
    fn rows_that_leave_a_direction_out_have_none() {
        let flat = (0..40).flat_map(|i| [i as f32, 1.0, 0.0]).collect();
        let rows = Rows::new(Matrix::new(40, 3, flat), &Device::Cpu).unwrap();
        assert!(Inverse::of(&rows, CancelToken::never()).unwrap().is_none());
        assert!(Inverse::of(&rows, CancelToken::new(&|| true)).is_err());
    }
}
