//! One layer: its weights, read when its turn comes, and what it makes of the states.

use std::ops::Range;

use candle_core::{Device, Tensor};

use crate::checkpoint::{Checkpoint, CheckpointError, Layout, Linear as Map, NormPlacement, Pass};

use super::activation::Activation;
use super::attention::Heads;
use super::ops::{Linear, Norm, add_to};
use super::{ForwardError, Site};

/// A layer's weights on a device.
pub(super) struct Layer {
    placement: NormPlacement,
    attention_norm: Norm,
    query: Linear,
    key: Linear,
    value: Linear,
    attention_out: Linear,
    ff_norm: Norm,
    ff_in: Linear,
    ff_out: Linear,
    heads: Heads,
    activation: Activation,
}

/// Where weights are read from, and taken to.
#[derive(Clone, Copy)]
pub(super) struct From<'a> {
    pub checkpoint: &'a Checkpoint,
    pub pass: &'static Pass,
    pub device: &'a Device,
}

impl From<'_> {
    /// A norm by its full name without `.weight`; old files say gamma and beta.
    pub(super) fn norm(&self, name: &str, epsilon: f64) -> Result<Norm, ForwardError> {
        let width = self.checkpoint.spec().width;
        let read = |now: &str, once: &str| {
            let names = [format!("{name}.{now}"), format!("{name}.{once}")];
            self.vector(&names, width, 0..width)
        };
        Ok(Norm {
            weight: read("weight", "gamma")?,
            bias: read("bias", "beta")?,
            epsilon: epsilon as f32,
        })
    }

    fn vector(
        &self,
        names: &[String],
        len: usize,
        part: Range<usize>,
    ) -> Result<Tensor, ForwardError> {
        let numbers = self.checkpoint.vector(names, len)?;
        Ok(Tensor::from_slice(
            &numbers[part.clone()],
            part.len(),
            self.device,
        )?)
    }

    fn linear(
        &self,
        layer: usize,
        map: &Map,
        [inputs, outputs]: [usize; 2],
    ) -> Result<Linear, ForwardError> {
        let name = self.checkpoint.linear(layer, map);
        let part = map.part.0 * outputs..(map.part.0 + 1) * outputs;
        let read =
            |rows, cols| -> Result<_, CheckpointError> { self.checkpoint.block(&name, rows, cols) };
        let matrix = match map.layout {
            Layout::OutIn => read(part.clone(), 0..inputs)?,
            Layout::InOut => read(0..inputs, part.clone())?,
        };
        let shape = (matrix.rows(), matrix.cols());
        let weight = Tensor::from_vec(matrix.into_data(), shape, self.device)?;
        let bias = [format!(
            "{}.bias",
            self.checkpoint.in_layer(layer, map.name)
        )];
        Ok(Linear {
            weight: match map.layout {
                Layout::OutIn => weight.t()?,
                Layout::InOut => weight,
            },
            bias: self.vector(&bias, outputs * map.part.1, part)?,
        })
    }

    /// Reads a layer, if the family's pass and the configuration are known here.
    pub(super) fn layer(
        &self,
        layer: usize,
        activation: Activation,
    ) -> Result<Layer, ForwardError> {
        let (family, spec) = (self.checkpoint.family(), self.checkpoint.spec());
        let (d, f, a) = (spec.width, spec.neurons, spec.heads * spec.head_width);
        let choices = self
            .checkpoint
            .pass()
            .ok_or_else(|| super::unknown(family))?;
        let norm = |name| {
            let name = self.checkpoint.in_layer(layer, name);
            self.norm(&name, choices.norm_epsilon)
        };
        let mut scale = 1.0;
        if choices.scale_scores {
            scale /= (spec.head_width as f32).sqrt();
        }
        if choices.scale_by_layer {
            scale /= (layer + 1) as f32;
        }
        Ok(Layer {
            placement: family.norm,
            attention_norm: norm(self.pass.attention_norm)?,
            query: self.linear(layer, &family.query, [d, a])?,
            key: self.linear(layer, &family.key, [d, a])?,
            value: self.linear(layer, &family.value, [d, a])?,
            attention_out: self.linear(layer, &family.attention_out, [a, d])?,
            ff_norm: norm(self.pass.ff_norm)?,
            ff_in: self.linear(layer, &family.ff_in, [d, f])?,
            ff_out: self.linear(layer, &family.ff_out, [f, d])?,
            heads: Heads {
                heads: spec.heads,
                head_width: spec.head_width,
                causal: choices.causal,
                scale,
            },
            activation,
        })
    }
}

/// Takes a tensor of a site; for attention, that of the text of this number in the chunk.
type See<'a> = &'a mut dyn FnMut(Site, Option<usize>, &Tensor) -> Result<(), ForwardError>;

/// Who looks on while a layer runs.
pub(super) struct Onlooker<'a> {
    pub sites: &'a [Site],
    pub wanted: &'a (dyn Fn() -> bool + Sync),
    pub see: See<'a>,
}

impl Layer {
    /// The states after the layer, both `[rows, width]`; `None` if it was called off.
    pub(super) fn run(
        &self,
        x: &Tensor,
        texts: &[Range<usize>],
        onlooker: &mut Onlooker<'_>,
    ) -> Result<Option<Tensor>, ForwardError> {
        let pre = self.placement == NormPlacement::Pre;
        let read = if pre { &self.attention_norm.of(x)? } else { x };
        let mut qkv = Vec::with_capacity(3);
        for map in [&self.query, &self.key, &self.value] {
            if !(onlooker.wanted)() {
                return Ok(None);
            }
            qkv.push(map.of(read, Activation::Linear)?);
        }
        let keep = onlooker.sites.contains(&Site::Attention);
        let attended = self
            .heads
            .attend([&qkv[0], &qkv[1], &qkv[2]], texts, keep)?;
        drop(qkv);
        for (text, probabilities) in attended.probabilities.iter().enumerate() {
            (onlooker.see)(Site::Attention, Some(text), probabilities)?;
        }
        let written = self.attention_out.of(&attended.read, Activation::Linear)?;
        let mut x = add_to(written, x)?;
        if !pre {
            x = self.attention_norm.of(&x)?;
        }
        if !(onlooker.wanted)() {
            return Ok(None);
        }
        let read = if pre { &self.ff_norm.of(&x)? } else { &x };
        let activations = self.ff_in.of(read, self.activation)?;
        if onlooker.sites.contains(&Site::Activations) {
            (onlooker.see)(Site::Activations, None, &activations)?;
        }
        if !(onlooker.wanted)() {
            return Ok(None);
        }
        let x = add_to(self.ff_out.of(&activations, Activation::Linear)?, &x)?;
        Ok(Some(if pre { x } else { self.ff_norm.of(&x)? }))
    }
}
