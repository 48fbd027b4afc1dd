//! All keys or values of a layer piece by piece, as the file lays them out: for whoever looks at
//! every number once and needs no copy turned round.

use rayon::prelude::*;

use crate::checkpoint::{CheckpointError, Matrix};

use super::Weights;
use crate::transformer::Input;

/// Numbers of a piece: what a core's own cache holds once they are f32.
const PIECE: usize = 1 << 18;

/// Which vectors of a layer's neurons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vectors {
    /// Of gated ones those that the input says.
    Keys(Input),
    Values,
}

/// A piece of a layer's vectors.
#[derive(Debug)]
pub enum Piece {
    /// Whole vectors, `[n, width]`, from neuron `first` on.
    Whole { first: usize, rows: Matrix },
    /// Some coordinates of every vector, `[n, neurons]`, from coordinate `first` on.
    Coordinates { first: usize, rows: Matrix },
}

impl Weights {
    /// What `look` makes of each piece of a layer's keys or values, in their order; on all
    /// threads.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn pieces<T: Send>(
        &self,
        layer: usize,
        vectors: Vectors,
        look: impl Fn(Piece) -> T + Sync,
    ) -> Result<Vec<T>, CheckpointError> {
        let all = 0..self.spec().neurons;
        let part = match vectors {
            Vectors::Keys(input) => self.key_part(layer, all, input),
            Vectors::Values => self.value_part(layer, all),
        };
        let step = (PIECE / part.place.cols.len().max(1)).max(1);
        let starts: Vec<usize> = part.place.rows.clone().step_by(step).collect();
        let read = |start: usize| {
            let rows = start..part.place.rows.end.min(start + step);
            let first = start - part.place.rows.start;
            let rows = self
                .checkpoint
                .block(&part.place.tensor, rows, part.place.cols.clone())?;
            Ok(look(match part.turned {
                true => Piece::Coordinates { first, rows },
                false => Piece::Whole { first, rows },
            }))
        };
        // Collected first, so that of several errors the same one is told every time.
        let found: Vec<Result<T, CheckpointError>> = starts.into_par_iter().map(read).collect();
        found.into_iter().collect()
    }
}
