//! Looking up by word, and the directions of matrices, against answers that PyTorch gave by the
//! plain definitions in float64 (`make.py`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../checkpoint_writer/mod.rs"]
mod checkpoint_writer;
mod ranks;
mod stem;
#[path = "../support/mod.rs"]
mod support;

use lexiscope::projection::Scored;
use lexiscope::query::{
    Answer, Answering, Callbacks, DirectionsAnswer, DirectionsQuery, FindAnswer, FindQuery, Hit,
    MatrixKind, NeuronQuery, Query, QueryError, RankBy, Reader,
};
use lexiscope::task::CancelToken;
use lexiscope::transformer::Input;
use lexiscope::vocabulary::Filters;
use serde_json::Value;

const CHECKPOINTS: [&str; 3] = ["gpt2-safetensors", "bert-safetensors", "herbert-pickle"];

fn open(name: &str) -> (Reader, Value) {
    let answers = support::json(&support::tests(&format!("lookup/{name}.json")));
    (support::reader(&support::reference(name)), answers)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn int(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn close(got: f32, want: &Value, tolerance: f64, what: &str) {
    let want = want.as_f64().unwrap();
    assert!(
        (f64::from(got) - want).abs() <= tolerance,
        "{what}: {got} for {want}"
    );
}

/// A query whose pattern matches just these tokens, or tokens that are among the fixture's too.
fn find_query(reader: &Reader, tokens: &[Value], by: RankBy, k: usize) -> FindQuery {
    let card = reader.card();
    let word = |id: &Value| card.vocabulary.text(int(id) as u32).into_owned();
    FindQuery {
        convention: Default::default(),
        input: Input::Gate,
        words: tokens.iter().map(word).collect(),
        by,
        k,
        gist: 0,
        heads: true,
        filters: Filters::default(),
    }
}

fn find(reader: &mut Reader, query: FindQuery) -> FindAnswer {
    match support::ask(reader, &Query::Find(query)).unwrap() {
        Answer::Find(answer) => answer,
        _ => panic!("no places came back"),
    }
}

fn same_hits(hits: &[Hit], want: &[Value], by: RankBy, what: &str) {
    assert_eq!(hits.len(), want.len(), "{what}");
    for (at, (hit, want)) in hits.iter().zip(want).enumerate() {
        let what = format!("{what}, place {at}");
        close(hit.score, &want["score"], 2e-5, &what);
        let place = [hit.layer, hit.index, hit.token as usize];
        let expected = [&want["layer"], &want["index"], &want["token"]].map(int);
        assert_eq!(place, expected, "{what}");
        if let Some(partner) = want.get("partner") {
            assert_eq!(
                hit.partner.map(|id| id as usize),
                Some(int(partner)),
                "{what}"
            );
        } else {
            close(hit.cosine, &want["cosine"], 1e-5, &what);
            // Two scores that float64 tells apart may be one in float32.
            let ranks = [hit.rank.unwrap(), int(&want["rank"])];
            let most = usize::from(by != RankBy::Rank);
            assert!(ranks[0].abs_diff(ranks[1]) <= most, "{what}: {ranks:?}");
        }
    }
}

#[test]
fn finds_the_places_that_whole_matrices_give() {
    for name in CHECKPOINTS {
        let (mut reader, answers) = open(name);
        for case in list(&answers["find"]) {
            let tokens = list(&case["tokens"]);
            for by in RankBy::ALL {
                let query = find_query(&reader, tokens, by, int(&case["k"]));
                let answer = find(&mut reader, query);
                let ids: Vec<usize> = answer.tokens.iter().map(|&id| id as usize).collect();
                assert_eq!(ids, tokens.iter().map(int).collect::<Vec<_>>(), "{name}");
                assert_eq!(answer.groups.len(), 8);
                for group in &answer.groups {
                    let role = group.role.name();
                    let what = format!("{name} {tokens:?} {role} by {}", by.name());
                    let key = match by {
                        RankBy::Score => role.to_owned(),
                        _ if group.role.is_of_heads() => continue,
                        by => format!("{role} by {}", by.name()),
                    };
                    same_hits(&group.hits, list(&case["groups"][&key]), by, &what);
                }
            }
        }
    }
}

#[test]
fn a_hit_says_what_the_neurons_own_list_says() {
    let (mut reader, _) = open("gpt2-safetensors");
    let word = reader.card().vocabulary.text(453).into_owned();
    let query = FindQuery {
        convention: Default::default(),
        input: Input::Gate,
        words: vec![word],
        by: RankBy::Rank,
        k: 3,
        gist: 5,
        heads: false,
        filters: Filters {
            alnum: true,
            ..Filters::default()
        },
    };
    let answer = find(&mut reader, query);
    assert_eq!(answer.groups.len(), 4);
    for (column, group) in answer.groups.iter().enumerate() {
        for (hit, gist) in group.hits.iter().zip(&group.gists) {
            let query = NeuronQuery {
                convention: Default::default(),
                input: Input::Gate,
                layer: hit.layer,
                neuron: hit.index,
                k: 900,
                filters: Filters {
                    alnum: true,
                    ..Filters::default()
                },
            };
            let Answer::Neuron(neuron) = reader
                .answer(&Query::Neuron(query), Callbacks::none())
                .unwrap()
            else {
                panic!("no columns came back");
            };
            let list = &neuron.columns[column];
            let at = list.iter().position(|s| s.id == hit.token).unwrap();
            assert_eq!(Some(at + 1), hit.rank, "{} {hit:?}", group.role);
            assert_eq!(list[at].score, hit.score, "{} {hit:?}", group.role);
            let first: Vec<u32> = list.iter().take(5).map(|s| s.id).collect();
            assert_eq!(gist, &first, "{} {hit:?}", group.role);
        }
        let mut ranks: Vec<_> = group.hits.iter().map(|hit| hit.rank).collect();
        let given = ranks.clone();
        ranks.sort();
        assert_eq!(given, ranks);
    }
}

#[test]
fn beginnings_and_expressions_find_what_begins_and_matches() {
    let (mut reader, _) = open("gpt2-safetensors");
    let mut tokens = |word: &str| {
        let query = FindQuery {
            convention: Default::default(),
            input: Input::Gate,
            words: vec![word.to_owned()],
            by: RankBy::Score,
            k: 1,
            gist: 0,
            heads: false,
            filters: Filters::default(),
        };
        let found = find(&mut reader, query);
        let card = reader.card();
        let texts = found
            .tokens
            .iter()
            .map(|&id| card.vocabulary.text(id).into_owned());
        (texts.collect::<Vec<_>>(), found.matched)
    };
    let (texts, matched) = tokens("ni*");
    assert!(
        texts.len() > 1 && texts.iter().all(|t| t.starts_with("ni")),
        "{texts:?}"
    );
    assert_eq!(texts.len(), matched);
    let (texts, _) = tokens("/^n.e?$/");
    assert!(texts.len() > 1, "{texts:?}");
    assert!(
        texts
            .iter()
            .all(|t| t.starts_with('n') && t.chars().count() <= 3),
        "{texts:?}"
    );
    let (texts, matched) = tokens("/./");
    assert!(texts.len() == 32 && matched > 800, "{matched}");
}

#[test]
fn says_why_nothing_is_looked_for() {
    let (mut reader, _) = open("gpt2-safetensors");
    let mut error = |word: &str, ascii| {
        let query = FindQuery {
            convention: Default::default(),
            input: Input::Gate,
            words: vec![word.to_owned()],
            by: RankBy::Score,
            k: 1,
            gist: 0,
            heads: false,
            filters: Filters {
                ascii,
                ..Filters::default()
            },
        };
        reader
            .answer(&Query::Find(query), Callbacks::none())
            .unwrap_err()
            .to_string()
    };
    let unknown = error("niewiadomoco", false);
    assert!(
        unknown.contains("no token") && unknown.contains(" · "),
        "{unknown}"
    );
    assert!(error("/(/", false).contains("no regular expression"));
    assert!(error(" ", false).contains("no word"));
    assert!(error("/ż/", true).contains("filters leave out"));
}

/// Answers until a number of partial answers has come; with the partial answers.
fn until(
    reader: &mut Reader,
    query: &Query,
    partials: usize,
) -> (Result<Answer, QueryError>, Vec<Answer>) {
    let come = std::sync::Mutex::new(Vec::new());
    let enough = || come.lock().unwrap().len() >= partials;
    let callbacks = Callbacks {
        cancel: CancelToken::new(&enough),
        on_partial: Some(&|partial| come.lock().unwrap().push(partial)),
        ..Callbacks::none()
    };
    let answer = reader.answer(query, callbacks);
    (answer, come.into_inner().unwrap())
}

#[test]
fn tells_layer_by_layer_and_can_be_called_off() -> Result<(), QueryError> {
    let (mut reader, answers) = open("gpt2-safetensors");
    let tokens = list(&answers["find"][0]["tokens"]);
    let query = Query::Find(find_query(&reader, tokens, RankBy::Score, 4));
    let (whole, partial) = until(&mut reader, &query, usize::MAX);
    let whole = whole?;
    // Three layers of neurons, their ranks, three layers of heads.
    assert_eq!(partial.len(), 7);
    let mut done = 0.0;
    for answer in &partial {
        let Answer::Find(answer) = answer else {
            panic!("{answer:?}");
        };
        assert!(answer.done >= done && !answer.exact);
        done = answer.done;
    }
    assert!(matches!(whole, Answer::Find(answer) if answer.exact && answer.done == 1.0));
    for partials in 0..7 {
        let (answer, _) = until(&mut reader, &query, partials);
        assert!(answer.unwrap_err().is_cancelled(), "{partials}");
    }
    Ok(())
}

fn directions(reader: &mut Reader, case: &Value, n: usize) -> DirectionsAnswer {
    let query = DirectionsQuery {
        convention: Default::default(),
        part: case["part"]
            .as_str()
            .unwrap()
            .parse::<MatrixKind>()
            .unwrap(),
        layer: int(&case["layer"]),
        head: int(&case["head"]),
        n,
        k: int(&case["k"]),
        filters: Filters::default(),
    };
    match reader
        .answer(&Query::Directions(query), Callbacks::none())
        .unwrap()
    {
        Answer::Directions(answer) => answer,
        _ => panic!("no directions came back"),
    }
}

fn same_ends(got: &[Vec<Scored>; 2], want: &Value, what: &str) {
    for (end, (got, want)) in got.iter().zip(list(want)).enumerate() {
        let want = list(want);
        assert_eq!(got.len(), want.len(), "{what}");
        for (at, (item, expected)) in got.iter().zip(want).enumerate() {
            let what = format!("{what}, end {end}, row {at}");
            close(item.score, &expected["score"], 2e-4, &what);
            // Which of two is first is open where their scores are as close as that.
            let near = |other: &&Value| {
                let apart = other["score"].as_f64().unwrap() - f64::from(item.score);
                apart.abs() < 4e-4
            };
            let mut near = want.iter().filter(near).map(|other| int(&other["id"]));
            let last = close_to_last(item, want);
            assert!(
                last || near.any(|id| id == item.id as usize),
                "{what}: {item:?}"
            );
        }
    }
}

fn close_to_last(item: &Scored, want: &[Value]) -> bool {
    let last = want.last().unwrap()["score"].as_f64().unwrap();
    (last - f64::from(item.score)).abs() < 4e-4
}

#[test]
fn directions_are_those_of_the_whole_matrix() {
    for name in CHECKPOINTS {
        let (mut reader, answers) = open(name);
        for case in list(&answers["directions"]) {
            let what = format!("{name} {} {} {}", case["part"], case["layer"], case["head"]);
            let want = list(&case["directions"]);
            let answer = directions(&mut reader, case, want.len());
            assert_eq!(answer.values.len(), list(&case["values"]).len(), "{what}");
            for (value, want) in answer.values.iter().zip(list(&case["values"])) {
                close(*value, want, 1e-5, &what);
            }
            assert_eq!(answer.directions.len(), want.len(), "{what}");
            for (i, (direction, want)) in answer.directions.iter().zip(want).enumerate() {
                let what = format!("{what}, direction {i}");
                close(direction.value, &want["value"], 1e-5, &what);
                same_ends(&direction.left, &want["left"], &format!("{what}, left"));
                same_ends(&direction.right, &want["right"], &format!("{what}, right"));
            }
            assert!(answer.exact);
            let copying = case.get("copying");
            assert_eq!(answer.copying.is_some(), copying.is_some(), "{what}");
            if let (Some(got), Some(want)) = (answer.copying, copying) {
                close(got.weights.unwrap(), &want["weights"], 1e-4, &what);
                close(got.vocabulary.unwrap(), &want["vocabulary"], 1e-4, &what);
            }
        }
    }
}

#[test]
fn fewer_directions_are_the_first_of_all() {
    let (mut reader, answers) = open("gpt2-safetensors");
    let case = &answers["directions"][0];
    let few = directions(&mut reader, case, 2);
    let all = directions(&mut reader, case, 500);
    assert_eq!((few.directions.len(), all.directions.len()), (2, 12));
    assert_eq!(few.directions, all.directions[..2]);
    let shares: f32 = (0..12).map(|i| all.share(i)).sum();
    assert!((shares - 1.0).abs() < 1e-5);
}
