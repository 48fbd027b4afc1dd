//! Families in which some layers have heads and others mix tokens in another way.

use super::base::{ROPE, bare};
use super::gated::{FORWARD, LLAMA};
use super::mixtures::{EXPERTS, QWEN_EXPERTS, SHARED_EXPERT};
use super::{
    ConfigKeys, DefaultValue, ExpertLayers, ExpertNames, Family, FamilyForward, FusedExperts,
    FusedLayout, LayerKind, LayerKinds, Mixer, NormKind, Renormalised, RopeKeys, RoutingKeys,
    Split, UsualKinds,
};
use crate::checkpoint::RouterScores;

/// Every fourth layer has heads, the others linear attention.
pub(super) const EVERY_FOURTH: LayerKinds = LayerKinds {
    lists: &["layer_types"],
    words: &[
        ("full_attention", LayerKind::Heads),
        (
            "linear_attention",
            LayerKind::Without(Mixer::LinearAttention),
        ),
    ],
    usual: UsualKinds::Every("full_attention_interval", 4),
    mixer: Mixer::LinearAttention,
    prefix: "linear_attn.",
    least_step: None,
    activation: None,
    alone: false,
};

pub(super) const PARTLY_ROTARY: RopeKeys = RopeKeys {
    share: &["partial_rotary_factor"],
    ..ROPE
};

pub(super) const QWEN3_NEXT: Family = Family {
    model_type: "qwen3_next",
    title: "Qwen3-Next",
    norm_kind: NormKind::RmsPlusOne,
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("partial_rotary_factor", DefaultValue::Real(0.25)),
        ("num_key_value_heads", DefaultValue::Whole(2)),
        ("head_dim", DefaultValue::Whole(256)),
        ("max_position_embeddings", DefaultValue::Whole(32_768)),
        ("num_experts", DefaultValue::Whole(512)),
        ("num_experts_per_tok", DefaultValue::Whole(10)),
        ("moe_intermediate_size", DefaultValue::Whole(512)),
        ("shared_expert_intermediate_size", DefaultValue::Whole(512)),
        ("norm_topk_prob", DefaultValue::Flag(true)),
        ("linear_conv_kernel_dim", DefaultValue::Whole(4)),
        ("linear_key_head_dim", DefaultValue::Whole(128)),
        ("linear_value_head_dim", DefaultValue::Whole(128)),
        ("linear_num_key_heads", DefaultValue::Whole(16)),
        ("linear_num_value_heads", DefaultValue::Whole(32)),
    ],
    rope: Some(PARTLY_ROTARY),
    kinds: Some(EVERY_FOURTH),
    experts: Some(ExpertNames {
        shared: Some(SHARED_EXPERT),
        ..QWEN_EXPERTS
    }),
    query: bare("self_attn.q_proj").split(Split::Gated),
    qk_norm: Some(["self_attn.q_norm", "self_attn.k_norm"]),
    ..LLAMA
};

pub(super) const QWEN3_5_TEXT: Family = Family {
    model_type: "qwen3_5_text",
    title: "Qwen3.5",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("partial_rotary_factor", DefaultValue::Real(0.25)),
        ("num_attention_heads", DefaultValue::Whole(16)),
        ("num_key_value_heads", DefaultValue::Whole(4)),
        ("head_dim", DefaultValue::Whole(256)),
        ("max_position_embeddings", DefaultValue::Whole(32_768)),
        ("linear_conv_kernel_dim", DefaultValue::Whole(4)),
        ("linear_key_head_dim", DefaultValue::Whole(128)),
        ("linear_value_head_dim", DefaultValue::Whole(128)),
        ("linear_num_key_heads", DefaultValue::Whole(16)),
        ("linear_num_value_heads", DefaultValue::Whole(32)),
    ],
    prefixes: &["model.language_model.", "model.", ""],
    experts: None,
    ..QWEN3_NEXT
};

/// With images; the language model is that of `qwen3_5_text`.
pub(super) const QWEN3_5: Family = Family {
    model_type: "qwen3_5",
    nested: Some("text_config"),
    ..QWEN3_5_TEXT
};

pub(super) const QWEN3_5_MOE_TEXT: Family = Family {
    model_type: "qwen3_5_moe_text",
    title: "Qwen3.5-MoE",
    config: ConfigKeys {
        neurons: &["moe_intermediate_size"],
        ..LLAMA.config
    },
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("partial_rotary_factor", DefaultValue::Real(0.25)),
        ("num_attention_heads", DefaultValue::Whole(16)),
        ("num_key_value_heads", DefaultValue::Whole(2)),
        ("head_dim", DefaultValue::Whole(256)),
        ("max_position_embeddings", DefaultValue::Whole(32_768)),
        ("num_experts", DefaultValue::Whole(256)),
        ("num_experts_per_tok", DefaultValue::Whole(8)),
        ("moe_intermediate_size", DefaultValue::Whole(512)),
        ("shared_expert_intermediate_size", DefaultValue::Whole(512)),
        ("linear_conv_kernel_dim", DefaultValue::Whole(4)),
        ("linear_key_head_dim", DefaultValue::Whole(128)),
        ("linear_value_head_dim", DefaultValue::Whole(128)),
        ("linear_num_key_heads", DefaultValue::Whole(16)),
        ("linear_num_value_heads", DefaultValue::Whole(32)),
    ],
    experts: Some(ExpertNames {
        shared: Some(SHARED_EXPERT),
        routing: RoutingKeys {
            renormalised: Renormalised::Always,
            ..EXPERTS.routing
        },
        ..EXPERTS
    }),
    ..QWEN3_5_TEXT
};

/// With images; the language model is that of `qwen3_5_moe_text`.
pub(super) const QWEN3_5_MOE: Family = Family {
    model_type: "qwen3_5_moe",
    nested: Some("text_config"),
    ..QWEN3_5_MOE_TEXT
};

/// Short convolutions, and heads in some layers.
const CONVOLUTIONS: LayerKinds = LayerKinds {
    words: &[
        ("full_attention", LayerKind::Heads),
        ("conv", LayerKind::Without(Mixer::ShortConvolution)),
    ],
    usual: UsualKinds::Listed("full_attn_idxs"),
    mixer: Mixer::ShortConvolution,
    prefix: "conv.",
    ..EVERY_FOURTH
};

pub(super) const LFM2: Family = Family {
    model_type: "lfm2",
    title: "LFM2",
    config: ConfigKeys {
        neurons: &["block_ff_dim", "intermediate_size"],
        two_thirds: Some([
            "block_auto_adjust_ff_dim",
            "block_ffn_dim_multiplier",
            "block_multiple_of",
        ]),
        norm_epsilon: &["norm_eps"],
        ..LLAMA.config
    },
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(true)),
        ("norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(1_000_000.0)),
        ("num_key_value_heads", DefaultValue::Whole(8)),
        ("intermediate_size", DefaultValue::Whole(12_288)),
        ("block_multiple_of", DefaultValue::Whole(256)),
        ("conv_L_cache", DefaultValue::Whole(3)),
        ("max_position_embeddings", DefaultValue::Whole(128_000)),
    ],
    kinds: Some(CONVOLUTIONS),
    ff_in: bare("feed_forward.w3"),
    ff_gate: Some(bare("feed_forward.w1")),
    ff_out: bare("feed_forward.w2"),
    attention_out: bare("self_attn.out_proj"),
    qk_norm: Some(["self_attn.q_layernorm", "self_attn.k_layernorm"]),
    forward: Some(FamilyForward {
        attention_norm: &["operator_norm"],
        ff_norm: &["ffn_norm"],
        final_norm: Some("embedding_norm"),
        ..FORWARD
    }),
    ..LLAMA
};

pub(super) const LFM2_MOE: Family = Family {
    model_type: "lfm2_moe",
    title: "LFM2-MoE",
    config: ConfigKeys {
        neurons: &["intermediate_size"],
        two_thirds: None,
        ..LFM2.config
    },
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(true)),
        ("norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(1_000_000.0)),
        ("num_key_value_heads", DefaultValue::Whole(8)),
        ("conv_L_cache", DefaultValue::Whole(3)),
        ("max_position_embeddings", DefaultValue::Whole(128_000)),
        ("num_dense_layers", DefaultValue::Whole(2)),
        ("num_experts", DefaultValue::Whole(32)),
        ("num_experts_per_tok", DefaultValue::Whole(4)),
        ("moe_intermediate_size", DefaultValue::Whole(1792)),
        ("norm_topk_prob", DefaultValue::Flag(true)),
    ],
    experts: Some(ExpertNames {
        layers: ExpertLayers::From("num_dense_layers"),
        count: &["num_experts"],
        router: "feed_forward.gate",
        correction: Some("feed_forward.expert_bias"),
        expert: "feed_forward.experts.{}.",
        ff_in: "w3",
        ff_gate: Some("w1"),
        ff_out: "w2",
        fused: FusedExperts {
            inputs: "feed_forward.experts.gate_up_proj",
            outputs: "feed_forward.experts.down_proj",
            layout: FusedLayout::Stacked,
        },
        routing: RoutingKeys {
            scores: RouterScores::Sigmoid,
            renormalised: Renormalised::Flag("norm_topk_prob"),
            factor: Some("routed_scaling_factor"),
            groups: None,
        },
        ..EXPERTS
    }),
    ..LFM2
};
