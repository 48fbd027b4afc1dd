//! The command line: JSON as it is agreed on, the other formats, and wrong usage.

use std::process::{Command, Output};

use serde_json::Value;

use super::support::BINARY;
use super::tests;

fn run(arguments: &[&str]) -> Output {
    let model = tests().join("families/llama");
    let mut command = Command::new(BINARY);
    command.arg("prompt").arg(model).args(arguments);
    let home = tempfile::tempdir().unwrap();
    command.env("HOME", home.path()).env("HF_HUB_OFFLINE", "1");
    command.output().unwrap()
}

fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn json_has_what_was_agreed_on() {
    let text = [
        "--text",
        "the cat",
        "--target-id",
        "70",
        "--against-id",
        "22",
    ];
    let more = [
        "-k", "3", "--lens-k", "2", "--ablate", "L1.N39", "--format", "json",
    ];
    let printed = printed(&[&text[..], &more[..]].concat());
    let found: Value = serde_json::from_str(&printed).unwrap();
    let tokens = found["tokens"].as_array().unwrap();
    assert_eq!(tokens.len(), 7);
    assert!(
        tokens[3]["id"] == 6 && tokens[3]["token"].is_string() && tokens[3]["text"].is_string()
    );
    assert_eq!(found["position"], 6);
    assert_eq!(found["predictions"].as_array().unwrap().len(), 3);
    for key in ["id", "text", "logit", "probability"] {
        assert!(keys(&found["predictions"][0]).contains(&key), "{key}");
    }
    let lens = found["lens"].as_array().unwrap();
    assert_eq!(lens.len(), 3);
    for (state, of) in lens.iter().enumerate() {
        assert_eq!(of["state"], state);
        let positions = of["positions"].as_array().unwrap();
        assert!(positions.len() == 7 && positions.iter().all(|p| p.as_array().unwrap().len() == 2));
    }
    for word in ["target", "against"] {
        assert_eq!(found[word]["lens"].as_array().unwrap().len(), 3);
        assert!(found[word]["rank"].as_u64().unwrap() > 0);
    }
    assert!(found["target"]["id"] == 70 && found["against"]["id"] == 22);
    let parts = &found["attribution"];
    let of_layers = parts["layers"].as_array().unwrap().iter();
    let of_layers =
        of_layers.map(|l| l["attention"].as_f64().unwrap() + l["feed_forward"].as_f64().unwrap());
    let all = of_layers.sum::<f64>()
        + parts["embedding"].as_f64().unwrap()
        + parts["constant"].as_f64().unwrap();
    assert!((all - parts["sum"].as_f64().unwrap()).abs() < 1e-9);
    let logit = |word: &str| found[word]["logit"].as_f64().unwrap();
    assert!((all - (logit("target") - logit("against"))).abs() < 1e-4 * logit("target").abs());
    let neuron = &found["neurons"][0];
    assert!(neuron["address"].as_str().unwrap().starts_with('L'));
    assert!(
        ["activation", "size", "attribution"]
            .iter()
            .all(|key| neuron[key].is_number())
    );
    assert_eq!(found["heads"][0]["attends"].as_array().unwrap().len(), 7);
    assert_eq!(found["after"]["predictions"].as_array().unwrap().len(), 3);
    assert!(found["after"]["kl"].as_f64().unwrap() > 0.0);
    assert_eq!(found["after"]["target"]["id"], 70);
    // The command that it names makes the same.
    let command = found["command"].as_str().unwrap();
    assert!(
        command.contains("--ablate L1.N39") && command.contains("--target-id 70"),
        "{command}"
    );
}

#[test]
fn other_formats_hold_the_same_figures() {
    let text = ["--text", "the cat", "-k", "4", "--scale", "L0.N3=-2@3"];
    let table = printed(&text);
    for says in [
        "sum of all",
        "KL(before ‖ after)",
        "to the last bit",
        "attends most to",
    ] {
        assert!(table.contains(says), "{says}: {table}");
    }
    let csv = printed(&[&text[..], &["--format", "csv"]].concat());
    let head = csv.lines().next().unwrap();
    assert!(
        head.starts_with("part,state,position,address,id,token,text,logit,probability"),
        "{head}"
    );
    let count = |part: &str| csv.lines().filter(|line| line.starts_with(part)).count();
    assert_eq!(count("prediction,"), 4);
    assert_eq!(count("prediction after,"), 4);
    assert_eq!(count("lens,"), 3 * 7);
    // Of the states after layer 0 alone.
    assert_eq!(count("lens after,"), 2 * 7);
    assert_eq!(count("neuron,"), 4);
    let markdown = printed(&[&text[..], &["--format", "markdown"]].concat());
    assert!(
        markdown.contains("## predictions") && markdown.contains("| ----"),
        "{markdown}"
    );
}

#[test]
fn a_file_is_read_without_its_last_line_break() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.txt");
    std::fs::write(&path, "the cat\n").unwrap();
    let more = ["-k", "2", "--format", "json"];
    let of_file = printed(&[&["--text-file", path.to_str().unwrap()][..], &more].concat());
    let typed = printed(&[&["--text", "the cat"][..], &more].concat());
    assert_eq!(of_file, typed);
}

#[test]
fn wrong_usage_ends_with_status_2_and_what_cannot_be_done_with_1() {
    for wrong in [
        &["--text", "a", "--ablate", "L1"][..],
        &["--text", "a", "--scale", "L1.N2"],
        &["--text", "a", "--set", "L1.H2=1"],
        &["--text", "a", "--steer", "L1=2"],
        &["--text", "a", "--seed", "1"],
        &[],
    ] {
        assert_eq!(run(wrong).status.code(), Some(2), "{wrong:?}");
    }
    let missing = run(&["--text", "the cat", "--ablate", "L7.N1"]);
    assert_eq!(missing.status.code(), Some(1));
    let said = String::from_utf8(missing.stderr).unwrap();
    assert!(
        said.contains("layer 7") && said.lines().count() == 1,
        "{said}"
    );
}
