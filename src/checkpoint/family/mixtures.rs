//! Decoders with experts: Mixtral and what followed it.

use super::base::{ROPE, bare};
use super::gated::{FORWARD, LLAMA, QWEN2, QWEN3};
use super::scaled::GRANITE;
use super::{
    DefaultValue, ExpertLayers, ExpertNames, Family, FamilyForward, FusedExperts, FusedLayout,
    GroupKeys, Local, QkNormScope, Renormalised, RopeKeys, RopeLayout, RoutingKeys, SharedNames,
    SharedNeurons, Windows,
};
use crate::checkpoint::RouterScores;

/// Softmax over all experts, whose weights are as they are.
pub(super) const PLAIN_ROUTING: RoutingKeys = RoutingKeys {
    scores: RouterScores::Softmax,
    renormalised: Renormalised::Never,
    factor: None,
    groups: None,
};

/// Experts as most families store them.
pub(super) const EXPERTS: ExpertNames = ExpertNames {
    layers: ExpertLayers::All,
    count: &["num_local_experts", "num_experts"],
    neurons: &["moe_intermediate_size"],
    per_token: &["num_experts_per_tok"],
    router: "mlp.gate",
    correction: None,
    expert: "mlp.experts.{}.",
    ff_in: "up_proj",
    ff_gate: Some("gate_proj"),
    ff_out: "down_proj",
    fused: FusedExperts {
        inputs: "mlp.experts.gate_up_proj",
        outputs: "mlp.experts.down_proj",
        layout: FusedLayout::Stacked,
    },
    shared: None,
    routing: PLAIN_ROUTING,
};

pub(super) const MIXTRAL: Family = Family {
    model_type: "mixtral",
    title: "Mixtral",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(1_000_000.0)),
        ("num_key_value_heads", DefaultValue::Whole(8)),
        ("num_experts", DefaultValue::Whole(8)),
        ("num_experts_per_tok", DefaultValue::Whole(2)),
        ("max_position_embeddings", DefaultValue::Whole(131_072)),
    ],
    windows: Some(Windows {
        size: "sliding_window",
        layers: Local::All,
    }),
    experts: Some(ExpertNames {
        neurons: &["intermediate_size"],
        router: "block_sparse_moe.gate",
        expert: "block_sparse_moe.experts.{}.",
        ff_in: "w3",
        ff_gate: Some("w1"),
        ff_out: "w2",
        fused: FusedExperts {
            inputs: "block_sparse_moe.experts.gate_up_proj",
            outputs: "block_sparse_moe.experts.down_proj",
            layout: FusedLayout::Stacked,
        },
        routing: RoutingKeys {
            renormalised: Renormalised::Always,
            ..PLAIN_ROUTING
        },
        ..EXPERTS
    }),
    ..LLAMA
};

/// Experts in most layers, which a flag renormalises.
pub(super) const QWEN_EXPERTS: ExpertNames = ExpertNames {
    layers: ExpertLayers::Every {
        step: "decoder_sparse_step",
        but: "mlp_only_layers",
    },
    routing: RoutingKeys {
        renormalised: Renormalised::Flag("norm_topk_prob"),
        ..PLAIN_ROUTING
    },
    ..EXPERTS
};

/// The expert of every token, with a gate.
pub(super) const SHARED_EXPERT: SharedNames = SharedNames {
    prefix: "mlp.shared_expert.",
    neurons: SharedNeurons::Key("shared_expert_intermediate_size"),
    fused: None,
    gate: Some("mlp.shared_expert_gate"),
};

pub(super) const QWEN2_MOE: Family = Family {
    model_type: "qwen2_moe",
    title: "Qwen2-MoE",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("max_position_embeddings", DefaultValue::Whole(32_768)),
        ("num_experts", DefaultValue::Whole(60)),
        ("num_experts_per_tok", DefaultValue::Whole(4)),
        ("moe_intermediate_size", DefaultValue::Whole(1408)),
        ("shared_expert_intermediate_size", DefaultValue::Whole(5632)),
    ],
    windows: None,
    query: bare("self_attn.q_proj"),
    key: bare("self_attn.k_proj"),
    value: bare("self_attn.v_proj"),
    experts: Some(ExpertNames {
        shared: Some(SHARED_EXPERT),
        ..QWEN_EXPERTS
    }),
    ..QWEN2
};

pub(super) const QWEN3_MOE: Family = Family {
    model_type: "qwen3_moe",
    title: "Qwen3-MoE",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("max_position_embeddings", DefaultValue::Whole(32_768)),
        ("num_experts", DefaultValue::Whole(128)),
        ("num_experts_per_tok", DefaultValue::Whole(8)),
        ("moe_intermediate_size", DefaultValue::Whole(768)),
    ],
    windows: None,
    experts: Some(QWEN_EXPERTS),
    ..QWEN3
};

pub(super) const GPT_OSS: Family = Family {
    model_type: "gpt_oss",
    title: "gpt-oss",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(150_000.0)),
        ("head_dim", DefaultValue::Whole(64)),
        ("num_key_value_heads", DefaultValue::Whole(8)),
        ("num_experts", DefaultValue::Whole(128)),
        ("num_experts_per_tok", DefaultValue::Whole(4)),
        ("sliding_window", DefaultValue::Whole(128)),
        ("sliding_window_pattern", DefaultValue::Whole(2)),
        ("swiglu_alpha", DefaultValue::Real(1.702)),
        ("swiglu_limit", DefaultValue::Real(7.0)),
        ("max_position_embeddings", DefaultValue::Whole(131_072)),
    ],
    windows: Some(Windows {
        size: "sliding_window",
        layers: Local::AllBut {
            every: "sliding_window_pattern",
            shift: 1,
        },
    }),
    experts: Some(ExpertNames {
        neurons: &["intermediate_size"],
        router: "mlp.router",
        fused: FusedExperts {
            layout: FusedLayout::Interleaved,
            ..EXPERTS.fused
        },
        routing: RoutingKeys {
            scores: RouterScores::SoftmaxOfTaken,
            ..PLAIN_ROUTING
        },
        ..EXPERTS
    }),
    forward: Some(FamilyForward {
        clamped: Some(["swiglu_alpha", "swiglu_limit"]),
        sinks: Some("self_attn.sinks"),
        ..FORWARD
    }),
    ..LLAMA
};

/// DeepSeek's experts: some layers without, shared ones, a choice limited to groups.
pub(super) const DEEPSEEK_EXPERTS: ExpertNames = ExpertNames {
    layers: ExpertLayers::From("first_k_dense_replace"),
    count: &["n_routed_experts"],
    correction: Some("mlp.gate.e_score_correction_bias"),
    shared: Some(SharedNames {
        prefix: "mlp.shared_experts.",
        neurons: SharedNeurons::Times("n_shared_experts"),
        fused: None,
        gate: None,
    }),
    routing: RoutingKeys {
        scores: RouterScores::Sigmoid,
        renormalised: Renormalised::Flag("norm_topk_prob"),
        factor: Some("routed_scaling_factor"),
        groups: Some(GroupKeys {
            groups: "n_group",
            taken: "topk_group",
            judged_by: 2,
            only_if: None,
        }),
    },
    ..EXPERTS
};

pub(super) const GLM4_MOE: Family = Family {
    model_type: "glm4_moe",
    title: "GLM-4-MoE",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("partial_rotary_factor", DefaultValue::Real(0.5)),
        ("num_key_value_heads", DefaultValue::Whole(8)),
        ("max_position_embeddings", DefaultValue::Whole(131_072)),
        ("n_routed_experts", DefaultValue::Whole(128)),
        ("n_shared_experts", DefaultValue::Whole(1)),
        ("num_experts_per_tok", DefaultValue::Whole(8)),
        ("moe_intermediate_size", DefaultValue::Whole(1408)),
        ("first_k_dense_replace", DefaultValue::Whole(1)),
        ("n_group", DefaultValue::Whole(1)),
        ("topk_group", DefaultValue::Whole(1)),
        ("norm_topk_prob", DefaultValue::Flag(true)),
    ],
    qk_norm: Some(["self_attn.q_norm", "self_attn.k_norm"]),
    qk_norm_if: Some("use_qk_norm"),
    experts: Some(DEEPSEEK_EXPERTS),
    ..LLAMA
};

pub(super) const DEEPSEEK_V3: Family = Family {
    model_type: "deepseek_v3",
    title: "DeepSeek-V3",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("max_position_embeddings", DefaultValue::Whole(4096)),
        ("q_lora_rank", DefaultValue::Whole(1536)),
        ("kv_lora_rank", DefaultValue::Whole(512)),
        ("qk_nope_head_dim", DefaultValue::Whole(128)),
        ("qk_rope_head_dim", DefaultValue::Whole(64)),
        ("v_head_dim", DefaultValue::Whole(128)),
        ("n_routed_experts", DefaultValue::Whole(256)),
        ("n_shared_experts", DefaultValue::Whole(1)),
        ("num_experts_per_tok", DefaultValue::Whole(8)),
        ("moe_intermediate_size", DefaultValue::Whole(2048)),
        ("first_k_dense_replace", DefaultValue::Whole(3)),
        ("n_group", DefaultValue::Whole(8)),
        ("topk_group", DefaultValue::Whole(4)),
        ("norm_topk_prob", DefaultValue::Flag(true)),
        ("routed_scaling_factor", DefaultValue::Real(2.5)),
    ],
    rope: Some(RopeKeys {
        layout: RopeLayout::Neighbours,
        dims: &["qk_rope_head_dim"],
        ..ROPE
    }),
    experts: Some(DEEPSEEK_EXPERTS),
    query: bare("self_attn.q_b_proj"),
    key: bare("self_attn.kv_b_proj"),
    value: bare("self_attn.kv_b_proj"),
    latent: true,
    ..LLAMA
};

pub(super) const DEEPSEEK_V2: Family = Family {
    model_type: "deepseek_v2",
    title: "DeepSeek-V2",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("max_position_embeddings", DefaultValue::Whole(2048)),
        ("q_lora_rank", DefaultValue::Whole(1536)),
        ("kv_lora_rank", DefaultValue::Whole(512)),
        ("qk_nope_head_dim", DefaultValue::Whole(128)),
        ("qk_rope_head_dim", DefaultValue::Whole(64)),
        ("v_head_dim", DefaultValue::Whole(128)),
        ("n_routed_experts", DefaultValue::Whole(64)),
        ("n_shared_experts", DefaultValue::Whole(2)),
        ("moe_intermediate_size", DefaultValue::Whole(1407)),
        ("first_k_dense_replace", DefaultValue::Whole(0)),
    ],
    experts: Some(ExpertNames {
        correction: None,
        routing: RoutingKeys {
            scores: RouterScores::Softmax,
            renormalised: Renormalised::Never,
            groups: Some(GroupKeys {
                groups: "n_group",
                taken: "topk_group",
                judged_by: 1,
                only_if: Some(["topk_method", "group_limited_greedy"]),
            }),
            ..DEEPSEEK_EXPERTS.routing
        },
        ..DEEPSEEK_EXPERTS
    }),
    ..DEEPSEEK_V3
};

pub(super) const OLMOE: Family = Family {
    model_type: "olmoe",
    title: "OLMoE",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("max_position_embeddings", DefaultValue::Whole(4096)),
        ("num_experts", DefaultValue::Whole(64)),
        ("num_experts_per_tok", DefaultValue::Whole(8)),
    ],
    qk_norm: Some(["self_attn.q_norm", "self_attn.k_norm"]),
    qk_norm_scope: QkNormScope::AllHeads,
    experts: Some(ExpertNames {
        layers: ExpertLayers::All,
        neurons: &["intermediate_size"],
        ..QWEN_EXPERTS
    }),
    forward: Some(FamilyForward {
        clip: Some("clip_qkv"),
        ..FORWARD
    }),
    ..LLAMA
};

/// Experts of Granite, chosen by a router whose softmax is over those that are taken.
pub(super) const GRANITE_EXPERTS: ExpertNames = ExpertNames {
    neurons: &["intermediate_size"],
    router: "block_sparse_moe.router.layer",
    expert: "block_sparse_moe.experts.{}.",
    fused: FusedExperts {
        inputs: "block_sparse_moe.input_linear.weight",
        outputs: "block_sparse_moe.output_linear.weight",
        layout: FusedLayout::Stacked,
    },
    routing: RoutingKeys {
        scores: RouterScores::SoftmaxOfTaken,
        ..PLAIN_ROUTING
    },
    ..EXPERTS
};

pub(super) const GRANITE_MOE: Family = Family {
    model_type: "granitemoe",
    title: "Granite-MoE",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("attention_multiplier", DefaultValue::Real(1.0)),
        ("max_position_embeddings", DefaultValue::Whole(2048)),
        ("num_experts", DefaultValue::Whole(8)),
        ("num_experts_per_tok", DefaultValue::Whole(2)),
    ],
    experts: Some(GRANITE_EXPERTS),
    ..GRANITE
};
