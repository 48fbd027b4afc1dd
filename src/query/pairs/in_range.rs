//! Whether the products of two factors' rows can be told in single precision.

use crate::checkpoint::Matrix;
use crate::projection::ProjectionError;

/// Whether products of rows are numbers of single precision: in range, and not rounded to nothing.
///
/// # Errors
/// They are not.
pub(in crate::query) fn in_range(a: &Matrix, b: &Matrix) -> Result<(), ProjectionError> {
    /// The least product of lengths whose scores keep their digits.
    const LEAST: f64 = f32::MIN_POSITIVE as f64 / f32::EPSILON as f64;
    const MOST: f64 = f32::MAX as f64;
    // Eight at a time, none of which waits for another.
    let largest = |m: &Matrix| {
        let (eights, rest) = m.data().as_chunks::<8>();
        let mut most = [0f32; 8];
        for eight in eights {
            let each = most.iter_mut().zip(eight);
            each.for_each(|(most, x)| *most = most.max(x.abs()));
        }
        most.iter()
            .chain(rest)
            .fold(0f32, |most, x| most.max(x.abs()))
    };
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
