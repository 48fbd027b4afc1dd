//! Where the vectors of a layer's neurons lie: in one map, or in one of each expert.

use std::ops::Range;

use crate::checkpoint::{CheckpointError, Matrix, NeuronMap};
use crate::transformer::Input;

use super::{Axis, WeightSlice, Weights};

impl Weights {
    pub(super) fn key_slices(
        &self,
        layer: usize,
        neurons: Range<usize>,
        input: Input,
    ) -> Vec<WeightSlice> {
        self.neuron_slices(layer, neurons, self.key_map(input))
    }

    pub(super) fn value_slices(&self, layer: usize, neurons: Range<usize>) -> Vec<WeightSlice> {
        self.neuron_slices(layer, neurons, NeuronMap::Out)
    }

    /// The map of which a neuron's key is a row.
    pub(super) fn key_map(&self, input: Input) -> NeuronMap {
        match (input, &self.source().family().ff_gate) {
            (Input::Gate, Some(_)) => NeuronMap::Gate,
            (Input::Gate | Input::Up, _) => NeuronMap::In,
        }
    }

    /// Where the vectors of some neurons lie, expert after expert.
    fn neuron_slices(
        &self,
        layer: usize,
        neurons: Range<usize>,
        which: NeuronMap,
    ) -> Vec<WeightSlice> {
        let parts = self.spec().neuron_parts(layer);
        let axis = match which {
            NeuronMap::Gate | NeuronMap::In => Axis::Out,
            NeuronMap::Out => Axis::In,
        };
        let slices = parts.within(neurons).into_iter().filter_map(|part| {
            let map = self.source().neuron_map(layer, part.block, which)?;
            Some(self.slice(&map, axis, part.neurons))
        });
        slices.collect()
    }

    /// The vectors of several parts, one after another.
    pub(super) fn read_all(&self, slices: Vec<WeightSlice>) -> Result<Matrix, CheckpointError> {
        let mut parts = slices.into_iter().map(|slice| self.read(slice));
        let first = parts.next().transpose()?;
        let Some(first) = first else {
            return Ok(Matrix::new(0, self.spec().d_model, Vec::new()));
        };
        if parts.len() == 0 {
            return Ok(first);
        }
        let (mut rows, cols) = (first.rows(), first.cols());
        let mut data = first.into_data();
        for part in parts {
            let part = part?;
            rows += part.rows();
            data.extend_from_slice(part.data());
        }
        Ok(Matrix::new(rows, cols, data))
    }
}
