//! Decoders that are Llama but for a norm, a layout, the layers that rotate or neurons without a
//! gate.

use super::base::{ROPE, bare};
use super::gated::{FORWARD, LLAMA, MISTRAL};
use super::{
    ConfigKeys, DefaultValue, Family, FamilyForward, Local, NormKind, Parallel, QkNormScope,
    RopeKeys, RopeLayers, RopeLayout, Split, Windows,
};

/// With images; the language model is that of `mistral`, or `ministral3` where the nested
/// configuration says so.
pub(super) const MISTRAL3: Family = Family {
    model_type: "mistral3",
    title: "Mistral 3",
    nested: Some("text_config"),
    prefixes: &[
        "model.language_model.",
        "language_model.model.",
        "model.",
        "",
    ],
    output_embedding: &["language_model.lm_head.weight", "lm_head.weight"],
    ..MISTRAL
};

pub(super) const MINISTRAL3: Family = Family {
    model_type: "ministral3",
    title: "Ministral 3",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(1_000_000.0)),
        ("num_key_value_heads", DefaultValue::Whole(8)),
        ("head_dim", DefaultValue::Whole(128)),
        ("max_position_embeddings", DefaultValue::Whole(262_144)),
    ],
    ..MISTRAL
};

/// Every fourth layer has no positions of its own.
pub(super) const SMOLLM3: Family = Family {
    model_type: "smollm3",
    title: "SmolLM3",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(true)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(2_000_000.0)),
        ("num_key_value_heads", DefaultValue::Whole(4)),
        ("no_rope_layer_interval", DefaultValue::Whole(4)),
        ("max_position_embeddings", DefaultValue::Whole(32_768)),
    ],
    rope: Some(RopeKeys {
        layers: RopeLayers::Listed {
            list: "no_rope_layers",
            but_every: "no_rope_layer_interval",
        },
        ..ROPE
    }),
    ..LLAMA
};

pub(super) const SEED_OSS: Family = Family {
    model_type: "seed_oss",
    title: "Seed-OSS",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("num_key_value_heads", DefaultValue::Whole(8)),
        ("head_dim", DefaultValue::Whole(128)),
        ("max_position_embeddings", DefaultValue::Whole(524_288)),
    ],
    ..LLAMA
};

/// As in all that follow, neighbouring dimensions rotate together.
pub(super) const ERNIE4_5: Family = Family {
    model_type: "ernie4_5",
    title: "ERNIE 4.5",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(true)),
        ("rms_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(500_000.0)),
        ("num_key_value_heads", DefaultValue::Whole(2)),
        ("head_dim", DefaultValue::Whole(128)),
        ("max_position_embeddings", DefaultValue::Whole(131_072)),
    ],
    rope: Some(NEIGHBOURS),
    ..LLAMA
};

const NEIGHBOURS: RopeKeys = RopeKeys {
    layout: RopeLayout::Neighbours,
    share: &["partial_rotary_factor"],
    ..ROPE
};

pub(super) const HELIUM: Family = Family {
    model_type: "helium",
    title: "Helium",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-8)),
        ("rope_theta", DefaultValue::Real(100_000.0)),
        ("head_dim", DefaultValue::Whole(128)),
        ("max_position_embeddings", DefaultValue::Whole(4096)),
    ],
    rope: Some(NEIGHBOURS),
    ..LLAMA
};

pub(super) const GLM: Family = Family {
    model_type: "glm",
    title: "GLM-4 9B",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(0.000_000_156_25)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("partial_rotary_factor", DefaultValue::Real(0.5)),
        ("num_key_value_heads", DefaultValue::Whole(2)),
        ("head_dim", DefaultValue::Whole(128)),
        ("max_position_embeddings", DefaultValue::Whole(131_072)),
    ],
    rope: Some(NEIGHBOURS),
    ff_gate: Some(bare("mlp.gate_up_proj").split(Split::Part(0, 2))),
    ff_in: bare("mlp.gate_up_proj").split(Split::Part(1, 2)),
    ..LLAMA
};

/// With norms of what is written, too.
pub(super) const GLM4: Family = Family {
    model_type: "glm4",
    title: "GLM-4",
    forward: Some(FamilyForward {
        post_norms: Some(["post_self_attn_layernorm", "post_mlp_layernorm"]),
        ..FORWARD
    }),
    ..GLM
};

/// Its norms have no numbers.
pub(super) const OLMO: Family = Family {
    model_type: "olmo",
    title: "OLMo",
    norm_kind: NormKind::LayerPlain,
    config: ConfigKeys {
        norm_epsilon: &[],
        ..LLAMA.config
    },
    forward: Some(FamilyForward {
        clip: Some("clip_qkv"),
        ..FORWARD
    }),
    ..LLAMA
};

pub(super) const STABLELM: Family = Family {
    model_type: "stablelm",
    title: "StableLM",
    norm_kind: NormKind::Layer,
    config: ConfigKeys {
        d_head: &[],
        norm_epsilon: &["layer_norm_eps"],
        ..LLAMA.config
    },
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("layer_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("partial_rotary_factor", DefaultValue::Real(0.25)),
        ("num_key_value_heads", DefaultValue::Whole(32)),
        ("use_parallel_residual", DefaultValue::Flag(false)),
        ("max_position_embeddings", DefaultValue::Whole(4096)),
    ],
    qk_norm: Some(["self_attn.q_layernorm", "self_attn.k_layernorm"]),
    qk_norm_scope: QkNormScope::HeadModules,
    qk_norm_if: Some("qk_layernorm"),
    forward: Some(FamilyForward {
        parallel: Parallel::Flag("use_parallel_residual"),
        ..FORWARD
    }),
    ..LLAMA
};

/// The norms, positions and maps of Llama around plain neurons.
pub(super) const ARCEE: Family = Family {
    model_type: "arcee",
    title: "AFM",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("max_position_embeddings", DefaultValue::Whole(4096)),
    ],
    default_activation: "relu2",
    ff_gate: None,
    ..LLAMA
};

pub(super) const NEMOTRON: Family = Family {
    model_type: "nemotron",
    title: "Nemotron",
    norm_kind: NormKind::LayerPlusOne,
    config: ConfigKeys {
        norm_epsilon: &["norm_eps"],
        ..LLAMA.config
    },
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("partial_rotary_factor", DefaultValue::Real(0.5)),
        ("max_position_embeddings", DefaultValue::Whole(4096)),
    ],
    ..ARCEE
};

pub(super) const STARCODER2: Family = Family {
    model_type: "starcoder2",
    title: "StarCoder2",
    norm_kind: NormKind::Layer,
    config: ConfigKeys {
        norm_epsilon: &["norm_epsilon"],
        ..LLAMA.config
    },
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(true)),
        ("norm_epsilon", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("num_key_value_heads", DefaultValue::Whole(2)),
        ("max_position_embeddings", DefaultValue::Whole(4096)),
    ],
    default_activation: "gelu_pytorch_tanh",
    windows: Some(Windows {
        size: "sliding_window",
        layers: Local::All,
    }),
    ff_in: bare("mlp.c_fc"),
    ff_gate: None,
    ff_out: bare("mlp.c_proj"),
    ..LLAMA
};
