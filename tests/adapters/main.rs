//! Adapters against PEFT: every tensor that one changes as `merge_and_unload` has it, and what the
//! merged model predicts (`make.py` makes both). And what is refused, in a sentence.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::Device;
use lexiscope::checkpoint::{Checkpoint, CheckpointError, FoundModel, Location, ModelStores};
use lexiscope::task::CancelToken;
use lexiscope::transformer::{Forward, HookPoint, with_numbers};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use support::{copy_files, tests};

fn adapters() -> PathBuf {
    tests("adapters")
}

/// An adapter with its base, found as the command line finds them; no cache is looked at.
fn find(adapter: &Path, base: Option<&Path>) -> Result<Location, CheckpointError> {
    let name = match base {
        Some(base) => format!("{}+{}", adapter.display(), base.display()),
        None => adapter.display().to_string(),
    };
    match Location::find(&name, &ModelStores::located(|_| None))? {
        FoundModel::Here(location) => Ok(location),
        FoundModel::OnHub(id) => panic!("{id}"),
    }
}

/// Why an adapter is not opened on a base.
fn refusal(adapter: &Path, base: Option<&Path>) -> String {
    let opened = find(adapter, base).and_then(|location| Checkpoint::open(&location));
    let said = opened.unwrap_err().to_string();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

fn answers() -> Vec<(String, Value)> {
    let answers = support::json(&adapters().join("answers.json"));
    answers.as_object().unwrap().clone().into_iter().collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    let numbers = value.as_array().unwrap().iter();
    numbers.map(|x| x.as_f64().unwrap()).collect()
}

#[test]
fn tensors_are_those_of_merge_and_unload() {
    for (name, answer) in answers() {
        let base = tests(answer["base"].as_str().unwrap());
        let location = find(&adapters().join(&name), Some(&base)).unwrap();
        let merged = Checkpoint::open(&location).unwrap();
        assert!(merged.adapter().is_some());
        let mut matrices = 0;
        for (tensor, expected) in answer["tensors"].as_object().unwrap() {
            let shape = numbers(&expected["shape"]);
            // Of a file without the model's own prefix.
            let tensor = match merged.holds(tensor) {
                true => tensor.clone(),
                false => tensor.trim_start_matches("bert.").to_owned(),
            };
            if !merged.holds(&tensor) {
                // The head of a tied model is its embedding.
                assert_eq!(tensor, "lm_head.weight", "{name}");
                continue;
            }
            let [rows, cols] = match shape[..] {
                [rows, cols] => [rows as usize, cols as usize],
                [len] => [1, len as usize],
                _ => panic!("{shape:?}"),
            };
            let got = match shape.len() {
                1 => merged.vector(std::slice::from_ref(&tensor), cols).unwrap(),
                _ => {
                    matrices += 1;
                    let all = merged.block(&tensor, 0..rows, 0..cols).unwrap();
                    // A window is the same as in the whole.
                    let (row, col) = (rows / 2, cols / 3);
                    let window = merged.block(&tensor, row..rows, col..cols).unwrap();
                    for i in row..rows {
                        assert_eq!(window.row(i - row), &all.row(i)[col..], "{name} {tensor}");
                    }
                    all.into_data()
                }
            };
            let squares: f64 = got.iter().map(|&x| f64::from(x).powi(2)).sum();
            let of_torch = expected["squares"].as_f64().unwrap();
            assert!(
                (squares / of_torch - 1.0).abs() < 1e-5,
                "{name} {tensor}: {squares} {of_torch}"
            );
            let places = expected["at"].as_array().unwrap().iter();
            for (at, number) in places.zip(numbers(&expected["numbers"])) {
                let at = numbers(at);
                let i = match shape.len() {
                    1 => at[1] as usize,
                    _ => at[0] as usize * cols + at[1] as usize,
                };
                assert!(
                    (f64::from(got[i]) - number).abs() < 2e-6,
                    "{name} {tensor} {at:?}"
                );
            }
        }
        assert!(matrices > 0, "{name}");
    }
}

#[test]
fn the_merged_model_predicts_what_peft_predicts() {
    const TEXT: [u32; 7] = [5, 17, 40, 8, 33, 61, 9];
    for (name, answer) in answers() {
        if name.starts_with("bert") {
            // Its file has no masked-language-model head.
            continue;
        }
        let base = tests(answer["base"].as_str().unwrap());
        let location = find(&adapters().join(&name), Some(&base)).unwrap();
        let merged = Checkpoint::open(&location).unwrap();
        let forward = Forward::new(&merged, &Device::Cpu).unwrap();
        let mut logits = Vec::new();
        forward
            .run(
                &[&TEXT],
                &[HookPoint::Logits],
                CancelToken::never(),
                &mut |seen| {
                    with_numbers(seen.tensor, |numbers| logits.extend_from_slice(numbers))?;
                    Ok(None)
                },
            )
            .unwrap();
        let vocab = merged.spec().vocab;
        let last = &logits[logits.len() - vocab..];
        let expected = answer["predictions"].as_array().unwrap();
        for expected in expected {
            let got = f64::from(last[expected["id"].as_u64().unwrap() as usize]);
            let logit = expected["logit"].as_f64().unwrap();
            assert!((got - logit).abs() < 1e-4, "{name}: {got} {logit}");
        }
    }
}

/// A copy of an adapter whose configuration is changed.
fn with_setting(name: &str, key: &str, value: Value) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_files(&adapters().join(name), copy.path());
    let path = copy.path().join("adapter_config.json");
    let mut config = support::json(&path);
    config[key] = value;
    fs::write(&path, config.to_string()).unwrap();
    copy
}

/// A copy of an adapter whose factors are changed: by name, their shape and numbers.
fn with_factors(
    name: &str,
    change: impl Fn(&str, &mut Vec<usize>, &mut Vec<f32>) -> bool,
) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_files(&adapters().join(name), copy.path());
    let path = copy.path().join("adapter_model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut kept = Vec::new();
    for (name, view) in tensors.tensors() {
        let (words, _) = view.data().as_chunks::<4>();
        let mut numbers: Vec<f32> = words.iter().map(|&b| f32::from_le_bytes(b)).collect();
        let mut shape = view.shape().to_vec();
        if change(&name, &mut shape, &mut numbers) {
            let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
            kept.push((name, shape, bytes));
        }
    }
    let views = kept.iter().map(|(name, shape, bytes)| {
        (
            name,
            TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap(),
        )
    });
    fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
    copy
}

#[test]
fn what_is_no_adapter_of_a_base_is_refused_in_a_sentence() {
    let llama = tests("families/llama");
    let on_llama = |adapter: &tempfile::TempDir| refusal(adapter.path(), Some(&llama));
    let ia3 = refusal(&adapters().join("ia3"), Some(&llama));
    assert!(ia3.contains("expected LORA, got IA3"), "{ia3}");
    let alone = refusal(&adapters().join("llama-plain"), None);
    assert!(
        alone.contains("is of llama, which is not here") && alone.contains("--base"),
        "{alone}"
    );
    let other = refusal(&adapters().join("gpt2-lora"), Some(&llama));
    assert!(
        other.contains("a module of the base") && other.contains("c_attn"),
        "{other}"
    );
    let wider = refusal(
        &adapters().join("llama-plain"),
        Some(&tests("families/mistral")),
    );
    assert!(
        wider.contains("of shape") && wider.contains("another base"),
        "{wider}"
    );
    let missing = tests("nowhere");
    let nowhere = refusal(&adapters().join("llama-plain"), Some(&missing));
    assert!(nowhere.contains("nowhere"), "{nowhere}");
    for (key, value, said) in [
        ("init_lora_weights", json!("pissa"), "pissa"),
        (
            "layer_replication",
            json!([[0, 1], [0, 1]]),
            "layers that are repeated",
        ),
        (
            "target_parameters",
            json!(["experts.weight"]),
            "factors of single parameters",
        ),
        ("r", json!(3), "`r`: expected the rank of the factors"),
        (
            "lora_alpha",
            json!("much"),
            "`lora_alpha`: expected a number",
        ),
        (
            "rank_pattern",
            json!({"(": 2}),
            "`rank_pattern`: expected patterns",
        ),
        ("use_dora", json!(true), "expected a magnitude"),
    ] {
        let refused = on_llama(&with_setting("llama-plain", key, value));
        assert!(refused.contains(said), "{key}: {refused}");
    }
    let no_b = on_llama(&with_factors("llama-plain", |name, _, _| {
        !name.ends_with("q_proj.lora_B.weight")
    }));
    assert!(no_b.contains("got no B"), "{no_b}");
    let no_rank = on_llama(&with_factors("llama-plain", |_, shape, numbers| {
        let rank = usize::from(shape[0] != 2);
        shape[rank] = 0;
        numbers.clear();
        true
    }));
    assert!(no_rank.contains("rank 0"), "{no_rank}");
    let empty = on_llama(&with_factors("llama-plain", |_, _, _| false));
    assert!(
        empty.contains("expected factors of matrices, got none"),
        "{empty}"
    );
}

#[test]
fn a_factor_that_is_no_number_is_named_where_it_is_read() {
    let copy = with_factors("llama-plain", |name, _, numbers| {
        if name.ends_with("layers.1.mlp.up_proj.lora_A.weight") {
            numbers[5] = f32::NAN;
        }
        true
    });
    let location = find(copy.path(), Some(&tests("families/llama"))).unwrap();
    let merged = Checkpoint::open(&location).unwrap();
    let read = |layer| {
        merged.block(
            &format!("model.layers.{layer}.mlp.up_proj.weight"),
            0..40,
            0..32,
        )
    };
    assert!(read(0).is_ok());
    let refused = read(1).unwrap_err().to_string();
    assert!(
        refused.contains("layers.1.mlp.up_proj.lora_A") && refused.contains("NaN"),
        "{refused}"
    );
}
