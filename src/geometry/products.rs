//! The product of Σ x·xᵀ with one or two vectors, for which the rows x are read once: in double
//! precision, and three times as fast in single precision.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Rows that are multiplied together: what they add to is read and written once.
pub(super) const ROWS: usize = 4;
/// A multiple of the numbers that any register holds.
pub(super) const LANES: usize = 16;
/// Rows that one thread multiplies at a time, so that sums do not depend on the threads.
const GROUP: usize = 256;

/// Σ x·(x·q) over `rows` for each of `vectors`, of which there are one or two.
pub(super) fn products(rows: &[&[f32]], vectors: &[&[f64]]) -> Vec<Vec<f64>> {
    let width = vectors[0].len();
    let padded = padded(width);
    let mut q = vec![0.0; vectors.len() * padded];
    for (q, vector) in q.chunks_exact_mut(padded).zip(vectors) {
        q[..width].copy_from_slice(vector);
    }
    let sums = rows.par_chunks(GROUP).map(|rows| {
        let mut out = vec![0.0; q.len()];
        match vectors.len() {
            1 => Arch::new().dispatch(Products::<1>(rows, &q, &mut out)),
            _ => Arch::new().dispatch(Products::<2>(rows, &q, &mut out)),
        }
        out
    });
    total(sums.collect(), vectors.len(), Row { padded, width })
}

/// The same in single precision, for widths that are multiples of [`LANES`].
pub(super) fn rough_products(rows: &[&[f32]], vectors: &[&[f64]]) -> Vec<Vec<f64>> {
    let width = vectors[0].len();
    let q: Vec<f32> = vectors.concat().into_iter().map(|q| q as f32).collect();
    let sums = rows.par_chunks(GROUP).map(|rows| {
        let mut out = vec![0.0; q.len()];
        match vectors.len() {
            1 => Arch::new().dispatch(RoughProducts::<1>(rows, &q, &mut out)),
            _ => Arch::new().dispatch(RoughProducts::<2>(rows, &q, &mut out)),
        }
        out
    });
    let row = Row {
        padded: width,
        width,
    };
    total(sums.collect(), vectors.len(), row)
}

/// How many numbers a vector has, and how many it takes.
struct Row {
    width: usize,
    padded: usize,
}

/// The sums of all groups, each `[vectors, padded]`, as `[vectors, width]`.
fn total<T: Copy + Into<f64>>(
    groups: Vec<Vec<T>>,
    vectors: usize,
    Row { width, padded }: Row,
) -> Vec<Vec<f64>> {
    let mut all = vec![0.0; vectors * padded];
    for sums in groups {
        all.iter_mut().zip(sums).for_each(|(a, s)| *a += s.into());
    }
    let each = all.chunks_exact(padded);
    each.map(|sum| sum[..width].to_vec()).collect()
}

/// What a vector of `width` numbers takes.
pub(super) fn padded(width: usize) -> usize {
    width.next_multiple_of(LANES)
}

/// Some rows in double precision, `[ROWS, padded]`; the missing ones are zero.
#[inline(always)]
pub(super) fn widen(rows: &[&[f32]], wide: &mut [f64], padded: usize) {
    wide[rows.len() * padded..].fill(0.0);
    for (wide, row) in wide.chunks_exact_mut(padded).zip(rows) {
        let each = wide.iter_mut().zip(*row);
        each.for_each(|(wide, &x)| *wide = f64::from(x));
    }
}

/// Rows, V padded vectors, and their sums.
struct Products<'a, const V: usize>(&'a [&'a [f32]], &'a [f64], &'a mut [f64]);

impl<const V: usize> WithSimd for Products<'_, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(rows, q, out) = self;
        let padded = q.len() / V;
        let mut wide = vec![0.0; ROWS * padded];
        // Equal lengths that the compiler can see spare the checks of bounds in the loops.
        let len = S::as_simd_f64s(&wide[..padded]).0.len();
        let q: [_; V] = std::array::from_fn(|v| &S::as_simd_f64s(&q[v * padded..]).0[..len]);
        for rows in rows.chunks(ROWS) {
            widen(rows, &mut wide, padded);
            let x: [_; ROWS] =
                std::array::from_fn(|r| &S::as_simd_f64s(&wide[r * padded..]).0[..len]);
            let mut sums = [[simd.splat_f64s(0.0); ROWS]; V];
            for i in 0..len {
                for (sums, q) in sums.iter_mut().zip(q) {
                    for (sum, x) in sums.iter_mut().zip(x) {
                        *sum = simd.mul_add_f64s(x[i], q[i], *sum);
                    }
                }
            }
            for (sums, out) in sums.into_iter().zip(out.chunks_exact_mut(padded)) {
                let scales = sums.map(|sum| simd.splat_f64s(simd.reduce_sum_f64s(sum)));
                let out = &mut S::as_mut_simd_f64s(out).0[..len];
                for (i, out) in out.iter_mut().enumerate() {
                    let mut sum = *out;
                    for (scale, x) in scales.iter().zip(x) {
                        sum = simd.mul_add_f64s(*scale, x[i], sum);
                    }
                    *out = sum;
                }
            }
        }
    }
}

/// The same, of vectors that are not padded.
struct RoughProducts<'a, const V: usize>(&'a [&'a [f32]], &'a [f32], &'a mut [f32]);

impl<const V: usize> WithSimd for RoughProducts<'_, V> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(rows, q, out) = self;
        let width = q.len() / V;
        let zero = vec![0.0; width];
        let len = S::as_simd_f32s(&zero).0.len();
        let q: [_; V] = std::array::from_fn(|v| &S::as_simd_f32s(&q[v * width..]).0[..len]);
        for rows in rows.chunks(ROWS) {
            let x: [_; ROWS] = std::array::from_fn(|r| {
                let row = rows.get(r).map_or(&zero[..], |row| row);
                &S::as_simd_f32s(row).0[..len]
            });
            let mut sums = [[simd.splat_f32s(0.0); ROWS]; V];
            for i in 0..len {
                for (sums, q) in sums.iter_mut().zip(q) {
                    for (sum, x) in sums.iter_mut().zip(x) {
                        *sum = simd.mul_add_f32s(x[i], q[i], *sum);
                    }
                }
            }
            for (sums, out) in sums.into_iter().zip(out.chunks_exact_mut(width)) {
                let scales = sums.map(|sum| simd.splat_f32s(simd.reduce_sum_f32s(sum)));
                let out = &mut S::as_mut_simd_f32s(out).0[..len];
                for (i, out) in out.iter_mut().enumerate() {
                    let mut sum = *out;
                    for (scale, x) in scales.iter().zip(x) {
                        sum = simd.mul_add_f32s(*scale, x[i], sum);
                    }
                    *out = sum;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agree_with_one_number_after_the_other_at_any_width_and_number() {
        let mut rng = fastrand::Rng::with_seed(2);
        for (n, width) in [(1, 1), (3, 7), (4, 8), (6, 21), (600, 48)] {
            let x: Vec<f32> = (0..n * width).map(|_| rng.f32() - 0.4).collect();
            let rows: Vec<&[f32]> = x.chunks_exact(width).collect();
            let vectors: [Vec<f64>; 2] =
                std::array::from_fn(|_| (0..width).map(|_| rng.f64() - 0.5).collect());
            let expected = |q: &[f64], i: usize| -> f64 {
                let on = |x: &[f32]| x.iter().zip(q).map(|(&x, q)| f64::from(x) * q).sum::<f64>();
                rows.iter().map(|x| f64::from(x[i]) * on(x)).sum()
            };
            for vectors in [&vectors[..], &vectors[..1]] {
                let vectors: Vec<&[f64]> = vectors.iter().map(Vec::as_slice).collect();
                let got = products(&rows, &vectors);
                assert_eq!(got.len(), vectors.len());
                for (got, q) in got.iter().zip(&vectors) {
                    for (i, got) in got.iter().enumerate() {
                        assert!((got - expected(q, i)).abs() < 1e-10, "{n} × {width}");
                    }
                }
                if width.is_multiple_of(LANES) {
                    let rough = rough_products(&rows, &vectors);
                    for (rough, got) in rough.concat().iter().zip(got.concat()) {
                        assert!((rough - got).abs() < 1e-3, "{n} × {width}");
                    }
                }
            }
        }
    }
}
