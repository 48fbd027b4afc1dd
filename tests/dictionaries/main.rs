//! Directions from files: every layout that is recognised, against NumPy in float64
//! (`tests/dictionaries/make.py`), and what cannot be read.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use lexiscope::checkpoint::{DictionaryOptions, DictionarySide};
use lexiscope::query::{
    Answer, Convention, DictionaryAnswer, DictionaryAsk, DictionaryFound, DictionaryQuery,
    DictionarySource, NeuronColumn, Query, QueryError, RankBy, RankMetric, Reader,
};
use lexiscope::vocabulary::Filters;
use serde_json::Value;
use support::{Home, ask, json, reader, tests, text};

/// What the command's arguments say of a dictionary.
fn options(args: &Value) -> DictionaryOptions {
    let args: Vec<&str> = args
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a.as_str().unwrap())
        .collect();
    let mut options = DictionaryOptions::default();
    for pair in args.chunks(2) {
        let value = pair[1];
        match pair[0] {
            "--layer" => options.layer = value.parse().ok(),
            "--target" => options.target = value.parse().ok(),
            "--side" => options.side = Some(value.parse().unwrap()),
            "--hook" => options.hook = Some(value.parse().unwrap()),
            "--tensor" => options.tensor = Some(value.to_owned()),
            other => panic!("{other}"),
        }
    }
    options
}

fn asked(
    model: &mut Reader,
    case: &Value,
    convention: &str,
    what: DictionaryAsk,
) -> Result<DictionaryAnswer, QueryError> {
    let path = case["path"].as_str().unwrap();
    let query = Query::Dictionary(DictionaryQuery {
        source: Arc::new(DictionarySource {
            path: tests("dictionaries/files").join(path),
            options: options(&case["args"]),
        }),
        ask: what,
        filters: Filters::default(),
        convention: convention.parse::<Convention>().unwrap(),
    });
    match ask(model, &query)? {
        Answer::Dictionary(answer) => Ok(answer),
        _ => panic!("{path}"),
    }
}

fn close(got: f32, expected: f64, what: &str) {
    let apart = (f64::from(got) - expected).abs();
    assert!(
        apart < 2e-5 * (1.0 + expected.abs()),
        "{what}: {got}, {expected}"
    );
}

fn cases() -> Vec<Value> {
    let cases = json(&tests("dictionaries/expected.json"));
    cases.as_array().unwrap().clone()
}

fn index(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

#[test]
fn every_layout_is_recognised_with_its_place() {
    let mut model = reader(&tests("families/gemma2"));
    let cases = cases();
    assert!(cases.len() > 18);
    for case in &cases {
        let path = case["path"].as_str().unwrap();
        let card = asked(&mut model, case, "raw", DictionaryAsk::About)
            .unwrap()
            .card;
        assert_eq!(card.layout, case["layout"], "{path}");
        assert_eq!(card.count, index(&case["count"]), "{path}");
        for (side, name) in [
            (DictionarySide::Reads, "reads"),
            (DictionarySide::Writes, "writes"),
        ] {
            let found = card.sides.iter().find(|of| of.side == side);
            let Some(place) = case[name].as_array() else {
                assert!(found.is_none(), "{path}: {name}");
                continue;
            };
            let found = found.unwrap_or_else(|| panic!("{path}: {name}"));
            assert_eq!(found.hook.name(), place[0], "{path}: {name}");
            assert_eq!(
                found.layer,
                place[1].as_u64().map(|l| l as usize),
                "{path}: {name}"
            );
        }
    }
}

#[test]
fn columns_are_those_of_the_definition_with_and_without_norms() {
    let mut model = reader(&tests("families/gemma2"));
    for case in &cases() {
        for convention in ["raw", "gain"] {
            let row = index(&case["row"]);
            let what = DictionaryAsk::Direction { row, k: 5 };
            let path = format!("{} {convention}", case["path"]);
            let answer = asked(&mut model, case, convention, what);
            let answer = answer.unwrap_or_else(|e| panic!("{path}: {e}"));
            let DictionaryFound::Direction(found) = answer.found else {
                panic!("{path}");
            };
            for (column, list) in NeuronColumn::ALL.into_iter().zip(&found.columns) {
                let expected = &case["columns"][convention][column.name()];
                let Some(expected) = expected.as_array() else {
                    assert!(list.is_empty(), "{path} {column}");
                    continue;
                };
                assert_eq!(list.len(), expected.len(), "{path} {column}");
                for (got, expected) in list.iter().zip(expected) {
                    assert_eq!(got.id as usize, index(&expected[0]), "{path} {column}");
                    close(got.score, expected[1].as_f64().unwrap(), &path);
                }
            }
            for (got, name) in [(found.bias, "bias"), (found.threshold, "threshold")] {
                assert_eq!(got.map(f64::from), case[name].as_f64(), "{path} {name}");
            }
        }
    }
}

#[test]
fn words_are_found_by_cosine_and_by_rank() {
    let mut model = reader(&tests("families/gemma2"));
    for case in &cases() {
        let path = case["path"].as_str().unwrap();
        let words = vec![format!("id:{}", case["token"])];
        let what = |by| DictionaryAsk::Find {
            words: words.clone(),
            by,
            k: 3,
        };
        let answer = asked(&mut model, case, "raw", what(RankBy::Cosine)).unwrap();
        let DictionaryFound::Places(found) = answer.found else {
            panic!("{path}");
        };
        assert!(found.exact);
        for (name, expected) in case["find"].as_object().unwrap() {
            let group = found.groups.iter().find(|g| g.role.name() == name).unwrap();
            for (hit, expected) in group.hits.iter().zip(expected.as_array().unwrap()) {
                assert_eq!(hit.index, index(&expected[0]), "{path} {name}");
                close(hit.cosine, expected[1].as_f64().unwrap(), path);
                assert_eq!(hit.rank, Some(index(&expected[2])), "{path} {name}");
            }
        }
        // By rank none stands before one of a smaller rank, and all ranks are counted.
        let answer = asked(&mut model, case, "raw", what(RankBy::Rank)).unwrap();
        let DictionaryFound::Places(by_rank) = answer.found else {
            panic!("{path}");
        };
        for (group, of) in by_rank.groups.iter().zip(&found.groups) {
            let ranks: Vec<usize> = group.hits.iter().map(|hit| hit.rank.unwrap()).collect();
            assert!(ranks.is_sorted(), "{path}");
            assert!(ranks[0] <= of.hits[0].rank.unwrap(), "{path}");
        }
    }
}

#[test]
fn what_is_similar_is_so_by_cosine() {
    let mut model = reader(&tests("families/gemma2"));
    for case in &cases() {
        let Some(expected) = case["similar"].as_object() else {
            continue;
        };
        let path = case["path"].as_str().unwrap();
        let row = index(&case["row"]);
        let what = DictionaryAsk::Similar { row, n: 3 };
        let answer = asked(&mut model, case, "raw", what).unwrap();
        let DictionaryFound::Similar(sides) = answer.found else {
            panic!("{path}");
        };
        let side = sides
            .iter()
            .find(|of| of.side == DictionarySide::Writes)
            .unwrap();
        let directions = expected["directions"].as_array().unwrap();
        for (hit, expected) in side.directions.iter().zip(directions) {
            assert_eq!(hit.index, index(&expected[0]), "{path}");
            close(hit.cosine, expected[1].as_f64().unwrap(), path);
        }
        let neurons = expected["neurons"].as_array().unwrap();
        for (hit, expected) in side.neurons.iter().zip(neurons) {
            assert_eq!(
                (hit.layer, hit.index),
                (index(&expected[0]), index(&expected[1])),
                "{path}"
            );
            close(hit.cosine, expected[2].as_f64().unwrap(), path);
        }
    }
}

#[test]
fn rankings_are_of_all_directions() {
    let mut model = reader(&tests("families/gemma2"));
    let case = &cases()[0];
    for by in RankMetric::NEURONS {
        let what = DictionaryAsk::Rank {
            by,
            count: 100,
            words: 3,
        };
        let answer = asked(&mut model, case, "raw", what).unwrap();
        let DictionaryFound::Ranked(ranked) = answer.found else {
            panic!("{by}");
        };
        assert_eq!(ranked.items.len(), 12, "{by}");
        assert!(
            ranked.items.is_sorted_by(|a, b| a.figure >= b.figure),
            "{by}"
        );
        assert!(
            ranked
                .items
                .iter()
                .all(|of| of.key.len() == 3 && of.value.len() == 3)
        );
    }
}

#[test]
fn what_cannot_be_read_is_refused_in_a_sentence() {
    let home = Home::new();
    let model = tests("families/gemma2");
    let files = tests("dictionaries/files");
    for (file, more, said) in [
        ("bad/nan.npy", "D2", "NaN"),
        ("bad/wide.npy", "", "expected rows of 24 numbers"),
        ("bad/deep.npy", "", "[n, 24]"),
        ("bad/whole-numbers.npy", "D1", "NumPy's <i8"),
        ("bad/cut.npz", "", "cut short"),
        ("bad/text.npy", "", "without its signature"),
        ("bad/rows.csv", "", "got .csv"),
        ("bad/none", "", "got none"),
        ("bad", "", "expected a folder with one of"),
        ("circuit-tracer", "", "expected --layer 0 to 1"),
        (
            "circuit-tracer",
            "--layer 7",
            "expected --layer 0 to 1, got 7",
        ),
        (
            "circuit-tracer-clt",
            "--layer 1 --target 0",
            "expected --target 1 to 1",
        ),
        ("gemma-scope-2/clt/width_6", "", "expected --layer 0 to 1"),
        ("plain/two.safetensors", "", "say which with --tensor"),
        ("plain/columns.npy", "D7", "direction 7 is not in"),
        ("plain/columns.npy", "--layer 2", "layer 2 is not in"),
        ("plain/columns.npy", "--rank overlap", "one of the two"),
        ("plain/columns.npy", "--rank copying", "of heads"),
        ("plain/columns.npy", "L3", "expected a direction's address"),
        ("saelens", "--side reads --rank overlap", "one of the two"),
    ] {
        let mut line = vec!["dictionary".to_owned(), model.display().to_string()];
        line.push("--directions".to_owned());
        line.push(files.join(file).display().to_string());
        line.extend(more.split_whitespace().map(str::to_owned));
        let output = home.run(&line);
        let error = text(&output.stderr);
        assert!(!output.status.success(), "{file} {more}");
        assert!(error.contains(said), "{file} {more}: {error}");
        assert_eq!(
            error.trim_end().lines().count(),
            1,
            "{file} {more}: {error}"
        );
    }
}

#[test]
fn the_command_makes_its_own_answer_again() {
    let home = Home::new();
    let model = tests("families/gemma2").display().to_string();
    let file = tests("dictionaries/files/saelens").display().to_string();
    for more in [
        &["D3", "-k", "4"][..],
        &["D3", "--similar", "-n", "2"],
        &["--rank", "norm", "-n", "3", "--convention", "gain"],
        &["--find", "id:17", "--by", "score", "-k", "2"],
        &[],
    ] {
        let line = [
            "dictionary",
            &model,
            "--directions",
            &file,
            "--format",
            "json",
        ];
        let run = |words: &[&str]| text(&home.run(words).stdout);
        let first = run(&[&line[..], more].concat());
        let made: Value = serde_json::from_str(&first).unwrap();
        let command = made["command"].as_str().unwrap();
        let words = lexiscope::sheet::shell_words(command).unwrap();
        let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        assert_eq!(run(&words), first, "{command}");
        for format in ["table", "csv", "markdown"] {
            let mut other = [&line[..5], &[format][..], more].concat();
            other.retain(|word| !word.is_empty());
            assert!(home.run(&other).status.success(), "{format} {more:?}");
        }
    }
}
