//! Two compared models: each as it is, and what changed between them.

use std::ops::Range;
use std::sync::Arc;

use crate::checkpoint::{CheckpointError, Matrix, ThinFactors, Version};

use super::{Dictionary, FormWeights, WeightSlice, Weights};
use crate::transformer::AttentionMap;

/// Something of a tuned model and of its base.
#[derive(Clone, Debug, PartialEq)]
pub struct BothVersions<T> {
    pub tuned: T,
    pub base: T,
}

impl Weights {
    /// The same of two compared models, of which this one is read.
    #[must_use]
    pub fn at(&self, version: Version) -> Self {
        Self {
            checkpoint: Arc::clone(&self.checkpoint),
            version,
        }
    }

    /// Which of two compared models is read.
    pub fn version(&self) -> Version {
        self.version
    }

    /// What `read` makes of the tuned model and of its base.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn both_versions<T, E>(
        &self,
        read: impl Fn(&Self) -> Result<T, E>,
    ) -> Result<BothVersions<T>, E> {
        Ok(BothVersions {
            tuned: read(&self.at(Version::Tuned))?,
            base: read(&self.at(Version::Base))?,
        })
    }

    /// A form, or the change of one: `L′R′ᵀ − LRᵀ = [L′−L, L]·[R′, R′−R]ᵀ`, twice as many columns.
    pub(super) fn form_or_change(
        &self,
        form: impl Fn(&Self) -> Result<FormWeights, CheckpointError>,
    ) -> Result<FormWeights, CheckpointError> {
        if self.version != Version::Difference || self.checkpoint.against().is_none() {
            return form(self);
        }
        let BothVersions { tuned, base } = self.both_versions(form)?;
        let left_change = less(&tuned.left, &base.left);
        let right_change = less(&tuned.right, &base.right);
        Ok(FormWeights {
            left: side_by_side(&left_change, &base.left),
            right: side_by_side(&tuned.right, &right_change),
        })
    }

    /// The change of a layer's neurons as an adapter's factors: on the left the residual stream,
    /// `[d_model, rank]`, on the right the neurons, `[neurons, rank]`. `None` where no adapter tells.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn neuron_change(
        &self,
        layer: usize,
        dictionary: Dictionary,
    ) -> Result<Option<FormWeights>, CheckpointError> {
        let all = 0..self.spec().neurons_in(layer);
        self.change_of(match dictionary {
            Dictionary::Keys(input) => self.key_slices(layer, all, input),
            Dictionary::Values => self.value_slices(layer, all),
        })
    }

    /// The change of a linear map of attention as an adapter's factors: on the left the residual
    /// stream, `[d_model, rank]`, on the right the heads' channels, `[heads × d_head, rank]`. `None`
    /// where no adapter tells.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn attention_change(
        &self,
        layer: usize,
        map: AttentionMap,
    ) -> Result<Option<FormWeights>, CheckpointError> {
        self.change_of(self.attention_slices(layer, map))
    }

    /// The change of vectors that lie in slices of one tensor, one after another.
    fn change_of(&self, slices: Vec<WeightSlice>) -> Result<Option<FormWeights>, CheckpointError> {
        let Some(first) = slices.first() else {
            return Ok(None);
        };
        let tensor = &first.stored.tensor;
        // Of experts each matrix has factors of its own.
        if slices.iter().any(|slice| slice.stored.tensor != *tensor) {
            return Ok(None);
        }
        let Some(ThinFactors { left, right }) = self.checkpoint.change_factors(tensor)? else {
            return Ok(None);
        };
        let of_stream = |slice: &WeightSlice| match slice.transposed {
            true => some_rows(&left, slice.stored.rows.clone()),
            false => some_rows(&right, slice.stored.cols.clone()),
        };
        let of_vectors = |slice: &WeightSlice| match slice.transposed {
            true => some_rows(&right, slice.stored.cols.clone()),
            false => some_rows(&left, slice.stored.rows.clone()),
        };
        let (mut rows, mut data) = (0, Vec::new());
        for part in slices.iter().map(of_vectors) {
            rows += part.rows();
            data.extend_from_slice(part.data());
        }
        Ok(Some(FormWeights {
            left: of_stream(first),
            right: Matrix::new(rows, left.cols(), data),
        }))
    }
}

/// `a − b`.
fn less(a: &Matrix, b: &Matrix) -> Matrix {
    let numbers = a.data().iter().zip(b.data()).map(|(x, y)| x - y);
    Matrix::new(a.rows(), a.cols(), numbers.collect())
}

/// `[a, b]`, of as many rows each.
fn side_by_side(a: &Matrix, b: &Matrix) -> Matrix {
    let mut data = Vec::with_capacity(a.data().len() + b.data().len());
    for row in 0..a.rows() {
        data.extend_from_slice(a.row(row));
        data.extend_from_slice(b.row(row));
    }
    Matrix::new(a.rows(), a.cols() + b.cols(), data)
}

fn some_rows(matrix: &Matrix, rows: Range<usize>) -> Matrix {
    let some = rows.start * matrix.cols()..rows.end * matrix.cols();
    Matrix::new(rows.len(), matrix.cols(), matrix.data()[some].to_vec())
}
