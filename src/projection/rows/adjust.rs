//! Rows that count otherwise than they lie in the file: less their mean, or each at length 1.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::Rows;
use crate::checkpoint::Matrix;
use crate::projection::ProjectionError;
use crate::projection::kernel::{dot, norm};

/// How each row counts: less `mean`, times its own number of `scale`. Nothing is copied: scores
/// are shifted and scaled after their products.
#[derive(Clone, Debug, Default)]
pub(in crate::projection) struct Adjust {
    mean: Option<Arc<[f32]>>,
    scale: Option<Arc<[f32]>>,
}

impl Adjust {
    /// What each vector's scores are less by.
    pub(in crate::projection) fn shifts(&self, vectors: &Matrix) -> Vec<f32> {
        (0..vectors.rows())
            .map(|j| self.shift(vectors.row(j)))
            .collect()
    }

    /// What one vector's scores are less by.
    pub(super) fn shift(&self, vector: &[f32]) -> f32 {
        let mean = self.mean.as_deref();
        mean.map_or(0.0, |mean| dot(mean, vector))
    }

    /// A row's score, from its product with the vector whose shift is given.
    #[inline]
    pub(in crate::projection) fn score(&self, row: usize, product: f32, shift: f32) -> f32 {
        let scale = self.scale.as_ref().map_or(1.0, |scale| scale[row]);
        (product - shift) * scale
    }

    /// The same for the m products of each of `rows`, side by side.
    pub(super) fn scores(&self, rows: Range<usize>, products: &mut [f32], shifts: &[f32]) {
        if self.is_none() {
            return;
        }
        for (row, products) in rows.zip(products.chunks_exact_mut(shifts.len().max(1))) {
            for (product, shift) in products.iter_mut().zip(shifts) {
                *product = self.score(row, *product, *shift);
            }
        }
    }

    /// The same for the products of `rows` with each vector, one vector's after the other's.
    pub(in crate::projection) fn by_vector(
        &self,
        rows: Range<usize>,
        products: &mut [f32],
        shifts: &[f32],
    ) {
        if self.is_none() {
            return;
        }
        for (products, shift) in products.chunks_exact_mut(rows.len().max(1)).zip(shifts) {
            for (row, product) in rows.clone().zip(products) {
                *product = self.score(row, *product, *shift);
            }
        }
    }

    /// A row as it counts.
    pub(in crate::projection) fn row<'a>(
        &'a self,
        at: usize,
        row: &'a [f32],
    ) -> impl Iterator<Item = f32> + 'a {
        let scale = self.scale.as_ref().map_or(1.0, |scale| scale[at]);
        let mean = self.mean.as_deref();
        let less = move |(i, x): (usize, &f32)| (x - mean.map_or(0.0, |mean| mean[i])) * scale;
        row.iter().enumerate().map(less)
    }

    /// No row counts for more than this length; NaN if one is no number. What is rounded in its
    /// shift and its product stays below what a row of this length could lose.
    pub(in crate::projection) fn longest(&self, at: usize, row: &[f32]) -> f32 {
        let scale = self.scale.as_ref().map_or(1.0, |scale| scale[at]);
        (norm(row) + self.mean.as_deref().map_or(0.0, norm)) * scale
    }

    fn is_none(&self) -> bool {
        self.mean.is_none() && self.scale.is_none()
    }
}

impl Rows {
    /// The same rows, counted less their mean, or each at length 1, or first one and then the
    /// other; a row without length stays as it is. `None` if it was called off.
    ///
    /// # Errors
    /// The device fails.
    pub fn adjusted(
        &self,
        centred: bool,
        unit: bool,
        wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Self>, ProjectionError> {
        let mut adjust = Adjust::default();
        if centred {
            let Some(mean) = self.mean(wanted)? else {
                return Ok(None);
            };
            adjust.mean = Some(mean);
        }
        if unit {
            let width = self.width();
            let lengths = self.by_chunk(wanted, |chunk, some| {
                let length = |(at, row): (usize, &[f32])| {
                    let square = |x: f32| f64::from(x).powi(2);
                    adjust.row(at, row).map(square).sum::<f64>().sqrt()
                };
                let rows = chunk.zip(some.chunks_exact(width));
                let scale = |length: f64| if length > 0.0 { 1.0 / length } else { 1.0 };
                let scales = rows.map(length).map(|length| scale(length) as f32);
                scales.collect::<Vec<f32>>()
            })?;
            let Some(scale) = lengths else {
                return Ok(None);
            };
            adjust.scale = Some(scale.concat().into());
        }
        Ok(Some(Self {
            len: self.len,
            store: Arc::clone(&self.store),
            adjust,
            longest: OnceLock::new(),
        }))
    }

    /// The mean of the rows as they lie; `None` if it was called off.
    fn mean(
        &self,
        wanted: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<Arc<[f32]>>, ProjectionError> {
        let width = self.width();
        let sums = self.by_chunk(wanted, |_, some| {
            let mut sum = vec![0.0_f64; width];
            for row in some.chunks_exact(width) {
                sum.iter_mut()
                    .zip(row)
                    .for_each(|(s, &x)| *s += f64::from(x));
            }
            sum
        })?;
        let Some(sums) = sums else {
            return Ok(None);
        };
        let at = |i: usize| {
            let sum: f64 = sums.iter().map(|sum| sum[i]).sum();
            (sum / self.len as f64) as f32
        };
        Ok(Some((0..width).map(at).collect()))
    }
}
