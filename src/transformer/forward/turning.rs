//! Rotary positions: queries and keys turned by where they stand in their text.

use std::ops::Range;

use candle_core::{D, Device, Result, Tensor};
use candle_nn::rotary_emb::{rope_i, rope_thd};

use crate::checkpoint::Rotation;

/// Cosines and sines of a chunk's rows.
pub(super) struct Turning<'a> {
    rotation: &'a Rotation,
    /// `[rows, pairs]`.
    cos: Tensor,
    sin: Tensor,
}

impl<'a> Turning<'a> {
    /// For texts that lie in these rows.
    pub(super) fn new(
        rotation: &'a Rotation,
        texts: &[Range<usize>],
        device: &Device,
    ) -> Result<Self> {
        let pairs = rotation.frequencies.len();
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for text in texts {
            let frequencies = rotation.frequencies_of(text.len());
            for position in 0..text.len() {
                for frequency in frequencies {
                    let (s, c) = (position as f64 * frequency).sin_cos();
                    cos.push((c * rotation.factor) as f32);
                    sin.push((s * rotation.factor) as f32);
                }
            }
        }
        let tensor = |numbers: Vec<f32>| {
            let rows = numbers.len() / pairs.max(1);
            Tensor::from_vec(numbers, (rows, pairs), device)
        };
        Ok(Self {
            rotation,
            cos: tensor(cos)?,
            sin: tensor(sin)?,
        })
    }

    /// Turns rows of heads, `[rows, heads × head_width]`.
    pub(super) fn of(&self, x: &Tensor, head_width: usize) -> Result<Tensor> {
        let channels = 2 * self.rotation.frequencies.len();
        if channels == 0 {
            return Ok(x.clone());
        }
        let (rows, width) = x.dims2()?;
        let heads = x.reshape((1, rows, width / head_width, head_width))?;
        let part = heads.narrow(D::Minus1, 0, channels)?;
        let turned = if self.rotation.neighbours {
            let by_head = part.transpose(1, 2)?.contiguous()?;
            rope_i(&by_head, &self.cos, &self.sin)?.transpose(1, 2)?
        } else {
            rope_thd(&part.contiguous()?, &self.cos, &self.sin)?
        };
        let rest = heads.narrow(D::Minus1, channels, head_width - channels)?;
        Tensor::cat(&[turned, rest], D::Minus1)?.reshape((rows, width))
    }
}
