//! What models do with a text, against PyTorch: hooks of every family that runs, the lens of every
//! state, attributions, changes (`tests/prompt/make.py`, and the reference answers); and against
//! itself: identities that hold to the bit.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod command;
mod experts;
mod going_on;
mod hooks;
mod refusals;
#[path = "../support/mod.rs"]
mod support;

use std::path::PathBuf;

use lexiscope::checkpoint::Location;
use lexiscope::projection::DeviceChoice;
use lexiscope::query::{
    Amount, Answer, Answering, AttentionQuery, Callbacks, Change, Continuation, PromptAnswer,
    PromptQuery, Query, QueryError, Reader, TokenChoice,
};
use serde_json::Value;

fn tests() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn json(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(tests().join(path)).unwrap()).unwrap()
}

/// What PyTorch answers, by checkpoint.
fn answers() -> Vec<(String, Value)> {
    let Value::Object(all) = json("prompt/answers.json") else {
        panic!("not an object")
    };
    all.into_iter().collect()
}

fn location(name: &str) -> Location {
    let of_reference = tests().join("reference").join(name);
    Location::Folder {
        name: name.to_owned(),
        path: match of_reference.is_dir() {
            true => of_reference,
            false => tests().join("families").join(name),
        },
    }
}

fn reader(name: &str) -> Reader {
    Reader::open(&location(name), DeviceChoice::Cpu).unwrap()
}

fn query(text: &str) -> PromptQuery {
    PromptQuery {
        text: text.into(),
        special: true,
        chat: false,
        position: None,
        target: None,
        against: None,
        k: 20,
        lens_k: 1,
        changes: Vec::new(),
        continuation: None,
    }
}

fn ask(reader: &mut Reader, query: PromptQuery) -> Result<PromptAnswer, QueryError> {
    match reader.answer(&Query::Prompt(query), Callbacks::none())? {
        Answer::Prompt(answer) => Ok(*answer),
        _ => panic!("no prompt"),
    }
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn id(value: &Value) -> u32 {
    value.as_u64().unwrap() as u32
}

#[track_caller]
fn near(what: &str, got: f64, want: &Value, tolerance: f64) {
    let want = number(want);
    assert!(
        (got - want).abs() <= tolerance,
        "{what}: {got}, expected {want}"
    );
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// The change that two words of a command line are.
fn change(flags: &[Value]) -> Change {
    let value = flags[1].as_str().unwrap();
    let parse = match flags[0].as_str().unwrap() {
        "--ablate" => Change::ablate,
        "--scale" => Change::scale,
        "--set" => Change::set,
        "--steer" => Change::steer,
        other => panic!("{other}"),
    };
    parse(value).unwrap()
}

/// Holds predictions against PyTorch's; ids may change places where logits are all but equal.
fn same_predictions(what: &str, got: &[lexiscope::query::Prediction], want: &[Value], size: f64) {
    for (row, (got, want)) in got.iter().zip(want).enumerate() {
        let what = format!("{what}, prediction {row}");
        near(&what, got.logit.into(), &want["logit"], 1e-4 * size);
        near(&what, got.probability.into(), &want["probability"], 1e-4);
    }
    let clear =
        want.len() < 2 || number(&want[0]["logit"]) - number(&want[1]["logit"]) > 1e-3 * size;
    assert!(!clear || got[0].id == id(&want[0]["id"]), "{what}");
}

/// One case in the form of the reference answers.
fn agrees(name: &str, reader: &mut Reader, case: &Value) {
    let what = format!("{name} at {}", case["position"]);
    let text = case["text"].as_str().unwrap();
    let asked = PromptQuery {
        position: Some(id(&case["position"]) as usize),
        target: Some(TokenChoice::Id(id(&case["target"]))),
        against: Some(TokenChoice::Id(id(&case["against"]))),
        ..query(text)
    };
    let answer = ask(reader, asked.clone()).unwrap();
    let ids: Vec<u32> = list(&case["ids"]).iter().map(id).collect();
    assert_eq!(answer.tokens, ids, "{what}");
    let largest = list(&case["predictions"]).iter();
    let size = largest.fold(1e-3, |m: f64, p| m.max(number(&p["logit"]).abs()));
    same_predictions(&what, &answer.predictions, list(&case["predictions"]), size);
    assert_eq!(answer.lens.len(), list(&case["lens"]).len());
    for (state, (got, want)) in answer.lens.iter().zip(list(&case["lens"])).enumerate() {
        for (position, (got, want)) in got.iter().zip(list(want)).enumerate() {
            let what = format!("{what} lens of state {state} at {position}");
            let largest = number(&want["logit"]).abs().max(size);
            near(
                &what,
                got.best[0].logit.into(),
                &want["logit"],
                1e-4 * largest,
            );
        }
    }
    let lens = answer.target.lens.iter().zip(list(&case["target_lens"]));
    for (state, (got, want)) in lens.enumerate() {
        let largest = number(want).abs().max(size);
        near(
            &format!("{what} target in state {state}"),
            (*got).into(),
            want,
            1e-4 * largest,
        );
    }
    same_parts(&what, &answer, case, size);
    for changed in list(&case["changes"]) {
        let flags = list(&changed["flags"]);
        let what = format!("{what} {flags:?}");
        let changes = flags.chunks(2).map(change).collect();
        let asked = PromptQuery {
            changes,
            ..asked.clone()
        };
        let after = ask(reader, asked).unwrap().after.unwrap();
        same_predictions(
            &what,
            &after.predictions,
            list(&changed["predictions"]),
            size,
        );
        let kl = &changed["kl"];
        near(&what, after.divergence, kl, 2e-4 * number(kl).max(0.05));
    }
}

fn same_parts(what: &str, answer: &PromptAnswer, case: &Value, size: f64) {
    let near_to = |name: &str, got: f64, want: &Value| {
        near(&format!("{what} {name}"), got, want, 2e-4 * size);
    };
    match &answer.attribution {
        Ok(found) => {
            let want = &case["attribution"];
            near_to("embedding", found.embedding, &want["embedding"]);
            near_to("constant", found.constant, &want["constant"]);
            near_to("sum", found.sum, &want["sum"]);
            for (layer, want) in found.layers.iter().zip(list(&want["layers"])) {
                near_to("attention", layer.attention, &want["attention"]);
                near_to("feed-forward", layer.feed_forward, &want["feed_forward"]);
            }
        }
        Err(_) => assert!(case["attribution"].is_null(), "{what}"),
    }
    for want in list(&case["neurons"]).iter().take(10) {
        let (layer, neuron) = (id(&want["layer"]) as usize, id(&want["neuron"]) as usize);
        let mut found = answer.neurons.iter();
        let found = found.find(|n| (n.layer, n.neuron) == (layer, neuron));
        let found = found.unwrap_or_else(|| panic!("{what}: no L{layer}.N{neuron}"));
        let name = format!("L{layer}.N{neuron}");
        near_to(&name, found.activation.into(), &want["activation"]);
        let size = number(&want["size"]).abs();
        near(
            &format!("{what} {name}"),
            found.size.into(),
            &want["size"],
            1e-4 * size.max(1.0),
        );
        if let Some(attribution) = found.attribution {
            near_to(&name, attribution, &want["attribution"]);
        }
    }
    for want in list(&case["heads"]) {
        let (layer, head) = (id(&want["layer"]) as usize, id(&want["head"]) as usize);
        let mut found = answer.heads.iter();
        let found = found.find(|h| (h.layer, h.head) == (layer, head)).unwrap();
        let name = format!("L{layer}.H{head}");
        near_to(&name, found.attribution.unwrap(), &want["attribution"]);
        let Some(attends) = want["attends"].as_array() else {
            continue;
        };
        assert_eq!(found.attends.len(), attends.len());
        for (got, want) in found.attends.iter().zip(attends) {
            near_to(&name, (*got).into(), want);
        }
    }
}

#[test]
fn every_family_that_runs_agrees_with_pytorch() {
    for (name, answer) in answers() {
        agrees(&name, &mut reader(&name), &answer["prompt"]);
    }
}

#[test]
fn the_reference_answers_agree() {
    for (name, path) in [
        ("gpt2-safetensors", "reference/gpt2-safetensors.prompt.json"),
        ("gpt2-pickle", "reference/gpt2-pickle.prompt.json"),
        ("llama", "families/llama.prompt.json"),
    ] {
        let mut reader = reader(name);
        for case in list(&json(path)["prompt"]) {
            agrees(name, &mut reader, case);
        }
    }
}

/// What the screen says of itself holds in every family: the last state's lens is the model's own
/// prediction, to the bit; the parts sum to the logit; the identity changes nothing.
#[test]
fn identities_hold_in_every_family() {
    for (name, answer) in answers() {
        let mut reader = reader(&name);
        let text = answer["prompt"]["text"].as_str().unwrap();
        let asked = PromptQuery {
            changes: vec![
                Change::scale("L0.N1=1").unwrap(),
                Change::scale("L1.H0=1").unwrap(),
                Change::steer("L0:id:5=0").unwrap(),
            ],
            ..query(text)
        };
        let answer = ask(&mut reader, asked).unwrap();
        let last = &answer.lens.last().unwrap()[answer.position];
        let (found, own) = (last.best[0], answer.predictions[0]);
        assert_eq!((found.id, found.logit), (own.id, own.logit), "{name}");
        // Its share of a sum over the vocabulary, which is rounded.
        assert!((found.probability - own.probability).abs() < 1e-6, "{name}");
        assert_eq!(
            answer.target.lens.last(),
            Some(&answer.target.prediction.logit),
            "{name}"
        );
        assert_eq!(last.divergence, 0.0, "{name}");
        if let Ok(parts) = &answer.attribution {
            let apart = (parts.sum - parts.expected).abs();
            let size = f64::from(answer.predictions[0].logit.abs()).max(1.0);
            assert!(apart < 1e-4 * size, "{name}: {apart}");
        }
        let after = answer.after.unwrap();
        assert_eq!(after.predictions, answer.predictions, "{name}");
        assert_eq!(after.target.lens, answer.target.lens, "{name}");
        assert_eq!(after.divergence, 0.0, "{name}");
    }
}

#[test]
fn a_change_is_the_same_from_a_kept_run_and_from_the_beginning() {
    for name in ["gpt2-safetensors", "gemma2", "falcon", "roberta"] {
        let all = json("prompt/answers.json");
        let text = all[name]["prompt"]["text"].as_str().unwrap();
        let asked = |changes: &[&str]| PromptQuery {
            changes: changes.iter().map(|c| Change::scale(c).unwrap()).collect(),
            ..query(text)
        };
        let mut kept = reader(name);
        ask(&mut kept, asked(&[])).unwrap();
        ask(&mut kept, asked(&["L0.N2=3"])).unwrap();
        let later = ask(&mut kept, asked(&["L1.N2=3"])).unwrap();
        // No room for any layer: all are read again.
        let mut fresh = reader(name).holding(0);
        assert_eq!(
            ask(&mut fresh, asked(&["L1.N2=3"])).unwrap(),
            later,
            "{name}"
        );
    }
}

#[test]
fn a_text_goes_on_the_same_way_for_the_same_seed() {
    let mut reader = reader("gpt2-safetensors");
    let mut goes_on = |temperature: f32, seed| {
        let asked = PromptQuery {
            continuation: Some(Continuation {
                tokens: 6,
                temperature: Amount::new(temperature).unwrap(),
                seed,
            }),
            changes: vec![Change::steer("L1:id:40=30").unwrap()],
            ..query("Nie wiem, gdzie on jest.")
        };
        let answer = ask(&mut reader, asked).unwrap();
        let best = answer.predictions[0].id;
        let found = answer.continuation.unwrap();
        (best, found.before, found.after.unwrap())
    };
    let (best, before, after) = goes_on(0.0, 1);
    assert_eq!(before[0], best);
    assert_ne!(before, after);
    assert_eq!(
        goes_on(0.0, 2).1,
        before,
        "without a draw the seed is nothing"
    );
    let drawn = goes_on(5.0, 7);
    assert_eq!(goes_on(5.0, 7), drawn);
    assert_ne!(goes_on(5.0, 8).1, drawn.1);
}

#[test]
fn a_head_s_attention_is_pytorch_s_whether_its_text_was_run_or_not() {
    for (name, answer) in answers() {
        let case = &answer["prompt"];
        let text = case["text"].as_str().unwrap();
        let mut reader = reader(&name);
        for (layer, want) in list(&answer["hooks"]).iter().enumerate() {
            let Value::Array(want) = &want["attn.pattern"] else {
                continue;
            };
            for head in [0, want.len() - 1] {
                let asked = Query::Attention(AttentionQuery {
                    text: text.into(),
                    special: true,
                    chat: false,
                    layer,
                    head,
                });
                let Answer::Attention(got) = reader.answer(&asked, Callbacks::none()).unwrap()
                else {
                    panic!("no attention")
                };
                let last = got.from(got.tokens.len() - 1);
                for (got, want) in last.iter().zip(list(&want[head])) {
                    near(
                        &format!("{name} L{layer}.H{head}"),
                        (*got).into(),
                        want,
                        1e-4,
                    );
                }
            }
            // The last layer starts from the states that this leaves.
            ask(&mut reader, query(text)).unwrap();
        }
    }
}
