//! Random vectors like given ones: with their mean and covariance, or random orthogonal mixtures
//! of them.

use faer::MatRef;

use crate::checkpoint::Matrix;
use crate::projection::product;

/// Draws the same for the same seed.
pub(in crate::query) struct RandomDirections(fastrand::Rng);

impl RandomDirections {
    pub(in crate::query) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// `count` vectors from the normal distribution that has mean and covariance of `vectors`
    /// (`[n, width]`): with independent standard normal g, `Σ gᵢ·(vᵢ − mean)/√n + mean` has just
    /// those.
    pub(in crate::query) fn like(&mut self, vectors: &Matrix, count: usize) -> Matrix {
        let n = vectors.rows();
        let root = (n as f64).sqrt();
        let mut shares = Vec::with_capacity(count * n);
        for _ in 0..count {
            let draws: Vec<f64> = (0..n).map(|_| self.normal() / root).collect();
            let rest = (1.0 - draws.iter().sum::<f64>()) / n as f64;
            shares.extend(draws.iter().map(|draw| (draw + rest) as f32));
        }
        product(&Matrix::new(count, n, shares), vectors)
    }

    /// `count` random orthogonal mixtures of `vectors` (`[n, width]`, n at least `count`): the first
    /// rows of Q·vectors, where Q is a rotation drawn uniformly from all of n dimensions.
    ///
    /// On average they have the vectors' second moments, and of vectors that are themselves drawn
    /// independently from a normal distribution around 0 they have just the distribution. (A draw
    /// from the covariance of few vectors has not: it lies in fewer directions than they do.)
    pub(in crate::query) fn mixtures(&mut self, vectors: &Matrix, count: usize) -> Matrix {
        let n = vectors.rows();
        let count = count.min(n);
        let draws: Vec<f64> = (0..count * n).map(|_| self.normal()).collect();
        let draws = MatRef::from_column_major_slice(&draws, n, count);
        // Orthogonalised one after another, each with the sign that it was drawn with.
        let qr = draws.qr();
        let (q, r) = (qr.compute_thin_Q(), qr.thin_R());
        let share = |(row, i)| (q[(i, row)] * f64::signum(r[(row, row)])) as f32;
        let at = (0..count).flat_map(|row| (0..n).map(move |i| (row, i)));
        product(&Matrix::new(count, n, at.map(share).collect()), vectors)
    }

    /// A standard normal number (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        let (u, v) = (1.0 - self.0.f64(), self.0.f64());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_has_mean_and_covariance_of_the_vectors() {
        // Three vectors of mean (1, 2); variances 2/3 and 8/3, covariance −2/3.
        let vectors = Matrix::new(3, 2, vec![2.0, 2.0, 1.0, 0.0, 0.0, 4.0]);
        let count = 40_000;
        let drawn = RandomDirections::new(3).like(&vectors, count);
        let mean = |f: &dyn Fn(f64, f64) -> f64| {
            let each = (0..count).map(|i| f(drawn.row(i)[0].into(), drawn.row(i)[1].into()));
            each.sum::<f64>() / count as f64
        };
        let close = |found: f64, wanted: f64| {
            assert!((found - wanted).abs() < 0.05, "{found} for {wanted}");
        };
        close(mean(&|x, _| x), 1.0);
        close(mean(&|_, y| y), 2.0);
        close(mean(&|x, _| (x - 1.0).powi(2)), 2.0 / 3.0);
        close(mean(&|_, y| (y - 2.0).powi(2)), 8.0 / 3.0);
        close(mean(&|x, y| (x - 1.0) * (y - 2.0)), -2.0 / 3.0);
    }
    #[test]
    fn mixtures_of_as_many_vectors_keep_lengths_and_angles() {
        // Q·V has the singular values of V: trace and determinant of VᵀV stay.
        let vectors = Matrix::new(2, 2, vec![3.0, 1.0, -2.0, 5.0]);
        for seed in 0..5 {
            let mixed = RandomDirections::new(seed).mixtures(&vectors, 2);
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| f64::from(mixed.data()[i]));
            let (trace, determinant) = (a * a + b * b + c * c + d * d, a * d - b * c);
            assert!((trace - 39.0).abs() < 1e-4, "{trace}");
            assert!((determinant.abs() - 17.0).abs() < 1e-4, "{determinant}");
        }
    }
}
