//! Weights by layer, neuron and head, whatever the file's layout.

mod pieces;

use std::ops::Range;

use crate::checkpoint::{Checkpoint, CheckpointError, Layout, Linear, Matrix, Place, Spec};
use crate::hub::Waiting;

use super::Form;

pub use pieces::{Piece, Vectors};

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

/// A block of a tensor that reads as `[channels, width]` of the residual stream, whichever way the
/// file lays it out.
struct Part {
    place: Place,
    /// Whether the channels are the block's columns.
    turned: bool,
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
        self.read(self.key_part(layer, neurons))
    }

    /// Values of a layer's neurons, `[neurons, width]`: rows of the feed-forward output weights.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn values(&self, layer: usize, neurons: Range<usize>) -> Result<Matrix, CheckpointError> {
        self.read(self.value_part(layer, neurons))
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
        let [left, right] = self.form_parts(form, layer, head);
        Ok(FormWeights {
            left: self.read(left)?.transposed(),
            right: self.read(right)?.transposed(),
        })
    }

    /// Brings near what [`Self::keys`] and [`Self::values`] read, if it lies on the hub.
    ///
    /// # Errors
    /// As [`Checkpoint::bring`].
    pub fn bring_neurons(
        &self,
        layer: usize,
        neurons: Range<usize>,
        waiting: &dyn Waiting,
    ) -> Result<(), CheckpointError> {
        let parts = [
            self.key_part(layer, neurons.clone()),
            self.value_part(layer, neurons),
        ];
        self.bring(parts, waiting)
    }

    /// Brings near what [`Self::form`] reads, if it lies on the hub.
    ///
    /// # Errors
    /// As [`Checkpoint::bring`].
    pub fn bring_form(
        &self,
        form: Form,
        layer: usize,
        head: usize,
        waiting: &dyn Waiting,
    ) -> Result<(), CheckpointError> {
        self.bring(self.form_parts(form, layer, head), waiting)
    }

    fn bring(
        &self,
        parts: impl IntoIterator<Item = Part>,
        waiting: &dyn Waiting,
    ) -> Result<(), CheckpointError> {
        let places: Vec<Place> = parts.into_iter().map(|part| part.place).collect();
        self.checkpoint.bring(&places, waiting)
    }

    fn key_part(&self, layer: usize, neurons: Range<usize>) -> Part {
        self.part(layer, &self.checkpoint.family().ff_in, Axis::Out, neurons)
    }

    fn value_part(&self, layer: usize, neurons: Range<usize>) -> Part {
        self.part(layer, &self.checkpoint.family().ff_out, Axis::In, neurons)
    }

    fn form_parts(&self, form: Form, layer: usize, head: usize) -> [Part; 2] {
        let family = self.checkpoint.family();
        let width = self.spec().head_width;
        let channels = head * width..(head + 1) * width;
        let part = |linear, axis| self.part(layer, linear, axis, channels.clone());
        match form {
            Form::Vo => [
                part(&family.value, Axis::Out),
                part(&family.attention_out, Axis::In),
            ],
            Form::Qk => [part(&family.query, Axis::Out), part(&family.key, Axis::Out)],
        }
    }

    /// Where the part of a linear map lies that belongs to `channels` of one of its sides.
    fn part(&self, layer: usize, linear: &Linear, axis: Axis, channels: Range<usize>) -> Part {
        let spec = self.spec();
        // A fused map stacks its equal parts along the output; each is as wide as all heads.
        let offset = linear.part.0 * spec.heads * spec.head_width;
        let channels = channels.start + offset..channels.end + offset;
        let along_rows = matches!(
            (linear.layout, axis),
            (Layout::OutIn, Axis::Out) | (Layout::InOut, Axis::In)
        );
        let width = 0..spec.width;
        let (rows, cols) = if along_rows {
            (channels, width)
        } else {
            (width, channels)
        };
        Part {
            place: Place {
                tensor: self.checkpoint.linear(layer, linear),
                rows,
                cols,
            },
            turned: !along_rows,
        }
    }

    /// The numbers of a part.
    fn read(&self, part: Part) -> Result<Matrix, CheckpointError> {
        let Place { tensor, rows, cols } = part.place;
        let block = self.checkpoint.block(&tensor, rows, cols)?;
        Ok(if part.turned {
            block.transposed()
        } else {
            block
        })
    }
}
