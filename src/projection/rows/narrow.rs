//! Rows that are stored narrower than they count: a vector is brought to their width once, in the
//! place of every row to the vector's, so that a list costs what is stored.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use faer::MatRef;
use rayon::prelude::*;

use super::Rows;
use crate::checkpoint::Matrix;
use crate::projection::kernel::{dot, multiply};

impl Rows {
    /// The same stored rows through another map, `[stored width, width]`.
    #[must_use]
    pub fn through(&self, map: Matrix) -> Self {
        self.with_map(Some(Arc::new(map)))
    }

    /// The rows as they are stored, `[n, stored width]`: what a masked-language-model head multiplies
    /// with that brings states to that width itself.
    #[must_use]
    pub fn as_stored(&self) -> Self {
        self.with_map(None)
    }

    /// Whether rows are stored at another width than they count at.
    pub fn has_map(&self) -> bool {
        self.map.is_some()
    }

    fn with_map(&self, map: Option<Arc<Matrix>>) -> Self {
        Self {
            len: self.len,
            store: Arc::clone(&self.store),
            map,
            transform: self.transform.clone(),
            longest: OnceLock::new(),
        }
    }

    /// Vectors (`[m, width]`) at the width of the stored rows: `v·mapᵀ`. Each is summed as if it
    /// were alone.
    pub(super) fn brought<'v>(&self, vectors: &'v Matrix) -> Cow<'v, Matrix> {
        let Some(map) = &self.map else {
            return Cow::Borrowed(vectors);
        };
        let mut brought = Matrix::zeros(vectors.rows(), map.rows());
        let rows = brought.data_mut().par_chunks_mut(map.rows().max(1));
        rows.enumerate().for_each(|(j, out)| {
            let each = out.iter_mut().enumerate();
            each.for_each(|(i, x)| *x = dot(map.row(i), vectors.row(j)));
        });
        Cow::Owned(brought)
    }
}

/// Stored rows, one after another, times their map: `[n, width]`.
pub(super) fn mapped(stored: &[f32], map: &Matrix) -> Vec<f32> {
    let n = stored.len() / map.rows().max(1);
    let mut out = vec![0.0; n * map.cols()];
    multiply(
        MatRef::from_row_major_slice(stored, n, map.rows()),
        MatRef::from_row_major_slice(map.data(), map.rows(), map.cols()),
        &mut out,
    );
    out
}
