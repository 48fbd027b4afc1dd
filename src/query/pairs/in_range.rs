//! Whether the products of two factors' rows can be told in single precision.

use crate::checkpoint::Matrix;
use crate::projection::{FactorProduct, ProjectionError};

/// The least product of lengths whose scores keep their digits.
const LEAST: f64 = f32::MIN_POSITIVE as f64 / f32::EPSILON as f64;
const MOST: f64 = f32::MAX as f64;
/// Rows of a product that show how large its numbers are.
const SHOWN: u32 = 64;

/// Whether products of rows are numbers of single precision: in range, and not rounded to nothing.
///
/// # Errors
/// They are not.
pub(in crate::query) fn in_range(a: &Matrix, b: &Matrix) -> Result<(), ProjectionError> {
    let (largest_a, largest_b) = rayon::join(|| largest(a), || largest(b));
    let product = f64::from(largest_a) * f64::from(largest_b);
    if product == 0.0 || (LEAST..MOST / a.cols().max(1) as f64).contains(&product) {
        return Ok(());
    }
    let longest = |m: &Matrix| {
        let square = |row: &[f32]| row.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        let rows = m.data().chunks(m.cols().max(1));
        rows.map(square).fold(0.0, f64::max).sqrt()
    };
    match longest(a) * longest(b) {
        small if small < LEAST => Err(ProjectionError::Underflow),
        large if large >= MOST => Err(ProjectionError::Overflow),
        _ => Ok(()),
    }
}

/// Whether this is so without a look at all rows.
pub(super) fn surely_in_range(a: &FactorProduct<'_>, b: &FactorProduct<'_>) -> bool {
    let shown = |of: &FactorProduct<'_>| {
        let every = (of.rows() as u32).div_ceil(SHOWN).max(1);
        let ids: Vec<u32> = (0..of.rows() as u32).step_by(every as usize).collect();
        f64::from(largest(&of.picked(&ids)))
    };
    let most = f64::from(a.longest()) * f64::from(b.longest());
    most < MOST && shown(a) * shown(b) >= LEAST
}

/// The largest number, whatever its sign.
fn largest(m: &Matrix) -> f32 {
    // Eight at a time, none of which waits for another.
    let (eights, rest) = m.data().as_chunks::<8>();
    let mut most = [0f32; 8];
    for eight in eights {
        let each = most.iter_mut().zip(eight);
        each.for_each(|(most, x)| *most = most.max(x.abs()));
    }
    most.iter()
        .chain(rest)
        .fold(0f32, |most, x| most.max(x.abs()))
}
