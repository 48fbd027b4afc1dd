//! One factor of a form, its rows in falling order of their balanced norms.

use faer::MatRef;
use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::kernel::{multiply, norm};
use crate::task::{CancelToken, Cancelled};

/// Rows a task takes between two looks at whether the list is still wanted: well under a
/// millisecond.
pub(super) const TASK_ROWS: usize = 1024;

/// One factor, its passing rows in falling order of their norms.
pub(super) struct Side<'m> {
    pub(super) ids: Vec<u32>,
    /// The factor as given, all its rows in their own order.
    given: &'m Matrix,
    sign: f32,
    /// `[h, h]`: makes balanced rows of those given.
    transformation: Option<Matrix>,
    /// The norm of the longest of the given rows, NaN if one is.
    pub(super) longest_given: f32,
    /// Norms of the balanced rows.
    pub(super) norms: Vec<f32>,
}

/// The norms of one row.
#[derive(Clone, Copy, Default)]
struct Norms {
    given: f32,
    balanced: f32,
}

impl<'m> Side<'m> {
    /// Sorts the rows `ids` of the factor `given`, times `sign`.
    ///
    /// Balanced rows are not kept: they are made again, some at a time, where they are wanted, as
    /// a copy of them all takes as much memory as the factor.
    pub(super) fn new(
        given: &'m Matrix,
        ids: &[u32],
        sign: f32,
        transformation: Option<Matrix>,
        cancel: CancelToken<'_>,
    ) -> Result<Self, Cancelled> {
        let h = given.cols();
        let mut side = Self {
            ids: ids.to_vec(),
            given,
            sign,
            transformation,
            longest_given: 0.0,
            norms: Vec::new(),
        };
        let mut norms = vec![Norms::default(); ids.len()];
        let tasks = norms.par_chunks_mut(TASK_ROWS).enumerate();
        tasks.try_for_each(|(i, norms)| {
            cancel.check()?;
            let start = i * TASK_ROWS;
            let balanced = side.balanced(start..start + norms.len());
            for (i, norms) in norms.iter_mut().enumerate() {
                *norms = Norms {
                    given: norm(side.given(start + i)),
                    balanced: norm(&balanced[i * h..(i + 1) * h]),
                };
            }
            Ok(())
        })?;
        let mut order: Vec<u32> = (0..ids.len() as u32).collect();
        // Norms have no sign, so that their bits are in the order of the numbers.
        order.par_sort_unstable_by_key(|&i| (!norms[i as usize].balanced.to_bits(), i));
        side.longest_given = norms.iter().map(|norms| norms.given).fold(0.0, nan_or_max);
        side.ids = order.iter().map(|&i| ids[i as usize]).collect();
        side.norms = order.iter().map(|&i| norms[i as usize].balanced).collect();
        Ok(side)
    }

    /// Numbers in a row.
    pub(super) fn width(&self) -> usize {
        self.given.cols()
    }

    /// The numbers of a row as they were given: what scores are computed from.
    pub(super) fn given(&self, i: usize) -> &[f32] {
        self.given.row(self.ids[i] as usize)
    }

    /// The norm of the first of the balanced rows.
    pub(super) fn longest(&self) -> f32 {
        self.norms.first().copied().unwrap_or(0.0)
    }

    /// Some balanced rows: what bounds are computed from.
    pub(super) fn balanced(&self, rows: impl Iterator<Item = usize>) -> Vec<f32> {
        let h = self.width();
        let mut given = Vec::with_capacity(rows.size_hint().0 * h);
        rows.for_each(|i| given.extend(self.given(i).iter().map(|x| self.sign * x)));
        let Some(transformation) = &self.transformation else {
            return given;
        };
        let mut balanced = vec![0.0; given.len()];
        multiply(
            MatRef::from_row_major_slice(&given, given.len() / h.max(1), h),
            MatRef::from_row_major_slice(transformation.data(), h, h),
            &mut balanced,
        );
        balanced
    }

    /// All balanced rows: as much memory as the factor.
    pub(super) fn all_balanced(&self, cancel: CancelToken<'_>) -> Result<Matrix, Cancelled> {
        let (rows, h) = (self.ids.len(), self.width());
        let mut all = Matrix::zeros(rows, h);
        let tasks = all.data_mut().par_chunks_mut((TASK_ROWS * h).max(1));
        tasks.enumerate().try_for_each(|(i, out)| {
            cancel.check()?;
            let start = i * TASK_ROWS;
            out.copy_from_slice(&self.balanced(start..rows.min(start + TASK_ROWS)));
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
