//! One factor of a form, ordered and transformed so that bounds can be read off it.

use std::ops::Range;

use faer::MatRef;
use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::kernel::multiply;
use crate::projection::kernel::norm;
use crate::task::{CancelToken, Cancelled};

/// Rows a task takes between two looks at whether the list is still wanted: well under a
/// millisecond.
const TASK_ROWS: usize = 1024;

/// One factor, its passing rows in falling order of their norms.
pub(super) struct Side<'m> {
    pub(super) ids: Vec<u32>,
    /// The factor as given, all its rows in their own order: what scores are computed from. A copy of
    /// the few rows that are scored is not worth its memory.
    pub(super) given: &'m Matrix,
    /// The norm of the longest of these, NaN if one is.
    pub(super) longest_exact: f32,
    /// Balanced: what bounds are computed from.
    pub(super) bounding: Matrix,
    /// Norms of the balanced rows.
    pub(super) norms: Vec<f32>,
}

/// The coordinates that bounds are computed from: the first ones of each row, and the norms of the
/// rest.
pub(super) struct LeadingBlocks {
    pub(super) coordinates: usize,
    /// Of A's rows and of B's; none where there is no rest.
    pub(super) rest: Option<[Vec<f32>; 2]>,
}

impl<'m> Side<'m> {
    /// Balances and sorts the rows `ids` of the factor `given`, times `sign`.
    ///
    /// Rows are balanced twice, for their norms and then in the order of these: a copy that waits to
    /// be sorted would take as much memory again.
    pub(super) fn new(
        given: &'m Matrix,
        ids: &[u32],
        sign: f32,
        transformation: Option<&Matrix>,
        cancel: CancelToken<'_>,
    ) -> Result<Self, Cancelled> {
        let h = given.cols();
        let lengths = in_tasks(ids.len(), 2, cancel, |rows, out| {
            let exact = gathered(given, &ids[rows.clone()], sign);
            let mut balanced = vec![0.0; exact.len()];
            balance_rows(&exact, h, transformation, &mut balanced);
            let rows = exact
                .chunks_exact(h.max(1))
                .zip(balanced.chunks_exact(h.max(1)));
            let lengths = out.as_chunks_mut::<2>().0.iter_mut();
            lengths.zip(rows).for_each(|(lengths, (exact, balanced))| {
                *lengths = [norm(exact), norm(balanced)];
            });
        })?;
        let length = |i: u32| lengths.row(i as usize)[1];
        let mut order: Vec<u32> = (0..ids.len() as u32).collect();
        // Norms have no sign, so that their bits are in the order of the numbers.
        order.sort_unstable_by_key(|&i| (!length(i).to_bits(), i));
        let sorted: Vec<u32> = order.iter().map(|&i| ids[i as usize]).collect();
        let bounding = in_tasks(ids.len(), h, cancel, |rows, out| {
            balance_rows(
                &gathered(given, &sorted[rows], sign),
                h,
                transformation,
                out,
            );
        })?;
        let exact = (0..ids.len()).map(|i| lengths.row(i)[0]);
        Ok(Self {
            ids: sorted,
            given,
            longest_exact: exact.fold(0.0, nan_or_max),
            bounding,
            norms: order.iter().map(|&i| length(i)).collect(),
        })
    }

    /// The numbers of a row as they were given.
    pub(super) fn exact(&self, i: usize) -> &[f32] {
        self.given.row(self.ids[i] as usize)
    }

    /// The norm of the first of the balanced rows.
    pub(super) fn longest(&self) -> f32 {
        self.norms.first().copied().unwrap_or(0.0)
    }

    /// The first coordinates of some balanced rows.
    pub(super) fn leading(&self, rows: Range<usize>, coordinates: usize) -> MatRef<'_, f32> {
        let h = self.bounding.cols();
        let some = &self.bounding.data()[rows.start * h..rows.end * h];
        MatRef::from_row_major_slice(some, rows.len(), h).subcols(0, coordinates)
    }
}

impl LeadingBlocks {
    /// All coordinates.
    pub(super) fn whole(of: &Side<'_>) -> Self {
        Self {
            coordinates: of.bounding.cols(),
            rest: None,
        }
    }

    /// Some, fewer than all.
    pub(super) fn new(
        a: &Side<'_>,
        b: &Side<'_>,
        coordinates: usize,
        cancel: CancelToken<'_>,
    ) -> Result<Self, Cancelled> {
        let rest = |of: &Side<'_>| {
            let norms = in_tasks(of.ids.len(), 1, cancel, |rows, out| {
                let norm_of = |i: usize| norm(&of.bounding.row(i)[coordinates..]);
                rows.zip(out).for_each(|(i, out)| *out = norm_of(i));
            })?;
            Ok(norms.into_data())
        };
        Ok(Self {
            coordinates,
            rest: Some([rest(a)?, rest(b)?]),
        })
    }
}

/// A matrix made some rows at a time.
fn in_tasks(
    rows: usize,
    cols: usize,
    cancel: CancelToken<'_>,
    fill: impl Fn(Range<usize>, &mut [f32]) + Sync,
) -> Result<Matrix, Cancelled> {
    let mut out = Matrix::zeros(rows, cols);
    let tasks = out.data_mut().par_chunks_mut((TASK_ROWS * cols).max(1));
    tasks.enumerate().try_for_each(|(i, out)| {
        cancel.check()?;
        let start = i * TASK_ROWS;
        fill(start..rows.min(start + TASK_ROWS), out);
        Ok(())
    })?;
    Ok(out)
}

/// The rows `ids` of a factor, times `sign`, one after another.
fn gathered(given: &Matrix, ids: &[u32], sign: f32) -> Vec<f32> {
    let rows = ids.iter().flat_map(|&id| given.row(id as usize));
    let mut gathered = Vec::with_capacity(ids.len() * given.cols());
    gathered.extend(rows.map(|x| sign * x));
    gathered
}

/// Rows of `h` numbers as bounds are computed from them.
fn balance_rows(rows: &[f32], h: usize, transformation: Option<&Matrix>, out: &mut [f32]) {
    match transformation {
        Some(t) => {
            let rows = MatRef::from_row_major_slice(rows, rows.len() / h.max(1), h);
            multiply(rows, MatRef::from_row_major_slice(t.data(), h, h), out);
        }
        None => out.copy_from_slice(rows),
    }
}

/// The larger, or NaN if one is.
fn nan_or_max(a: f32, b: f32) -> f32 {
    if a.is_nan() || a > b { a } else { b }
}

/// ‖left·rightᵀ − I‖, in f64.
pub(super) fn identity_error(left: &Matrix, right: &Matrix) -> f32 {
    let h = left.rows();
    let entry = |i: usize, j: usize| {
        let sum: f64 = left
            .row(i)
            .iter()
            .zip(right.row(j))
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum();
        sum - f64::from(u8::from(i == j))
    };
    let squares = (0..h * h).map(|at| entry(at / h, at % h).powi(2));
    squares.sum::<f64>().sqrt() as f32
}
