//! Products of many rows with thin weights in 16-bit integers, at twice the rate of f32, and how far
//! they may be off: enough to rule out what comes nowhere near.
//!
//! A row e counts as whole multiples n of a step, a column w likewise as m: their product is off by at
//! most `‖e − ê‖·‖w‖ + ‖ê‖·‖w − ŵ‖` (Cauchy–Schwarz), where ê and ŵ are those multiples.

use std::array;

use rayon::prelude::*;

use super::kernel::norm;
use super::{ProjectionError, Rows};
use crate::checkpoint::Matrix;
use crate::task::{CancelToken, Cancelled};

/// Rows multiplied at a time with columns of a panel: their sums fill 12 of 16 registers.
const STRIP: usize = 6;
/// Columns in a panel.
const PANEL: usize = 16;
/// Norm of a row of integers: no sum of products of two such rows leaves 32 bits.
const LENGTH: f32 = 43_000.0;
/// Largest integer.
const MOST: f32 = 32_767.0;
/// A smaller step is none: its inverse may be no number, nor the product of two.
const LEAST_SIZE: f32 = 1.0 / (1u64 << 50) as f32;
/// Half of f32's epsilon.
const UNIT: f32 = f32::EPSILON / 2.0;

/// Two integers that one instruction multiplies and adds up.
type Two = [i16; 2];

/// What is known of a row of integers.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// What the integers are multiplied with.
    size: f32,
    /// Norms of the row itself and of what rounding to whole multiples loses.
    norm: f32,
    lost: f32,
}

/// Rows in 16-bit integers, `[n, width]`.
pub struct NearRows {
    /// As many rows each, but for the last.
    parts: Vec<Part>,
    /// In each row.
    twos: usize,
    kernel: Kernel,
}

/// Some of the rows, one after another.
struct Part {
    integers: Vec<Two>,
    steps: Vec<Step>,
}

/// A product with thin weights, `[n, h]`.
pub struct NearProduct {
    pub product: Matrix,
    /// The norm of each of its rows.
    pub norms: Vec<f32>,
    /// How far each of its rows lies, as a vector, from that of the product in f32, at most.
    pub off: Vec<f32>,
}

impl NearProduct {
    /// How far the product of one of its rows with one of another's, both computed in f32, lies from
    /// that of the same rows of the products in f32, at most.
    pub fn off_by(&self, row: u32, other: &Self, column: u32) -> f32 {
        let (i, j) = (row as usize, column as usize);
        let (norm_a, norm_b) = (self.norms[i] + self.off[i], other.norms[j] + other.off[j]);
        let rounding = (self.product.cols() as f32 + 4.0) * 2.0 * UNIT;
        let off = self.off[i] * norm_b + norm_a * other.off[j] + 2.0 * rounding * norm_a * norm_b;
        // What this sum itself loses.
        off * (1.0 + 16.0 * f32::EPSILON) + f32::MIN_POSITIVE
    }
}

impl NearRows {
    /// Bytes that rows of a width take.
    pub fn bytes(rows: usize, width: usize) -> u64 {
        (rows * (width.div_ceil(2) * size_of::<Two>() + size_of::<Step>())) as u64
    }

    /// Rows as they are stored; `None` where the processor has no fast product of such integers, or
    /// rows count otherwise than they are stored.
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    pub fn of(rows: &Rows, cancel: CancelToken<'_>) -> Result<Option<Self>, ProjectionError> {
        let (Some(kernel), true) = (Kernel::detected(), rows.count_as_stored()) else {
            return Ok(None);
        };
        let width = rows.width().max(1);
        let twos = width.div_ceil(2);
        let parts = rows.chunked(cancel, |range, some| {
            let mut integers = Vec::with_capacity(range.len() * twos);
            let rows = some.chunks_exact(width);
            let steps = rows.map(|row| quantised(row, &mut integers)).collect();
            Part { integers, steps }
        })?;
        Ok(Some(Self {
            parts,
            twos,
            kernel,
        }))
    }

    /// The product with thin weights `w`, `[width, h]`, in the memory of another that is not wanted
    /// any more, if it has its shape.
    ///
    /// # Errors
    /// The token is cancelled.
    pub fn times(
        &self,
        w: &Matrix,
        memory: Option<NearProduct>,
        cancel: CancelToken<'_>,
    ) -> Result<NearProduct, Cancelled> {
        let rows = self.parts.iter().map(|part| part.steps.len()).sum();
        let at_once = self.parts.first().map_or(1, |part| part.steps.len().max(1));
        let h = w.cols();
        let (panels, columns) = self.panels(w);
        let length = |of: fn(&Step) -> f32| {
            let squares = columns.iter().map(|step| f64::from(of(step)).powi(2));
            squares.sum::<f64>().sqrt() as f32
        };
        let (norm_w, lost_w) = (length(|step| step.norm), length(|step| step.lost));
        let shape = |of: &Matrix| [of.rows(), of.cols()];
        let memory = memory.filter(|memory| shape(&memory.product) == [rows, h]);
        let mut found = memory.unwrap_or_else(|| NearProduct {
            product: Matrix::zeros(rows, h),
            norms: vec![0.0; rows],
            off: vec![0.0; rows],
        });
        let NearProduct {
            product,
            norms,
            off,
        } = &mut found;
        let tasks = product.data_mut().par_chunks_mut((at_once * h).max(1));
        let tasks = tasks.zip(norms.par_chunks_mut(at_once));
        let tasks = tasks.zip(off.par_chunks_mut(at_once)).zip(&self.parts);
        tasks.try_for_each(|(((out, norms), off), part)| {
            cancel.check()?;
            self.multiply(part, (&panels, &columns), out);
            let rows = part.steps.iter().zip(out.chunks_exact(h.max(1)));
            for ((step, row), (own, off)) in rows.zip(norms.iter_mut().zip(off)) {
                *own = norm(row);
                // The product in f32 rounds too, in whatever order it sums; as does this one.
                let rounding = (2.0 * self.twos as f32 + 16.0) * UNIT * step.norm * norm_w;
                let integers = step.lost * norm_w + (step.norm + step.lost) * lost_w;
                *off = (integers + rounding) * 1.001;
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// The columns of weights in panels, for each two coordinates those of all its columns.
    fn panels(&self, w: &Matrix) -> (Vec<[Two; PANEL]>, Vec<Step>) {
        let columns = w.transposed();
        let panels = w.cols().div_ceil(PANEL);
        let mut integers = vec![[[0; 2]; PANEL]; panels * self.twos];
        let (mut steps, mut twos) = (Vec::with_capacity(w.cols()), Vec::new());
        for column in 0..w.cols() {
            twos.clear();
            steps.push(quantised(columns.row(column), &mut twos));
            let panel = &mut integers[column / PANEL * self.twos..];
            let places = panel.iter_mut().zip(&twos);
            places.for_each(|(panel, two)| panel[column % PANEL] = *two);
        }
        (integers, steps)
    }

    /// Some rows times panels of columns, into `out`.
    fn multiply(
        &self,
        Part { integers, steps }: &Part,
        (panels, columns): (&[[Two; PANEL]], &[Step]),
        out: &mut [f32],
    ) {
        let (rows, h) = (steps.len(), columns.len());
        for start in (0..rows).step_by(STRIP) {
            // Rows beyond the last are the last again.
            let strip: [&[Two]; STRIP] = array::from_fn(|i| {
                let row = (start + i).min(rows - 1);
                &integers[row * self.twos..][..self.twos]
            });
            let panels = panels.chunks_exact(self.twos.max(1));
            for (panel, (integers, columns)) in panels.zip(columns.chunks(PANEL)).enumerate() {
                let sums = self.kernel.tile(strip, integers);
                for (row, sums) in (start..rows).zip(sums) {
                    let size = steps[row].size;
                    let out = &mut out[row * h + panel * PANEL..][..columns.len()];
                    let each = out.iter_mut().zip(sums).zip(columns);
                    each.for_each(|((out, sum), column)| *out = sum as f32 * (size * column.size));
                }
            }
        }
    }
}

/// Appends a row as integers, a zero behind an odd number of them.
fn quantised(row: &[f32], integers: &mut Vec<Two>) -> Step {
    const LANES: usize = 8;
    /// Between this and its double f32 has the whole numbers only: added, it rounds to one, which
    /// is what the sum's last bits say.
    const WHOLE: f32 = (1 << 23) as f32 * 1.5;
    let length = norm(row);
    let largest = row.iter().fold(0f32, |most, x| most.max(x.abs()));
    let size = (length / LENGTH).max(largest / MOST);
    if size < LEAST_SIZE {
        integers.resize(integers.len() + row.len().div_ceil(2), [0; 2]);
        return Step {
            size: 0.0,
            norm: length,
            lost: length,
        };
    }
    let inverse = 1.0 / size;
    let mut squares = [0f32; LANES];
    let mut integer = |x: f32, lane: usize| {
        let x = x * inverse;
        let shifted = x + WHOLE;
        let lost = x - (shifted - WHOLE);
        squares[lane] += lost * lost;
        shifted.to_bits() as i16
    };
    let (eights, rest) = row.as_chunks::<LANES>();
    for eight in eights {
        let eight: [i16; LANES] = array::from_fn(|lane| integer(eight[lane], lane));
        integers.extend_from_slice(eight.as_chunks().0);
    }
    for two in rest.chunks(2) {
        let second = two.get(1).map_or(0, |x| integer(*x, 1));
        integers.push([integer(two[0], 0), second]);
    }
    // 0.02 for what multiplying with the inverse is off by, over the whole row.
    let lost = squares.iter().sum::<f32>().sqrt() * 1.001 + 0.02;
    Step {
        size,
        norm: length,
        lost: size * lost,
    }
}

/// How integers are multiplied.
#[derive(Clone, Copy, Debug)]
enum Kernel {
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
}

impl Kernel {
    /// The fastest of this machine; `None` if products of f32 are as fast.
    fn detected() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        return pulp::x86::V3::try_new().map(Self::Avx2);
        #[cfg(not(target_arch = "x86_64"))]
        None
    }

    /// The products of rows with the columns of a panel, as many numbers in each.
    fn tile(self, strip: [&[Two]; STRIP], panel: &[[Two; PANEL]]) -> [[i32; PANEL]; STRIP] {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => simd.vectorize(avx2::Tile { simd, strip, panel }),
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::__m256i;

    use pulp::NullaryFnOnce;
    use pulp::x86::V3;

    use super::{PANEL, STRIP, Two};

    /// Twos in a register.
    const LANES: usize = 8;

    pub(super) struct Tile<'a> {
        pub(super) simd: V3,
        pub(super) strip: [&'a [Two]; STRIP],
        pub(super) panel: &'a [[Two; PANEL]],
    }

    impl NullaryFnOnce for Tile<'_> {
        type Output = [[i32; PANEL]; STRIP];

        #[inline(always)]
        fn call(self) -> Self::Output {
            let Self { simd, strip, panel } = self;
            let none = simd.avx._mm256_setzero_si256();
            let mut sums = [[none; PANEL / LANES]; STRIP];
            // In step, without a check of bounds in the loop.
            let [a, b, c, d, e, f] = strip;
            let rows = a.iter().zip(b).zip(c).zip(d).zip(e).zip(f);
            for (panel, (((((a, b), c), d), e), f)) in panel.iter().zip(rows) {
                let columns: [__m256i; PANEL / LANES] = pulp::cast(*panel);
                for (sums, two) in sums.iter_mut().zip([a, b, c, d, e, f]) {
                    let two = simd.avx._mm256_set1_epi32(pulp::cast(*two));
                    for (sum, &columns) in sums.iter_mut().zip(&columns) {
                        let product = simd.avx2._mm256_madd_epi16(two, columns);
                        *sum = simd.avx2._mm256_add_epi32(*sum, product);
                    }
                }
            }
            pulp::cast(sums)
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// Against products in f64, of widths and numbers of columns that fill no register, with rows of
    /// zeros, of one number, and of sizes far apart.
    #[test]
    fn products_are_no_further_off_than_they_say() {
        let mut rng = fastrand::Rng::with_seed(4);
        for (n, width, h) in [(1, 1, 1), (7, 5, 3), (13, 64, 16), (400, 33, 17)] {
            let mut draw = |rows: usize, cols: usize| {
                let mut numbers = Vec::with_capacity(rows * cols);
                for row in 0..rows {
                    let size = 10f32.powi(row as i32 % 9 - 4);
                    let number = |rng: &mut fastrand::Rng| size * (rng.f32() - 0.5);
                    numbers.extend((0..cols).map(|at| match row % 5 {
                        3 => 0.0,
                        4 if at > 0 => 0.0,
                        _ => number(&mut rng),
                    }));
                }
                Matrix::new(rows, cols, numbers)
            };
            let (rows, w) = (draw(n, width), draw(width, h));
            let exact = |row: usize, column: usize| -> f64 {
                let terms = rows.row(row).iter().enumerate();
                terms
                    .map(|(at, x)| f64::from(*x) * f64::from(w.row(at)[column]))
                    .sum()
            };
            let on_host = Rows::new(rows.clone(), &Device::Cpu).unwrap();
            let Some(near) = NearRows::of(&on_host, CancelToken::never()).unwrap() else {
                return;
            };
            let found = near.times(&w, None, CancelToken::never()).unwrap();
            let in_f32 = on_host.times(&w, CancelToken::never()).unwrap();
            for row in 0..n {
                let squares = (0..h).map(|column| {
                    let number = f64::from(found.product.row(row)[column]);
                    let of_f32 = f64::from(in_f32.row(row)[column]);
                    [exact(row, column), of_f32].map(|other| (number - other).powi(2))
                });
                let squares = squares.fold([0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
                let off = f64::from(found.off[row]);
                assert!(
                    squares.iter().all(|x| x.sqrt() <= off),
                    "{row}: {squares:?} {off}"
                );
                let length = norm(rows.row(row)) * norm(w.data());
                assert!(off <= 2e-2 * f64::from(length), "{row}: {off} {length}");
            }
        }
    }
}
