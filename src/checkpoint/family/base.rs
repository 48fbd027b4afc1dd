//! What most families have in common; their rows write what differs.

use super::{
    ConfigKeys, FamilyForward, HeadNames, Layout, Linear, Parallel, RopeKeys, RopeLayers,
    RopeLayout, Split,
};

/// A head without bias, transform and softcap.
pub(super) const PLAIN_HEAD: HeadNames = HeadNames {
    bias: &[],
    transform: None,
    softcap: None,
    scale: None,
    divisor: None,
};

/// The names of `config.json` that most families have in common.
pub(super) const CONFIG: ConfigKeys = ConfigKeys {
    layers: &["num_hidden_layers"],
    d_model: &["hidden_size"],
    heads: &["num_attention_heads"],
    n_kv_heads: &[],
    n_kv_heads_if: None,
    d_head: &[],
    neurons: &["intermediate_size"],
    two_thirds: None,
    positions: &["max_position_embeddings"],
    activation: &["hidden_act"],
    norm_epsilon: &[],
};

/// RoPE over all dimensions of a head, with one θ for all layers.
pub(super) const ROPE: RopeKeys = RopeKeys {
    layout: RopeLayout::Halves,
    theta: &["rope_theta"],
    local_theta: &[],
    scales_local: false,
    share: &[],
    dims: &[],
    unless: None,
    only_if: None,
    layers: RopeLayers::All,
};

/// A causal pass of sequential sublayers with plain scaled attention, and no norm yet.
pub(super) const PLAIN_FORWARD: FamilyForward = FamilyForward {
    not_run: None,
    causal: true,
    causal_if: None,
    attention_norm: &[],
    ff_norm: &[],
    first_bare: false,
    post_norms: None,
    parallel: Parallel::Never,
    embedding_norm: None,
    final_norm: None,
    final_norm_unless: None,
    pre_norm_if: None,
    affine_norms_if: None,
    token_types: None,
    scaled_embedding: false,
    embedding_scale: None,
    written_scale: None,
    clip: None,
    scaled_scores: true,
    scale_flag: None,
    scale_number: None,
    scale_factor: None,
    scale_by_layer: None,
    attention_softcap: None,
    learned_activation: None,
    clamped: None,
    alibi: None,
    relative_bias: None,
    distances: None,
    sinks: None,
};

/// A linear map with a bias, in a tensor of its own.
pub(super) const fn linear(name: &'static str) -> Linear {
    Linear {
        name,
        layout: Layout::OutIn,
        split: Split::Whole,
        biased: true,
        bias: None,
    }
}

/// The same, without a bias.
pub(super) const fn bare(name: &'static str) -> Linear {
    Linear {
        biased: false,
        ..linear(name)
    }
}

impl Linear {
    pub(super) const fn split(self, split: Split) -> Self {
        Self { split, ..self }
    }

    /// With the bias of its heads in a tensor of its own.
    pub(super) const fn with_bias(self, bias: &'static str) -> Self {
        Self {
            bias: Some(bias),
            ..self
        }
    }

    pub(super) const fn transposed(self) -> Self {
        Self {
            layout: Layout::InOut,
            ..self
        }
    }
}
