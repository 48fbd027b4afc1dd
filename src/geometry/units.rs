//! Sums over vectors, and over the same at length 1, of a few rows at a time.

use pulp::{Arch, Simd, WithSimd};

use super::pairs::inverse;
use super::products::{ROWS, padded, widen};

/// Sums over vectors x, and over u, the same at length 1.
#[derive(Default)]
pub(super) struct Units {
    pub sum: Vec<f64>,
    /// Σ |x|².
    pub lengths: f64,
    pub units: Vec<f64>,
    /// Σ u² by dimension.
    pub squares: Vec<f64>,
    /// How many have a direction: a vector of zeros has none, and is like no other.
    pub directed: usize,
}

impl Units {
    /// Of vectors of `width` numbers.
    pub(super) fn of(rows: &[&[f32]], width: usize) -> Self {
        Arch::new().dispatch(Sums { rows, width })
    }
}

struct Sums<'a> {
    rows: &'a [&'a [f32]],
    width: usize,
}

impl WithSimd for Sums<'_> {
    type Output = Units;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Units {
        let padded = padded(self.width);
        let mut wide = vec![0.0; ROWS * padded];
        // A register's worth of each of the three sums after the other.
        let mut sums = vec![0.0; 3 * padded];
        let mut found = Units::default();
        for rows in self.rows.chunks(ROWS) {
            widen(rows, &mut wide, padded);
            let len = S::as_simd_f64s(&wide[..padded]).0.len();
            let x: [_; ROWS] =
                std::array::from_fn(|r| &S::as_simd_f64s(&wide[r * padded..]).0[..len]);
            let mut squares = [simd.splat_f64s(0.0); ROWS];
            for i in 0..len {
                for (square, x) in squares.iter_mut().zip(x) {
                    *square = simd.mul_add_f64s(x[i], x[i], *square);
                }
            }
            let scales = squares.map(|square| {
                let square = simd.reduce_sum_f64s(square);
                found.lengths += square;
                found.directed += usize::from(square > 0.0);
                simd.splat_f64s(inverse(square.sqrt()))
            });
            let sums = S::as_mut_simd_f64s(&mut sums).0.as_chunks_mut::<3>().0;
            for (i, sums) in sums.iter_mut().take(len).enumerate() {
                let [mut sum, mut units, mut squares] = *sums;
                for (x, scale) in x.into_iter().zip(scales) {
                    let unit = simd.mul_f64s(x[i], scale);
                    sum = simd.add_f64s(sum, x[i]);
                    units = simd.add_f64s(units, unit);
                    squares = simd.mul_add_f64s(unit, unit, squares);
                }
                *sums = [sum, units, squares];
            }
        }
        let lanes = size_of::<S::f64s>() / size_of::<f64>();
        let all = [&mut found.sum, &mut found.units, &mut found.squares];
        for (at, all) in all.into_iter().enumerate() {
            all.reserve(padded);
            let parts = sums.chunks_exact(lanes).skip(at).step_by(3);
            parts.for_each(|part| all.extend_from_slice(part));
            all.truncate(self.width);
        }
        found
    }
}
