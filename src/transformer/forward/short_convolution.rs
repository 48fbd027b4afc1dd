//! LFM2's gated short convolution: `out·(C ⊙ conv(B ⊙ x))`, with B, C and x three maps of the state.

use std::ops::Range;

use candle_core::Tensor;

use crate::task::CancelToken;

use super::ForwardError;
use super::activation::Activation;
use super::linear::Linear;
use super::loader::LayerLoader;
use super::mixer::{CausalConvolution, TokenMixer};
use super::ops::with_numbers;

pub(super) struct ShortConvolution {
    /// To B, C and x, one after another.
    input: Linear,
    convolution: CausalConvolution,
    out: Linear,
}

impl ShortConvolution {
    pub(super) fn load(
        loader: &LayerLoader<'_>,
        layer: usize,
        kernel: usize,
    ) -> Result<Self, ForwardError> {
        let d = loader.checkpoint.spec().d_model;
        Ok(Self {
            input: loader.mixer_map(layer, "in_proj", [d, 3 * d])?,
            convolution: loader.convolution(layer, "conv", [d, kernel])?,
            out: loader.mixer_output(layer, d)?,
        })
    }
}

impl TokenMixer for ShortConvolution {
    fn mix(
        &self,
        read: &Tensor,
        texts: &[Range<usize>],
        cancel: CancelToken<'_>,
    ) -> Result<Tensor, ForwardError> {
        let (rows, d) = read.dims2()?;
        let all = self.input.of(read, Activation::Linear)?;
        cancel.check()?;
        let mixed = with_numbers(&all, |all| {
            let product = |row: &[f32]| -> Vec<f32> {
                let (b, x) = (&row[..d], &row[2 * d..]);
                b.iter().zip(x).map(|(b, x)| b * x).collect()
            };
            let inside: Vec<f32> = all.chunks_exact(3 * d).flat_map(product).collect();
            let mut mixed = self.convolution.of(&inside, texts);
            let gates = all.chunks_exact(3 * d).flat_map(|row| &row[d..2 * d]);
            mixed.iter_mut().zip(gates).for_each(|(x, c)| *x *= c);
            mixed
        })?;
        let mixed = Tensor::from_vec(mixed, (rows, d), read.device())?;
        Ok(self.out.of(&mixed, Activation::Linear)?)
    }

    fn bytes(&self) -> u64 {
        (self.input.bytes() + self.out.bytes()) as u64
    }
}
