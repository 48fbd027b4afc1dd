//! Scores of heads against PyTorch (`make.py`): relations by their VO forms, attention over repeated
//! random tokens. And what the command line says of them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use lexiscope::query::{
    Answer, Answering, Callbacks, Convention, DirectionsQuery, Query, RankAnswer, RankMetric,
    RankQuery, Reader, Relation, RelationsQuery, SimilarNeuron, SimilarNeuronsQuery, Switch,
    WordPair, rank_each_layer,
};
use lexiscope::transformer::Input;
use lexiscope::vocabulary::Filters;
use serde_json::Value;
use support::{Home, ask, json, reader, tests, text};

fn answers() -> Vec<(String, Value)> {
    let answers = json(&tests("head_scores/answers.json"));
    answers.as_object().unwrap().clone().into_iter().collect()
}

/// A checkpoint; one without a tokenizer gets that of the reference GPT-2.
fn folder(name: &str, made: &Path) -> PathBuf {
    let own = tests(name);
    if !name.starts_with("contexts/") {
        return own;
    }
    for file in ["config.json", "model.safetensors"] {
        fs::copy(own.join(file), made.join(file)).unwrap();
    }
    let tokenizer = tests("reference/gpt2-safetensors/tokenizer.json");
    fs::copy(tokenizer, made.join("tokenizer.json")).unwrap();
    made.to_owned()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn close(found: Option<f32>, expected: &Value, what: &str) {
    let difference = f64::from(found.unwrap()) - number(expected);
    assert!(difference.abs() < 1e-5, "{what}: {found:?}, {expected}");
}

fn relation(of: &Value) -> Relation {
    let pairs = of["pairs"].as_array().unwrap().iter();
    let word = |pair: &Value, at: usize| pair[at].as_str().unwrap().to_owned();
    Relation {
        name: "own".to_owned(),
        file: None,
        pairs: pairs
            .map(|pair| WordPair {
                source: word(pair, 0),
                target: word(pair, 1),
            })
            .collect(),
    }
}

fn rank(by: RankMetric, layer: usize) -> Query {
    Query::Rank(RankQuery {
        layer,
        by,
        count: 100,
        words: 0,
        filters: Filters::default(),
        convention: Convention::RAW,
        likely: false,
    })
}

#[test]
fn relations_are_scored_as_whole_rows_say() {
    for (name, answers) in answers() {
        let made = tempfile::tempdir().unwrap();
        let mut model = reader(&folder(&name, made.path()));
        let of = &answers["relations"];
        let query = RelationsQuery {
            relations: [relation(of)].into(),
            k: of["k"].as_u64().unwrap() as usize,
            count: 1,
            filters: Filters::default(),
            convention: Convention::RAW,
        };
        let Answer::Relations(found) = ask(&mut model, &Query::Relations(query)).unwrap() else {
            panic!("another answer");
        };
        let single = of["single"].as_array().unwrap();
        let pairs = &found.relations[0].pairs;
        assert_eq!(pairs.len(), single.len(), "{name}");
        for (pair, ids) in pairs.iter().zip(single) {
            let of_pair = [pair.from, pair.to].map(u64::from);
            assert_eq!(of_pair.map(Some), [ids[0].as_u64(), ids[1].as_u64()]);
        }
        for head in &found.heads {
            let expected = &of["scores"][head.layer][head.head];
            let ways = [&head.scores[0].promotes, &head.scores[0].suppresses];
            for (way, share) in ways.into_iter().enumerate() {
                let what = format!("{name} L{}.H{} {way}", head.layer, head.head);
                close(share.score, &expected[way][0], &what);
                close(share.chance, &expected[way][1], &what);
            }
        }
    }
}

#[test]
fn heads_attend_in_repeated_tokens_as_the_modules_say() {
    for (name, answers) in answers() {
        let made = tempfile::tempdir().unwrap();
        let mut model = reader(&folder(&name, made.path()));
        for by in RankMetric::HEADS_RUN {
            let Some(layers) = answers["attention"].get(by.name()) else {
                let why = ask(&mut model, &rank(by, 0)).unwrap_err().to_string();
                assert!(why.contains("it is an encoder"), "{why}");
                continue;
            };
            for (layer, expected) in layers.as_array().unwrap().iter().enumerate() {
                let Answer::Rank(found) = ask(&mut model, &rank(by, layer)).unwrap() else {
                    panic!("another answer");
                };
                assert_eq!(found.items.len(), expected.as_array().unwrap().len());
                for head in &found.items {
                    let what = format!("{name} {by} L{layer}.H{}", head.item);
                    close(Some(head.figure), &expected[head.item], &what);
                }
            }
        }
    }
}

#[test]
fn a_layer_is_ranked_by_a_bundled_relation_as_all_heads_are_scored() {
    let mut model = bundled();
    let by: RankMetric = "pl-genitive".parse().unwrap();
    let RankMetric::Relation(relation) = by else {
        panic!("{by}");
    };
    let query = |convention| {
        Query::Relations(RelationsQuery {
            relations: [Relation::bundled(relation).unwrap()].into(),
            k: RelationsQuery::K,
            count: 1,
            filters: Filters::default(),
            convention,
        })
    };
    let Answer::Relations(all) = ask(&mut model, &query(Convention::RAW)).unwrap() else {
        panic!("another answer");
    };
    let Query::Rank(of_layer) = rank(by, 7) else {
        panic!("another query");
    };
    let words = RankQuery::WORDS;
    let ranked = Query::Rank(RankQuery { words, ..of_layer });
    let Answer::Rank(ranked) = ask(&mut model, &ranked).unwrap() else {
        panic!("another answer");
    };
    assert!(ranked.items[0].figure > 0.0);
    for item in &ranked.items {
        let head = all
            .heads
            .iter()
            .find(|h| (h.layer, h.head) == (7, item.item));
        let share = &head.unwrap().scores[0].promotes;
        assert_eq!(Some(item.figure), share.score);
        let pairs = &all.relations[0].pairs;
        let hits = share.hits.iter().take(words).map(|hit| pairs[hit.pair]);
        let hits: Vec<_> = hits.map(|pair| (pair.from, pair.to)).collect();
        let words: Vec<_> = item
            .key
            .iter()
            .copied()
            .zip(item.value.iter().copied())
            .collect();
        assert_eq!(words, hits);
    }
    let biases = query(Convention::RAW.flipped(Switch::Biases));
    let why = ask(&mut model, &biases).unwrap_err().to_string();
    assert!(why.contains("give no biases"), "{why}");
}

#[test]
fn single_matrices_of_attention_have_the_singular_values_of_whole_ones() {
    for (name, answers) in answers() {
        let Some(maps) = answers.get("maps").and_then(Value::as_object) else {
            continue;
        };
        let made = tempfile::tempdir().unwrap();
        let mut model = reader(&folder(&name, made.path()));
        for (map, expected) in maps {
            let query = Query::Directions(DirectionsQuery {
                part: map.parse().unwrap(),
                layer: 1,
                head: 0,
                n: 1,
                k: 10,
                filters: Filters::default(),
                convention: Convention::RAW,
            });
            let Answer::Directions(found) = ask(&mut model, &query).unwrap() else {
                panic!("another answer");
            };
            let values = expected["values"].as_array().unwrap();
            let what = format!("{name} {map}");
            assert_eq!(found.values.len(), values.len(), "{what}");
            for (value, expected) in found.values.iter().zip(values) {
                close(Some(*value), expected, &what);
            }
            let heads = expected["heads"].as_array().unwrap();
            let [best, low] = &found.directions[0].right;
            assert!(low.is_empty() && best.len() == heads.len(), "{what}");
            for head in best {
                close(Some(head.score), &heads[head.id as usize], &what);
            }
        }
    }
}

#[test]
fn similar_neurons_are_those_of_whole_columns() {
    let all = answers();
    let (name, of) = all
        .iter()
        .find(|(_, of)| of.get("similar").is_some())
        .unwrap();
    let mut model = reader(&tests(name));
    let query = SimilarNeuronsQuery {
        layer: 1,
        neuron: 3,
        input: Input::Gate,
        count: 1000,
        words: 2,
        filters: Filters::default(),
        convention: Convention::RAW,
    };
    for (to, expected) in of["similar"].as_object().unwrap() {
        let made = tempfile::tempdir().unwrap();
        let mut other = (to != name).then(|| reader(&folder(to, made.path())));
        let none = Callbacks::none();
        let found = model
            .similar_neurons_to(&query, other.as_mut(), none)
            .unwrap();
        assert_eq!((found.shared, found.tokens), (900, [900, 900]), "{to}");
        let layers = expected.as_array().unwrap().iter();
        let neurons: usize = layers.map(|of| of[0].as_array().unwrap().len()).sum();
        let own = usize::from(to == name);
        for (at, list) in [&found.by_key, &found.by_value].into_iter().enumerate() {
            assert_eq!(list.len(), neurons - own, "{to}");
            let by = |of: &SimilarNeuron| [of.key, of.value][at].unwrap();
            assert!(list.is_sorted_by(|a, b| by(a) >= by(b)), "{to}");
            for of in list {
                let what = format!("{to} L{}.N{}", of.layer, of.neuron);
                let sides = &expected[of.layer];
                close(of.key, &sides[0][of.neuron], &what);
                close(of.value, &sides[1][of.neuron], &what);
                assert_eq!(of.key_words.len(), 2);
            }
        }
    }
}

fn bundled() -> Reader {
    reader(&tests("../assets/demo/gpt2-pl"))
}

#[test]
fn the_command_line_scores_files_and_bundled_relations() {
    let home = Home::new();
    let said = |arguments: &[&str]| text(&home.run(arguments).stdout);
    let refused = |arguments: &[&str]| {
        let done = home.run(arguments);
        assert!(!done.status.success());
        text(&done.stderr)
    };
    let own = ["relations", "gpt2-pl", "--pairs", "forms.tsv"];
    home.write("forms.tsv", "# mine\nrok\troku\npan\tnieistnieje\n");
    let table = said(&own);
    assert!(
        table.starts_with("forms: 1 of 2 pairs; no single tokens: nieistnieje\n"),
        "{table}"
    );
    assert!(table.contains("rok → roku"), "{table}");
    let past = ["relations", "gpt2-pl", "--relation", "pl-past", "--format"];
    let csv = said(&[&past[..], &["csv"]].concat());
    let head =
        "head,layer,number,pl-past,pl-past chance,pl-past suppressed,pl-past suppressed chance,";
    assert!(csv.starts_with(head), "{csv}");
    assert_eq!(csv.lines().count(), 1 + 64);
    let svg = said(&[&past[..], &["svg"]].concat());
    assert!(svg.contains("pl-past (26)") && svg.trim_end().ends_with("</svg>"));
    home.write("forms.tsv", "pan pani\n");
    let why = refused(&own);
    assert!(
        why.contains("line 1: expected a source and a target"),
        "{why}"
    );
    home.write("forms.tsv", "nieistnieje\tpan\n");
    let why = refused(&own);
    assert!(why.contains("as nieistnieje are none"), "{why}");
}

/// The figure, layer, head and words of the best heads of all layers, as they are listed.
fn best_heads(
    queries: &[RankQuery],
    answers: &[RankAnswer],
    count: usize,
) -> Vec<(f32, usize, usize, Vec<u32>)> {
    let of_layer = |(query, answer): (&RankQuery, &RankAnswer)| {
        let layer = query.layer;
        let items = answer.items.clone().into_iter();
        items.map(move |head| (head.figure, layer, head.item, head.key))
    };
    let mut heads: Vec<_> = queries.iter().zip(answers).flat_map(of_layer).collect();
    heads.sort_by(|a, b| b.0.total_cmp(&a.0));
    heads.truncate(count);
    heads
}

/// Against a ranking of each layer by itself, in which no head is ruled out.
#[test]
fn heads_that_are_ruled_out_are_none_of_the_best() {
    let mut model = bundled();
    let cosine = Convention::RAW.flipped(Switch::Cosine);
    for (by, convention) in [
        (RankMetric::Same, Convention::RAW),
        (RankMetric::SameQk, cosine),
    ] {
        let queries = |count: usize| -> Vec<RankQuery> {
            let of_layer = |layer| RankQuery {
                layer,
                by,
                count,
                words: 3,
                filters: Filters {
                    alnum: true,
                    ..Filters::default()
                },
                convention,
                likely: false,
            };
            (3..5).map(of_layer).collect()
        };
        let all = queries(100);
        let answers = rank_each_layer(&mut model, &all, Callbacks::none()).unwrap();
        for count in [1, 5] {
            let few = queries(count);
            let found = model.rank_layers(&few, Callbacks::none()).unwrap();
            let best = best_heads(&all, &answers, count);
            assert_eq!(best_heads(&few, &found, count), best, "{by} {convention}");
            let listed: usize = found.iter().map(|answer| answer.items.len()).sum();
            assert_eq!(listed, count);
        }
    }
}
