//! Attention over texts that lie one after another in the rows of one tensor: each looks at
//! itself alone, so nothing is padded. Where one text goes on, keys and values have rows for the
//! positions before those of the queries too.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{D, Device, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_transformers::utils::repeat_kv;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::activation::exp;
use super::distance_scores::{DistanceScores, HeadColumns};
use super::linear::is_beside_others;
use super::ops::{largest, sum, with_numbers};
use super::position_scores::{Alibi, RelativeScores};

/// How a layer's heads look.
#[derive(Clone)]
pub(super) struct Heads {
    pub heads: usize,
    /// Keys and values, each shared by as many heads.
    pub n_kv_heads: usize,
    pub d_head: usize,
    pub causal: bool,
    /// How many positions are seen, back from each; centred on it if not causal.
    pub window: Option<usize>,
    /// What scores are multiplied with.
    pub scale: f32,
    /// What they are bent to stay below.
    pub cap: Option<f32>,
    pub alibi: Option<Alibi>,
    /// Of each head a score that takes its share of the attention and brings nothing.
    pub sinks: Option<Vec<f32>>,
    pub relative: Option<Arc<RelativeScores>>,
    /// Scores of content with distances.
    pub distances: Option<Arc<DistanceScores>>,
}

/// What the heads read, and where they looked.
pub(super) struct Attended {
    /// `[rows, heads × d_head]`.
    pub read: Tensor,
    /// Per text `[heads, kept, m]`, from (rows) to (columns), if asked for.
    pub probabilities: Vec<Tensor>,
}

/// Which attention weights are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Nothing,
    All,
    /// Those from one position, or from the last of a text that is shorter.
    From(usize),
}

impl Keep {
    /// The positions of a text of n tokens from which they are kept.
    fn rows(self, n: usize) -> Range<usize> {
        match self {
            Self::Nothing => 0..0,
            Self::All => 0..n,
            Self::From(position) => {
                let at = position.min(n.saturating_sub(1));
                at..at + 1
            }
        }
    }
}

impl Heads {
    /// Attention with queries, keys and values `[rows, width]` within each of the texts.
    pub(super) fn attend(
        &self,
        [q, k, v]: [&Tensor; 3],
        texts: &[Range<usize>],
        keep: Keep,
    ) -> Result<Attended> {
        if q.device().is_cpu() || self.distances.is_some() {
            self.attend_on_host([q, k, v], texts, keep)
        } else {
            self.attend_on_device([q, k, v], texts, keep)
        }
    }

    /// What the heads read of one text under attention weights `[heads, n, m]`, which are not theirs:
    /// `[n, heads × d_head]`.
    pub(super) fn mix(&self, pattern: &Tensor, values: &Tensor) -> Result<Tensor> {
        let (n, m) = (pattern.dim(1)?, values.dim(0)?);
        let values = values.reshape((1, m, self.n_kv_heads, self.d_head))?;
        let values = values.transpose(1, 2)?.contiguous()?;
        let values = repeat_kv(values, self.heads / self.n_kv_heads)?.squeeze(0)?;
        let mixed = pattern.contiguous()?.matmul(&values.contiguous()?)?;
        mixed
            .transpose(0, 1)?
            .contiguous()?
            .reshape((n, self.width()))
    }

    fn width(&self) -> usize {
        self.heads * self.d_head
    }

    /// What position i of n sees.
    fn seen(&self, i: usize, n: usize) -> Range<usize> {
        let end = if self.causal { i + 1 } else { n };
        match self.window {
            None => 0..end,
            Some(window) if self.causal => (i + 1).saturating_sub(window)..end,
            Some(window) => i.saturating_sub(window / 2)..end.min(i + window / 2 + 1),
        }
    }

    fn attend_on_host(
        &self,
        [q, k, v]: [&Tensor; 3],
        texts: &[Range<usize>],
        keep: Keep,
    ) -> Result<Attended> {
        let (width, shared) = (self.width(), self.n_kv_heads * self.d_head);
        let past = k.dim(0)? - q.dim(0)?;
        let mut out = vec![0f32; q.dim(0)? * width];
        // The part of the output that belongs to each text.
        let mut parts = Vec::with_capacity(texts.len());
        let mut rest = &mut out[..];
        for text in texts {
            let (part, after) = rest.split_at_mut(text.len() * width);
            parts.push((text.clone(), part));
            rest = after;
        }
        let alone = texts.len() < rayon::current_num_threads() && !is_beside_others();
        let par = match alone {
            true => Par::rayon(0),
            false => Par::Seq,
        };
        let kept: Vec<Vec<f32>> = with_numbers(q, |q| {
            with_numbers(k, |k| {
                with_numbers(v, |v| {
                    let each = |(text, out): (Range<usize>, &mut [f32])| {
                        let q = &q[text.start * width..text.end * width];
                        let part = text.start * shared..(text.end + past) * shared;
                        let qkv = [q, &k[part.clone()], &v[part]];
                        self.attend_to_one(qkv, out, par, keep)
                    };
                    parts.into_par_iter().map(each).collect()
                })
            })
        })???;
        let probabilities = kept.into_iter().zip(texts);
        let probabilities = probabilities.filter(|_| keep != Keep::Nothing);
        let tensor = |(kept, text): (Vec<f32>, &Range<usize>)| {
            let n = text.len();
            let shape = (self.heads, keep.rows(n).len(), past + n);
            Tensor::from_vec(kept, shape, q.device())
        };
        Ok(Attended {
            read: Tensor::from_vec(out, (q.dim(0)?, width), q.device())?,
            probabilities: probabilities.map(tensor).collect::<Result<_>>()?,
        })
    }

    /// One text, its heads one after another; the probabilities if they are asked for.
    fn attend_to_one(
        &self,
        [q, k, v]: [&[f32]; 3],
        out: &mut [f32],
        par: Par,
        keep: Keep,
    ) -> Vec<f32> {
        let (width, h) = (self.width(), self.d_head);
        let (n, m) = (out.len() / width, k.len() / (self.n_kv_heads * h));
        let past = m - n;
        let all = |data, rows, heads| MatRef::from_row_major_slice(data, rows, heads * h);
        let (q, k, v) = (
            all(q, n, self.heads),
            all(k, m, self.n_kv_heads),
            all(v, m, self.n_kv_heads),
        );
        let mut out = MatMut::from_row_major_slice_mut(out, n, width);
        let rows = keep.rows(n);
        let mut kept = Vec::with_capacity(self.heads * rows.len() * m);
        let mut scores = vec![0f32; n * m];
        for head in 0..self.heads {
            let (at, of_key) = (head * h, head * self.n_kv_heads / self.heads * h);
            matmul(
                MatMut::from_row_major_slice_mut(&mut scores, n, m),
                Accum::Replace,
                q.subcols(at, h),
                k.subcols(of_key, h).transpose(),
                self.scale,
                par,
            );
            if let Some(distances) = &self.distances {
                let columns = HeadColumns {
                    first: at,
                    d_head: h,
                    width,
                };
                let content = (q.subcols(at, h), k.subcols(of_key, h));
                distances.add_to(&mut scores, content, (columns, self.scale));
            }
            for (i, row) in (past..).zip(scores.chunks_exact_mut(m)) {
                let seen = self.seen(i, m);
                row[..seen.start].fill(0.0);
                row[seen.end..].fill(0.0);
                self.adjust(head, i, &mut row[seen.clone()], seen.start);
                let sink = self.sinks.as_ref().map(|sinks| sinks[head]);
                Arch::new().dispatch(Softmax(&mut row[seen], sink));
            }
            matmul(
                out.as_mut().subcols_mut(at, h),
                Accum::Replace,
                MatRef::from_row_major_slice(&scores, n, m),
                v.subcols(of_key, h),
                1.0,
                par,
            );
            kept.extend_from_slice(&scores[rows.start * m..rows.end * m]);
        }
        kept
    }

    /// Bends a head's scores, and lets them fall, at positions from `first` on.
    fn adjust(&self, head: usize, query: usize, scores: &mut [f32], first: usize) {
        if let Some(cap) = self.cap {
            scores.iter_mut().for_each(|s| *s = cap * (*s / cap).tanh());
        }
        if let Some(alibi) = self.alibi {
            let at = alibi.at(head, self.heads, self.scale);
            let positions = scores.iter_mut().enumerate();
            positions.for_each(|(i, s)| *s += at(first + i));
        }
        if let Some(relative) = &self.relative {
            let positions = scores.iter_mut().enumerate();
            positions.for_each(|(i, s)| *s += relative.at(head, query, first + i));
        }
    }

    fn attend_on_device(
        &self,
        qkv: [&Tensor; 3],
        texts: &[Range<usize>],
        keep: Keep,
    ) -> Result<Attended> {
        let past = qkv[1].dim(0)? - qkv[0].dim(0)?;
        let mut read = Vec::with_capacity(texts.len());
        let mut probabilities = Vec::new();
        for text in texts {
            let n = text.len();
            let heads = |x: &Tensor, rows: usize, heads: usize| {
                let x = x.narrow(0, text.start, rows)?;
                let x = x.reshape((1, rows, heads, self.d_head))?;
                let x = x.transpose(1, 2)?.contiguous()?;
                repeat_kv(x, self.heads / heads)?.squeeze(0)?.contiguous()
            };
            let q = heads(qkv[0], n, self.heads)?;
            let (k, v) = (
                heads(qkv[1], past + n, self.n_kv_heads)?,
                heads(qkv[2], past + n, self.n_kv_heads)?,
            );
            let keys = k.transpose(D::Minus1, D::Minus2)?.contiguous()?;
            let mut scores = (q.matmul(&keys)? * f64::from(self.scale))?;
            if let Some(cap) = self.cap.map(f64::from) {
                scores = ((scores / cap)?.tanh()? * cap)?;
            }
            scores = scores.broadcast_add(&self.added([n, past + n], q.device())?)?;
            let looked = self.softmax_on_device(&scores)?;
            let mixed = looked.matmul(&v)?.transpose(0, 1)?.contiguous()?;
            read.push(mixed.reshape((n, self.width()))?);
            if keep != Keep::Nothing {
                let rows = keep.rows(n);
                probabilities.push(looked.narrow(1, rows.start, rows.len())?.contiguous()?);
            }
        }
        Ok(Attended {
            read: Tensor::cat(&read, 0)?,
            probabilities,
        })
    }

    /// Softmax of scores `[heads, n, m]`, with the sinks where there are some.
    fn softmax_on_device(&self, scores: &Tensor) -> Result<Tensor> {
        let Some(sinks) = &self.sinks else {
            return softmax_last_dim(scores);
        };
        let (heads, n, m) = scores.dims3()?;
        let sinks = Tensor::from_slice(sinks, (heads, 1, 1), scores.device())?;
        let sinks = sinks.broadcast_as((heads, n, 1))?.contiguous()?;
        let all = Tensor::cat(&[scores, &sinks], D::Minus1)?;
        softmax_last_dim(&all)?
            .narrow(D::Minus1, 0, m)?
            .contiguous()
    }

    /// What is added to scores of the last n of m positions, `[1 or heads, n, m]`: −∞ where nothing is
    /// seen.
    fn added(&self, [n, m]: [usize; 2], device: &Device) -> Result<Tensor> {
        let apart = self.alibi.is_some() || self.relative.is_some();
        let heads = if apart { self.heads } else { 1 };
        let mut added = vec![f32::NEG_INFINITY; heads * n * m];
        for (at, row) in added.chunks_exact_mut(m).enumerate() {
            let query = m - n + at % n;
            let seen = self.seen(query, m);
            row[seen.clone()].fill(0.0);
            if let Some(alibi) = self.alibi {
                let fall = alibi.at(at / n, self.heads, self.scale);
                seen.clone().for_each(|i| row[i] = fall(i));
            }
            if let Some(relative) = &self.relative {
                seen.for_each(|i| row[i] += relative.at(at / n, query, i));
            }
        }
        Tensor::from_vec(added, (heads, n, m), device)
    }
}

/// In place, over one row; with a score beside it that is in the sum alone, if there is one.
struct Softmax<'a>(&'a mut [f32], Option<f32>);

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let least = self.1.unwrap_or(f32::NEG_INFINITY);
        let largest = largest(self.0, least);
        for x in self.0.iter_mut() {
            *x = exp(*x - largest);
        }
        let beside = self.1.map_or(0.0, |sink| exp(sink - largest));
        let sum = sum(self.0, |x| x) + beside;
        let share = 1.0 / sum;
        self.0.iter_mut().for_each(|x| *x *= share);
    }
}

#[cfg(test)]
mod tests;
