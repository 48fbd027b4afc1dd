//! Decoders with numbers in their configuration that states, scores or logits are multiplied with.
//! A positive factor leaves every list as it is; the forward pass needs it.

use super::base::{PLAIN_HEAD, ROPE};
use super::gated::{FORWARD, LLAMA};
use super::{
    ConfigKeys, DefaultValue, Family, FamilyForward, HeadNames, Local, NormKind, Parallel,
    QkNormScope, RopeKeys, RopeLayers, RopeLayout, Windows,
};

pub(super) const GRANITE: Family = Family {
    model_type: "granite",
    title: "Granite",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("attention_multiplier", DefaultValue::Real(1.0)),
        ("max_position_embeddings", DefaultValue::Whole(2048)),
    ],
    head: HeadNames {
        divisor: Some("logits_scaling"),
        ..PLAIN_HEAD
    },
    forward: Some(FamilyForward {
        embedding_scale: Some("embedding_multiplier"),
        written_scale: Some("residual_multiplier"),
        scale_factor: Some("attention_multiplier"),
        ..FORWARD
    }),
    ..LLAMA
};

/// Both halves of a layer read through one norm, which has no bias.
pub(super) const COHERE: Family = Family {
    model_type: "cohere",
    title: "Command R",
    norm_kind: NormKind::LayerBare,
    config: ConfigKeys {
        norm_epsilon: &["layer_norm_eps"],
        ..LLAMA.config
    },
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(true)),
        ("layer_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(500_000.0)),
        ("logit_scale", DefaultValue::Real(0.0625)),
        ("max_position_embeddings", DefaultValue::Whole(8192)),
    ],
    head: HeadNames {
        scale: Some("logit_scale"),
        ..PLAIN_HEAD
    },
    rope: Some(NEIGHBOURS),
    qk_norm: Some(["self_attn.q_norm", "self_attn.k_norm"]),
    qk_norm_scope: QkNormScope::HeadRows,
    qk_norm_if: Some("use_qk_norm"),
    forward: Some(FamilyForward {
        ff_norm: &[],
        parallel: Parallel::Always,
        ..FORWARD
    }),
    ..LLAMA
};

const NEIGHBOURS: RopeKeys = RopeKeys {
    layout: RopeLayout::Neighbours,
    ..ROPE
};

/// Layers that see everything have no positions of their own.
pub(super) const COHERE2: Family = Family {
    model_type: "cohere2",
    title: "Command A and R7B",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(true)),
        ("layer_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("logit_scale", DefaultValue::Real(0.0625)),
        ("sliding_window", DefaultValue::Whole(4096)),
        ("sliding_window_pattern", DefaultValue::Whole(4)),
        ("max_position_embeddings", DefaultValue::Whole(8192)),
    ],
    rope: Some(RopeKeys {
        layers: RopeLayers::Windowed,
        ..NEIGHBOURS
    }),
    windows: Some(Windows {
        size: "sliding_window",
        layers: Local::AllBut {
            every: "sliding_window_pattern",
            shift: 1,
        },
    }),
    qk_norm: None,
    qk_norm_if: None,
    ..COHERE
};
