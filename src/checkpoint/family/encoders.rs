//! Encoders.

use super::base::{CONFIG, PLAIN_FORWARD, PLAIN_HEAD, ROPE, bare, linear};
use super::{
    ConfigKeys, DefaultValue, Family, FamilyForward, HeadActivation, HeadNames, LearnedPositions,
    Local, NormKind, NormPlacement, QkNormScope, RopeKeys, Split, TransformNames, Windows,
};

pub(super) const BERT: Family = Family {
    model_type: "bert",
    title: "BERT",
    norm: NormPlacement::Post,
    norm_kind: NormKind::Layer,
    nested: None,
    config: ConfigKeys {
        norm_epsilon: &["layer_norm_eps"],
        ..CONFIG
    },
    as_wide: &[],
    meant: &[],
    defaults: &[("layer_norm_eps", DefaultValue::Real(1e-12))],
    default_activation: "gelu",
    prefixes: &["bert.", ""],
    embedding: "embeddings.word_embeddings.weight",
    narrow: None,
    output_embedding: &["cls.predictions.decoder.weight"],
    head: HeadNames {
        bias: &["cls.predictions.bias", "cls.predictions.decoder.bias"],
        transform: Some(TransformNames {
            dense: "cls.predictions.transform.dense",
            activation: HeadActivation::AsNeurons,
            norm: "cls.predictions.transform.LayerNorm",
        }),
        ..PLAIN_HEAD
    },
    positions: Some(LearnedPositions {
        name: "embeddings.position_embeddings.weight",
        first: 0,
        counted: false,
    }),
    rope: None,
    windows: None,
    layer: "encoder.layer.{}.",
    two_stacks: None,
    shared_layers: None,
    ff_in: linear("intermediate.dense"),
    ff_gate: None,
    ff_out: linear("output.dense"),
    kinds: None,
    head_keys: None,
    experts: None,
    query: linear("attention.self.query"),
    key: linear("attention.self.key"),
    value: linear("attention.self.value"),
    attention_out: linear("attention.output.dense"),
    latent: false,
    qk_norm: None,
    qk_norm_scope: QkNormScope::Head,
    qk_norm_if: None,
    forward: Some(FORWARD),
    note: None,
};

pub(super) const FORWARD: FamilyForward = FamilyForward {
    causal: false,
    causal_if: Some("is_decoder"),
    attention_norm: &["attention.output.LayerNorm"],
    ff_norm: &["output.LayerNorm"],
    embedding_norm: Some("embeddings.LayerNorm"),
    token_types: Some("embeddings.token_type_embeddings.weight"),
    ..PLAIN_FORWARD
};

pub(super) const ROBERTA: Family = Family {
    model_type: "roberta",
    title: "RoBERTa",
    prefixes: &["roberta.", ""],
    output_embedding: &["lm_head.decoder.weight"],
    head: HeadNames {
        bias: &["lm_head.bias", "lm_head.decoder.bias"],
        transform: Some(TransformNames {
            dense: "lm_head.dense",
            activation: HeadActivation::Gelu,
            norm: "lm_head.layer_norm",
        }),
        ..PLAIN_HEAD
    },
    positions: Some(LearnedPositions {
        name: "embeddings.position_embeddings.weight",
        first: 2,
        counted: true,
    }),
    ..BERT
};

pub(super) const XLM_ROBERTA: Family = Family {
    model_type: "xlm-roberta",
    title: "XLM-RoBERTa",
    ..ROBERTA
};

pub(super) const DISTILBERT: Family = Family {
    model_type: "distilbert",
    title: "DistilBERT",
    config: ConfigKeys {
        layers: &["n_layers", "num_hidden_layers"],
        d_model: &["dim", "hidden_size"],
        heads: &["n_heads", "num_attention_heads"],
        neurons: &["hidden_dim"],
        activation: &["activation"],
        ..BERT.config
    },
    prefixes: &["distilbert.", ""],
    output_embedding: &["vocab_projector.weight"],
    head: HeadNames {
        bias: &["vocab_projector.bias"],
        transform: Some(TransformNames {
            dense: "vocab_transform",
            activation: HeadActivation::AsNeurons,
            norm: "vocab_layer_norm",
        }),
        ..PLAIN_HEAD
    },
    layer: "transformer.layer.{}.",
    ff_in: linear("ffn.lin1"),
    ff_out: linear("ffn.lin2"),
    query: linear("attention.q_lin"),
    key: linear("attention.k_lin"),
    value: linear("attention.v_lin"),
    attention_out: linear("attention.out_lin"),
    forward: Some(FamilyForward {
        causal_if: None,
        attention_norm: &["sa_layer_norm"],
        ff_norm: &["output_layer_norm"],
        token_types: None,
        ..FORWARD
    }),
    ..BERT
};

pub(super) const MODERNBERT: Family = Family {
    model_type: "modernbert",
    title: "ModernBERT",
    norm: NormPlacement::Pre,
    norm_kind: NormKind::LayerBare,
    config: ConfigKeys {
        d_head: &["head_dim"],
        activation: &["hidden_activation"],
        norm_epsilon: &["norm_eps"],
        ..BERT.config
    },
    defaults: &[
        ("norm_eps", DefaultValue::Real(1e-5)),
        ("local_attention", DefaultValue::Whole(128)),
        ("global_attn_every_n_layers", DefaultValue::Whole(3)),
        ("global_rope_theta", DefaultValue::Real(160_000.0)),
        ("local_rope_theta", DefaultValue::Real(10_000.0)),
        ("max_position_embeddings", DefaultValue::Whole(8192)),
    ],
    prefixes: &["model.", ""],
    embedding: "embeddings.tok_embeddings.weight",
    output_embedding: &["decoder.weight"],
    head: HeadNames {
        bias: &["decoder.bias"],
        transform: Some(TransformNames {
            dense: "head.dense",
            activation: HeadActivation::Key("classifier_activation"),
            norm: "head.norm",
        }),
        ..PLAIN_HEAD
    },
    positions: None,
    rope: Some(RopeKeys {
        theta: &["global_rope_theta"],
        local_theta: &["local_rope_theta"],
        scales_local: true,
        ..ROPE
    }),
    windows: Some(Windows {
        size: "local_attention",
        layers: Local::AllBut {
            every: "global_attn_every_n_layers",
            shift: 0,
        },
    }),
    layer: "layers.{}.",
    // The first half of `Wi` goes through the activation.
    ff_gate: Some(bare("mlp.Wi").split(Split::Part(0, 2))),
    ff_in: bare("mlp.Wi").split(Split::Part(1, 2)),
    ff_out: bare("mlp.Wo"),
    query: bare("attn.Wqkv").split(Split::Stacked),
    key: bare("attn.Wqkv").split(Split::Stacked),
    value: bare("attn.Wqkv").split(Split::Stacked),
    attention_out: bare("attn.Wo"),
    forward: Some(FamilyForward {
        causal_if: None,
        attention_norm: &["attn_norm"],
        ff_norm: &["mlp_norm"],
        first_bare: true,
        embedding_norm: Some("embeddings.norm"),
        final_norm: Some("final_norm"),
        token_types: None,
        ..FORWARD
    }),
    ..BERT
};
