//! Encoders after BERT and RoBERTa.

use super::base::{PLAIN_HEAD, bare, linear};
use super::encoders::{BERT, FORWARD, ROBERTA};
use super::{
    ConfigKeys, DefaultValue, Family, FamilyForward, HeadActivation, HeadNames, Split,
    TransformNames,
};

pub(super) const CAMEMBERT: Family = Family {
    model_type: "camembert",
    title: "CamemBERT",
    ..ROBERTA
};

/// The generator has a masked-language-model head, the discriminator none over the vocabulary.
pub(super) const ELECTRA: Family = Family {
    model_type: "electra",
    title: "ELECTRA",
    as_wide: &["embedding_size"],
    defaults: &[
        ("layer_norm_eps", DefaultValue::Real(1e-12)),
        ("embedding_size", DefaultValue::Whole(128)),
    ],
    prefixes: &["electra.", ""],
    output_embedding: &["generator_lm_head.weight"],
    head: HeadNames {
        bias: &["generator_lm_head.bias"],
        transform: Some(TransformNames {
            dense: "generator_predictions.dense",
            activation: HeadActivation::Gelu,
            norm: "generator_predictions.LayerNorm",
        }),
        ..PLAIN_HEAD
    },
    ..BERT
};

/// All layers add one relative bias to their scores.
pub(super) const MPNET: Family = Family {
    model_type: "mpnet",
    title: "MPNet",
    prefixes: &["mpnet.", ""],
    config: ConfigKeys {
        norm_epsilon: &["layer_norm_eps"],
        ..ROBERTA.config
    },
    query: linear("attention.attn.q"),
    key: linear("attention.attn.k"),
    value: linear("attention.attn.v"),
    attention_out: linear("attention.attn.o"),
    forward: Some(FamilyForward {
        causal_if: None,
        attention_norm: &["attention.LayerNorm"],
        token_types: None,
        relative_bias: Some("encoder.relative_attention_bias.weight"),
        ..FORWARD
    }),
    ..ROBERTA
};

/// Beside content with content, attention scores content with distances; texts are not run.
pub(super) const DEBERTA_V2: Family = Family {
    model_type: "deberta-v2",
    title: "DeBERTa 2 and 3",
    config: ConfigKeys {
        d_head: &["attention_head_size"],
        ..BERT.config
    },
    as_wide: &["embedding_size"],
    defaults: &[("layer_norm_eps", DefaultValue::Real(1e-7))],
    prefixes: &["deberta.", ""],
    output_embedding: &["cls.predictions.decoder.weight"],
    positions: None,
    query: linear("attention.self.query_proj"),
    key: linear("attention.self.key_proj"),
    value: linear("attention.self.value_proj"),
    forward: None,
    note: Some(
        "QK is of content with content; what attention adds for content and distance is beside it",
    ),
    ..BERT
};

/// Queries, keys and values of each head lie in one tensor; queries and values have biases apart.
pub(super) const DEBERTA: Family = Family {
    model_type: "deberta",
    title: "DeBERTa",
    query: bare("attention.self.in_proj")
        .split(Split::Grouped)
        .with_bias("attention.self.q_bias"),
    key: bare("attention.self.in_proj").split(Split::Grouped),
    value: bare("attention.self.in_proj")
        .split(Split::Grouped)
        .with_bias("attention.self.v_bias"),
    ..DEBERTA_V2
};
