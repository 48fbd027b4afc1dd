//! Gemma 3n and 4: heads that differ by layer, keys and values of earlier layers, and streams and
//! embeddings beside the residual stream.

use super::base::ROPE;
use super::gated::{GEMMA2_FORWARD, GEMMA3_TEXT, LLAMA};
use super::mixtures::{EXPERTS, PLAIN_ROUTING};
use super::{
    ConfigKeys, DefaultValue, ExpertNames, Family, FamilyForward, FusedExperts, FusedLayout,
    GlobalHeadKeys, HeadKeys, HeadNames, Local, NormKind, Renormalised, RopeKeys, RoutingKeys,
    SharedNames, SharedNeurons, Windows,
};

const KEYS: ConfigKeys = ConfigKeys {
    activation: &["hidden_activation"],
    ..LLAMA.config
};

const WINDOWS: Windows = Windows {
    size: "sliding_window",
    layers: Local::AllBut {
        every: "sliding_window_pattern",
        shift: 1,
    },
};

const FORWARD: FamilyForward = FamilyForward {
    scaled_scores: false,
    scale_number: None,
    attention_softcap: None,
    ..GEMMA2_FORWARD
};

pub(super) const GEMMA3N_TEXT: Family = Family {
    model_type: "gemma3n_text",
    title: "Gemma 3n",
    norm_kind: NormKind::Rms,
    config: KEYS,
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(true)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(1_000_000.0)),
        ("rope_local_base_freq", DefaultValue::Real(10_000.0)),
        ("num_attention_heads", DefaultValue::Whole(8)),
        ("num_key_value_heads", DefaultValue::Whole(2)),
        ("num_hidden_layers", DefaultValue::Whole(35)),
        ("hidden_size", DefaultValue::Whole(2048)),
        ("intermediate_size", DefaultValue::Whole(16_384)),
        ("head_dim", DefaultValue::Whole(256)),
        ("vocab_size", DefaultValue::Whole(262_400)),
        ("max_position_embeddings", DefaultValue::Whole(32_768)),
        ("final_logit_softcapping", DefaultValue::Real(30.0)),
        ("sliding_window", DefaultValue::Whole(512)),
        ("sliding_window_pattern", DefaultValue::Whole(5)),
        ("num_kv_shared_layers", DefaultValue::Whole(15)),
    ],
    windows: Some(WINDOWS),
    head_keys: Some(HeadKeys {
        shared: "num_kv_shared_layers",
        every: "sliding_window_pattern",
        global: None,
    }),
    forward: Some(FamilyForward {
        not_run: Some(
            "carry several streams (AltUp) and add to each layer what an embedding of its own says",
        ),
        ..FORWARD
    }),
    note: Some(
        "lists are of the stream that attention and neurons read and write, the active prediction \
         of AltUp; by what values are divided VO leaves out",
    ),
    ..GEMMA3_TEXT
};

/// With images and sound; the language model is that of `gemma3n_text`.
pub(super) const GEMMA3N: Family = Family {
    model_type: "gemma3n",
    nested: Some("text_config"),
    ..GEMMA3N_TEXT
};

pub(super) const GEMMA4_TEXT: Family = Family {
    model_type: "gemma4_text",
    title: "Gemma 4",
    defaults: &[
        ("tie_word_embeddings", DefaultValue::Flag(true)),
        ("rms_norm_eps", DefaultValue::Real(1e-6)),
        ("rope_theta", DefaultValue::Real(1_000_000.0)),
        ("rope_local_base_freq", DefaultValue::Real(10_000.0)),
        ("num_attention_heads", DefaultValue::Whole(8)),
        ("num_key_value_heads", DefaultValue::Whole(4)),
        ("num_hidden_layers", DefaultValue::Whole(30)),
        ("hidden_size", DefaultValue::Whole(2304)),
        ("intermediate_size", DefaultValue::Whole(9216)),
        ("head_dim", DefaultValue::Whole(256)),
        ("global_head_dim", DefaultValue::Whole(512)),
        ("vocab_size", DefaultValue::Whole(262_144)),
        ("max_position_embeddings", DefaultValue::Whole(131_072)),
        ("sliding_window", DefaultValue::Whole(512)),
        ("sliding_window_pattern", DefaultValue::Whole(6)),
        ("num_kv_shared_layers", DefaultValue::Whole(0)),
    ],
    head: HeadNames {
        softcap: Some("final_logit_softcapping"),
        ..LLAMA.head
    },
    rope: Some(RopeKeys {
        local_theta: &["rope_local_base_freq"],
        ..ROPE
    }),
    head_keys: Some(HeadKeys {
        shared: "num_kv_shared_layers",
        every: "sliding_window_pattern",
        global: Some(GlobalHeadKeys {
            d_head: "global_head_dim",
            keys_as_values: "attention_k_eq_v",
            n_kv_heads: "num_global_key_value_heads",
            by_layer: "per_layer_config",
            doubled: "use_double_wide_mlp",
        }),
    }),
    experts: Some(ExpertNames {
        count: &["num_experts"],
        per_token: &["top_k_experts"],
        router: "router.proj",
        expert: "experts.{}.",
        fused: FusedExperts {
            inputs: "experts.gate_up_proj",
            outputs: "experts.down_proj",
            layout: FusedLayout::Stacked,
        },
        shared: Some(SharedNames {
            prefix: "mlp.",
            neurons: SharedNeurons::Key("intermediate_size"),
            fused: None,
            gate: None,
        }),
        routing: RoutingKeys {
            renormalised: Renormalised::Always,
            ..PLAIN_ROUTING
        },
        ..EXPERTS
    }),
    forward: Some(FamilyForward {
        not_run: Some(
            "attend to keys of earlier layers, multiply the stream, and may add to each layer what \
             an embedding of its own says",
        ),
        ..FORWARD
    }),
    note: Some("by what values are divided VO leaves out"),
    ..GEMMA3N_TEXT
};

/// With images and sound; the language model is that of `gemma4_text`.
pub(super) const GEMMA4: Family = Family {
    model_type: "gemma4",
    nested: Some("text_config"),
    ..GEMMA4_TEXT
};
