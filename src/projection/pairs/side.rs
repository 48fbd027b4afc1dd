//! One factor of a form, ordered and transformed so that bounds can be read off it.

use std::borrow::Cow;
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

/// Leading coordinates and, as one more, the norm of the rest: `[n, width]` for each side.
pub(super) struct LeadingBlocks<'s> {
    pub(super) width: usize,
    pub(super) a: Cow<'s, Matrix>,
    pub(super) b: Cow<'s, Matrix>,
}

impl<'m> Side<'m> {
    /// Balances and sorts the rows `ids` of the factor `given`, gathered as `exact`.
    pub(super) fn new(
        given: &'m Matrix,
        exact: Matrix,
        ids: &[u32],
        transformation: Option<&Matrix>,
        cancel: CancelToken<'_>,
    ) -> Result<Self, Cancelled> {
        let longest_exact = norms(&exact, cancel)?.into_iter().fold(0.0, nan_or_max);
        let bounding = match transformation {
            Some(t) => times(&exact, t, cancel)?,
            None => exact,
        };
        let norms = norms(&bounding, cancel)?;
        let mut order: Vec<u32> = (0..ids.len() as u32).collect();
        // Norms have no sign, so that their bits are in the order of the numbers.
        order.sort_unstable_by_key(|&i| (!norms[i as usize].to_bits(), i));
        Ok(Self {
            ids: order.iter().map(|&i| ids[i as usize]).collect(),
            given,
            longest_exact,
            bounding: gather(&bounding, &order, 1.0, cancel)?,
            norms: order.iter().map(|&i| norms[i as usize]).collect(),
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

    fn head(&self, width: usize, cancel: CancelToken<'_>) -> Result<Cow<'_, Matrix>, Cancelled> {
        if width >= self.bounding.cols() {
            return Ok(Cow::Borrowed(&self.bounding));
        }
        let head = by_rows(self.ids.len(), width, cancel, |i, head| {
            let row = self.bounding.row(i);
            head.copy_from_slice(&row[..width]);
            head[width - 1] = norm(&row[width - 1..]);
        })?;
        Ok(Cow::Owned(head))
    }
}

impl<'s> LeadingBlocks<'s> {
    pub(super) fn new(
        a: &'s Side<'_>,
        b: &'s Side<'_>,
        width: usize,
        cancel: CancelToken<'_>,
    ) -> Result<Self, Cancelled> {
        let (a, b) = rayon::join(|| a.head(width, cancel), || b.head(width, cancel));
        Ok(Self {
            width,
            a: a?,
            b: b?,
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

/// As [`in_tasks`], a row alone.
fn by_rows(
    rows: usize,
    cols: usize,
    cancel: CancelToken<'_>,
    fill: impl Fn(usize, &mut [f32]) + Sync,
) -> Result<Matrix, Cancelled> {
    in_tasks(rows, cols, cancel, |rows, out| {
        let each = out.chunks_exact_mut(cols);
        rows.zip(each).for_each(|(i, out)| fill(i, out));
    })
}

/// The rows `ids` of a factor, times `sign`.
pub(super) fn gather(
    m: &Matrix,
    ids: &[u32],
    sign: f32,
    cancel: CancelToken<'_>,
) -> Result<Matrix, Cancelled> {
    by_rows(ids.len(), m.cols(), cancel, |i, out| {
        let row = m.row(ids[i] as usize);
        out.iter_mut().zip(row).for_each(|(out, x)| *out = sign * x);
    })
}

fn norms(m: &Matrix, cancel: CancelToken<'_>) -> Result<Vec<f32>, Cancelled> {
    let norms = by_rows(m.rows(), 1, cancel, |i, out| out[0] = norm(m.row(i)))?;
    Ok(norms.into_data())
}

fn times(m: &Matrix, t: &Matrix, cancel: CancelToken<'_>) -> Result<Matrix, Cancelled> {
    let (h, w) = (m.cols(), t.cols());
    let by = MatRef::from_row_major_slice(t.data(), h, w);
    in_tasks(m.rows(), w, cancel, |rows, out| {
        let some = &m.data()[rows.start * h..rows.end * h];
        multiply(MatRef::from_row_major_slice(some, rows.len(), h), by, out);
    })
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
