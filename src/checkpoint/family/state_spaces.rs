//! Families with Mamba in some layers, or beside the heads of all.

use super::base::{ROPE, bare};
use super::gated::{FORWARD, LLAMA};
use super::hybrids::{EVERY_FOURTH, PARTLY_ROTARY};
use super::mixtures::{DEEPSEEK_EXPERTS, GRANITE_EXPERTS};
use super::scaled::GRANITE;
use super::{
    ConfigKeys, DefaultValue, ExpertLayers, ExpertNames, Family, FamilyForward, FusedExperts,
    FusedLayout, LayerKind, LayerKinds, Mixer, RopeKeys, SharedNames, SharedNeurons, Split,
    UsualKinds,
};

/// Mamba, and heads in some layers.
const STATE_SPACES: LayerKinds = LayerKinds {
    lists: &["layer_types", "layers_block_type"],
    words: &[
        ("full_attention", LayerKind::Heads),
        ("attention", LayerKind::Heads),
        ("linear_attention", LayerKind::Without(Mixer::Mamba)),
        ("mamba", LayerKind::Without(Mixer::Mamba)),
    ],
    usual: UsualKinds::Never,
    mixer: Mixer::Mamba,
    prefix: "mamba.",
    ..EVERY_FOURTH
};

/// Granite 4: beside its experts, or in their place, a feed-forward part of every token.
pub(super) const GRANITE_MOE_HYBRID: Family = Family {
    model_type: "granitemoehybrid",
    title: "Granite 4",
    config: ConfigKeys {
        neurons: &["shared_intermediate_size"],
        ..GRANITE.config
    },
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("attention_multiplier", DefaultValue::Real(1.0)),
        ("max_position_embeddings", DefaultValue::Whole(2048)),
        ("num_local_experts", DefaultValue::Whole(8)),
        ("num_experts_per_tok", DefaultValue::Whole(2)),
        ("shared_intermediate_size", DefaultValue::Whole(1024)),
        ("mamba_n_heads", DefaultValue::Whole(128)),
        ("mamba_n_groups", DefaultValue::Whole(1)),
        ("mamba_d_state", DefaultValue::Whole(256)),
        ("mamba_d_head", DefaultValue::Word("auto")),
        ("mamba_d_conv", DefaultValue::Whole(4)),
        ("mamba_expand", DefaultValue::Whole(2)),
    ],
    rope: Some(RopeKeys {
        only_if: Some(["position_embedding_type", "rope"]),
        ..ROPE
    }),
    kinds: Some(STATE_SPACES),
    ff_gate: Some(bare("shared_mlp.input_linear").split(Split::Part(0, 2))),
    ff_in: bare("shared_mlp.input_linear").split(Split::Part(1, 2)),
    ff_out: bare("shared_mlp.output_linear"),
    experts: Some(ExpertNames {
        count: &["num_local_experts"],
        shared: Some(SharedNames {
            prefix: "shared_mlp.",
            neurons: SharedNeurons::Key("shared_intermediate_size"),
            fused: Some(["shared_mlp.input_linear", "shared_mlp.output_linear"]),
            gate: None,
        }),
        ..GRANITE_EXPERTS
    }),
    ..GRANITE
};

/// A layer has heads, Mamba or neurons, and nothing beside.
const ONE_EACH: LayerKinds = LayerKinds {
    lists: &["layers_block_type", "layer_types"],
    words: &[
        ("full_attention", LayerKind::Heads),
        ("attention", LayerKind::Heads),
        ("*", LayerKind::Heads),
        ("linear_attention", LayerKind::Without(Mixer::Mamba)),
        ("mamba", LayerKind::Without(Mixer::Mamba)),
        ("M", LayerKind::Without(Mixer::Mamba)),
        ("mlp", LayerKind::Dense),
        ("-", LayerKind::Dense),
        ("moe", LayerKind::Without(Mixer::Nothing)),
        ("E", LayerKind::Without(Mixer::Nothing)),
    ],
    usual: UsualKinds::Letters("hybrid_override_pattern"),
    prefix: "mixer.",
    least_step: Some("time_step_min"),
    activation: Some("mamba_hidden_act"),
    alone: true,
    ..STATE_SPACES
};

pub(super) const NEMOTRON_H: Family = Family {
    model_type: "nemotron_h",
    title: "Nemotron-H",
    config: ConfigKeys {
        d_head: &["head_dim", "attention_head_dim"],
        activation: &["mlp_hidden_act"],
        norm_epsilon: &["layer_norm_epsilon"],
        ..LLAMA.config
    },
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("layer_norm_epsilon", DefaultValue::Real(1e-5)),
        ("num_key_value_heads", DefaultValue::Whole(8)),
        ("max_position_embeddings", DefaultValue::Whole(4096)),
        ("num_experts_per_tok", DefaultValue::Whole(2)),
        ("moe_intermediate_size", DefaultValue::Whole(7688)),
        (
            "moe_shared_expert_intermediate_size",
            DefaultValue::Whole(7688),
        ),
        ("norm_topk_prob", DefaultValue::Flag(true)),
        ("n_group", DefaultValue::Whole(1)),
        ("topk_group", DefaultValue::Whole(1)),
        ("mamba_num_heads", DefaultValue::Whole(128)),
        ("mamba_head_dim", DefaultValue::Whole(64)),
        ("ssm_state_size", DefaultValue::Whole(128)),
        ("n_groups", DefaultValue::Whole(8)),
        ("conv_kernel", DefaultValue::Whole(4)),
        ("time_step_min", DefaultValue::Real(0.001)),
        ("mamba_hidden_act", DefaultValue::Word("silu")),
    ],
    default_activation: "relu2",
    prefixes: &["backbone.", "model."],
    embedding: "embeddings.weight",
    rope: None,
    kinds: Some(ONE_EACH),
    ff_in: bare("mixer.up_proj"),
    ff_gate: None,
    ff_out: bare("mixer.down_proj"),
    experts: Some(ExpertNames {
        layers: ExpertLayers::All,
        router: "mixer.gate",
        correction: Some("mixer.gate.e_score_correction_bias"),
        expert: "mixer.experts.{}.",
        ff_gate: None,
        fused: FusedExperts {
            inputs: "mixer.experts.up_proj",
            outputs: "mixer.experts.down_proj",
            layout: FusedLayout::Stacked,
        },
        shared: Some(SharedNames {
            prefix: "mixer.shared_experts.",
            neurons: SharedNeurons::Key("moe_shared_expert_intermediate_size"),
            fused: None,
            gate: None,
        }),
        ..DEEPSEEK_EXPERTS
    }),
    query: bare("mixer.q_proj"),
    key: bare("mixer.k_proj"),
    value: bare("mixer.v_proj"),
    attention_out: bare("mixer.o_proj"),
    forward: Some(FamilyForward {
        attention_norm: &["norm"],
        ff_norm: &["norm"],
        final_norm: Some("norm_f"),
        ..FORWARD
    }),
    ..LLAMA
};

/// Mamba beside the heads of every layer.
pub(super) const FALCON_H1: Family = Family {
    model_type: "falcon_h1",
    title: "Falcon-H1",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(100_000.0)),
        ("num_key_value_heads", DefaultValue::Whole(8)),
        ("max_position_embeddings", DefaultValue::Whole(8192)),
    ],
    ff_in: bare("feed_forward.up_proj"),
    ff_gate: Some(bare("feed_forward.gate_proj")),
    ff_out: bare("feed_forward.down_proj"),
    forward: Some(FamilyForward {
        not_run: Some("have Mamba beside the heads of every layer, with multipliers of its own"),
        ff_norm: &["pre_ff_layernorm"],
        final_norm: Some("final_layernorm"),
        embedding_scale: Some("embedding_multiplier"),
        ..FORWARD
    }),
    note: Some("Mamba, which every layer has beside its heads, is in no list"),
    ..LLAMA
};

pub(super) const BAMBA: Family = Family {
    model_type: "bamba",
    title: "Bamba",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("partial_rotary_factor", DefaultValue::Real(0.5)),
        ("num_key_value_heads", DefaultValue::Whole(8)),
        ("max_position_embeddings", DefaultValue::Whole(262_144)),
        ("mamba_n_heads", DefaultValue::Whole(128)),
        ("mamba_n_groups", DefaultValue::Whole(1)),
        ("mamba_d_state", DefaultValue::Whole(256)),
        ("mamba_d_head", DefaultValue::Word("auto")),
        ("mamba_d_conv", DefaultValue::Whole(4)),
        ("mamba_expand", DefaultValue::Whole(2)),
    ],
    rope: Some(PARTLY_ROTARY),
    kinds: Some(LayerKinds {
        usual: UsualKinds::Listed("attn_layer_indices"),
        ..STATE_SPACES
    }),
    ff_in: bare("feed_forward.up_proj"),
    ff_gate: Some(bare("feed_forward.gate_proj")),
    ff_out: bare("feed_forward.down_proj"),
    forward: Some(FamilyForward {
        ff_norm: &["pre_ff_layernorm"],
        final_norm: Some("final_layernorm"),
        ..FORWARD
    }),
    ..LLAMA
};
