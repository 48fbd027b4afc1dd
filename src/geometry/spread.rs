//! How much of a set of vectors lies in one direction, from their products with each other, or,
//! when there are more vectors than dimensions, from the sum of their outer products.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::pairs::dot;

/// Vectors of `width` numbers, of which no more than `width` are kept as they are.
#[derive(Clone, Debug)]
pub(super) struct Spread {
    width: usize,
    n: f64,
    sum: Vec<f64>,
    /// Not yet in `outer`, row-major.
    rows: Vec<f64>,
    /// Σ x·xᵀ, `[width, width]`, once there are more rows than dimensions.
    outer: Option<Vec<f64>>,
}

/// The three definitions of maximum explainable variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Explained {
    pub uncentred: f64,
    pub centred: f64,
    pub truncated: f64,
}

impl Spread {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            n: 0.0,
            sum: vec![0.0; width],
            rows: Vec::new(),
            outer: None,
        }
    }

    pub(super) fn add(&mut self, x: &[f32]) {
        if self.rows.len() >= self.width * self.width.max(64) {
            self.fold();
        }
        self.n += 1.0;
        self.rows.extend(x.iter().map(|&x| f64::from(x)));
        let sum = self.sum.iter_mut().zip(x);
        sum.for_each(|(s, &x)| *s += f64::from(x));
    }

    fn fold(&mut self) {
        let width = self.width;
        let outer = self.outer.get_or_insert_with(|| vec![0.0; width * width]);
        let rows = MatRef::from_row_major_slice(&self.rows, self.rows.len() / width, width);
        let out = MatMut::from_row_major_slice_mut(outer, width, width);
        matmul(out, Accum::Add, rows.transpose(), rows, 1.0, Par::rayon(0));
        self.rows.clear();
    }

    /// None for fewer than two vectors, or where they are all the same.
    pub(super) fn explained(mut self) -> Option<Explained> {
        if self.n < 2.0 {
            return None;
        }
        if self.outer.is_some() {
            self.fold();
        }
        match self.outer.take() {
            Some(outer) => self.by_dimensions(outer),
            None => self.by_vectors(),
        }
    }

    /// From the vectors' products with each other, `[n, n]`.
    fn by_vectors(&self) -> Option<Explained> {
        let n = self.rows.len() / self.width;
        let rows = MatRef::from_row_major_slice(&self.rows, n, self.width);
        let mut gram = vec![0.0; n * n];
        let out = MatMut::from_row_major_slice_mut(&mut gram, n, n);
        matmul(
            out,
            Accum::Replace,
            rows,
            rows.transpose(),
            1.0,
            Par::rayon(0),
        );
        let total = trace(&gram, n);
        let (first, direction) = top(&gram, n);
        // Projections on the first direction are √λ·u, one a vector.
        let mean = direction.iter().sum::<f64>() / self.n;
        let along = first * (1.0 / self.n - mean * mean);
        let means: Vec<f64> = gram
            .chunks_exact(n)
            .map(|row| row.iter().sum::<f64>() / self.n)
            .collect();
        let mean_of_all = means.iter().sum::<f64>() / self.n;
        for (row, a) in gram.chunks_exact_mut(n).zip(&means) {
            for (x, b) in row.iter_mut().zip(&means) {
                *x += mean_of_all - a - b;
            }
        }
        explained([total, first, along], &gram, n, self.n)
    }

    /// From the sum of outer products, `[width, width]`.
    fn by_dimensions(&self, mut outer: Vec<f64>) -> Option<Explained> {
        let d = self.width;
        let total = trace(&outer, d);
        let (first, direction) = top(&outer, d);
        let mean: Vec<f64> = self.sum.iter().map(|s| s / self.n).collect();
        let along = first / self.n - dot(&direction, &mean).powi(2);
        for (row, a) in outer.chunks_exact_mut(d).zip(&mean) {
            for (x, b) in row.iter_mut().zip(&mean) {
                *x -= self.n * a * b;
            }
        }
        explained([total, first, along], &outer, d, self.n)
    }
}

/// `total` squared length, that in the `first` direction, and the variance `along` it; `centred`
/// `[m, m]` are the products about the mean.
fn explained(
    [total, first, along]: [f64; 3],
    centred: &[f64],
    m: usize,
    n: f64,
) -> Option<Explained> {
    let variance = trace(centred, m);
    // What is left of numbers that cancel is no variance.
    if total <= 0.0 || variance <= 1e-12 * total {
        return None;
    }
    Some(Explained {
        uncentred: first / total,
        centred: top(centred, m).0 / variance,
        truncated: along * n / variance,
    })
}

fn trace(matrix: &[f64], m: usize) -> f64 {
    (0..m).map(|i| matrix[i * m + i]).sum()
}

/// The largest eigenvalue of a symmetric matrix `[m, m]` without negative ones, and its vector:
/// Lanczos' method with full reorthogonalisation.
fn top(matrix: &[f64], m: usize) -> (f64, Vec<f64>) {
    const STEPS_MAX: usize = 200;
    let mut rng = fastrand::Rng::with_seed(1);
    let mut next: Vec<f64> = (0..m).map(|_| rng.f64() + 0.1).collect();
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    loop {
        let norm = dot(&next, &next).sqrt();
        let used_up = norm <= f64::EPSILON * diagonal.first().map_or(0.0, |d: &f64| d.abs());
        let steps = basis.len();
        if steps > 0 && (steps.is_multiple_of(8) || used_up || steps == m.min(STEPS_MAX)) {
            let (value, weights) = top_of_tridiagonal(&diagonal, &beside);
            let last = weights.last().map_or(0.0, |w| w.abs());
            let settled = norm * last <= 1e-11 * value.abs();
            if settled || used_up || steps == m.min(STEPS_MAX) {
                let mut vector = vec![0.0; m];
                for (b, w) in basis.iter().zip(&weights) {
                    vector.iter_mut().zip(b).for_each(|(v, b)| *v += w * b);
                }
                return (value, vector);
            }
        }
        if steps > 0 {
            beside.push(norm);
        }
        let q: Vec<f64> = next.iter().map(|x| x / norm).collect();
        next = matrix.chunks_exact(m).map(|row| dot(row, &q)).collect();
        diagonal.push(dot(&next, &q));
        basis.push(q);
        for _ in 0..2 {
            for b in &basis {
                let part = dot(&next, b);
                next.iter_mut().zip(b).for_each(|(x, b)| *x -= part * b);
            }
        }
    }
}

/// The largest eigenvalue of a symmetric tridiagonal matrix, and its vector.
fn top_of_tridiagonal(diagonal: &[f64], beside: &[f64]) -> (f64, Vec<f64>) {
    let k = diagonal.len();
    let matrix = faer::Mat::from_fn(k, k, |i, j| match i.abs_diff(j) {
        0 => diagonal[i],
        1 => beside[i.min(j)],
        _ => 0.0,
    });
    match matrix.self_adjoint_eigen(faer::Side::Lower) {
        Ok(eigen) => {
            // Ascending.
            let vector = eigen.U().col(k - 1);
            let vector = (0..k).map(|i| vector[i]).collect();
            (eigen.S().column_vector()[k - 1], vector)
        }
        // Only numbers that are not finite keep it from converging.
        Err(_) => (f64::NAN, vec![f64::NAN; k]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(n: usize, width: usize, offset: f32) -> Vec<Vec<f32>> {
        let mut rng = fastrand::Rng::with_seed(5);
        let row = |_| (0..width).map(|_| rng.f32() - 0.5 + offset).collect();
        (0..n).map(row).collect()
    }

    fn explained(rows: &[Vec<f32>]) -> Option<Explained> {
        let mut spread = Spread::new(rows[0].len());
        rows.iter().for_each(|row| spread.add(row));
        spread.explained()
    }

    /// By faer's singular values of the whole matrix.
    fn expected(rows: &[Vec<f32>]) -> Explained {
        let (n, d) = (rows.len(), rows[0].len());
        let x = faer::Mat::from_fn(n, d, |i, j| f64::from(rows[i][j]));
        let mean = |j: usize| (0..n).map(|i| x[(i, j)]).sum::<f64>() / n as f64;
        let means: Vec<f64> = (0..d).map(mean).collect();
        let y = faer::Mat::from_fn(n, d, |i, j| x[(i, j)] - means[j]);
        let share = |m: &faer::Mat<f64>| {
            let s = m.singular_values().unwrap();
            s[0] * s[0] / s.iter().map(|s| s * s).sum::<f64>()
        };
        let svd = x.thin_svd().unwrap();
        let first = svd.V().col(0);
        let along = (0..n).map(|i| (0..d).map(|j| y[(i, j)] * first[j]).sum::<f64>().powi(2));
        let all = (0..n).map(|i| (0..d).map(|j| y[(i, j)].powi(2)).sum::<f64>());
        Explained {
            uncentred: share(&x),
            centred: share(&y),
            truncated: along.sum::<f64>() / all.sum::<f64>(),
        }
    }

    #[test]
    fn agrees_with_singular_values_for_few_and_for_many_vectors() {
        for (n, width, offset) in [(2, 9, 0.3), (40, 24, 0.0), (7, 100, 1.0), (300, 20, 0.2)] {
            let rows = random(n, width, offset);
            let (got, want) = (explained(&rows).unwrap(), expected(&rows));
            for (got, want) in [
                (got.uncentred, want.uncentred),
                (got.centred, want.centred),
                (got.truncated, want.truncated),
            ] {
                assert!((got - want).abs() < 1e-7, "{n} × {width}: {got} {want}");
            }
        }
    }

    #[test]
    fn the_three_definitions_differ_as_published() {
        // Vectors with much in common: nearly all squared length in one direction, little of
        // the variance along it.
        let rows = random(500, 64, 0.6);
        let e = explained(&rows).unwrap();
        assert!(e.uncentred > 0.75 && e.centred < 0.1 && e.truncated < e.centred);
    }

    #[test]
    fn one_vector_or_equal_ones_have_no_variance() {
        assert_eq!(explained(&random(1, 8, 0.1)), None);
        let row = random(1, 8, 0.1).remove(0);
        assert_eq!(explained(&[row.clone(), row.clone(), row]), None);
    }
}
