//! Weights by layer, neuron and head, whatever the file's layout.

mod attention;
mod fingerprint;
mod latent;
mod neurons;
mod norms_and_biases;
mod router;
mod stored_types;
mod stream;
mod through;
mod versions;

use std::ops::Range;
use std::sync::Arc;

use crate::checkpoint::{
    AttentionInput, Checkpoint, CheckpointError, Embedding, EmbeddingSide, HeadMapAt, Layout,
    Linear, Matrix, Spec, Split, StoredMap, TensorSlice, Version,
};
use crate::task::Callbacks;

use super::{Form, Input};

pub use norms_and_biases::{QueryKeyNorms, Sublayer, SublayerAt, TokenNorm};
pub use stored_types::{StoredPart, StoredTypes, stored_line};
pub use stream::{Dictionary, RowChunk};
pub use versions::BothVersions;

/// The weights of an open checkpoint. Each call reads just what it returns.
#[derive(Debug)]
pub struct Weights {
    checkpoint: Arc<Checkpoint>,
    /// Which of two compared models is read.
    version: Version,
}

/// A head's form as two thin factors: `form(s, t) = (E[s]·left)·(E[t]·right)`.
#[derive(Clone, Debug, PartialEq)]
pub struct FormWeights {
    /// `W_V` or `W_Q`, `[d_model, d_head]`.
    pub left: Matrix,
    /// `W_Oᵀ` or `W_K`, `[d_model, d_head]`.
    pub right: Matrix,
}

/// The rows that are written to.
#[derive(Debug)]
pub enum OutputRows {
    /// Those of the input embedding, through the same map if there is one.
    Input,
    /// Those of the input embedding through another map, `[width, d_model]`.
    InputThrough(Matrix),
    /// Rows of their own.
    Own(Embedding),
}

/// A block of a tensor that reads as `[vectors, d_model]` of the residual stream, whichever way the
/// file lays it out.
struct WeightSlice {
    stored: TensorSlice,
    /// Whether the vectors are the block's columns.
    transposed: bool,
}

/// Which side of a linear map a block is cut along.
#[derive(Clone, Copy)]
enum Axis {
    In,
    Out,
}

impl Weights {
    /// The weights of `checkpoint`.
    pub fn new(checkpoint: Checkpoint) -> Self {
        Self {
            checkpoint: Arc::new(checkpoint),
            version: Version::Difference,
        }
    }

    /// The checkpoint they are read from.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Where names, norms and sizes are looked up: the base's of the base.
    fn source(&self) -> &Checkpoint {
        match self.version {
            Version::Base => self.checkpoint.against().unwrap_or(&self.checkpoint),
            Version::Difference | Version::Tuned => &self.checkpoint,
        }
    }

    fn spec(&self) -> &Spec {
        self.source().spec()
    }

    /// What is read from: the input embedding, `[vocab, d_model]`.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn input_embedding(&self) -> Result<Embedding, CheckpointError> {
        self.whole(self.source().embedding(), EmbeddingSide::Input)
    }

    /// What is written to, `[vocab, d_model]`: the output embedding, if it is not the input
    /// embedding too.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn output_embedding(&self) -> Result<OutputRows, CheckpointError> {
        let source = self.source();
        Ok(match source.output_embedding() {
            Some(name) => OutputRows::Own(self.whole(name, EmbeddingSide::Output)?),
            None if source.one_map() => OutputRows::Input,
            None => match source.map_of(EmbeddingSide::Output)? {
                Some(map) => OutputRows::InputThrough(map),
                None => OutputRows::Input,
            },
        })
    }

    fn whole(&self, embedding: &str, side: EmbeddingSide) -> Result<Embedding, CheckpointError> {
        let (vocab, width) = (self.spec().vocab, self.spec().embedding_width);
        Ok(Embedding {
            table: self.source().stored(embedding, 0..vocab, 0..width)?,
            map: self.source().map_of(side)?,
        })
    }

    /// The learned positions, `[positions, d_model]`, if the model has any.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn positions(&self) -> Result<Option<Embedding>, CheckpointError> {
        let Some((name, rows)) = self.source().positions() else {
            return Ok(None);
        };
        let width = self.source().added_width();
        let mapped = width == self.spec().embedding_width;
        Ok(Some(Embedding {
            table: self.source().stored(name, rows, 0..width)?,
            map: match mapped {
                true => self.source().map_of(EmbeddingSide::Input)?,
                false => None,
            },
        }))
    }

    /// Keys of a layer's neurons, `[neurons, d_model]`: rows of the feed-forward input weights; of
    /// gated ones those that `input` says.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn keys(
        &self,
        layer: usize,
        neurons: Range<usize>,
        input: Input,
    ) -> Result<Matrix, CheckpointError> {
        self.read_all(self.key_slices(layer, neurons, input))
    }

    /// Values of a layer's neurons, `[neurons, d_model]`: rows of the feed-forward output weights.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn values(&self, layer: usize, neurons: Range<usize>) -> Result<Matrix, CheckpointError> {
        self.read_all(self.value_slices(layer, neurons))
    }

    /// Mean length of a layer's value vectors.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn mean_value_norm(&self, layer: usize) -> Result<f32, CheckpointError> {
        let values = self.values(layer, 0..self.spec().neurons_in(layer))?;
        let norm = |i| {
            values
                .row(i)
                .iter()
                .map(|&x| f64::from(x).powi(2))
                .sum::<f64>()
                .sqrt()
        };
        let sum: f64 = (0..values.rows()).map(norm).sum();
        Ok((sum / values.rows().max(1) as f64) as f32)
    }

    /// The two factors of a head's form. Those of QK are as at two positions of which the key
    /// lies `distance` behind the query, where the model has rotary positions. Of norms of queries
    /// and keys the gains are in them, and that their mean is taken out where it is; what scales
    /// all scores alike is not.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn form(
        &self,
        form: Form,
        layer: usize,
        head: usize,
        distance: usize,
    ) -> Result<FormWeights, CheckpointError> {
        self.form_or_change(|weights| weights.form_of_version(form, layer, head, distance))
    }

    fn form_of_version(
        &self,
        form: Form,
        layer: usize,
        head: usize,
        distance: usize,
    ) -> Result<FormWeights, CheckpointError> {
        if let Some(sizes) = self.spec().latent {
            return self.latent_form(sizes, form, (layer, head), distance);
        }
        let FormWeights { left, right } = self.maps_of_version(form, layer, head)?;
        let (mut left, mut right) = (left.transposed(), right.transposed());
        if let (Form::Qk, Some([query, key])) = (form, self.qk_norms(layer, head)?) {
            query.apply_to_rows(&mut left);
            key.apply_to_rows(&mut right);
        }
        let mut left = left.transposed();
        let rope = self.source().position_scheme().rope(layer);
        if let (Form::Qk, Some(rope), 1..) = (form, rope, distance) {
            let d_head = self.spec().head_sizes(layer).d_head;
            let heads = left.data_mut().chunks_exact_mut(d_head.max(1));
            heads.for_each(|head| rope.rotate(head, distance));
        }
        Ok(FormWeights {
            left,
            right: right.transposed(),
        })
    }

    /// The two maps of a head's form as they are stored, before query and key norms and RoPE.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn maps(
        &self,
        form: Form,
        layer: usize,
        head: usize,
    ) -> Result<FormWeights, CheckpointError> {
        self.form_or_change(|weights| weights.maps_of_version(form, layer, head))
    }

    fn maps_of_version(
        &self,
        form: Form,
        layer: usize,
        head: usize,
    ) -> Result<FormWeights, CheckpointError> {
        if let Some(sizes) = self.spec().latent {
            return self.latent_form(sizes, form, (layer, head), 0);
        }
        let [left, right] = self.form_slices(form, layer, head);
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
        input: Input,
        callbacks: Callbacks<'_>,
    ) -> Result<(), CheckpointError> {
        let keys = self.key_slices(layer, neurons.clone(), input);
        let values = self.value_slices(layer, neurons);
        self.bring(keys.into_iter().chain(values), callbacks)
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
        callbacks: Callbacks<'_>,
    ) -> Result<(), CheckpointError> {
        if let Some(sizes) = self.spec().latent {
            let (heads, d_model) = (self.spec().heads, self.spec().d_model);
            let maps = sizes.maps(heads, d_model).into_iter();
            let slices = maps.map(|(name, outputs, inputs)| WeightSlice {
                stored: TensorSlice {
                    tensor: format!("{}.weight", self.source().in_layer(layer, name)),
                    rows: 0..outputs,
                    cols: 0..inputs,
                },
                transposed: false,
            });
            return self.bring(slices, callbacks);
        }
        self.bring(self.form_slices(form, layer, head), callbacks)
    }

    fn bring(
        &self,
        slices: impl IntoIterator<Item = WeightSlice>,
        callbacks: Callbacks<'_>,
    ) -> Result<(), CheckpointError> {
        let stored: Vec<TensorSlice> = slices.into_iter().map(|slice| slice.stored).collect();
        self.source().bring(&stored, callbacks)
    }

    fn form_slices(&self, form: Form, layer: usize, head: usize) -> [WeightSlice; 2] {
        let sizes = self.spec().head_sizes(layer);
        let vectors = |split, role| sizes.head_outputs(split, role, head);
        let map = |layer, linear: &Linear| {
            StoredMap::of(linear, self.source().in_layer(layer, linear.name))
        };
        let out = |role| {
            let HeadMapAt { layer, linear } = self.source().head_map(layer, role);
            let map = map(layer, linear);
            self.slice(&map, Axis::Out, vectors(linear.split, role))
        };
        match form {
            Form::Vo => {
                // What a head reads lies in the output's columns as its queries do in their rows.
                let read = vectors(Split::Whole, AttentionInput::Query);
                let written = map(layer, &self.source().family().attention_out);
                [
                    out(AttentionInput::Value),
                    self.slice(&written, Axis::In, read),
                ]
            }
            Form::Qk => [out(AttentionInput::Query), out(AttentionInput::Key)],
        }
    }

    /// Where the part of a linear map lies that belongs to `vectors` of one of its sides.
    fn slice(&self, map: &StoredMap, axis: Axis, vectors: Range<usize>) -> WeightSlice {
        let along_rows = matches!(
            (map.layout, axis),
            (Layout::OutIn, Axis::Out) | (Layout::InOut, Axis::In)
        );
        let vectors = match (map.split, axis) {
            // Of neurons only.
            (Split::Part(i, _), Axis::Out) => {
                let before = i * self.spec().neurons;
                vectors.start + before..vectors.end + before
            }
            _ => vectors,
        };
        let d_model = 0..self.spec().d_model;
        let (rows, cols) = if along_rows {
            (vectors, d_model)
        } else {
            (d_model, vectors)
        };
        WeightSlice {
            stored: TensorSlice {
                tensor: format!("{}.weight", map.name),
                rows,
                cols,
            },
            transposed: !along_rows,
        }
    }

    /// The numbers of a part.
    fn read(&self, slice: WeightSlice) -> Result<Matrix, CheckpointError> {
        let TensorSlice { tensor, rows, cols } = slice.stored;
        let block = self.source().version(self.version, &tensor, rows, cols)?;
        Ok(if slice.transposed {
            block.transposed()
        } else {
            block
        })
    }
}
