//! Rows transformed before scoring: less their mean, and each scaled to length 1 or as a norm
//! scales it.

use std::ops::Range;
use std::sync::Arc;

use super::kernel::{dot, norm};
use crate::checkpoint::Matrix;

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
    pub(super) fn of(self, row: impl ExactSizeIterator<Item = f32> + Clone) -> f32 {
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
pub(super) struct RowTransform {
    pub(super) mean: Option<Arc<[f32]>>,
    pub(super) scale: Option<Arc<[f32]>>,
}

impl RowTransform {
    /// What each vector's scores are less by.
    pub(super) fn shifts(&self, vectors: &Matrix) -> Vec<f32> {
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
    pub(super) fn score(&self, row: usize, product: f32, shift: f32) -> f32 {
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
    pub(super) fn by_vector(&self, rows: Range<usize>, products: &mut [f32], shifts: &[f32]) {
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
    pub(super) fn row<'a>(
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
    pub(super) fn longest(&self, at: usize, row: &[f32]) -> f32 {
        let scale = self.scale.as_ref().map_or(1.0, |scale| scale[at]);
        (norm(row) + self.mean.as_deref().map_or(0.0, norm)) * scale
    }

    /// Whether rows count as they lie.
    pub(super) fn is_none(&self) -> bool {
        self.mean.is_none() && self.scale.is_none()
    }
}
