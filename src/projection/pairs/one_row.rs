//! One row in 8-bit integers, and what rounding makes of it.

use std::ops::AddAssign;

use pulp::Arch;

use crate::projection::kernel::norm;

use super::integers::GROUP;

/// Numbers of leading coordinates that a search may have at most: those of the first look at a pair,
/// and the one of the second.
pub(super) const MOST_WIDTHS: usize = FIRST_WIDTHS + 1;
/// Of the first look.
pub(super) const FIRST_WIDTHS: usize = 4;
/// Largest multiple of a step; its rounding in f32 stays below 127.
pub(super) const MOST_STEPS: f32 = 126.9;
/// No step is smaller: its inverse is a number, as is the product of two of these.
pub(super) const LEAST_STEP: f32 = 1.0 / (1u64 << 60) as f32;
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

/// One row in integers.
#[derive(Default)]
pub(super) struct OneRow {
    pub(super) inverse_step: f32,
    /// The leading coordinates, zeros up to a whole group, then for each width the rest's parts.
    pub(super) integers: Vec<i8>,
    pub(super) measures: [Measures; MOST_WIDTHS],
    rests: Vec<f32>,
}

/// Of the leading coordinates of one width.
#[derive(Clone, Copy, Default)]
pub(super) struct Measures {
    /// Norm in steps, of the numbers or of the integers, whichever is longer.
    pub(super) length: f32,
    /// Norm of what rounding takes away, in steps.
    pub(super) error: f32,
    /// Of the integers, the rest's among them.
    pub(super) sum: f32,
}

/// Sums over some coordinates.
#[derive(Clone, Copy, Default)]
pub(super) struct Sums {
    squares: f32,
    rounded_squares: f32,
    pub(super) lost_squares: f32,
    pub(super) rounded: f32,
}

impl OneRow {
    /// `widths` fall.
    pub(super) fn read(&mut self, row: &[f32], widths: &[Width]) {
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
pub(super) fn largest(numbers: &[f32]) -> f32 {
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
pub(super) fn quantise(numbers: &[f32], inverse_step: f32, integers: &mut [i8]) -> Sums {
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
