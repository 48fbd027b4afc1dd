//! Streams a layer's keys or values in storage order, without transposing.

use rayon::prelude::*;

use crate::checkpoint::{CheckpointError, Matrix};

use super::Weights;
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
    /// Some coordinates of every vector, `[n, neurons]`, from coordinate `first` on.
    Coordinates { first: usize, rows: Matrix },
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
        let all = 0..self.spec().neurons;
        let slice = match dictionary {
            Dictionary::Keys(input) => self.key_slice(layer, all, input),
            Dictionary::Values => self.value_slice(layer, all),
        };
        let step = (CHUNK / slice.stored.cols.len().max(1)).max(1);
        let starts: Vec<usize> = slice.stored.rows.clone().step_by(step).collect();
        let read = |start: usize| {
            let rows = start..slice.stored.rows.end.min(start + step);
            let first = start - slice.stored.rows.start;
            let rows = self.source().version(
                self.version,
                &slice.stored.tensor,
                rows,
                slice.stored.cols.clone(),
            )?;
            Ok(look(match slice.transposed {
                true => RowChunk::Coordinates { first, rows },
                false => RowChunk::Whole { first, rows },
            }))
        };
        // Collected first, so that of several errors the same one is told every time.
        let found: Vec<Result<T, CheckpointError>> = starts.into_par_iter().map(read).collect();
        found.into_iter().collect()
    }
}
