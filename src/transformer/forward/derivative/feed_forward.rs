//! Back through the feed-forward part: y = m·W_out with m = act(a), or act(gate)·up.

use candle_core::Tensor;
use rayon::prelude::*;

use super::super::ForwardError;
use super::super::activation::Activation;
use super::super::layer::Layer;
use super::super::ops::with_numbers;
use super::norm::scaled;

/// The slopes of the activations at the rows of a text, `[tokens, neurons]`.
pub(super) struct FeedForwardTape {
    /// Of what goes through the activation.
    through: Vec<f32>,
    /// Of gated ones, of the other input.
    up: Option<Vec<f32>>,
}

impl FeedForwardTape {
    /// `read`: what the part reads, `[tokens, d_model]`; with what it writes, before a post-norm.
    pub(super) fn new(layer: &Layer, read: &Tensor) -> Result<(Self, Tensor), ForwardError> {
        let (function, maps) = (layer.function.activation, layer.dense()?);
        let through = maps.gate.as_ref().unwrap_or(&maps.input);
        let before = through.of(read, Activation::Linear)?;
        let mut slopes = with_numbers(&before, |x| {
            let slope = |x: &f32| function.derivative(*x);
            x.par_iter().map(slope).collect::<Vec<f32>>()
        })?;
        let mut post = function.of(&before)?;
        let mut up = None;
        if maps.gate.is_some() {
            let other = maps.input.of(read, Activation::Linear)?;
            with_numbers(&other, |up| {
                slopes
                    .iter_mut()
                    .zip(up)
                    .for_each(|(slope, up)| *slope *= up);
            })?;
            up = Some(with_numbers(&post, <[f32]>::to_vec)?);
            post = (post * other)?;
        }
        let written = maps.out.of(&post, Activation::Linear)?;
        let tape = Self {
            through: slopes,
            up,
        };
        Ok((tape, written))
    }

    /// Cotangents of what is written become those of what is read.
    pub(super) fn back(&self, layer: &Layer, back: &Tensor) -> Result<Tensor, ForwardError> {
        let maps = layer.dense()?;
        let of_post = back.matmul(&maps.out.weight.t()?)?;
        let through = maps.gate.as_ref().unwrap_or(&maps.input);
        let read = scaled(&of_post, &self.through)?.matmul(&through.weight.t()?)?;
        Ok(match &self.up {
            None => read,
            Some(up) => (read + scaled(&of_post, up)?.matmul(&maps.input.weight.t()?)?)?,
        })
    }
}
