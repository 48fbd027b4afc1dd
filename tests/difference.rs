//! Differences of two models: lists against those of both models by themselves, figures and singular
//! values against PyTorch (`adapters/make.py`), and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod checkpoint_writer;
#[path = "support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use checkpoint_writer::{Number, Synthetic};
use lexiscope::checkpoint::{FoundModel, Location, ModelStores};
use lexiscope::projection::{DeviceChoice, End};
use lexiscope::query::{
    Answer, BothListsAnswer, BothListsQuery, ChangesAnswer, ChangesQuery, Convention,
    DirectionsQuery, MatrixKind, NeuronQuery, PairsQuery, Query, Reader,
};
use lexiscope::transformer::{Form, Input};
use lexiscope::vocabulary::Filters;
use serde_json::{Value, json};
use support::{Home, ask, copy_files, tests};

fn open(name: &str) -> Reader {
    let found = Location::find(name, &ModelStores::located(|_| None)).unwrap();
    let FoundModel::Here(location) = found else {
        panic!("{name} is not here");
    };
    Reader::open(&location, DeviceChoice::Cpu).unwrap()
}

/// The name of an adapter of the tests on its base.
fn adapted(name: &str) -> String {
    let base = tests("families/llama");
    format!(
        "{}+{}",
        tests("adapters").join(name).display(),
        base.display()
    )
}

fn llama() -> String {
    tests("families/llama").display().to_string()
}

fn neuron(layer: usize, neuron: usize, input: Input) -> NeuronQuery {
    NeuronQuery {
        layer,
        neuron,
        input,
        k: 96,
        filters: Filters::default(),
        convention: Convention::RAW,
    }
}

fn pairs(form: Form, layer: usize, head: usize, distance: usize) -> PairsQuery {
    PairsQuery {
        form,
        layer,
        head,
        distance,
        end: End::Highest,
        k: 96 * 96,
        filters: Filters::default(),
        convention: Convention::RAW,
    }
}

fn near(what: &str, got: f32, want: f32, size: f32) {
    assert!((got - want).abs() <= 2e-5 * size, "{what}: {got} {want}");
}

#[test]
fn a_list_of_a_change_is_the_difference_of_both_lists() {
    let (tuned, base) = (adapted("llama-patterns"), llama());
    let mut readers = [open(&tuned), open(&base), open(&format!("{tuned}~{base}"))];
    for (layer, n, input) in [(0, 3, Input::Gate), (1, 39, Input::Gate), (0, 7, Input::Up)] {
        let query = Query::Neuron(neuron(layer, n, input));
        let [tuned, base, change] = readers.each_mut().map(|reader| {
            let Answer::Neuron(answer) = ask(reader, &query).unwrap() else {
                panic!("another answer");
            };
            answer.columns.map(|list| {
                let scores = list.into_iter().map(|s| (s.id, s.score));
                scores.collect::<HashMap<u32, f32>>()
            })
        });
        for column in [0, 1] {
            // The adapter leaves `up` as it is: a vector that did not change has no words.
            if input == Input::Up && column == 0 {
                assert!(change[column].is_empty());
                continue;
            }
            assert_eq!(change[column].len(), 96);
            for (id, score) in &change[column] {
                let want = tuned[column][id] - base[column][id];
                near(&format!("L{layer}.N{n} {id}"), *score, want, 1.0);
            }
        }
    }
    for (form, layer, head, distance) in [
        (Form::Vo, 0, 1, 0),
        (Form::Qk, 1, 3, 0),
        (Form::Qk, 0, 2, 5),
    ] {
        let query = Query::Pairs(pairs(form, layer, head, distance));
        let [tuned, base, change] = readers.each_mut().map(|reader| {
            let Answer::Pairs(answer) = ask(reader, &query).unwrap() else {
                panic!("another answer");
            };
            assert!(answer.exact);
            let scores = answer.pairs.into_iter().map(|p| ((p.from, p.to), p.score));
            scores.collect::<HashMap<(u32, u32), f32>>()
        });
        assert_eq!(change.len(), 96 * 96);
        for (pair, score) in &change {
            near(
                &format!("{form} {pair:?}"),
                *score,
                tuned[pair] - base[pair],
                1.0,
            );
        }
    }
}

fn changes(reader: &mut Reader, count: usize) -> ChangesAnswer {
    let query = ChangesQuery {
        layer: None,
        neurons: count,
        heads: count,
        k: 10,
        pairs: false,
        filters: Filters::default(),
        convention: Convention::RAW,
    };
    let Answer::Changes(answer) = ask(reader, &Query::Changes(query)).unwrap() else {
        panic!("another answer");
    };
    answer
}

#[test]
fn heads_share_as_many_of_the_best_pairs_as_both_models_lists_do() {
    let (tuned, base) = (adapted("llama-patterns"), llama());
    let answer = changes(&mut open(&format!("{tuned}~{base}")), 3);
    let mut readers = [open(&tuned), open(&base)];
    let mut seen = Vec::new();
    for head in &answer.heads {
        for (at, form) in [Form::Vo, Form::Qk].into_iter().enumerate() {
            let query = Query::Pairs(PairsQuery {
                k: 10,
                ..pairs(form, head.layer, head.head, 0)
            });
            let [tuned, base] = readers.each_mut().map(|reader| {
                let Answer::Pairs(answer) = ask(reader, &query).unwrap() else {
                    panic!("another answer");
                };
                let best = answer.pairs.into_iter().map(|p| (p.from, p.to));
                best.collect::<Vec<(u32, u32)>>()
            });
            let common = tuned.iter().filter(|pair| base.contains(pair)).count();
            assert_eq!(head.overlap.unwrap()[at], common);
            seen.push(common);
        }
    }
    assert!(seen.iter().any(|common| *common < 10), "{seen:?}");
}

#[test]
fn figures_and_singular_values_are_those_of_pytorch() {
    let answers = support::json(&tests("adapters/answers.json"));
    for name in ["llama-plain", "llama-patterns"] {
        let mut reader = open(&format!("{}~{}", adapted(name), llama()));
        let forms = &answers[name]["forms"];
        let figure = |address: String, key: &str| forms[address][key].as_f64().unwrap();
        let answer = changes(&mut reader, 1000);
        assert_eq!(answer.heads.len(), 8);
        for head in &answer.heads {
            for (form, change) in [("VO", head.vo), ("QK", head.qk)] {
                let address = || format!("L{}.H{}.{form}", head.layer, head.head);
                for (key, got) in [("relative", change.relative), ("cosine", change.cosine)] {
                    let want = figure(address(), key);
                    assert!(
                        (got.unwrap() - want).abs() < 1e-5,
                        "{name} {} {got:?} {want}",
                        address()
                    );
                }
            }
        }
        let falling = |a: f64, b: f64| a >= b;
        assert!(
            answer.neurons.is_sorted_by(|a, b| falling(
                a.change.relative.unwrap(),
                b.change.relative.unwrap()
            ))
        );
        for layer in 0..2 {
            let mut asked = vec![
                (MatrixKind::FfGate, 0, format!("L{layer} ff-gate")),
                (MatrixKind::FfOut, 0, format!("L{layer} ff-out")),
            ];
            for (form, head) in [(Form::Vo, 0), (Form::Qk, 2)] {
                asked.push((
                    MatrixKind::Form(form),
                    head,
                    format!("L{layer}.H{head}.{form}"),
                ));
            }
            for (part, head, address) in asked {
                let query = DirectionsQuery {
                    part,
                    layer,
                    head,
                    n: 6,
                    k: 5,
                    filters: Filters::default(),
                    convention: Convention::RAW,
                };
                let Answer::Directions(got) = ask(&mut reader, &Query::Directions(query)).unwrap()
                else {
                    panic!("another answer");
                };
                let want = forms[&*address]["values"].as_array().unwrap();
                let largest = want[0].as_f64().unwrap();
                let beyond = want.len().min(got.values.len());
                for (got, want) in got.values.iter().zip(want) {
                    let want = want.as_f64().unwrap();
                    assert!(
                        (f64::from(*got) - want).abs() < 1e-4 * largest,
                        "{address} {got} {want}"
                    );
                }
                // The others are zero.
                for want in &want[beyond..] {
                    assert!(want.as_f64().unwrap() < 1e-5 * largest, "{address}: {want}");
                }
                assert_eq!(got.directions.len(), got.values.len().min(6));
            }
        }
    }
}

#[test]
fn a_model_less_itself_is_nothing() {
    let mut reader = open("gpt2-pl~gpt2-pl");
    let answer = changes(&mut reader, 5);
    assert_eq!((answer.changed, answer.numbers.changed), ([0, 0], 0));
    assert!(answer.looked_at[0] > 0 && answer.neurons.is_empty() && answer.heads.is_empty());
    let Answer::Neuron(lists) =
        ask(&mut reader, &Query::Neuron(neuron(1, 2, Input::Gate))).unwrap()
    else {
        panic!("another answer");
    };
    assert!(lists.columns.iter().all(Vec::is_empty));
    let directions = DirectionsQuery {
        part: MatrixKind::FfOut,
        layer: 1,
        head: 0,
        n: 3,
        k: 3,
        filters: Filters::default(),
        convention: Convention::RAW,
    };
    let refused = ask(&mut reader, &Query::Directions(directions))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("is the same in gpt2-pl"), "{refused}");
}

#[test]
fn models_of_two_shapes_are_not_compared() {
    let stores = ModelStores::located(|_| None);
    let refused = |tuned: &Path, base: &Path| {
        let name = format!("{}~{}", tuned.display(), base.display());
        let FoundModel::Here(location) = Location::find(&name, &stores).unwrap() else {
            panic!("{name} is not here");
        };
        let refused = Reader::open(&location, DeviceChoice::Cpu)
            .err()
            .unwrap()
            .to_string();
        assert!(
            refused.contains("cannot be compared") && refused.lines().count() == 1,
            "{refused}"
        );
        refused
    };
    let families = refused(&tests("families/qwen2"), &tests("families/llama"));
    assert!(
        families.contains("got family Qwen2 in the one and Llama in the other"),
        "{families}"
    );
    let sizes = refused(Path::new("gpt2-pl"), &tests("reference/gpt2-safetensors"));
    assert!(sizes.contains("got width"), "{sizes}");
}

/// Writes a small checkpoint whose numbers are of 16 bits.
fn narrow(folder: &Path) -> PathBuf {
    let tiny = Synthetic {
        number: Number::Bf16,
        ..Synthetic::tiny()
    };
    tiny.write(folder).unwrap();
    folder.join("model.safetensors")
}

/// Adds to the bits of numbers of a tensor, by their places.
fn nudge(file: &Path, tensor: &str, places: &[usize], by: u16) {
    let mut bytes = fs::read(file).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let start = header[tensor]["data_offsets"][0].as_u64().unwrap() as usize + 8 + length;
    for place in places {
        let at = start + 2 * place;
        let bits = u16::from_le_bytes([bytes[at], bytes[at + 1]]) + by;
        bytes[at..at + 2].copy_from_slice(&bits.to_le_bytes());
    }
    fs::write(file, bytes).unwrap();
}

#[test]
fn rounding_to_16_bits_is_told_from_change() {
    let home = Home::new();
    let [tuned, base] = ["tuned", "base"].map(|name| home.path(name));
    narrow(&base);
    let file = narrow(&tuned);
    // Rows are inputs in GPT-2's layout: numbers 0 and 64 of the output map are of neurons 0 and 2.
    nudge(&file, "transformer.h.0.mlp.c_proj.weight", &[0, 3], 1);
    nudge(&file, "transformer.h.0.mlp.c_proj.weight", &[64], 40);
    let mut reader = open(&format!("{}~{}", tuned.display(), base.display()));
    let answer = changes(&mut reader, 10);
    assert_eq!((answer.numbers.changed, answer.numbers.by_rounding), (3, 2));
    let moved: Vec<_> = answer
        .neurons
        .iter()
        .map(|n| (n.layer, n.neuron, n.numbers.is_rounding()))
        .collect();
    assert_eq!(moved, [(0, 2, false), (0, 0, true)]);
    assert_eq!(answer.neurons[0].key.relative, Some(0.0));
    assert!(answer.heads.is_empty());
}

#[test]
fn words_of_two_vocabularies_are_matched_by_their_strings() {
    // The same model with two tokens exchanged, in the tokenizer and in both embeddings.
    let home = Home::new();
    let swapped = home.path("swapped");
    copy_files(&tests("families/llama"), &swapped);
    let tokenizer = swapped.join("tokenizer.json");
    let mut json: Value = support::json(&tokenizer);
    let vocabulary = json["model"]["vocab"].as_object_mut().unwrap();
    for id in vocabulary.values_mut() {
        *id = match id.as_u64().unwrap() {
            40 => json!(70),
            70 => json!(40),
            other => json!(other),
        };
    }
    fs::write(&tokenizer, json.to_string()).unwrap();
    let file = swapped.join("model.safetensors");
    let mut bytes = fs::read(&file).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    for tensor in ["model.embed_tokens.weight", "lm_head.weight"] {
        let start = header[tensor]["data_offsets"][0].as_u64().unwrap() as usize + 8 + length;
        let row = 32 * 4;
        for i in 0..row {
            bytes.swap(start + 40 * row + i, start + 70 * row + i);
        }
    }
    fs::write(&file, bytes).unwrap();
    let mut reader = open(&format!("{}~{}", swapped.display(), llama()));
    let query = BothListsQuery::Neuron(neuron(0, 3, Input::Gate));
    let Answer::BothLists(BothListsAnswer::Neuron { columns, .. }) =
        ask(&mut reader, &Query::BothLists(query)).unwrap()
    else {
        panic!("another answer");
    };
    for moved in columns.iter().flatten() {
        assert_eq!(moved.tuned, moved.base, "{moved:?}");
    }
    let of_pairs = BothListsQuery::Pairs(pairs(Form::Vo, 0, 1, 0));
    let Answer::BothLists(BothListsAnswer::Pairs { pairs, .. }) =
        ask(&mut reader, &Query::BothLists(of_pairs)).unwrap()
    else {
        panic!("another answer");
    };
    assert_eq!(pairs.len(), 96 * 96);
    let same = |a: Option<(usize, f32)>, b: Option<(usize, f32)>| a.unwrap().1 == b.unwrap().1;
    assert!(pairs.iter().all(|moved| same(moved.tuned, moved.base)));
}

fn printed(arguments: &[&str]) -> String {
    let home = Home::new();
    let output = home.run(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn commands_print_what_changed() {
    let (adapter, base) = (tests("adapters/llama-plain"), llama());
    let adapter = adapter.to_str().unwrap();
    let both = ["--base", &base, "--against", &base];
    let with = |arguments: &[&str]| printed(&[arguments, &both[..]].concat());
    let json: Value = serde_json::from_str(&with(&[
        "difference",
        adapter,
        "-n",
        "3",
        "--format",
        "json",
    ]))
    .unwrap();
    assert_eq!(json["against"], base);
    assert_eq!(json["neurons"].as_array().unwrap().len(), 3);
    assert_eq!(json["heads"].as_array().unwrap().len(), 3);
    assert!(json["neurons"][0]["change"].as_f64().unwrap() > 0.0);
    assert!(json["neurons"][0]["key_overlap"].as_u64().unwrap() <= 30);
    // The command that it names prints it again.
    let command = json["command"].as_str().unwrap();
    let words = lexiscope::sheet::shell_words(command).unwrap();
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    assert_eq!(
        serde_json::from_str::<Value>(&printed(&words)).unwrap(),
        json
    );
    let json: Value = serde_json::from_str(&with(&[
        "neuron", adapter, "L1.N3", "-k", "5", "--format", "json",
    ]))
    .unwrap();
    let column = json["both"]["columns"]["K"].as_array().unwrap();
    assert!(
        column.len() >= 5 && column[0]["tuned"]["rank"] == 1,
        "{json}"
    );
    assert!(json["both"]["key"]["cosine"].as_f64().unwrap() < 1.0);
    let csv = with(&["neuron", adapter, "L1.N3", "-k", "5", "--format", "csv"]);
    let fields: Vec<usize> = csv.lines().map(|line| line.matches(',').count()).collect();
    assert!(
        csv.contains("K tuned") && fields.iter().all(|n| *n >= fields[0]),
        "{csv}"
    );
    let table = with(&["pairs", adapter, "L0.H1.VO", "-k", "5"]);
    assert!(
        table.contains("Δ against") && table.contains("in both models"),
        "{table}"
    );
    let table = with(&["directions", adapter, "ff-out", "1"]);
    assert_eq!(
        table.lines().filter(|line| line.contains(" + ")).count(),
        2,
        "{table}"
    );
}
