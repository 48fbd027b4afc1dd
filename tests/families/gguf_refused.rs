//! What of a GGUF file is not known is refused by its name, where it is looked at.

use lexiscope::checkpoint::{Location, Reading};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

/// A file of a checkpoint of which something was changed.
fn changed(name: &str, change: impl FnOnce(&mut Value)) -> (TempDir, Location) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let mut described = gguf_writer::described()[name].take();
    change(&mut described);
    gguf_writer::write(&path, name, &described);
    (folder, support::location(&path))
}

fn with_tensor(name: &str) -> (TempDir, Location) {
    changed("qwen3-5", |file| {
        let tensors = file["tensors"].as_array_mut().unwrap();
        tensors.push(json!([name, "F32", [2], "numbers", [1.0, 2.0]]));
    })
}

fn refusal(name: &str, change: impl FnOnce(&mut Value)) -> String {
    let (_folder, location) = changed(name, change);
    Checkpoint::open(&location)
        .map(drop)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_tensor_of_a_layer_that_is_not_known_is_refused_where_it_matters() {
    use Reading::{Distance, Forward, Neurons, Qk, Vo};
    for (name, touched) in [
        ("blk.1.attn_sinks.weight", &[Vo, Qk, Distance, Forward][..]),
        ("blk.2.ffn_sub_norm.weight", &[Neurons, Forward]),
        ("blk.1.ffn_down.scale", &[Neurons, Forward]),
        ("blk.0.laurel_l.weight", &[Forward]),
    ] {
        let (_folder, location) = with_tensor(name);
        let checkpoint = Checkpoint::open(&location).unwrap();
        let [unknown] = &checkpoint.spec().unknown[..] else {
            panic!("{:?}", checkpoint.spec().unknown)
        };
        assert_eq!((&*unknown.key, unknown.touches), (name, touched));
        let run = lexiscope::transformer::Forward::new(&checkpoint, &candle_core::Device::Cpu);
        let error = run.map(drop).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
    // Those of layers that predict further tokens are none of the model's.
    let (_folder, location) = with_tensor("blk.3.nextn.eh_proj.weight");
    let checkpoint = Checkpoint::open(&location).unwrap();
    assert_eq!(checkpoint.spec().unknown, []);
}

#[test]
fn half_a_model_and_other_positions_are_refused_by_name() {
    let refused = refusal("t5", |file| {
        let tensors = file["tensors"].as_array_mut().unwrap();
        tensors.retain(|tensor| !tensor[0].as_str().unwrap().starts_with("dec."));
    });
    assert!(
        refused.contains("a checkpoint that holds both halves"),
        "{refused}"
    );
    let key = |file: &mut Value, name: &str, value: Value| {
        let keys = file["keys"].as_array_mut().unwrap();
        keys.iter_mut().find(|own| own[0] == name).unwrap()[2] = value;
    };
    let refused = refusal("mpt", |file| {
        key(file, "mpt.attention.max_alibi_bias", json!(0.0))
    });
    assert!(
        refused.contains("`mpt.attention.max_alibi_bias`: expected 8, got 0"),
        "{refused}"
    );
    let refused = refusal("qwen3-5", |file| {
        key(file, "qwen35.ssm.inner_size", json!(17))
    });
    assert!(
        refused.contains("`qwen35.ssm.inner_size`: expected a multiple of the 4"),
        "{refused}"
    );
    let refused = refusal("gemma4-text", |file| {
        key(
            file,
            "gemma4.attention.head_count_kv",
            json!([2, 1, 1, 2, 1]),
        );
    });
    assert!(
        refused.contains("expected one number in all layers with a window, got 1"),
        "{refused}"
    );
}
