//! Decoders of which each has something of its own: fused maps in runs of heads, ALiBi, an activation
//! with learned numbers, norms after RoPE.

use super::base::{PLAIN_HEAD, bare, linear};
use super::decoders::{FORWARD, GPT2, GPTJ};
use super::encoders::MODERNBERT;
use super::gated::{FORWARD as LLAMA_FORWARD, LLAMA, MISTRAL};
use super::{
    Alibi, ConfigKeys, DefaultValue, Family, FamilyForward, HeadActivation, HeadNames, Local,
    NormKind, Split, TransformNames, Windows,
};

/// GPT-2's blocks with `nn.Linear`; all heads may share one key and value (SantaCoder, StarCoder).
pub(super) const GPT_BIGCODE: Family = Family {
    model_type: "gpt_bigcode",
    title: "GPT-BigCode",
    config: ConfigKeys {
        // Cross-attention and shared keys exclude each other.
        n_kv_heads_if: Some(["add_cross_attention", "multi_query"]),
        ..GPT2.config
    },
    default_activation: "gelu_pytorch_tanh",
    ff_in: linear("mlp.c_fc"),
    ff_out: linear("mlp.c_proj"),
    query: linear("attn.c_attn").split(Split::Grouped),
    key: linear("attn.c_attn").split(Split::Grouped),
    value: linear("attn.c_attn").split(Split::Grouped),
    attention_out: linear("attn.c_proj"),
    forward: Some(FamilyForward {
        scale_flag: Some("scale_attn_weights"),
        ..FORWARD
    }),
    ..GPT2
};

/// GPT-J with fused maps, as they lay on four devices.
pub(super) const CODEGEN: Family = Family {
    model_type: "codegen",
    title: "CodeGen",
    query: bare("attn.qkv_proj").split(Split::Runs(4)),
    key: bare("attn.qkv_proj").split(Split::Runs(4)),
    value: bare("attn.qkv_proj").split(Split::Runs(4)),
    ..GPTJ
};

pub(super) const MPT: Family = Family {
    model_type: "mpt",
    title: "MPT",
    norm_kind: NormKind::LayerBare,
    nested: Some("attn_config"),
    config: ConfigKeys {
        layers: &["n_layers", "num_hidden_layers"],
        d_model: &["d_model", "hidden_size"],
        heads: &["n_heads", "num_attention_heads"],
        neurons: &[],
        positions: &["max_seq_len"],
        activation: &[],
        ..GPT2.config
    },
    default_activation: "gelu",
    positions: None,
    layer: "blocks.{}.",
    ff_in: bare("ffn.up_proj"),
    ff_out: bare("ffn.down_proj"),
    query: bare("attn.Wqkv").split(Split::Stacked),
    key: bare("attn.Wqkv").split(Split::Stacked),
    value: bare("attn.Wqkv").split(Split::Stacked),
    attention_out: bare("attn.out_proj"),
    forward: Some(FamilyForward {
        attention_norm: &["norm_1"],
        ff_norm: &["norm_2"],
        final_norm: Some("norm_f"),
        scale_factor: Some("softmax_scale"),
        clip: Some("clip_qkv"),
        alibi: Some(Alibi {
            only_if: None,
            before_scale: false,
        }),
        ..FORWARD
    }),
    ..GPT2
};

/// The older of two model types of Ministral: its layers may have windows or none.
pub(super) const MINISTRAL: Family = Family {
    model_type: "ministral",
    title: "Ministral",
    windows: Some(Windows {
        size: "sliding_window",
        layers: Local::AllButListed,
    }),
    ..MISTRAL
};

pub(super) const APERTUS: Family = Family {
    model_type: "apertus",
    title: "Apertus",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(false)),
        ("rms_norm_eps", DefaultValue::Real(1e-5)),
        ("rope_theta", DefaultValue::Real(12_000_000.0)),
        ("max_position_embeddings", DefaultValue::Whole(65_536)),
    ],
    default_activation: "xielu",
    ff_gate: None,
    qk_norm: Some(["self_attn.q_norm", "self_attn.k_norm"]),
    forward: Some(FamilyForward {
        attention_norm: &["attention_layernorm"],
        ff_norm: &["feedforward_layernorm"],
        learned_activation: Some(["mlp.act_fn.alpha_p", "mlp.act_fn.alpha_n"]),
        ..LLAMA_FORWARD
    }),
    ..LLAMA
};

/// Queries and keys are normed after they are rotated; texts are not run.
pub(super) const HUNYUAN: Family = Family {
    model_type: "hunyuan_v1_dense",
    title: "Hunyuan",
    rope: None,
    qk_norm: Some(["self_attn.query_layernorm", "self_attn.key_layernorm"]),
    forward: None,
    note: Some(
        "QK is as at a text's first position: queries and keys are normed after they are rotated, so \
         that it depends on both positions and not on their distance",
    ),
    ..LLAMA
};

/// ModernBERT that looks back only (Ettin); the maps of heads are apart.
pub(super) const MODERNBERT_DECODER: Family = Family {
    model_type: "modernbert-decoder",
    title: "ModernBERT decoder",
    head: HeadNames {
        bias: &["decoder.bias"],
        transform: Some(TransformNames {
            dense: "lm_head.dense",
            activation: HeadActivation::Key("classifier_activation"),
            norm: "lm_head.norm",
        }),
        ..PLAIN_HEAD
    },
    windows: Some(Windows {
        size: "local_attention",
        layers: Local::AllButHalved {
            every: "global_attn_every_n_layers",
        },
    }),
    query: bare("attn.q_proj"),
    key: bare("attn.k_proj"),
    value: bare("attn.v_proj"),
    forward: match MODERNBERT.forward {
        Some(forward) => Some(FamilyForward {
            causal: true,
            ..forward
        }),
        None => None,
    },
    ..MODERNBERT
};
