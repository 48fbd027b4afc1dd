//! Encoders after BERT and RoBERTa.

use super::base::{PLAIN_HEAD, ROPE, bare, linear};
use super::encoders::{BERT, FORWARD, ROBERTA};
use super::{
    ConfigKeys, DefaultValue, Family, FamilyForward, HeadActivation, HeadNames, Linear,
    NarrowEmbedding, NarrowExtent, SharedLayers, Split, TransformNames,
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
    narrow: Some(NarrowEmbedding {
        width: "embedding_size",
        input: "embeddings_project",
        output: None,
        always: false,
        extent: NarrowExtent::AllEmbeddings,
    }),
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

/// One layer, or a few, run several times.
pub(super) const ALBERT: Family = Family {
    model_type: "albert",
    title: "ALBERT",
    narrow: Some(NarrowEmbedding {
        width: "embedding_size",
        input: "encoder.embedding_hidden_mapping_in",
        output: None,
        always: true,
        extent: NarrowExtent::AllEmbeddings,
    }),
    defaults: &[
        ("layer_norm_eps", DefaultValue::Real(1e-12)),
        ("embedding_size", DefaultValue::Whole(128)),
        ("num_hidden_groups", DefaultValue::Whole(1)),
        ("inner_group_num", DefaultValue::Whole(1)),
    ],
    default_activation: "gelu_new",
    prefixes: &["albert.", ""],
    output_embedding: &["predictions.decoder.weight"],
    head: HeadNames {
        bias: &["predictions.bias", "predictions.decoder.bias"],
        transform: Some(TransformNames {
            dense: "predictions.dense",
            activation: HeadActivation::AsNeurons,
            norm: "predictions.LayerNorm",
        }),
        ..PLAIN_HEAD
    },
    layer: "encoder.albert_layer_groups.{}.albert_layers.0.",
    shared_layers: Some(SharedLayers {
        groups: "num_hidden_groups",
        inner: "inner_group_num",
    }),
    ff_in: linear("ffn"),
    ff_out: linear("ffn_output"),
    query: linear("attention.query"),
    key: linear("attention.key"),
    value: linear("attention.value"),
    attention_out: linear("attention.dense"),
    forward: Some(FamilyForward {
        causal_if: None,
        attention_norm: &["attention.LayerNorm"],
        ff_norm: &["full_layer_layer_norm"],
        ..FORWARD
    }),
    ..BERT
};

/// BERT with rotary positions and gated neurons.
pub(super) const NOMIC_BERT: Family = Family {
    model_type: "nomic_bert",
    title: "Nomic BERT",
    config: ConfigKeys {
        d_head: &["head_dim"],
        ..BERT.config
    },
    defaults: &[
        ("layer_norm_eps", DefaultValue::Real(1e-12)),
        ("rope_theta", DefaultValue::Real(1000.0)),
        ("max_position_embeddings", DefaultValue::Whole(2048)),
    ],
    default_activation: "silu",
    prefixes: &["nomic_bert.", ""],
    head: HeadNames {
        bias: &["cls.predictions.bias", "cls.predictions.decoder.bias"],
        transform: Some(TransformNames {
            dense: "cls.predictions.transform.dense",
            activation: HeadActivation::AsNeurons,
            norm: "cls.predictions.transform.layer_norm",
        }),
        ..PLAIN_HEAD
    },
    positions: None,
    rope: Some(ROPE),
    layer: "encoder.layers.{}.",
    ff_in: bare("mlp.fc11"),
    ff_gate: Some(bare("mlp.fc12")),
    ff_out: bare("mlp.fc2"),
    query: bare("attn.Wqkv").split(Split::Stacked),
    key: bare("attn.Wqkv").split(Split::Stacked),
    value: bare("attn.Wqkv").split(Split::Stacked),
    attention_out: bare("attn.out_proj"),
    forward: Some(FamilyForward {
        causal_if: None,
        attention_norm: &["norm1"],
        ff_norm: &["norm2"],
        embedding_norm: Some("emb_ln"),
        ..FORWARD
    }),
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

/// Disentangled attention: content is scored with distances too (He et al. 2020, arXiv 2006.03654). The
/// table of distances, its norm, both below the model's prefix, and the maps to keys and to queries,
/// below the layer's.
#[derive(Clone, Copy, Debug)]
pub struct DistanceNames {
    pub table: &'static str,
    pub norm: &'static str,
    pub key: Linear,
    pub query: Linear,
}

/// What a run of it needs. Embeddings have neither positions nor token types.
const DISTANCES_FORWARD: FamilyForward = FamilyForward {
    causal_if: None,
    token_types: None,
    distances: Some(DistanceNames {
        table: "encoder.rel_embeddings.weight",
        norm: "encoder.LayerNorm",
        key: linear("attention.self.pos_key_proj"),
        query: linear("attention.self.pos_query_proj"),
    }),
    ..FORWARD
};

/// Beside content with content, attention scores content with distances.
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
    forward: Some(DISTANCES_FORWARD),
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
    forward: Some(FamilyForward {
        distances: Some(DistanceNames {
            table: "encoder.rel_embeddings.weight",
            norm: "encoder.LayerNorm",
            key: bare("attention.self.pos_proj"),
            query: linear("attention.self.pos_q_proj"),
        }),
        ..DISTANCES_FORWARD
    }),
    ..DEBERTA_V2
};
