//! The largest eigenvalue of a symmetric matrix without negative ones, of which only products with
//! vectors are known.

use super::pairs::dot;

/// A matrix's product with a vector.
type Product<'a> = &'a mut dyn FnMut(&[f64]) -> Vec<f64>;

const STEPS_MAX: usize = 200;

/// The largest eigenvalue and its vector, of length 1: Lanczos' method with full
/// reorthogonalisation. `near`: where the vector may lie, or zero. `precision`: how far off the
/// value may be, as a share of it; the vector is by about the root of that.
pub(super) fn top(product: Product<'_>, near: &[f64], precision: f64) -> (f64, Vec<f64>) {
    let m = near.len();
    let mut rng = fastrand::Rng::with_seed(1);
    // A start with a part of everything: the vector may lie elsewhere.
    let aside = 0.01 * (dot(near, near) / m as f64).sqrt();
    let aside = if aside > 0.0 { aside } else { 1.0 };
    let mut next: Vec<f64> = near.iter().map(|x| x + aside * (rng.f64() - 0.3)).collect();
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    loop {
        let norm = dot(&next, &next).sqrt();
        let largest = diagonal.iter().fold(0.0, |a: f64, b: &f64| a.max(b.abs()));
        let used_up = norm <= 8.0 * f64::EPSILON * largest;
        let steps = basis.len();
        let last = used_up || steps == m.min(STEPS_MAX);
        if steps > 0 && (steps.is_multiple_of(4) || last) {
            let (value, gap, weights) = top_of_tridiagonal(&diagonal, &beside);
            let left = norm * weights.last().map_or(0.0, |w| w.abs());
            // The value is off by left²/gap at most, and by left where there is no gap.
            if last || left.min(left / gap * left) <= precision * value.abs() {
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
        next = product(&q);
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

/// The solution y of (λ − matrix)·y = `right` apart from the `first` eigenvector, by conjugate
/// gradients; both are taken without their part along it.
pub(super) fn beyond(
    product: Product<'_>,
    (value, first): (f64, &[f64]),
    right: &[f64],
) -> Vec<f64> {
    let aside = |x: &mut Vec<f64>| {
        let part = dot(x, first);
        x.iter_mut().zip(first).for_each(|(x, f)| *x -= part * f);
    };
    let mut rest = right.to_vec();
    aside(&mut rest);
    let mut found = vec![0.0; right.len()];
    let mut step = rest.clone();
    let mut squares = dot(&rest, &rest);
    let enough = 1e-16 * squares;
    for _ in 0..STEPS_MAX {
        if squares <= enough {
            break;
        }
        let times = product(&step);
        let mut moved: Vec<f64> = step
            .iter()
            .zip(&times)
            .map(|(s, t)| value * s - t)
            .collect();
        aside(&mut moved);
        let curvature = dot(&step, &moved);
        // The second eigenvalue is as large as the first: there is no single direction.
        if curvature <= 0.0 {
            break;
        }
        let by = squares / curvature;
        found.iter_mut().zip(&step).for_each(|(f, s)| *f += by * s);
        rest.iter_mut().zip(&moved).for_each(|(r, m)| *r -= by * m);
        let left = dot(&rest, &rest);
        step.iter_mut()
            .zip(&rest)
            .for_each(|(s, r)| *s = r + left / squares * *s);
        squares = left;
    }
    found
}

/// The largest eigenvalue of a symmetric tridiagonal matrix, how far it is from the second, and its
/// vector.
fn top_of_tridiagonal(diagonal: &[f64], beside: &[f64]) -> (f64, f64, Vec<f64>) {
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
            let values = eigen.S().column_vector();
            let second = if k > 1 { values[k - 2] } else { 0.0 };
            (values[k - 1], values[k - 1] - second, vector)
        }
        // Only numbers that are not finite keep it from converging.
        Err(_) => (f64::NAN, f64::NAN, vec![f64::NAN; k]),
    }
}
