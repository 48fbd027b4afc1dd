//! Where neurons and heads fire, and the evidence for their lists, against PyTorch
//! (`tests/contexts/make.py`); and the command line.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod command;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use lexiscope::checkpoint::Location;
use lexiscope::geometry::{Language, Texts};
use lexiscope::projection::DeviceChoice;
use lexiscope::query::{
    Address, Answer, Answering, Callbacks, ContextTexts, ContextsAnswer, ContextsFigures,
    ContextsQuery, Convention, EvidenceQuery, Items, Passage, Query, QueryError, Reader,
};
use lexiscope::task::CancelToken;
use lexiscope::transformer::Input;
use serde_json::Value;

fn tests() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// What PyTorch answers, by checkpoint.
fn answers() -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(tests().join("contexts/answers.json")).unwrap();
    let Value::Object(all) = serde_json::from_str(&text).unwrap() else {
        panic!("not an object")
    };
    all.into_iter().collect()
}

/// A checkpoint; the one of this folder gets the tokenizer of the reference GPT-2.
fn opened(name: &str, folder: &Path) -> Reader {
    let reference = tests().join("reference");
    let path = match reference.join(name).is_dir() {
        true => reference.join(name),
        false => {
            let own = tests().join("contexts").join(name);
            for file in ["config.json", "model.safetensors"] {
                std::fs::copy(own.join(file), folder.join(file)).unwrap();
            }
            let tokenizer = reference.join("gpt2-safetensors/tokenizer.json");
            std::fs::copy(tokenizer, folder.join("tokenizer.json")).unwrap();
            folder.to_owned()
        }
    };
    let name = name.to_owned();
    Reader::open(&Location::Folder { name, path }, DeviceChoice::Cpu).unwrap()
}

/// The first of the bundled texts.
fn texts() -> ContextTexts {
    let all = Texts::bundled(Language::Polish).texts;
    ContextTexts::new(Texts::typed(all[..16].to_vec()))
}

fn query(place: &str, k: usize) -> ContextsQuery {
    let (among, layer, item) = match place.parse().unwrap() {
        Address::Neuron { layer, neuron } => (Items::Neurons, layer, neuron),
        Address::Head { layer, head, .. } => (Items::Heads, layer, head),
        other => panic!("{other}"),
    };
    ContextsQuery {
        layer,
        item,
        among,
        input: Input::Gate,
        texts: texts(),
        k,
        convention: Convention::RAW,
    }
}

fn ask(reader: &mut Reader, query: ContextsQuery) -> Result<ContextsAnswer, QueryError> {
    match reader.answer(&Query::Contexts(query), Callbacks::none())? {
        Answer::Contexts(answer) => Ok(*answer),
        _ => panic!("no contexts"),
    }
}

fn number(value: &Value) -> f64 {
    let number = value.as_f64();
    number.unwrap_or_else(|| panic!("{value} is no number"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

#[track_caller]
fn near(what: &str, got: f64, want: &Value) {
    let want = number(want);
    let tolerance = 2e-5 * want.abs().max(1.0);
    assert!(
        (got - want).abs() <= tolerance,
        "{what}: {got}, expected {want}"
    );
}

/// Passages against lists of text, position, of heads the other position, and value.
fn same_passages(what: &str, got: &[Passage], want: &Value) {
    let Value::Array(want) = want else { return };
    assert_eq!(got.len(), want.len(), "{what}");
    for (got, want) in got.iter().zip(want) {
        let want = list(want);
        let mut place = vec![got.text, got.position];
        place.extend(got.to);
        let places = &want[..want.len() - 1];
        let places: Vec<usize> = places.iter().map(|n| number(n) as usize).collect();
        assert_eq!(place, places, "{what}");
        near(what, got.value.into(), &want[want.len() - 1]);
        // The piece of text has the position, and its number is the passage's own.
        assert!(got.position >= got.first && got.position < got.first + got.ids.len());
        let shown = got.to.unwrap_or(got.position) - got.first;
        assert_eq!(got.values[shown], got.value, "{what}");
    }
}

fn same_spread(what: &str, got: &ContextsAnswer, want: &Value) {
    assert_eq!(got.count, number(&want["count"]) as usize, "{what}");
    let spread = &got.spread;
    near(what, spread.least.into(), &want["least"]);
    near(what, spread.most.into(), &want["most"]);
    near(what, spread.mean, &want["mean"]);
    near(what, spread.above_zero, &want["above_zero"]);
    assert_eq!(spread.histogram.iter().sum::<usize>(), got.count, "{what}");
    same_passages(what, &got.most, &want["highest"]);
}

#[test]
fn neurons_fire_where_pytorch_says() {
    for (name, want) in answers() {
        let folder = tempfile::tempdir().unwrap();
        let mut reader = opened(&name, folder.path());
        for (place, want) in want["neurons"].as_object().unwrap() {
            let what = &format!("{name} {place}");
            let got = ask(&mut reader, query(place, 4)).unwrap();
            same_spread(what, &got, want);
            same_passages(what, &got.least, &want["lowest"]);
            let ContextsFigures::Key(key) = &got.figures else {
                panic!("{what}: {:?}", got.figures)
            };
            if !want["precision"].is_null() {
                near(what, key.precision, &want["precision"]);
                near(what, key.base, &want["base"]);
            }
            near(what, key.correlation.unwrap(), &want["correlation"]);
            for (got, want) in key.bands.iter().zip(list(&want["bands"])) {
                let band = [got.first, got.last, got.positions];
                let wanted = [0, 1, 2].map(|i| number(&want[i]) as usize);
                assert_eq!(band, wanted, "{what}");
                if let Some(mean) = got.mean {
                    near(what, mean, &want[3]);
                }
            }
        }
    }
}

#[test]
fn heads_look_where_pytorch_says() {
    for (name, want) in answers() {
        let folder = tempfile::tempdir().unwrap();
        let mut reader = opened(&name, folder.path());
        for (place, want) in want["heads"].as_object().unwrap() {
            let what = &format!("{name} {place}");
            let got = ask(&mut reader, query(place, 4)).unwrap();
            same_spread(what, &got, want);
            assert!(got.least.is_empty(), "{what}");
            let ContextsFigures::Attention(of) = &got.figures else {
                panic!("{what}: {:?}", got.figures)
            };
            near(what, of.first, &want["first"]);
            near(what, of.itself, &want["itself"]);
            near(what, of.previous, &want["previous"]);
        }
    }
}

#[test]
fn evidence_is_what_pytorch_finds_of_each_neuron() {
    for (name, want) in answers() {
        let folder = tempfile::tempdir().unwrap();
        let mut reader = opened(&name, folder.path());
        let asked = Query::Evidence(EvidenceQuery {
            texts: texts(),
            input: Input::Gate,
            convention: Convention::RAW,
        });
        let answer = reader.answer(&asked, Callbacks::none()).unwrap();
        let Answer::Evidence(answer) = answer else {
            panic!("no evidence")
        };
        assert_eq!(answer.positions, number(&want["positions"]) as usize);
        for want in list(&want["evidence"]) {
            let [layer, neuron] = ["layer", "neuron"].map(|key| number(&want[key]) as usize);
            let what = &format!("{name} L{layer}.N{neuron}");
            let got = &answer.layers[layer].neurons[neuron];
            near(what, got.most.into(), &want["most"]);
            near(what, got.above_zero, &want["above_zero"]);
            let pairs = [
                ("precision", Some(got.precision)),
                ("precision_base", Some(got.precision_base)),
                ("agreement", got.agreement),
                ("agreement_base", got.agreement_base),
            ];
            for (key, got) in pairs {
                if let Some(want) = want.get(key) {
                    near(&format!("{what} {key}"), got.unwrap(), want);
                }
            }
        }
    }
}

#[test]
fn an_answer_does_not_depend_on_what_was_asked_before() {
    let folders = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let [folder, of_reader, of_small] = folders.each_ref().map(|folder| folder.path());
    let alone = |place: &str| ask(&mut opened("mistral", folder), query(place, 4)).unwrap();
    let mut reader = opened("mistral", of_reader);
    // A little memory: one neuron at a time, and texts one after another.
    let mut small = opened("mistral", of_small).holding(6 << 10);
    for place in ["L1.N3", "L0.N5", "L1.H2", "L0.H1", "L1.N3", "L0.N5"] {
        let want = alone(place);
        assert_eq!(ask(&mut reader, query(place, 4)).unwrap(), want, "{place}");
        assert_eq!(ask(&mut small, query(place, 4)).unwrap(), want, "{place}");
    }
}

#[test]
fn what_was_cancelled_goes_on_and_what_was_kept_is_read_again() {
    let (folder, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let rankings = cache.path().join("rankings");
    let want = ask(&mut opened("mistral", folder.path()), query("L1.N3", 4)).unwrap();
    let mut reader = opened("mistral", folder.path()).keeping_rankings(rankings.clone());
    for steps in [1, 2, 5, 40, 60] {
        let left = AtomicUsize::new(steps);
        let ends = || left.fetch_sub(1, Relaxed) == 0;
        let callbacks = Callbacks {
            cancel: CancelToken::new(&ends),
            ..Callbacks::none()
        };
        let asked = Query::Contexts(query("L1.N3", 4));
        if let Err(error) = reader.answer(&asked, callbacks) {
            assert!(error.is_cancelled(), "{error}");
        }
    }
    assert_eq!(ask(&mut reader, query("L1.N3", 4)).unwrap(), want);
    let kept = || std::fs::read_dir(cache.path().join("contexts")).unwrap();
    assert_eq!(kept().count(), 1);
    let mut again = opened("mistral", folder.path()).keeping_rankings(rankings);
    assert_eq!(ask(&mut again, query("L1.N3", 4)).unwrap(), want);
    // Another neuron of the layer comes from the same file; a file that was damaged is not read.
    let file = kept().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[9] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let mut other =
        opened("mistral", folder.path()).keeping_rankings(cache.path().join("rankings"));
    assert_eq!(ask(&mut other, query("L1.N3", 4)).unwrap(), want);
}

#[test]
fn texts_without_a_position_that_counts_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut reader = opened("mistral", folder.path());
    let mut asked = query("L0.N1", 4);
    asked.texts = ContextTexts::new(Texts::typed(vec!["a".to_owned()]));
    let error = ask(&mut reader, asked).unwrap_err().to_string();
    assert!(error.contains("no position of the texts counts"), "{error}");
    let error = ask(&mut reader, query("L7.N1", 4)).unwrap_err().to_string();
    assert!(error.contains("expected 0 to 1"), "{error}");
}
