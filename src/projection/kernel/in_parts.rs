//! Products of which some terms are summed at a time, so that sums of many lose little in f32.

use faer::linalg::matmul::matmul;
use faer::reborrow::ReborrowMut;
use faer::{Accum, Mat, MatMut, MatRef, Par};

use super::chunks;

/// Terms that [`multiply_in_parts`] sums before it adds their sum to the others.
const TERMS: usize = 64;

/// `out = a·b` as [`multiply`], summed some terms at a time, so that sums of many terms lose little. A
/// row's products are the same bits among whatever rows.
pub fn multiply_in_parts(a: MatRef<'_, f32>, b: MatRef<'_, f32>, out: &mut [f32]) {
    if a.nrows() == 1 {
        // Alone it would be summed in another order.
        let mut both = vec![0.0; 2 * out.len()];
        let twice = Mat::from_fn(2, a.ncols(), |_, term| a[(0, term)]);
        multiply_in_parts(twice.as_ref(), b, &mut both);
        return out.copy_from_slice(&both[..out.len()]);
    }
    let mut out = MatMut::from_row_major_slice_mut(out, a.nrows(), b.ncols());
    if a.ncols() == 0 {
        out.fill(0.0);
    }
    for terms in chunks(a.ncols(), TERMS) {
        let add = match terms.start {
            0 => Accum::Replace,
            _ => Accum::Add,
        };
        let (start, len) = (terms.start, terms.len());
        let (a, b) = (a.subcols(start, len), b.subrows(start, len));
        matmul(out.rb_mut(), add, a, b, 1.0, Par::Seq);
    }
}

/// What a number that [`multiply_in_parts`] sums of as many terms is off by at most, as a share of the
/// product of the two vectors' norms (Higham 2002, §3.1).
pub fn lost_in_parts(terms: usize) -> f32 {
    let summed = TERMS.min(terms) + terms.div_ceil(TERMS) + 1;
    // Half of epsilon each, and a little for their products.
    0.501 * f32::EPSILON * summed as f32
}
