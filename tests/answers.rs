//! The answers of the reference checkpoints: a notebook's own functions and PyTorch gave them, for
//! two families in five forms of files (`tests/reference/README.md`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/mod.rs"]
mod support;

use lexiscope::projection::End;
use lexiscope::query::{
    Answer, Answering, Callbacks, NeuronColumn, NeuronQuery, PairsQuery, Query, Reader,
};
use lexiscope::transformer::Input;
use lexiscope::vocabulary::Filters;
use serde_json::Value;
use support::{REFERENCES, reference_and_answers};

fn number(case: &Value, key: &str) -> usize {
    case[key].as_u64().unwrap() as usize
}

fn flag(case: &Value, key: &str) -> bool {
    case[key].as_bool().unwrap_or(false)
}

fn filters(case: &Value) -> Filters {
    Filters {
        ascii: flag(case, "ascii"),
        alnum: flag(case, "alnum"),
        exclude_same: flag(case, "exclude_same"),
        ..Filters::default()
    }
}

/// Scores must agree within a thousandth of the largest, and what is listed wherever scores are
/// further apart than that.
fn assert_same<T: PartialEq + std::fmt::Debug>(got: &[(T, f64)], want: &[(T, f64)], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}: length");
    let largest = want
        .iter()
        .fold(0.0, |most: f64, (_, score)| most.max(score.abs()));
    let tolerance = 1e-3 * largest + 1e-9;
    for (at, (got, expected)) in got.iter().zip(want).enumerate() {
        assert!(
            (got.1 - expected.1).abs() <= tolerance,
            "{what}: row {at}: {got:?} {expected:?}"
        );
        let near =
            |(item, score): &(T, f64)| *item == got.0 && (score - got.1).abs() <= 2.0 * tolerance;
        let at_the_edge = (want[want.len() - 1].1 - got.1).abs() <= 2.0 * tolerance;
        assert!(
            want.iter().any(near) || at_the_edge,
            "{what}: row {at} is {:?}",
            got.0
        );
    }
}

#[test]
fn neurons_agree_with_the_notebook() {
    let mut cases = 0;
    for name in REFERENCES {
        let (mut reader, answers) = reference_and_answers(name);
        for case in answers["neuron"].as_array().unwrap() {
            let query = NeuronQuery {
                convention: Default::default(),
                layer: number(case, "layer"),
                neuron: number(case, "neuron"),
                input: Input::default(),
                k: number(case, "k"),
                filters: filters(case),
            };
            let answer = reader
                .answer(&Query::Neuron(query.clone()), Callbacks::none())
                .unwrap();
            let Answer::Neuron(answer) = answer else {
                panic!("{answer:?}")
            };
            for (column, got) in NeuronColumn::ALL.iter().zip(&answer.columns) {
                let got: Vec<_> = got
                    .iter()
                    .map(|s| (u64::from(s.id), f64::from(s.score)))
                    .collect();
                let want = case["columns"][column.name()].as_array().unwrap();
                let row =
                    |row: &Value| (row["id"].as_u64().unwrap(), row["score"].as_f64().unwrap());
                let want: Vec<_> = want.iter().map(row).collect();
                assert_same(&got, &want, &format!("{name} {query:?} {column}"));
            }
            cases += 1;
        }
    }
    assert_eq!(cases, 108);
}

#[test]
fn pairs_agree_with_brute_force() {
    let mut cases = 0;
    for name in REFERENCES {
        let (mut reader, answers) = reference_and_answers(name);
        for case in answers["pairs"].as_array().unwrap() {
            let query = PairsQuery {
                convention: Default::default(),
                form: case["kind"].as_str().unwrap().parse().unwrap(),
                layer: number(case, "layer"),
                head: number(case, "head"),
                distance: 0,
                end: if flag(case, "lowest") {
                    End::Lowest
                } else {
                    End::Highest
                },
                k: number(case, "k"),
                filters: filters(case),
            };
            let answer = reader
                .answer(&Query::Pairs(query.clone()), Callbacks::none())
                .unwrap();
            let Answer::Pairs(answer) = answer else {
                panic!("{answer:?}")
            };
            assert!(answer.exact);
            let got: Vec<_> = answer
                .pairs
                .iter()
                .map(|p| ((u64::from(p.from), u64::from(p.to)), f64::from(p.score)))
                .collect();
            let row = |row: &Value| {
                let id = |side: &str| row[side].as_u64().unwrap();
                ((id("from"), id("to")), row["score"].as_f64().unwrap())
            };
            let want: Vec<_> = case["pairs"].as_array().unwrap().iter().map(row).collect();
            assert_same(&got, &want, &format!("{name} {query:?}"));
            cases += 1;
        }
    }
    assert_eq!(cases, 288);
}

#[test]
fn a_batch_of_neurons_is_answered_as_one_by_one() {
    let (mut reader, _) = reference_and_answers("gpt2-safetensors");
    let filters = Filters {
        alnum: true,
        positions: true,
        ..Filters::default()
    };
    let query = |layer, neuron| NeuronQuery {
        convention: Default::default(),
        layer,
        neuron,
        input: Input::default(),
        k: 25,
        filters: filters.clone(),
    };
    let queries = [query(0, 0), query(2, 191), query(1, 7)];
    let together = reader.answer_neurons(&queries, Callbacks::none()).unwrap();
    for (query, together) in queries.into_iter().zip(together) {
        let alone = reader
            .answer(&Query::Neuron(query), Callbacks::none())
            .unwrap();
        assert_eq!(alone, Answer::Neuron(together));
    }
}

#[test]
fn a_negative_list_is_the_low_end_and_positions_are_rows_of_their_own() {
    let (mut reader, _) = reference_and_answers("gpt2-safetensors");
    let rows = reader.card().spec.vocab + reader.card().spec.positions;
    let filters = Filters {
        positions: true,
        ..Filters::default()
    };
    let query = Query::Neuron(NeuronQuery {
        convention: Default::default(),
        layer: 1,
        neuron: 3,
        input: Input::default(),
        k: rows,
        filters,
    });
    let Answer::Neuron(answer) = reader.answer(&query, Callbacks::none()).unwrap() else {
        panic!()
    };
    // Every row is listed, so the low end backwards is the high end, but for the order of ties.
    for (high, low) in [(0, 2), (1, 3)] {
        assert_eq!(answer.columns[high].len(), rows);
        let backwards = answer.columns[low].iter().rev().map(|s| 0.0 - s.score);
        assert!(answer.columns[high].iter().map(|s| s.score).eq(backwards));
    }
    let vocab = reader.card().spec.vocab as u32;
    let positions = answer.columns[0].iter().filter(|s| s.id >= vocab).count();
    assert_eq!(positions, reader.card().spec.positions);
    assert_eq!(reader.card().vocabulary.text(vocab + 17), "[pos 17]");
}

#[test]
fn places_out_of_range_are_refused_in_a_sentence() {
    let (mut reader, _) = reference_and_answers("bert-safetensors");
    let filters = Filters::default();
    let ask = |reader: &mut Reader, layer, neuron| {
        let query = NeuronQuery {
            convention: Default::default(),
            layer,
            neuron,
            input: Input::default(),
            k: 3,
            filters: filters.clone(),
        };
        reader
            .answer(&Query::Neuron(query), Callbacks::none())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        ask(&mut reader, 2, 0),
        "layer 2 is not in bert-safetensors: expected 0 to 1"
    );
    assert_eq!(
        ask(&mut reader, 0, 100),
        "neuron 100 is not in bert-safetensors: expected 0 to 99"
    );
}
