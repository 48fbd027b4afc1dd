//! The norms before and after the maps that are read as words, and the maps' biases.

use std::ops::Range;

use crate::checkpoint::{
    AttentionInput, CheckpointError, FamilyForward, HeadMapAt, Matrix, NeuronMap, NeuronParts,
    NormPlacement, Rope, Split, StoredMap,
};
use crate::transformer::norms::{NormWeights, head_norm, layer_norm, norm};
use crate::transformer::{Form, Input};

use super::Weights;

/// The two sublayers of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sublayer {
    Attention,
    FeedForward,
}

/// A sublayer of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SublayerAt {
    pub layer: usize,
    pub sublayer: Sublayer,
}

impl SublayerAt {
    /// The attention of a layer.
    pub fn attention(layer: usize) -> Self {
        Self {
            layer,
            sublayer: Sublayer::Attention,
        }
    }

    /// The feed-forward part of a layer.
    pub fn feed_forward(layer: usize) -> Self {
        Self {
            layer,
            sublayer: Sublayer::FeedForward,
        }
    }
}

/// How the norm before a map scales a row of the input embedding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenNorm {
    /// LayerNorm, which takes out the mean over d_model; RMSNorm does not.
    pub centring: bool,
    /// What is added under the root, for rows as they are stored: where a model multiplies its
    /// embeddings with a number (Gemma with √d_model), its own ε is divided by that number's square.
    pub epsilon: f64,
}

/// The norms of a layer's queries and keys (QK-norm), and RoPE after them.
#[derive(Clone, Debug)]
pub struct QueryKeyNorms {
    /// Of queries, of keys; `[d_head]`.
    norms: [NormWeights; 2],
    epsilon: f64,
    /// By how many positions the key lies behind the query.
    rope: Option<(Rope, usize)>,
}

impl QueryKeyNorms {
    /// Makes of a head's queries (side 0) or keys (side 1), `[n, d_head]` as the maps give them,
    /// what the scores are products of.
    pub fn apply(&self, side: usize, vectors: &mut Matrix) {
        let width = vectors.cols().max(1);
        for vector in vectors.data_mut().chunks_exact_mut(width) {
            self.norms[side].apply(vector, self.epsilon);
            if let (0, Some((rope, distance))) = (side, &self.rope) {
                rope.rotate(vector, *distance);
            }
        }
    }
}

impl Weights {
    /// How the norm before a sublayer scales tokens; `None` where there is none.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn token_norm(
        &self,
        layer: usize,
        sublayer: Sublayer,
    ) -> Result<Option<TokenNorm>, CheckpointError> {
        let scale = self.source().forward().map_or(1.0, |f| f.embedding_scale);
        let norm = self.norm_before(layer, sublayer)?;
        Ok(norm.map(|norm| TokenNorm {
            centring: norm.centring,
            epsilon: self.epsilon() / (scale * scale),
        }))
    }

    /// The norms of a head's queries and keys, with the key `distance` positions behind the
    /// query; `None` in a model without.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn query_key_norms(
        &self,
        layer: usize,
        head: usize,
        distance: usize,
    ) -> Result<Option<QueryKeyNorms>, CheckpointError> {
        let Some(norms) = self.qk_norms(layer, head)? else {
            return Ok(None);
        };
        let rope = self.source().position_scheme().rope(layer);
        Ok(Some(QueryKeyNorms {
            norms,
            epsilon: self.epsilon(),
            rope: rope.filter(|_| distance > 0).map(|r| (r.clone(), distance)),
        }))
    }

    /// What norms do with a head's query and with its key, `[d_head]` each, if there are such norms.
    /// Those over all heads divide all of them by the same; that is not in here.
    pub(super) fn qk_norms(
        &self,
        layer: usize,
        head: usize,
    ) -> Result<Option<[NormWeights; 2]>, CheckpointError> {
        let Some(names) = self.source().qk_norm() else {
            return Ok(None);
        };
        let sizes = self.spec().head_sizes(layer);
        let of_key = head / sizes.queries_per_kv_head().max(1);
        let of_keys = sizes.keys_of.unwrap_or(layer);
        let both = [(layer, names[0], head), (of_keys, names[1], of_key)];
        let [query, key] = both.map(|(at, name, head)| head_norm(self.source(), at, name, head));
        Ok(Some([query?, key?]))
    }

    /// ε of the model's norms.
    fn epsilon(&self) -> f64 {
        let choices = self.source().forward();
        choices.map_or(0.0, |choices| choices.norm_epsilon)
    }

    /// The norm through which a sublayer reads the residual stream; `None` where nothing
    /// lies between: in a post-norm model, and before a first layer without one.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn norm_before(
        &self,
        layer: usize,
        sublayer: Sublayer,
    ) -> Result<Option<NormWeights>, CheckpointError> {
        let Some(forward) = self.pre_norm() else {
            return Ok(None);
        };
        let checkpoint = self.source();
        let bare = forward.first_bare && layer == 0;
        let attention = || layer_norm(checkpoint, layer, forward.attention_norm, !bare);
        if sublayer == Sublayer::Attention {
            return attention();
        }
        // In a parallel layer both sublayers may read through one norm.
        let parallel = checkpoint.forward().is_some_and(|choices| choices.parallel);
        match layer_norm(checkpoint, layer, forward.ff_norm, !parallel)? {
            Some(norm) => Ok(Some(norm)),
            None => attention(),
        }
    }

    /// The norm of what a sublayer writes, where there is one.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn norm_of_written(
        &self,
        layer: usize,
        sublayer: Sublayer,
    ) -> Result<Option<NormWeights>, CheckpointError> {
        let names = self.pre_norm().and_then(|forward| forward.post_norms);
        let Some([attention, feed_forward]) = names else {
            return Ok(None);
        };
        let name = match sublayer {
            Sublayer::Attention => attention,
            Sublayer::FeedForward => feed_forward,
        };
        let name = self.source().in_layer(layer, name);
        norm(self.source(), &name, self.spec().d_model).map(Some)
    }

    /// The norm after the last layer, through which the output embedding reads.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn last_norm(&self) -> Result<Option<NormWeights>, CheckpointError> {
        let pre = self.pre_norm().is_some();
        let name = self
            .source()
            .forward()
            .and_then(|forward| forward.final_norm);
        let name = name.filter(|_| pre);
        let name = name.map(|name| self.source().full(name));
        let d_model = self.spec().d_model;
        name.map(|name| norm(self.source(), &name, d_model))
            .transpose()
    }

    fn pre_norm(&self) -> Option<&'static FamilyForward> {
        let forward = self.source().family().forward.as_ref();
        forward.filter(|_| self.spec().norm == NormPlacement::Pre)
    }

    /// Whether neurons, or queries, keys and values have biases.
    pub fn biased(&self) -> bool {
        let (checkpoint, family) = (self.source(), self.source().family());
        let has = |name: String| checkpoint.holds(&format!("{name}.bias"));
        (0..self.spec().layers).any(|layer| {
            let heads = [&family.query, &family.key, &family.value];
            let mut heads = heads
                .map(|map| checkpoint.in_layer(layer, map.name))
                .into_iter();
            let first = self.spec().neuron_parts(layer).blocks().into_iter().next();
            let neurons = first.and_then(|(block, _)| {
                let map = checkpoint.neuron_map(layer, block, NeuronMap::In)?;
                Some(map.name)
            });
            heads.any(has) || neurons.is_some_and(has)
        })
    }

    /// What is added to the products with [keys](Self::keys), a number each; `None` if nothing is.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn key_biases(
        &self,
        layer: usize,
        neurons: Range<usize>,
        input: Input,
    ) -> Result<Option<Vec<f32>>, CheckpointError> {
        let which = self.key_map(input);
        let parts = self.spec().neuron_parts(layer);
        let mut biases: Option<Vec<f32>> = None;
        let mut read = 0;
        for part in parts.within(neurons) {
            let count = part.neurons.len();
            let all = match parts {
                NeuronParts::Experts(sizes) => sizes.size(part.block),
                NeuronParts::Dense(_) | NeuronParts::Without(_) => parts.count(),
            };
            let Some(map) = self.source().neuron_map(layer, part.block, which) else {
                continue;
            };
            let before = match map.split {
                Split::Part(i, _) => i * all,
                Split::Whole | Split::Stacked | Split::Grouped | Split::Gated | Split::Runs(_) => 0,
            };
            let own = part.neurons.start + before..part.neurons.end + before;
            let all = match map.split {
                Split::Part(_, n) => n * all,
                Split::Whole | Split::Stacked | Split::Grouped | Split::Gated | Split::Runs(_) => {
                    all
                }
            };
            let own = self.bias(&map, all, own)?;
            if let Some(own) = own {
                let biases = biases.get_or_insert_default();
                biases.resize(read, 0.0);
                biases.extend(own);
            }
            read += count;
        }
        if let Some(biases) = &mut biases {
            biases.resize(read, 0.0);
        }
        Ok(biases)
    }

    /// What is added to the two sides of a head's [form](Self::form), `[head]` each, rotated and
    /// scaled as the form is; `None` where nothing is. What all heads write is no head's own.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn form_biases(
        &self,
        form: Form,
        layer: usize,
        head: usize,
        distance: usize,
    ) -> Result<[Option<Vec<f32>>; 2], CheckpointError> {
        let [mut query, mut key] = self.map_biases(form, layer, head)?;
        if form == Form::Vo {
            return Ok([query, key]);
        }
        if let Some(norms) = self.qk_norms(layer, head)? {
            for (bias, norm) in [&mut query, &mut key].into_iter().zip(norms) {
                if let Some(own) = bias.take() {
                    let mut own = Matrix::new(own.len(), 1, own);
                    norm.apply_to_rows(&mut own);
                    *bias = Some(own.into_data());
                }
                // What the norm itself adds.
                if let Some(added) = norm.added() {
                    let mut sum = bias.take().unwrap_or_else(|| vec![0.0; added.len()]);
                    sum.iter_mut().zip(added).for_each(|(b, a)| *b += *a);
                    *bias = Some(sum);
                }
            }
        }
        let rope = self.source().position_scheme().rope(layer);
        if let (Some(rope), Some(query), 1..) = (rope, &mut query, distance) {
            rope.rotate(query, distance);
        }
        Ok([query, key])
    }

    /// What is added to the two [maps](Self::maps) of a form, `[d_head]` each, before query and
    /// key norms and RoPE; `None` where nothing is.
    ///
    /// # Errors
    /// As [`Checkpoint::block`](crate::checkpoint::Checkpoint::block).
    pub fn map_biases(
        &self,
        form: Form,
        layer: usize,
        head: usize,
    ) -> Result<[Option<Vec<f32>>; 2], CheckpointError> {
        let (sizes, d_head) = (
            self.spec().head_sizes(layer),
            self.spec().head_sizes(layer).d_head,
        );
        if self.spec().latent.is_some() {
            return Ok([None, None]);
        }
        let of = |role, heads| {
            let HeadMapAt { layer, linear } = self.source().head_map(layer, role);
            if let Some(name) = linear.bias {
                let own = sizes.head_outputs(Split::Whole, role, head);
                let name = self.checkpoint.in_layer(layer, name);
                let bias = self.checkpoint.vector(&[name], heads * d_head)?;
                return Ok(Some(bias[own].to_vec()));
            }
            let own = sizes.head_outputs(linear.split, role, head);
            let map = StoredMap::of(linear, self.source().in_layer(layer, linear.name));
            let all = sizes.outputs(linear.split, heads * d_head);
            self.bias(&map, all, own)
        };
        match form {
            Form::Vo => Ok([of(AttentionInput::Value, sizes.n_kv_heads)?, None]),
            Form::Qk => Ok([
                of(AttentionInput::Query, sizes.heads)?,
                of(AttentionInput::Key, sizes.n_kv_heads)?,
            ]),
        }
    }

    /// The part `own` of the bias of a tensor with `all` outputs; `None` without one.
    fn bias(
        &self,
        map: &StoredMap,
        all: usize,
        own: Range<usize>,
    ) -> Result<Option<Vec<f32>>, CheckpointError> {
        let name = format!("{}.bias", map.name);
        if !map.biased && !self.source().holds(&name) {
            return Ok(None);
        }
        let bias = self.source().version_vector(self.version, &[name], all)?;
        Ok(bias.get(own).map(<[f32]>::to_vec))
    }
}
