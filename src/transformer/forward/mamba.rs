//! Mamba 2 (Dao and Gu 2024, arXiv 2405.21060) as its recurrence. Of each channel x of a head a state
//! h, `[state]`, is kept: h ← e^(A·Δ)·h + Δ·x·B, and h·C + D·x is read.

use std::ops::Range;

use candle_core::Tensor;

use crate::checkpoint::MambaSizes;
use crate::task::CancelToken;

use super::ForwardError;
use super::activation::Activation;
use super::linear::Linear;
use super::loader::LayerLoader;
use super::mixer::{CausalConvolution, MixerHeads, TokenMixer, silu, softplus};
use super::ops::with_numbers;

pub(super) struct Mamba {
    sizes: MambaSizes,
    /// To the gate, to what the convolution goes over, and to the length of a step.
    input: Linear,
    convolution: CausalConvolution,
    activation: Activation,
    step_bias: Vec<f32>,
    /// −A of each head.
    decay: Vec<f32>,
    /// D of each head.
    skip: Vec<f32>,
    /// Of the norm of what is read, `[inner]`.
    gain: Vec<f32>,
    epsilon: f32,
    out: Linear,
}

impl Mamba {
    pub(super) fn load(
        loader: &LayerLoader<'_>,
        layer: usize,
        sizes: MambaSizes,
        activation: Activation,
    ) -> Result<Self, ForwardError> {
        let d = loader.checkpoint.spec().d_model;
        let (heads, inner, channels) = (sizes.heads, sizes.inner(), sizes.channels());
        Ok(Self {
            sizes,
            input: loader.mixer_map(layer, "in_proj", [d, inner + channels + heads])?,
            convolution: loader.convolution(layer, "conv1d", [channels, sizes.kernel])?,
            activation,
            step_bias: loader.mixer_vector(layer, "dt_bias", heads)?,
            decay: loader.decay(layer, heads)?,
            skip: loader.mixer_vector(layer, "D", heads)?,
            gain: loader.mixer_vector(layer, "norm.weight", inner)?,
            epsilon: loader.choices.norm_epsilon as f32,
            out: loader.mixer_output(layer, inner)?,
        })
    }

    /// What a head reads in one text, `[tokens, d_head]`; `steps`: of all rows and heads.
    fn head(&self, head: usize, text: &Range<usize>, mixed: &[f32], steps: &[f32]) -> Vec<f32> {
        let MambaSizes {
            heads,
            d_head,
            groups,
            state: n,
            ..
        } = self.sizes;
        let (inner, channels) = (self.sizes.inner(), self.sizes.channels());
        let group = head * groups / heads;
        let [shortest, longest] = self.sizes.steps.map(|step| step as f32);
        let mut states = vec![0f32; d_head * n];
        let mut out = Vec::with_capacity(text.len() * d_head);
        for row in text.clone() {
            let mixed = &mixed[row * channels..(row + 1) * channels];
            let x = &mixed[head * d_head..(head + 1) * d_head];
            let input = &mixed[inner + group * n..inner + (group + 1) * n];
            let output = &mixed[inner + (groups + group) * n..][..n];
            let step = softplus(steps[row * heads + head] + self.step_bias[head]);
            let step = step.clamp(shortest, longest);
            let kept = (-self.decay[head] * step).exp();
            for (x, state) in x.iter().zip(states.chunks_exact_mut(n.max(1))) {
                let mut read = self.skip[head] * x;
                for ((h, b), c) in state.iter_mut().zip(input).zip(output) {
                    *h = *h * kept + step * x * b;
                    read += *h * c;
                }
                out.push(read);
            }
        }
        out
    }

    /// What a row reads, gated and then normed in groups of channels.
    fn normed(&self, read: &mut [f32], gate: &[f32]) {
        read.iter_mut()
            .zip(gate)
            .for_each(|(x, gate)| *x *= silu(*gate));
        let each = (read.len() / self.sizes.groups.max(1)).max(1);
        for (group, gain) in read
            .chunks_exact_mut(each)
            .zip(self.gain.chunks_exact(each))
        {
            let squares: f32 = group.iter().map(|x| x * x).sum();
            let scale = (squares / each as f32 + self.epsilon).sqrt().recip();
            group
                .iter_mut()
                .zip(gain)
                .for_each(|(x, g)| *x *= scale * g);
        }
    }
}

impl TokenMixer for Mamba {
    fn mix(
        &self,
        read: &Tensor,
        texts: &[Range<usize>],
        cancel: CancelToken<'_>,
    ) -> Result<Tensor, ForwardError> {
        let rows = read.dim(0)?;
        let (heads, each) = (self.sizes.heads, self.sizes.d_head);
        let (inner, channels) = (self.sizes.inner(), self.sizes.channels());
        let all = self.input.of(read, Activation::Linear)?;
        let all = with_numbers(&all, <[f32]>::to_vec)?;
        let width = inner + channels + heads;
        let columns = |from: usize, to: usize| -> Vec<f32> {
            let rows = all.chunks_exact(width);
            rows.flat_map(|row| &row[from..to]).copied().collect()
        };
        let mut mixed = self
            .convolution
            .of(&columns(inner, inner + channels), texts);
        self.activation.apply(&mut mixed);
        let steps = columns(inner + channels, width);
        let shape = MixerHeads {
            rows,
            heads,
            width: each,
        };
        let head = |head, text: &_| self.head(head, text, &mixed, &steps);
        let mut out = shape.read(texts, cancel, head)?;
        let gates = all.chunks_exact(width).map(|row| &row[..inner]);
        let each_row = out.chunks_exact_mut(inner.max(1)).zip(gates);
        each_row.for_each(|(read, gate)| self.normed(read, gate));
        let out = Tensor::from_vec(out, (rows, inner), read.device())?;
        Ok(self.out.of(&out, Activation::Linear)?)
    }

    fn bytes(&self) -> u64 {
        (self.input.bytes() + self.out.bytes()) as u64
    }
}
