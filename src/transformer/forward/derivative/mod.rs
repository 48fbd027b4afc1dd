//! Reverse mode: what a change of a layer's output is worth is carried back to the layer's input, at
//! the states of one text. Of it are made the Jacobians of a Jacobian lens.

mod activation;
mod attention;
mod feed_forward;
mod layer;
mod norm;

use std::ops::Range;

use candle_core::Tensor;

use super::{Forward, ForwardError, HookPoint, HookRequest, Start, with_numbers};
use crate::checkpoint::Matrix;
use crate::task::CancelToken;

use layer::LayerTape;

/// Rows of cotangents that go back through a layer together: enough for products at full rate.
const ROWS: usize = 4096;

/// Cotangents of several output coordinates at all positions of one text, `[coordinates × tokens,
/// width]`: the positions of one coordinate follow each other.
#[derive(Clone, Copy)]
struct Batch {
    coordinates: usize,
    tokens: usize,
}

impl Batch {
    fn rows(self) -> usize {
        self.coordinates * self.tokens
    }

    fn texts(self) -> Vec<Range<usize>> {
        let starts = (0..self.coordinates).map(|i| i * self.tokens);
        starts.map(|start| start..start + self.tokens).collect()
    }
}

impl Forward<'_> {
    /// For every layer but the last, the Jacobian of the residual stream after the last layer by that
    /// after the layer, `[d_model, d_model]`: `J[i, j]` is the mean over positions p of the sum over
    /// positions p′ of ∂h_L[p′, i] / ∂h_l[p, j], both among `positions`. `on_part` is told what share
    /// is done. The estimator is that of the Jacobian lens (arXiv 2607.15495).
    ///
    /// # Errors
    /// As [`Self::run`], or no position.
    pub fn jacobians(
        &self,
        text: &[u32],
        positions: Range<usize>,
        cancel: CancelToken<'_>,
        on_part: &mut dyn FnMut(f32),
    ) -> Result<Vec<Matrix>, ForwardError> {
        if self.loader.checkpoint.family().two_stacks.is_some() {
            return Err(ForwardError::EncoderAlone);
        }
        if self.loader.checkpoint.spec().repeats_layers() {
            return Err(ForwardError::NoDerivative(
                "layers that are run several times",
            ));
        }
        let states = self.states_of(text, cancel)?;
        let (tokens, width) = states[0].dims2()?;
        let positions = positions.start.min(tokens)..positions.end.min(tokens);
        if positions.is_empty() {
            let limit = self.longest();
            return Err(ForwardError::Length { got: tokens, limit });
        }
        let layers = states.len() - 1;
        let mut tapes = Vec::with_capacity(layers);
        // The first layer leaves what the second one reads.
        for (at, state) in states.iter().enumerate().take(layers).skip(1) {
            cancel.check()?;
            tapes.push(LayerTape::new(self.layer(at)?, state)?);
        }
        let mut found = vec![Matrix::zeros(width, width); layers.saturating_sub(1)];
        let some = (ROWS / tokens).clamp(1, width);
        for first in (0..width).step_by(some) {
            let batch = Batch {
                coordinates: some.min(width - first),
                tokens,
            };
            let mut back = vec![0f32; batch.rows() * width];
            for i in 0..batch.coordinates {
                for p in positions.clone() {
                    back[(i * tokens + p) * width + first + i] = 1.0;
                }
            }
            let shape = (batch.rows(), width);
            let mut back = Tensor::from_vec(back, shape, states[0].device())?;
            for (at, tape) in tapes.iter().enumerate().rev() {
                cancel.check()?;
                back = tape.back(&back, batch)?;
                let rows = means(&back, batch, &positions)?;
                let own = first * width..(first + batch.coordinates) * width;
                found[at].data_mut()[own].copy_from_slice(&rows);
            }
            on_part((first + batch.coordinates) as f32 / width as f32);
        }
        Ok(found)
    }

    /// The residual stream before the first layer and after each, before the final norm.
    fn states_of(
        &self,
        text: &[u32],
        cancel: CancelToken<'_>,
    ) -> Result<Vec<Tensor>, ForwardError> {
        let first = self.embedded(text)?;
        let mut states = vec![first.clone()];
        let request = HookRequest {
            points: &[HookPoint::ResidPost],
            pattern_from: None,
            cancel,
        };
        let start = Start {
            layer: 0,
            state: &first,
        };
        self.run_from(start, request, &mut |hooked| {
            states.push(hooked.tensor.clone());
            Ok(None)
        })?;
        Ok(states)
    }
}

/// The means over some positions, `[coordinates, width]`.
fn means(back: &Tensor, batch: Batch, positions: &Range<usize>) -> Result<Vec<f32>, ForwardError> {
    Ok(with_numbers(back, |back| {
        let width = back.len() / batch.rows().max(1);
        let mut means = vec![0f64; batch.coordinates * width];
        for (i, sums) in means.chunks_exact_mut(width).enumerate() {
            for p in positions.clone() {
                let row = &back[(i * batch.tokens + p) * width..][..width];
                sums.iter_mut()
                    .zip(row)
                    .for_each(|(sum, x)| *sum += f64::from(*x));
            }
        }
        let count = positions.len() as f64;
        means.into_iter().map(|sum| (sum / count) as f32).collect()
    })?)
}
