//! The maps of a layer's neurons, from the checkpoint to a device: of all, of the shared expert, or of
//! one that a token takes.

use crate::checkpoint::{NeuronBlock, NeuronMap, NeuronParts, StoredMap};

use super::ForwardError;
use super::feed_forward::{Experts, FeedForward, NeuronMaps};
use super::linear::Linear;
use super::loader::LayerLoader;

impl LayerLoader<'_> {
    /// The maps of some of a layer's neurons.
    pub(super) fn neurons(
        &self,
        layer: usize,
        block: NeuronBlock,
    ) -> Result<NeuronMaps, ForwardError> {
        let (checkpoint, spec) = (self.checkpoint, self.checkpoint.spec());
        let d = spec.d_model;
        let f = match spec.neuron_parts(layer) {
            NeuronParts::Experts(sizes) => sizes.size(block),
            parts @ (NeuronParts::Dense(_) | NeuronParts::Without(_)) => parts.count(),
        };
        let map = |which, sizes| {
            let map = checkpoint.neuron_map(layer, block, which);
            map.map(|map| self.plain(&map, sizes)).transpose()
        };
        let needed =
            |found: Option<Linear>| found.ok_or_else(|| super::unknown(checkpoint.family()));
        Ok(NeuronMaps {
            gate: map(NeuronMap::Gate, [d, f])?,
            input: needed(map(NeuronMap::In, [d, f])?)?,
            out: match checkpoint.neuron_map(layer, block, NeuronMap::Out) {
                Some(map) => self.written(&map, [f, d])?,
                None => return Err(super::unknown(checkpoint.family())),
            },
        })
    }

    /// The feed-forward part of a layer.
    pub(super) fn feed_forward(&self, layer: usize) -> Result<FeedForward, ForwardError> {
        let (checkpoint, d) = (self.checkpoint, self.checkpoint.spec().d_model);
        let names = checkpoint.family().experts.as_ref();
        let (Some(names), Some(sizes), Some(routing)) = (
            names,
            checkpoint.spec().experts(layer),
            self.choices.routing,
        ) else {
            return self
                .neurons(layer, NeuronBlock::Dense)
                .map(FeedForward::Dense);
        };
        let of_layer = |name: &str| StoredMap::of_expert(checkpoint.in_layer(layer, name));
        let correction = names
            .correction
            .map(|name| checkpoint.in_layer(layer, name));
        let correction = correction.map(|name| checkpoint.vector(&[name], sizes.experts));
        let shared = names.shared.filter(|_| sizes.shared > 0);
        let shared_gate = shared.and_then(|shared| shared.gate);
        Ok(FeedForward::Experts(Box::new(Experts {
            sizes,
            routing,
            router: self.plain(&of_layer(names.router), [d, sizes.experts])?,
            correction: correction.transpose()?,
            shared: match shared {
                Some(_) => Some(self.neurons(layer, NeuronBlock::Shared)?),
                None => None,
            },
            shared_gate: match shared_gate {
                Some(gate) => Some(self.plain(&of_layer(gate), [d, 1])?),
                None => None,
            },
        })))
    }
}
