//! Rows in 8-bit integers, and by how much their products may fall short.
//!
//! Of a balanced row a its leading coordinates are taken as whole multiples n of a step s, and the
//! norms of four parts of the rest as such multiples rounded up, so that the integers' product
//! bounds the leading coordinates' product and, by Cauchy–Schwarz, that of each part:
//! `a·b ≤ s_a·s_b·(n_a·n_b + ‖a/s_a − n_a‖·‖b/s_b‖ + ‖n_a‖·‖b/s_b − n_b‖)`, norms over the leading
//! coordinates.

use std::array;
use std::ops::AddAssign;

use pulp::Arch;
use rayon::prelude::*;

use crate::projection::kernel::norm;
use crate::task::{CancelToken, Cancelled};

use super::integers::{GROUP, MOST_COORDINATES, PANEL, Row, STRIP, Shape, offset};
use super::side::{Side, TASK_ROWS};

/// Numbers of leading coordinates that a search may have at most.
pub(super) const MOST_WIDTHS: usize = 4;
/// Largest number of leading coordinates.
pub(super) const WIDEST: usize = MOST_COORDINATES - GROUP;
/// Largest multiple of a step; its rounding in f32 stays below 127.
const MOST_STEPS: f32 = 126.9;
/// No step is smaller: its inverse is a number, as is the product of two of these.
const LEAST_STEP: f32 = 1.0 / (1u64 << 60) as f32;
/// What sums of squares in f32 are off by: of the sum, and of one coordinate's multiple.
const RELATIVE: f32 = 1e-4;
const ABSOLUTE: f32 = 1e-3;
/// What the norm of a part of the rest is off by, relative to it.
const RELATIVE_REST: f32 = 1e-6;

/// A number of leading coordinates, and which pairs are bounded by as many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Width {
    pub(super) coordinates: usize,
    /// The least product that is wanted, as a share of the product of the two norms, is at least
    /// this.
    pub(super) from: f32,
}

/// What is known of each of N rows, for each width.
#[derive(Clone, Copy)]
struct Numbers<const N: usize> {
    /// Norms of the leading coordinates in steps: as they are, or as integers if these are longer.
    lengths: [[f32; N]; MOST_WIDTHS],
    /// Sums of the integers.
    sums: [[f32; N]; MOST_WIDTHS],
}

/// The first rows of a factor in integers, N together: for each group of coordinates those of all
/// N rows.
pub(super) struct Quantised<T, const N: usize> {
    pub(super) integers: Vec<[[T; GROUP]; N]>,
    pub(super) inverse_steps: Vec<[f32; N]>,
    numbers: Vec<Numbers<N>>,
    /// The largest `‖a/s − n‖`, for each width.
    errors: [f32; MOST_WIDTHS],
}

/// Rows of A.
pub(super) type QuantisedA = Quantised<i8, STRIP>;
/// Rows of B.
pub(super) type QuantisedB = Quantised<u8, PANEL>;

/// Where the groups of a width lie among those of N rows; widths fall.
pub(super) fn shape(widths: &[Width], width: usize) -> Shape {
    let leading = widths
        .first()
        .map_or(0, |widest| widest.coordinates.div_ceil(GROUP));
    Shape {
        groups: leading + widths.len(),
        leading: widths[width].coordinates.div_ceil(GROUP),
        rest: leading + width,
    }
}

impl QuantisedA {
    /// The first `rows` of `side`.
    pub(super) fn of_a(
        side: &Side<'_>,
        rows: usize,
        widths: &[Width],
        cancel: CancelToken<'_>,
    ) -> Result<Self, Cancelled> {
        Self::new(side, rows, widths, |integer| integer, cancel)
    }

    /// What the rows of a strip, as many as are valid, are compared by, `least` being what a pair's
    /// bound must reach.
    pub(super) fn rows(
        &self,
        (strip, valid): (usize, usize),
        width: usize,
        other: &QuantisedB,
        least: f32,
    ) -> [Row; STRIP] {
        // The product of three numbers, each rounded, is not rounded above what it stands for.
        let least = least - least.abs() * (8.0 * f32::EPSILON);
        let numbers = &self.numbers[strip];
        array::from_fn(|row| {
            if row >= valid {
                return Row::NONE;
            }
            Row {
                least: least * self.inverse_steps[strip][row],
                error: above(numbers.lengths[width][row] * other.errors[width]) as f32,
                sum: numbers.sums[width][row],
            }
        })
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
        Self::new(side, rows, widths, offset, cancel)
    }

    /// What A's errors make of the products of a panel's columns, at most.
    pub(super) fn column_errors(
        &self,
        panel: usize,
        width: usize,
        other: &QuantisedA,
    ) -> [i32; PANEL] {
        let lengths = &self.numbers[panel].lengths[width];
        array::from_fn(|column| above(lengths[column] * other.errors[width]))
    }
}

/// A whole number above this one; quicker than the next.
fn above(number: f32) -> i32 {
    number as i32 + 1
}

impl<T: Copy + Default + Send, const N: usize> Quantised<T, N> {
    fn new(
        side: &Side<'_>,
        rows: usize,
        widths: &[Width],
        stored: impl Fn(i8) -> T + Sync,
        cancel: CancelToken<'_>,
    ) -> Result<Self, Cancelled> {
        let (h, blocks) = (side.width(), rows.div_ceil(N));
        let groups = shape(widths, 0).groups;
        let mut integers = vec![[[T::default(); GROUP]; N]; blocks * groups];
        let mut inverse_steps = vec![[1.0; N]; blocks];
        let none = Numbers {
            lengths: [[0.0; N]; MOST_WIDTHS],
            sums: [[0.0; N]; MOST_WIDTHS],
        };
        let mut numbers = vec![none; blocks];
        let at_once = TASK_ROWS / N;
        let tasks = integers.par_chunks_mut((at_once * groups).max(1));
        let tasks = tasks.zip(inverse_steps.par_chunks_mut(at_once));
        let tasks = tasks.zip(numbers.par_chunks_mut(at_once)).enumerate();
        let errors = tasks
            .map(|(i, ((integers, inverse_steps), numbers))| {
                cancel.check()?;
                let start = i * at_once * N;
                let some = start..rows.min(start + inverse_steps.len() * N);
                let balanced = side.balanced(some);
                let mut of_row = OfRow::default();
                let mut errors = [0f32; MOST_WIDTHS];
                for (at, row) in balanced.chunks_exact(h).enumerate() {
                    let (block, place) = (at / N, at % N);
                    of_row.read(row, widths);
                    inverse_steps[block][place] = of_row.inverse_step;
                    let groups = &mut integers[block * groups..(block + 1) * groups];
                    let quads = of_row.integers.as_chunks::<GROUP>().0;
                    for (group, quad) in groups.iter_mut().zip(quads) {
                        group[place] = quad.map(&stored);
                    }
                    for (width, measures) in of_row.measures.iter().enumerate() {
                        numbers[block].lengths[width][place] = measures.length;
                        numbers[block].sums[width][place] = measures.sum;
                        errors[width] = errors[width].max(measures.error);
                    }
                }
                Ok(errors)
            })
            .try_reduce(
                || [0.0; MOST_WIDTHS],
                |a, b| Ok(array::from_fn(|width| a[width].max(b[width]))),
            )?;
        Ok(Self {
            integers,
            inverse_steps,
            numbers,
            errors,
        })
    }
}

/// One row in integers.
#[derive(Default)]
struct OfRow {
    inverse_step: f32,
    /// The leading coordinates, zeros up to a whole group, then for each width the rest's parts.
    integers: Vec<i8>,
    measures: [Measures; MOST_WIDTHS],
    rests: Vec<f32>,
}

/// Of the leading coordinates of one width.
#[derive(Clone, Copy, Default)]
struct Measures {
    length: f32,
    error: f32,
    sum: f32,
}

/// Sums over some coordinates.
#[derive(Clone, Copy, Default)]
struct Sums {
    squares: f32,
    rounded_squares: f32,
    lost_squares: f32,
    rounded: f32,
}

impl OfRow {
    /// `widths` fall.
    fn read(&mut self, row: &[f32], widths: &[Width]) {
        self.take_rests(row, widths);
        let widest = widths.first().map_or(0, |widest| widest.coordinates);
        let leading = &row[..widest];
        let of_rests = largest(&self.rests);
        let arch = Arch::new();
        let largest = arch.dispatch(|| largest(leading)).max(of_rests);
        self.inverse_step = 1.0 / (largest / MOST_STEPS).max(LEAST_STEP);
        self.integers.clear();
        self.integers.resize(widest.next_multiple_of(GROUP), 0);
        let mut sums = Sums::default();
        let mut start = 0;
        for (width, measures) in widths.iter().zip(&mut self.measures).rev() {
            let some = start..width.coordinates;
            let integers = &mut self.integers[some.clone()];
            sums += arch.dispatch(|| quantise(&leading[some], self.inverse_step, integers));
            let above = |square: f32| square.sqrt() * (1.0 + RELATIVE) + ABSOLUTE;
            *measures = Measures {
                length: above(sums.squares.max(sums.rounded_squares)),
                error: above(sums.lost_squares),
                sum: sums.rounded,
            };
            start = width.coordinates;
        }
        for (at, rest) in self.rests.iter().enumerate() {
            let integer = (rest * self.inverse_step * (1.0 + RELATIVE_REST)).ceil();
            self.measures[at / GROUP].sum += integer;
            self.integers.push(integer as i8);
        }
    }

    /// The norms of a quarter each of the coordinates behind those of each width.
    fn take_rests(&mut self, row: &[f32], widths: &[Width]) {
        self.rests.clear();
        for width in widths {
            let rest = &row[width.coordinates..];
            let bound = |part: usize| rest.len() * part / GROUP;
            let parts = (0..GROUP).map(|part| norm(&rest[bound(part)..bound(part + 1)]));
            self.rests.extend(parts);
        }
    }
}

impl AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.squares += other.squares;
        self.rounded_squares += other.rounded_squares;
        self.lost_squares += other.lost_squares;
        self.rounded += other.rounded;
    }
}

/// The largest of the numbers, whatever their signs.
#[inline(always)]
fn largest(numbers: &[f32]) -> f32 {
    let (eights, rest) = numbers.as_chunks::<8>();
    let mut most = [0f32; 8];
    for eight in eights {
        most.iter_mut()
            .zip(eight)
            .for_each(|(most, x)| *most = most.max(x.abs()));
    }
    most.iter()
        .chain(rest)
        .fold(0.0, |most, x| most.max(x.abs()))
}

/// Coordinates as multiples of a step, rounded.
#[inline(always)]
fn quantise(numbers: &[f32], inverse_step: f32, integers: &mut [i8]) -> Sums {
    const LANES: usize = 8;
    /// Between this and its double f32 has the whole numbers only: added, it rounds to one, which
    /// is what the sum's last bits say.
    const WHOLE: f32 = (1 << 23) as f32 * 1.5;
    // Eight sums of each kind, none of which waits for another.
    let mut sums = [[0f32; LANES]; 4];
    let mut one = |number: f32, integer: &mut i8, lane: usize| {
        let x = number * inverse_step;
        let shifted = x + WHOLE;
        let rounded = shifted - WHOLE;
        *integer = shifted.to_bits() as i8;
        sums[0][lane] += x * x;
        sums[1][lane] += rounded * rounded;
        sums[2][lane] += (x - rounded) * (x - rounded);
        sums[3][lane] += rounded;
    };
    let (numbers, last_numbers) = numbers.as_chunks::<LANES>();
    let (integers, last_integers) = integers.as_chunks_mut::<LANES>();
    for (numbers, integers) in numbers.iter().zip(integers) {
        for lane in 0..LANES {
            one(numbers[lane], &mut integers[lane], lane);
        }
    }
    for (&number, integer) in last_numbers.iter().zip(last_integers) {
        one(number, integer, 0);
    }
    let [squares, rounded_squares, lost_squares, rounded] = sums.map(|sums| sums.iter().sum());
    Sums {
        squares,
        rounded_squares,
        lost_squares,
        rounded,
    }
}
