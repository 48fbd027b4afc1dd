//! The register of configuration keys that change numbers: which values of each are understood,
//! and what another value would change. What is not understood refuses that, by name, and nothing
//! else. Sizes, tensors' names and the keys that a [`Family`](super::Family) names are read with all
//! their values; the values of rotary positions are checked where they are read (`rope.rs`).

use serde_json::Value;

use super::super::Reading::{self, Distance, Forward, Neurons, Qk};
use super::super::{Family, UnknownChoice};
use super::Config;

/// One key.
struct Rule {
    key: &'static str,
    /// The families that it is about, by `model_type`; none for all.
    families: &'static [&'static str],
    /// Whether a value, which is not null, is understood.
    understood: Understood,
    /// What another value would change.
    touches: &'static [Reading],
}

/// Which values are understood.
enum Understood {
    /// This one, in JSON.
    Only(&'static str),
    /// Those for which it is true; with what was expected.
    Where(fn(&Value) -> bool, &'static str),
}

use Understood::{Only, Where};

/// What choices of the forward pass touch.
pub(super) const RUN: &[Reading] = &[Forward];
const ALL: &[Reading] = &Reading::ALL;

/// A key that every family's files may hold.
const fn rule(key: &'static str, understood: Understood, touches: &'static [Reading]) -> Rule {
    Rule {
        key,
        families: &[],
        understood,
        touches,
    }
}

const RULES: &[Rule] = &[
    // Of the families in the table.
    Rule {
        families: &["bert", "roberta", "xlm-roberta", "camembert", "electra"],
        ..rule("position_embedding_type", Only("\"absolute\""), RUN)
    },
    Rule {
        families: &["bloom"],
        ..rule(
            "apply_residual_connection_post_layernorm",
            Only("false"),
            RUN,
        )
    },
    Rule {
        families: &["gemma", "gemma2", "gemma3_text", "gemma3"],
        ..rule("use_bidirectional_attention", Only("false"), RUN)
    },
    Rule {
        families: &["falcon"],
        ..rule(
            "num_ln_in_parallel_attn",
            Where(|v| matches!(v.as_u64(), Some(1 | 2)), "1 or 2"),
            RUN,
        )
    },
    Rule {
        families: &["deberta"],
        ..rule("talking_head", Only("false"), &[Qk, Distance])
    },
    Rule {
        families: DEBERTA,
        ..rule("position_biased_input", Only("false"), RUN)
    },
    Rule {
        families: DEBERTA,
        ..rule("type_vocab_size", Only("0"), RUN)
    },
    Rule {
        families: DEBERTA,
        ..rule("conv_kernel_size", Only("0"), RUN)
    },
    Rule {
        families: &["mpnet"],
        ..rule("relative_attention_num_buckets", Only("32"), RUN)
    },
    Rule {
        families: &["smollm3"],
        ..rule("use_sliding_window", Only("false"), &[Distance, Forward])
    },
    // Half of `local_attention`, which is read.
    Rule {
        families: &["modernbert"],
        ..rule("sliding_window", Only("null"), &[Distance, Forward])
    },
    Rule {
        families: &["qwen2_moe", "qwen3_moe"],
        ..rule("use_sliding_window", NOT_SET, &[Distance, Forward])
    },
    Rule {
        families: &["deepseek_v2", "deepseek_v3"],
        ..rule("attention_bias", NOT_SET, &[Qk, Distance, Forward])
    },
    Rule {
        families: &["deepseek_v3"],
        ..rule("rope_interleave", Only("true"), &[Distance, Forward])
    },
    // transformers gives no meaning to it, the models' own code does.
    Rule {
        families: &["deepseek_v2"],
        ..rule("norm_topk_prob", NOT_SET, RUN)
    },
    Rule {
        families: &["deepseek_v2", "deepseek_v3"],
        ..rule("moe_layer_freq", NEUTRAL, &[Neurons, Forward])
    },
    Rule {
        families: &["lfm2_moe"],
        ..rule("use_expert_bias", Only("true"), RUN)
    },
    Rule {
        families: &["nemotron_h"],
        ..rule("moe_latent_size", Only("null"), &[Neurons, Forward])
    },
    Rule {
        families: &["nemotron_h"],
        ..rule("sliding_window", Only("null"), &[Distance, Forward])
    },
    // Of architectures that are kept under another one's name.
    Rule {
        families: &["mpt"],
        ..rule("alibi", Only("true"), RUN)
    },
    Rule {
        families: &["mpt"],
        ..rule("qk_ln", NOT_SET, &[Qk, Distance, Forward])
    },
    Rule {
        families: &["mpt"],
        ..rule(
            "alibi_bias_max",
            Where(|v| v.as_f64() == Some(8.0), "8"),
            RUN,
        )
    },
    Rule {
        families: &["mpt"],
        ..rule("prefix_lm", NOT_SET, RUN)
    },
    // Tokens times √d_model, but not their positions.
    Rule {
        families: &["bart", "mbart"],
        ..rule("scale_embedding", NOT_SET, RUN)
    },
    Rule {
        families: &["t5", "mt5"],
        ..rule(
            "relative_attention_num_buckets",
            Where(|v| v.as_u64() == Some(32), "32"),
            RUN,
        )
    },
    Rule {
        families: &["t5", "mt5"],
        ..rule(
            "relative_attention_max_distance",
            Where(|v| v.as_u64() == Some(128), "128"),
            RUN,
        )
    },
    Rule {
        families: &["marian"],
        ..rule("share_encoder_decoder_embeddings", Only("true"), ALL)
    },
    rule("qk_layernorm", NOT_SET, &[Qk, Distance, Forward]),
    rule("use_qk_norm", NOT_SET, &[Qk, Distance, Forward]),
    rule("embedding_multiplier", NEUTRAL, RUN),
    rule("residual_multiplier", NEUTRAL, RUN),
    rule("attention_multiplier", NEUTRAL, RUN),
    rule("scale_emb", NEUTRAL, RUN),
    rule("scale_depth", NEUTRAL, RUN),
    rule("logits_scaling", NEUTRAL, RUN),
    rule("logit_scale", NEUTRAL, RUN),
    rule("clip_qkv", Only("null"), RUN),
    rule("no_rope_layers", ALL_ROTARY, &[Distance, Forward]),
    rule("no_rope_layer_interval", NO_NUMBER, &[Distance, Forward]),
    rule("attention_chunk_size", Only("null"), &[Distance, Forward]),
    rule("num_experts", DENSE, &[Neurons, Forward]),
    rule("num_local_experts", DENSE, &[Neurons, Forward]),
    rule("n_routed_experts", DENSE, &[Neurons, Forward]),
    rule("is_causal", Only("true"), RUN),
    // Float weights beside it are what they seem, but for one method, which rounds them as it runs.
    rule("quantization_config", PLAIN_WEIGHTS, ALL),
];

const DEBERTA: &[&str] = &["deberta", "deberta-v2"];
const NOT_SET: Understood = Only("false");
const NEUTRAL: Understood = Where(|v| v.as_f64() == Some(1.0), "1");
const NO_NUMBER: Understood = Where(|v| v.as_f64() == Some(0.0), "0");
const DENSE: Understood = Where(
    |v| matches!(v.as_u64(), Some(0 | 1)),
    "one feed-forward part",
);
const ALL_ROTARY: Understood = Where(
    |v| {
        let layers = v.as_array().map(Vec::as_slice);
        layers.is_some_and(|l| l.iter().all(|v| v.as_u64() == Some(1)))
    },
    "rotary positions in every layer",
);
const PLAIN_WEIGHTS: Understood = Where(
    |v| v.get("quant_method").and_then(Value::as_str) != Some("bitnet"),
    "weights that are used as they are stored",
);

impl Understood {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Only(one) => serde_json::from_str::<Value>(one).is_ok_and(|one| one == *value),
            Self::Where(holds, _) => holds(value),
        }
    }

    fn expected(&self) -> &'static str {
        match self {
            Self::Only(one) => one,
            Self::Where(_, expected) => expected,
        }
    }
}

impl Rule {
    fn is_about(&self, family: &Family) -> bool {
        let own = family.reads_choice(self.key);
        !own && (self.families.is_empty() || self.families.contains(&family.model_type))
    }
}

impl Config {
    /// What it says of how weights are quantised; MLX has a key of its own for it.
    pub(in super::super) fn quantisation(&self) -> Option<&Value> {
        let keys = ["quantization_config", "compression_config", "quantization"];
        self.value(&keys).map(|(_, value)| value)
    }

    /// The values of a family's configuration that are not understood.
    pub(in super::super) fn not_understood(&self, family: &Family) -> Vec<UnknownChoice> {
        let about = RULES.iter().filter(|rule| rule.is_about(family));
        let unknown = about.filter_map(|rule| {
            let (_, got) = self.value(&[rule.key])?;
            let expected = || rule.understood.expected();
            (!rule.understood.holds(got))
                .then(|| Self::unknown(rule.key, expected(), got, rule.touches))
        });
        unknown.collect()
    }
}

#[cfg(test)]
mod tests;
