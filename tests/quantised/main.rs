//! Quantised checkpoints of the hub, scheme by scheme: each matrix is what numpy makes of its codes,
//! to the last bit (`tests/quantised/make.py`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;

use lexiscope::checkpoint::{Checkpoint, CheckpointError, ModelSummary};
use serde::Deserialize;
use serde_json::Value;
use support::{checkpoint, copy_files, location, tests};

#[derive(Deserialize)]
struct Expected {
    shape: [usize; 2],
    /// The first numbers.
    first: Vec<f32>,
    /// CRC-32 of all of them.
    crc: String,
}

fn expected() -> BTreeMap<String, BTreeMap<String, Expected>> {
    let expected = fs::read(tests("quantised/expected.json")).unwrap();
    serde_json::from_slice(&expected).unwrap()
}

fn crc32(numbers: &[f32]) -> String {
    let bytes = numbers.iter().flat_map(|x| x.to_le_bytes());
    let crc = !bytes.fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| match crc & 1 {
            1 => (crc >> 1) ^ 0xEDB8_8320,
            _ => crc >> 1,
        })
    });
    format!("{crc:08x}")
}

#[test]
fn every_scheme_is_dequantised_as_its_definition_says() {
    let all = expected();
    assert!(all.len() > 15);
    for (name, matrices) in &all {
        let checkpoint = checkpoint(&tests("quantised").join(name));
        assert!(matrices.len() >= 3);
        for (tensor, expected) in matrices {
            let [rows, cols] = expected.shape;
            let whole = checkpoint.block(tensor, 0..rows, 0..cols).unwrap();
            let data = whole.data();
            assert_eq!(data[..4], expected.first[..], "{name}: {tensor}");
            assert_eq!(crc32(data), expected.crc, "{name}: {tensor}");
            // Windows that begin and end within words, groups and blocks.
            for (some, those) in [
                (3..rows - 5, 5..cols - 3),
                (0..rows, 7..8),
                (9..10, 0..cols),
            ] {
                let window = checkpoint
                    .block(tensor, some.clone(), those.clone())
                    .unwrap();
                for (row, at) in some.zip(0..) {
                    let part = &whole.row(row)[those.clone()];
                    assert_eq!(window.row(at), part, "{name}: {tensor}, row {row}");
                }
            }
        }
    }
}

#[test]
fn a_list_of_models_names_the_scheme() {
    let stored = |name: &str| {
        let folder = tests("quantised").join(name);
        ModelSummary::of(&location(&folder)).stored.unwrap()
    };
    for (name, title) in [
        ("gptq-4", "GPTQ 4-bit"),
        ("awq", "AWQ 4-bit"),
        ("fp8-block", "FP8"),
        ("compressed-int4", "compressed-tensors 4-bit"),
        ("bitsandbytes-nf4", "bitsandbytes nf4"),
        ("mlx-4", "MLX 4-bit"),
    ] {
        assert_eq!(stored(name), title);
    }
}

/// A copy in which config.json is another one.
fn changed(name: &str, change: impl FnOnce(&mut Value)) -> CheckpointError {
    let copy = tempfile::tempdir().unwrap();
    let from = tests("quantised").join(name);
    copy_files(&from, copy.path());
    let config = fs::read(from.join("config.json")).unwrap();
    let mut config: Value = serde_json::from_slice(&config).unwrap();
    change(&mut config);
    fs::write(copy.path().join("config.json"), config.to_string()).unwrap();
    Checkpoint::open(&location(copy.path()))
        .map(drop)
        .unwrap_err()
}

#[test]
fn a_variant_that_is_not_read_is_refused_by_its_name() {
    let of = |key: &'static str, value: Value| {
        move |config: &mut Value| config["quantization_config"][key] = value
    };
    for (error, named) in [
        (changed("gptq-4", of("bits", 3.into())), "GPTQ"),
        (
            changed("gptq-4", of("checkpoint_format", "marlin".into())),
            "GPTQ",
        ),
        (
            changed("gptq-4", of("quant_method", "other".into())),
            "packed by AWQ or GPTQ",
        ),
        (
            changed("awq", of("version", "gemv".into())),
            "packed by AWQ or GPTQ",
        ),
        (
            changed("compressed-int4", of("quant_method", "other".into())),
            "compressed-tensors",
        ),
        (
            changed(
                "fp8-block",
                of("weight_block_size", serde_json::json!([7, 7])),
            ),
            "FP8",
        ),
        (
            changed("mlx-4", |config| {
                config["quantization"]["mode"] = "nvfp4".into()
            }),
            "packed by MLX",
        ),
    ] {
        let error = error.to_string();
        assert!(
            error.contains(named) && error.contains("take the one"),
            "{error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
}
