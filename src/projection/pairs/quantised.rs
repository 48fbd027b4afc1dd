//! Rows in 8-bit integers, and by how much their products may fall short.
//!
//! Of a balanced row a its leading coordinates are taken as whole multiples n of a step s, and the
//! norms of four parts of the rest as such multiples rounded up, so that the integers' product
//! bounds the leading coordinates' product and, by Cauchy–Schwarz, that of each part:
//! `a·b ≤ s_a·s_b·(n_a·n_b + ‖a/s_a − n_a‖·‖b/s_b‖ + ‖n_a‖·‖b/s_b − n_b‖)`, norms over the leading
//! coordinates.

use std::array;
use std::ops::Range;

use rayon::prelude::*;

use crate::task::{CancelToken, Cancelled};

use super::integers::{
    Columns, Coordinate, GROUP, Integers, Kernel, MOST_COORDINATES, PANEL, PanelGroup, Row,
    StripGroup, offset,
};
use super::one_row::{MOST_WIDTHS, OneRow, Width};
use super::side::Side;

/// Rows of at most as many numbers are kept whole.
const KEPT_WHOLE: usize = 160;
/// Rows a task takes: few, so that all threads have some of those that are looked at together.
const TASK_ROWS: usize = 256;
/// Bytes of a row are a multiple of half a register of AVX-512.
const ROW_BYTES: usize = 32;

/// Leading coordinates of rows of `h` numbers that are kept in integers, all or five eighths: bounds by
/// these let so few pairs through that the others are not worth their memory.
pub(super) fn widest(h: usize) -> usize {
    match h {
        0..=KEPT_WHOLE => h,
        _ => row_bytes((h * 5 / 8).min(MOST_COORDINATES)) - GROUP,
    }
}

/// Bytes of so many coordinates.
fn row_bytes(coordinates: usize) -> usize {
    coordinates.next_multiple_of(ROW_BYTES)
}

/// For each width a number.
type OfWidths<T> = [T; MOST_WIDTHS];

/// Some rows of a factor in integers: of each the leading coordinates of the largest width, then
/// the parts of its rest, if there is one, then zeros.
pub(super) struct Quantised<T> {
    quads: Vec<[T; GROUP]>,
    per_row: usize,
    widths: Vec<usize>,
    inverse_steps: Vec<f32>,
    /// Norms of the leading coordinates in steps: as they are, or as integers if these are longer.
    lengths: Vec<OfWidths<f32>>,
    /// The parts of the rest.
    rests: Vec<OfWidths<[T; GROUP]>>,
    /// The largest `‖a/s − n‖`.
    errors: OfWidths<f32>,
}

/// Some rows of A: no more of them than are looked at together, so that they take next to no memory.
pub(super) struct QuantisedA {
    first: usize,
    of: Quantised<i8>,
    /// Sums of the integers.
    sums: Vec<OfWidths<f32>>,
}

/// The first rows of B, all that are looked at.
pub(super) type QuantisedB = Quantised<u8>;

impl QuantisedA {
    /// These `rows` of `side`.
    pub(super) fn of_a(
        side: &Side<'_>,
        rows: Range<usize>,
        widths: &[Width],
        cancel: CancelToken<'_>,
    ) -> Result<Self, Cancelled> {
        let first = rows.start;
        let mut sums = vec![[0.0; MOST_WIDTHS]; rows.len()];
        let stored = |integer| integer;
        let of = Quantised::new((side, first), widths, stored, &mut sums, cancel)?;
        Ok(Self { first, of, sums })
    }

    /// What a row is compared by, `least` being what a pair's bound must reach.
    pub(super) fn row(&self, row: usize, width: usize, other: &QuantisedB, least: f32) -> Row {
        let row = row - self.first;
        // The product of three numbers, each rounded, is not rounded above what it stands for.
        let least = least - least.abs() * (8.0 * f32::EPSILON);
        let error = above(self.of.lengths[row][width] * other.errors[width]) as f32;
        Row::new(
            least * self.of.inverse_steps[row],
            self.sums[row][width],
            error,
        )
    }

    /// All integers of the rows from the `first` on.
    pub(super) fn integers(&self, first: usize) -> Integers<'_, i8> {
        self.of.integers(first - self.first)
    }

    /// Packs some rows, from the start of a strip.
    pub(super) fn pack(
        &self,
        kernel: Kernel,
        rows: Range<usize>,
        width: usize,
        out: &mut Vec<StripGroup>,
    ) {
        let rows = rows.start - self.first..rows.end - self.first;
        self.of.pack(kernel, rows, width, out);
    }
}

impl QuantisedB {
    /// The first `rows` of `side`.
    pub(super) fn of_b(
        side: &Side<'_>,
        rows: usize,
        widths: &[Width],
        cancel: CancelToken<'_>,
    ) -> Result<Self, Cancelled> {
        let mut sums = vec![[]; rows];
        Self::new((side, 0), widths, offset, &mut sums, cancel)
    }

    /// What a panel's columns are compared by.
    pub(super) fn columns(
        &self,
        columns: Range<usize>,
        width: usize,
        other: &QuantisedA,
    ) -> Columns {
        let mut of = Columns {
            errors: [0; PANEL],
            inverse_steps: [1.0; PANEL],
        };
        let error = other.of.errors[width];
        let steps = of.inverse_steps.iter_mut();
        let each = steps.zip(&mut of.errors).zip(columns);
        for ((step, own), column) in each {
            *step = self.inverse_steps[column];
            *own = above(self.lengths[column][width] * error);
        }
        of
    }

    /// Packs some rows, from the start of a panel.
    pub(super) fn packed(
        &self,
        kernel: Kernel,
        rows: Range<usize>,
        width: usize,
        out: &mut Vec<PanelGroup>,
    ) {
        self.pack(kernel, rows, width, out);
    }
}

/// A whole number above this one; quicker than the next.
fn above(number: f32) -> i32 {
    number as i32 + 1
}

impl<T: Coordinate> Quantised<T> {
    /// From the `first` row on as many as there are sums, of the first widths or of none.
    fn new<const N: usize>(
        (side, first): (&Side<'_>, usize),
        widths: &[Width],
        stored: impl Fn(i8) -> T + Sync,
        sums: &mut [[f32; N]],
        cancel: CancelToken<'_>,
    ) -> Result<Self, Cancelled> {
        let (h, rows) = (side.width(), sums.len());
        let widest = widths.first().map_or(0, |widest| widest.coordinates);
        let rest = if widest < h { GROUP } else { 0 };
        let per_row = row_bytes(widest.next_multiple_of(GROUP) + rest).max(ROW_BYTES) / GROUP;
        let mut of = Self {
            quads: vec![[T::default(); GROUP]; rows * per_row],
            per_row,
            widths: widths.iter().map(|width| width.coordinates).collect(),
            inverse_steps: vec![1.0; rows],
            lengths: vec![[0.0; MOST_WIDTHS]; rows],
            rests: vec![[[T::default(); GROUP]; MOST_WIDTHS]; rows],
            errors: [0.0; MOST_WIDTHS],
        };
        let tasks = of.quads.par_chunks_mut(TASK_ROWS * per_row);
        let numbers = of.inverse_steps.par_chunks_mut(TASK_ROWS);
        let numbers = numbers.zip(of.lengths.par_chunks_mut(TASK_ROWS));
        let numbers = numbers.zip(of.rests.par_chunks_mut(TASK_ROWS));
        let tasks = tasks.zip(numbers.zip(sums.par_chunks_mut(TASK_ROWS)));
        of.errors = tasks
            .enumerate()
            .map(|(i, (quads, (((steps, lengths), rests), sums)))| {
                cancel.check()?;
                let start = first + i * TASK_ROWS;
                let balanced = side.balanced(start..start + steps.len());
                let mut one_row = OneRow::default();
                let mut errors = [0f32; MOST_WIDTHS];
                let each = balanced
                    .chunks_exact(h)
                    .zip(quads.chunks_exact_mut(per_row));
                for (at, (row, quads)) in each.enumerate() {
                    one_row.read(row, widths);
                    steps[at] = one_row.inverse_step;
                    let (integers, _) = one_row.integers.as_chunks::<GROUP>();
                    let leading = widest.div_ceil(GROUP);
                    // What follows has the rest of the largest width first.
                    let kept = leading + rest / GROUP;
                    for (to, quad) in quads.iter_mut().zip(&integers[..kept]) {
                        *to = quad.map(&stored);
                    }
                    for (width, quad) in integers[leading..].iter().enumerate() {
                        let measures = one_row.measures[width];
                        rests[at][width] = quad.map(&stored);
                        lengths[at][width] = measures.length;
                        errors[width] = errors[width].max(measures.error);
                    }
                    let measured = sums[at].iter_mut().zip(one_row.measures);
                    measured.for_each(|(sum, measures)| *sum = measures.sum);
                }
                Ok(errors)
            })
            .try_reduce(
                || [0.0; MOST_WIDTHS],
                |a, b| Ok(array::from_fn(|width| a[width].max(b[width]))),
            )?;
        Ok(of)
    }

    /// All integers of the rows from the `first` on.
    pub(super) fn integers(&self, first: usize) -> Integers<'_, T> {
        Integers {
            quads: &self.quads[first * self.per_row..],
            per_row: self.per_row,
        }
    }

    /// Packs the leading coordinates of some rows, N side by side.
    fn pack<const N: usize>(
        &self,
        kernel: Kernel,
        rows: Range<usize>,
        width: usize,
        out: &mut Vec<[u32; N]>,
    ) {
        let leading = self.widths[width].div_ceil(GROUP);
        let groups = (leading + 1) * kernel.groups_per_quad();
        out.clear();
        out.resize(rows.len().div_ceil(N) * groups, [0; N]);
        for (at, row) in rows.enumerate() {
            let quads = self.integers(row).row(0)[..leading].iter();
            let quads = quads.chain([&self.rests[row][width]]).copied();
            let out = &mut out[at / N * groups..][..groups];
            kernel.pack(quads, at % N, out);
        }
    }
}
