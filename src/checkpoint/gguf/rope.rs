//! What a GGUF file says of rotary positions, as `config.json` says it.

use serde_json::{Map, Value, json};

use super::super::{CheckpointError, Family};
use super::keys::Keys;

/// Adds what concerns rotary positions to a configuration.
///
/// # Errors
/// Factors of frequencies that cannot be read.
pub(super) fn put(
    keys: &Keys<'_>,
    family: &Family,
    d_head: Option<u64>,
    config: &mut Map<String, Value>,
) -> Result<(), CheckpointError> {
    let Some(rotary) = &family.rope else {
        return Ok(());
    };
    if family.head_keys.is_some_and(|keys| keys.global.is_some()) {
        return keys.put_global_rope(config);
    }
    if let (Some([key, value]), Some(true)) = (rotary.only_if, keys.flag("rope.scaling.finetuned"))
    {
        config.insert(key.to_owned(), value.into());
    }
    let base = |names: [&str; 2]| names.into_iter().find_map(|name| keys.real(name));
    // Ollama's own conversions have the second spelling.
    for (of_config, names) in [
        (rotary.theta, ["rope.freq_base", "rope.global.freq_base"]),
        (
            rotary.local_theta,
            ["rope.freq_base_swa", "rope.local.freq_base"],
        ),
    ] {
        if let (Some(key), Some(base)) = (of_config.first(), base(names)) {
            config.insert((*key).to_owned(), base.into());
        }
    }
    if let Some(trained) = keys.whole("rope.scaling.original_context_length") {
        config.insert(
            "original_max_position_embeddings".to_owned(),
            trained.into(),
        );
    }
    let mut scaling = scaling(keys)?;
    if family.model_type == "gpt_oss" && !scaling.is_empty() {
        // As its own configuration has it; GGUF has no key of it.
        scaling.insert("truncate".to_owned(), false.into());
    }
    // Of queries beyond the first length; texts end there.
    if let Some(beta) = keys.real("attention.temperature_scale") {
        scaling.insert("llama_4_scaling_beta".to_owned(), beta.into());
        let trained = keys.whole("rope.scaling.original_context_length");
        let trained = trained.or_else(|| keys.whole("attention.temperature_length"));
        if let Some(trained) = trained {
            scaling.insert(
                "original_max_position_embeddings".to_owned(),
                trained.into(),
            );
        }
    }
    if let (Some(d_head), turned) = (d_head, keys.whole("rope.dimension_count"))
        && (turned.is_some_and(|turned| turned != d_head) || !rotary.share.is_empty())
    {
        // Half a channel more, so that rounding down gives the same number again.
        let turned = turned.unwrap_or(d_head) as f64;
        let share = ((turned + 0.5) / d_head as f64).min(1.0);
        match rotary.share.first() {
            Some(key) => drop(config.insert((*key).to_owned(), share.into())),
            None => drop(scaling.insert("partial_rotary_factor".to_owned(), share.into())),
        }
    }
    if !scaling.is_empty() {
        config.insert("rope_scaling".to_owned(), scaling.into());
    }
    Ok(())
}

fn scaling(keys: &Keys<'_>) -> Result<Map<String, Value>, CheckpointError> {
    let mut scaling = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            scaling.insert(key.to_owned(), value);
        }
    };
    let real = |name: &str| keys.real(name);
    let short = keys.vector("rope_factors_short.weight")?;
    let long = keys.vector("rope_factors_long.weight")?;
    if let (Some(short), Some(long)) = (short, long) {
        put("rope_type", Some("longrope".into()));
        put("short_factor", Some(json!(short)));
        put("long_factor", Some(json!(long)));
        put(
            "attention_factor",
            real("rope.scaling.attn_factor").map(Value::from),
        );
        return Ok(scaling);
    }
    // Llama 3's stretched frequencies are stored as what each is divided by, in texts of any length.
    if let Some(factors) = keys.vector("rope_freqs.weight")? {
        put("rope_type", Some("longrope".into()));
        put("short_factor", Some(json!(factors)));
        put("long_factor", Some(json!(factors)));
        put("attention_factor", Some(1.0.into()));
        return Ok(scaling);
    }
    let factor = real("rope.scaling.factor").or_else(|| real("rope.scale_linear"));
    let kind = match keys.text("rope.scaling.type") {
        None if factor.is_some_and(|factor| factor != 1.0) => "linear",
        None | Some("none") => return Ok(scaling),
        Some(kind) => kind,
    };
    put("rope_type", Some(kind.into()));
    put("factor", factor.map(Value::from));
    for (key, name) in [
        ("beta_fast", "rope.scaling.yarn_beta_fast"),
        ("beta_slow", "rope.scaling.yarn_beta_slow"),
    ] {
        put(key, real(name).map(Value::from));
    }
    // DeepSeek's multiplies scores with it instead; its key has a tenth of the number.
    if let Some(stored) = real("rope.scaling.yarn_log_multiplier").filter(|&stored| stored != 0.0) {
        let all = match keys.architecture {
            "deepseek2" => 10.0 * stored,
            _ => stored,
        };
        put("mscale", Some(all.into()));
        put("mscale_all_dim", Some(all.into()));
    }
    // By so much more than by YaRN's own factor (arXiv 2309.00071), which is computed elsewhere.
    let more = real("rope.scaling.attn_factor").or_else(|| real("rope.scaling.yarn_attn_factor"));
    if let (Some(more), Some(factor)) = (more.filter(|&more| more != 1.0), factor) {
        let own = if factor > 1.0 {
            0.1 * factor.ln() + 1.0
        } else {
            1.0
        };
        put("attention_factor", Some((own * more).into()));
    }
    Ok(scaling)
}
