//! Norms and sums of rows. On the processor what candle does on one thread, number by number, or by
//! one copy more, is done here in wide registers, in place and on all threads.

use candle_core::{CpuStorage, D, InplaceOp2, Layout, Result, Tensor, bail};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::host_numbers::HostNumbers;

/// Numbers that a thread takes at once.
pub(super) const GRAIN: usize = 1 << 15;

/// A layer norm; without a bias, a norm by the root mean square.
pub(super) struct Norm {
    pub weight: Tensor,
    pub bias: Option<Tensor>,
    pub epsilon: f32,
}

/// A norm with its statistics frozen, seen from the other side: a direction of what comes out as
/// one of what goes in.
#[derive(Clone, Debug, PartialEq)]
pub struct Frozen {
    /// `[d_model]`: the product of a part of the state with it is what that part brings.
    pub direction: Vec<f64>,
    /// What the norm's own bias brings.
    pub constant: f64,
}

impl Frozen {
    /// Where nothing lies between.
    pub(super) fn unchanged(direction: &[f32]) -> Self {
        Self {
            direction: direction.iter().map(|&x| f64::from(x)).collect(),
            constant: 0.0,
        }
    }

    /// What a part of the state brings.
    pub fn product(&self, part: &[f32]) -> f64 {
        let terms = part.iter().zip(&self.direction);
        terms.map(|(x, d)| f64::from(*x) * d).sum()
    }
}

impl Norm {
    /// `direction` of the normed state, `[d_model]`, as a direction of the state before it: γ/σ of a
    /// layer norm, less its mean; γ/rms of an RMSNorm. σ and rms are those of `state`.
    pub(super) fn frozen_at(&self, state: &[f32], direction: &[f32]) -> Result<Frozen> {
        let n = state.len().max(1) as f64;
        let centring = self.bias.is_some();
        let sum: f64 = state.iter().map(|&x| f64::from(x)).sum();
        let mean = if centring { sum / n } else { 0.0 };
        let squares = state.iter().map(|&x| (f64::from(x) - mean).powi(2));
        let scale = (squares.sum::<f64>() / n + f64::from(self.epsilon))
            .sqrt()
            .recip();
        let mut through: Vec<f64> = with_numbers(&self.weight, |gain| {
            let terms = gain.iter().zip(direction);
            terms
                .map(|(g, d)| f64::from(*g) * f64::from(*d) * scale)
                .collect()
        })?;
        if centring {
            // (c − mean of c)·g = c·(g − mean of g).
            let mean = through.iter().sum::<f64>() / n;
            through.iter_mut().for_each(|g| *g -= mean);
        }
        let constant = match &self.bias {
            None => 0.0,
            Some(bias) => with_numbers(bias, |bias| Frozen::unchanged(direction).product(bias))?,
        };
        Ok(Frozen {
            direction: through,
            constant,
        })
    }

    /// Rows with mean 0 and variance 1, scaled and shifted; or with mean square 1, scaled.
    pub(super) fn of(&self, x: &Tensor) -> Result<Tensor> {
        if !HostNumbers::are_in(&[x, &self.weight]) {
            let x = x.contiguous()?;
            return match &self.bias {
                Some(bias) => candle_nn::ops::layer_norm(&x, &self.weight, bias, self.epsilon),
                None => candle_nn::ops::rms_norm(&x, &self.weight, self.epsilon),
            };
        }
        let (width, rows) = (self.weight.dim(0)?, x.dim(D::Minus1)?);
        if width != rows || width == 0 {
            bail!("expected rows of {width} numbers to be normed, got {rows}");
        }
        let gain = HostNumbers::of(&self.weight)?;
        let bias = self.bias.as_ref().map(HostNumbers::of).transpose()?;
        let numbers = HostNumbers::of(x)?;
        let mut y = vec![0f32; numbers.len()];
        let some = (GRAIN / width).max(1) * width;
        let parts = y.par_chunks_mut(some).zip(numbers.par_chunks(some));
        parts.for_each(|(y, x)| {
            Arch::new().dispatch(Normed {
                x,
                y,
                gain: &gain,
                bias: bias.as_deref(),
                epsilon: self.epsilon,
            });
        });
        Tensor::from_vec(y, x.shape(), x.device())
    }
}

/// Writes the norms of rows `x` into `y`.
struct Normed<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    gain: &'a [f32],
    bias: Option<&'a [f32]>,
    epsilon: f32,
}

impl WithSimd for Normed<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.gain.len();
        let each = 1.0 / width as f32;
        for (y, x) in self
            .y
            .chunks_exact_mut(width)
            .zip(self.x.chunks_exact(width))
        {
            let mean = match self.bias {
                Some(_) => sum(x, |x| x) * each,
                None => 0.0,
            };
            let square = sum(x, |x| (x - mean) * (x - mean)) * each;
            let scale = (square + self.epsilon).sqrt().recip();
            for ((y, x), gain) in y.iter_mut().zip(x).zip(self.gain) {
                *y = (x - mean) * scale * gain;
            }
            if let Some(bias) = self.bias {
                y.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
            }
        }
    }
}

/// Parts that sums and maxima are kept in, so that they run in wide registers.
const LANES: usize = 16;

/// The sum of what `f` makes of numbers.
#[inline(always)]
pub(super) fn sum(numbers: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    folded(numbers, 0.0, |sum, x| sum + f(x), |a, b| a + b)
}

/// The largest of some numbers and `least`.
#[inline(always)]
pub(super) fn largest(numbers: &[f32], least: f32) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    folded(numbers, least, larger, larger)
}

#[inline(always)]
fn folded(
    numbers: &[f32],
    start: f32,
    take: impl Fn(f32, f32) -> f32,
    join: impl Fn(f32, f32) -> f32,
) -> f32 {
    let mut lanes = [start; LANES];
    let (whole, rest) = numbers.as_chunks::<LANES>();
    for some in whole {
        for (lane, x) in lanes.iter_mut().zip(some) {
            *lane = take(*lane, *x);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane = take(*lane, *x);
    }
    lanes.into_iter().fold(start, join)
}

/// A norm of queries or keys, of rows of several heads.
pub(super) struct HeadNorm {
    /// Over one head, or over all.
    pub norm: Norm,
    /// `[heads × d_head]`, where each head has gains of its own.
    pub gains: Option<Tensor>,
}

impl HeadNorm {
    /// Rows of heads, normed.
    pub(super) fn of(&self, x: &Tensor) -> Result<Tensor> {
        let width = self.norm.weight.dim(0)?;
        let y = self.norm.of(&x.reshape(((), width))?)?.reshape(x.shape())?;
        match &self.gains {
            Some(gains) => y.broadcast_mul(gains),
            None => Ok(y),
        }
    }
}

/// `x + y`, in the memory of `y`, which must not be shared.
pub(super) fn add_to(y: Tensor, x: &Tensor) -> Result<Tensor> {
    if y.device().is_cpu() {
        y.inplace_op2(x, &Add)?;
        Ok(y)
    } else {
        y + x
    }
}

/// What `f` makes of a tensor's numbers, row-major.
///
/// # Errors
/// It is not of f32, or the device fails.
pub fn with_numbers<T>(x: &Tensor, f: impl FnOnce(&[f32]) -> T) -> Result<T> {
    Ok(f(&HostNumbers::of(x)?))
}

struct Add;

impl InplaceOp2 for Add {
    fn name(&self) -> &'static str {
        "add-in-place"
    }

    fn cpu_fwd(&self, y: &mut CpuStorage, l: &Layout, x: &CpuStorage, lx: &Layout) -> Result<()> {
        let (y, x) = (numbers_mut(y, l)?, numbers(x, lx)?);
        if x.len() != y.len() {
            bail!("expected {} numbers to add, got {}", y.len(), x.len());
        }
        let pairs = y.par_chunks_mut(GRAIN).zip(x.par_chunks(GRAIN));
        pairs.for_each(|(y, x)| y.iter_mut().zip(x).for_each(|(y, x)| *y += x));
        Ok(())
    }
}

fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(numbers), Some((start, end))) => Ok(&numbers[start..end]),
        _ => bail!("expected contiguous f32 numbers"),
    }
}

fn numbers_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(numbers), Some((start, end))) => Ok(&mut numbers[start..end]),
        _ => bail!("expected contiguous f32 numbers"),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// By the definition, in double precision, of rows far from 0.
    #[test]
    fn norms_are_those_of_the_definition() {
        let (rows, width) = (5, LANES + 3);
        let x: Vec<f32> = (0..rows * width)
            .map(|i| 100.0 + (i * i % 17) as f32)
            .collect();
        let vector = |f: fn(usize) -> f32| {
            let numbers: Vec<f32> = (0..width).map(f).collect();
            Tensor::new(numbers, &Device::Cpu).unwrap()
        };
        let weight = vector(|i| 1.0 + i as f32 / 10.0);
        for bias in [None, Some(vector(|i| i as f32 - 5.0))] {
            let centred = bias.is_some();
            let norm = Norm {
                weight: weight.clone(),
                bias,
                epsilon: 1e-5,
            };
            let tensor = Tensor::from_slice(&x, (rows, width), &Device::Cpu).unwrap();
            let found: Vec<f32> = norm
                .of(&tensor)
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1()
                .unwrap();
            for (row, found) in x.chunks(width).zip(found.chunks(width)) {
                let row: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
                let n = width as f64;
                let mean = if centred {
                    row.iter().sum::<f64>() / n
                } else {
                    0.0
                };
                let square = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
                for (i, (x, found)) in row.iter().zip(found).enumerate() {
                    let shift = if centred { i as f64 - 5.0 } else { 0.0 };
                    let expected =
                        (x - mean) / (square + 1e-5).sqrt() * (1.0 + i as f64 / 10.0) + shift;
                    assert!(
                        (expected - f64::from(*found)).abs() < 2e-5,
                        "{found} {expected}"
                    );
                }
            }
        }
    }
}
