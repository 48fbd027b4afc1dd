//! The forward pass: against PyTorch's states of the reference checkpoints, against candle's own
//! BERT, and against itself.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/mod.rs"]
mod support;

use candle_core::{Device, Tensor};
use lexiscope::checkpoint::{Checkpoint, Location};
use lexiscope::task::CancelToken;
use lexiscope::transformer::{Forward, HookPoint, with_numbers};
use serde_json::Value;
use support::{REFERENCES, reference};

fn open(name: &str) -> Checkpoint {
    support::checkpoint(&reference(name))
}

fn answers(name: &str) -> Value {
    support::json(&reference(name).with_extension("json"))
}

fn ids(text: &Value) -> Vec<u32> {
    let ids = text["ids"].as_array().unwrap().iter();
    ids.map(|id| id.as_u64().unwrap() as u32).collect()
}

fn texts(answers: &Value) -> Vec<Vec<u32>> {
    let texts = answers["geometry"]["per_text"].as_array().unwrap();
    texts.iter().map(ids).collect()
}

/// The states of each text, `[state][row × width]`.
fn states(checkpoint: &Checkpoint, texts: &[Vec<u32>]) -> Vec<Vec<Vec<f32>>> {
    let forward = Forward::new(checkpoint, &Device::Cpu).unwrap();
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    let width = checkpoint.spec().d_model;
    let mut found = vec![vec![Vec::new(); forward.states()]; texts.len()];
    let done = forward.run(
        &texts,
        &[HookPoint::State],
        CancelToken::never(),
        &mut |hooked| {
            with_numbers(hooked.tensor, |numbers| {
                for (text, rows) in hooked.texts.clone().zip(hooked.rows) {
                    found[text][hooked.at] = numbers[rows.start * width..rows.end * width].to_vec();
                }
            })?;
            Ok(None)
        },
    );
    done.unwrap();
    found
}

#[test]
fn states_agree_with_pytorch_in_every_family_and_form_of_file() {
    for name in REFERENCES {
        let (checkpoint, answers) = (open(name), answers(name));
        let width = checkpoint.spec().d_model;
        let found = states(&checkpoint, &texts(&answers));
        let expected = answers["geometry"]["per_text"].as_array().unwrap();
        assert_eq!(found.len(), 12);
        for (text, expected) in found.iter().zip(expected) {
            assert_eq!(text.len(), checkpoint.spec().layers + 1);
            for (at, state) in text.iter().enumerate() {
                let last: Vec<f64> = state[state.len() - width..]
                    .iter()
                    .map(|&x| f64::from(x))
                    .collect();
                let norm = last.iter().map(|x| x * x).sum::<f64>().sqrt();
                let expected_norm = expected["last_norm"][at].as_f64().unwrap();
                assert!(
                    (norm / expected_norm - 1.0).abs() < 1e-4,
                    "{name} state {at}: {norm} {expected_norm}"
                );
                for (i, got) in last.iter().take(4).enumerate() {
                    let want = expected["first4"][at][i].as_f64().unwrap();
                    assert!(
                        (got - want).abs() < 1e-4 * expected_norm,
                        "{name} state {at} [{i}]: {got} {want}"
                    );
                }
            }
        }
    }
}

#[test]
fn bert_agrees_with_candle_in_every_position() {
    use candle_transformers::models::bert::{BertModel, Config};
    let (checkpoint, answers) = (open("bert-safetensors"), answers("bert-safetensors"));
    let config =
        std::fs::read_to_string(reference("bert-safetensors").join("config.json")).unwrap();
    let config: Config = serde_json::from_str(&config).unwrap();
    let weights = std::fs::read(reference("bert-safetensors").join("model.safetensors")).unwrap();
    let weights = candle_nn::VarBuilder::from_buffered_safetensors(
        weights,
        candle_core::DType::F32,
        &Device::Cpu,
    );
    let model = BertModel::load(weights.unwrap(), &config).unwrap();
    let texts = texts(&answers);
    for (text, ours) in texts.iter().zip(states(&checkpoint, &texts)) {
        let ids = Tensor::new(text.as_slice(), &Device::Cpu).unwrap();
        let ids = ids.unsqueeze(0).unwrap();
        let types = ids.zeros_like().unwrap();
        let theirs = model.forward(&ids, &types, None).unwrap();
        let theirs: Vec<f32> = theirs.flatten_all().unwrap().to_vec1().unwrap();
        let ours = ours.last().unwrap();
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!((ours - theirs).abs() < 2e-5, "{ours} {theirs}");
        }
    }
}

#[test]
fn a_text_has_the_same_states_alone_and_among_thousands_of_tokens() {
    for name in ["gpt2-safetensors", "bert-safetensors"] {
        let (checkpoint, answers) = (open(name), answers(name));
        let texts = texts(&answers);
        // More than one chunk, whichever way it is cut.
        let many: Vec<Vec<u32>> = texts.iter().cycle().take(15 * 12).cloned().collect();
        let together = states(&checkpoint, &many);
        let alone = states(&checkpoint, &texts[3..4]);
        for at in [3, 3 + 12, 3 + 14 * 12] {
            for (ours, theirs) in together[at].iter().zip(&alone[0]) {
                assert_eq!(ours.len(), theirs.len());
                let apart = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
                assert!(apart.fold(0.0, f32::max) < 1e-5, "{name}");
            }
        }
    }
}

#[test]
fn hooks_show_activations_and_attention_of_every_layer() {
    for (name, causal) in [("gpt2-safetensors", true), ("bert-safetensors", false)] {
        let (checkpoint, answers) = (open(name), answers(name));
        let texts = texts(&answers);
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let forward = Forward::new(&checkpoint, &Device::Cpu).unwrap();
        let spec = checkpoint.spec();
        let rows: usize = texts.iter().map(|t| t.len()).sum();
        let (mut layers, mut looked) = (Vec::new(), 0);
        let sites = [HookPoint::MlpPost, HookPoint::AttnPattern];
        let done = forward.run(&texts, &sites, CancelToken::never(), &mut |hooked| {
            match hooked.point {
                HookPoint::MlpPost => {
                    assert_eq!(hooked.tensor.dims(), [rows, spec.neurons]);
                    layers.push(hooked.at);
                }
                HookPoint::AttnPattern => {
                    let n = texts[hooked.texts.start].len();
                    assert_eq!(hooked.tensor.dims(), [spec.heads, n, n]);
                    looked += 1;
                    with_numbers(hooked.tensor, |p| {
                        for (i, row) in p.chunks(n).enumerate() {
                            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                            let ahead = row[i % n + 1..].iter().any(|&p| p > 0.0);
                            assert_eq!(ahead, !causal && i % n + 1 < n);
                        }
                    })?;
                }
                _ => panic!("not asked for"),
            }
            Ok(None)
        });
        done.unwrap();
        assert!(layers.iter().copied().eq(0..spec.layers));
        assert_eq!(looked, spec.layers * texts.len());
    }
}

/// The numbers of a JSON list.
fn listed(list: &Value) -> Vec<f32> {
    let list = list.as_array().unwrap().iter();
    list.map(|x| x.as_f64().unwrap() as f32).collect()
}

#[track_caller]
fn assert_near(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() < 3e-5,
            "{what} [{i}]: {found}, expected {expected}"
        );
    }
}

/// Answers of transformers' modules: `tests/reference/hooks.py`.
#[test]
fn activations_and_attention_agree_with_pytorch() {
    let all = answers("hooks");
    for (name, expected) in all.as_object().unwrap() {
        let checkpoint = open(name);
        let text = expected["text"].as_u64().unwrap() as usize;
        let ids = texts(&answers(name)).swap_remove(text);
        let neurons = checkpoint.spec().neurons;
        let forward = Forward::new(&checkpoint, &Device::Cpu).unwrap();
        let mut compared = 0;
        let sites = [HookPoint::MlpPost, HookPoint::AttnPattern];
        let done = forward.run(&[&ids], &sites, CancelToken::never(), &mut |hooked| {
            let layer = &expected["layers"][hooked.at];
            with_numbers(hooked.tensor, |numbers| match hooked.point {
                HookPoint::MlpPost => {
                    for (neuron, expected) in layer["activations"].as_object().unwrap() {
                        let of_neuron = numbers.iter().skip(neuron.parse().unwrap());
                        let found: Vec<f32> = of_neuron.step_by(neurons).copied().collect();
                        let what = format!("{name} L{}.N{neuron}", hooked.at);
                        assert_near(&what, &found, &listed(expected));
                        compared += 1;
                    }
                }
                HookPoint::AttnPattern => {
                    for (head, queries) in layer["attention"].as_object().unwrap() {
                        let head: usize = head.parse().unwrap();
                        for (query, expected) in queries.as_object().unwrap() {
                            let row = head * ids.len() + query.parse::<usize>().unwrap();
                            let found = &numbers[row * ids.len()..(row + 1) * ids.len()];
                            let what = format!("{name} L{}.H{head} at {query}", hooked.at);
                            assert_near(&what, found, &listed(expected));
                            compared += 1;
                        }
                    }
                }
                _ => panic!("not asked for"),
            })?;
            Ok(None)
        });
        done.unwrap();
        assert_eq!(compared, 7 * checkpoint.spec().layers, "{name}");
    }
}

#[test]
fn stops_when_it_is_not_wanted() {
    let checkpoint = open("gpt2-safetensors");
    let forward = Forward::new(&checkpoint, &Device::Cpu).unwrap();
    let mut seen = 0;
    let done = forward.run(
        &[&[1, 2, 3]],
        &[HookPoint::State],
        CancelToken::new(&|| true),
        &mut |_| {
            seen += 1;
            Ok(None)
        },
    );
    assert!(matches!(
        done,
        Err(lexiscope::transformer::ForwardError::Cancelled(_))
    ));
    assert_eq!(seen, 1);
}

#[test]
fn texts_that_do_not_fit_are_refused_in_a_line() {
    let checkpoint = open("gpt2-safetensors");
    let forward = Forward::new(&checkpoint, &Device::Cpu).unwrap();
    let refused = |text: &[u32]| {
        let run = forward.run(&[text], &[], CancelToken::never(), &mut |_| Ok(None));
        run.unwrap_err().to_string()
    };
    assert!(refused(&[1; 129]).contains("129 tokens: expected 1 to 128"));
    assert!(refused(&[]).contains("a text of 0 tokens"));
    assert!(refused(&[900]).contains("token 900: expected an id below 900"));
}

#[test]
fn norms_under_their_old_names_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let from = self::reference("bert-safetensors");
    for file in ["config.json", "tokenizer.json"] {
        std::fs::copy(from.join(file), folder.path().join(file)).unwrap();
    }
    let bytes = std::fs::read(from.join("model.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let renamed = tensors.tensors().into_iter().map(|(name, tensor)| {
        let name = name.replace("LayerNorm.weight", "LayerNorm.gamma");
        (name.replace("LayerNorm.bias", "LayerNorm.beta"), tensor)
    });
    let path = folder.path().join("model.safetensors");
    safetensors::serialize_to_file(renamed, None, &path).unwrap();
    let old = Checkpoint::open(&Location::Folder {
        name: "old".to_owned(),
        path: folder.path().to_owned(),
    });
    let texts = texts(&answers("bert-safetensors"));
    let now = states(&open("bert-safetensors"), &texts);
    assert_eq!(states(&old.unwrap(), &texts), now);
}
