//! Rebalancing the two factors of a form, so that norms say as much as they can about products.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par, Side};

use crate::checkpoint::Matrix;
use crate::task::{CancelToken, Cancelled};

/// Share of a factor's mean square that is added to every direction before it is inverted: keeps
/// the transformation well conditioned where a factor does not reach a direction at all.
const FLOOR: f64 = 1e-5;

/// Rows of a factor multiplied between two looks at whether the balance is still wanted.
const ROWS: usize = 4096;

/// Two transformations with `left·rightᵀ = I`, `[h, h]`, row-major.
#[derive(Debug)]
pub struct Balance {
    pub left: Matrix,
    pub right: Matrix,
}

/// For factors A and B of a form A·Bᵀ, transformations such that A·left and B·right
/// have the same products, weigh each direction alike, and have their directions sorted by how
/// much they contribute.
///
/// With A = Q_A·R_A, B = Q_B·R_B and R_A·R_Bᵀ = U·S·Vᵀ these are left = R_Bᵀ·V·S^(−½) and
/// right = R_Aᵀ·U·S^(−½). The triangles come from the Gram matrices; as they only shape the
/// bounds, never a score, the precision that costs is of no matter. `None` where a decomposition
/// fails (numbers that are not finite): the caller does without.
///
/// `a`, `b`: some rows of the factors, `[m, h]`.
///
/// # Errors
/// The token is cancelled.
pub fn balance_factors(
    a: &Matrix,
    b: &Matrix,
    cancel: CancelToken<'_>,
) -> Result<Option<Balance>, Cancelled> {
    let (r_a, r_b) = rayon::join(|| triangle(a, cancel), || triangle(b, cancel));
    let triangles = r_a?.zip(r_b?);
    cancel.check()?;
    Ok(triangles.and_then(|(r_a, r_b)| balanced(a.cols(), &r_a, &r_b)))
}

/// The transformations of width `h`, by the triangles of the two factors.
fn balanced(h: usize, r_a: &Mat<f64>, r_b: &Mat<f64>) -> Option<Balance> {
    let core = r_a * r_b.transpose();
    let svd = core.svd().ok()?;
    let inverse_roots: Vec<f64> = svd
        .S()
        .column_vector()
        .iter()
        .map(|s| 1.0 / s.sqrt())
        .collect();
    let scaled = |triangle: &Mat<f64>, rotation: MatRef<'_, f64>| {
        let product = triangle.transpose() * rotation;
        let at = |i: usize| (product[(i / h, i % h)] * inverse_roots[i % h]) as f32;
        Matrix::new(h, h, (0..h * h).map(at).collect())
    };
    let balance = Balance {
        left: scaled(r_b, svd.V()),
        right: scaled(r_a, svd.U()),
    };
    let finite = |m: &Matrix| m.data().iter().all(|x| x.is_finite());
    (finite(&balance.left) && finite(&balance.right)).then_some(balance)
}

/// R with Rᵀ·R = Fᵀ·F + floor·I: the triangle of F's QR decomposition, all directions reached.
fn triangle(factor: &Matrix, cancel: CancelToken<'_>) -> Result<Option<Mat<f64>>, Cancelled> {
    let h = factor.cols();
    let mut gram = Mat::<f32>::zeros(h, h);
    for some in factor.data().chunks((ROWS * h).max(1)) {
        cancel.check()?;
        let f = MatRef::from_row_major_slice(some, some.len() / h.max(1), h);
        matmul(&mut gram, Accum::Add, f.transpose(), f, 1.0, Par::rayon(0));
    }
    let trace: f64 = (0..h).map(|i| f64::from(gram[(i, i)])).sum();
    let floor = (trace / h as f64 * FLOOR).max(f64::from(f32::MIN_POSITIVE));
    let gram = Mat::from_fn(h, h, |i, j| {
        f64::from(gram[(i, j)]) + if i == j { floor } else { 0.0 }
    });
    let cholesky = gram.llt(Side::Lower).ok();
    Ok(cholesky.map(|cholesky| cholesky.L().transpose().to_owned()))
}
