//! The leading coordinates of balanced rows in 8-bit integers, the longest rows first: what scouts
//! [look](super::looks) at.

use std::borrow::Cow;
use std::ops::Range;

use faer::MatRef;
use pulp::Arch;
use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::kernel::{multiply, norm};
use crate::task::Cancelled;

use super::Search;
use super::integers::{Coordinate, GROUP, Integers, Kernel, PANEL, PanelGroup};
use super::one_row::{MOST_STEPS, largest, quantise};
use super::side::TASK_ROWS;

/// Leading coordinates that rows have here.
pub(super) const COORDINATES: usize = 96;
pub(super) const QUADS: usize = COORDINATES / GROUP;
/// Those of them that are packed.
pub(super) const PACKED_QUADS: usize = 10;

/// The leading coordinates of the rows of one side, the longest first.
pub(super) struct Leading<T> {
    pub(super) ids: Vec<u32>,
    pub(super) norms: Vec<f32>,
    pub(super) inverse_steps: Vec<f32>,
    /// `[rows, QUADS]`.
    quads: Vec<[T; GROUP]>,
}

impl Search<'_> {
    /// The rows of a factor, times a sign.
    pub(super) fn leading<T: Coordinate>(
        &self,
        (given, sign): (&Matrix, f32),
        transformation: &Matrix,
        stored: impl Fn(i8) -> T + Sync,
    ) -> Result<Leading<T>, Cancelled> {
        let (h, n) = (given.cols(), self.ids.len());
        let map = transformation.data().chunks_exact(h);
        let map: Vec<f32> = map
            .flat_map(|row| &row[..COORDINATES])
            .map(|x| sign * x)
            .collect();
        let mut quads = vec![[T::default(); GROUP]; n * QUADS];
        let mut measures = vec![(0.0, 0.0); n];
        let tasks = quads
            .par_chunks_mut(TASK_ROWS * QUADS)
            .zip(measures.par_chunks_mut(TASK_ROWS));
        let tasks = tasks.zip(self.ids.par_chunks(TASK_ROWS));
        tasks.try_for_each(|((quads, measures), ids)| {
            self.cancel.check()?;
            let rows = rows_of(given, ids);
            let mut leading = vec![0.0; ids.len() * COORDINATES];
            multiply(
                MatRef::from_row_major_slice(&rows, ids.len(), h),
                MatRef::from_row_major_slice(&map, h, COORDINATES),
                &mut leading,
            );
            let arch = Arch::new();
            let each = leading
                .chunks_exact(COORDINATES)
                .zip(quads.chunks_exact_mut(QUADS));
            for ((row, quads), measures) in each.zip(measures) {
                let step = (arch.dispatch(|| largest(row)) / MOST_STEPS).max(f32::MIN_POSITIVE);
                let mut integers = [0; COORDINATES];
                arch.dispatch(|| quantise(row, 1.0 / step, &mut integers));
                for (to, quad) in quads.iter_mut().zip(integers.as_chunks().0) {
                    *to = quad.map(&stored);
                }
                *measures = (norm(row), 1.0 / step);
            }
            Ok(())
        })?;
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.par_sort_unstable_by_key(|&i| (!measures[i as usize].0.to_bits(), i));
        self.cancel.check()?;
        let mut sorted = vec![[T::default(); GROUP]; n * QUADS];
        let tasks = sorted.par_chunks_mut(TASK_ROWS * QUADS);
        tasks
            .zip(order.par_chunks(TASK_ROWS))
            .for_each(|(sorted, order)| {
                for (to, &i) in sorted.chunks_exact_mut(QUADS).zip(order) {
                    to.copy_from_slice(&quads[i as usize * QUADS..][..QUADS]);
                }
            });
        let measured = order.iter().map(|&i| measures[i as usize]);
        let (norms, inverse_steps) = measured.unzip();
        Ok(Leading {
            ids: order.iter().map(|&i| self.ids[i as usize]).collect(),
            norms,
            inverse_steps,
            quads: sorted,
        })
    }
}

/// Some rows of a factor one after the other, which they may be already.
fn rows_of<'m>(given: &'m Matrix, ids: &[u32]) -> Cow<'m, [f32]> {
    let h = given.cols();
    match (ids.first(), ids.last()) {
        (Some(&first), Some(&last)) if (last - first) as usize == ids.len() - 1 => {
            Cow::Borrowed(&given.data()[first as usize * h..(last as usize + 1) * h])
        }
        _ => ids
            .iter()
            .flat_map(|&id| given.row(id as usize))
            .copied()
            .collect(),
    }
}

impl<T: Coordinate> Leading<T> {
    /// The first of a row's integers.
    pub(super) fn row(&self, row: usize, quads: usize) -> &[[T; GROUP]] {
        &self.quads[row * QUADS..][..quads]
    }

    /// All integers of the rows from one on.
    pub(super) fn integers(&self, from: usize) -> Integers<'_, T> {
        Integers {
            quads: &self.quads[from * QUADS..],
            per_row: QUADS,
        }
    }

    /// Those rows whose ids are among these, which rise.
    pub(super) fn of(&self, ids: &[u32]) -> Self {
        let rows = 0..self.ids.len();
        let rows = rows.filter(|&row| ids.binary_search(&self.ids[row]).is_ok());
        let rows: Vec<usize> = rows.collect();
        Self {
            ids: rows.iter().map(|&row| self.ids[row]).collect(),
            norms: rows.iter().map(|&row| self.norms[row]).collect(),
            inverse_steps: rows.iter().map(|&row| self.inverse_steps[row]).collect(),
            quads: rows
                .iter()
                .flat_map(|&row| self.row(row, QUADS))
                .copied()
                .collect(),
        }
    }

    /// Packs the first integers of some rows, N side by side.
    pub(super) fn pack<const N: usize>(
        &self,
        kernel: Kernel,
        rows: Range<usize>,
        out: &mut [[u32; N]],
    ) {
        let groups = PACKED_QUADS * kernel.groups_per_quad();
        for (at, row) in rows.enumerate() {
            let quads = self.row(row, PACKED_QUADS).iter().copied();
            kernel.pack(quads, at % N, &mut out[at / N * groups..][..groups]);
        }
    }
}

impl Leading<u8> {
    /// The first integers of all rows, a panel after the other.
    pub(super) fn packed(&self, kernel: Kernel) -> Vec<PanelGroup> {
        let groups = PACKED_QUADS * kernel.groups_per_quad();
        let n = self.ids.len();
        let mut packed = vec![[0; PANEL]; n.div_ceil(PANEL) * groups];
        let panels = packed.par_chunks_mut(groups).enumerate();
        panels.for_each(|(panel, packed)| {
            let rows = panel * PANEL..n.min((panel + 1) * PANEL);
            self.pack(kernel, rows, packed);
        });
        packed
    }

    /// How many rows have, with a norm of the other side, at least this product.
    pub(super) fn reaching(&self, norm: f32, product: f32) -> usize {
        self.norms.partition_point(|own| own * norm >= product)
    }
}

impl Leading<i8> {
    /// The sum of the first of a row's integers.
    pub(super) fn sum(&self, row: usize, quads: usize) -> f32 {
        let asked = self.row(row, quads).as_flattened().iter();
        asked.map(|&x| i32::from(x)).sum::<i32>() as f32
    }
}
