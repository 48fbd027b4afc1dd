//! Linear maps of rows. On the processor each thread takes some of the rows, or some of the outputs of
//! few rows, through product, bias and activation: threads that share a product wait for one
//! another at every step of it.

use candle_core::{Result, Tensor, bail};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::activation::Activation;
use super::host_numbers::HostNumbers;
use super::ops::GRAIN;

/// Rows that a thread takes at a time at most: what neurons make of more does not stay in the processor's
/// own memory. Of fewer rows than that for each thread, each takes some of the outputs.
const ROWS: usize = 256;

/// A linear map: `y = x·weight + bias`. Copies share the numbers.
#[derive(Clone)]
pub(super) struct Linear {
    /// `[in, out]`, perhaps as a transposed view.
    pub weight: Tensor,
    /// `[out]`.
    pub bias: Tensor,
}

impl Linear {
    /// `activation(x·weight + bias)` of rows `[n, in]`: `[n, out]`.
    pub(super) fn of(&self, x: &Tensor, activation: Activation) -> Result<Tensor> {
        // A matrix by a matrix: candle 0.11's products of a batch are silently wrong where the
        // left side is a transposed view and the right one is broadcast.
        if x.rank() != 2 {
            bail!("expected rows, got a tensor of shape {:?}", x.shape());
        }
        if !self.is_on_host(x) {
            let y = x.contiguous()?.matmul(&self.weight)?;
            return activation.apply_on_device(&y.broadcast_add(&self.bias)?);
        }
        let (map, numbers) = (self.on_host(x.dim(1)?)?, HostNumbers::of(x)?);
        let shape = (x.dim(0)?, map.outputs());
        let mut y = vec![0f32; shape.0 * shape.1];
        match rows_at_once(shape.0) {
            _ if y.is_empty() || numbers.is_empty() => map.finish(&mut y, activation),
            Some(some) => {
                let parts = y.par_chunks_mut(some * map.outputs());
                let parts = parts.zip(numbers.par_chunks(some * map.inputs()));
                parts.for_each(|(y, x)| map.of(x, y, activation));
            }
            None => map.of_few(&numbers, &mut y, activation),
        }
        Tensor::from_vec(y, shape, x.device())
    }

    /// Whether the map, and rows, lie on the processor as f32.
    pub(super) fn is_on_host(&self, x: &Tensor) -> bool {
        HostNumbers::are_in(&[x, &self.weight, &self.bias])
    }

    /// The map for rows of `width` numbers, if [it is on the processor](Self::is_on_host).
    ///
    /// # Errors
    /// It is for rows of another width.
    pub(super) fn on_host(&self, width: usize) -> Result<HostLinear<'_>> {
        let (inputs, outputs) = self.weight.dims2()?;
        if width != inputs || self.bias.dims() != [outputs] {
            let bias = self.bias.shape();
            bail!("expected rows of {inputs} and a bias of {outputs}, got {width} and {bias:?}");
        }
        let (weight, transposed) = HostNumbers::of_matrix(&self.weight)?;
        Ok(HostLinear {
            weight,
            transposed,
            bias: HostNumbers::of(&self.bias)?,
            inputs,
        })
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        4 * (self.weight.elem_count() + self.bias.elem_count())
    }
}

/// Whether the work at hand is one thread's part of more.
pub(super) fn is_beside_others() -> bool {
    rayon::current_thread_index().is_some()
}

/// Rows that each thread takes at a time, all as often; `None` of few.
pub(super) fn rows_at_once(rows: usize) -> Option<usize> {
    if is_beside_others() {
        return Some(rows.clamp(1, ROWS));
    }
    let threads = rayon::current_num_threads();
    let times = rows.div_ceil(threads * ROWS);
    (rows >= threads * ROWS).then(|| rows.div_ceil(threads * times))
}

/// A linear map on the processor.
pub(super) struct HostLinear<'a> {
    weight: HostNumbers<'a>,
    /// Whether the weight lies as `[out, in]`.
    transposed: bool,
    bias: HostNumbers<'a>,
    inputs: usize,
}

impl HostLinear<'_> {
    pub(super) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(super) fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// `activation(x·weight + bias)` of rows `x` into `y`, on the calling thread.
    pub(super) fn of(&self, x: &[f32], y: &mut [f32], activation: Activation) {
        let (inputs, outputs) = (self.inputs(), self.outputs());
        let rows = y.len() / outputs.max(1);
        let product = MatMut::from_row_major_slice_mut(y, rows, outputs);
        let x = MatRef::from_row_major_slice(x, rows, inputs);
        matmul(product, Accum::Replace, x, self.weight(), 1.0, Par::Seq);
        self.finish(y, activation);
    }

    /// The same of few rows, on all threads.
    fn of_few(&self, x: &[f32], y: &mut [f32], activation: Activation) {
        let (inputs, outputs) = (self.inputs(), self.outputs());
        let rows = y.len() / outputs.max(1);
        let x = MatRef::from_row_major_slice(x, rows, inputs);
        let some = outputs.div_ceil(rayon::current_num_threads());
        let product = MatMut::from_row_major_slice_mut(y, rows, outputs);
        let parts = product.par_col_chunks_mut(some.max(1)).enumerate();
        parts.for_each(|(i, y)| {
            let weight = self.weight().subcols(i * some, y.ncols());
            matmul(y, Accum::Replace, x, weight, 1.0, Par::Seq);
        });
        let some = (GRAIN / outputs.max(1) + 1) * outputs.max(1);
        y.par_chunks_mut(some)
            .for_each(|y| self.finish(y, activation));
    }

    fn weight(&self) -> MatRef<'_, f32> {
        let (inputs, outputs) = (self.inputs(), self.outputs());
        match self.transposed {
            true => MatRef::from_row_major_slice(&self.weight, outputs, inputs).transpose(),
            false => MatRef::from_row_major_slice(&self.weight, inputs, outputs),
        }
    }

    fn finish(&self, y: &mut [f32], activation: Activation) {
        for row in y.chunks_exact_mut(self.outputs().max(1)) {
            row.iter_mut().zip(&*self.bias).for_each(|(y, b)| *y += b);
            activation.apply(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, IndexOp};

    use super::*;

    /// Against candle's own product, and with a weight that is a part of another.
    #[test]
    fn many_rows_and_few_are_multiplied_as_candle_does() {
        let random = |rows: usize, cols: usize| {
            Tensor::randn(0f32, 1.0, (rows, cols), &Device::Cpu).unwrap()
        };
        let whole = random(7, 9);
        let part = whole.narrow(0, 1, 5).unwrap();
        let weights = [
            random(5, 7),
            random(7, 5).t().unwrap(),
            part.clone(),
            part.narrow(1, 2, 4).unwrap(),
        ];
        let many = ROWS * rayon::current_num_threads() + 3;
        for (weight, rows) in weights.iter().flat_map(|w| [(w, 1), (w, 5), (w, many)]) {
            let (x, outputs) = (random(rows, 5), weight.dim(1).unwrap());
            let linear = Linear {
                weight: weight.clone(),
                bias: random(1, outputs).i(0).unwrap(),
            };
            let found = linear.of(&x, Activation::Relu).unwrap();
            let expected = x.matmul(&weight.contiguous().unwrap()).unwrap();
            let expected = expected.broadcast_add(&linear.bias).unwrap();
            let apart = (found - expected.relu().unwrap()).unwrap();
            let apart: f32 = apart.abs().unwrap().max_all().unwrap().to_vec0().unwrap();
            assert!(apart < 1e-5, "{rows} rows: {apart}");
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
