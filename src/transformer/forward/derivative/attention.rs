//! Back through attention: values by the weights P, scores by softmax's own rule
//! dS = P ⊙ (dP − rowsum(dP ⊙ P)), through the softcap, RoPE and the norms of queries and keys.

use candle_core::Tensor;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::super::ForwardError;
use super::super::activation::Activation;
use super::super::attention::{Heads, Keep};
use super::super::layer::Layer;
use super::super::ops::with_numbers;
use super::super::rope::RopeTable;
use super::Batch;
use super::norm::{HeadNormTape, scaled};

/// Attention at the rows of a text.
pub(super) struct AttentionTape {
    heads: Heads,
    tokens: usize,
    /// As they are multiplied: `[tokens, n_heads × d_head]`, of keys and values those that are shared.
    query: Vec<f32>,
    key: Vec<f32>,
    value: Vec<f32>,
    /// `[n_heads, tokens, tokens]`.
    pattern: Vec<f32>,
    /// What the softcap leaves of a change of a score, likewise.
    slopes: Option<Vec<f32>>,
    qk_norm: Option<[HeadNormTape; 2]>,
    /// Where queries, keys and values are cut off: 0 where they were, else 1.
    clipped: Option<[Vec<f32>; 3]>,
}

/// Cotangents of one text's queries, keys and values.
struct Parts<'a> {
    query: &'a mut [f32],
    key: &'a mut [f32],
    value: &'a mut [f32],
}

impl AttentionTape {
    /// `read`: what attention reads, `[tokens, d_model]`; with what it writes, before a post-norm.
    pub(super) fn new(layer: &Layer, read: &Tensor) -> Result<(Self, Tensor), ForwardError> {
        let tokens = read.dim(0)?;
        let one = std::iter::once(0..tokens).collect::<Vec<_>>();
        let layer = layer.attention()?;
        let mut qkv = Vec::with_capacity(3);
        for map in layer.plain_maps()? {
            qkv.push(map.of(read, Activation::Linear)?);
        }
        let mut qk_norm = None;
        if let Some([of_query, of_key]) = &layer.qk_norm {
            let query = HeadNormTape::new(of_query, &qkv[0])?;
            qk_norm = Some([query, HeadNormTape::new(of_key, &qkv[1])?]);
            qkv[0] = of_query.of(&qkv[0])?;
            qkv[1] = of_key.of(&qkv[1])?;
        }
        let mut clipped = None;
        if let Some(clip) = layer.clip {
            let inside = |x: &Tensor| {
                let one = |x: &f32| f32::from(u8::from(x.abs() < clip));
                with_numbers(x, |x| x.iter().map(one).collect::<Vec<f32>>())
            };
            clipped = Some([inside(&qkv[0])?, inside(&qkv[1])?, inside(&qkv[2])?]);
            for x in &mut qkv {
                *x = x.clamp(-clip, clip)?;
            }
        }
        if let Some(rope) = &layer.rope {
            let table = RopeTable::new(rope, (&one, 0), read.device())?;
            for x in &mut qkv[..2] {
                *x = table.rotate(x, layer.heads.d_head)?;
            }
        }
        let attended = layer
            .heads
            .attend([&qkv[0], &qkv[1], &qkv[2]], &one, Keep::All)?;
        let mut pattern = Vec::new();
        for probabilities in &attended.probabilities {
            pattern = with_numbers(probabilities, <[f32]>::to_vec)?;
        }
        let written = layer.out.of(&attended.read, Activation::Linear)?;
        let numbers = |x: &Tensor| with_numbers(x, <[f32]>::to_vec);
        let mut tape = Self {
            heads: layer.heads.clone(),
            tokens,
            query: numbers(&qkv[0])?,
            key: numbers(&qkv[1])?,
            value: numbers(&qkv[2])?,
            pattern,
            slopes: None,
            qk_norm,
            clipped,
        };
        tape.slopes = layer.heads.cap.map(|cap| tape.slopes_below(cap));
        Ok((tape, written))
    }

    /// Where a head's part of a query begins in its row, and where that of its key and value does.
    fn of_head(&self, head: usize) -> [usize; 2] {
        let Heads {
            heads,
            n_kv_heads,
            d_head,
            ..
        } = self.heads;
        [head * d_head, head * n_kv_heads / heads * d_head]
    }

    fn matrix<'a>(&self, data: &'a [f32], heads: usize) -> MatRef<'a, f32> {
        MatRef::from_row_major_slice(data, self.tokens, heads * self.heads.d_head)
    }

    /// The derivative of cap·tanh(s/cap), 1 − tanh²(s/cap), at every score.
    fn slopes_below(&self, cap: f32) -> Vec<f32> {
        let n = self.tokens;
        let mut slopes = vec![0f32; self.heads.heads * n * n];
        for (head, scores) in slopes.chunks_exact_mut((n * n).max(1)).enumerate() {
            let [at, of_key] = self.of_head(head);
            let (q, k) = (
                self.matrix(&self.query, self.heads.heads),
                self.matrix(&self.key, self.heads.n_kv_heads),
            );
            let h = self.heads.d_head;
            matmul(
                MatMut::from_row_major_slice_mut(scores, n, n),
                Accum::Replace,
                q.subcols(at, h),
                k.subcols(of_key, h).transpose(),
                self.heads.scale,
                Par::rayon(0),
            );
            scores
                .iter_mut()
                .for_each(|s| *s = 1.0 - (*s / cap).tanh().powi(2));
        }
        slopes
    }

    /// Cotangents of what is written become those of what is read.
    pub(super) fn back(
        &self,
        layer: &Layer,
        back: &Tensor,
        batch: Batch,
    ) -> Result<Tensor, ForwardError> {
        let layer = layer.attention()?;
        let of_z = back.matmul(&layer.out.weight.t()?)?;
        let wide = self.heads.heads * self.heads.d_head;
        let shared = self.heads.n_kv_heads * self.heads.d_head;
        let rows = batch.rows();
        let mut query = vec![0f32; rows * wide];
        let mut key = vec![0f32; rows * shared];
        let mut value = vec![0f32; rows * shared];
        let n = self.tokens;
        with_numbers(&of_z, |z| {
            let texts = query
                .par_chunks_mut((n * wide).max(1))
                .zip(key.par_chunks_mut((n * shared).max(1)))
                .zip(value.par_chunks_mut((n * shared).max(1)))
                .zip(z.par_chunks((n * wide).max(1)));
            texts.for_each(|(((query, key), value), z)| {
                self.back_of_text(z, Parts { query, key, value });
            });
        })?;
        let device = back.device();
        let mut query = Tensor::from_vec(query, (rows, wide), device)?;
        let mut key = Tensor::from_vec(key, (rows, shared), device)?;
        let mut value = Tensor::from_vec(value, (rows, shared), device)?;
        if let Some(rope) = &layer.rope {
            let table = RopeTable::new(rope, (&batch.texts(), 0), device)?.backwards()?;
            query = table.rotate(&query, self.heads.d_head)?;
            key = table.rotate(&key, self.heads.d_head)?;
        }
        if let Some(clipped) = &self.clipped {
            let all = [&mut query, &mut key, &mut value];
            for (x, slopes) in all.into_iter().zip(clipped) {
                *x = scaled(x, slopes)?;
            }
        }
        if let Some(norms) = &self.qk_norm {
            for (x, norm) in [&mut query, &mut key].into_iter().zip(norms) {
                let mut numbers = with_numbers(x, <[f32]>::to_vec)?;
                norm.back(&mut numbers);
                *x = Tensor::from_vec(numbers, x.shape(), device)?;
            }
        }
        let [of_query, of_key, of_value] = layer.plain_maps()?;
        let read = query.matmul(&of_query.weight.t()?)?;
        let read = (read + key.matmul(&of_key.weight.t()?)?)?;
        Ok((read + value.matmul(&of_value.weight.t()?)?)?)
    }

    /// Of one coordinate: cotangents of what the heads read, `[tokens, n_heads × d_head]`, become
    /// those of queries, keys and values.
    fn back_of_text(&self, z: &[f32], parts: Parts<'_>) {
        let Heads {
            heads,
            n_kv_heads,
            d_head: h,
            scale,
            ..
        } = self.heads;
        let n = self.tokens;
        let z = self.matrix(z, heads);
        let (q, k, v) = (
            self.matrix(&self.query, heads),
            self.matrix(&self.key, n_kv_heads),
            self.matrix(&self.value, n_kv_heads),
        );
        let mut query = MatMut::from_row_major_slice_mut(parts.query, n, heads * h);
        let mut key = MatMut::from_row_major_slice_mut(parts.key, n, n_kv_heads * h);
        let mut value = MatMut::from_row_major_slice_mut(parts.value, n, n_kv_heads * h);
        let mut scores = vec![0f32; n * n];
        for head in 0..heads {
            let [at, of_key] = self.of_head(head);
            let weights = &self.pattern[head * n * n..][..n * n];
            let pattern = MatRef::from_row_major_slice(weights, n, n);
            let z = z.subcols(at, h);
            matmul(
                value.as_mut().subcols_mut(of_key, h),
                Accum::Add,
                pattern.transpose(),
                z,
                1.0,
                Par::Seq,
            );
            matmul(
                MatMut::from_row_major_slice_mut(&mut scores, n, n),
                Accum::Replace,
                z,
                v.subcols(of_key, h).transpose(),
                1.0,
                Par::Seq,
            );
            let rows = scores.chunks_exact_mut(n).zip(weights.chunks_exact(n));
            for (scores, weights) in rows {
                let along: f32 = scores.iter().zip(weights).map(|(s, p)| s * p).sum();
                let row = scores.iter_mut().zip(weights);
                row.for_each(|(s, p)| *s = p * (*s - along));
            }
            if let Some(slopes) = &self.slopes {
                let slopes = &slopes[head * n * n..][..n * n];
                scores
                    .iter_mut()
                    .zip(slopes)
                    .for_each(|(s, slope)| *s *= slope);
            }
            let scores = MatRef::from_row_major_slice(&scores, n, n);
            matmul(
                query.as_mut().subcols_mut(at, h),
                Accum::Replace,
                scores,
                k.subcols(of_key, h),
                scale,
                Par::Seq,
            );
            matmul(
                key.as_mut().subcols_mut(of_key, h),
                Accum::Add,
                scores.transpose(),
                q.subcols(at, h),
                scale,
                Par::Seq,
            );
        }
    }
}
