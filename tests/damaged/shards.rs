//! Indexes and the shards that they name.

use std::fs;

use serde_json::json;

use crate::checkpoint_writer::Synthetic;
use crate::harm::{Copy, expect_line, open};

const INDEX: &str = "model.safetensors.index.json";
const SECOND: &str = "model-00002-of-00003.safetensors";

/// A checkpoint in three shards, harmed, and what opening it says.
fn refusal(harm: impl FnOnce(&std::path::Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    let sharded = Synthetic {
        shards: 3,
        ..Synthetic::tiny()
    };
    sharded.write(folder.path()).unwrap();
    open(folder.path()).unwrap();
    harm(folder.path());
    open(folder.path()).map(drop).unwrap_err().to_string()
}

#[test]
fn an_index_that_is_none() {
    for (content, words) in [
        ("", "expected an index with a `weight_map`, got EOF"),
        ("{}", "missing field `weight_map`"),
        (
            "{\"weight_map\": {}}",
            "expected tensors in `weight_map`, got none",
        ),
        ("{\"weight_map\": {\"a\": 3}}", "invalid type: integer `3`"),
    ] {
        let error = refusal(|folder| fs::write(folder.join(INDEX), content).unwrap());
        expect_line(
            &error,
            &[
                "model.safetensors.index.json: ",
                words,
                "get the file again",
            ],
        );
    }
}

#[test]
fn a_shard_that_is_not_there() {
    let error = refusal(|folder| fs::remove_file(folder.join(SECOND)).unwrap());
    expect_line(
        &error,
        &[
            "index.json: names the file model-00002-of-00003",
            "got none",
        ],
    );
}

#[test]
fn a_shard_that_is_cut() {
    let error = refusal(|folder| {
        let shard = fs::File::options()
            .write(true)
            .open(folder.join(SECOND))
            .unwrap();
        shard.set_len(5_000).unwrap();
    });
    expect_line(
        &error,
        &["model-00002-of-00003.safetensors: expected ", "got 5000"],
    );
}

#[test]
fn a_shard_in_another_folder() {
    let error = refusal(|folder| {
        let index = json!({"weight_map": {"a": "../../etc/passwd"}});
        fs::write(folder.join(INDEX), index.to_string()).unwrap();
    });
    expect_line(
        &error,
        &["names the file ../../etc/passwd, expected it in the same folder"],
    );
}

#[test]
fn a_tensor_that_its_shard_lacks() {
    let error = refusal(|folder| {
        fs::copy(
            folder.join("model-00001-of-00003.safetensors"),
            folder.join(SECOND),
        )
        .unwrap();
    });
    expect_line(
        &error,
        &[
            "model-00002-of-00003.safetensors: no tensor ",
            "index.json says so",
            "get all again",
        ],
    );
}

#[test]
fn a_shard_of_pickles_is_read_as_the_index_says() {
    let copy = Copy::of("gpt2-pickle");
    fs::rename(copy.path("pytorch_model.bin"), copy.path("part.bin")).unwrap();
    let index = json!({"weight_map": {"transformer.wte.weight": "part.bin"}});
    copy.write("pytorch_model.bin.index.json", index.to_string());
    // The embedding is found; what the index does not name is not there.
    copy.is_refused(&["no tensor transformer.wpe.weight"]);
}
