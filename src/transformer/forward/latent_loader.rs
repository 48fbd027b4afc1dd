//! The maps of a layer's attention, from the checkpoint to a device: those of latent attention (MLA).

use candle_core::Tensor;

use crate::checkpoint::latent::{self, LatentSizes};
use crate::checkpoint::{AttentionInput, CheckpointError, Matrix};

use super::ForwardError;
use super::attention_maps::{AttentionMaps, LatentMaps};
use super::linear::Linear;
use super::loader::LayerLoader;
use super::ops::Norm;

/// Which rows of a stored map each head has, and the channel of the head that the first becomes.
struct HeadRows {
    /// Rows of a head in the file.
    stored: usize,
    /// Parts of them: the first, how many, and the head's channel that the first becomes.
    parts: Vec<[usize; 3]>,
}

impl LayerLoader<'_> {
    /// From states to queries, keys and values, by one map each or by way of latent vectors.
    pub(super) fn attention_maps(&self, layer: usize) -> Result<AttentionMaps, ForwardError> {
        let spec = self.checkpoint.spec();
        Ok(match spec.latent {
            Some(sizes) => self.latent_maps(layer, sizes)?,
            None => AttentionMaps::Plain([
                self.of_heads(layer, AttentionInput::Query)?,
                self.of_heads(layer, AttentionInput::Key)?,
                self.of_heads(layer, AttentionInput::Value)?,
            ]),
        })
    }

    /// The maps of a layer's latent attention.
    pub(super) fn latent_maps(
        &self,
        layer: usize,
        sizes: LatentSizes,
    ) -> Result<AttentionMaps, ForwardError> {
        let LatentSizes {
            query_rank,
            rank,
            nope,
            rope,
            value,
        } = sizes;
        let d_model = self.checkpoint.spec().d_model;
        let (heads, d_head) = (self.checkpoint.spec().heads, self.checkpoint.spec().d_head);
        let queries = HeadRows {
            stored: nope + rope,
            parts: vec![[nope, rope, 0], [0, nope, rope]],
        };
        let keys = HeadRows {
            stored: nope + value,
            parts: vec![[0, nope, rope]],
        };
        let values = HeadRows {
            stored: nope + value,
            parts: vec![[nope, value, 0]],
        };
        let (query_name, inputs) = match query_rank {
            Some(rank) => (latent::QUERY_UP, rank),
            None => (latent::QUERY, d_model),
        };
        let query_down = match query_rank {
            Some(rank) => Some((
                self.rows(layer, latent::QUERY_DOWN, [rank, d_model])?,
                self.latent_norm(layer, latent::QUERY_NORM, rank)?,
            )),
            None => None,
        };
        let mut rotating = vec![0f32; rope * heads * d_head];
        for (channel, row) in rotating.chunks_exact_mut(heads * d_head).enumerate() {
            row.iter_mut()
                .skip(channel)
                .step_by(d_head)
                .for_each(|x| *x = 1.0);
        }
        Ok(AttentionMaps::Latent(Box::new(LatentMaps {
            query_down,
            query: self.of_latent(layer, query_name, inputs, &queries)?,
            down: self.rows(layer, latent::DOWN, [rank + rope, d_model])?,
            norm: self.latent_norm(layer, latent::NORM, rank)?,
            rank,
            key: self.of_latent(layer, latent::UP, rank, &keys)?,
            rotating: Tensor::from_vec(rotating, (rope, heads * d_head), self.device)?,
            value: self.of_latent(layer, latent::UP, rank, &values)?,
        })))
    }

    /// What heads write, of values with channels that are 0 to the size of a head.
    pub(super) fn latent_output(
        &self,
        layer: usize,
        sizes: LatentSizes,
    ) -> Result<Linear, ForwardError> {
        let spec = self.checkpoint.spec();
        let name = self
            .checkpoint
            .linear(layer, &self.checkpoint.family().attention_out);
        let stored = self
            .checkpoint
            .block(&name, 0..spec.d_model, 0..spec.heads * sizes.value)?;
        let mut whole = Matrix::zeros(spec.heads * spec.d_head, spec.d_model);
        for (channel, row) in whole
            .data_mut()
            .chunks_exact_mut(spec.d_model.max(1))
            .enumerate()
        {
            let (head, own) = (channel / spec.d_head, channel % spec.d_head);
            if own < sizes.value {
                let from = head * sizes.value + own;
                row.iter_mut()
                    .enumerate()
                    .for_each(|(i, x)| *x = stored.row(i)[from]);
            }
        }
        let shape = (whole.rows(), whole.cols());
        Ok(Linear {
            weight: Tensor::from_vec(whole.into_data(), shape, self.device)?,
            bias: Tensor::zeros(spec.d_model, candle_core::DType::F32, self.device)?,
        })
    }

    fn latent_norm(&self, layer: usize, name: &str, width: usize) -> Result<Norm, ForwardError> {
        let norm = self.norm(&self.checkpoint.in_layer(layer, name), width)?;
        Ok(Norm {
            epsilon: latent::EPSILON as f32,
            ..norm
        })
    }

    fn stored(
        &self,
        layer: usize,
        name: &str,
        [rows, cols]: [usize; 2],
    ) -> Result<Matrix, CheckpointError> {
        let name = format!("{}.weight", self.checkpoint.in_layer(layer, name));
        self.checkpoint.block(&name, 0..rows, 0..cols)
    }

    /// A map without a bias, as it is stored.
    fn rows(&self, layer: usize, name: &str, shape: [usize; 2]) -> Result<Linear, ForwardError> {
        let rows = self.stored(layer, name, shape)?;
        self.unbiased(rows)
    }

    fn unbiased(&self, rows: Matrix) -> Result<Linear, ForwardError> {
        let shape = (rows.rows(), rows.cols());
        Ok(Linear {
            bias: Tensor::zeros(shape.0, candle_core::DType::F32, self.device)?,
            weight: Tensor::from_vec(rows.into_data(), shape, self.device)?.t()?,
        })
    }

    /// A map to all heads' channels, of rows that lie head after head.
    fn of_latent(
        &self,
        layer: usize,
        name: &str,
        inputs: usize,
        of_head: &HeadRows,
    ) -> Result<Linear, ForwardError> {
        let spec = self.checkpoint.spec();
        let stored = self.stored(layer, name, [spec.heads * of_head.stored, inputs])?;
        let mut whole = Matrix::zeros(spec.heads * spec.d_head, inputs);
        for head in 0..spec.heads {
            for &[first, count, channel] in &of_head.parts {
                for i in 0..count {
                    let to = (head * spec.d_head + channel + i) * inputs;
                    let row = stored.row(head * of_head.stored + first + i);
                    whole.data_mut()[to..to + inputs].copy_from_slice(row);
                }
            }
        }
        self.unbiased(whole)
    }
}
