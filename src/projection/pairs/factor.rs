//! One factor of a form: multiplied out, or as a product of which only the rows that are scored are.

use std::borrow::Cow;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;

use crate::checkpoint::{Matrix, StoredMatrix};
use crate::projection::kernel::{lost_in_parts, multiply_in_parts, norm};
use crate::projection::{ProjectionError, Rows};
use crate::task::{CancelToken, Cancelled};

use super::near::stretch;
use super::quantised::kept;

/// Rows a task takes between two looks at whether the list is still wanted: a millisecond or two.
pub(super) const TASK_ROWS: usize = 512;

/// One factor, `[n, h]`.
#[derive(Clone, Copy)]
pub enum Factor<'a> {
    /// Multiplied out.
    Whole(&'a Matrix),
    /// Rows (`[n, d]`) times thin weights.
    Product(FactorProduct<'a>),
}

/// Rows (`[n, d]`) times thin weights (`[d, h]`).
#[derive(Clone, Copy)]
pub struct FactorProduct<'a> {
    rows: &'a StoredMatrix,
    weights: &'a Matrix,
    /// No row is longer.
    longest: f32,
}

/// Two factors that are multiplied out.
#[derive(Clone, Copy)]
pub(super) struct Factors<'a> {
    pub(super) a: &'a Matrix,
    pub(super) b: &'a Matrix,
}

/// What its own numbers say of a factor.
#[derive(Clone, Copy)]
pub(super) struct Given {
    /// No row is longer; NaN if one is no number.
    pub(super) longest: f32,
    /// How far a row lies from that of the exact product, at most.
    pub(super) lost: f32,
}

impl Given {
    /// Takes in what balanced rows say, of which none is longer than `balanced`: times the transpose of
    /// the other side's transformation, that is but for an `error` the inverse of their own, they are
    /// the given ones.
    pub(super) fn shorten(&mut self, balanced: f32, other: &Matrix, error: f32) {
        if self.lost > 0.0 && error < 0.5 {
            let longest = balanced * stretch(other) * (1.001 + 2.0 * error) + self.lost;
            self.longest = self.longest.min(longest);
        }
    }
}

impl<'a> From<&'a Matrix> for Factor<'a> {
    fn from(whole: &'a Matrix) -> Self {
        Self::Whole(whole)
    }
}

impl<'a> FactorProduct<'a> {
    /// Of rows with weights `[width, h]`; `None` of rows that do not count as they lie in memory, which
    /// have to be multiplied out.
    ///
    /// # Errors
    /// The device fails.
    pub fn new(rows: &'a Rows, weights: &'a Matrix) -> Result<Option<Self>, ProjectionError> {
        let longest = rows.longest()?;
        Ok(rows.in_memory().map(|rows| Self {
            rows,
            weights,
            longest,
        }))
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows.rows()
    }

    /// No row of the product is longer; NaN if one of the rows is no number.
    pub fn longest(&self) -> f32 {
        self.longest * norm(self.weights.data())
    }

    /// As scores are computed from: to the last bit what [`Rows::times`] says.
    pub fn picked(&self, ids: &[u32]) -> Matrix {
        let (d, h) = (self.weights.rows(), self.weights.cols());
        let mut buffer = Vec::new();
        let rows = gathered(self.rows, ids, &mut buffer);
        let mut picked = vec![0.0; ids.len() * h];
        multiply_in_parts(
            MatRef::from_row_major_slice(rows, ids.len(), d),
            MatRef::from_row_major_slice(self.weights.data(), d, h),
            &mut picked,
        );
        Matrix::new(ids.len(), h, picked)
    }
}

impl<'a> Factor<'a> {
    /// Numbers in a row.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Whole(whole) => whole.cols(),
            Self::Product(product) => product.weights.cols(),
        }
    }

    /// Coordinates of its rows that are kept in integers.
    pub(super) fn kept(&self) -> usize {
        kept(self.width(), matches!(self, Self::Whole(_)))
    }

    /// Some rows as scores are computed from, in this order.
    pub(super) fn picked(&self, ids: &[u32]) -> Matrix {
        match self {
            Self::Whole(whole) => {
                let rows = ids.iter().flat_map(|&id| whole.row(id as usize));
                Matrix::new(ids.len(), whole.cols(), rows.copied().collect())
            }
            Self::Product(product) => product.picked(ids),
        }
    }

    /// All rows.
    pub(super) fn multiplied_out(
        &self,
        cancel: CancelToken<'_>,
    ) -> Result<Cow<'a, Matrix>, Cancelled> {
        let product = match self {
            Self::Whole(whole) => return Ok(Cow::Borrowed(whole)),
            Self::Product(product) => product,
        };
        let mut whole = Matrix::zeros(product.rows.rows(), self.width());
        let ids: Vec<u32> = (0..whole.rows() as u32).collect();
        let tasks = whole
            .data_mut()
            .par_chunks_mut((TASK_ROWS * self.width()).max(1));
        tasks
            .zip(ids.par_chunks(TASK_ROWS))
            .try_for_each(|(out, ids)| {
                cancel.check()?;
                out.copy_from_slice(product.picked(ids).data());
                Ok(())
            })?;
        Ok(Cow::Owned(whole))
    }

    /// What is read of each row for its numbers: of as many numbers.
    fn read_width(&self) -> usize {
        match self {
            Self::Whole(whole) => whole.cols(),
            Self::Product(product) => product.weights.rows(),
        }
    }

    /// No row is longer as it is read, of which `read` is the longest that was met.
    pub(super) fn longest_read(&self, read: f32) -> f32 {
        match self {
            Self::Whole(_) => read,
            Self::Product(product) => product.longest,
        }
    }

    /// What its rows say, of which `read` is the longest that was met.
    pub(super) fn given(&self, read: f32) -> Given {
        let longest = self.longest_read(read);
        match self {
            Self::Whole(_) => Given { longest, lost: 0.0 },
            Self::Product(FactorProduct { weights, .. }) => {
                let lost = lost(weights, longest);
                Given {
                    longest: longest * stretch(&weights.transposed()) * 1.001 + lost,
                    lost,
                }
            }
        }
    }

    /// Its rows times a map (`[h, w]`), or as they are, times a sign.
    pub(super) fn through(&self, map: Option<&Matrix>, sign: f32) -> Through<'a> {
        let signed = |of: &Matrix| {
            let data = of.data().iter().map(|x| sign * x);
            Matrix::new(of.rows(), of.cols(), data.collect())
        };
        let map = match (self, map) {
            (Self::Whole(_), map) => map.map(signed),
            (Self::Product(product), None) => Some(signed(product.weights)),
            (Self::Product(product), Some(map)) => {
                Some(signed(&rounded(&in_double(product.weights, map))))
            }
        };
        let factor = *self;
        Through { factor, map, sign }
    }
}

/// The rows of a factor times a map.
pub(super) struct Through<'a> {
    factor: Factor<'a>,
    /// What rows are multiplied by as they are read, if by anything.
    map: Option<Matrix>,
    /// The sign of the map, which counts where there is none.
    sign: f32,
}

/// What rows are read and multiplied in.
#[derive(Default)]
pub(super) struct Buffers {
    read: Vec<f32>,
    rows: Vec<f32>,
}

/// Some rows.
pub(super) struct SomeRows<'b> {
    /// As they are read.
    pub(super) read: &'b [f32],
    /// Times the map, `[some, w]`.
    pub(super) rows: &'b [f32],
}

impl Through<'_> {
    /// Numbers in a row.
    pub(super) fn width(&self) -> usize {
        self.map.as_ref().map_or(self.factor.width(), Matrix::cols)
    }

    /// Some rows, in this order.
    pub(super) fn some<'b>(&'b self, ids: &[u32], buffers: &'b mut Buffers) -> SomeRows<'b> {
        let (width, h) = (self.factor.read_width(), self.width());
        let Buffers { read, rows } = buffers;
        let read = match self.factor {
            Factor::Whole(whole) => of_matrix(whole, ids, read),
            Factor::Product(product) => gathered(product.rows, ids, read),
        };
        rows.clear();
        match &self.map {
            None => rows.extend(read.iter().map(|x| self.sign * x)),
            Some(map) => {
                rows.resize(ids.len() * h, 0.0);
                multiply_in_parts(
                    MatRef::from_row_major_slice(read, ids.len(), width),
                    MatRef::from_row_major_slice(map.data(), width, h),
                    rows,
                );
            }
        }
        SomeRows { read, rows }
    }

    /// How far a row that is read with at most this length lies from that of the exact product, at most.
    pub(super) fn lost(&self, longest: f32) -> f32 {
        self.map.as_ref().map_or(0.0, |map| lost(map, longest))
    }
}

/// What a row no longer than this loses in f32 when it is multiplied by a map, which may be rounded itself.
fn lost(map: &Matrix, longest: f32) -> f32 {
    (lost_in_parts(map.rows()) + f32::EPSILON) * longest * norm(map.data())
}

/// `a·b` in f64.
pub(super) fn in_double(a: &Matrix, b: &Matrix) -> Mat<f64> {
    let wide = |of: &Matrix| Mat::from_fn(of.rows(), of.cols(), |i, j| f64::from(of.row(i)[j]));
    let (a, b) = (wide(a), wide(b));
    let mut product = Mat::<f64>::zeros(a.nrows(), b.ncols());
    matmul(&mut product, Accum::Replace, &a, &b, 1.0, Par::rayon(0));
    product
}

/// Rounded once.
fn rounded(of: &Mat<f64>) -> Matrix {
    let (rows, cols) = (of.nrows(), of.ncols());
    let data = (0..rows * cols).map(|at| of[(at / cols, at % cols)] as f32);
    Matrix::new(rows, cols, data.collect())
}

/// Rows that lie one after the other.
fn together(ids: &[u32]) -> Option<std::ops::Range<usize>> {
    let (first, last) = (*ids.first()? as usize, *ids.last()? as usize);
    (ids.is_sorted() && last - first + 1 == ids.len()).then(|| first..last + 1)
}

/// Rows one after the other, which they may be already.
fn of_matrix<'b>(rows: &'b Matrix, ids: &[u32], buffer: &'b mut Vec<f32>) -> &'b [f32] {
    let width = rows.cols();
    if let Some(range) = together(ids) {
        return &rows.data()[range.start * width..range.end * width];
    }
    buffer.clear();
    buffer.extend(ids.iter().flat_map(|&id| rows.row(id as usize)));
    buffer
}

/// The same of rows as a file has them.
fn gathered<'b>(rows: &'b StoredMatrix, ids: &[u32], buffer: &'b mut Vec<f32>) -> &'b [f32] {
    if let Some(range) = together(ids) {
        return rows.widened(range, buffer);
    }
    let mut one = Vec::new();
    buffer.clear();
    for id in ids.iter().map(|&id| id as usize) {
        buffer.extend_from_slice(rows.widened(id..id + 1, &mut one));
    }
    buffer
}
