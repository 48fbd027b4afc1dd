//! The same rows under another transform.

use std::sync::{Arc, OnceLock};

use super::Rows;
use super::narrow::mapped;
use crate::projection::ProjectionError;
use crate::projection::row_transform::{RowScale, RowTransform};
use crate::task::CancelToken;

impl Rows {
    /// The same rows, counted less their mean if `centred`, and then each at the scale given; a row
    /// without length stays as it is.
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    pub fn adjusted(
        &self,
        centred: bool,
        scale: RowScale,
        cancel: CancelToken<'_>,
    ) -> Result<Self, ProjectionError> {
        let mut transform = RowTransform::default();
        if centred {
            transform.mean = Some(self.mean(cancel)?);
        }
        if scale != RowScale::None {
            let width = self.stored_width();
            let scales = self.chunked_stored(cancel, |chunk, some| {
                let rows = chunk.zip(some.chunks_exact(width));
                let Some(map) = &self.map else {
                    let of_row = |(at, row): (usize, &[f32])| scale.of(transform.row(at, row));
                    return rows.map(of_row).collect::<Vec<f32>>();
                };
                let less: Vec<f32> = rows.flat_map(|(at, row)| transform.row(at, row)).collect();
                let mapped = mapped(&less, map);
                let rows = mapped.chunks_exact(map.cols().max(1));
                rows.map(|row| scale.of(row.iter().copied())).collect()
            })?;
            transform.scale = Some(scales.concat().into());
        }
        Ok(Self {
            len: self.len,
            store: Arc::clone(&self.store),
            map: self.map.clone(),
            transform,
            longest: OnceLock::new(),
        })
    }

    /// The mean of the rows as they lie.
    fn mean(&self, cancel: CancelToken<'_>) -> Result<Arc<[f32]>, ProjectionError> {
        let width = self.stored_width();
        let sums = self.chunked_stored(cancel, |_, some| {
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
