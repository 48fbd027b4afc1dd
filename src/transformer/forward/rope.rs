//! RoPE: queries and keys rotated by their positions in their text.

use std::ops::Range;

use candle_core::{D, Device, Result, Tensor};
use candle_nn::rotary_emb::{rope_i, rope_thd};
use rayon::prelude::*;

use crate::checkpoint::{Rope, RopeLayout};

use super::host_numbers::HostNumbers;
use super::ops::GRAIN;

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
        // Texts begin at the same positions: those of the longest so far.
        let mut known = (&[][..], Vec::new(), Vec::new());
        for text in texts {
            let end = past + text.len();
            let frequencies = rope.frequencies_of(end);
            if !std::ptr::eq(known.0, frequencies) {
                known = (frequencies, Vec::new(), Vec::new());
            }
            for position in past + known.1.len() / pairs.max(1)..end {
                for frequency in frequencies {
                    let (s, c) = (position as f64 * frequency).sin_cos();
                    known.1.push((c * rope.factor) as f32);
                    known.2.push((s * rope.factor) as f32);
                }
            }
            cos.extend_from_slice(&known.1[..text.len() * pairs]);
            sin.extend_from_slice(&known.2[..text.len() * pairs]);
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
        if HostNumbers::are_in(&[x]) {
            return self.rotated(x, d_head);
        }
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

    fn rotated(&self, x: &Tensor, d_head: usize) -> Result<Tensor> {
        let width = x.dim(1)?;
        let (numbers, pairs) = (HostNumbers::of(x)?, self.rope.frequencies.len());
        let (cos, sin) = (HostNumbers::of(&self.cos)?, HostNumbers::of(&self.sin)?);
        let mut y = numbers.to_vec();
        let angles = cos.par_chunks(pairs).zip(sin.par_chunks(pairs));
        let rows = y
            .par_chunks_mut(width)
            .zip(angles)
            .with_min_len(GRAIN / width + 1);
        rows.for_each(|(row, (cos, sin))| {
            for head in row.chunks_exact_mut(d_head) {
                let turn = |a: &mut f32, b: &mut f32, (c, s): (&f32, &f32)| {
                    (*a, *b) = (*a * c - *b * s, *a * s + *b * c);
                };
                let angles = cos.iter().zip(sin);
                match self.rope.layout {
                    RopeLayout::Neighbours => {
                        let both = head.as_chunks_mut::<2>().0.iter_mut();
                        both.zip(angles)
                            .for_each(|([a, b], angle)| turn(a, b, angle));
                    }
                    RopeLayout::Halves => {
                        let (first, second) = head[..2 * pairs].split_at_mut(pairs);
                        let both = first.iter_mut().zip(second);
                        both.zip(angles)
                            .for_each(|((a, b), angle)| turn(a, b, angle));
                    }
                }
            }
        });
        Tensor::from_vec(y, x.shape(), x.device())
    }
}
