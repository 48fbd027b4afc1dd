//! The command line: its formats and wrong usage.

use std::process::{Command, Output};

use serde_json::Value;

use super::support::BINARY;
use super::tests;

fn run(command: &str, arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new(BINARY)
        .arg(command)
        .arg(tests().join("reference/gpt2-safetensors"))
        .args(arguments)
        .env("HOME", home.path())
        .env("HF_HUB_OFFLINE", "1")
        .output()
        .unwrap()
}

fn printed(command: &str, arguments: &[&str]) -> String {
    let output = run(command, arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

const TEXT: [&str; 2] = [
    "--text",
    "Matematyk nie ufał intuicji i wszystko sprawdzał dwa razy",
];

#[test]
fn a_neuron_s_json_has_its_passages_and_what_its_key_tells() {
    let found = printed(
        "contexts",
        &[&["L1.N3", "--format", "json"], &TEXT[..]].concat(),
    );
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["address"], "L1.N3");
    let most = &found["most"][0];
    let at = most["position"].as_u64().unwrap() - most["first"].as_u64().unwrap();
    assert_eq!(most["tokens"][at as usize]["value"], most["value"]);
    assert!(most["rank"].is_u64() && most["tokens"][0]["token"].is_string());
    assert_eq!(found["values"]["histogram"].as_array().unwrap().len(), 20);
    let bands = found["key"]["bands"].as_array().unwrap();
    let positions: u64 = bands.iter().map(|b| b["positions"].as_u64().unwrap()).sum();
    assert_eq!(found["values"]["count"], positions);
    let command = found["command"].as_str().unwrap();
    assert!(
        command.contains("contexts") && command.ends_with("--format json"),
        "{command}"
    );
}

#[test]
fn a_head_s_table_marks_both_positions() {
    let found = printed("contexts", &[&["L1.H1", "-k", "3"], &TEXT[..]].concat());
    assert!(
        found.contains("mean weight to the first position"),
        "{found}"
    );
    let line = found.lines().find(|line| line.contains('‹')).unwrap();
    assert!(line.contains('['), "{found}");
    let csv = printed(
        "contexts",
        &[&["L1.H1", "--format", "csv"], &TEXT[..]].concat(),
    );
    assert!(csv.starts_with("end,rank,text,position,id,token,weight,to,to_id,to_token,passage,"));
    assert_eq!(csv.lines().count(), 2);
}

#[test]
fn evidence_is_a_row_a_neuron_and_a_chart_by_layer() {
    let csv = printed("evidence", &[&["--format", "csv"], &TEXT[..]].concat());
    assert!(csv.starts_with("layer,neuron,precision,precision_base,agreement,agreement_base,"));
    let svg = printed("evidence", &[&["--format", "svg"], &TEXT[..]].concat());
    assert!(svg.starts_with("<svg") && svg.contains("precision of K at 10"));
    assert!(
        svg.contains("evidence") && svg.contains("--format svg"),
        "{svg}"
    );
    let table = printed("evidence", &TEXT);
    assert!(table.contains("means by layer"), "{table}");
}

#[test]
fn other_places_than_neurons_and_heads_are_wrong_usage() {
    for place in ["L3", "S2", "L1.H1.VO", "x"] {
        let output = run("contexts", &[place]);
        assert_eq!(output.status.code(), Some(2), "{place}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("expected"), "{place}: {said}");
    }
}
