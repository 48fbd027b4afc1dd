//! Embeddings of no common size: what single precision can hold is answered, all else said.

use lexiscope::query::{Robustness, RobustnessQuery};
use lexiscope::transformer::{Form, Input};

use super::ties::Changed;
use super::*;

/// Llama with its embedding times a number.
fn scaled(by: f32) -> Changed {
    let [embedding, _] = super::ties::embeddings("llama");
    Changed::new("llama", Some(true.into()), |tensors| {
        tensors.remove("lm_head.weight");
        let stored = tensors.get_mut(&embedding).unwrap();
        for number in stored.data.chunks_exact_mut(4) {
            let x = f32::from_le_bytes([number[0], number[1], number[2], number[3]]) * by;
            number.copy_from_slice(&x.to_le_bytes());
        }
    })
}

fn neuron(convention: &str) -> NeuronQuery {
    NeuronQuery {
        convention: convention.parse().unwrap(),
        layer: 1,
        neuron: 5,
        input: Input::Gate,
        k: 20,
        filters: Filters::default(),
    }
}

fn pairs(convention: &str) -> PairsQuery {
    PairsQuery {
        convention: convention.parse().unwrap(),
        form: Form::Qk,
        layer: 1,
        head: 1,
        distance: 0,
        end: End::Highest,
        k: 20,
        filters: Filters::default(),
    }
}

fn columns(reader: &mut Reader, convention: &str) -> Vec<Vec<(u64, f32)>> {
    match ask(reader, Query::Neuron(neuron(convention))).unwrap() {
        Answer::Neuron(answer) => {
            let list = |list: &Vec<lexiscope::projection::Scored>| {
                list.iter().map(|s| (u64::from(s.id), s.score)).collect()
            };
            answer.columns.iter().map(list).collect()
        }
        _ => panic!("not a neuron"),
    }
}

#[test]
fn coordinates_over_an_embedding_grow_as_it_shrinks() {
    let expected = columns(&mut scaled(1.0).reader(), "inverse");
    for exponent in [-50, -20, 20, 50] {
        let by = 2f32.powi(exponent);
        let found = columns(&mut scaled(by).reader(), "inverse");
        // K and −K are coordinates, V and −V products.
        for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let grown = if at % 2 == 0 { 1.0 / by } else { by };
            let scored = |(id, score): &(u64, f32)| serde_json::json!([id, score]);
            let expected: Vec<(u64, f32)> =
                expected.iter().map(|(id, s)| (*id, s * grown)).collect();
            let expected = expected.iter().map(scored).collect();
            agree(
                &format!("2^{exponent} column {at}"),
                found,
                &Value::Array(expected),
            );
        }
    }
}

#[test]
fn what_has_no_numbers_in_single_precision_is_said() {
    let tiny = Query::Neuron(neuron("inverse"));
    let error = ask(&mut scaled(1e-38).reader(), tiny)
        .unwrap_err()
        .to_string();
    assert!(error.contains("too small for single precision"), "{error}");
    let pairs_of_tiny = ask(&mut scaled(1e-38).reader(), Query::Pairs(pairs("raw")));
    let error = pairs_of_tiny.unwrap_err().to_string();
    assert!(error.contains("vanish in single precision"), "{error}");
    // Keys of length 1 or so leave products in range, those of two embeddings are beyond it.
    let mut huge = scaled(1e38).reader();
    let lists = columns(&mut huge, "raw");
    assert!(lists.iter().all(|list| list.len() == 20));
    let error = ask(&mut huge, Query::Pairs(pairs("raw"))).unwrap_err();
    let error = error.to_string();
    assert!(error.contains("overflows single precision"), "{error}");
}

#[test]
fn a_list_is_held_against_all_conventions_but_those_that_it_has_not() {
    let mut reader = scaled(0.0).reader();
    let inverse = Query::Neuron(neuron("inverse"));
    let error = ask(&mut reader, inverse).unwrap_err().to_string();
    assert!(error.contains("inverse is not offered"), "{error}");
    for query in [
        RobustnessQuery::Neuron(neuron("raw")),
        RobustnessQuery::Pairs(pairs("raw")),
    ] {
        let Answer::Robustness(robustness) = ask(&mut reader, Query::Robustness(query)).unwrap()
        else {
            panic!("no robustness")
        };
        let named =
            |robustness: &Robustness| robustness.kept.iter().any(|(s, _)| s.name() == "inverse");
        assert!(!robustness.lists.iter().any(named));
    }
}
