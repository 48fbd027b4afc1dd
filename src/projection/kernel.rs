//! The inner products of a few vectors with many rows, at the speed at which memory gives the rows.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};

/// Vectors that share one pass over a row.
const VECTORS: usize = 2;
/// Sums that each product is split into, so that no multiplication waits for the one before. One
/// row at a time and two vectors of four sums read memory in one stream and fit the registers.
const SUMS: usize = 4;

/// `out = a·b`, row-major, on the calling thread.
pub fn multiply(a: MatRef<'_, f32>, b: MatRef<'_, f32>, out: &mut [f32]) {
    let out = MatMut::from_row_major_slice_mut(out, a.nrows(), b.ncols());
    matmul(out, Accum::Replace, a, b, 1.0, Par::Seq);
}

/// The numbers below `len`, `size` at a time.
pub fn chunks(len: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len)
        .step_by(size)
        .map(move |start| start..len.min(start + size))
}

/// `out[r * m + j] = rows[r]·vectors[j]` for every row and each of the m vectors, all of `width`
/// numbers.
///
/// A product is summed in an order that depends on `width` only, so neither the grouping of rows
/// nor that of vectors changes a bit of it.
pub fn products(rows: &[f32], vectors: &[f32], width: usize, out: &mut [f32]) {
    if width == 0 {
        return out.fill(0.0);
    }
    debug_assert_eq!(out.len(), (rows.len() / width) * (vectors.len() / width));
    Arch::new().dispatch(Products {
        rows,
        vectors,
        width,
        out,
    });
}

struct Products<'a> {
    rows: &'a [f32],
    vectors: &'a [f32],
    width: usize,
    out: &'a mut [f32],
}

impl WithSimd for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            rows,
            vectors,
            width,
            out,
        } = self;
        let m = vectors.len() / width;
        for (row, out) in rows.chunks_exact(width).zip(out.chunks_exact_mut(m.max(1))) {
            let groups = vectors.chunks(VECTORS * width);
            for (group, out) in groups.zip(out.chunks_mut(VECTORS)) {
                match group.split_at(width) {
                    (only, []) => out.copy_from_slice(&tile(simd, row, [only])),
                    (one, other) => out.copy_from_slice(&tile(simd, row, [one, other])),
                }
            }
        }
    }
}

/// The products of one row with a few vectors, accumulated lane by lane in registers.
#[inline(always)]
fn tile<S: Simd, const V: usize>(simd: S, row: &[f32], vectors: [&[f32]; V]) -> [f32; V] {
    let (row, row_tail) = S::as_simd_f32s(row);
    let (row, row_rest) = row.as_chunks::<SUMS>();
    let vectors = vectors.map(|vector| {
        let (lanes, tail) = S::as_simd_f32s(vector);
        let (lanes, rest) = lanes.as_chunks::<SUMS>();
        // Equal lengths that the compiler can see spare the checks of bounds in the loop.
        (&lanes[..row.len()], rest, tail)
    });
    let mut sums = [[simd.splat_f32s(0.0); SUMS]; V];
    for (k, row) in row.iter().enumerate() {
        for (sums, (vector, ..)) in sums.iter_mut().zip(vectors) {
            for i in 0..SUMS {
                sums[i] = simd.mul_add_f32s(row[i], vector[k][i], sums[i]);
            }
        }
    }
    let mut out = [0.0; V];
    for ((out, sums), (_, rest, tail)) in out.iter_mut().zip(&mut sums).zip(vectors) {
        for ((sum, &r), &v) in sums.iter_mut().zip(row_rest).zip(rest) {
            *sum = simd.mul_add_f32s(r, v, *sum);
        }
        let [a, b, c, d] = *sums;
        let sum = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
        let tail = row_tail.iter().zip(tail);
        *out = tail.fold(simd.reduce_sum_f32s(sum), |sum, (a, b)| sum + a * b);
    }
    out
}

/// One inner product, bit for bit as [`products`] has it.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut out = [0.0];
    products(a, b, a.len(), &mut out);
    out[0]
}

/// The length of a row; in f64, where no square of an f32 overflows or vanishes.
pub fn norm(row: &[f32]) -> f32 {
    let square = |&x: &f32| f64::from(x) * f64::from(x);
    let (eights, rest) = row.as_chunks::<8>();
    // Eight sums, none of which waits for another.
    let mut sums = [0.0; 8];
    for eight in eights {
        sums.iter_mut()
            .zip(eight)
            .for_each(|(sum, x)| *sum += square(x));
    }
    let rest: f64 = rest.iter().map(square).sum();
    (sums.iter().sum::<f64>() + rest).sqrt() as f32
}

/// Whether a number reaches `least`, or is NaN: a bound that is none rules nothing out.
pub fn may_reach(number: f32, least: f32) -> bool {
    number >= least || number.is_nan()
}

/// Calls `found` with every index whose number [may reach](may_reach) `least`, in rising order.
pub fn for_each_that_may_reach(numbers: &[f32], least: f32, mut found: impl FnMut(usize)) {
    /// Numbers that are judged together before any is looked at alone.
    const GROUP: usize = 64;
    let arch = Arch::new();
    for (g, group) in numbers.chunks(GROUP).enumerate() {
        let all_below = arch.dispatch(|| group.iter().fold(true, |all, &x| all & (x < least)));
        if !all_below {
            for (i, &x) in group.iter().enumerate() {
                if may_reach(x, least) {
                    found(g * GROUP + i);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_sums_in_f64_at_every_shape() {
        let mut rng = fastrand::Rng::with_seed(7);
        for width in [1, 3, 8, 31, 64, 200] {
            for (n, m) in [(0, 2), (1, 1), (3, 2), (4, 2), (9, 5), (17, 3)] {
                let mut draw = |len| (0..len).map(|_| rng.f32() - 0.5).collect::<Vec<f32>>();
                let (rows, vectors) = (draw(n * width), draw(m * width));
                let mut out = vec![f32::NAN; n * m];
                products(&rows, &vectors, width, &mut out);
                for (at, &got) in out.iter().enumerate() {
                    let row = &rows[at / m * width..][..width];
                    let vector = &vectors[at % m * width..][..width];
                    let want: f64 = row
                        .iter()
                        .zip(vector)
                        .map(|(&a, &b)| f64::from(a) * f64::from(b))
                        .sum();
                    assert!(
                        (f64::from(got) - want).abs() < 1e-5,
                        "{got} {want} at {width}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_product_does_not_depend_on_its_company() {
        let mut rng = fastrand::Rng::with_seed(8);
        let width = 75;
        let rows: Vec<f32> = (0..11 * width).map(|_| rng.f32() - 0.5).collect();
        let vectors: Vec<f32> = (0..5 * width).map(|_| rng.f32() - 0.5).collect();
        let mut together = vec![0.0; 11 * 5];
        products(&rows, &vectors, width, &mut together);
        for r in 0..11 {
            for j in 0..5 {
                let mut alone = [0.0];
                let row = &rows[r * width..][..width];
                products(row, &vectors[j * width..][..width], width, &mut alone);
                assert_eq!(alone[0].to_bits(), together[r * 5 + j].to_bits());
            }
        }
    }
}
