//! What mixes tokens in layers without heads, behind one trait; computed in f32 on the processor,
//! position after position.

use std::ops::Range;

use candle_core::Tensor;
use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::task::{CancelToken, Cancelled};

use super::ForwardError;

/// A mixer of tokens, with its weights.
pub(super) trait TokenMixer: Send + Sync {
    /// What it writes of what it reads, both `[rows, d_model]`; each text is by itself.
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    fn mix(
        &self,
        read: &Tensor,
        texts: &[Range<usize>],
        cancel: CancelToken<'_>,
    ) -> Result<Tensor, ForwardError>;

    /// Bytes that its maps take.
    fn bytes(&self) -> u64;
}

/// A convolution over the positions up to each, of every channel by itself.
pub(super) struct CausalConvolution {
    /// `[channels, kernel]`, the last for the position itself.
    pub weight: Matrix,
    /// `[channels]`.
    pub bias: Vec<f32>,
}

impl CausalConvolution {
    /// Rows of channels, `[rows, channels]`, convolved within each text.
    pub(super) fn of(&self, x: &[f32], texts: &[Range<usize>]) -> Vec<f32> {
        let (channels, kernel) = (self.weight.rows(), self.weight.cols());
        let mut out = Vec::with_capacity(x.len());
        for text in texts {
            for row in text.clone() {
                out.extend_from_slice(&self.bias);
                let first = out.len() - channels;
                let out = &mut out[first..];
                let seen = (row + 1 - text.start).min(kernel);
                for back in 0..seen {
                    let before = &x[(row - back) * channels..(row - back + 1) * channels];
                    for (channel, (out, x)) in out.iter_mut().zip(before).enumerate() {
                        *out += self.weight.row(channel)[kernel - 1 - back] * x;
                    }
                }
            }
        }
        out
    }
}

/// Heads of a mixer, and what they are to read.
#[derive(Clone, Copy)]
pub(super) struct MixerHeads {
    pub rows: usize,
    pub heads: usize,
    /// What a head reads at a position.
    pub width: usize,
}

impl MixerHeads {
    /// What all heads read, `[rows, heads × width]`; `head` reads one text, `[tokens, width]`.
    ///
    /// # Errors
    /// The token is cancelled.
    pub(super) fn read(
        self,
        texts: &[Range<usize>],
        cancel: CancelToken<'_>,
        head: impl Fn(usize, &Range<usize>) -> Vec<f32> + Sync,
    ) -> Result<Vec<f32>, Cancelled> {
        let parts = texts
            .iter()
            .flat_map(|text| (0..self.heads).map(move |of| (text, of)));
        let parts: Vec<(&Range<usize>, usize)> = parts.collect();
        let read = |&(text, of): &(&Range<usize>, usize)| {
            cancel.check()?;
            Ok(head(of, text))
        };
        let found: Vec<Result<Vec<f32>, Cancelled>> = parts.par_iter().map(read).collect();
        let mut out = vec![0f32; self.rows * self.heads * self.width];
        for ((text, of), found) in parts.into_iter().zip(found) {
            for (row, read) in text.clone().zip(found?.chunks_exact(self.width)) {
                let at = (row * self.heads + of) * self.width;
                out[at..at + self.width].copy_from_slice(read);
            }
        }
        Ok(out)
    }
}

/// ln(1 + eˣ), and x where that is the same, as PyTorch has it.
pub(super) fn softplus(x: f32) -> f32 {
    match x > 20.0 {
        true => x,
        false => x.exp().ln_1p(),
    }
}

/// x·σ(x).
pub(super) fn silu(x: f32) -> f32 {
    x / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_convolution_sees_what_is_behind_it_in_its_own_text() {
        let convolution = CausalConvolution {
            weight: Matrix::new(2, 3, vec![1.0, 10.0, 100.0, 0.0, 0.0, 2.0]),
            bias: vec![0.5, 0.0],
        };
        // Two channels; three positions in the first text, one in the second.
        let x = [1.0, 1.0, 2.0, 1.0, 3.0, 1.0, 4.0, 1.0];
        let out = convolution.of(&x, &[0..3, 3..4]);
        assert_eq!(out, [100.5, 2.0, 210.5, 2.0, 321.5, 2.0, 400.5, 2.0]);
    }
}
