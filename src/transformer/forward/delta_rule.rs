//! Linear attention by the gated delta rule (Yang et al. 2024, arXiv 2412.06464), as Qwen3-Next and
//! Qwen3.5 have it. Of each head a state S, `[d_key, d_value]`, is kept: at every position
//! S ← e^g·S, then S ← S + k(β(v − Sᵀk))ᵀ, and Sᵀq is read.

use std::ops::Range;

use candle_core::Tensor;

use crate::checkpoint::{DeltaSizes, StoredMap};
use crate::task::CancelToken;

use super::ForwardError;
use super::activation::Activation;
use super::linear::Linear;
use super::loader::LayerLoader;
use super::mixer::{CausalConvolution, MixerHeads, TokenMixer, silu, softplus};
use super::ops::with_numbers;

/// What is under the root of a query's or key's length.
const EPSILON: f32 = 1e-6;

pub(super) struct DeltaRule {
    sizes: DeltaSizes,
    /// To all heads' queries, keys and values, one after another.
    inputs: Linear,
    /// To what the heads' outputs are gated with, `[values]`.
    gate: Linear,
    /// To what β is the sigmoid of, `[value_heads]`.
    strength: Linear,
    /// To the length of a step, `[value_heads]`.
    step: Linear,
    step_bias: Vec<f32>,
    /// How fast a head's state falls, by the length of a step.
    decay: Vec<f32>,
    convolution: CausalConvolution,
    activation: Activation,
    /// Of the norm of a head's output, `[d_value]`.
    gain: Vec<f32>,
    epsilon: f32,
    out: Linear,
}

/// What the maps and the convolution make of all rows.
struct Inputs<'a> {
    /// `[rows, channels]`.
    mixed: &'a [f32],
    /// `[rows, value_heads]` each.
    strength: &'a [f32],
    step: &'a [f32],
}

impl DeltaRule {
    pub(super) fn load(
        loader: &LayerLoader<'_>,
        layer: usize,
        sizes: DeltaSizes,
        activation: Activation,
    ) -> Result<Self, ForwardError> {
        let d = loader.checkpoint.spec().d_model;
        let DeltaSizes {
            value_heads,
            d_value,
            ..
        } = sizes;
        let holds = |name: &str| {
            let name = format!("{}.weight", loader.of_mixer(layer, name));
            loader.checkpoint.holds(&name)
        };
        let map = |name: &str, outputs| loader.mixer_map(layer, name, [d, outputs]);
        let [inputs, gate] = match holds("in_proj_qkvz") {
            true => Self::grouped_values(loader, layer, sizes)?,
            false => [
                map("in_proj_qkv", sizes.channels())?,
                map("in_proj_z", sizes.values())?,
            ],
        };
        let [strength, step] = match holds("in_proj_ba") {
            true => Self::grouped_steps(loader, layer, sizes)?,
            false => [
                map("in_proj_b", value_heads)?,
                map("in_proj_a", value_heads)?,
            ],
        };
        Ok(Self {
            sizes,
            inputs,
            gate,
            strength,
            step,
            step_bias: loader.mixer_vector(layer, "dt_bias", value_heads)?,
            decay: loader.decay(layer, value_heads)?,
            convolution: loader.convolution(layer, "conv1d", [sizes.channels(), sizes.kernel])?,
            activation,
            gain: loader.mixer_vector(layer, "norm.weight", d_value)?,
            epsilon: loader.choices.norm_epsilon as f32,
            out: loader.mixer_output(layer, sizes.values())?,
        })
    }

    /// Inputs and gates of a file that holds them in one map, key head after key head.
    fn grouped_values(
        loader: &LayerLoader<'_>,
        layer: usize,
        sizes: DeltaSizes,
    ) -> Result<[Linear; 2], ForwardError> {
        let (key, value) = (sizes.d_key, sizes.shared() * sizes.d_value);
        let each = 2 * (key + value);
        let inputs = [0..key, key..2 * key, 2 * key..2 * key + value];
        let of = |parts: &[_]| Self::grouped(loader, layer, ("in_proj_qkvz", each), sizes, parts);
        let gate = 2 * key + value..each;
        Ok([of(&inputs)?, of(&[gate])?])
    }

    /// Strengths and steps, likewise.
    fn grouped_steps(
        loader: &LayerLoader<'_>,
        layer: usize,
        sizes: DeltaSizes,
    ) -> Result<[Linear; 2], ForwardError> {
        let shared = sizes.shared();
        let of = |rows| Self::grouped(loader, layer, ("in_proj_ba", 2 * shared), sizes, &[rows]);
        Ok([of(0..shared)?, of(shared..2 * shared)?])
    }

    /// Some rows of every key head in a map that has so many of each.
    fn grouped(
        loader: &LayerLoader<'_>,
        layer: usize,
        (name, each): (&str, usize),
        sizes: DeltaSizes,
        parts: &[Range<usize>],
    ) -> Result<Linear, ForwardError> {
        let d = loader.checkpoint.spec().d_model;
        let map = StoredMap::of_expert(loader.of_mixer(layer, name));
        let own = parts.iter().flat_map(|part| {
            let range = move |head| head * each + part.start..head * each + part.end;
            (0..sizes.key_heads).map(range)
        });
        let own: Vec<Range<usize>> = own.collect();
        loader.linear(&map, d, (&own, each * sizes.key_heads))
    }

    /// What a head reads in one text, `[tokens, d_value]`.
    fn head(&self, head: usize, text: &Range<usize>, inputs: &Inputs<'_>) -> Vec<f32> {
        let DeltaSizes {
            key_heads,
            value_heads,
            d_key,
            d_value,
            ..
        } = self.sizes;
        let (keys, channels) = (self.sizes.keys(), self.sizes.channels());
        let of_key = head * key_heads / value_heads * d_key;
        let of_value = 2 * keys + head * d_value;
        let mut state = vec![0f32; d_key * d_value];
        let (mut query, mut key) = (vec![0f32; d_key], vec![0f32; d_key]);
        let mut change = vec![0f32; d_value];
        let mut out = Vec::with_capacity(text.len() * d_value);
        for row in text.clone() {
            let mixed = &inputs.mixed[row * channels..(row + 1) * channels];
            unit(&mixed[of_key..of_key + d_key], &mut query);
            unit(&mixed[keys + of_key..keys + of_key + d_key], &mut key);
            let root = (d_key as f32).sqrt();
            query.iter_mut().for_each(|q| *q /= root);
            let value = &mixed[of_value..of_value + d_value];
            let at = row * value_heads + head;
            let step = softplus(inputs.step[at] + self.step_bias[head]);
            let kept = (-self.decay[head] * step).exp();
            let strength = 1.0 / (1.0 + (-inputs.strength[at]).exp());
            change.fill(0.0);
            for (row, k) in state.chunks_exact_mut(d_value).zip(&key) {
                for (s, sum) in row.iter_mut().zip(&mut change) {
                    *s *= kept;
                    *sum += *s * k;
                }
            }
            for (change, v) in change.iter_mut().zip(value) {
                *change = (v - *change) * strength;
            }
            let first = out.len();
            out.resize(first + d_value, 0.0);
            let read = &mut out[first..];
            let rows = state.chunks_exact_mut(d_value).zip(key.iter().zip(&query));
            for (row, (k, q)) in rows {
                for ((s, change), read) in row.iter_mut().zip(&change).zip(read.iter_mut()) {
                    *s += k * change;
                    *read += *s * q;
                }
            }
        }
        out
    }

    /// A head's output at one position, normed and gated.
    fn gated(&self, read: &[f32], gate: &[f32], out: &mut [f32]) {
        let squares: f32 = read.iter().map(|x| x * x).sum();
        let scale = (squares / read.len().max(1) as f32 + self.epsilon)
            .sqrt()
            .recip();
        for (i, out) in out.iter_mut().enumerate() {
            *out = read[i] * scale * self.gain[i] * silu(gate[i]);
        }
    }
}

/// A vector at length 1.
fn unit(x: &[f32], out: &mut [f32]) {
    let squares: f32 = x.iter().map(|x| x * x).sum();
    let scale = (squares + EPSILON).sqrt().recip();
    out.iter_mut().zip(x).for_each(|(out, x)| *out = x * scale);
}

impl TokenMixer for DeltaRule {
    fn mix(
        &self,
        read: &Tensor,
        texts: &[Range<usize>],
        cancel: CancelToken<'_>,
    ) -> Result<Tensor, ForwardError> {
        let (rows, plain) = (read.dim(0)?, Activation::Linear);
        let (heads, each, values) = (
            self.sizes.value_heads,
            self.sizes.d_value,
            self.sizes.values(),
        );
        let inputs = self.inputs.of(read, plain)?;
        let mut mixed = with_numbers(&inputs, |x| self.convolution.of(x, texts))?;
        self.activation.apply(&mut mixed);
        let numbers = |map: &Linear| with_numbers(&map.of(read, plain)?, <[f32]>::to_vec);
        let (gate, strength, step) = (
            numbers(&self.gate)?,
            numbers(&self.strength)?,
            numbers(&self.step)?,
        );
        let inputs = Inputs {
            mixed: &mixed,
            strength: &strength,
            step: &step,
        };
        let shape = MixerHeads {
            rows,
            heads,
            width: each,
        };
        let found = shape.read(texts, cancel, |head, text| self.head(head, text, &inputs))?;
        let mut out = vec![0f32; rows * values];
        let gates = gate.chunks_exact(each).zip(out.chunks_exact_mut(each));
        for (read, (gate, out)) in found.chunks_exact(each).zip(gates) {
            self.gated(read, gate, out);
        }
        let out = Tensor::from_vec(out, (rows, values), read.device())?;
        Ok(self.out.of(&out, plain)?)
    }

    fn bytes(&self) -> u64 {
        let maps = [
            &self.inputs,
            &self.gate,
            &self.strength,
            &self.step,
            &self.out,
        ];
        maps.into_iter().map(|map| map.bytes() as u64).sum()
    }
}
