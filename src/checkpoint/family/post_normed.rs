//! Decoders that norm what attention and the feed-forward part write, and nothing of what they read:
//! no gain folds into their keys.

use super::base::ROPE;
use super::gated::{FORWARD, LLAMA};
use super::{
    DefaultValue, Family, FamilyForward, Local, QkNormScope, RopeKeys, RopeLayers, Windows,
};

const POST_NORMED: FamilyForward = FamilyForward {
    attention_norm: &[],
    ff_norm: &[],
    post_norms: Some(["post_attention_layernorm", "post_feedforward_layernorm"]),
    ..FORWARD
};

/// Every fourth layer sees everything.
const THREE_OF_FOUR: Windows = Windows {
    size: "sliding_window",
    layers: Local::AllBut {
        every: "sliding_window_pattern",
        shift: 1,
    },
};

pub(super) const OLMO2: Family = Family {
    model_type: "olmo2",
    title: "OLMo 2",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("max_position_embeddings", DefaultValue::Whole(2048)),
    ],
    qk_norm: Some(["self_attn.q_norm", "self_attn.k_norm"]),
    qk_norm_scope: QkNormScope::AllHeads,
    forward: Some(POST_NORMED),
    ..LLAMA
};

/// Scaled rotary positions are those of layers without a window.
pub(super) const OLMO3: Family = Family {
    model_type: "olmo3",
    title: "OLMo 3",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(500_000.0)),
        ("sliding_window", DefaultValue::Whole(4096)),
        ("sliding_window_pattern", DefaultValue::Whole(4)),
        ("max_position_embeddings", DefaultValue::Whole(2048)),
    ],
    rope: Some(RopeKeys {
        local_theta: &["rope_theta"],
        ..ROPE
    }),
    windows: Some(THREE_OF_FOUR),
    ..OLMO2
};

/// Layers that see everything have no positions of their own.
pub(super) const EXAONE4: Family = Family {
    model_type: "exaone4",
    title: "EXAONE 4",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("num_key_value_heads", DefaultValue::Whole(32)),
        ("sliding_window", DefaultValue::Whole(4096)),
        ("sliding_window_pattern", DefaultValue::Whole(4)),
        ("max_position_embeddings", DefaultValue::Whole(2048)),
    ],
    rope: Some(RopeKeys {
        layers: RopeLayers::WindowedIfAny,
        ..ROPE
    }),
    windows: Some(THREE_OF_FOUR),
    qk_norm_scope: QkNormScope::Head,
    ..OLMO2
};
