//! The inner products of a few vectors with many rows, at the speed at which memory gives the rows.

mod in_parts;

use std::ops::Range;
use std::slice;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};

use crate::checkpoint::{StoredMatrix, StoredRows};

pub use in_parts::{lost_in_parts, multiply_in_parts};

/// Vectors that share one pass over a row.
const VECTORS: usize = 2;
/// Sums that each product is split into, so that no multiplication waits for the one before. One
/// row at a time and two vectors of four sums read memory in one stream and fit the registers.
const SUMS: usize = 4;
/// Numbers that are widened at a time: the first-level cache still holds them when they are
/// multiplied.
const WIDENED: usize = 1 << 12;

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
    dispatch::<f32>(rows, vectors, width, out);
}

/// [`products`] with some of a matrix's rows, bit for bit those of the same numbers in f32.
pub fn products_of(
    (rows, some): (&StoredMatrix, Range<usize>),
    vectors: &[f32],
    buffer: &mut Vec<f32>,
    out: &mut [f32],
) {
    let width = rows.cols();
    // In registers a row is widened again for every few vectors.
    let once = vectors.len() <= VECTORS * width;
    match rows.stored(some.clone()) {
        Some(StoredRows::F32(rows)) => products(rows, vectors, width, out),
        Some(StoredRows::F16(rows)) if once => dispatch::<F16>(rows, vectors, width, out),
        Some(StoredRows::Bf16(rows)) if once => dispatch::<Bf16>(rows, vectors, width, out),
        Some(StoredRows::F16(_) | StoredRows::Bf16(_)) | None => {
            let m = vectors.len() / width.max(1);
            let at_once = (WIDENED / width.max(1)).max(1);
            for (few, out) in chunks(some.len(), at_once).zip(out.chunks_mut((at_once * m).max(1)))
            {
                let few = some.start + few.start..some.start + few.end;
                products(rows.widened(few, buffer), vectors, width, out);
            }
        }
    }
}

fn dispatch<T: Number>(rows: &[T::Stored], vectors: &[f32], width: usize, out: &mut [f32]) {
    if width == 0 {
        return out.fill(0.0);
    }
    debug_assert_eq!(out.len(), (rows.len() / width) * (vectors.len() / width));
    Arch::new().dispatch(Products::<T> {
        rows,
        vectors,
        width,
        out,
    });
}

/// A type of numbers.
trait Number {
    /// One of them in memory.
    type Stored: Copy;

    /// As f32, exactly.
    fn widen(number: Self::Stored) -> f32;

    /// As many numbers as a register holds, as f32.
    #[inline(always)]
    fn load<S: Simd>(simd: S, numbers: &[Self::Stored]) -> S::f32s {
        let mut register = simd.splat_f32s(0.0);
        let lanes: &mut [f32] = bytemuck::cast_slice_mut(slice::from_mut(&mut register));
        // The compiler makes a few instructions of it.
        for (lane, number) in lanes.iter_mut().zip(numbers) {
            *lane = Self::widen(*number);
        }
        register
    }
}

impl Number for f32 {
    type Stored = Self;

    #[inline(always)]
    fn widen(number: Self) -> f32 {
        number
    }

    #[inline(always)]
    fn load<S: Simd>(simd: S, numbers: &[Self]) -> S::f32s {
        let (registers, _) = S::as_simd_f32s(numbers);
        registers.first().copied().unwrap_or(simd.splat_f32s(0.0))
    }
}

/// Finite numbers of half precision (IEEE 754 binary16), little-endian.
struct F16;

impl Number for F16 {
    type Stored = [u8; 2];

    #[inline(always)]
    fn widen(number: [u8; 2]) -> f32 {
        /// An f32's exponent counts from 127, that of half precision from 15.
        const BIAS: f32 = (1u128 << 112) as f32;
        // Sign, exponent and fraction in an f32's places; what the sign fills besides is cleared.
        let bits = i32::from(i16::from_le_bytes(number)) << 13;
        f32::from_bits(bits as u32 & 0x8FFF_E000) * BIAS
    }
}

/// The upper halves of f32, little-endian.
struct Bf16;

impl Number for Bf16 {
    type Stored = [u8; 2];

    #[inline(always)]
    fn widen(number: [u8; 2]) -> f32 {
        f32::from_bits(u32::from(u16::from_le_bytes(number)) << 16)
    }
}

struct Products<'a, T: Number> {
    rows: &'a [T::Stored],
    vectors: &'a [f32],
    width: usize,
    out: &'a mut [f32],
}

impl<T: Number> WithSimd for Products<'_, T> {
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
                    (only, []) => out.copy_from_slice(&tile::<S, T, 1>(simd, row, [only])),
                    (one, other) => {
                        out.copy_from_slice(&tile::<S, T, 2>(simd, row, [one, other]));
                    }
                }
            }
        }
    }
}

/// The products of one row with a few vectors, accumulated lane by lane in registers.
#[inline(always)]
fn tile<S: Simd, T: Number, const V: usize>(
    simd: S,
    row: &[T::Stored],
    vectors: [&[f32]; V],
) -> [f32; V] {
    let lanes = S::F32_LANES;
    let (row, row_rest) = row.split_at(row.len() / (SUMS * lanes) * (SUMS * lanes));
    let (row_rest, row_tail) = row_rest.split_at(row_rest.len() / lanes * lanes);
    let vectors = vectors.map(|vector| {
        let (registers, tail) = S::as_simd_f32s(vector);
        let (registers, rest) = registers.as_chunks::<SUMS>();
        // Equal lengths that the compiler can see spare the checks of bounds in the loop.
        (&registers[..row.len() / (SUMS * lanes)], rest, tail)
    });
    let mut sums = [[simd.splat_f32s(0.0); SUMS]; V];
    for (k, row) in row.chunks_exact(SUMS * lanes).enumerate() {
        for i in 0..SUMS {
            let row = T::load(simd, &row[i * lanes..][..lanes]);
            for (sums, (vector, ..)) in sums.iter_mut().zip(vectors) {
                sums[i] = simd.mul_add_f32s(row, vector[k][i], sums[i]);
            }
        }
    }
    let mut out = [0.0; V];
    for ((out, sums), (_, rest, tail)) in out.iter_mut().zip(&mut sums).zip(vectors) {
        let row_rest = row_rest.chunks_exact(lanes);
        for ((sum, r), &v) in sums.iter_mut().zip(row_rest).zip(rest) {
            *sum = simd.mul_add_f32s(T::load(simd, r), v, *sum);
        }
        let [a, b, c, d] = *sums;
        let sum = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
        let tail = row_tail.iter().zip(tail);
        *out = tail.fold(simd.reduce_sum_f32s(sum), |sum, (a, b)| {
            sum + T::widen(*a) * b
        });
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

    /// All finite numbers of 16 bits, as [`half`] widens them.
    fn finite(widen: impl Fn([u8; 2]) -> f32) -> Vec<([u8; 2], f32)> {
        let all = (0..=u16::MAX).map(|bits| bits.to_le_bytes());
        let all = all.map(|bytes| (bytes, widen(bytes)));
        all.filter(|(_, number)| number.is_finite()).collect()
    }

    /// The same bits from numbers as they are stored and as f32, at every width and in registers of
    /// every size.
    fn check<T: Number<Stored = [u8; 2]>>(numbers: &[([u8; 2], f32)]) {
        for &(bytes, wide) in numbers {
            assert_eq!(T::widen(bytes).to_bits(), wide.to_bits(), "{bytes:?}");
        }
        let mut rng = fastrand::Rng::with_seed(9);
        for width in (1..70).chain([129, 640]) {
            for m in 1..=3 {
                let drawn: Vec<_> = (0..3 * width)
                    .map(|_| rng.choice(numbers).unwrap())
                    .collect();
                let stored: Vec<[u8; 2]> = drawn.iter().map(|(bytes, _)| *bytes).collect();
                let wide: Vec<f32> = drawn.iter().map(|(_, number)| *number).collect();
                let vectors: Vec<f32> = (0..m * width).map(|_| 1e-6 * (rng.f32() - 0.5)).collect();
                let bits = |out: [f32; 9]| out.map(f32::to_bits);
                let (mut got, mut want) = ([0.0; 9], [0.0; 9]);
                dispatch::<T>(&stored, &vectors, width, &mut got[..3 * m]);
                dispatch::<f32>(&wide, &vectors, width, &mut want[..3 * m]);
                assert_eq!(bits(got), bits(want), "{width} {m}");
                let plain = pulp::Scalar::new();
                let (rows, out) = (&stored[..], &mut got[..3 * m]);
                let vectors = &vectors[..];
                plain.vectorize(Products::<T> {
                    rows,
                    vectors,
                    width,
                    out,
                });
                let (rows, out) = (&wide[..], &mut want[..3 * m]);
                plain.vectorize(Products::<f32> {
                    rows,
                    vectors,
                    width,
                    out,
                });
                assert_eq!(bits(got), bits(want), "{width} {m}, plain");
            }
        }
    }

    #[test]
    fn numbers_of_16_bits_are_those_of_f32() {
        check::<F16>(&finite(|bytes| half::f16::from_le_bytes(bytes).to_f32()));
        check::<Bf16>(&finite(|bytes| half::bf16::from_le_bytes(bytes).to_f32()));
    }
}
