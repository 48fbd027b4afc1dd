//! Attention over texts that lie one after another in the rows of one tensor: each looks at
//! itself alone, so nothing is padded.

use std::ops::Range;

use candle_core::{D, DType, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use candle_transformers::utils::build_additive_causal_mask;
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::activation::exp;
use super::ops::with_numbers;

/// How a layer's heads look.
#[derive(Clone, Copy)]
pub(super) struct Heads {
    pub heads: usize,
    pub head_width: usize,
    pub causal: bool,
    /// What scores are multiplied with.
    pub scale: f32,
}

/// What the heads read, and where they looked.
pub(super) struct Attended {
    /// `[rows, heads × head_width]`.
    pub read: Tensor,
    /// Per text `[heads, n, n]`, from (rows) to (columns), if asked for.
    pub probabilities: Vec<Tensor>,
}

impl Heads {
    /// Attention with queries, keys and values `[rows, width]` within each of the texts.
    pub(super) fn attend(
        &self,
        [q, k, v]: [&Tensor; 3],
        texts: &[Range<usize>],
        keep: bool,
    ) -> Result<Attended> {
        if q.device().is_cpu() {
            self.attend_on_host([q, k, v], texts, keep)
        } else {
            self.attend_on_device([q, k, v], texts, keep)
        }
    }

    fn width(&self) -> usize {
        self.heads * self.head_width
    }

    fn attend_on_host(
        &self,
        [q, k, v]: [&Tensor; 3],
        texts: &[Range<usize>],
        keep: bool,
    ) -> Result<Attended> {
        let width = self.width();
        let mut out = vec![0f32; q.dim(0)? * width];
        // The part of the output that belongs to each text.
        let mut parts = Vec::with_capacity(texts.len());
        let mut rest = &mut out[..];
        for text in texts {
            let (part, after) = rest.split_at_mut(text.len() * width);
            parts.push((text.clone(), part));
            rest = after;
        }
        let par = match texts.len() < rayon::current_num_threads() {
            true => Par::rayon(0),
            false => Par::Seq,
        };
        let kept: Vec<Vec<f32>> = with_numbers(q, |q| {
            with_numbers(k, |k| {
                with_numbers(v, |v| {
                    let each = |(text, out): (Range<usize>, &mut [f32])| {
                        let part = text.start * width..text.end * width;
                        let qkv = [&q[part.clone()], &k[part.clone()], &v[part]];
                        self.attend_to_one(qkv, out, par, keep)
                    };
                    parts.into_par_iter().map(each).collect()
                })
            })
        })???;
        let probabilities = kept.into_iter().zip(texts).filter(|_| keep);
        let tensor = |(kept, text): (Vec<f32>, &Range<usize>)| {
            Tensor::from_vec(kept, (self.heads, text.len(), text.len()), q.device())
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
        keep: bool,
    ) -> Vec<f32> {
        let (width, h) = (self.width(), self.head_width);
        let n = out.len() / width;
        let all = |data| MatRef::from_row_major_slice(data, n, width);
        let (q, k, v) = (all(q), all(k), all(v));
        let mut out = MatMut::from_row_major_slice_mut(out, n, width);
        let mut kept = Vec::with_capacity(if keep { self.heads * n * n } else { 0 });
        let mut scores = vec![0f32; n * n];
        for head in 0..self.heads {
            let at = head * h;
            matmul(
                MatMut::from_row_major_slice_mut(&mut scores, n, n),
                Accum::Replace,
                q.subcols(at, h),
                k.subcols(at, h).transpose(),
                self.scale,
                par,
            );
            for (i, row) in scores.chunks_exact_mut(n).enumerate() {
                let seen = if self.causal { i + 1 } else { n };
                row[seen..].fill(0.0);
                Arch::new().dispatch(Softmax(&mut row[..seen]));
            }
            matmul(
                out.as_mut().subcols_mut(at, h),
                Accum::Replace,
                MatRef::from_row_major_slice(&scores, n, n),
                v.subcols(at, h),
                1.0,
                par,
            );
            if keep {
                kept.extend_from_slice(&scores);
            }
        }
        kept
    }

    fn attend_on_device(
        &self,
        qkv: [&Tensor; 3],
        texts: &[Range<usize>],
        keep: bool,
    ) -> Result<Attended> {
        let mut read = Vec::with_capacity(texts.len());
        let mut probabilities = Vec::new();
        for text in texts {
            let n = text.len();
            let heads = |x: &Tensor| {
                let x = x.narrow(0, text.start, n)?;
                let x = x.reshape((n, self.heads, self.head_width))?;
                x.transpose(0, 1)?.contiguous()
            };
            let (q, k, v) = (heads(qkv[0])?, heads(qkv[1])?, heads(qkv[2])?);
            let keys = k.transpose(D::Minus1, D::Minus2)?.contiguous()?;
            let mut scores = (q.matmul(&keys)? * f64::from(self.scale))?;
            if self.causal {
                let mask = build_additive_causal_mask(n, 0, None, q.device(), DType::F32)?;
                scores = scores.broadcast_add(&mask.squeeze(0)?)?;
            }
            let looked = softmax_last_dim(&scores)?;
            let mixed = looked.matmul(&v)?.transpose(0, 1)?.contiguous()?;
            read.push(mixed.reshape((n, self.width()))?);
            if keep {
                probabilities.push(looked);
            }
        }
        Ok(Attended {
            read: Tensor::cat(&read, 0)?,
            probabilities,
        })
    }
}

/// In place, over one row.
struct Softmax<'a>(&'a mut [f32]);

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let largest = self.0.iter().fold(f32::NEG_INFINITY, |m, &x| m.max(x));
        for x in self.0.iter_mut() {
            *x = exp(*x - largest);
        }
        let sum: f32 = self.0.iter().sum();
        let share = 1.0 / sum;
        self.0.iter_mut().for_each(|x| *x *= share);
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn random(rows: usize, width: usize, seed: u64) -> Tensor {
        let mut rng = fastrand::Rng::with_seed(seed);
        let data: Vec<f32> = (0..rows * width).map(|_| rng.f32() * 4.0 - 2.0).collect();
        Tensor::from_vec(data, (rows, width), &Device::Cpu).unwrap()
    }

    fn furthest(a: &Tensor, b: &Tensor) -> f32 {
        let apart = (a - b).unwrap().abs().unwrap().flatten_all().unwrap();
        apart.max(0).unwrap().to_scalar().unwrap()
    }

    #[test]
    fn the_processor_and_a_device_attend_alike() {
        let [q, k, v] = [1, 2, 3].map(|seed| random(12, 8, seed));
        let texts = [0..5, 5..6, 6..12];
        for causal in [true, false] {
            let heads = Heads {
                heads: 2,
                head_width: 4,
                causal,
                scale: 0.5,
            };
            let host = heads.attend_on_host([&q, &k, &v], &texts, true).unwrap();
            let device = heads.attend_on_device([&q, &k, &v], &texts, true).unwrap();
            assert!(furthest(&host.read, &device.read) < 1e-5);
            for (a, b) in host.probabilities.iter().zip(&device.probabilities) {
                assert!(furthest(a, b) < 1e-5);
            }
        }
    }

    #[test]
    fn a_text_of_one_position_reads_itself() {
        let [q, k, v] = [4, 5, 6].map(|seed| random(3, 4, seed));
        let heads = Heads {
            heads: 1,
            head_width: 4,
            causal: true,
            scale: 1.0,
        };
        let got = heads.attend([&q, &k, &v], &[0..1, 1..2, 2..3], false);
        assert!(furthest(&got.unwrap().read, &v) < 1e-6);
    }
}
