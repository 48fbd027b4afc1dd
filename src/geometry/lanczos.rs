//! The largest eigenvalue of a symmetric matrix without negative ones, of which only products with
//! vectors are known.

use super::pairs::dot;

/// A matrix's products with one or two vectors.
type Products<'a> = &'a mut dyn FnMut(&[&[f64]]) -> Vec<Vec<f64>>;

/// A largest eigenvalue and its vector, of length 1.
pub(super) type Top = (f64, Vec<f64>);

/// Steps after which the best so far is taken.
pub(super) const STEPS_MAX: usize = 200;
/// Fewer steps may not have come upon a vector that lies aside of where the search began.
const STEPS_MIN: usize = 3;

/// Where a search begins and ends.
pub(super) struct Search<'a> {
    /// Where the second matrix's vector may lie, or zero.
    pub near: &'a [f64],
    /// Whether it is known to be near, or may lie elsewhere.
    pub known: bool,
    /// How far off the two values may be, as shares of them; the vectors are by about the roots of
    /// that.
    pub precisions: [f64; 2],
    pub steps: usize,
}

/// A matrix of rank 1 that is subtracted: `times`·`middle`·`middle`ᵀ.
pub(super) struct Downdate<'a> {
    pub times: f64,
    pub middle: &'a [f64],
}

/// The largest eigenvalues of a matrix A, and of A less a downdate, by Lanczos' method with blocks
/// of two vectors and full reorthogonalisation. Both matrices share the Krylov space that starts
/// from `middle` and one more vector, so one basis serves both.
pub(super) fn tops(
    products: Products<'_>,
    Downdate { times, middle }: Downdate<'_>,
    search: &Search<'_>,
) -> [Top; 2] {
    let near = search.near;
    let mut rng = fastrand::Rng::with_seed(1);
    // A start with a part of everything, or what is not there is not found.
    let typical = (dot(near, near) / near.len() as f64).sqrt();
    let aside = match typical > 0.0 {
        true => typical * if search.known { 1e-6 } else { 0.01 },
        false => 1.0,
    };
    let near = near.iter().map(|x| x + aside * (rng.f64() - 0.3)).collect();
    let mut basis = Vec::new();
    extend(&mut basis, middle.to_vec());
    extend(&mut basis, near);
    // The middle lies along the first of the basis, or it is zero.
    let less = [0.0, times * dot(middle, middle)];
    // Aᵢⱼ in terms of the basis, by j: of each as far as the basis went when it was multiplied.
    let mut columns: Vec<Vec<f64>> = Vec::new();
    let mut found: [Option<Top>; 2] = [None, None];
    let mut step = 0;
    loop {
        step += 1;
        let last: Vec<&[f64]> = basis[columns.len()..].iter().map(Vec::as_slice).collect();
        for image in products(&last) {
            columns.push(extend(&mut basis, image));
        }
        let ends = columns.len() == basis.len() || step == search.steps;
        // A check costs a growing fraction of a step, so it is made less often as the basis grows.
        if !ends && (step < STEPS_MIN || !step.is_multiple_of(1 + step / 8)) {
            continue;
        }
        for ((found, less), precision) in found.iter_mut().zip(less).zip(search.precisions) {
            if found.is_none() {
                let top = top_within(&columns, less);
                if ends || top.error(&columns, basis.len()) <= precision * top.value.abs() {
                    *found = Some((top.value, top.vector(&basis)));
                }
            }
        }
        if let [Some(of_all), Some(of_rest)] = &mut found {
            return [of_all, of_rest].map(std::mem::take);
        }
    }
}

/// Adds to an orthonormal basis what `x` has beyond it, unless that is nothing; returns the parts of
/// `x` along the whole basis.
fn extend(basis: &mut Vec<Vec<f64>>, mut x: Vec<f64>) -> Vec<f64> {
    let before = dot(&x, &x).sqrt();
    let mut parts = vec![0.0; basis.len()];
    for _ in 0..2 {
        for (b, sum) in basis.iter().zip(&mut parts) {
            let part = dot(&x, b);
            x.iter_mut().zip(b).for_each(|(x, b)| *x -= part * b);
            *sum += part;
        }
    }
    let norm = dot(&x, &x).sqrt();
    if norm > 64.0 * f64::EPSILON * before && basis.len() < x.len() {
        x.iter_mut().for_each(|x| *x /= norm);
        basis.push(x);
        parts.push(norm);
    }
    parts
}

/// An eigenvalue with its eigenvector.
pub(super) struct Eigen<'a> {
    pub value: f64,
    pub vector: &'a [f64],
}

/// The solution y of (λ − matrix)·y = `right` apart from the `first` eigenvector, by conjugate
/// gradients; both are taken without their part along it.
pub(super) fn beyond(
    products: Products<'_>,
    Eigen {
        value,
        vector: first,
    }: Eigen<'_>,
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
        let times = products(&[&step]).remove(0);
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

/// The largest eigenvalue of a matrix as far as it is known by its products with a basis.
struct Within {
    value: f64,
    /// How far it is from the second.
    gap: f64,
    /// Its vector in terms of the basis.
    weights: Vec<f64>,
}

/// Of the symmetric matrix with these columns, the first of its numbers made smaller by `less`.
fn top_within(columns: &[Vec<f64>], less: f64) -> Within {
    let k = columns.len();
    let matrix = faer::Mat::from_fn(k, k, |i, j| {
        let value = columns[i.max(j)][i.min(j)];
        if i + j == 0 { value - less } else { value }
    });
    match matrix.self_adjoint_eigen(faer::Side::Lower) {
        Ok(eigen) => {
            // Ascending.
            let vector = eigen.U().col(k - 1);
            let values = eigen.S().column_vector();
            let second = if k > 1 { values[k - 2] } else { 0.0 };
            Within {
                value: values[k - 1],
                gap: values[k - 1] - second,
                weights: (0..k).map(|i| vector[i]).collect(),
            }
        }
        // Only numbers that are not finite keep it from converging.
        Err(_) => Within {
            value: f64::NAN,
            gap: f64::NAN,
            weights: vec![f64::NAN; k],
        },
    }
}

impl Within {
    /// How far the value may be off: by the square of what the product has beyond the basis, over
    /// the gap; and by itself where there is no gap.
    fn error(&self, columns: &[Vec<f64>], basis: usize) -> f64 {
        let beyond = (columns.len()..basis).map(|i| {
            let parts = columns.iter().zip(&self.weights);
            let parts = parts.map(|(c, w)| c.get(i).map_or(0.0, |c| c * w));
            parts.sum::<f64>()
        });
        let left = beyond.map(|x| x * x).sum::<f64>().sqrt();
        left.min(left / self.gap * left)
    }

    fn vector(&self, basis: &[Vec<f64>]) -> Vec<f64> {
        let mut vector = vec![0.0; basis[0].len()];
        for (b, w) in basis.iter().zip(&self.weights) {
            vector.iter_mut().zip(b).for_each(|(v, b)| *v += w * b);
        }
        vector
    }
}
