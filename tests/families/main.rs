//! Every family against PyTorch: a neuron, pair lists of both forms, near and far, and the states
//! of two texts, of the tiny checkpoints that `tests/families/make.py` made.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../checkpoint_writer/mod.rs"]
mod checkpoint_writer;
mod choices;
mod conventions;
mod experts;
mod gguf;
mod gguf_refused;
#[path = "../gguf_writer/mod.rs"]
mod gguf_writer;
mod heads;
mod hybrids;
mod links;
mod lookup;
mod overflow;
mod real;
mod refused;
mod robustness;
#[path = "../support/mod.rs"]
mod support;
mod ties;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use candle_core::Device;
use lexiscope::checkpoint::{Checkpoint, FAMILIES, Location};
use lexiscope::projection::{DeviceChoice, End};
use lexiscope::query::sheet::{HELD_ON_TEXTS, HELD_UNDER_CONVENTIONS};
use lexiscope::query::{
    Answer, Answering, Callbacks, NeuronColumn, NeuronQuery, PairsQuery, Query, QueryError, Reader,
};
use lexiscope::task::CancelToken;
use lexiscope::transformer::{Forward, HookPoint, with_numbers};
use lexiscope::vocabulary::Filters;
use serde_json::Value;

const VOCAB: u64 = 96;

fn folder() -> PathBuf {
    support::tests("families")
}

fn location(name: &str) -> Location {
    support::location(&folder().join(name))
}

fn answers(name: &str) -> Value {
    support::json(&folder().join(format!("{name}.json")))
}

/// Every checkpoint here.
fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let folders = files.filter(|path| path.is_dir());
    let mut names: Vec<String> = folders
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn reader(name: &str) -> Reader {
    support::reader(&folder().join(name))
}

fn ask(reader: &mut Reader, query: Query) -> Result<Answer, QueryError> {
    support::ask(reader, &query)
}

/// Holds a list against `[[id, score], …]`; ids may change places where scores are all but equal.
fn agree(what: &str, got: &[(u64, f32)], want: &Value) {
    let want: Vec<(u64, f64)> = want
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row[0].as_u64().unwrap(), row[1].as_f64().unwrap()))
        .collect();
    assert_eq!(got.len(), want.len(), "{what}");
    let largest = want.iter().fold(0.0f64, |m, (_, score)| m.max(score.abs()));
    let near = 1e-4 * largest + 1e-6;
    for (row, ((id, score), (_, expected))) in got.iter().zip(&want).enumerate() {
        let score = f64::from(*score);
        assert!(
            (score - expected).abs() < near,
            "{what} row {row}: {score}, expected {expected}"
        );
        let mut alike = want
            .iter()
            .filter(|(_, other)| (other - score).abs() < 2.0 * near);
        let at_the_end = (want[want.len() - 1].1 - score).abs() < 2.0 * near;
        assert!(
            at_the_end || alike.any(|(other, _)| other == id),
            "{what} row {row} is {id}"
        );
    }
}

fn number(value: &Value, key: &str) -> usize {
    value[key].as_u64().unwrap() as usize
}

#[test]
fn every_family_has_a_checkpoint_here() {
    let tested = ["gpt2", "bert"].map(str::to_owned);
    let here = names().into_iter().map(|name| {
        let checkpoint = Checkpoint::open(&location(&name)).unwrap();
        checkpoint.family().model_type.to_owned()
    });
    let tested: Vec<String> = tested.into_iter().chain(here).collect();
    for family in FAMILIES {
        assert!(
            tested.iter().any(|t| t == family.model_type),
            "{}",
            family.title
        );
    }
}

#[test]
fn the_table_of_families_says_what_is_held() {
    let of = |names: Vec<String>| {
        let types = names
            .into_iter()
            .filter(|name| folder().join(name).is_dir());
        let types = types.map(|name| {
            let checkpoint = Checkpoint::open(&location(&name)).unwrap();
            checkpoint.family().model_type
        });
        types.collect::<BTreeSet<_>>()
    };
    let keys = |path: &Path| match support::json(path) {
        Value::Object(all) => all.into_iter().map(|(name, _)| name).collect::<Vec<_>>(),
        other => panic!("{other}"),
    };
    let mut under = keys(&folder().join("conventions.json"));
    under.extend(keys(&folder().join("alone.json")));
    assert_eq!(of(under), HELD_UNDER_CONVENTIONS.iter().copied().collect());
    let texts = of(keys(&support::tests("prompt/answers.json")));
    // These two are in tests/reference.
    let texts = texts
        .into_iter()
        .chain(["gpt2", "bert"])
        .collect::<BTreeSet<_>>();
    assert_eq!(texts, HELD_ON_TEXTS.iter().copied().collect());
    for (model_type, _) in lexiscope::checkpoint::refused_families() {
        assert!(lexiscope::checkpoint::family(model_type).is_none());
    }
}

fn neurons_agree(name: &str, reader: &mut Reader, found: &Value) {
    for case in found["neuron"].as_array().unwrap() {
        let query = Query::Neuron(NeuronQuery {
            convention: Default::default(),
            layer: number(case, "layer"),
            neuron: number(case, "neuron"),
            input: case["key"].as_str().unwrap().parse().unwrap(),
            k: case["columns"]["K"].as_array().unwrap().len(),
            filters: Filters::default(),
        });
        let Answer::Neuron(answer) = ask(reader, query).unwrap() else {
            panic!("not a neuron")
        };
        for (column, list) in NeuronColumn::ALL.iter().zip(&answer.columns) {
            let got: Vec<_> = list.iter().map(|s| (u64::from(s.id), s.score)).collect();
            let what = format!("{name} {} {column}", case["key"]);
            agree(&what, &got, &case["columns"][column.name()]);
        }
    }
}

fn pairs_agree(name: &str, reader: &mut Reader, found: &Value) {
    for case in found["pairs"].as_array().unwrap() {
        for (end, list) in [(End::Highest, "highest"), (End::Lowest, "lowest")] {
            let query = Query::Pairs(PairsQuery {
                convention: Default::default(),
                form: case["form"].as_str().unwrap().parse().unwrap(),
                layer: number(case, "layer"),
                head: number(case, "head"),
                distance: number(case, "distance"),
                end,
                k: case[list].as_array().unwrap().len(),
                filters: Filters::default(),
            });
            let Answer::Pairs(answer) = ask(reader, query).unwrap() else {
                panic!("not pairs")
            };
            let id = |from: u32, to: u32| u64::from(from) * VOCAB + u64::from(to);
            let got = answer.pairs.iter().map(|p| (id(p.from, p.to), p.score));
            let what = format!(
                "{name} {} L{}.H{} {} away {list}",
                case["form"], case["layer"], case["head"], case["distance"]
            );
            agree(&what, &got.collect::<Vec<_>>(), &case[list]);
        }
    }
}

#[test]
fn neurons_agree_with_pytorch() {
    for name in names() {
        neurons_agree(&name, &mut reader(&name), &answers(&name));
    }
}

#[test]
fn pairs_agree_with_pytorch_at_every_distance() {
    for name in names() {
        let mut reader = reader(&name);
        let found = answers(&name);
        let cases = found["pairs"].as_array().unwrap();
        let far = cases.iter().any(|case| case["distance"] != 0);
        assert_eq!(far, reader.card().spec.rotary, "{name}");
        pairs_agree(&name, &mut reader, &found);
    }
}

#[test]
fn states_agree_with_pytorch() {
    for name in names() {
        let checkpoint = Checkpoint::open(&location(&name)).unwrap();
        states_agree(&name, &checkpoint, &answers(&name));
    }
}

/// Of a family that is not run on texts there are none.
fn states_agree(name: &str, checkpoint: &Checkpoint, found: &Value) {
    if !checkpoint.family().runs() {
        return;
    }
    let forward = Forward::new(checkpoint, &Device::Cpu).unwrap();
    let width = checkpoint.spec().d_model;
    let cases = found["states"].as_array().unwrap();
    let ids = |case: &Value| -> Vec<u32> {
        let ids = case["ids"].as_array().unwrap().iter();
        ids.map(|id| id.as_u64().unwrap() as u32).collect()
    };
    let texts: Vec<Vec<u32>> = cases.iter().map(ids).collect();
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    let mut states = 0;
    let done = forward.run(
        &texts,
        &[HookPoint::State],
        CancelToken::never(),
        &mut |hooked| {
            states += 1;
            with_numbers(hooked.tensor, |numbers| {
                for (text, rows) in hooked.texts.clone().zip(hooked.rows) {
                    let rows = &numbers[rows.start * width..rows.end * width];
                    let what = format!("{name} text {text} state {}", hooked.at);
                    same_state(&what, rows, width, &cases[text], hooked.at);
                }
            })?;
            Ok(None)
        },
    );
    done.unwrap();
    assert_eq!(states, checkpoint.spec().passes.len() + 1);
}

fn same_state(what: &str, rows: &[f32], width: usize, case: &Value, at: usize) {
    let norms = case["norms"][at].as_array().unwrap();
    assert_eq!(rows.len(), norms.len() * width, "{what}");
    for (position, (row, want)) in rows.chunks(width).zip(norms).enumerate() {
        let want = want.as_f64().unwrap();
        let norm = row
            .iter()
            .map(|&x| f64::from(x).powi(2))
            .sum::<f64>()
            .sqrt();
        assert!(
            (norm / want - 1.0).abs() < 1e-4,
            "{what} [{position}]: {norm}, expected {want}"
        );
    }
    let last = &rows[rows.len() - width..];
    let scale = norms[norms.len() - 1].as_f64().unwrap();
    for (i, (got, want)) in last
        .iter()
        .zip(case["last"][at].as_array().unwrap())
        .enumerate()
    {
        let apart = (f64::from(*got) - want.as_f64().unwrap()).abs();
        assert!(
            apart < 1e-4 * scale,
            "{what} last [{i}]: {got}, expected {want}"
        );
    }
}
