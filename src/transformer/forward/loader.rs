//! Weights of the forward pass, from the checkpoint to a device: whichever way they are stored,
//! maps become `[in, out]`, and parts of fused ones maps of their own.

use std::collections::BTreeSet;
use std::ops::Range;

use candle_core::{Device, Tensor};

use crate::checkpoint::{
    AttentionInput, Checkpoint, FamilyForward, ForwardSpec, HeadMapAt, HeadParts, Layout,
    NeuronMap, Split, StoredMap, TransformNames,
};

use super::super::norms::{self, NormWeights};
use super::ForwardError;
use super::activation::{Activation, LearnedXielu};
use super::feed_forward::NeuronFunction;
use super::head::{HeadTransform, LogitHead};
use super::layer::Layer;
use super::linear::Linear;
use super::ops::Norm;

/// Where weights are read from, and taken to.
#[derive(Clone, Copy)]
pub(super) struct LayerLoader<'a> {
    pub checkpoint: &'a Checkpoint,
    pub forward: &'static FamilyForward,
    pub choices: &'a ForwardSpec,
    pub device: &'a Device,
}

impl LayerLoader<'_> {
    /// Whether everything is there that a run needs beside the maps, which opening looked for:
    /// norms and biases.
    ///
    /// # Errors
    /// What is not.
    pub(super) fn check(&self) -> Result<(), ForwardError> {
        let (checkpoint, forward) = (self.checkpoint, self.forward);
        let (family, spec) = (checkpoint.family(), checkpoint.spec());
        let below = [forward.embedding_norm, self.choices.final_norm];
        for name in below.into_iter().flatten() {
            norms::check(checkpoint, &[checkpoint.full(name)])?;
        }
        if let Some(name) = forward.token_types {
            checkpoint.require(&[checkpoint.full(name)])?;
        }
        let maps = [
            &family.query,
            &family.key,
            &family.value,
            &family.attention_out,
        ];
        let run: BTreeSet<usize> = spec.passes.iter().copied().collect();
        for layer in run {
            let named = |names: &[&str]| -> Vec<String> {
                names
                    .iter()
                    .map(|name| checkpoint.in_layer(layer, name))
                    .collect()
            };
            if !(forward.first_bare && layer == 0) {
                norms::check(checkpoint, &named(forward.attention_norm))?;
            }
            if !self.choices.parallel {
                norms::check(checkpoint, &named(forward.ff_norm))?;
            }
            for name in forward.post_norms.into_iter().flatten() {
                norms::check(checkpoint, &named(&[name]))?;
            }
            let heads = spec.heads_in(layer) > 0;
            for name in checkpoint.qk_norm().into_iter().flatten().filter(|_| heads) {
                norms::head_norm(checkpoint, layer, name, 0)?;
            }
            for map in maps.into_iter().filter(|map| heads && map.biased) {
                let bias = format!("{}.bias", checkpoint.in_layer(layer, map.name));
                checkpoint.require(&[bias])?;
            }
            let blocks = spec.neuron_parts(layer).blocks().into_iter();
            for (block, which) in blocks.flat_map(|(block, _)| NeuronMap::ALL.map(|w| (block, w))) {
                let map = checkpoint.neuron_map(layer, block, which);
                if let Some(map) = map.filter(|map| map.biased) {
                    checkpoint.require(&[format!("{}.bias", map.name)])?;
                }
            }
        }
        Ok(())
    }

    /// A norm of the model, below its prefix.
    pub(super) fn norm_below(&self, name: &str) -> Result<Norm, ForwardError> {
        let d_model = self.checkpoint.spec().d_model;
        self.norm(&self.checkpoint.full(name), d_model)
    }

    /// A norm by its full name.
    pub(super) fn norm(&self, name: &str, width: usize) -> Result<Norm, ForwardError> {
        self.taken(norms::norm(self.checkpoint, name, width)?)
    }

    /// See [`norms::layer_norm`].
    fn layer_norm(
        &self,
        layer: usize,
        names: &[&str],
        needed: bool,
    ) -> Result<Option<Norm>, ForwardError> {
        let found = norms::layer_norm(self.checkpoint, layer, names, needed)?;
        found.map(|norm| self.taken(norm)).transpose()
    }

    /// A norm on the device.
    pub(super) fn taken(&self, norm: NormWeights) -> Result<Norm, ForwardError> {
        let width = norm.gain.len();
        let tensor = |numbers: Vec<f32>| Tensor::from_vec(numbers, width, self.device);
        Ok(Norm {
            weight: tensor(norm.gain)?,
            bias: norm.bias.map(tensor).transpose()?,
            epsilon: self.choices.norm_epsilon as f32,
        })
    }

    /// A linear map of which `channels` are the outputs, of a tensor with `all` of them.
    pub(super) fn linear(
        &self,
        map: &StoredMap,
        inputs: usize,
        (channels, all): (&[Range<usize>], usize),
    ) -> Result<Linear, ForwardError> {
        let name = format!("{}.weight", map.name);
        let block = |channels: &Range<usize>| match map.layout {
            Layout::OutIn => self.checkpoint.block(&name, channels.clone(), 0..inputs),
            Layout::InOut => self.checkpoint.block(&name, 0..inputs, channels.clone()),
        };
        let outputs = channels.iter().map(Range::len).sum();
        let weight = match (channels, map.layout) {
            ([one], Layout::InOut) => {
                Tensor::from_vec(block(one)?.into_data(), (inputs, outputs), self.device)?
            }
            _ => {
                let mut rows = Vec::with_capacity(outputs * inputs);
                for channels in channels {
                    let block = block(channels)?;
                    match map.layout {
                        Layout::OutIn if rows.is_empty() => rows = block.into_data(),
                        Layout::OutIn => rows.extend_from_slice(block.data()),
                        Layout::InOut => rows.extend(block.transposed().into_data()),
                    }
                }
                Tensor::from_vec(rows, (outputs, inputs), self.device)?.t()?
            }
        };
        let bias = format!("{}.bias", map.name);
        let bias = if map.biased || self.checkpoint.holds(&bias) {
            let whole = self.checkpoint.vector(&[bias], all)?;
            let own = channels.iter().flat_map(|own| &whole[own.clone()]);
            own.copied().collect()
        } else {
            vec![0.0; outputs]
        };
        Ok(Linear {
            weight,
            bias: Tensor::from_vec(bias, outputs, self.device)?,
        })
    }

    /// Queries, keys or values of all heads.
    pub(super) fn of_heads(
        &self,
        layer: usize,
        role: AttentionInput,
    ) -> Result<Linear, ForwardError> {
        let sizes = self.checkpoint.spec().head_sizes(layer);
        let HeadMapAt { layer, linear } = self.checkpoint.head_map(layer, role);
        let step = match role {
            AttentionInput::Query => 1,
            AttentionInput::Key | AttentionInput::Value => sizes.queries_per_kv_head().max(1),
        };
        let mut channels: Vec<Range<usize>> = Vec::new();
        for head in (0..sizes.heads).step_by(step) {
            let own = sizes.head_outputs(linear.split, role, head);
            match channels.last_mut() {
                Some(last) if last.end == own.start => last.end = own.end,
                _ => channels.push(own),
            }
        }
        let own = sizes.heads / step * sizes.d_head;
        let all = sizes.outputs(linear.split, own);
        let map = StoredMap::of(linear, self.checkpoint.in_layer(layer, linear.name));
        let d_model = self.checkpoint.spec().d_model;
        let whole = self.linear(&map, d_model, (&channels, all))?;
        let Some(apart) = linear.bias else {
            return Ok(whole);
        };
        let apart = self.checkpoint.in_layer(layer, apart);
        let bias = self.checkpoint.vector(&[apart], own)?;
        Ok(Linear {
            bias: Tensor::from_vec(bias, own, self.device)?,
            ..whole
        })
    }

    /// A map to `outputs` that is whole, or one of equal parts.
    pub(super) fn plain(
        &self,
        map: &StoredMap,
        [inputs, outputs]: [usize; 2],
    ) -> Result<Linear, ForwardError> {
        let (at, all) = match map.split {
            Split::Part(i, n) => (i * outputs, n * outputs),
            Split::Whole | Split::Stacked | Split::Grouped | Split::Gated | Split::Runs(_) => {
                (0, outputs)
            }
        };
        let own = at..at + outputs;
        self.linear(map, inputs, (std::slice::from_ref(&own), all))
    }

    /// A map to the residual stream, with what is written multiplied as the model does it.
    pub(super) fn written(
        &self,
        map: &StoredMap,
        sizes: [usize; 2],
    ) -> Result<Linear, ForwardError> {
        let map = self.plain(map, sizes)?;
        match self.choices.written_scale {
            1.0 => Ok(map),
            scale => Ok(Linear {
                weight: (map.weight * scale)?,
                bias: (map.bias * scale)?,
            }),
        }
    }

    /// Reads a layer.
    pub(super) fn layer(
        &self,
        layer: usize,
        function: NeuronFunction,
    ) -> Result<Layer, ForwardError> {
        let spec = self.checkpoint.spec();
        let (forward, choices) = (self.forward, self.choices);
        let named = |name: &str| self.norm(&self.checkpoint.in_layer(layer, name), spec.d_model);
        let post_norms = match forward.post_norms {
            Some([attention, feed_forward]) => Some([named(attention)?, named(feed_forward)?]),
            None => None,
        };
        let bare = forward.first_bare && layer == 0;
        let function = self.learned(layer, function)?;
        let (attention, mixer) = match spec.parts.get(layer).map(|parts| parts.heads) {
            Some(HeadParts::Without(mixer)) => {
                (None, self.mixer(layer, mixer, function.activation)?)
            }
            Some(HeadParts::Heads(_)) | None => (Some(self.attention(layer)?), None),
        };
        let neurons = spec.neurons_in(layer) > 0;
        Ok(Layer {
            placement: spec.norm,
            parallel: choices.parallel,
            attention_norm: self.layer_norm(layer, forward.attention_norm, !bare)?,
            attention,
            mixer,
            ff_norm: self.layer_norm(layer, forward.ff_norm, !choices.parallel)?,
            post_norms,
            feed_forward: match neurons {
                true => Some(self.feed_forward(layer)?),
                false => None,
            },
            function,
        })
    }

    /// The function of a layer's neurons, with its learned numbers if it has any.
    fn learned(
        &self,
        layer: usize,
        function: NeuronFunction,
    ) -> Result<NeuronFunction, ForwardError> {
        let (Some(names), Activation::Xielu(_)) =
            (self.forward.learned_activation, function.activation)
        else {
            return Ok(function);
        };
        let number = |name: &str| -> Result<f32, ForwardError> {
            let name = self.checkpoint.in_layer(layer, name);
            Ok(self.checkpoint.vector(&[name], 1)?[0])
        };
        let numbers = LearnedXielu::new(number(names[0])?, number(names[1])?);
        Ok(NeuronFunction {
            activation: Activation::Xielu(numbers),
            ..function
        })
    }

    /// The final norm, and what else lies between the last state and the logits.
    ///
    /// # Errors
    /// A masked-language-model head that the file does not hold.
    pub(super) fn head(&self) -> Result<LogitHead, ForwardError> {
        if self.checkpoint.family().two_stacks.is_some() {
            return Err(ForwardError::EncoderAlone);
        }
        let (checkpoint, choices) = (self.checkpoint, self.choices);
        let names = &checkpoint.family().head;
        let norm = choices.final_norm.map(|name| self.norm_below(name));
        let there = |name: &&&str| checkpoint.holds(name);
        let bias = match names.bias.iter().find(there) {
            Some(name) => Some(checkpoint.vector(&[(*name).to_owned()], checkpoint.spec().vocab)?),
            None => None,
        };
        let transform = names.transform.as_ref().map(|names| self.transform(names));
        Ok(LogitHead {
            norm: norm.transpose()?,
            transform: transform.transpose()?,
            bias,
            softcap: choices.logit_softcap.map(|cap| cap as f32),
            scale: choices.logit_scale,
        })
    }

    fn transform(&self, names: &TransformNames) -> Result<HeadTransform, ForwardError> {
        let (checkpoint, spec) = (self.checkpoint, self.checkpoint.spec());
        let width = spec.embedding_width;
        let weight = format!("{}.weight", names.dense);
        if !checkpoint.holds(&weight) {
            return Err(ForwardError::NoHead { tensor: weight });
        }
        Ok(HeadTransform {
            dense: self.embedding_map(names.dense, [spec.d_model, width])?,
            activation: Activation::named(&self.choices.head_activation)?,
            norm: self.norm(names.norm, width)?,
        })
    }

    /// A map beside the layers by its full name, `[outputs, inputs]`, with its bias if it has one.
    pub(super) fn embedding_map(
        &self,
        name: &str,
        [inputs, outputs]: [usize; 2],
    ) -> Result<Linear, ForwardError> {
        let checkpoint = self.checkpoint;
        let bias = format!("{name}.bias");
        let bias = match checkpoint.holds(&bias) {
            true => checkpoint.vector(&[bias], outputs)?,
            false => vec![0.0; outputs],
        };
        let rows = checkpoint.block(&format!("{name}.weight"), 0..outputs, 0..inputs)?;
        Ok(Linear {
            weight: Tensor::from_vec(rows.into_data(), (outputs, inputs), self.device)?.t()?,
            bias: Tensor::from_vec(bias, outputs, self.device)?,
        })
    }
}
