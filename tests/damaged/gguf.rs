//! GGUF files changed at random: opening and reading one ends in an answer or in a sentence.

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use lexiscope::checkpoint::Checkpoint;
use lexiscope::transformer::{Form, Input, Weights};

use crate::fuzz::{changed, expect_sentence, most_memory_is_bounded, rounds};
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
        let mut all = finite(weights.input_embedding()?.into_f32().data());
        for layer in [0, layers - 1] {
            all &= finite(weights.keys(layer, 0..1, Input::Gate)?.data());
            all &= finite(weights.values(layer, 0..1)?.data());
            let form = weights.form(Form::Qk, layer, heads - 1, 3)?;
            all &= finite(form.left.data()) && finite(form.right.data());
        }
        Ok(all)
    };
    match looked() {
        Ok(finite) => {
            assert!(finite, "an answer that is no number");
            Ok(())
        }
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn no_change_of_a_gguf_file_is_worse_than_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let from = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/gguf");
    let (mut refused, mut answered) = (0, 0);
    for (seed, (name, usual)) in [("mistral", 1_000), ("blocks", 500), ("bloom", 500)]
        .into_iter()
        .enumerate()
    {
        let mut random = Rng::with_seed(seed as u64);
        let whole = fs::read(from.join(format!("{name}.gguf"))).unwrap();
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
