//! Conventions against PyTorch, which took tokens through norms and modules and folded nothing
//! (`tests/families/conventions.py`).

use super::*;
use lexiscope::query::{
    Convention, DirectionsQuery, MatrixKind, NeuronAnswer, PairsAnswer, RankMetric, RankQuery,
    Switch,
};
use lexiscope::transformer::Form;
use serde_json::Map;

const K: usize = 10;

fn all() -> Map<String, Value> {
    let Value::Object(all) = answers("conventions") else {
        panic!("no models")
    };
    all
}

fn list(scored: &[lexiscope::projection::Scored]) -> Vec<(u64, f32)> {
    scored.iter().map(|s| (u64::from(s.id), s.score)).collect()
}

fn neuron(
    reader: &mut Reader,
    convention: Convention,
    case: &Value,
) -> Result<NeuronAnswer, QueryError> {
    let query = Query::Neuron(NeuronQuery {
        layer: 1,
        neuron: 5,
        input: case["key"].as_str().unwrap_or("gate").parse().unwrap(),
        k: K,
        filters: Filters::default(),
        convention,
    });
    match ask(reader, query)? {
        Answer::Neuron(answer) => Ok(answer),
        _ => panic!("not a neuron"),
    }
}

fn pairs(reader: &mut Reader, convention: Convention, case: &Value) -> PairsAnswer {
    let query = Query::Pairs(PairsQuery {
        form: case["form"].as_str().unwrap().parse().unwrap(),
        layer: 1,
        head: 2,
        distance: number(case, "distance"),
        end: End::Highest,
        k: K,
        filters: Filters::default(),
        convention,
    });
    match ask(reader, query).unwrap() {
        Answer::Pairs(answer) => answer,
        _ => panic!("not pairs"),
    }
}

#[test]
fn every_convention_agrees_with_pytorch_or_is_refused() {
    for (name, cases) in all() {
        let mut reader = reader(&name);
        for (convention, case) in cases.as_object().unwrap() {
            let what = format!("{name} {convention}");
            let convention: Convention = convention.parse().unwrap();
            if case.is_null() {
                let refused = neuron(&mut reader, convention, case).unwrap_err();
                assert!(
                    refused.to_string().contains("is not offered: "),
                    "{what}: {refused}"
                );
                continue;
            }
            for case in case["neuron"].as_array().unwrap() {
                let answer = neuron(&mut reader, convention, case).unwrap();
                let what = format!("{what} {}", case["key"]);
                for (column, at) in [("K", 0), ("V", 1), ("-K", 2)] {
                    let got = list(&answer.columns[at]);
                    agree(&format!("{what} {column}"), &got, &case["columns"][column]);
                }
                let bias = answer.bias.map_or(0.0, f64::from);
                let wanted = case["bias"].as_f64().unwrap_or(0.0);
                assert!((bias - wanted).abs() < 1e-4, "{what}: {bias} {wanted}");
            }
            for case in case["pairs"].as_array().unwrap() {
                let answer = pairs(&mut reader, convention, case);
                let what = format!("{what} {} {}", case["form"], case["distance"]);
                let id = |from: u32, to: u32| u64::from(from) * VOCAB + u64::from(to);
                let got = answer.pairs.iter().map(|p| (id(p.from, p.to), p.score));
                agree(&what, &got.collect::<Vec<_>>(), &case["highest"]);
                let wanted = &case["regardless"];
                assert_eq!(answer.unconditional.is_some(), wanted.is_array(), "{what}");
                for (got, wanted) in answer.unconditional.iter().flatten().zip([0, 1]) {
                    agree(
                        &format!("{what} alone"),
                        &list(got),
                        &case["regardless"][wanted],
                    );
                }
            }
        }
    }
}

/// Conventions under which what is read is exactly what the model's own modules make of a token
/// alone; of a model without biases one of them.
fn exact(reader: &Reader) -> Vec<Convention> {
    let all = ["norms", "norms+biases", "gain+biases"];
    let biased = reader.card().offers(Switch::Biases).is_ok();
    let some = if biased { &all[1..] } else { &all[..1] };
    some.iter().map(|name| name.parse().unwrap()).collect()
}

#[test]
fn a_token_alone_comes_out_as_the_models_own_modules_make_it() {
    let Value::Object(all) = answers("alone") else {
        panic!("no models")
    };
    for (name, case) in all {
        let mut reader = reader(&name);
        for convention in exact(&reader) {
            for (layer, inputs) in case["inputs"].as_array().unwrap().iter().enumerate() {
                let query = Query::Neuron(NeuronQuery {
                    layer,
                    neuron: 3,
                    input: Default::default(),
                    k: VOCAB as usize,
                    filters: Filters::default(),
                    convention,
                });
                let Answer::Neuron(answer) = ask(&mut reader, query).unwrap() else {
                    panic!("not a neuron")
                };
                let inputs = inputs.as_array().unwrap().iter();
                let inputs: Vec<f64> = inputs.map(|x| x.as_f64().unwrap()).collect();
                let largest = inputs.iter().fold(0.0f64, |m, x| m.max(x.abs()));
                assert_eq!(answer.columns[0].len(), inputs.len(), "{name}");
                for got in &answer.columns[0] {
                    let (score, wanted) = (f64::from(got.score), inputs[got.id as usize]);
                    let what = format!("{name} {convention} L{layer} token {}", got.id);
                    assert!(
                        (score - wanted).abs() < 1e-4 * largest,
                        "{what}: {score}, expected {wanted}"
                    );
                }
            }
            for case in case["pairs"].as_array().unwrap() {
                let case = serde_json::json!({
                    "form": "qk", "distance": case["distance"], "highest": case["highest"],
                });
                let answer = pairs(&mut reader, convention, &case);
                let id = |from: u32, to: u32| u64::from(from) * VOCAB + u64::from(to);
                let got = answer.pairs.iter().map(|p| (id(p.from, p.to), p.score));
                let what = format!("{name} {convention} {}", case["distance"]);
                agree(&what, &got.collect::<Vec<_>>(), &case["highest"]);
            }
        }
    }
}

#[test]
fn what_a_convention_departs_from_is_the_raw_reading() {
    let mut reader = reader("gpt-neox");
    let case = &all()["gpt-neox"]["raw"]["neuron"][0];
    let raw = neuron(&mut reader, Convention::RAW, case).unwrap();
    for switch in Switch::ALL {
        let other = Convention::RAW.flipped(switch);
        let other = neuron(&mut reader, other, case);
        assert!(
            other.is_err() || other.unwrap().columns != raw.columns,
            "{switch}"
        );
    }
    assert_eq!(neuron(&mut reader, Convention::RAW, case).unwrap(), raw);
}

#[test]
fn one_pass_over_many_neurons_is_each_alone_under_every_convention() {
    for convention in ["gain+cosine", "centred+biases", "inverse", "cosine+output"] {
        let mut reader = reader("llama");
        let convention: Convention = convention.parse().unwrap();
        let query = |neuron| NeuronQuery {
            layer: 0,
            neuron,
            input: Default::default(),
            k: 7,
            filters: Filters::default(),
            convention,
        };
        let queries: Vec<NeuronQuery> = (0..40).map(query).collect();
        let together = reader.answer_neurons(&queries, Callbacks::none()).unwrap();
        for (query, together) in queries.into_iter().zip(together) {
            let alone = ask(&mut reader, Query::Neuron(query)).unwrap();
            assert_eq!(alone, Answer::Neuron(together));
        }
    }
}

#[test]
fn forms_do_not_move_with_their_neighbours() {
    // What is kept for one convention must not answer another.
    let mut reader = reader("opt");
    let asked = |reader: &mut Reader, convention: &str, form: Form| {
        let case = serde_json::json!({"form": form.name(), "distance": 0});
        pairs(reader, convention.parse().unwrap(), &case)
    };
    let first = asked(&mut reader, "raw", Form::Qk);
    assert_ne!(asked(&mut reader, "gain", Form::Qk), first);
    assert_ne!(asked(&mut reader, "biases", Form::Qk), first);
    assert_eq!(asked(&mut reader, "raw", Form::Qk), first);
}

#[test]
fn the_directions_of_a_form_add_up_to_its_pairs_under_every_convention() {
    let mut reader = reader("gpt-neox");
    for convention in [
        "raw",
        "gain",
        "centred+gain",
        "cosine",
        "inverse+gain",
        "output",
    ] {
        for form in [Form::Vo, Form::Qk] {
            let convention: Convention = convention.parse().unwrap();
            let query = Query::Directions(DirectionsQuery {
                part: MatrixKind::Form(form),
                layer: 1,
                head: 2,
                n: VOCAB as usize,
                k: VOCAB as usize,
                filters: Filters::default(),
                convention,
            });
            let Answer::Directions(found) = ask(&mut reader, query).unwrap() else {
                panic!("no directions")
            };
            let score = |list: &[lexiscope::projection::Scored], id: u32| {
                f64::from(list.iter().find(|s| s.id == id).unwrap().score)
            };
            let case = serde_json::json!({"form": form.name(), "distance": 0});
            let pairs = pairs(&mut reader, convention, &case).pairs;
            for pair in &pairs[..3] {
                let terms = found.directions.iter().map(|d| {
                    let (from, to) = (score(&d.left[0], pair.from), score(&d.right[0], pair.to));
                    f64::from(d.value) * from * to
                });
                let (sum, wanted) = (terms.sum::<f64>(), f64::from(pair.score));
                let near = (sum - wanted).abs() < 1e-4 * wanted.abs() + 1e-6;
                assert!(near, "{form} {convention}: {sum} {wanted}");
            }
        }
    }
    let biases = Query::Directions(DirectionsQuery {
        part: MatrixKind::FfIn,
        layer: 0,
        head: 0,
        n: 1,
        k: 1,
        filters: Filters::default(),
        convention: "biases".parse().unwrap(),
    });
    let refused = ask(&mut reader, biases).unwrap_err().to_string();
    assert!(refused.contains("give no biases"), "{refused}");
}

#[test]
fn heads_are_ranked_under_a_convention_as_the_product_of_all_tokens_says() {
    // Ranked through what the embeddings have in common; directions are given the whole product.
    for name in ["gpt-neox", "llama", "gemma3-text", "roberta"] {
        let mut reader = reader(name);
        let card = reader.card();
        let all = ["cosine", "centred", "gain+cosine", "norms"].into_iter();
        let all = all.map(|name| name.parse::<Convention>().unwrap());
        for convention in all.filter(|c| c.offered(&card) == *c) {
            for (by, form) in [
                (RankMetric::Copying, Form::Vo),
                (RankMetric::Matching, Form::Qk),
            ] {
                let query = Query::Rank(RankQuery {
                    layer: 1,
                    by,
                    count: card.spec.heads,
                    words: 0,
                    filters: Filters::default(),
                    convention,
                    likely: false,
                });
                let Answer::Rank(ranked) = ask(&mut reader, query).unwrap() else {
                    panic!("no ranking")
                };
                assert_eq!(ranked.items.len(), card.spec.heads);
                for head in &ranked.items {
                    let query = Query::Directions(DirectionsQuery {
                        part: MatrixKind::Form(form),
                        layer: 1,
                        head: head.item,
                        n: 1,
                        k: 1,
                        filters: Filters::default(),
                        convention,
                    });
                    let Answer::Directions(answer) = ask(&mut reader, query).unwrap() else {
                        panic!("no directions")
                    };
                    let expected = answer.copying.unwrap().vocabulary.unwrap();
                    let what = format!("{name} {convention} {by} of head {}", head.item);
                    assert!(
                        (head.figure - expected).abs() < 1e-3,
                        "{what}: {} for {expected}",
                        head.figure
                    );
                }
            }
        }
    }
}
