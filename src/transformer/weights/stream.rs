//! Streams a layer's keys or values in storage order, without transposing.

use std::ops::Range;

use rayon::prelude::*;

use crate::checkpoint::{CheckpointError, Matrix, TensorSlice};

use super::{WeightSlice, Weights};
use crate::transformer::Input;

/// Numbers of a chunk: what a core's own cache holds once they are f32.
const CHUNK: usize = 1 << 18;

/// Which dictionary of directions of a layer's neurons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dictionary {
    /// What neurons read with; of gated ones the input says which.
    Keys(Input),
    /// What neurons write.
    Values,
}

/// A chunk of a layer's dictionary, as it is stored.
#[derive(Debug)]
pub enum RowChunk {
    /// Whole vectors, `[n, d_model]`, from neuron `first` on.
    Whole { first: usize, rows: Matrix },
    /// Some coordinates of the vectors of neurons from `neuron` on, `[n, neurons]`, from coordinate
    /// `first` on.
    Coordinates {
        neuron: usize,
        first: usize,
        rows: Matrix,
    },
}

impl Weights {
    /// What `look` makes of each chunk of a layer's keys or values, in their order; on all threads.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn stream<T: Send>(
        &self,
        layer: usize,
        dictionary: Dictionary,
        look: impl Fn(RowChunk) -> T + Sync,
    ) -> Result<Vec<T>, CheckpointError> {
        let all = 0..self.spec().neurons_in(layer);
        let slices = match dictionary {
            Dictionary::Keys(input) => self.key_slices(layer, all, input),
            Dictionary::Values => self.value_slices(layer, all),
        };
        let mut chunks = Vec::new();
        let mut neuron = 0;
        for slice in &slices {
            let TensorSlice { rows, cols, .. } = &slice.stored;
            let step = (CHUNK / cols.len().max(1)).max(1);
            let starts = rows.clone().step_by(step);
            chunks.extend(starts.map(|start| (slice, neuron, start..rows.end.min(start + step))));
            neuron += match slice.transposed {
                true => cols.len(),
                false => rows.len(),
            };
        }
        let read = |(slice, neuron, rows): (&WeightSlice, usize, Range<usize>)| {
            let TensorSlice { tensor, cols, .. } = &slice.stored;
            let first = rows.start - slice.stored.rows.start;
            let rows = self
                .source()
                .version(self.version, tensor, rows, cols.clone())?;
            Ok(look(match slice.transposed {
                true => RowChunk::Coordinates {
                    neuron,
                    first,
                    rows,
                },
                false => RowChunk::Whole {
                    first: neuron + first,
                    rows,
                },
            }))
        };
        // Collected first, so that of several errors the same one is told every time.
        let found: Vec<Result<T, CheckpointError>> = chunks.into_par_iter().map(read).collect();
        found.into_iter().collect()
    }
}
