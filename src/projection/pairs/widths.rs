//! How many leading coordinates bounds are computed from: tried on a sample of pairs.

use faer::MatRef;

use crate::projection::kernel::{multiply, norm};
use crate::task::{CancelToken, Cancelled};

use super::Bounds;
use super::integers::{Coordinate, GROUP, Kernel};
use super::one_row::PART;
use super::quantised::{FIRST_WIDTHS, Width};
use super::side::Side;

/// Rows of each side in the sample.
const SAMPLED: usize = 320;
/// Multiples of a step that a coordinate's integer may have.
const STEPS: f32 = 127.0;

/// A pair of the sample.
struct Sampled {
    row: usize,
    column: usize,
    /// The least product that is wanted, as a share of the product of the two norms.
    share: f32,
}

/// Some rows of one side.
struct Sample {
    width: usize,
    balanced: Vec<f32>,
    norms: Vec<f32>,
}

impl Sample {
    /// Rows spread over the first `rows`.
    fn of(side: &Side<'_, impl Coordinate>, width: usize, rows: usize) -> Self {
        let spread = || (0..rows).step_by(rows.div_ceil(SAMPLED).max(1));
        Self {
            width,
            balanced: side.balanced(spread()),
            norms: spread().map(|row| side.norms[row]).collect(),
        }
    }

    fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.balanced.chunks_exact(self.width)
    }

    fn coordinates(&self, from: usize, to: usize) -> MatRef<'_, f32> {
        let all = MatRef::from_row_major_slice(&self.balanced, self.norms.len(), self.width);
        all.subcols(from, to - from)
    }
}

/// The numbers of coordinates that cost least, the largest first: more for pairs of long rows,
/// whose bounds must be sharper; before them, for a second look at what they let through, all that are
/// kept. Of as many rows and columns, the first ones, of `width` numbers and at most
/// `widest` of them, with `least` as what is wanted.
pub(super) fn cheapest(
    bounds: &Bounds<'_>,
    (width, widest): (usize, usize),
    (rows, columns): (usize, usize),
    least: f32,
    kernel: Kernel,
    cancel: CancelToken<'_>,
) -> Result<Vec<Width>, Cancelled> {
    let a = Sample::of(&bounds.a, width, rows);
    let b = Sample::of(&bounds.b, width, columns);
    let mut pairs = Vec::new();
    for (row, of_row) in a.norms.iter().enumerate() {
        let columns = b.norms.iter().take_while(|norm| *norm * of_row >= least);
        pairs.extend(columns.enumerate().map(|(column, norm)| Sampled {
            row,
            column,
            share: least / (of_row * norm),
        }));
    }
    cancel.check()?;
    let size = pairs.len().div_ceil(FIRST_WIDTHS).max(1);
    part(&mut pairs, size);
    let classes: Vec<&[Sampled]> = pairs.chunks(size).collect();
    let mut cheapest = vec![(f32::INFINITY, 0); classes.len()];
    let mut products = vec![0.0; a.norms.len() * b.norms.len()];
    let mut added = products.clone();
    let mut done = 0;
    let per_refined = kernel.products_per_refined(widest);
    let tried = (PART..widest).step_by(PART).chain([widest]);
    for coordinates in tried {
        cancel.check()?;
        let some = |of: &'_ Sample| -> Vec<[f32; 2]> {
            of.rows()
                .map(|row| [norm(&row[coordinates..]), lost(&row[..coordinates])])
                .collect()
        };
        multiply(
            a.coordinates(done, coordinates),
            b.coordinates(done, coordinates).transpose(),
            &mut added,
        );
        products
            .iter_mut()
            .zip(&added)
            .for_each(|(sum, more)| *sum += more);
        done = coordinates;
        let (of_a, of_b) = (some(&a), some(&b));
        for (class, cheapest) in classes.iter().zip(&mut cheapest) {
            let passes = |pair: &&Sampled| {
                let ([rest_a, lost_a], [rest_b, lost_b]) = (of_a[pair.row], of_b[pair.column]);
                let lost = lost_a * b.norms[pair.column] + lost_b * a.norms[pair.row];
                let product = products[pair.row * b.norms.len() + pair.column];
                product + rest_a * rest_b + lost >= least
            };
            let passing = class.iter().filter(passes).count();
            let share = passing as f32 / class.len() as f32;
            // What the second look lets through is the same for all.
            let refined = if coordinates < widest { share } else { 0.0 };
            let cost = (coordinates + GROUP) as f32 + refined * per_refined;
            if cost < cheapest.0 {
                *cheapest = (cost, coordinates);
            }
        }
    }
    Ok(falling(&classes, &cheapest, widest))
}

/// Parts pairs into classes of a size whose shares rise; each but the first begins with its least share.
fn part(mut pairs: &mut [Sampled], size: usize) {
    while pairs.len() > size {
        pairs.select_nth_unstable_by(size, |a, b| a.share.total_cmp(&b.share));
        pairs = &mut pairs[size..];
    }
}

/// What quantising these coordinates loses, about.
fn lost(coordinates: &[f32]) -> f32 {
    let largest = coordinates.iter().fold(0f32, |most, x| most.max(x.abs()));
    largest / STEPS * (coordinates.len() as f32 / 12.0).sqrt()
}

/// The widths of classes of pairs whose shares rise, none smaller than that of a later one, the first
/// for all that have less; before them the widest.
fn falling(classes: &[&[Sampled]], cheapest: &[(f32, usize)], widest: usize) -> Vec<Width> {
    let mut widths: Vec<Width> = Vec::new();
    let mut most = 0;
    for (class, &(_, coordinates)) in classes.iter().zip(cheapest).rev() {
        most = most.max(coordinates);
        let from = class.first().map_or(0.0, |pair| pair.share);
        match widths.last_mut() {
            Some(last) if last.coordinates == most => last.from = from,
            Some(_) | None => widths.push(Width {
                coordinates: most,
                from,
            }),
        }
    }
    widths.reverse();
    match widths.first_mut() {
        Some(first) => first.from = f32::NEG_INFINITY,
        None => widths.push(Width {
            coordinates: widest.min(PART),
            from: f32::NEG_INFINITY,
        }),
    }
    if widths[0].coordinates < widest {
        let all = Width {
            coordinates: widest,
            from: f32::NEG_INFINITY,
        };
        widths.insert(0, all);
    }
    widths
}
