//! One factor of a form, ordered and transformed so that bounds can be read off it.

use faer::MatRef;
use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::kernel::norm;
use crate::projection::rows::multiply;

/// Rows that a task transforms.
const TASK_ROWS: usize = 1024;

/// One factor, its passing rows in falling order of their norms.
pub(super) struct Side {
    pub(super) ids: Vec<u32>,
    /// As given: what scores are computed from.
    pub(super) exact: Matrix,
    /// Balanced: what bounds are computed from.
    pub(super) bounding: Matrix,
    /// Norms of the balanced rows.
    pub(super) norms: Vec<f32>,
}

/// Leading coordinates and, as one more, the norm of the rest: `[n, width]` for each side.
pub(super) struct Heads {
    pub(super) width: usize,
    pub(super) a: Vec<f32>,
    pub(super) b: Vec<f32>,
}

impl Side {
    /// Balances and sorts the rows `ids` of a factor, given as `exact`; `None` if it was called
    /// off.
    pub(super) fn new(
        exact: &Matrix,
        ids: &[u32],
        transformation: Option<&Matrix>,
        wanted: &(dyn Fn() -> bool + Sync),
    ) -> Option<Self> {
        let transformed = transformation.map(|t| times(exact, t));
        let bounding = transformed.as_ref().unwrap_or(exact);
        wanted().then_some(())?;
        let mut order: Vec<(u32, f32)> = (0..ids.len())
            .map(|i| (i as u32, norm(bounding.row(i))))
            .collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        let by_norm = |m: &Matrix| -> Option<Matrix> {
            wanted().then_some(())?;
            let rows: Vec<u32> = order.iter().map(|&(i, _)| i).collect();
            Some(gather(m, &rows, 1.0))
        };
        Some(Self {
            ids: order.iter().map(|&(i, _)| ids[i as usize]).collect(),
            exact: by_norm(exact)?,
            bounding: by_norm(bounding)?,
            norms: order.iter().map(|&(_, norm)| norm).collect(),
        })
    }

    /// The norm of the first of the balanced rows.
    pub(super) fn longest(&self) -> f32 {
        self.norms.first().copied().unwrap_or(0.0)
    }

    fn head(&self, width: usize) -> Vec<f32> {
        let h = self.bounding.cols();
        if width >= h {
            return self.bounding.data().to_vec();
        }
        let mut head = Vec::with_capacity(self.ids.len() * width);
        for i in 0..self.ids.len() {
            let (lead, rest) = self.bounding.row(i).split_at(width - 1);
            head.extend_from_slice(lead);
            head.push(norm(rest));
        }
        head
    }
}

impl Heads {
    pub(super) fn new(a: &Side, b: &Side, width: usize) -> Self {
        let (a, b) = rayon::join(|| a.head(width), || b.head(width));
        Self { width, a, b }
    }
}

/// The rows `ids` of a factor, times `sign`.
pub(super) fn gather(m: &Matrix, ids: &[u32], sign: f32) -> Matrix {
    let mut data = Vec::with_capacity(ids.len() * m.cols());
    for &i in ids {
        data.extend(m.row(i as usize).iter().map(|x| sign * x));
    }
    Matrix::new(ids.len(), m.cols(), data)
}

fn times(m: &Matrix, t: &Matrix) -> Matrix {
    let mut out = Matrix::zeros(m.rows(), t.cols());
    let (h, w) = (m.cols(), t.cols());
    let t = MatRef::from_row_major_slice(t.data(), h, w);
    out.data_mut()
        .par_chunks_mut((TASK_ROWS * w).max(1))
        .enumerate()
        .for_each(|(i, out)| {
            let n = out.len() / w;
            let some = &m.data()[i * TASK_ROWS * h..][..n * h];
            multiply(MatRef::from_row_major_slice(some, n, h), t, out);
        });
    out
}

/// The norm of the longest row, NaN if one is.
pub(super) fn longest(m: &Matrix) -> f32 {
    (0..m.rows()).map(|i| norm(m.row(i))).fold(0.0, nan_or_max)
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
