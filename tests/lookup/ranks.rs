//! Looking up by rank against a count over every neuron and every token, on a model whose weights
//! are small whole numbers: its scores are exact, and many of them are equal.

use std::cmp::Reverse;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use lexiscope::checkpoint::Location;
use lexiscope::projection::DeviceChoice;
use lexiscope::query::{
    Answer, Answering, Callbacks, Convention, FindAnswer, FindQuery, Query, RankBy, RankMetric,
    RankQuery, Reader, RoleHits,
};
use lexiscope::task::CancelToken;
use lexiscope::transformer::Input;
use lexiscope::vocabulary::Filters;
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};

use crate::checkpoint_writer::Synthetic;

/// More tokens than are sampled, so that bounds and counts differ.
const VOCAB: usize = 16_000;
const WIDTH: usize = 16;
const NEURONS: usize = 4 * WIDTH;
const LAYERS: usize = 3;

/// Whole numbers, row by row.
struct Whole(Vec<i64>);

impl Whole {
    fn row(&self, i: usize) -> &[i64] {
        &self.0[i * WIDTH..(i + 1) * WIDTH]
    }
}

struct Model {
    reader: Reader,
    embedding: Whole,
    /// Keys and values, layer after layer.
    vectors: [Whole; 2],
    _folder: tempfile::TempDir,
}

fn model() -> Model {
    seeded(1)
}

fn seeded(seed: u64) -> Model {
    let folder = tempfile::tempdir().unwrap();
    let sizes = Synthetic {
        layers: LAYERS,
        width: WIDTH,
        vocab: VOCAB,
        seed,
        ..Synthetic::tiny()
    };
    sizes.write(folder.path()).unwrap();
    let file = folder.path().join("model.safetensors");
    round(&file);
    let location = Location::Folder {
        name: "whole".to_owned(),
        path: folder.path().to_owned(),
    };
    let bytes = fs::read(file).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let read = |name: &str| {
        let data = tensors.tensor(&format!("transformer.{name}")).unwrap();
        let (numbers, []) = data.data().as_chunks::<4>() else {
            panic!("{name} is not of f32");
        };
        let numbers = numbers.iter().map(|x| f32::from_le_bytes(*x) as i64);
        numbers.collect::<Vec<i64>>()
    };
    let mut keys = Vec::new();
    let mut values = Vec::new();
    for layer in 0..LAYERS {
        // [d_model, neurons]
        let stored = read(&format!("h.{layer}.mlp.c_fc.weight"));
        for neuron in 0..NEURONS {
            keys.extend((0..WIDTH).map(|i| stored[i * NEURONS + neuron]));
        }
        values.extend(read(&format!("h.{layer}.mlp.c_proj.weight")));
    }
    Model {
        reader: Reader::open(&location, DeviceChoice::Cpu).unwrap(),
        embedding: Whole(read("wte.weight")),
        vectors: [Whole(keys), Whole(values)],
        _folder: folder,
    }
}

/// Makes whole numbers of all weights, from −8 to 8 or so.
fn round(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let (numbers, _) = bytes[8 + header..].as_chunks_mut::<4>();
    for number in numbers {
        *number = (20.0 * f32::from_le_bytes(*number)).round().to_le_bytes();
    }
    fs::write(file, bytes).unwrap();
}

/// A neuron by the definition: of the tokens the one with the highest score, the smaller id first,
/// its rank among the passing tokens, and its cosine.
struct Counted {
    at: (usize, usize),
    token: u32,
    score: i64,
    rank: usize,
    cosine: f64,
}

fn product(a: &[i64], b: &[i64]) -> i64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Model {
    fn count(&self, group: &RoleHits, tokens: &[u32], passes: &[bool]) -> Vec<Counted> {
        let (vectors, sign) = match group.role.name() {
            "K" => (&self.vectors[0], 1),
            "V" => (&self.vectors[1], 1),
            "-K" => (&self.vectors[0], -1),
            "-V" => (&self.vectors[1], -1),
            other => panic!("{other} is not of neurons"),
        };
        let neuron = |n: usize| {
            let vector = vectors.row(n);
            let scores = (0..VOCAB).map(|t| sign * product(self.embedding.row(t), vector));
            let scores: Vec<i64> = scores.collect();
            let of = |t: &&u32| (scores[**t as usize], Reverse(**t));
            let token = *tokens.iter().max_by_key(of).unwrap();
            let score = scores[token as usize];
            let ahead = (0..VOCAB).filter(|&t| {
                passes[t] && (scores[t], Reverse(t)) > (score, Reverse(token as usize))
            });
            let length = |v: &[i64]| (product(v, v) as f64).sqrt();
            let lengths = length(vector) * length(self.embedding.row(token as usize));
            Counted {
                at: (n / NEURONS, n % NEURONS),
                token,
                score,
                rank: ahead.count() + 1,
                cosine: score as f64 / lengths,
            }
        };
        (0..LAYERS * NEURONS).map(neuron).collect()
    }

    fn find(&mut self, tokens: &[u32], k: usize, filters: Filters) -> FindAnswer {
        match self
            .reader
            .answer(&query(&self.reader, tokens, k, filters), Callbacks::none())
        {
            Ok(Answer::Find(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// Holds an answer against the counts, neuron by neuron.
    fn check(&self, answer: &FindAnswer, k: usize, passes: &[bool]) {
        assert!(answer.exact);
        assert_eq!(answer.counted, LAYERS * NEURONS);
        for group in &answer.groups {
            let mut counted = self.count(group, &answer.tokens, passes);
            for hit in &group.hits {
                let own = counted
                    .iter()
                    .find(|n| n.at == (hit.layer, hit.index))
                    .unwrap();
                let what = format!("{} {hit:?}", group.role);
                assert_eq!(hit.rank, Some(own.rank), "{what}");
                assert_eq!(hit.token, own.token, "{what}");
                assert_eq!(hit.score, own.score as f32, "{what}");
                assert!((f64::from(hit.cosine) - own.cosine).abs() < 1e-6, "{what}");
            }
            counted.sort_by_key(|n| n.rank);
            let best: Vec<usize> = counted.iter().map(|n| n.rank).take(k).collect();
            let given: Vec<usize> = group.hits.iter().filter_map(|hit| hit.rank).collect();
            assert_eq!(given, best, "{}", group.role);
            for two in group.hits.windows(2) {
                let in_order = two[0].rank < two[1].rank || two[0].cosine >= two[1].cosine;
                assert!(in_order, "{} {two:?}", group.role);
            }
            // Of equal ranks those of the higher cosines are in the list.
            let Some(last) = group.hits.last() else {
                panic!("{} is empty", group.role);
            };
            let listed = |n: &&Counted| {
                let mut hits = group.hits.iter();
                hits.any(|hit| (hit.layer, hit.index) == n.at)
            };
            for other in counted.iter().filter(|n| !listed(n)) {
                let cosine = f64::from(last.cosine) + 1e-6;
                let behind = Some(other.rank) > last.rank || other.cosine <= cosine;
                assert!(behind, "{} leaves out {:?}", group.role, other.at);
            }
        }
    }
}

fn query(reader: &Reader, tokens: &[u32], k: usize, filters: Filters) -> Query {
    let card = reader.card();
    let word = |&id: &u32| card.vocabulary.text(id).into_owned();
    Query::Find(FindQuery {
        words: tokens.iter().map(word).collect(),
        by: RankBy::Rank,
        input: Input::Gate,
        k,
        gist: 0,
        heads: false,
        filters,
        convention: Convention::RAW,
    })
}

#[test]
fn ranks_are_counted_over_all_neurons_to_the_last_tie() {
    let mut model = model();
    let all = vec![true; VOCAB];
    for (tokens, k) in [
        (&[5_000][..], 1),
        (&[5_000], 10),
        (&[311, 7_777, 15_999], 10),
        (&[12_345], 60),
        // More than there are.
        (&[301], 500),
    ] {
        let answer = model.find(tokens, k, Filters::default());
        model.check(&answer, k, &all);
    }
}

#[test]
fn only_tokens_that_pass_count_in_ranks() {
    let mut model = model();
    let card = model.reader.card();
    let text = |id: usize| card.vocabulary.text(id as u32).into_owned();
    for part in ["a", "ko", "zuz"] {
        // The filter ignores case.
        let contains = |id| text(id).to_lowercase().contains(part);
        let passes: Vec<bool> = (0..VOCAB).map(contains).collect();
        let token = (400..VOCAB).find(|&id| passes[id]).unwrap() as u32;
        let filters = Filters {
            contains: part.to_owned(),
            ..Filters::default()
        };
        let answer = model.find(&[token], 12, filters);
        model.check(&answer, 12, &passes);
    }
}

#[test]
fn a_token_that_passes_alone_is_first_everywhere() {
    let mut model = model();
    let word = model.reader.card().vocabulary.text(9_000).into_owned();
    let card = model.reader.card();
    let passes: Vec<bool> = (0..VOCAB)
        .map(|id| card.vocabulary.text(id as u32) == word)
        .collect();
    let filters = Filters {
        words: Some(lexiscope::vocabulary::Words::parse("one".to_owned(), &word)),
        ..Filters::default()
    };
    let answer = model.find(&[9_000], 8, filters);
    model.check(&answer, 8, &passes);
    let hits = answer.groups.iter().flat_map(|group| &group.hits);
    assert!(hits.clone().all(|hit| hit.rank == Some(1)));
}

#[test]
fn a_search_by_rank_can_be_called_off_at_every_look() {
    let mut model = model();
    let query = query(&model.reader, &[5_000], 10, Filters::default());
    let mut looks: usize = 0;
    loop {
        let left = AtomicUsize::new(looks);
        let before = |n: usize| Some(n.saturating_sub(1));
        let none_left = || {
            let left = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, before);
            left == Ok(0)
        };
        let callbacks = Callbacks {
            cancel: CancelToken::new(&none_left),
            on_partial: Some(&|partial| {
                assert!(matches!(partial, Answer::Find(a) if !a.exact && a.done <= 1.0));
            }),
            ..Callbacks::none()
        };
        match model.reader.answer(&query, callbacks) {
            Ok(_) => break,
            Err(error) => assert!(error.is_cancelled(), "{error}"),
        }
        looks = (looks + 1) * 5 / 4;
        assert!(looks < 100_000);
    }
    assert!(looks > 20, "asked only {looks} times");
}

#[test]
fn a_first_convention_is_kept_for_the_same_weights_and_for_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("rankings");
    let answer = |seed| {
        let Model {
            reader, _folder, ..
        } = seeded(seed);
        let mut reader = reader.keeping_rankings(kept.clone());
        match reader.answer(&Query::FirstConvention, Callbacks::none()) {
            Ok(Answer::FirstConvention(answer)) => answer,
            other => panic!("{other:?}"),
        }
    };
    let mut unkept = seeded(1);
    let computed = unkept
        .reader
        .answer(&Query::FirstConvention, Callbacks::none());
    let computed = computed.unwrap();
    let files = || -> Vec<_> {
        let entries = fs::read_dir(&kept).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    assert_eq!(Answer::FirstConvention(answer(1)), computed);
    // What is there is taken as it is, if its hash stands behind it.
    let [file] = &files()[..] else {
        panic!("{:?}", files());
    };
    let nothing = r#"{"tried":[]}"#;
    let hash: String = Sha256::digest(nothing)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fs::write(file, format!("{nothing}\n{hash}")).unwrap();
    assert_eq!(answer(1).tried, []);
    assert!(!answer(2).tried.is_empty());
    assert_eq!(files().len(), 2);
    fs::write(file, format!("{nothing}\n{hash}0")).unwrap();
    assert_eq!(Answer::FirstConvention(answer(1)), computed);
}

#[test]
fn a_look_for_the_first_convention_goes_on_where_it_was_cancelled() {
    // Asks whether it is wanted, and is not any more after so often.
    let answer = |model: &mut Model, most: usize| {
        let asked = AtomicUsize::new(0);
        let cancelled = || asked.fetch_add(1, Ordering::Relaxed) >= most;
        let callbacks = Callbacks {
            cancel: CancelToken::new(&cancelled),
            ..Callbacks::none()
        };
        let answer = model.reader.answer(&Query::FirstConvention, callbacks);
        (answer, asked.into_inner())
    };
    let (computed, times) = answer(&mut seeded(1), usize::MAX);
    let mut model = seeded(1);
    let mut cancelled = 0;
    let found = loop {
        match answer(&mut model, times / 3).0 {
            Ok(found) => break found,
            Err(error) => assert!(error.is_cancelled(), "{error}"),
        }
        cancelled += 1;
        assert!(cancelled < 12, "it begins anew each time");
    };
    assert!(cancelled > 1);
    assert_eq!(found, computed.unwrap());
}

#[test]
fn a_ranking_is_kept_for_the_same_weights_and_for_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let rankings = folder.path().join("rankings");
    let query = |filters| {
        Query::Rank(RankQuery {
            convention: Default::default(),
            layer: 1,
            by: RankMetric::Overlap,
            count: 5,
            words: 3,
            filters,
            likely: false,
        })
    };
    let rank = |seed, filters| {
        let Model {
            reader, _folder, ..
        } = seeded(seed);
        let mut reader = reader.keeping_rankings(rankings.clone());
        reader.answer(&query(filters), Callbacks::none()).unwrap()
    };
    let files = || fs::read_dir(&rankings).unwrap().count();
    let mut unkept = seeded(1);
    let computed = unkept
        .reader
        .answer(&query(Filters::default()), Callbacks::none());
    let computed = computed.unwrap();
    assert_eq!(rank(1, Filters::default()), computed);
    assert_eq!(files(), 1);
    assert_eq!(rank(1, Filters::default()), computed);
    assert_eq!(files(), 1);
    // What is there is taken as it is, if its hash stands behind it.
    let file = fs::read_dir(&rankings)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = fs::read_to_string(&file).unwrap();
    let one = serde_json::json!({"item": 3, "figure": 0.5, "key": [], "value": []});
    let other = serde_json::json!({"items": [one], "mean": 0.25, "done": 1.0});
    let other = other.to_string();
    let hash: String = Sha256::digest(&other)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fs::write(&file, format!("{other}\n{hash}")).unwrap();
    let Answer::Rank(kept) = rank(1, Filters::default()) else {
        panic!("no ranking came back");
    };
    assert_eq!((kept.items.len(), kept.mean), (1, 0.25));
    // What is broken is made again.
    for broken in [
        other.as_str(),
        &text[..text.len() / 2],
        &text.replacen('0', "1", 1),
    ] {
        fs::write(&file, broken).unwrap();
        assert_eq!(rank(1, Filters::default()), computed);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    // Other filters, other weights.
    let alnum = Filters {
        alnum: true,
        ..Filters::default()
    };
    rank(1, alnum);
    assert_eq!(files(), 2);
    assert_ne!(rank(2, Filters::default()), computed);
    assert_eq!(files(), 3);
}
