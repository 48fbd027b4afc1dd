//! Weights by layer, neuron and head, whatever the file's layout.

use std::ops::Range;

use crate::checkpoint::{Checkpoint, CheckpointError, Layout, Linear, Matrix, Spec};

use super::Form;

/// The weights of an open checkpoint. Each call reads just what it returns.
#[derive(Debug)]
pub struct Weights {
    checkpoint: Checkpoint,
}

/// A head's form as two thin factors: `form(s, t) = (E[s]·left)·(E[t]·right)`.
#[derive(Clone, Debug, PartialEq)]
pub struct FormWeights {
    /// `W_V` or `W_Q`, `[width, head]`.
    pub left: Matrix,
    /// `W_Oᵀ` or `W_K`, `[width, head]`.
    pub right: Matrix,
}

/// Which side of a linear map a block is cut along.
enum Axis {
    In,
    Out,
}

impl Weights {
    /// The weights of `checkpoint`.
    pub fn new(checkpoint: Checkpoint) -> Self {
        Self { checkpoint }
    }

    /// The checkpoint they are read from.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    fn spec(&self) -> &Spec {
        self.checkpoint.spec()
    }

    /// E, the output embedding, `[vocab, width]`; with tied weights the input embedding.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn embedding(&self) -> Result<Matrix, CheckpointError> {
        let name = self
            .checkpoint
            .output_embedding()
            .unwrap_or(self.checkpoint.embedding());
        self.checkpoint
            .block(name, 0..self.spec().vocab, 0..self.spec().width)
    }

    /// The learned positions, `[positions, width]`, if the model has any.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn positions(&self) -> Result<Option<Matrix>, CheckpointError> {
        let Some(name) = self.checkpoint.positions() else {
            return Ok(None);
        };
        self.checkpoint
            .block(name, 0..self.spec().positions, 0..self.spec().width)
            .map(Some)
    }

    /// Keys of a layer's neurons, `[neurons, width]`: rows of the feed-forward input weights.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn keys(&self, layer: usize, neurons: Range<usize>) -> Result<Matrix, CheckpointError> {
        self.cut(layer, &self.checkpoint.family().ff_in, Axis::Out, neurons)
    }

    /// Values of a layer's neurons, `[neurons, width]`: rows of the feed-forward output weights.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn values(&self, layer: usize, neurons: Range<usize>) -> Result<Matrix, CheckpointError> {
        self.cut(layer, &self.checkpoint.family().ff_out, Axis::In, neurons)
    }

    /// Mean length of a layer's value vectors.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn mean_value_norm(&self, layer: usize) -> Result<f32, CheckpointError> {
        let values = self.values(layer, 0..self.spec().neurons)?;
        let norm = |i| {
            values
                .row(i)
                .iter()
                .map(|&x| f64::from(x).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        Ok(((0..values.rows()).map(norm).sum::<f64>() / values.rows() as f64) as f32)
    }

    /// A number that differs, but for chance, between models of other weights: FNV-1a over the key
    /// and the value of the first neuron in every layer.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn fingerprint(&self) -> Result<u64, CheckpointError> {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for layer in 0..self.spec().layers {
            for vector in [self.keys(layer, 0..1)?, self.values(layer, 0..1)?] {
                for byte in vector.data().iter().flat_map(|x| x.to_le_bytes()) {
                    hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
                }
            }
        }
        Ok(hash)
    }

    /// The two factors of a head's form.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn form(
        &self,
        form: Form,
        layer: usize,
        head: usize,
    ) -> Result<FormWeights, CheckpointError> {
        let family = self.checkpoint.family();
        let width = self.spec().head_width;
        let channels = head * width..(head + 1) * width;
        let (left, right) = match form {
            Form::Vo => (
                self.cut(layer, &family.value, Axis::Out, channels.clone())?,
                self.cut(layer, &family.attention_out, Axis::In, channels)?,
            ),
            Form::Qk => (
                self.cut(layer, &family.query, Axis::Out, channels.clone())?,
                self.cut(layer, &family.key, Axis::Out, channels)?,
            ),
        };
        Ok(FormWeights {
            left: left.transposed(),
            right: right.transposed(),
        })
    }

    /// The part of a linear map that belongs to `channels` of one of its sides: `[channels, width]`
    /// of the residual stream, whichever way the file lays it out.
    fn cut(
        &self,
        layer: usize,
        linear: &Linear,
        axis: Axis,
        channels: Range<usize>,
    ) -> Result<Matrix, CheckpointError> {
        let spec = self.spec();
        let name = self.checkpoint.linear(layer, linear);
        // A fused map stacks its equal parts along the output; each is as wide as all heads.
        let offset = linear.part.0 * spec.heads * spec.head_width;
        let channels = channels.start + offset..channels.end + offset;
        let along_rows = matches!(
            (linear.layout, axis),
            (Layout::OutIn, Axis::Out) | (Layout::InOut, Axis::In)
        );
        if along_rows {
            self.checkpoint.block(&name, channels, 0..spec.width)
        } else {
            Ok(self
                .checkpoint
                .block(&name, 0..spec.width, channels)?
                .transposed())
        }
    }
}
