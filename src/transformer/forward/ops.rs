//! Products, norms and sums of rows. On the processor what candle does on one thread, or by one
//! copy more, is done here in place and on all threads.

use candle_core::{CpuStorage, DType, InplaceOp2, Layout, Result, Tensor, bail};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::activation::Activation;

/// Numbers that a thread takes at once.
const GRAIN: usize = 1 << 15;

/// Rows from which on faer's product is faster than candle's, by a quarter or more.
const MANY_ROWS: usize = 256;

/// A linear map: `y = x·weight + bias`. Copies share the numbers.
#[derive(Clone)]
pub(super) struct Linear {
    /// `[in, out]`, perhaps as a transposed view.
    pub weight: Tensor,
    /// `[out]`.
    pub bias: Tensor,
}

/// A layer norm; without a bias, a norm by the root mean square.
pub(super) struct Norm {
    pub weight: Tensor,
    pub bias: Option<Tensor>,
    pub epsilon: f32,
}

impl Linear {
    /// `activation(x·weight + bias)` of rows `[n, in]`: `[n, out]`.
    pub(super) fn of(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        // A matrix by a matrix: candle 0.11's products of a batch are silently wrong where the
        // left side is a transposed view and the right one is broadcast.
        if x.rank() != 2 {
            bail!("expected rows, got a tensor of shape {:?}", x.shape());
        }
        let y = product(&x.contiguous()?, &self.weight)?;
        if y.device().is_cpu() {
            y.inplace_op2(&self.bias, &BiasThen(activation))?;
            Ok(y)
        } else {
            activation.apply_on_device(&y.broadcast_add(&self.bias)?)
        }
    }
}

/// `x·weight`, `[n, in]·[in, out]`.
fn product(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let ((n, inputs), outputs) = (x.dims2()?, weight.dim(1)?);
    let in_f32 = [x, weight].iter().all(|x| x.dtype() == DType::F32);
    if n < MANY_ROWS || !in_f32 || !x.device().is_cpu() || weight.dim(0)? != inputs {
        return x.matmul(weight);
    }
    let transposed = !weight.is_contiguous();
    let stored = if transposed {
        weight.t()?
    } else {
        weight.clone()
    };
    let mut y = vec![0f32; n * outputs];
    with_numbers(x, |x| {
        with_numbers(&stored, |stored| {
            let weight = match transposed {
                true => MatRef::from_row_major_slice(stored, outputs, inputs).transpose(),
                false => MatRef::from_row_major_slice(stored, inputs, outputs),
            };
            let x = MatRef::from_row_major_slice(x, n, inputs);
            let y = MatMut::from_row_major_slice_mut(&mut y, n, outputs);
            matmul(y, Accum::Replace, x, weight, 1.0, Par::rayon(0));
        })
    })??;
    Tensor::from_vec(y, (n, outputs), x.device())
}

impl Linear {
    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        4 * (self.weight.elem_count() + self.bias.elem_count())
    }
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
        let x = x.contiguous()?;
        match &self.bias {
            Some(bias) => candle_nn::ops::layer_norm(&x, &self.weight, bias, self.epsilon),
            None => candle_nn::ops::rms_norm(&x, &self.weight, self.epsilon),
        }
    }
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
    if x.device().is_cpu() && x.is_contiguous() && x.dtype() == DType::F32 {
        let (storage, layout) = x.storage_and_layout();
        if let candle_core::Storage::Cpu(storage) = &*storage {
            let numbers = storage.as_slice::<f32>()?;
            let start = layout.start_offset();
            return Ok(f(&numbers[start..start + layout.shape().elem_count()]));
        }
    }
    Ok(f(&x.flatten_all()?.to_vec1::<f32>()?))
}

struct BiasThen(Activation);

impl InplaceOp2 for BiasThen {
    fn name(&self) -> &'static str {
        "bias-then-activation"
    }

    fn cpu_fwd(
        &self,
        y: &mut CpuStorage,
        l: &Layout,
        bias: &CpuStorage,
        lb: &Layout,
    ) -> Result<()> {
        let (y, bias) = (numbers_mut(y, l)?, numbers(bias, lb)?);
        let rows = (GRAIN / bias.len().max(1)).max(1);
        y.par_chunks_mut(rows * bias.len()).for_each(|rows| {
            for row in rows.chunks_exact_mut(bias.len()) {
                row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
            }
            self.0.apply(rows);
        });
        Ok(())
    }
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
    use candle_core::{Device, IndexOp};

    use super::*;

    /// Against candle's own product, and with a weight that is a part of another.
    #[test]
    fn many_rows_are_multiplied_as_few_are() {
        let random = |rows: usize, cols: usize| {
            Tensor::randn(0f32, 1.0, (rows, cols), &Device::Cpu).unwrap()
        };
        let (x, whole) = (random(MANY_ROWS + 3, 5), random(7, 9));
        let part = whole.narrow(0, 1, 5).unwrap();
        let weights = [
            random(5, 7),
            random(7, 5).t().unwrap(),
            part.clone(),
            part.narrow(1, 2, 4).unwrap(),
        ];
        for weight in weights {
            let (found, expected) = (
                product(&x, &weight),
                x.matmul(&weight.contiguous().unwrap()),
            );
            let apart = (found.unwrap() - expected.unwrap()).unwrap();
            let apart: f32 = apart.abs().unwrap().max_all().unwrap().to_vec0().unwrap();
            assert!(apart < 1e-5, "{apart}");
        }
    }

    /// candle 0.11.1 answers wrongly, and without an error, where a batch of transposed views is
    /// multiplied with one broadcast matrix: `candle_nn::Linear` does so.
    #[test]
    fn a_transposed_view_is_multiplied_as_what_it_shows() {
        let batch = Tensor::arange(0f32, 24.0, &Device::Cpu).unwrap();
        let batch = batch.reshape((2, 3, 4)).unwrap().transpose(1, 2).unwrap();
        let weight = Tensor::arange(0f32, 15.0, &Device::Cpu).unwrap();
        let linear = Linear {
            weight: weight.reshape((5, 3)).unwrap().t().unwrap(),
            bias: Tensor::new(&[1f32, 2.0, 3.0, 4.0, 5.0], &Device::Cpu).unwrap(),
        };
        assert!(linear.of(&batch, Activation::Linear).is_err());
        for text in 0..2 {
            let y = linear.of(&batch.i(text).unwrap(), Activation::Linear);
            let y: Vec<Vec<f32>> = y.unwrap().to_vec2().unwrap();
            for (row, y) in y.iter().enumerate() {
                for (out, y) in y.iter().enumerate() {
                    // Row `row` of the view is column `row` of what lies in memory.
                    let x = |i: usize| (12 * text + 4 * i + row) as f32;
                    let expected: f32 = (0..3).map(|i| x(i) * (3 * out + i) as f32).sum();
                    assert_eq!(*y, expected + (out + 1) as f32);
                }
            }
        }
    }
}
