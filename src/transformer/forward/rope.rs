//! RoPE: queries and keys rotated by their positions in their text.

use std::ops::Range;

use candle_core::{D, Device, Result, Tensor};
use candle_nn::rotary_emb::{rope_i, rope_thd};

use crate::checkpoint::{Rope, RopeLayout};

/// Cosines and sines of a chunk's rows.
pub(super) struct RopeTable<'a> {
    rope: &'a Rope,
    /// `[rows, pairs]`.
    cos: Tensor,
    sin: Tensor,
}

impl<'a> RopeTable<'a> {
    /// For texts that lie in these rows, after `past` positions that lie elsewhere.
    pub(super) fn new(
        rope: &'a Rope,
        (texts, past): (&[Range<usize>], usize),
        device: &Device,
    ) -> Result<Self> {
        let pairs = rope.frequencies.len();
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for text in texts {
            let end = past + text.len();
            let frequencies = rope.frequencies_of(end);
            for position in past..end {
                for frequency in frequencies {
                    let (s, c) = (position as f64 * frequency).sin_cos();
                    cos.push((c * rope.factor) as f32);
                    sin.push((s * rope.factor) as f32);
                }
            }
        }
        let tensor = |numbers: Vec<f32>| {
            let rows = numbers.len() / pairs.max(1);
            Tensor::from_vec(numbers, (rows, pairs), device)
        };
        Ok(Self {
            rope,
            cos: tensor(cos)?,
            sin: tensor(sin)?,
        })
    }

    /// The table that takes rotations back: it rotates by as much the other way. What rotations are
    /// scaled with stays, as in a derivative.
    pub(super) fn backwards(self) -> Result<Self> {
        Ok(Self {
            sin: self.sin.neg()?,
            ..self
        })
    }

    /// Rotates the heads of each row, `[rows, heads × d_head]`.
    pub(super) fn rotate(&self, x: &Tensor, d_head: usize) -> Result<Tensor> {
        let dims = 2 * self.rope.frequencies.len();
        if dims == 0 {
            return Ok(x.clone());
        }
        let (rows, width) = x.dims2()?;
        let heads = x.reshape((1, rows, width / d_head, d_head))?;
        let part = heads.narrow(D::Minus1, 0, dims)?;
        let rotated = match self.rope.layout {
            RopeLayout::Neighbours => {
                let by_head = part.transpose(1, 2)?.contiguous()?;
                rope_i(&by_head, &self.cos, &self.sin)?.transpose(1, 2)?
            }
            RopeLayout::Halves => rope_thd(&part.contiguous()?, &self.cos, &self.sin)?,
        };
        let rest = heads.narrow(D::Minus1, dims, d_head - dims)?;
        Tensor::cat(&[rotated, rest], D::Minus1)?.reshape((rows, width))
    }
}
