//! One factor of a form, its rows in falling order of their balanced norms.

use pulp::Arch;
use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::kernel::norm;
use crate::task::{CancelToken, Cancelled};

use super::factor::{Buffers, Factor, Given, TASK_ROWS, Through, in_double};
use super::integers::{Coordinate, GROUP};
use super::one_row::squares;
use super::quantised::{Quantised, Unsorted};

/// One factor, its passing rows in falling order of their norms.
pub(super) struct Side<'m, T> {
    pub(super) ids: Vec<u32>,
    rows: Through<'m>,
    pub(super) given: Given,
    /// How far a balanced row lies from that of the exact product, at most.
    pub(super) lost: f32,
    /// Norms of the balanced rows.
    pub(super) norms: Vec<f32>,
    /// The balanced rows.
    pub(super) integers: Quantised<T>,
}

impl<'m, T: Coordinate> Side<'m, T> {
    /// Reads the rows `ids` of a factor, times `sign`, once, in `memory` that the side before had.
    ///
    /// Balanced rows are kept in 8-bit integers only: they are made again, some at a time, where they
    /// are wanted in f32.
    pub(super) fn new(
        (factor, sign): (Factor<'m>, f32),
        ids: &[u32],
        memory: &mut Vec<[i8; GROUP]>,
        transformation: Option<&Matrix>,
        cancel: CancelToken<'_>,
    ) -> Result<Self, Cancelled> {
        let h = factor.width();
        let rows = factor.through(transformation, sign);
        let mut integers = Unsorted::new(ids.len(), (h, factor.kept()), std::mem::take(memory));
        let mut norms = vec![0.0; ids.len()];
        let tasks = integers
            .by_rows(TASK_ROWS)
            .zip(norms.par_chunks_mut(TASK_ROWS));
        let longest = tasks
            .zip(ids.par_chunks(TASK_ROWS))
            .map_init(Buffers::default, |buffers, ((reading, norms), ids)| {
                cancel.check()?;
                let some = rows.some(ids, buffers);
                let each = norms.iter_mut().zip(some.rows.chunks_exact(h.max(1)));
                each.for_each(|(own, row)| *own = norm(row));
                reading.take(some.rows);
                Ok(match factor {
                    Factor::Whole(_) => longest(some.read, h),
                    Factor::Product(_) => 0.0,
                })
            })
            .try_reduce(|| 0.0, |a, b| Ok(nan_or_max(a, b)))?;
        let mut order: Vec<u32> = (0..ids.len() as u32).collect();
        // Norms have no sign, so that their bits are in the order of the numbers.
        order.par_sort_unstable_by_key(|&i| (!norms[i as usize].to_bits(), i));
        cancel.check()?;
        let norms = order.iter().map(|&i| norms[i as usize]).collect();
        let ids = order.iter().map(|&i| ids[i as usize]).collect();
        let (integers, used) = integers.sorted(order, cancel)?;
        *memory = used;
        Ok(Self {
            ids,
            given: factor.given(longest),
            lost: rows.lost(factor.longest_read(longest)),
            norms,
            integers,
            rows,
        })
    }

    /// The norm of the first of the balanced rows.
    pub(super) fn longest(&self) -> f32 {
        self.norms.first().copied().unwrap_or(0.0)
    }

    /// Some balanced rows in f32.
    pub(super) fn balanced(&self, rows: impl Iterator<Item = usize>) -> Vec<f32> {
        let ids: Vec<u32> = rows.map(|i| self.ids[i]).collect();
        let mut buffers = Buffers::default();
        self.rows.some(&ids, &mut buffers).rows.to_vec()
    }

    /// All balanced rows: as much memory as the factor.
    pub(super) fn all_balanced(&self, cancel: CancelToken<'_>) -> Result<Matrix, Cancelled> {
        let h = self.rows.width();
        let mut all = Matrix::zeros(self.ids.len(), h);
        let tasks = all.data_mut().par_chunks_mut((TASK_ROWS * h).max(1));
        tasks
            .zip(self.ids.par_chunks(TASK_ROWS))
            .try_for_each_init(Buffers::default, |buffers, (out, ids)| {
                cancel.check()?;
                out.copy_from_slice(self.rows.some(ids, buffers).rows);
                Ok(())
            })?;
        Ok(all)
    }

    /// How many rows have, with a row of that norm on the other side, a product that may reach
    /// `least`: the first ones.
    pub(super) fn reaching(&self, norm: f32, least: f32) -> usize {
        self.norms.partition_point(|own| own * norm >= least)
    }
}

/// The norm of the longest of some rows, or a little more; NaN if one is no number.
fn longest(rows: &[f32], width: usize) -> f32 {
    /// What a sum of squares in f32 is off by, and what squares of the smallest numbers lose.
    const RELATIVE: f32 = 1e-4;
    const ABSOLUTE: f32 = 1e-19;
    let square = Arch::new().dispatch(
        #[inline(always)]
        || {
            let rows = rows.chunks_exact(width.max(1));
            rows.map(squares).fold(0.0, nan_or_max)
        },
    );
    square.sqrt() * (1.0 + RELATIVE) + ABSOLUTE * width as f32
}

/// The larger, or NaN if one is.
fn nan_or_max(a: f32, b: f32) -> f32 {
    if a.is_nan() || a > b { a } else { b }
}

/// ‖left·rightᵀ − I‖, in f64.
pub(super) fn identity_error(left: &Matrix, right: &Matrix) -> f32 {
    let product = in_double(left, &right.transposed());
    let identity = |i: usize, j: usize| f64::from(u8::from(i == j));
    let h = left.rows();
    let entry = |at: usize| product[(at / h, at % h)] - identity(at / h, at % h);
    let squares = (0..h * h).map(|at| entry(at).powi(2));
    squares.sum::<f64>().sqrt() as f32
}
