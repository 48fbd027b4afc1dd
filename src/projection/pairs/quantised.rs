//! Rows in 8-bit integers, and by how much their products may fall short.
//!
//! Of a balanced row a its leading coordinates are taken as whole multiples n of a step s, so that, with
//! norms over these coordinates and a° for what is left of a,
//! `a·b ≤ s_a·s_b·(n_a·n_b + ‖a/s_a − n_a‖·‖b/s_b‖ + ‖n_a‖·‖b/s_b − n_b‖) + ‖a°‖·‖b°‖`.

use std::ops::Range;

use rayon::prelude::*;

use crate::task::{CancelToken, Cancelled};

use super::integers::{Columns, Coordinate, GROUP, Integers, Kernel, MOST_COORDINATES, PANEL, Row};
use super::one_row::{PART, Part, read};

/// Numbers of leading coordinates that a search may have at most: those of the first look at a pair,
/// and the one of the second.
pub(super) const MOST_WIDTHS: usize = FIRST_WIDTHS + 1;
/// Of the first look.
pub(super) const FIRST_WIDTHS: usize = 4;
/// Bytes of a row are a multiple of half a register of AVX-512.
const ROW_BYTES: usize = 32;
/// Rows a task takes.
const TASK_ROWS: usize = 1024;
/// What sums of squares in f32 are off by: of the sum, and of one coordinate's multiple.
const RELATIVE: f32 = 1e-4;
const ABSOLUTE: f32 = 1e-3;

/// A number of leading coordinates, a multiple of [`PART`] or [all](kept), and which pairs are bounded
/// by as many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Width {
    pub(super) coordinates: usize,
    /// The least product that is wanted, as a share of the product of the two norms, is at least
    /// this.
    pub(super) from: f32,
}

/// Rows of at most as many numbers are kept whole.
const KEPT_WHOLE: usize = 160;

/// Coordinates of rows of `h` numbers that are kept in integers: of rows that are multiplied out already,
/// and so are soon scored, no more than five eighths, as bounds by these let few pairs through.
pub(super) fn kept(h: usize, multiplied_out: bool) -> usize {
    match multiplied_out && h > KEPT_WHOLE {
        true => (h * 5 / 8).next_multiple_of(PART),
        false => h,
    }
    .min(MOST_COORDINATES)
}

/// Rows in integers as they are read.
pub(super) struct Unsorted {
    h: usize,
    /// Coordinates in integers.
    kept: usize,
    /// Of each row its coordinates, then zeros.
    quads: Vec<[i8; GROUP]>,
    inverse_steps: Vec<f32>,
    parts: Vec<Part>,
}

/// Some of these.
pub(super) struct Reading<'q> {
    h: usize,
    kept: usize,
    quads: &'q mut [[i8; GROUP]],
    inverse_steps: &'q mut [f32],
    parts: &'q mut [Part],
}

/// Rows in integers, in an order of their own.
pub(super) struct Quantised<T> {
    quads: Vec<[T; GROUP]>,
    per_row: usize,
    pub(super) inverse_steps: Vec<f32>,
    /// Of the rows as they were read.
    parts: Vec<Part>,
    parts_per_row: usize,
    /// Where each was among these.
    order: Vec<u32>,
}

/// Of some rows, for each width a number.
type OfWidths<T> = [T; MOST_WIDTHS];

/// What the leading coordinates of rows are compared by.
#[derive(Default)]
pub(super) struct Measures {
    rows: Vec<OfWidths<Measured>>,
    /// The largest `‖a/s − n‖`.
    errors: OfWidths<f32>,
}

/// Of the leading coordinates of one row.
#[derive(Clone, Copy, Default)]
struct Measured {
    /// Norm in steps: neither that of the numbers nor that of the integers is longer.
    length: f32,
    /// Norm in steps of the coordinates that are left.
    rest: f32,
    /// Of the integers.
    sum: f32,
}

/// Groups that so many coordinates take.
fn groups(kept: usize) -> usize {
    kept.next_multiple_of(ROW_BYTES).max(ROW_BYTES) / GROUP
}

impl Unsorted {
    /// Room for as many rows of `h` numbers, in `memory` that other rows had.
    pub(super) fn new(rows: usize, (h, kept): (usize, usize), memory: Vec<[i8; GROUP]>) -> Self {
        let mut quads = memory;
        // What is left of other rows is written over, but for the zeros behind their last numbers.
        quads.resize(rows * groups(kept), [0; GROUP]);
        Self {
            h,
            kept,
            quads,
            inverse_steps: vec![1.0; rows],
            parts: vec![Part::default(); rows * h.div_ceil(PART)],
        }
    }

    /// Some rows at a time, to be read by several threads.
    pub(super) fn by_rows(
        &mut self,
        rows: usize,
    ) -> impl IndexedParallelIterator<Item = Reading<'_>> {
        let (h, kept) = (self.h, self.kept);
        let quads = self.quads.par_chunks_mut(rows * groups(kept));
        let steps = self.inverse_steps.par_chunks_mut(rows);
        let parts = rows * h.div_ceil(PART);
        let parts = self.parts.par_chunks_mut(parts.max(1));
        let all = quads.zip(steps).zip(parts);
        all.map(move |((quads, inverse_steps), parts)| Reading {
            h,
            kept,
            quads,
            inverse_steps,
            parts,
        })
    }

    /// The rows in this order, and the memory that they were read into.
    pub(super) fn sorted<T: Coordinate>(
        self,
        order: Vec<u32>,
        cancel: CancelToken<'_>,
    ) -> Result<(Quantised<T>, Vec<[i8; GROUP]>), Cancelled> {
        let per_row = groups(self.kept);
        let mut quads = vec![[T::default(); GROUP]; order.len() * per_row];
        let tasks = quads.par_chunks_mut(TASK_ROWS * per_row);
        let tasks = tasks.zip(order.par_chunks(TASK_ROWS));
        tasks.try_for_each(|(quads, order)| {
            cancel.check()?;
            for (to, &row) in quads.chunks_exact_mut(per_row).zip(order) {
                let from = self.quads[row as usize * per_row..].as_flattened();
                let each = to.as_flattened_mut().iter_mut().zip(from);
                each.for_each(|(to, &x)| *to = T::of(x));
            }
            Ok(())
        })?;
        let step = |&row: &u32| self.inverse_steps[row as usize];
        let sorted = Quantised {
            quads,
            per_row,
            inverse_steps: order.iter().map(step).collect(),
            parts: self.parts,
            parts_per_row: self.h.div_ceil(PART),
            order,
        };
        Ok((sorted, self.quads))
    }
}

impl<T: Coordinate> Quantised<T> {
    /// All integers of a row.
    pub(super) fn row(&self, row: usize) -> &[[T; GROUP]] {
        self.integers(row).row(0)
    }

    /// All integers of the rows from the `first` on.
    pub(super) fn integers(&self, first: usize) -> Integers<'_, T> {
        Integers {
            quads: &self.quads[first * self.per_row..],
            per_row: self.per_row,
        }
    }

    /// The norm of a row's first parts.
    pub(super) fn leading_norm(&self, row: usize, parts: usize) -> f32 {
        let squares = self.parts(row)[..parts].iter();
        squares.map(|part| part.squares).sum::<f32>().sqrt() / self.inverse_steps[row]
    }

    fn parts(&self, row: usize) -> &[Part] {
        let row = self.order[row] as usize;
        &self.parts[row * self.parts_per_row..(row + 1) * self.parts_per_row]
    }

    /// What the first `rows` are compared by.
    pub(super) fn measures(
        &self,
        rows: usize,
        widths: &[Width],
        cancel: CancelToken<'_>,
    ) -> Result<Measures, Cancelled> {
        let mut of_rows = vec![OfWidths::default(); rows];
        let tasks = of_rows.par_chunks_mut(TASK_ROWS).enumerate();
        let errors = tasks.map(|(i, of_rows)| {
            cancel.check()?;
            let mut errors = [0f32; MOST_WIDTHS];
            for (at, measured) in of_rows.iter_mut().enumerate() {
                self.measure(i * TASK_ROWS + at, widths, measured, &mut errors);
            }
            Ok(errors)
        });
        let larger = |mut a: OfWidths<f32>, b: OfWidths<f32>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a = a.max(b));
            Ok(a)
        };
        let errors = errors.try_reduce(OfWidths::default, larger)?;
        Ok(Measures {
            rows: of_rows,
            errors,
        })
    }

    /// What one row is compared by; what rounding takes away raises `errors`.
    fn measure(
        &self,
        row: usize,
        widths: &[Width],
        measured: &mut OfWidths<Measured>,
        errors: &mut OfWidths<f32>,
    ) {
        let (integers, parts) = (self.row(row).as_flattened(), self.parts(row));
        let (mut squares, mut lost, mut sum, mut from) = (0.0, 0.0, 0, 0usize);
        let each = widths.iter().zip(&mut *measured).zip(errors).rev();
        for ((width, measured), error) in each {
            for part in &parts[from.div_ceil(PART)..width.coordinates.div_ceil(PART)] {
                squares += part.squares;
                lost += part.lost;
            }
            let some = integers[from..width.coordinates].iter();
            sum += some.map(|x| i32::from(x.wide())).sum::<i32>();
            from = width.coordinates;
            let lost = above(lost);
            *error = error.max(lost);
            measured.length = above(squares) + lost;
            measured.sum = sum as f32;
        }
        let (mut squares, mut to) = (0.0, parts.len());
        for (width, measured) in widths.iter().zip(measured) {
            let leading = width.coordinates.div_ceil(PART);
            squares += parts[leading..to]
                .iter()
                .map(|part| part.squares)
                .sum::<f32>();
            to = leading;
            measured.rest = if leading < parts.len() {
                above(squares)
            } else {
                0.0
            };
        }
    }

    /// Packs the leading coordinates of some rows, N side by side.
    pub(super) fn pack<const N: usize>(
        &self,
        kernel: Kernel,
        rows: Range<usize>,
        coordinates: usize,
        out: &mut Vec<[u32; N]>,
    ) {
        let leading = coordinates.div_ceil(GROUP);
        let groups = leading * kernel.groups_per_quad();
        out.clear();
        out.resize(rows.len().div_ceil(N) * groups, [0; N]);
        for (at, row) in rows.enumerate() {
            let quads = self.row(row)[..leading].iter().copied();
            let out = &mut out[at / N * groups..][..groups];
            kernel.pack(quads, at % N, out);
        }
    }
}

impl Quantised<i8> {
    /// What a row is compared by, `least` being what a pair's bound must reach; `own` and `other`: of this
    /// side and of the other.
    pub(super) fn compared(
        &self,
        (row, width): (usize, usize),
        (own, other): (&Measures, &Measures),
        least: f32,
    ) -> Row {
        // The product of three numbers, each rounded, is not rounded above what it stands for.
        let least = least - least.abs() * (8.0 * f32::EPSILON);
        let Measured { length, rest, sum } = own.rows[row][width];
        let error = whole_above(length * other.errors[width]) as f32;
        Row::new(least * self.inverse_steps[row], sum, error, rest)
    }
}

impl Quantised<u8> {
    /// What a panel's columns are compared by.
    pub(super) fn compared(
        &self,
        (columns, width): (Range<usize>, usize),
        (own, other): (&Measures, &Measures),
    ) -> Columns {
        let mut of = Columns::default();
        let valid = columns.len().min(PANEL);
        of.inverse_steps[..valid].copy_from_slice(&self.inverse_steps[columns.clone()][..valid]);
        let numbers = of.errors.iter_mut().zip(&mut of.rests);
        for ((error, rest), measured) in numbers.zip(&own.rows[columns]) {
            let measured = measured[width];
            *error = whole_above(measured.length * other.errors[width]);
            *rest = measured.rest;
        }
        of
    }
}

impl Reading<'_> {
    /// Takes rows in.
    pub(super) fn take(self, rows: &[f32]) {
        let (h, kept) = (self.h, self.kept);
        let mut integers = vec![0; h];
        let quads = self.quads.chunks_exact_mut(groups(kept));
        let parts = self.parts.chunks_exact_mut(h.div_ceil(PART).max(1));
        let each = rows.chunks_exact(h.max(1)).zip(self.inverse_steps);
        for (((row, step), quads), parts) in each.zip(quads).zip(parts) {
            *step = read(row, &mut integers, parts);
            quads.as_flattened_mut()[..kept].copy_from_slice(&integers[..kept]);
        }
    }
}

/// The norm by a sum of squares, or a little more.
fn above(square: f32) -> f32 {
    square.sqrt() * (1.0 + RELATIVE) + ABSOLUTE
}

/// A whole number above this one; quicker than the next.
fn whole_above(number: f32) -> i32 {
    number as i32 + 1
}
