//! Synthetic factors of a head's form.

use fastrand::Rng;
use lexiscope::checkpoint::Matrix;

/// What factors are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As trained ones: balanced, row norms log-normal (σ 0.3), singular values that fall
    /// linearly to half at half the rank, and near-duplicates, so that the best pairs come close
    /// to the product of their norms.
    Trained,
    /// The worst case.
    Gaussian,
}

/// Share of B's rows that nearly repeat one of A.
const DUPLICATES: f32 = 0.02;

/// Two factors `[n, h]`.
pub fn factors(n: usize, h: usize, kind: Kind) -> (Matrix, Matrix) {
    let mut rng = Rng::with_seed(11);
    let a = side(&mut rng, (n, h), kind, None);
    let b = side(&mut rng, (n, h), kind, Some(&a));
    (a, b)
}

fn side(rng: &mut Rng, (n, h): (usize, usize), kind: Kind, other: Option<&Matrix>) -> Matrix {
    let mut data = Vec::with_capacity(n * h);
    for _ in 0..n {
        match (kind, other) {
            (Kind::Gaussian, _) => data.extend((0..h).map(|_| gauss(rng))),
            (Kind::Trained, Some(other)) if rng.f32() < DUPLICATES => {
                let model = other.row(rng.usize(0..n));
                let near: Vec<f32> = model.iter().map(|x| x + 0.05 * gauss(rng)).collect();
                data.extend(scaled(rng, near));
            }
            (Kind::Trained, _) => {
                // A form's singular values are products of both sides' own.
                let falling = |c: usize| (1.0 - c as f32 / h as f32).max(0.05).sqrt();
                let row = (0..h).map(|c| gauss(rng) * falling(c)).collect();
                data.extend(scaled(rng, row));
            }
        }
    }
    Matrix::new(n, h, data)
}

/// A row of a log-normal length.
fn scaled(rng: &mut Rng, mut row: Vec<f32>) -> Vec<f32> {
    let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
    let scale = (0.3 * gauss(rng)).exp() * 5.0 / norm;
    row.iter_mut().for_each(|x| *x *= scale);
    row
}

fn gauss(rng: &mut Rng) -> f32 {
    let (u, v) = (rng.f32().max(1e-9), rng.f32());
    (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos()
}
