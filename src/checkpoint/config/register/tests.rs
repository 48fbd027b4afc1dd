//! Every key that transformers reads of a family is read here, is in the register, or changes no
//! number that is read (`tests/families/keys.py` found them).

use std::collections::BTreeMap;

use super::RULES;
use crate::checkpoint::family::{
    ExpertLayers, ExpertNames, Local, Parallel, Renormalised, SharedNeurons, UsualKinds,
};
use crate::checkpoint::{Family, family};

/// Read by name, of every family.
const READ: [&str; 36] = [
    "max_relative_positions",
    "norm_rel_ebd",
    "pos_att_type",
    "position_buckets",
    "relative_attention",
    "share_att_key",
    "attn_config",
    "linear_conv_kernel_dim",
    "linear_key_head_dim",
    "linear_num_key_heads",
    "linear_num_value_heads",
    "linear_value_head_dim",
    "mamba_n_heads",
    "mamba_n_groups",
    "mamba_d_head",
    "mamba_d_state",
    "mamba_d_conv",
    "mamba_expand",
    "mamba_num_heads",
    "mamba_head_dim",
    "ssm_state_size",
    "n_groups",
    "conv_kernel",
    "time_step_limit",
    "q_lora_rank",
    "kv_lora_rank",
    "qk_nope_head_dim",
    "qk_rope_head_dim",
    "v_head_dim",
    "vocab_size",
    "pad_token_id",
    "layer_types",
    "rope_parameters",
    "partial_rotary_factor",
    "original_max_position_embeddings",
    "text_config",
];

/// What a family's class computes from its sizes whatever the file says, has under another name, or
/// looks at only to warn.
const NOT_READ: [(&str, &str); 19] = [
    // It names the tensors of the head.
    ("deberta", "legacy"),
    ("deberta-v2", "legacy"),
    // Only with `conv_kernel_size`, which is refused.
    ("deberta-v2", "conv_act"),
    ("deberta-v2", "conv_groups"),
    // Where it is false there is no number of experts.
    ("gemma4_text", "enable_moe_block"),
    ("gpt_bigcode", "max_position_embeddings"),
    ("codegen", "max_position_embeddings"),
    ("modernbert-decoder", "sliding_window"),
    ("smollm3", "sliding_window"),
    ("stablelm", "head_dim"),
    ("deepseek_v2", "head_dim"),
    ("deepseek_v3", "head_dim"),
    // Only with `use_sliding_window`, which is refused.
    ("qwen2_moe", "sliding_window"),
    ("qwen3_moe", "sliding_window"),
    // Passed on by its attention; its mask has no window.
    ("olmoe", "sliding_window"),
    ("falcon", "head_dim"),
    ("gpt2", "max_position_embeddings"),
    ("gptj", "max_position_embeddings"),
    ("gpt_neox", "is_decoder"),
];

/// What the file itself tells: whether there are biases.
const TOLD_BY_THE_FILE: [&str; 14] = [
    "conv_bias",
    "mamba_conv_bias",
    "mamba_proj_bias",
    "use_conv_bias",
    "projectors_bias",
    "qkv_bias",
    "attention_bias",
    "attention_out_bias",
    "bias",
    "enable_bias",
    "mlp_bias",
    "norm_bias",
    "use_bias",
    "use_qkv_bias",
];

/// Beginnings and names of keys that change what a text becomes, in families that are not run on texts.
const ONLY_TEXTS: [&str; 13] = [
    "use_bidirectional_attention",
    "activation_sparsity",
    "altup_",
    "attention_in_multiplier",
    "attention_out_multiplier",
    "hidden_size_per_layer_input",
    "key_multiplier",
    "laurel_",
    "lm_head_multiplier",
    "mamba_",
    "mlp_multipliers",
    "ssm_",
    "conv_",
];

/// Beginnings and names of keys that change no number here: of training, of other heads than the
/// language model's, of logits, of how numbers are computed, of encoders beside a decoder.
const NO_NUMBER: [&str; 60] = [
    "pooler_",
    "vocab_size_per_layer_input",
    "audio_",
    "chunk_size",
    "gradient_clipping",
    "kv_sharing_modes",
    "mamba_chunk_size",
    "num_logits_to_keep",
    "rescale_prenorm_residual",
    "standardize",
    "time_step_floor",
    "time_step_max",
    "use_clipped_linears",
    "use_mamba_kernels",
    "video_token_id",
    "vision_",
    "z_loss_coefficient",
    "router_aux_loss_coef",
    "router_jitter_noise",
    "add_cross_attention",
    "attention_dropout",
    "attention_probs_dropout_prob",
    "attn_pdrop",
    "chunk_size_feed_forward",
    "classifier_",
    "cls_dropout",
    "decoder_bias",
    "deterministic_flash_attn",
    "dropout",
    "dtype",
    "embd_pdrop",
    "embed_dropout",
    "embedding_dropout",
    "final_logit_softcapping",
    "hidden_dropout",
    "image_token_id",
    "initializer_",
    "is_encoder_decoder",
    "layerdrop",
    "mlp_dropout",
    "mm_tokens_per_image",
    "num_labels",
    "output_",
    "pretraining_tp",
    "problem_type",
    "qa_dropout",
    "reorder_and_upcast_attn",
    "resid_dropout",
    "resid_pdrop",
    "residual_dropout",
    "return_dict",
    "seq_classif_dropout",
    "sinusoidal_pos_embds",
    "slow_but_exact",
    "sparse_pred",
    "summary_",
    "tie_word_embeddings",
    "type_vocab_size",
    "use_cache",
    "vision_config",
];

/// The keys that a family's row names.
fn named(family: &Family) -> Vec<&'static str> {
    let keys = &family.config;
    let lists = [
        keys.layers,
        keys.d_model,
        keys.heads,
        keys.n_kv_heads,
        keys.d_head,
        keys.neurons,
        keys.positions,
        keys.activation,
        keys.norm_epsilon,
        family.as_wide,
    ];
    let mut named: Vec<&str> = lists.concat();
    named.extend(family.narrow.map(|narrow| narrow.width));
    named.extend(
        family
            .shared_layers
            .iter()
            .flat_map(|shared| [shared.groups, shared.inner]),
    );
    named.extend(keys.n_kv_heads_if.iter().flatten());
    named.extend(family.qk_norm_if);
    if let Some(names) = &family.experts {
        named.extend(keys_of_experts(names));
    }
    named.extend(keys_of_layers(family));
    if let Some(rope) = &family.rope {
        named.extend([rope.theta, rope.local_theta, rope.share, rope.dims].concat());
        named.extend(rope.unless);
    }
    if let Some(windows) = &family.windows {
        named.push(windows.size);
        named.extend(match windows.layers {
            Local::All | Local::AllButListed => Vec::new(),
            Local::AllBut { every, .. } | Local::AllButHalved { every } => vec![every],
            Local::From { first, only_if } => vec![first, only_if],
            Local::Listed { list, patterns } => vec![list, patterns],
        });
    }
    if let Some(forward) = &family.forward {
        let flags = [
            forward.causal_if,
            forward.final_norm_unless,
            forward.pre_norm_if,
            forward.affine_norms_if,
            forward.scale_flag,
            forward.scale_number,
            forward.scale_by_layer,
            forward.attention_softcap,
            forward.alibi.and_then(|alibi| alibi.only_if),
        ];
        named.extend(forward.clamped.iter().flatten());
        named.extend(flags.into_iter().flatten());
        named.extend(match forward.parallel {
            Parallel::Never | Parallel::Always => Vec::new(),
            Parallel::Flag(key) => vec![key],
            Parallel::Either(keys) => keys.to_vec(),
        });
    }
    named
}

/// Those that say how its layers differ.
fn keys_of_layers(family: &Family) -> Vec<&'static str> {
    let mut keys = Vec::new();
    keys.extend(family.config.two_thirds.into_iter().flatten());
    if let Some(kinds) = &family.kinds {
        keys.extend(kinds.lists);
        keys.extend(kinds.least_step);
        keys.extend(kinds.activation);
        keys.extend(match kinds.usual {
            UsualKinds::Every(key, _) | UsualKinds::Listed(key) | UsualKinds::Letters(key) => {
                Some(key)
            }
            UsualKinds::Never => None,
        });
    }
    if let Some(heads) = &family.head_keys {
        keys.extend([heads.shared, heads.every]);
        let global = heads.global.map(|global| {
            [
                global.d_head,
                global.keys_as_values,
                global.n_kv_heads,
                global.by_layer,
                global.doubled,
            ]
        });
        keys.extend(global.into_iter().flatten());
    }
    let only_if = family.rope.and_then(|rope| rope.only_if);
    keys.extend(only_if.map(|[key, _]| key));
    keys
}

/// Those that its experts' names name.
fn keys_of_experts(names: &ExpertNames) -> Vec<&'static str> {
    let mut keys = [names.count, names.neurons, names.per_token].concat();
    match names.layers {
        ExpertLayers::All => {}
        ExpertLayers::Every { step, but } => keys.extend([step, but]),
        ExpertLayers::From(key) => keys.push(key),
    }
    keys.extend(names.shared.map(|shared| match shared.neurons {
        SharedNeurons::Key(key) | SharedNeurons::Times(key) => key,
    }));
    if let Renormalised::Flag(key) = names.routing.renormalised {
        keys.push(key);
    }
    keys.extend(names.routing.factor);
    if let Some(groups) = names.routing.groups {
        keys.extend([groups.groups, groups.taken]);
        keys.extend(groups.only_if.map(|[key, _]| key));
    }
    keys
}

#[test]
fn every_key_that_a_family_reads_is_known() {
    let keys = include_str!("../../../../tests/families/keys.json");
    let keys: BTreeMap<String, Vec<String>> = serde_json::from_str(keys).unwrap();
    let mut unknown = Vec::new();
    for (model_type, keys) in keys {
        let family = family(&model_type).unwrap();
        let named = named(family);
        for key in &keys {
            let ruled = RULES
                .iter()
                .any(|rule| rule.key == key && rule.is_about(family));
            let of_texts = ONLY_TEXTS.iter().any(|start| key.starts_with(start));
            let known = !family.runs() && of_texts
                || family.reads_choice(key)
                || named.contains(&key.as_str())
                || ruled
                || READ.contains(&key.as_str())
                || NOT_READ.contains(&(model_type.as_str(), key.as_str()))
                || TOLD_BY_THE_FILE.contains(&key.as_str())
                || NO_NUMBER.iter().any(|start| key.starts_with(start));
            if !known {
                unknown.push(format!("{model_type}: {key}"));
            }
        }
    }
    assert!(unknown.is_empty(), "{unknown:?}");
}
