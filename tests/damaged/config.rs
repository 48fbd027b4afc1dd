//! Folders that are not there or not whole, and `config.json`.

use std::fs;
use std::time::{Duration, SystemTime};

use lexiscope::checkpoint::{Location, OutputEmbedding};
use lexiscope::projection::DeviceChoice;
use lexiscope::query::{Answering, Reader};
use serde_json::{Value, json};

use crate::harm::{Copy, expect_line, open};

#[test]
fn folders_that_are_none() {
    let copy = Copy::of("bert-safetensors");
    let error = |path: &str| open(&copy.path(path)).map(drop).unwrap_err().to_string();
    expect_line(
        &error("nowhere"),
        &["nowhere: no such model", "no such folder"],
    );
    expect_line(
        &error("config.json"),
        &["config.json: expected a folder, got a file", "give"],
    );
    fs::create_dir(copy.path("empty")).unwrap();
    expect_line(
        &error("empty"),
        &["empty: no config.json", "expected it beside the weights"],
    );
}

#[test]
fn a_folder_without_config() {
    let copy = Copy::of("bert-safetensors");
    copy.remove("config.json");
    copy.is_refused(&["no config.json", "expected it beside the weights"]);
}

#[test]
fn a_folder_in_the_place_of_config() {
    let copy = Copy::of("bert-safetensors");
    copy.remove("config.json");
    fs::create_dir(copy.path("config.json")).unwrap();
    copy.is_refused(&["config.json: expected a file"]);
}

#[test]
fn a_folder_without_weights() {
    let copy = Copy::of("bert-safetensors");
    copy.remove("model.safetensors");
    copy.is_refused(&[
        "no weights: expected one of model.safetensors, model.safetensors.index.json, \
         pytorch_model.bin, pytorch_model.bin.index.json",
    ]);
}

#[test]
fn config_that_is_no_object() {
    for (content, words) in [
        ("", "expected JSON, got EOF"),
        ("{\"model_type\": \"bert\",", "expected JSON, got EOF"),
        ("[1, 2]", "expected a JSON object, got [1,2]"),
        ("<!DOCTYPE html>", "got a web page"),
        ("\0\0\0\0", "expected JSON, got expected value"),
    ] {
        let copy = Copy::of("bert-safetensors");
        copy.write("config.json", content);
        copy.is_refused(&["config.json: ", words, "get the file again"]);
    }
}

#[test]
fn a_config_larger_than_any() {
    let copy = Copy::of("bert-safetensors");
    copy.cut("config.json", 17 << 20);
    copy.is_refused(&["config.json: 17825792 bytes, expected at most 16777216"]);
}

/// A copy of GPT-2 with one key of the configuration changed, or dropped.
fn with(key: &str, value: Option<Value>) -> Copy {
    let copy = Copy::of("gpt2-safetensors");
    copy.edit("config.json", |config| match value {
        Some(value) => config[key] = value,
        None => drop(config.as_object_mut().unwrap().remove(key)),
    });
    copy
}

#[test]
fn families_that_are_not_known() {
    let known = "that `lexiscope models --families` lists";
    with("model_type", None).is_refused(&["config.json", "`model_type` (missing)", known]);
    with("model_type", Some(json!("mamba"))).is_refused(&["\"mamba\"", known]);
    with("model_type", Some(json!(7))).is_refused(&["`model_type` 7", known]);
    with("model_type", Some(json!("a\nb\u{1b}[2J"))).is_refused(&["\"a\\nb", known]);
}

#[test]
fn sizes_that_make_no_sense() {
    let expected = "expected a whole number from 1 to 16777216";
    for (key, value, got) in [
        ("n_layer", None, "nothing"),
        ("n_embd", Some(json!(0)), "0"),
        ("n_head", Some(json!(-4)), "-4"),
        ("n_positions", Some(json!("128")), "\"128\""),
        ("vocab_size", Some(json!(1e30)), "1e+30"),
        ("vocab_size", Some(json!(u64::MAX)), "18446744073709551615"),
        ("n_embd", Some(json!(48.5)), "48.5"),
        ("n_layer", Some(json!(null)), "nothing"),
        ("n_layer", Some(json!(true)), "true"),
    ] {
        let words = format!("config.json: `{key}`: {expected}, got {got};");
        with(key, value).is_refused(&[&words]);
    }
}

#[test]
fn choices_that_make_no_sense() {
    with("n_head", Some(json!(5)))
        .is_refused(&["config.json: `n_head`: expected a divisor of the width 48, got 5"]);
    with("activation_function", Some(json!(3)))
        .is_refused(&["`activation_function`: expected the name of a function, got 3"]);
    with("tie_word_embeddings", Some(json!("no")))
        .is_refused(&["`tie_word_embeddings`: expected true or false, got \"no\""]);
}

#[test]
fn config_of_another_checkpoint() {
    with("vocab_size", Some(json!(901))).is_refused(&[
        "transformer.wte.weight in ",
        "model.safetensors: expected shape [901, 48], as config.json has it, got [900, 48]",
    ]);
    with("n_positions", Some(json!(64))).is_refused(&[
        "transformer.wpe.weight",
        "expected shape [64, 48]",
        "got [128, 48]",
    ]);
    with("n_inner", Some(json!([192])))
        .is_refused(&["`n_inner`: expected a number of neurons for each of 3 layers, got [192];"]);
    with("n_inner", Some(json!(96))).is_refused(&[
        "h.0.mlp.c_fc.weight",
        "expected shape [48, 96]",
        "got [48, 192]",
    ]);
    with("n_layer", Some(json!(4))).is_refused(&[
        "no tensor transformer.h.3.attn.c_attn.weight",
        "with shape [48, 144]",
    ]);
    with("model_type", Some(json!("bert"))).is_refused(&["`hidden_size`", "got nothing"]);
}

#[test]
fn an_untied_head_that_is_not_there() {
    let checkpoint = with("tie_word_embeddings", Some(json!(false)))
        .open()
        .unwrap();
    assert_eq!(checkpoint.spec().output, OutputEmbedding::Missing);
}

#[test]
fn literals_that_json_does_not_have() {
    let copy = Copy::of("gpt2-safetensors");
    let config = String::from_utf8(copy.read("config.json")).unwrap();
    let put = |key: &str, value: &str| {
        let (_, rest) = config.split_once('{').unwrap();
        copy.write("config.json", format!("{{\"{key}\": {value}, {rest}"));
    };
    for literal in ["NaN", "Infinity", "-Infinity"] {
        put("attn_pdrop_of_ours", literal);
        copy.open().unwrap();
    }
    let (before, after) = config.split_once("\"n_embd\":").unwrap();
    let (_, after) = after.split_once(',').unwrap();
    copy.write("config.json", format!("{before}\"n_embd\": NaN,{after}"));
    copy.is_refused(&["`n_embd`: expected a whole number", "got \"NaN\""]);
}

#[test]
fn other_files_beside_the_weights() {
    let copy = Copy::of("gpt2-safetensors");
    let checkpoint = copy.open().unwrap();
    assert!(checkpoint.file("vocab.txt").unwrap().is_none());
    copy.cut("tokenizer.json", 300 << 20);
    let error = checkpoint.file("tokenizer.json").unwrap_err().to_string();
    expect_line(
        &error,
        &["tokenizer.json: 314572800 bytes, expected at most 268435456"],
    );
}

/// A tokenizer is read once more when the first text comes: the same, or none.
#[test]
fn a_tokenizer_that_has_changed_reads_no_text() {
    let opened = |copy: &Copy| {
        let folder = copy.path("tokenizer.json").parent().unwrap().to_owned();
        let location = Location::Folder {
            name: "copy".into(),
            path: folder,
        };
        Reader::open(&location, DeviceChoice::Cpu).unwrap()
    };
    let copy = Copy::of("gpt2-safetensors");
    let (same, changed) = (opened(&copy), opened(&copy));
    let vocabulary = &same.card().vocabulary;
    let ids = vocabulary.encode("the cat").unwrap();
    let text: String = ids.iter().map(|&id| vocabulary.text(id)).collect();
    // Spaces belong to tokens, and are not shown.
    assert_eq!(text, "thecat");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 30);
    let file = fs::File::options()
        .write(true)
        .open(copy.path("tokenizer.json"));
    file.unwrap().set_modified(long_ago).unwrap();
    let error = changed.card().vocabulary.encode("the cat").unwrap_err();
    expect_line(
        &error.to_string(),
        &[
            "tokenizer.json",
            "has changed since it was opened",
            "open the model again",
        ],
    );
}
