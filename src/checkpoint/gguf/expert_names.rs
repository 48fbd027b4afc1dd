//! Experts' matrices in a GGUF file, which holds those of all experts of a layer in one tensor each,
//! under the names that each would have in the family's own checkpoints.

use super::super::error::DescribedBy;
use super::super::experts;
use super::super::family::{ExpertNames, NeuronMap};
use super::super::tensor_entry::TensorEntry;
use super::super::tensors::Tensors;
use super::super::{CheckpointError, ExpertSizes};
use super::names::{Named, Names, Stored, half, in_layer};

/// The maps that a tensor of all experts holds, in the order of their rows.
fn fused(tensor: &str) -> Option<&'static [NeuronMap]> {
    match tensor {
        "ffn_gate_exps" => Some(&[NeuronMap::Gate]),
        "ffn_up_exps" => Some(&[NeuronMap::In]),
        "ffn_down_exps" => Some(&[NeuronMap::Out]),
        "ffn_gate_up_exps" => Some(&[NeuronMap::Gate, NeuronMap::In]),
        _ => None,
    }
}

/// The map of an expert that has a tensor to itself.
fn own(map: &str) -> Option<NeuronMap> {
    match map {
        "ffn_gate" => Some(NeuronMap::Gate),
        "ffn_up" => Some(NeuronMap::In),
        "ffn_down" => Some(NeuronMap::Out),
        _ => None,
    }
}

impl Names<'_> {
    /// That every tensor of all experts of a layer has the shape that the keys give it.
    ///
    /// # Errors
    /// The first that has not.
    pub(super) fn check_experts(&self, tensors: &Tensors) -> Result<(), CheckpointError> {
        for name in tensors.names() {
            let below = name.rsplit_once('.').and_then(|(tensor, part)| {
                let (layer, tensor) = in_layer(tensor)?;
                Some((layer?, tensor, part))
            });
            let Some((layer, tensor, part @ ("weight" | "bias"))) = below else {
                continue;
            };
            let (Some(maps), Some(sizes)) = (fused(tensor), self.spec.experts(layer)) else {
                continue;
            };
            let expected = self.fused_shape(sizes, maps, part);
            if let Some((entry, file)) = tensors.get(name)
                && entry.shape != expected
            {
                return Err(CheckpointError::Shape {
                    tensor: name.to_owned(),
                    file: file.to_owned(),
                    expected,
                    described_by: DescribedBy::Header,
                    got: entry.shape.clone(),
                });
            }
        }
        Ok(())
    }

    fn fused_shape(&self, sizes: ExpertSizes, maps: &[NeuronMap], part: &str) -> Vec<usize> {
        let d_model = self.spec.d_model;
        let [outputs, inputs] = match maps {
            [NeuronMap::Out] => [d_model, sizes.each],
            maps => [maps.len() * sizes.each, d_model],
        };
        match part {
            "bias" => vec![sizes.experts, outputs],
            _ => vec![sizes.experts, outputs, inputs],
        }
    }

    /// Of what concerns experts, the names below the layer; `None` of anything else.
    pub(super) fn of_experts(
        &self,
        layer: usize,
        stored: Stored<'_>,
        entry: &TensorEntry,
    ) -> Option<Vec<Named>> {
        let names = self.family.experts.as_ref()?;
        let sizes = self.spec.experts(layer)?;
        let one = |name: Option<String>| -> Vec<Named> {
            name.map(|name| (name, entry.clone())).into_iter().collect()
        };
        if let Some(maps) = fused(stored.tensor) {
            return Some(each(names, sizes, maps, stored, entry));
        }
        Some(match stored.tensor {
            "ffn_gate_inp" => one(Some(stored.under(names.router))),
            "exp_probs_b" => one(names.correction.map(str::to_owned)),
            "ffn_gate_inp_shexp" => {
                let gate = names.shared.and_then(|shared| shared.gate);
                let named = one(gate.map(|gate| stored.under(gate)));
                named.into_iter().map(as_one_row).collect()
            }
            tensor => {
                if let Some((tensor, map)) = tensor
                    .strip_suffix("_shexp")
                    .and_then(|tensor| Some((tensor, own(tensor)?)))
                {
                    if let Some([inputs, outputs]) = names.shared.and_then(|shared| shared.fused) {
                        let below = half(inputs, tensor).unwrap_or_else(|| outputs.to_owned());
                        return Some(one(Some(stored.under(&below))));
                    }
                    let below = names.shared.zip(names.below(map));
                    return Some(one(below.map(|(shared, below)| {
                        stored.under(&format!("{}{below}", shared.prefix))
                    })));
                }
                // Files of 2023 have a tensor for each expert: `ffn_up.3`.
                let (map, expert) = tensor.rsplit_once('.')?;
                let (below, expert) = (names.below(own(map)?)?, expert.parse::<usize>().ok()?);
                one(Some(of_expert(names, expert, below, stored)))
            }
        })
    }
}

/// The same part of an expert's map.
fn of_expert(names: &ExpertNames, expert: usize, below: &str, stored: Stored<'_>) -> String {
    let prefix = names.expert.replace("{}", &expert.to_string());
    stored.under(&format!("{prefix}{below}"))
}

/// The matrices or biases of each expert, whose shape was checked.
fn each(
    names: &ExpertNames,
    sizes: ExpertSizes,
    maps: &[NeuronMap],
    stored: Stored<'_>,
    entry: &TensorEntry,
) -> Vec<Named> {
    if entry.shape.first() != Some(&sizes.experts) || entry.shape.len() < 2 {
        return Vec::new();
    }
    let mut found = Vec::new();
    for expert in 0..sizes.experts {
        for (part, map) in maps.iter().enumerate() {
            if let Some(below) = names.below(*map) {
                let window = experts::stacked(entry, [expert, part, maps.len()]);
                found.push((of_expert(names, expert, below, stored), window));
            }
        }
    }
    found
}

/// A row of numbers as a matrix of one row.
fn as_one_row((name, mut entry): Named) -> Named {
    if let &[width] = &entry.shape[..] {
        entry.shape.insert(0, 1);
        entry.strides.insert(0, width);
    }
    (name, entry)
}
