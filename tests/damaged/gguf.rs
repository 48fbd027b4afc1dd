//! GGUF files changed at random: opening and reading one ends in an answer or in a sentence.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::Device;
use fastrand::Rng;
use lexiscope::checkpoint::Checkpoint;
use lexiscope::task::CancelToken;
use lexiscope::transformer::{Form, Forward, ForwardError, HookPoint, Input, Weights};
use serde_json::{Value, json};

use crate::fuzz::{changed, expect_sentence, most_memory_is_bounded, rounds};
use crate::gguf_writer;
use crate::harm::location;

/// Reads some of everything; the sentence, if there is one.
fn read(path: &Path) -> Result<(), String> {
    let opened = Checkpoint::open(&location(path)).map_err(|error| error.to_string())?;
    if let Some(keys) = opened.gguf_metadata() {
        for key in ["tokens", "scores", "token_type", "merges"] {
            let key = format!("tokenizer.ggml.{key}");
            keys.texts(&key).map_err(|error| error.to_string())?;
            keys.reals(&key).map_err(|error| error.to_string())?;
        }
    }
    let (layers, heads) = (opened.spec().layers, opened.spec().heads);
    let weights = Weights::new(opened);
    let finite = |numbers: &[f32]| numbers.iter().all(|x| x.is_finite());
    let looked = || -> Result<bool, lexiscope::checkpoint::CheckpointError> {
        let mut all = finite(weights.input_embedding()?.table.into_f32().data());
        for layer in BTreeSet::from([0, layers.min(2) - 1, layers - 1]) {
            let spec = weights.checkpoint().spec();
            // Of experts the first one's neurons, and the last one's.
            if let Some(last) = spec.neurons_in(layer).checked_sub(1) {
                all &= finite(weights.keys(layer, 0..1, Input::Gate)?.data());
                all &= finite(weights.keys(layer, last..last + 1, Input::Gate)?.data());
                all &= finite(weights.values(layer, 0..1)?.data());
            }
            if spec.heads_in(layer) == 0 {
                continue;
            }
            let form = weights.form(Form::Qk, layer, heads - 1, 3)?;
            // Of latent attention, and where queries and keys are normed, they are products, which the
            // pairs' own scores are checked for.
            let product = spec.latent.is_some() || spec.qk_norm;
            all &= product || finite(form.left.data()) && finite(form.right.data());
        }
        Ok(all)
    };
    let all = looked().map_err(|error| error.to_string())?;
    assert!(all, "an answer that is no number");
    run(weights.checkpoint()).map_err(|error| error.to_string())
}

/// Runs a text through what mixes tokens without heads, where a model has that; states that overflow
/// are refused by what asks for them.
fn run(checkpoint: &Checkpoint) -> Result<(), ForwardError> {
    let mixer = checkpoint.forward().and_then(|forward| forward.mixer);
    if mixer.is_none() {
        return Ok(());
    }
    let forward = Forward::new(checkpoint, &Device::Cpu)?;
    let (texts, hooks) = ([&[5, 17, 9][..]], [HookPoint::State]);
    forward.run(&texts, &hooks, CancelToken::never(), &mut |_| Ok(None))
}

#[test]
fn no_change_of_a_gguf_file_is_worse_than_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/gguf");
    let (mut refused, mut answered) = (0, 0);
    let described = gguf_writer::described();
    for (seed, (name, usual)) in [
        ("mistral", 1_000),
        ("blocks", 500),
        ("bloom", 500),
        ("mixtral", 300),
        ("gpt-oss-mxfp4", 200),
        ("deepseek-v3", 300),
        ("qwen3-5-moe", 300),
        ("granitemoehybrid", 200),
    ]
    .into_iter()
    .enumerate()
    {
        let mut random = Rng::with_seed(seed as u64);
        let whole = match &described[name] {
            Value::Null => fs::read(from.join(format!("{name}.gguf"))).unwrap(),
            own => {
                gguf_writer::write(&path, name, own);
                fs::read(&path).unwrap()
            }
        };
        for round in 0..rounds(usual) {
            fs::write(&path, changed(&whole, &mut random)).unwrap();
            match read(&path) {
                Ok(()) => answered += 1,
                Err(sentence) => {
                    refused += 1;
                    expect_sentence(&sentence, &format!("{name}, round {round}"));
                }
            }
        }
    }
    assert!(
        refused > 500 && answered > 100,
        "{refused} refused, {answered} answered"
    );
    most_memory_is_bounded();
}

/// The sentence that refuses a file of which one thing is another.
fn refusal(name: &str, change: impl FnOnce(&mut Value)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let mut described = gguf_writer::described()[name].take();
    change(&mut described);
    gguf_writer::write(&path, name, &described);
    let sentence = read(&path).unwrap_err();
    expect_sentence(&sentence, name);
    sentence
}

/// Sets a key's value.
fn key(described: &mut Value, key: &str, kind: &str, value: Value) {
    let keys = described["keys"].as_array_mut().unwrap();
    keys.retain(|own| own[0] != key);
    keys.push(json!([key, kind, value]));
}

#[test]
fn experts_that_do_not_fit_their_keys_are_refused_with_both() {
    for (count, expected) in [
        (0, "mlp.gate_proj.weight"),
        (5, "expected shape [5, 24, 12]"),
        (4_000_000, "expected shape [4000000, 24, 12]"),
        (u32::MAX, "expected a whole number from 1 to"),
    ] {
        let refused = refusal("mixtral", |file| {
            key(file, "llama.expert_count", "u32", count.into());
        });
        assert!(refused.contains(expected), "{count}: {refused}");
    }
    let refused = refusal("qwen3-moe", |file| {
        let tensors = file["tensors"].as_array_mut().unwrap();
        let gates = tensors
            .iter_mut()
            .find(|t| t[0] == "blk.1.ffn_gate_exps.weight");
        gates.unwrap()[2] = json!([3, 16, 24]);
    });
    for part in ["blk.1.ffn_gate_exps.weight", "[4, 12, 24]", "[3, 16, 24]"] {
        assert!(refused.contains(part), "{refused}");
    }
    let refused = refusal("qwen3-moe", |file| {
        key(
            file,
            "qwen3moe.attention.head_count_kv",
            "u32[]",
            json!([2, 2, 2]),
        );
    });
    assert!(refused.contains("head_count_kv"), "{refused}");
    assert!(refused.contains("one of each of 2 layers"), "{refused}");
    let refused = refusal("glm4-moe", |file| {
        key(file, "glm4moe.nextn_predict_layers", "u32", json!(7));
    });
    assert!(refused.contains("num_hidden_layers"), "{refused}");
}

#[test]
fn latent_attention_that_does_not_fit_its_keys_is_refused() {
    let refused = refusal("deepseek-v3", |file| {
        key(file, "deepseek2.attention.key_length_mla", "u32", json!(3));
    });
    assert!(refused.contains("rope.dimension_count"), "{refused}");
    let refused = refusal("deepseek-v3", |file| {
        let tensors = file["tensors"].as_array_mut().unwrap();
        tensors.retain(|t| t[0] != "blk.1.attn_v_b.weight");
    });
    assert!(refused.contains("kv_b_proj"), "{refused}");
}
