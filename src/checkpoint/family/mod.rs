//! What a family of models is: the names, layouts and configuration keys of its checkpoints. The
//! rows themselves are data ([`FAMILIES`]); the next family is one more of them.

mod base;
mod choices;
mod decoders;
mod encoders;
mod experts;
mod gated;
mod gemmas;
mod head;
mod hybrids;
mod later_encoders;
mod llama_like;
mod mixers;
mod mixtures;
mod narrow;
mod other_decoders;
mod positions;
mod post_normed;
mod refused;
mod rows;
mod scaled;
mod state_spaces;
mod two_stacks;

pub use experts::{
    ExpertLayers, ExpertNames, FusedExperts, FusedLayout, GroupKeys, NeuronMap, Renormalised,
    RoutingKeys, SharedNames, SharedNeurons, StoredMap,
};
pub use head::{HeadActivation, HeadNames, TransformNames};
pub use later_encoders::DistanceNames;
pub use mixers::{GlobalHeadKeys, HeadKeys, LayerKind, LayerKinds, Mixer, UsualKinds};
pub use narrow::{NarrowEmbedding, NarrowExtent, SharedLayers};
pub use positions::{Alibi, LearnedPositions, Local, RopeKeys, RopeLayers, RopeLayout, Windows};
pub(super) use refused::refusal;
pub use refused::{RefusedFamily, refused_families};
pub use rows::FAMILIES;
pub use two_stacks::TwoStacks;

/// How a linear map lies in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `[out, in]`, `y = W·x`: PyTorch's `nn.Linear`.
    OutIn,
    /// `[in, out]`, `y = x·W`: GPT-2's `Conv1D`.
    InOut,
}

/// Which outputs of a tensor are a map's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// All of them.
    Whole,
    /// `(i, n)`: the i-th of n equal parts.
    Part(usize, usize),
    /// All heads' queries, then all keys, then all values.
    Stacked,
    /// Group after group: the queries that share a key, that key, and its value.
    Grouped,
    /// Head after head: its query, and then the gate of what it reads (Qwen3-Next).
    Gated,
    /// So many runs of heads, one after another, each of all its queries, values and keys (CodeGen).
    Runs(usize),
}

/// One linear map of a layer, or its part of a fused one.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    /// Tensor name below the layer's prefix, without `.weight`.
    pub name: &'static str,
    /// Which axis is the input.
    pub layout: Layout,
    pub split: Split,
    /// Whether it must have a bias. One that is there counts in any case.
    pub biased: bool,
    /// The bias of its heads, where it lies in a tensor of its own below the layer's prefix: head
    /// after head, whatever the split.
    pub bias: Option<&'static str>,
}

/// What a map gives a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttentionInput {
    Query,
    Key,
    Value,
}

/// Where a block normalises, which decides what a projection may be compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormPlacement {
    /// Before attention and feed-forward, as GPT-2.
    Pre,
    /// After the residual sum, as BERT.
    Post,
}

/// What a norm does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    /// Mean 0 and variance 1, then gain and bias.
    Layer,
    /// The same, and the bias may be left out.
    LayerBare,
    /// Mean 0 and variance 1 alone: the file holds no numbers of norms (OLMo).
    LayerPlain,
    /// As `Layer`, and the gain is 1 more than the number in the file (Nemotron).
    LayerPlusOne,
    /// Root mean square 1, then a gain.
    Rms,
    /// The same, and the gain is 1 more than the number in the file, as in Gemma.
    RmsPlusOne,
}

/// What a norm of queries and keys (QK-norm) is taken over, and where its gains lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QkNormScope {
    /// Over each head, with the same gains for all heads, `[d_head]` (Qwen3).
    Head,
    /// Over each head, with gains of its own, `[heads, d_head]` (Cohere).
    HeadRows,
    /// Over each head, with gains of its own in tensors of their own, `norms.N` (StableLM).
    HeadModules,
    /// Over all heads together, `[heads × d_head]` (OLMo 2).
    AllHeads,
}

/// A value that `config.json` may leave out, as the `transformers` library fills it in.
#[derive(Clone, Copy, Debug)]
pub enum DefaultValue {
    Whole(u64),
    Real(f64),
    Flag(bool),
    Word(&'static str),
}

/// The keys of `config.json`, in the order in which they are looked for.
#[derive(Clone, Copy, Debug)]
pub struct ConfigKeys {
    pub layers: &'static [&'static str],
    pub d_model: &'static [&'static str],
    pub heads: &'static [&'static str],
    /// Heads of keys and values; absent or null means as many as queries have.
    pub n_kv_heads: &'static [&'static str],
    /// A flag without which `n_kv_heads` does not count, and one that then says there is one only.
    pub n_kv_heads_if: Option<[&'static str; 2]>,
    /// Size of a head; absent or null means d_model over the number of heads.
    pub d_head: &'static [&'static str],
    /// Feed-forward neurons; absent or null means four times d_model.
    pub neurons: &'static [&'static str],
    /// The flag that neurons are two thirds of what the key says, and the keys of a number that they
    /// are then multiplied with and of one that they are a multiple of (LFM2).
    pub two_thirds: Option<[&'static str; 3]>,
    pub positions: &'static [&'static str],
    pub activation: &'static [&'static str],
    pub norm_epsilon: &'static [&'static str],
}

/// When a layer's two halves read the same state.
#[derive(Clone, Copy, Debug)]
pub enum Parallel {
    Never,
    Always,
    /// As a flag says; it is set where it is absent.
    Flag(&'static str),
    /// As the first flag says, which is set where it is absent; and whenever the second one is.
    Either([&'static str; 2]),
}

/// What the forward pass needs beyond the linear maps. Names are without `.weight` and `.bias`
/// (in old files `.gamma` and `.beta`); of several the first counts that is there.
#[derive(Clone, Copy, Debug)]
pub struct FamilyForward {
    /// Why texts are not run although norms are known, as a sentence without its subject.
    pub not_run: Option<&'static str>,
    /// Whether a position sees only those before it.
    pub causal: bool,
    /// A flag that makes it so.
    pub causal_if: Option<&'static str>,
    /// Norm before or after attention, below the layer's prefix.
    pub attention_norm: &'static [&'static str],
    /// Norm before or after the feed-forward part, below the layer's prefix. In a parallel layer
    /// without one both halves read through the norm of attention.
    pub ff_norm: &'static [&'static str],
    /// Whether layer 0 may have no norm before attention.
    pub first_bare: bool,
    /// Norms of what attention and what the feed-forward part write, before it is added (Gemma 2).
    pub post_norms: Option<[&'static str; 2]>,
    pub parallel: Parallel,
    /// Norm of the embeddings, below the model's prefix.
    pub embedding_norm: Option<&'static str>,
    /// Norm after the last layer, below the model's prefix; none in a checkpoint whose norms come
    /// after the sums, or that sets the flag.
    pub final_norm: Option<&'static str>,
    pub final_norm_unless: Option<&'static str>,
    /// With this flag false, norms come after the sums.
    pub pre_norm_if: Option<&'static str>,
    /// With this flag false, the file need not hold gains and biases of norms.
    pub affine_norms_if: Option<&'static str>,
    /// Token types, of which the first is added everywhere, below the model's prefix.
    pub token_types: Option<&'static str>,
    /// Whether embeddings are multiplied by √d_model; or the number that they are multiplied by.
    pub scaled_embedding: bool,
    pub embedding_scale: Option<&'static str>,
    /// What attention and the feed-forward part write is multiplied by this number (Granite).
    pub written_scale: Option<&'static str>,
    /// Queries, keys and values are cut off at ± this number (OLMo).
    pub clip: Option<&'static str>,
    /// Whether attention scores are divided by √d_head…
    pub scaled_scores: bool,
    /// … unless this flag is false; … of this number instead; … and by the layer's number,
    /// counted from 1, if this flag is set.
    pub scale_flag: Option<&'static str>,
    pub scale_number: Option<&'static str>,
    /// … or they are multiplied by this number.
    pub scale_factor: Option<&'static str>,
    pub scale_by_layer: Option<&'static str>,
    /// Cap of attention scores, applied by the hyperbolic tangent.
    pub attention_softcap: Option<&'static str>,
    /// Two numbers of each layer's activation, below its prefix: of inputs above 0, and below (xIELU).
    pub learned_activation: Option<[&'static str; 2]>,
    /// Keys of α and the limit of gated neurons with bounded inputs (gpt-oss).
    pub clamped: Option<[&'static str; 2]>,
    pub alibi: Option<Alibi>,
    /// What all layers add to their scores by the distance of a key from its query, in buckets that
    /// grow with it (Raffel et al. 2020, arXiv 1910.10683, §2.1): `[32, heads]`, below the model's
    /// prefix.
    pub relative_bias: Option<&'static str>,
    /// What scores of content with distances are made of, if `relative_attention` is set.
    pub distances: Option<DistanceNames>,
    /// Below the layer's prefix, a score for each head that takes its share of the attention and
    /// brings nothing (gpt-oss), `[heads]`.
    pub sinks: Option<&'static str>,
}

/// One architecture.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// `model_type` in `config.json`.
    pub model_type: &'static str,
    /// The name people use.
    pub title: &'static str,
    pub norm: NormPlacement,
    pub norm_kind: NormKind,
    /// Where the language model's configuration lies within `config.json`.
    pub nested: Option<&'static str>,
    pub config: ConfigKeys,
    /// Keys whose numbers must be d_model, if they are there.
    pub as_wide: &'static [&'static str],
    /// Words that stand for another one: key, word, what it means.
    pub meant: &'static [(&'static str, &'static str, &'static str)],
    pub defaults: &'static [(&'static str, DefaultValue)],
    /// Activation when the configuration names none.
    pub default_activation: &'static str,
    /// Prefixes under which the tensors may lie, the usual one first.
    pub prefixes: &'static [&'static str],
    /// Input embedding, `[vocab, d_model]`, below the prefix.
    pub embedding: &'static str,
    /// How its rows reach the width of the layers, in a family where they may be narrower.
    pub narrow: Option<NarrowEmbedding>,
    /// Output embedding where it is stored apart, above the prefix.
    pub output_embedding: &'static [&'static str],
    pub head: HeadNames,
    pub positions: Option<LearnedPositions>,
    pub rope: Option<RopeKeys>,
    pub windows: Option<Windows>,
    /// A layer's prefix, `{}` for its number, below the model's prefix.
    pub layer: &'static str,
    pub two_stacks: Option<TwoStacks>,
    /// How often they are run, in a family that runs some several times.
    pub shared_layers: Option<SharedLayers>,
    /// The feed-forward input; where there is a gate, what is multiplied with it.
    pub ff_in: Linear,
    /// The gate: the input that goes through the activation.
    pub ff_gate: Option<Linear>,
    pub ff_out: Linear,
    /// In a family whose layers differ: what each is.
    pub kinds: Option<LayerKinds>,
    /// In a family whose heads differ by layer, how.
    pub head_keys: Option<HeadKeys>,
    /// In layers with experts they take the place of these three.
    pub experts: Option<ExpertNames>,
    pub query: Linear,
    pub key: Linear,
    pub value: Linear,
    pub attention_out: Linear,
    /// Whether attention is latent (MLA): keys and values are no maps of the state, and the names
    /// of queries, keys and values are those of the maps nearest to heads.
    pub latent: bool,
    /// Norms of queries and keys (QK-norm), below the layer's prefix.
    pub qk_norm: Option<[&'static str; 2]>,
    pub qk_norm_scope: QkNormScope,
    /// Only with this flag set.
    pub qk_norm_if: Option<&'static str>,
    /// How the forward pass goes; `None` where it is not known here.
    pub forward: Option<FamilyForward>,
    /// What must be said of lists of every model of the family.
    pub note: Option<&'static str>,
}

/// The family of a `model_type`, if it is known.
pub fn family(model_type: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|f| f.model_type == model_type)
}
