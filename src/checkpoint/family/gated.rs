//! Decoders with gated feed-forwards, RMS norms and rotary positions: Llama and what followed it.

use super::base::{CONFIG, PLAIN_FORWARD, PLAIN_HEAD, ROPE, bare, linear};
use super::{
    ConfigKeys, DefaultValue, Family, FamilyForward, HeadNames, Local, NormKind, NormPlacement,
    QkNormScope, RopeKeys, Split, Windows,
};

pub(super) const LLAMA: Family = Family {
    model_type: "llama",
    title: "Llama",
    norm: NormPlacement::Pre,
    norm_kind: NormKind::Rms,
    nested: None,
    config: ConfigKeys {
        n_kv_heads: &["num_key_value_heads"],
        d_head: &["head_dim"],
        norm_epsilon: &["rms_norm_eps"],
        ..CONFIG
    },
    as_wide: &[],
    meant: &[("rope_type", "su", "longrope")],
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("max_position_embeddings", DefaultValue::Whole(2048)),
    ],
    default_activation: "silu",
    prefixes: &["model.", ""],
    embedding: "embed_tokens.weight",
    narrow: None,
    output_embedding: &["lm_head.weight"],
    head: PLAIN_HEAD,
    positions: None,
    rope: Some(RopeKeys {
        share: &["partial_rotary_factor"],
        ..ROPE
    }),
    windows: None,
    layer: "layers.{}.",
    two_stacks: None,
    shared_layers: None,
    ff_in: bare("mlp.up_proj"),
    ff_gate: Some(bare("mlp.gate_proj")),
    ff_out: bare("mlp.down_proj"),
    kinds: None,
    head_keys: None,
    experts: None,
    query: bare("self_attn.q_proj"),
    key: bare("self_attn.k_proj"),
    value: bare("self_attn.v_proj"),
    attention_out: bare("self_attn.o_proj"),
    latent: false,
    qk_norm: None,
    qk_norm_scope: QkNormScope::Head,
    qk_norm_if: None,
    forward: Some(FORWARD),
    note: None,
};

pub(super) const FORWARD: FamilyForward = FamilyForward {
    attention_norm: &["input_layernorm"],
    ff_norm: &["post_attention_layernorm"],
    final_norm: Some("norm"),
    ..PLAIN_FORWARD
};

pub(super) const MISTRAL: Family = Family {
    model_type: "mistral",
    title: "Mistral",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("num_key_value_heads", DefaultValue::Whole(8)),
        ("sliding_window", DefaultValue::Whole(4096)),
        ("max_position_embeddings", DefaultValue::Whole(131_072)),
    ],
    windows: Some(Windows {
        size: "sliding_window",
        layers: Local::All,
    }),
    ..LLAMA
};

pub(super) const QWEN2: Family = Family {
    model_type: "qwen2",
    title: "Qwen2",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("sliding_window", DefaultValue::Whole(4096)),
        ("max_window_layers", DefaultValue::Whole(28)),
        ("max_position_embeddings", DefaultValue::Whole(32_768)),
    ],
    windows: Some(Windows {
        size: "sliding_window",
        layers: Local::From {
            first: "max_window_layers",
            only_if: "use_sliding_window",
        },
    }),
    query: linear("self_attn.q_proj"),
    key: linear("self_attn.k_proj"),
    value: linear("self_attn.v_proj"),
    ..LLAMA
};

pub(super) const QWEN3: Family = Family {
    model_type: "qwen3",
    title: "Qwen3",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("head_dim", DefaultValue::Whole(128)),
        ("sliding_window", DefaultValue::Whole(4096)),
        ("max_window_layers", DefaultValue::Whole(28)),
        ("max_position_embeddings", DefaultValue::Whole(32_768)),
    ],
    query: bare("self_attn.q_proj"),
    key: bare("self_attn.k_proj"),
    value: bare("self_attn.v_proj"),
    qk_norm: Some(["self_attn.q_norm", "self_attn.k_norm"]),
    ..QWEN2
};

/// The first Gemma's files say `gelu` and mean its approximation.
pub(super) const GEMMA: Family = Family {
    model_type: "gemma",
    title: "Gemma",
    norm_kind: NormKind::RmsPlusOne,
    meant: &[("hidden_act", "gelu", "gelu_pytorch_tanh")],
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(true)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("head_dim", DefaultValue::Whole(256)),
        ("max_position_embeddings", DefaultValue::Whole(8192)),
    ],
    default_activation: "gelu_pytorch_tanh",
    forward: Some(GEMMA_FORWARD),
    ..LLAMA
};

const GEMMA_FORWARD: FamilyForward = FamilyForward {
    scaled_embedding: true,
    ..FORWARD
};

pub(super) const GEMMA2: Family = Family {
    model_type: "gemma2",
    title: "Gemma 2",
    config: ConfigKeys {
        activation: &["hidden_activation"],
        ..LLAMA.config
    },
    meant: &[],
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(true)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("head_dim", DefaultValue::Whole(256)),
        ("query_pre_attn_scalar", DefaultValue::Real(256.0)),
        ("attn_logit_softcapping", DefaultValue::Real(50.0)),
        ("final_logit_softcapping", DefaultValue::Real(30.0)),
        ("sliding_window", DefaultValue::Whole(4096)),
        ("sliding_window_pattern", DefaultValue::Whole(2)),
        ("max_position_embeddings", DefaultValue::Whole(8192)),
    ],
    head: HeadNames {
        softcap: Some("final_logit_softcapping"),
        ..PLAIN_HEAD
    },
    windows: Some(Windows {
        size: "sliding_window",
        layers: Local::AllBut {
            every: "sliding_window_pattern",
            shift: 1,
        },
    }),
    forward: Some(GEMMA2_FORWARD),
    ..GEMMA
};

pub(super) const GEMMA2_FORWARD: FamilyForward = FamilyForward {
    ff_norm: &["pre_feedforward_layernorm"],
    post_norms: Some(["post_attention_layernorm", "post_feedforward_layernorm"]),
    scale_number: Some("query_pre_attn_scalar"),
    attention_softcap: Some("attn_logit_softcapping"),
    ..GEMMA_FORWARD
};

pub(super) const GEMMA3_TEXT: Family = Family {
    model_type: "gemma3_text",
    title: "Gemma 3",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(true)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(1_000_000.0)),
        ("rope_local_base_freq", DefaultValue::Real(10_000.0)),
        ("num_attention_heads", DefaultValue::Whole(8)),
        ("num_key_value_heads", DefaultValue::Whole(4)),
        ("head_dim", DefaultValue::Whole(256)),
        ("vocab_size", DefaultValue::Whole(262_208)),
        ("max_position_embeddings", DefaultValue::Whole(131_072)),
        ("query_pre_attn_scalar", DefaultValue::Real(256.0)),
        ("sliding_window", DefaultValue::Whole(4096)),
        ("sliding_window_pattern", DefaultValue::Whole(6)),
    ],
    prefixes: &[
        "model.",
        "",
        "model.language_model.",
        "language_model.model.",
    ],
    output_embedding: &["lm_head.weight", "language_model.lm_head.weight"],
    rope: Some(RopeKeys {
        local_theta: &["rope_local_base_freq"],
        ..ROPE
    }),
    qk_norm: Some(["self_attn.q_norm", "self_attn.k_norm"]),
    ..GEMMA2
};

/// With images; the language model is that of `gemma3_text`.
pub(super) const GEMMA3: Family = Family {
    model_type: "gemma3",
    nested: Some("text_config"),
    ..GEMMA3_TEXT
};

pub(super) const PHI3: Family = Family {
    model_type: "phi3",
    title: "Phi-3",
    meant: &[
        ("rope_type", "su", "longrope"),
        ("rope_type", "yarn", "longrope"),
    ],
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        (
            "original_max_position_embeddings",
            DefaultValue::Whole(4096),
        ),
        ("max_position_embeddings", DefaultValue::Whole(4096)),
    ],
    windows: Some(Windows {
        size: "sliding_window",
        layers: Local::All,
    }),
    ff_gate: Some(bare("mlp.gate_up_proj").split(Split::Part(0, 2))),
    ff_in: bare("mlp.gate_up_proj").split(Split::Part(1, 2)),
    query: bare("self_attn.qkv_proj").split(Split::Stacked),
    key: bare("self_attn.qkv_proj").split(Split::Stacked),
    value: bare("self_attn.qkv_proj").split(Split::Stacked),
    ..LLAMA
};
