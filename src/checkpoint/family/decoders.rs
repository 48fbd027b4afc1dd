//! Decoders with plain feed-forwards: GPT-2 and its like.

use super::base::{CONFIG, PLAIN_FORWARD, PLAIN_HEAD, ROPE, bare, linear};
use super::{
    Alibi, ConfigKeys, DefaultValue, Family, FamilyForward, HeadNames, LearnedPositions, Local,
    NarrowEmbedding, NarrowExtent, NormKind, NormPlacement, Parallel, QkNormScope, RopeKeys,
    RopeLayout, Split, Windows,
};

pub(super) const GPT2: Family = Family {
    model_type: "gpt2",
    title: "GPT-2",
    norm: NormPlacement::Pre,
    norm_kind: NormKind::Layer,
    nested: None,
    config: ConfigKeys {
        layers: &["n_layer", "num_hidden_layers"],
        d_model: &["n_embd", "hidden_size"],
        heads: &["n_head", "num_attention_heads"],
        neurons: &["n_inner"],
        positions: &["n_positions", "n_ctx"],
        activation: &["activation_function"],
        norm_epsilon: &["layer_norm_epsilon"],
        ..CONFIG
    },
    as_wide: &[],
    meant: &[],
    defaults: &[("layer_norm_epsilon", DefaultValue::Real(1e-5))],
    default_activation: "gelu_new",
    prefixes: &["transformer.", ""],
    embedding: "wte.weight",
    narrow: None,
    output_embedding: &["lm_head.weight"],
    head: PLAIN_HEAD,
    positions: Some(LearnedPositions {
        name: "wpe.weight",
        first: 0,
        counted: false,
    }),
    rope: None,
    windows: None,
    layer: "h.{}.",
    two_stacks: None,
    shared_layers: None,
    ff_in: linear("mlp.c_fc").transposed(),
    ff_gate: None,
    ff_out: linear("mlp.c_proj").transposed(),
    kinds: None,
    head_keys: None,
    experts: None,
    query: linear("attn.c_attn").transposed().split(Split::Stacked),
    key: linear("attn.c_attn").transposed().split(Split::Stacked),
    value: linear("attn.c_attn").transposed().split(Split::Stacked),
    attention_out: linear("attn.c_proj").transposed(),
    latent: false,
    qk_norm: None,
    qk_norm_scope: QkNormScope::Head,
    qk_norm_if: None,
    forward: Some(FamilyForward {
        scale_flag: Some("scale_attn_weights"),
        scale_by_layer: Some("scale_attn_by_inverse_layer_idx"),
        ..FORWARD
    }),
    note: None,
};

/// With a bias of the logits.
const BIASED_HEAD: HeadNames = HeadNames {
    bias: &["lm_head.bias"],
    ..PLAIN_HEAD
};

pub(super) const FORWARD: FamilyForward = FamilyForward {
    attention_norm: &["ln_1"],
    ff_norm: &["ln_2"],
    final_norm: Some("ln_f"),
    ..PLAIN_FORWARD
};

pub(super) const GPT_NEO: Family = Family {
    model_type: "gpt_neo",
    title: "GPT-Neo",
    config: ConfigKeys {
        layers: &["num_layers", "num_hidden_layers"],
        d_model: &["hidden_size"],
        heads: &["num_heads", "num_attention_heads"],
        neurons: &["intermediate_size"],
        positions: &["max_position_embeddings"],
        ..GPT2.config
    },
    defaults: &[
        ("layer_norm_epsilon", DefaultValue::Real(1e-5)),
        ("window_size", DefaultValue::Whole(256)),
    ],
    windows: Some(Windows {
        size: "window_size",
        layers: Local::Listed {
            list: "attention_layers",
            patterns: "attention_types",
        },
    }),
    ff_in: linear("mlp.c_fc"),
    ff_out: linear("mlp.c_proj"),
    query: bare("attn.attention.q_proj"),
    key: bare("attn.attention.k_proj"),
    value: bare("attn.attention.v_proj"),
    attention_out: linear("attn.attention.out_proj"),
    forward: Some(FamilyForward {
        scaled_scores: false,
        ..FORWARD
    }),
    ..GPT2
};

pub(super) const GPTJ: Family = Family {
    model_type: "gptj",
    title: "GPT-J",
    defaults: &[
        ("layer_norm_epsilon", DefaultValue::Real(1e-5)),
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rotary_dim", DefaultValue::Whole(64)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("n_positions", DefaultValue::Whole(2048)),
    ],
    head: BIASED_HEAD,
    positions: None,
    rope: Some(RopeKeys {
        layout: RopeLayout::Neighbours,
        dims: &["rotary_dim"],
        ..ROPE
    }),
    ff_in: linear("mlp.fc_in"),
    ff_out: linear("mlp.fc_out"),
    query: bare("attn.q_proj"),
    key: bare("attn.k_proj"),
    value: bare("attn.v_proj"),
    attention_out: bare("attn.out_proj"),
    forward: Some(FamilyForward {
        ff_norm: &[],
        parallel: Parallel::Always,
        ..FORWARD
    }),
    ..GPT2
};

pub(super) const GPT_NEOX: Family = Family {
    model_type: "gpt_neox",
    title: "GPT-NeoX",
    config: ConfigKeys {
        layers: &["num_hidden_layers"],
        d_model: &["hidden_size"],
        heads: &["num_attention_heads"],
        d_head: &["head_dim"],
        neurons: &["intermediate_size"],
        positions: &["max_position_embeddings"],
        activation: &["hidden_act"],
        norm_epsilon: &["layer_norm_eps"],
        ..GPT2.config
    },
    defaults: &[
        ("layer_norm_eps", DefaultValue::Real(1e-5)),
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rotary_pct", DefaultValue::Real(0.25)),
        ("rotary_emb_base", DefaultValue::Real(10_000.0)),
        ("max_position_embeddings", DefaultValue::Whole(2048)),
    ],
    default_activation: "gelu",
    prefixes: &["gpt_neox.", ""],
    embedding: "embed_in.weight",
    output_embedding: &["embed_out.weight", "lm_head.weight"],
    positions: None,
    rope: Some(RopeKeys {
        theta: &["rope_theta", "rotary_emb_base"],
        share: &["partial_rotary_factor", "rotary_pct"],
        ..ROPE
    }),
    layer: "layers.{}.",
    ff_in: linear("mlp.dense_h_to_4h"),
    ff_out: linear("mlp.dense_4h_to_h"),
    query: bare("attention.query_key_value").split(Split::Grouped),
    key: bare("attention.query_key_value").split(Split::Grouped),
    value: bare("attention.query_key_value").split(Split::Grouped),
    attention_out: bare("attention.dense"),
    forward: Some(FamilyForward {
        attention_norm: &["input_layernorm"],
        ff_norm: &["post_attention_layernorm"],
        parallel: Parallel::Flag("use_parallel_residual"),
        final_norm: Some("final_layer_norm"),
        ..FORWARD
    }),
    ..GPT2
};

pub(super) const PHI: Family = Family {
    model_type: "phi",
    title: "Phi",
    config: ConfigKeys {
        n_kv_heads: &["num_key_value_heads"],
        ..GPT_NEOX.config
    },
    defaults: &[
        ("layer_norm_eps", DefaultValue::Real(1e-5)),
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("partial_rotary_factor", DefaultValue::Real(0.5)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("max_position_embeddings", DefaultValue::Whole(2048)),
    ],
    default_activation: "gelu_new",
    prefixes: &["model.", ""],
    embedding: "embed_tokens.weight",
    output_embedding: &["lm_head.weight"],
    head: BIASED_HEAD,
    rope: Some(RopeKeys {
        share: &["partial_rotary_factor"],
        ..ROPE
    }),
    ff_in: linear("mlp.fc1"),
    ff_out: linear("mlp.fc2"),
    query: linear("self_attn.q_proj"),
    key: linear("self_attn.k_proj"),
    value: linear("self_attn.v_proj"),
    attention_out: linear("self_attn.dense"),
    qk_norm: Some(["self_attn.q_layernorm", "self_attn.k_layernorm"]),
    qk_norm_if: Some("qk_layernorm"),
    forward: Some(FamilyForward {
        attention_norm: &["input_layernorm"],
        ff_norm: &[],
        parallel: Parallel::Always,
        final_norm: Some("final_layernorm"),
        ..FORWARD
    }),
    ..GPT_NEOX
};

pub(super) const OPT: Family = Family {
    model_type: "opt",
    title: "OPT",
    config: ConfigKeys {
        layers: &["num_hidden_layers"],
        d_model: &["hidden_size"],
        heads: &["num_attention_heads"],
        neurons: &["ffn_dim"],
        positions: &["max_position_embeddings"],
        norm_epsilon: &[],
        ..GPT2.config
    },
    narrow: Some(NarrowEmbedding {
        width: "word_embed_proj_dim",
        input: "project_in",
        output: Some("project_out"),
        always: false,
        extent: NarrowExtent::Tokens,
    }),
    defaults: &[],
    default_activation: "relu",
    prefixes: &["model.decoder.", "decoder.", ""],
    embedding: "embed_tokens.weight",
    positions: Some(LearnedPositions {
        name: "embed_positions.weight",
        first: 2,
        counted: false,
    }),
    layer: "layers.{}.",
    ff_in: bare("fc1"),
    ff_out: bare("fc2"),
    query: bare("self_attn.q_proj"),
    key: bare("self_attn.k_proj"),
    value: bare("self_attn.v_proj"),
    attention_out: bare("self_attn.out_proj"),
    forward: Some(FamilyForward {
        attention_norm: &["self_attn_layer_norm"],
        ff_norm: &["final_layer_norm"],
        final_norm: Some("final_layer_norm"),
        final_norm_unless: Some("_remove_final_layer_norm"),
        pre_norm_if: Some("do_layer_norm_before"),
        affine_norms_if: Some("layer_norm_elementwise_affine"),
        ..FORWARD
    }),
    ..GPT2
};

pub(super) const BLOOM: Family = Family {
    model_type: "bloom",
    title: "BLOOM",
    config: ConfigKeys {
        layers: &["n_layer", "num_hidden_layers"],
        d_model: &["hidden_size", "n_embed"],
        heads: &["n_head", "num_attention_heads"],
        neurons: &[],
        positions: &["seq_length"],
        activation: &[],
        ..GPT2.config
    },
    prefixes: &["transformer.", ""],
    embedding: "word_embeddings.weight",
    positions: None,
    ff_in: linear("mlp.dense_h_to_4h"),
    ff_out: linear("mlp.dense_4h_to_h"),
    query: linear("self_attention.query_key_value").split(Split::Grouped),
    key: linear("self_attention.query_key_value").split(Split::Grouped),
    value: linear("self_attention.query_key_value").split(Split::Grouped),
    attention_out: linear("self_attention.dense"),
    forward: Some(FamilyForward {
        attention_norm: &["input_layernorm"],
        ff_norm: &["post_attention_layernorm"],
        embedding_norm: Some("word_embeddings_layernorm"),
        alibi: Some(Alibi {
            only_if: None,
            before_scale: false,
        }),
        ..FORWARD
    }),
    ..GPT2
};

pub(super) const FALCON: Family = Family {
    model_type: "falcon",
    title: "Falcon",
    config: ConfigKeys {
        layers: &["num_hidden_layers", "n_layer"],
        d_model: &["hidden_size", "n_embed"],
        heads: &["num_attention_heads", "n_head"],
        n_kv_heads: &["num_kv_heads", "n_head_kv"],
        n_kv_heads_if: Some(["new_decoder_architecture", "multi_query"]),
        neurons: &["ffn_hidden_size"],
        positions: &["max_position_embeddings"],
        activation: &["activation"],
        ..GPT2.config
    },
    defaults: &[
        ("layer_norm_epsilon", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(10_000.0)),
        ("max_position_embeddings", DefaultValue::Whole(2048)),
    ],
    default_activation: "gelu",
    rope: Some(RopeKeys {
        unless: Some("alibi"),
        ..ROPE
    }),
    ff_in: bare("mlp.dense_h_to_4h"),
    ff_out: bare("mlp.dense_4h_to_h"),
    query: bare("self_attention.query_key_value").split(Split::Grouped),
    key: bare("self_attention.query_key_value").split(Split::Grouped),
    value: bare("self_attention.query_key_value").split(Split::Grouped),
    attention_out: bare("self_attention.dense"),
    forward: Some(FamilyForward {
        attention_norm: &["ln_attn", "input_layernorm"],
        ff_norm: &["ln_mlp", "post_attention_layernorm"],
        parallel: Parallel::Either(["parallel_attn", "new_decoder_architecture"]),
        alibi: Some(Alibi {
            only_if: Some("alibi"),
            before_scale: true,
        }),
        ..FORWARD
    }),
    ..BLOOM
};
