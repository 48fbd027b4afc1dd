//! From a GGUF file's keys to the `config.json` that says the same, so that sizes and choices are
//! read and judged in one place, whatever the format. Keys and their meaning: llama.cpp's
//! `conversion/`, gguf-py's `constants.py`.

use serde_json::{Map, Value, json};

use super::super::error::one_line;
use super::super::{CheckpointError, Family, family};
use super::keys::Keys;
use super::rope;

/// The architectures of GGUF that are read, each with the `model_type` of its families. Where there
/// are several, [`Keys::family`] tells them apart.
const ARCHITECTURES: [(&str, &[&str]); 54] = [
    ("llama", &["llama", "mistral", "mixtral"]),
    ("mistral3", &["mistral3", "ministral3"]),
    ("qwen2", &["qwen2"]),
    ("qwen2moe", &["qwen2_moe"]),
    ("qwen3", &["qwen3"]),
    ("qwen3moe", &["qwen3_moe"]),
    ("gemma", &["gemma"]),
    ("gemma2", &["gemma2"]),
    ("gemma3", &["gemma3_text", "gemma3"]),
    ("phi2", &["phi"]),
    ("phi3", &["phi3"]),
    ("gpt-oss", &["gpt_oss"]),
    ("deepseek2", &["deepseek_v2", "deepseek_v3"]),
    ("smollm3", &["smollm3"]),
    ("granite", &["granite"]),
    ("granitemoe", &["granitemoe"]),
    ("olmo", &["olmo"]),
    ("olmo2", &["olmo2", "olmo3"]),
    ("olmoe", &["olmoe"]),
    ("command-r", &["cohere"]),
    ("cohere2", &["cohere2"]),
    ("chatglm", &["glm"]),
    ("glm4", &["glm4"]),
    ("glm4moe", &["glm4_moe"]),
    ("exaone4", &["exaone4"]),
    ("seed_oss", &["seed_oss"]),
    ("ernie4_5", &["ernie4_5"]),
    ("nemotron", &["nemotron"]),
    ("arcee", &["arcee"]),
    ("stablelm", &["stablelm"]),
    ("starcoder2", &["starcoder2"]),
    ("gptneox", &["gpt_neox"]),
    ("gpt2", &["gpt2"]),
    ("falcon", &["falcon"]),
    ("bloom", &["bloom"]),
    (
        "bert",
        &["bert", "distilbert", "roberta", "xlm-roberta", "camembert"],
    ),
    ("modern-bert", &["modernbert"]),
    ("nomic-bert", &["nomic_bert"]),
    ("qwen3next", &["qwen3_next"]),
    ("qwen35", &["qwen3_5_text", "qwen3_5"]),
    ("qwen35moe", &["qwen3_5_moe_text", "qwen3_5_moe"]),
    ("lfm2", &["lfm2"]),
    ("lfm2moe", &["lfm2_moe"]),
    ("granitehybrid", &["granitemoehybrid", "bamba"]),
    ("nemotron_h", &["nemotron_h"]),
    ("nemotron_h_moe", &["nemotron_h"]),
    ("falcon-h1", &["falcon_h1"]),
    ("gemma3n", &["gemma3n_text", "gemma3n"]),
    ("gemma4", &["gemma4_text", "gemma4"]),
    ("apertus", &["apertus"]),
    ("hunyuan-dense", &["hunyuan_v1_dense"]),
    ("mpt", &["mpt"]),
    ("starcoder", &["gpt_bigcode"]),
    ("t5", &["t5", "mt5", "umt5"]),
];

/// The architectures of GGUF files that are read as a family.
pub fn architectures_of(family: &Family) -> Vec<&'static str> {
    let own = |known: &&(&str, &[&str])| known.1.contains(&family.model_type);
    let known = ARCHITECTURES.iter().filter(own);
    known.map(|known| known.0).collect()
}

/// Models of which the file does not say that heads' scores are scaled by d_model over the heads:
/// architecture, and the layers by which llama.cpp tells them.
const SCALED_BY_WIDTH: [(&str, u64); 2] = [("gemma2", 46), ("gemma3", 62)];

/// The largest exponent of two by which ALiBi's slopes fall.
const ALIBI: f64 = 8.0;

/// How `expert_gating_func` names routers whose scores are each a sigmoid.
const SIGMOID: u64 = 2;

/// The `config.json` of a model that is stored as GGUF.
///
/// # Errors
/// No architecture that is known here, or sizes that are missing, differ between layers, or
/// concern parts that no family here has.
pub(super) fn config(keys: &Keys<'_>) -> Result<Map<String, Value>, CheckpointError> {
    keys.config(keys.family()?)
}

impl Keys<'_> {
    fn family(&self) -> Result<&'static Family, CheckpointError> {
        let known = ARCHITECTURES
            .iter()
            .find(|known| known.0 == self.architecture);
        let model_type = known.and_then(|known| match known.0 {
            // DistilBERT is converted as BERT, and has no token types.
            "bert" if !self.holds("token_types.weight") => Some("distilbert"),
            "llama" if self.whole("expert_count").unwrap_or(0) > 0 => Some("mixtral"),
            "llama" if self.whole("attention.sliding_window").is_some() => Some("mistral"),
            "mistral3" if self.real("attention.temperature_scale").is_some() => Some("ministral3"),
            "olmo2" if self.whole("attention.sliding_window").is_some() => Some("olmo3"),
            "granitehybrid" if self.is_bamba() => Some("bamba"),
            // Layers after the first have a bias of their own.
            "t5" if self.holds("enc.blk.1.attn_rel_b.weight") => Some("umt5"),
            "deepseek2" if self.whole("expert_gating_func") == Some(SIGMOID) => Some("deepseek_v3"),
            _ => known.1.first().copied(),
        });
        model_type.and_then(family).ok_or_else(|| {
            let known: Vec<&str> = ARCHITECTURES.iter().map(|known| known.0).collect();
            CheckpointError::UnknownArchitecture {
                file: self.file().to_owned(),
                got: one_line(self.architecture),
                known: known.join(", "),
            }
        })
    }

    /// Whether a hybrid of one feed-forward part a layer turns its heads, which Granite does not.
    fn is_bamba(&self) -> bool {
        self.flag("rope.scaling.finetuned") == Some(true)
            && self.whole("expert_count").unwrap_or(0) == 0
    }

    fn config(&self, family: &Family) -> Result<Map<String, Value>, CheckpointError> {
        if family.experts.is_none() {
            self.check_dense()?;
        }
        let mut config = Map::new();
        let layers = self
            .needed("block_count")?
            .saturating_sub(self.predicting());
        let d_model = self.needed("embedding_length")?;
        let [heads, d_head] = self.put_heads(family, [d_model, layers], &mut config)?;
        let epsilon = [
            "attention.layer_norm_epsilon",
            "attention.layer_norm_rms_epsilon",
        ];
        let epsilon = epsilon.iter().find_map(|key| self.real(key));
        let keys = &family.config;
        let model_type = Some(family.model_type.into());
        let rows = self.rows("token_embd.weight").map(Value::from);
        let tied = !self.holds("output.weight");
        for (key, value) in [
            (Some(&"model_type"), model_type),
            (keys.layers.first(), Some(layers.into())),
            (keys.d_model.first(), Some(d_model.into())),
            (keys.neurons.first(), self.neurons(family, layers)?),
            (keys.positions.first(), self.positions().map(Value::from)),
            (keys.norm_epsilon.first(), epsilon.map(Value::from)),
            (Some(&"vocab_size"), rows),
            (Some(&"tie_word_embeddings"), Some(tied.into())),
        ] {
            put(&mut config, key, value);
        }
        if family.latent {
            self.put_latent(&mut config)?;
        }
        if let Some(names) = &family.experts {
            self.put_experts(names, layers, &mut config)?;
        }
        self.put_kinds(family, layers, &mut config)?;
        self.put_choices(
            family,
            &mut config,
            [Some(d_model), heads, d_head, Some(layers)],
        )?;
        rope::put(self, family, d_head, &mut config)?;
        Ok(config)
    }

    /// Adds heads, and says how many there are and of what size.
    fn put_heads(
        &self,
        family: &Family,
        [d_model, layers]: [u64; 2],
        config: &mut Map<String, Value>,
    ) -> Result<[Option<u64>; 2], CheckpointError> {
        let keys = &family.config;
        let kinds = family.kinds.is_some();
        let heads = self.one("attention.head_count", layers, kinds)?;
        let kv_heads = match family.head_keys.and_then(|keys| keys.global) {
            Some(global) => self.put_global_heads(&global, layers, config)?,
            None => self.one("attention.head_count_kv", layers, kinds)?,
        };
        let d_head = match family.latent {
            true => None,
            false => self.d_head(d_model, heads)?,
        };
        for (key, value) in [
            (keys.heads.first(), heads),
            (keys.n_kv_heads.first(), kv_heads.or(heads)),
            (keys.d_head.first(), d_head),
        ] {
            put(config, key, value.map(Value::from));
        }
        match (keys.n_kv_heads_if, keys.n_kv_heads) {
            (Some([_, one]), []) => put(config, Some(&one), Some((kv_heads == Some(1)).into())),
            (Some([counts, _]), _) => put(config, Some(&counts), Some(true.into())),
            (None, _) => {}
        }
        Ok([heads, d_head])
    }

    /// Choices other than sizes and positions.
    fn put_choices(
        &self,
        family: &Family,
        config: &mut Map<String, Value>,
        [d_model, heads, d_head, layers]: [Option<u64>; 4],
    ) -> Result<(), CheckpointError> {
        self.put_multipliers(family, config);
        self.put_of_some(family, config)?;
        let mut put = |key: &str, value: Value| config.insert(key.to_owned(), value);
        if let Some(parallel) = self.flag("use_parallel_residual") {
            put("use_parallel_residual", parallel.into());
        }
        let forward = family.forward.as_ref();
        if let (Some(key), Some(cap)) = (
            forward.and_then(|forward| forward.attention_softcap),
            self.real("attn_logit_softcapping"),
        ) {
            put(key, cap.into());
        }
        if let (Some(key), Some(cap)) = (family.head.softcap, self.real("final_logit_softcapping"))
            && cap != 0.0
        {
            put(key, cap.into());
        }
        let scale = self.real("attention.scale").filter(|&scale| scale != 0.0);
        match (forward.and_then(|forward| forward.scale_number), scale) {
            (Some(key), Some(scale)) => drop(put(key, (scale * scale).recip().into())),
            (Some(key), None) => {
                let by_width = SCALED_BY_WIDTH
                    .iter()
                    .any(|&(name, of)| name == self.architecture && Some(of) == layers);
                let of_width = d_model
                    .zip(heads)
                    .map(|(d_model, heads)| d_model / heads.max(1));
                let under = if by_width { of_width } else { d_head };
                if let Some(under) = under {
                    put(key, under.into());
                }
            }
            (None, Some(scale)) => drop(put("attention_multiplier", scale.into())),
            (None, None) => {}
        }
        if let Some(key) = family.qk_norm_if {
            put(key, self.holds("blk.0.attn_q_norm.weight").into());
        }
        if self.flag("attention.causal") == Some(!forward.is_some_and(|forward| forward.causal)) {
            match forward.and_then(|forward| forward.causal_if) {
                Some(key) => put(key, true.into()),
                None => put(
                    "is_causal",
                    Value::Bool(!forward.is_some_and(|forward| forward.causal)),
                ),
            };
        }
        if let Some(windows) = &family.windows {
            let size = self
                .whole("attention.sliding_window")
                .filter(|&size| size > 0);
            put(windows.size, size.map_or(Value::Null, Value::from));
            self.put_pattern(family, config)?;
        }
        Ok(())
    }

    /// Choices that few families have.
    fn put_of_some(
        &self,
        family: &Family,
        config: &mut Map<String, Value>,
    ) -> Result<(), CheckpointError> {
        let mut put = |key: &str, value: Value| drop(config.insert(key.to_owned(), value));
        let bias = self.real("attention.max_alibi_bias");
        if let Some(got) = bias.filter(|&bias| bias != ALIBI)
            && family
                .forward
                .is_some_and(|forward| forward.alibi.is_some())
        {
            return Err(self.unlike("attention.max_alibi_bias", &ALIBI.to_string(), got));
        }
        if let Some(keys) = family.head_keys {
            let shared = self.whole("attention.shared_kv_layers").unwrap_or(0);
            put(keys.shared, shared.into());
        }
        if let Some([flag, ..]) = family.config.two_thirds {
            put(flag, false.into());
        }
        if let Some(stacks) = family.two_stacks {
            if let Some(layers) = self.whole("decoder_block_count") {
                put(stacks.decoder_layers, layers.into());
            }
            let gated = self.holds("enc.blk.0.ffn_gate.weight");
            put(
                "feed_forward_proj",
                if gated { "gated-gelu" } else { "relu" }.into(),
            );
        }
        Ok(())
    }

    /// Numbers that states, scores or logits are multiplied with.
    fn put_multipliers(&self, family: &Family, config: &mut Map<String, Value>) {
        let logit_scale = match (family.head.scale, family.head.divisor) {
            (Some(key), _) | (None, Some(key)) => key,
            (None, None) => "logit_scale",
        };
        // Of other families 1 or nothing is what is read.
        for (key, of_config) in [
            ("embedding_scale", "embedding_multiplier"),
            ("residual_scale", "residual_multiplier"),
            ("logit_scale", logit_scale),
            ("attention.clamp_kqv", "clip_qkv"),
        ] {
            if let Some(number) = self.real(key).filter(|&number| number != 0.0) {
                config.insert(of_config.to_owned(), number.into());
            }
        }
    }

    /// # Errors
    /// Feed-forward parts of several experts.
    fn check_dense(&self) -> Result<(), CheckpointError> {
        match self.whole("expert_count") {
            None | Some(0) => Ok(()),
            Some(got) => Err(self.unlike("expert_count", "one feed-forward part a layer", got)),
        }
    }

    /// Size of a head.
    fn d_head(&self, d_model: u64, heads: Option<u64>) -> Result<Option<u64>, CheckpointError> {
        let of_width = heads.and_then(|heads| d_model.checked_div(heads));
        // Of layers with a window, where others have heads of another size.
        let own = |of_window: &str, of_all: &str| self.whole(of_window).or(self.whole(of_all));
        let d_head = own("attention.key_length_swa", "attention.key_length").or(of_width);
        match own("attention.value_length_swa", "attention.value_length") {
            Some(other) if d_head != Some(other) => {
                let expected = format!("{}, as keys have", d_head.unwrap_or_default());
                Err(self.unlike("attention.value_length", &expected, other))
            }
            _ => Ok(d_head),
        }
    }

    /// Neurons of a feed-forward part: a number, or one for each layer.
    fn neurons(&self, family: &Family, layers: u64) -> Result<Option<Value>, CheckpointError> {
        let (name, kinds) = ("feed_forward_length", family.kinds.is_some());
        let each = self.metadata.wholes(&self.key(name))?;
        let each = each.filter(|each| !kinds && each.iter().any(|size| Some(size) != each.first()));
        match each {
            Some(each) => {
                let each = each.into_iter().take(layers as usize);
                Ok(Some(json!(each.collect::<Vec<u64>>())))
            }
            None => Ok(self.one(name, layers, kinds)?.map(Value::from)),
        }
    }

    /// Positions of a text at most.
    fn positions(&self) -> Option<u64> {
        let learned = self.rows("position_embd.weight");
        learned.or_else(|| self.whole("context_length"))
    }
}

/// Sets a key that a family has to a value that the file has.
fn put(config: &mut Map<String, Value>, key: Option<&&str>, value: Option<Value>) {
    if let (Some(key), Some(value)) = (key, value) {
        config.insert((*key).to_owned(), value);
    }
}
