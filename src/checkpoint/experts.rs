//! Experts' matrices as tensors of their own, also where a file holds those of all experts of a
//! layer in one: windows of it, under the names that each would have.

use super::family::{ExpertNames, FusedLayout};
use super::mixer_sizes::kernels_as_matrices;
use super::number::Dtype;
use super::quantised::FusedBlocks;
use super::quantised_matrix::QuantisedMatrix;
use super::tensor_entry::TensorEntry;
use super::tensors::Tensors;
use super::{Checkpoint, CheckpointError, Family, NeuronBlock, NeuronMap, StoredMap};

impl Checkpoint {
    /// Where a map of some of a layer's neurons lies; `None` of a gate where there is none.
    pub fn neuron_map(
        &self,
        layer: usize,
        block: NeuronBlock,
        map: NeuronMap,
    ) -> Option<StoredMap> {
        let family = self.family;
        let of_expert = |prefix: &str| {
            let name = format!("{prefix}{}", family.experts.as_ref()?.below(map)?);
            Some(StoredMap::of_expert(self.in_layer(layer, &name)))
        };
        match block {
            NeuronBlock::Dense => {
                let linear = match map {
                    NeuronMap::Gate => family.ff_gate.as_ref()?,
                    NeuronMap::In => &family.ff_in,
                    NeuronMap::Out => &family.ff_out,
                };
                Some(StoredMap::of(linear, self.in_layer(layer, linear.name)))
            }
            NeuronBlock::Expert(expert) => {
                let prefix = family.experts.as_ref()?.expert;
                of_expert(&prefix.replace("{}", &expert.to_string()))
            }
            NeuronBlock::Shared => {
                let shared = family.experts.as_ref()?.shared?;
                match (shared.fused, map) {
                    (None, _) => of_expert(shared.prefix),
                    (Some([inputs, _]), NeuronMap::Gate | NeuronMap::In) => {
                        Some(StoredMap::of_fused(self.in_layer(layer, inputs), map))
                    }
                    (Some([_, outputs]), NeuronMap::Out) => {
                        Some(StoredMap::of_expert(self.in_layer(layer, outputs)))
                    }
                }
            }
        }
    }
}

/// The same tensors, kernels of convolutions as matrices, and of each that holds all experts' matrices one for each expert.
///
/// # Errors
/// A file that holds both.
pub(super) fn apart(family: &Family, tensors: Tensors) -> Result<Tensors, CheckpointError> {
    let tensors = match family.kinds {
        Some(_) => kernels_as_matrices(tensors)?,
        None => tensors,
    };
    let Some(names) = &family.experts else {
        return Ok(tensors);
    };
    let mut tensors = tensors.mapped(|name, entry| {
        split(names, name, entry).unwrap_or_else(|| vec![(name.to_owned(), entry.clone())])
    })?;
    let inputs = [NeuronMap::Gate, NeuronMap::In];
    blocks_apart(&mut tensors, names, names.fused.inputs, &inputs);
    blocks_apart(&mut tensors, names, names.fused.outputs, &[NeuronMap::Out]);
    Ok(tensors)
}

/// The matrices of blocks of 4-bit floats, which hold gates and inputs in turn.
fn blocks_apart(tensors: &mut Tensors, names: &ExpertNames, ending: &str, maps: &[NeuronMap]) {
    let fused = tensors.names().filter_map(|name| {
        let before = name.strip_suffix("_blocks")?.strip_suffix(ending)?;
        let found = FusedBlocks::find(tensors, &format!("{before}{ending}"))?;
        Some((before.to_owned(), found))
    });
    let fused: Vec<(String, FusedBlocks)> = fused.collect();
    for (before, fused) in fused {
        for expert in 0..fused.experts {
            for (part, map) in maps.iter().enumerate() {
                let Some(below) = names.below(*map) else {
                    continue;
                };
                let prefix = names.expert.replace("{}", &expert.to_string());
                let scheme = fused.of_expert(expert, part, maps.len());
                let shape = scheme.shape().to_vec();
                let dtype = Dtype::Quantised(QuantisedMatrix::new(scheme));
                let matrix = TensorEntry::contiguous(dtype, shape, 0);
                let name = format!("{before}{prefix}{below}.weight");
                tensors.insert_beside(fused.name(), name, matrix);
            }
        }
    }
}

/// Gates or inputs of all experts, or outputs, one by one; `None` of any other tensor.
fn split(
    names: &ExpertNames,
    name: &str,
    entry: &TensorEntry,
) -> Option<Vec<(String, TensorEntry)>> {
    let fused = &names.fused;
    let of = |ending: &str| {
        let bias = format!("{}_bias", ending.trim_end_matches(".weight"));
        match (name.strip_suffix(ending), name.strip_suffix(bias.as_str())) {
            (Some(before), _) => Some((before, false)),
            (None, Some(before)) => Some((before, true)),
            (None, None) => None,
        }
    };
    let (before, is_bias, inputs) = match (of(fused.inputs), of(fused.outputs)) {
        (Some((before, is_bias)), _) => (before, is_bias, true),
        (None, Some((before, is_bias))) => (before, is_bias, false),
        (None, None) => return None,
    };
    let maps: &[NeuronMap] = match (inputs, names.ff_gate) {
        (true, Some(_)) => &[NeuronMap::Gate, NeuronMap::In],
        (true, None) => &[NeuronMap::In],
        (false, _) => &[NeuronMap::Out],
    };
    let expected = if is_bias { 2 } else { 3 };
    // Blocks of quantised numbers cannot be cut anywhere.
    if entry.shape.len() != expected || entry.dtype.block() != 1 {
        return None;
    }
    let mut found = Vec::new();
    for expert in 0..entry.shape[0] {
        for (part, map) in maps.iter().enumerate() {
            let below = names.below(*map)?;
            let prefix = names.expert.replace("{}", &expert.to_string());
            let kind = if is_bias { "bias" } else { "weight" };
            let own = format!("{before}{prefix}{below}.{kind}");
            found.push((own, window(fused.layout, entry, [expert, part, maps.len()])));
        }
    }
    Some(found)
}

/// The same, of a tensor that holds one expert's rows after another's.
pub(super) fn stacked(entry: &TensorEntry, which: [usize; 3]) -> TensorEntry {
    window(FusedLayout::Stacked, entry, which)
}

/// The matrix or bias of an expert, the `part`-th of `parts`.
fn window(
    layout: FusedLayout,
    entry: &TensorEntry,
    [expert, part, parts]: [usize; 3],
) -> TensorEntry {
    let mut own = entry.clone();
    let skipped = expert * entry.strides[0];
    own.shape.remove(0);
    own.strides.remove(0);
    let skipped = match layout {
        FusedLayout::Stacked => {
            own.shape[0] /= parts;
            skipped + part * own.shape[0] * own.strides[0]
        }
        FusedLayout::Interleaved => {
            // Outputs are the last axis; of a matrix they become the first.
            let last = own.shape.len() - 1;
            let step = own.strides[last];
            own.shape[last] /= parts;
            own.strides[last] *= parts;
            own.shape.reverse();
            own.strides.reverse();
            skipped + part * step
        }
    };
    own.offset += entry.dtype.span(skipped);
    own
}
