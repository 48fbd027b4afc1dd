//! Encoder and decoder in one model, with attention from one to the other: T5, BART, Marian.

use super::base::{CONFIG, PLAIN_FORWARD, bare, linear};
use super::decoders::GPT2;
use super::gated::LLAMA;
use super::{
    ConfigKeys, DefaultValue, Family, FamilyForward, LearnedPositions, NormKind, NormPlacement,
};

/// How the tensors of two stacks are named, and under which names they stand in one row of layers:
/// the encoder's first; then each layer of the decoder is two, its self-attention, and what follows.
#[derive(Clone, Copy, Debug)]
pub struct TwoStacks {
    /// Prefixes of layers below the model's prefix, up to the layer's number.
    pub encoder: &'static str,
    pub decoder: &'static str,
    /// Beginnings of names within a layer, each with the one that takes its place.
    pub in_encoder: &'static [(&'static str, &'static str)],
    pub self_attention: &'static [(&'static str, &'static str)],
    pub cross_attention: &'static [(&'static str, &'static str)],
    /// Keys of the decoder's sizes; where one is absent they are the encoder's.
    pub decoder_layers: &'static str,
    pub decoder_heads: &'static str,
    pub decoder_neurons: &'static str,
    /// What holds instead of the row where the activation's name begins with `gated`.
    pub gated: Option<&'static Family>,
}

const HOW_COUNTED: &str = "layers are counted through: the encoder's first, then two for each of the \
                           decoder's, its self-attention, and its attention to the encoder with its \
                           neurons; texts go through the encoder alone";

const T5_STACKS: TwoStacks = TwoStacks {
    encoder: "encoder.block.",
    decoder: "decoder.block.",
    in_encoder: &[
        ("layer.0.SelfAttention.", "attention."),
        ("layer.0.layer_norm.", "attention_norm."),
        ("layer.1.DenseReluDense.", "ff."),
        ("layer.1.layer_norm.", "ff_norm."),
    ],
    self_attention: &[
        ("layer.0.SelfAttention.", "attention."),
        ("layer.0.layer_norm.", "attention_norm."),
    ],
    cross_attention: &[
        ("layer.1.EncDecAttention.", "attention."),
        ("layer.1.layer_norm.", "attention_norm."),
        ("layer.2.DenseReluDense.", "ff."),
        ("layer.2.layer_norm.", "ff_norm."),
    ],
    decoder_layers: "num_decoder_layers",
    decoder_heads: "num_decoder_heads",
    decoder_neurons: "decoder_d_ff",
    gated: None,
};

const STACK_FORWARD: FamilyForward = FamilyForward {
    causal: false,
    attention_norm: &["attention_norm"],
    ff_norm: &["ff_norm"],
    ..PLAIN_FORWARD
};

/// With RMS norms, and a bias by distance in the place of positions.
pub(super) const T5: Family = Family {
    two_stacks: Some(TwoStacks {
        gated: Some(&T5_GATED),
        ..T5_STACKS
    }),
    ..UNGATED
};

const UNGATED: Family = Family {
    model_type: "t5",
    title: "T5",
    config: ConfigKeys {
        layers: &["num_layers", "num_hidden_layers"],
        d_model: &["d_model", "hidden_size"],
        heads: &["num_heads", "num_attention_heads"],
        d_head: &["d_kv"],
        neurons: &["d_ff"],
        positions: &["n_positions"],
        activation: &["feed_forward_proj"],
        norm_epsilon: &["layer_norm_epsilon"],
        ..CONFIG
    },
    meant: &[
        ("feed_forward_proj", "gated-gelu", "gelu_new"),
        ("feed_forward_proj", "gated-silu", "silu"),
        ("feed_forward_proj", "gated-relu", "relu"),
    ],
    defaults: &[
        ("layer_norm_epsilon", DefaultValue::Real(1e-6)),
        ("feed_forward_proj", DefaultValue::Word("relu")),
    ],
    default_activation: "relu",
    prefixes: &[""],
    embedding: "shared.weight",
    rope: None,
    layer: "layers.{}.",
    two_stacks: Some(T5_STACKS),
    ff_in: bare("ff.wi"),
    ff_gate: None,
    ff_out: bare("ff.wo"),
    query: bare("attention.q"),
    key: bare("attention.k"),
    value: bare("attention.v"),
    attention_out: bare("attention.o"),
    forward: Some(FamilyForward {
        final_norm: Some("encoder.final_layer_norm"),
        scaled_scores: false,
        relative_bias: Some("layers.0.attention.relative_attention_bias.weight"),
        ..STACK_FORWARD
    }),
    note: Some(HOW_COUNTED),
    ..LLAMA
};

/// T5 1.1 and Flan-T5.
static T5_GATED: Family = gated(UNGATED);

const fn gated(family: Family) -> Family {
    Family {
        ff_gate: Some(bare("ff.wi_0")),
        ff_in: bare("ff.wi_1"),
        ..family
    }
}

pub(super) const MT5: Family = Family {
    model_type: "mt5",
    title: "mT5",
    defaults: &[
        ("layer_norm_epsilon", DefaultValue::Real(1e-6)),
        ("feed_forward_proj", DefaultValue::Word("gated-gelu")),
    ],
    ..gated(UNGATED)
};

/// Each layer has a bias by distance of its own; texts are not run.
pub(super) const UMT5: Family = Family {
    model_type: "umt5",
    title: "UMT5",
    forward: None,
    ..MT5
};

const BART_STACKS: TwoStacks = TwoStacks {
    encoder: "encoder.layers.",
    decoder: "decoder.layers.",
    in_encoder: &[
        ("self_attn.", "attention."),
        ("self_attn_layer_norm.", "attention_norm."),
        ("fc1.", "ff.fc1."),
        ("fc2.", "ff.fc2."),
        ("final_layer_norm.", "ff_norm."),
    ],
    self_attention: &[
        ("self_attn.", "attention."),
        ("self_attn_layer_norm.", "attention_norm."),
    ],
    cross_attention: &[
        ("encoder_attn.", "attention."),
        ("encoder_attn_layer_norm.", "attention_norm."),
        ("fc1.", "ff.fc1."),
        ("fc2.", "ff.fc2."),
        ("final_layer_norm.", "ff_norm."),
    ],
    decoder_layers: "decoder_layers",
    decoder_heads: "decoder_attention_heads",
    decoder_neurons: "decoder_ffn_dim",
    gated: None,
};

/// Norms come after the sums.
pub(super) const BART: Family = Family {
    model_type: "bart",
    title: "BART",
    norm: NormPlacement::Post,
    norm_kind: NormKind::Layer,
    config: ConfigKeys {
        layers: &["encoder_layers", "num_hidden_layers"],
        d_model: &["d_model", "hidden_size"],
        heads: &["encoder_attention_heads", "num_attention_heads"],
        neurons: &["encoder_ffn_dim"],
        positions: &["max_position_embeddings"],
        activation: &["activation_function"],
        ..CONFIG
    },
    defaults: &[],
    default_activation: "gelu",
    prefixes: &["model.", ""],
    embedding: "shared.weight",

    positions: Some(LearnedPositions {
        name: "encoder.embed_positions.weight",
        first: 2,
        counted: false,
    }),
    layer: "layers.{}.",
    two_stacks: Some(BART_STACKS),
    ff_in: linear("ff.fc1"),
    ff_out: linear("ff.fc2"),
    query: linear("attention.q_proj"),
    key: linear("attention.k_proj"),
    value: linear("attention.v_proj"),
    attention_out: linear("attention.out_proj"),
    forward: Some(FamilyForward {
        embedding_norm: Some("encoder.layernorm_embedding"),
        ..STACK_FORWARD
    }),
    note: Some(HOW_COUNTED),
    ..GPT2
};

/// Norms come before what they are for.
pub(super) const MBART: Family = Family {
    model_type: "mbart",
    title: "mBART",
    norm: NormPlacement::Pre,
    forward: Some(FamilyForward {
        embedding_norm: Some("encoder.layernorm_embedding"),
        final_norm: Some("encoder.layer_norm"),
        ..STACK_FORWARD
    }),
    ..BART
};

/// Positions are sines, which its files do not hold; texts are not run.
pub(super) const MARIAN: Family = Family {
    model_type: "marian",
    title: "Marian",
    positions: None,
    forward: None,
    ..BART
};
