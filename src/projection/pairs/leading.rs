//! The leading coordinates of balanced rows in 8-bit integers, the longest rows first: what scouts
//! [look](super::looks) at.

use std::ops::Range;

use rayon::prelude::*;

use super::integers::{Coordinate, GROUP, Integers, Kernel, PANEL, PanelGroup};
use super::one_row::PART;
use super::quantised::Quantised;

/// Leading coordinates that rows have here.
pub(super) const COORDINATES: usize = 96;
pub(super) const QUADS: usize = COORDINATES / GROUP;
/// Those of them that are packed.
pub(super) const PACKED_QUADS: usize = 10;
/// Rows a task takes.
const TASK_ROWS: usize = 1024;

/// The leading coordinates of the rows of one side, the longest first.
pub(super) struct Leading<T> {
    /// Where the rows are among all of their side.
    pub(super) rows: Vec<u32>,
    pub(super) norms: Vec<f32>,
    pub(super) inverse_steps: Vec<f32>,
    /// `[rows, QUADS]`.
    quads: Vec<[T; GROUP]>,
}

impl<T: Coordinate> Leading<T> {
    pub(super) fn new(of: &Quantised<T>) -> Self {
        let n = of.inverse_steps.len();
        let norms = (0..n).into_par_iter();
        let norms: Vec<f32> = norms
            .map(|row| of.leading_norm(row, COORDINATES / PART))
            .collect();
        let mut rows: Vec<u32> = (0..n as u32).collect();
        rows.par_sort_unstable_by_key(|&i| (!norms[i as usize].to_bits(), i));
        let mut quads = vec![[T::default(); GROUP]; n * QUADS];
        let tasks = quads.par_chunks_mut(TASK_ROWS * QUADS);
        let tasks = tasks.zip(rows.par_chunks(TASK_ROWS));
        tasks.for_each(|(quads, rows)| {
            for (to, &row) in quads.chunks_exact_mut(QUADS).zip(rows) {
                to.copy_from_slice(&of.row(row as usize)[..QUADS]);
            }
        });
        let step = |&row: &u32| of.inverse_steps[row as usize];
        Self {
            norms: rows.iter().map(|&row| norms[row as usize]).collect(),
            inverse_steps: rows.iter().map(step).collect(),
            rows,
            quads,
        }
    }

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

    /// Those rows that are among these of their side, which rise.
    pub(super) fn of(&self, some: &[u32]) -> Self {
        let rows = 0..self.rows.len();
        let rows = rows.filter(|&row| some.binary_search(&self.rows[row]).is_ok());
        let rows: Vec<usize> = rows.collect();
        Self {
            rows: rows.iter().map(|&row| self.rows[row]).collect(),
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
        let n = self.rows.len();
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
