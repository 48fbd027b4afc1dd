//! Rows transformed before scoring: less their mean, and each scaled to length 1 or as a norm
//! scales it.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::Rows;
use crate::checkpoint::Matrix;
use crate::projection::ProjectionError;
use crate::projection::kernel::{dot, norm};
use crate::task::CancelToken;

/// Which scale each row is brought to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum RowScale {
    /// Rows keep their lengths.
    #[default]
    None,
    /// Length 1. With `centring` the length is measured with the row's own mean taken out.
    Unit { centring: bool },
    /// Divided by √(mean square + `epsilon`), as RMSNorm does; with `centring` the row's own mean
    /// is taken out before squaring, as LayerNorm does.
    ///
    /// In neither case is that mean taken out of the row itself: what a layer norm reads has mean
    /// 0 once the norm is folded into it, so that it makes no difference to a product.
    Norm { centring: bool, epsilon: f64 },
}

impl RowScale {
    /// What a row of these numbers is multiplied by; a row without length stays.
    fn of(self, row: impl ExactSizeIterator<Item = f32> + Clone) -> f32 {
        let n = row.len().max(1) as f64;
        let squares = |centring: bool| {
            let mean = match centring {
                true => row.clone().map(f64::from).sum::<f64>() / n,
                false => 0.0,
            };
            let square = |x: f32| (f64::from(x) - mean).powi(2);
            row.clone().map(square).sum::<f64>()
        };
        let length = match self {
            Self::None => 1.0,
            Self::Unit { centring } => squares(centring).sqrt(),
            Self::Norm { centring, epsilon } => (squares(centring) / n + epsilon).sqrt(),
        };
        if length > 0.0 {
            length.recip() as f32
        } else {
            1.0
        }
    }
}

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
    ) -> impl ExactSizeIterator<Item = f32> + Clone + 'a {
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

    /// Whether rows count as they lie.
    pub(super) fn is_none(&self) -> bool {
        self.mean.is_none() && self.scale.is_none()
    }
}

impl Rows {
    /// The same rows, counted less their mean if `centred`, and then each at the scale given; a row
    /// without length stays as it is.
    ///
    /// # Errors
    /// The device fails.
    pub fn adjusted(
        &self,
        centred: bool,
        scale: RowScale,
        cancel: CancelToken<'_>,
    ) -> Result<Self, ProjectionError> {
        let mut adjust = Adjust::default();
        if centred {
            adjust.mean = Some(self.mean(cancel)?);
        }
        if scale != RowScale::None {
            let width = self.width();
            let scales = self.by_chunk(cancel, |chunk, some| {
                let rows = chunk.zip(some.chunks_exact(width));
                let of_row = |(at, row): (usize, &[f32])| scale.of(adjust.row(at, row));
                rows.map(of_row).collect::<Vec<f32>>()
            })?;
            adjust.scale = Some(scales.concat().into());
        }
        Ok(Self {
            len: self.len,
            store: Arc::clone(&self.store),
            adjust,
            longest: OnceLock::new(),
        })
    }

    /// The mean of the rows as they lie.
    fn mean(&self, cancel: CancelToken<'_>) -> Result<Arc<[f32]>, ProjectionError> {
        let width = self.width();
        let sums = self.by_chunk(cancel, |_, some| {
            let mut sum = vec![0.0_f64; width];
            for row in some.chunks_exact(width) {
                sum.iter_mut()
                    .zip(row)
                    .for_each(|(s, &x)| *s += f64::from(x));
            }
            sum
        })?;
        let at = |i: usize| {
            let sum: f64 = sums.iter().map(|sum| sum[i]).sum();
            (sum / self.len as f64) as f32
        };
        Ok((0..width).map(at).collect())
    }
}
