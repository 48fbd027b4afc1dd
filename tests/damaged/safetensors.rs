//! `model.safetensors`.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harm::{Copy, expect_line};

const FILE: &str = "model.safetensors";
const EMBEDDING: &str = "transformer.wte.weight";

#[test]
fn something_else_in_the_place_of_weights() {
    for (content, words) in [
        ("", "got an empty file"),
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "got a Git LFS pointer",
        ),
        ("\n<!doctype html><title>404</title>", "got a web page"),
        ("tiny", "got 4 bytes"),
        (
            "a text that is no header",
            "expected a safetensors header inside 24 bytes",
        ),
    ] {
        let copy = Copy::of("gpt2-safetensors");
        copy.write(FILE, content);
        copy.is_refused(&["model.safetensors: expected ", words, "get"]);
    }
}

#[test]
fn files_cut_at_any_place() {
    let copy = Copy::of("gpt2-safetensors");
    copy.cut(FILE, 540_783);
    copy.is_refused(&[
        "model.safetensors: expected 540784 bytes, got 540783",
        "cut short",
    ]);
    copy.cut(FILE, 3_000);
    copy.is_refused(&["expected a safetensors header inside 3000 bytes, got one of 3752 bytes"]);
}

#[test]
fn a_file_with_something_after_its_end() {
    let copy = Copy::of("gpt2-safetensors");
    copy.write(FILE, [copy.read(FILE), vec![0; 4]].concat());
    copy.is_refused(&["expected 540784 bytes, got 540788"]);
}

#[test]
fn headers_that_lie() {
    type Lie = fn(&mut Value);
    let lies: [(&str, Lie); 6] = [
        ("invalid shape", |h| {
            h[EMBEDDING]["data_offsets"] = json!([364224, 537028])
        }),
        ("invalid offset for tensor `transformer.wte.weight`", |h| {
            h[EMBEDDING]["data_offsets"] = json!([537024, 364224])
        }),
        ("invalid shape", |h| {
            h[EMBEDDING]["shape"] = json!([900, 49])
        }),
        ("overflow computing", |h| {
            h[EMBEDDING]["shape"] = json!([u64::MAX, u64::MAX])
        }),
        ("unknown variant `F33`", |h| {
            h[EMBEDDING]["dtype"] = json!("F33")
        }),
        ("invalid type", |h| h[EMBEDDING] = json!("here")),
    ];
    for (words, lie) in lies {
        let copy = Copy::of("gpt2-safetensors");
        copy.edit_header(lie);
        copy.is_refused(&[
            "model.safetensors: expected a safetensors header, got one",
            words,
        ]);
    }
}

#[test]
fn a_header_that_is_not_json() {
    let copy = Copy::of("gpt2-safetensors");
    copy.patch(FILE, b"{\"__metadata__\"", 0, b"[\"__metadata__\"");
    copy.is_refused(&["expected a safetensors header, got one that is wrong"]);
    copy.patch(FILE, b"__meta", 0, b"\xff\xfe\xfd\xfc\xfb\xfa");
    copy.is_refused(&["expected a safetensors header, got one that is wrong"]);
}

#[test]
fn an_embedding_under_another_name() {
    let copy = Copy::of("gpt2-safetensors");
    copy.patch(
        FILE,
        b"transformer.wte.weight",
        0,
        b"transformer.xxx.weight",
    );
    copy.is_refused(&[
        "no tensor transformer.wte.weight or wte.weight: expected it in every GPT-2, got \
         transformer.h.0.attn.c_attn.bias",
    ]);
}

#[test]
fn a_layer_that_is_missing() {
    let copy = Copy::of("bert-safetensors");
    copy.patch(
        FILE,
        b"layer.1.output.dense.weight",
        0,
        b"layer.9.output.dense.weight",
    );
    copy.is_refused(&[
        "no tensor encoder.layer.1.output.dense.weight: expected it with shape [40, 100]",
        "take config.json and weights from the same checkpoint",
    ]);
}

#[test]
fn numbers_of_another_kind() {
    let copy = Copy::of("gpt2-safetensors");
    copy.edit_header(|header| header[EMBEDDING]["dtype"] = json!("I32"));
    copy.is_refused(&[
        "transformer.wte.weight in ",
        "expected F32, F16, BF16 or F64",
        "got I32",
    ]);
}

#[test]
fn a_number_that_is_none() {
    let copy = Copy::of("gpt2-safetensors");
    let mut bytes = copy.read(FILE);
    // [5, 7] of the embedding, which starts at byte 364224 of the data.
    let at = 8 + 3_752 + 364_224 + (5 * 48 + 7) * 4;
    bytes[at..at + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    copy.write(FILE, bytes);
    let checkpoint = copy.open().unwrap();
    let error = checkpoint
        .block(EMBEDDING, 4..6, 0..48)
        .unwrap_err()
        .to_string();
    expect_line(
        &error,
        &[
            "transformer.wte.weight in ",
            "expected a finite number at [5, 7], got inf",
        ],
    );
}

#[test]
fn a_file_cut_while_it_is_open() {
    let copy = Copy::of("gpt2-safetensors");
    let checkpoint = copy.open().unwrap();
    copy.cut(FILE, 9_000);
    let error = checkpoint
        .block(EMBEDDING, 0..900, 0..48)
        .unwrap_err()
        .to_string();
    expect_line(
        &error,
        &["model.safetensors: expected 540784 bytes, got 9000"],
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_change_of_a_header_is_worse_than_an_error(
        damage in prop::collection::vec((0..4_000usize, any::<u8>()), 1..8),
    ) {
        let copy = Copy::of("gpt2-safetensors");
        let mut bytes = copy.read(FILE);
        for (at, byte) in damage {
            bytes[at] = byte;
        }
        copy.write(FILE, bytes);
        if let Err(error) = copy.open() {
            expect_line(&error.to_string(), &["expected"]);
        }
    }
}
