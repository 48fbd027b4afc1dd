//! How far lists can be trusted: what is said of them must be what one finds by asking.

use super::*;
use lexiscope::query::{Convention, ROBUSTNESS_TOP, Robustness, RobustnessQuery, Switch};

fn neuron_query(neuron: usize, convention: Convention) -> NeuronQuery {
    NeuronQuery {
        layer: 1,
        neuron,
        input: Default::default(),
        k: ROBUSTNESS_TOP,
        filters: Filters::default(),
        convention,
    }
}

fn robustness(reader: &mut Reader, query: RobustnessQuery) -> Vec<Robustness> {
    match ask(reader, Query::Robustness(query)).unwrap() {
        Answer::Robustness(answer) => {
            assert_eq!(answer.done, 1.0);
            answer.lists
        }
        _ => panic!("not robustness"),
    }
}

fn columns(reader: &mut Reader, neuron: usize, convention: Convention) -> [Vec<u32>; 4] {
    let query = Query::Neuron(neuron_query(neuron, convention));
    match ask(reader, query).unwrap() {
        Answer::Neuron(answer) => answer
            .columns
            .map(|list| list.iter().map(|s| s.id).collect()),
        _ => panic!("not a neuron"),
    }
}

#[test]
fn what_stays_is_what_both_lists_have() {
    let mut reader = reader("llama");
    let told = robustness(
        &mut reader,
        RobustnessQuery::Neuron(neuron_query(3, Convention::RAW)),
    );
    let raw = columns(&mut reader, 3, Convention::RAW);
    let [mut seen, mut differing] = [0, 0];
    for (column, (robustness, raw)) in told.iter().zip(&raw).enumerate() {
        assert_eq!(robustness.top, 30);
        for (switch, share) in &robustness.kept {
            let other = Convention::RAW.flipped(*switch);
            let other = &columns(&mut reader, 3, other)[column];
            let both = raw.iter().filter(|id| other.contains(id)).count();
            assert_eq!(*share, both as f32 / 30.0, "{column} {switch}");
            seen += 1;
            differing += usize::from(both < 30);
        }
    }
    // K and −K: gain, norms, cosine, inverse, and the output embedding, which V has anyway.
    let switches = |column: usize| told[column].kept.iter().map(|(switch, _)| *switch);
    let of_keys = [
        Switch::Gain,
        Switch::Norms,
        Switch::Cosine,
        Switch::Inverse,
        Switch::Output,
    ];
    assert!(switches(0).eq(of_keys) && switches(2).eq(of_keys));
    let of_values = [Switch::Gain, Switch::Norms, Switch::Cosine, Switch::Input];
    assert!(switches(1).eq(of_values));
    assert!(seen == 18 && differing > 6, "{differing} of {seen}");
}

#[test]
fn of_few_words_nothing_is_said() {
    let mut reader = reader("llama");
    let list = |passing: &[u32]| {
        let card = reader.card();
        let words = passing
            .iter()
            .map(|id| card.vocabulary.text(*id).into_owned());
        let words = words.collect::<Vec<_>>().join("\n");
        lexiscope::vocabulary::Words::parse("few".to_owned(), &words)
    };
    let few = list(&[20, 21, 22, 23, 24, 25, 26]);
    let some = list(&(40..55).collect::<Vec<u32>>());
    let mut asked = |words| {
        let filters = Filters {
            words: Some(words),
            ..Filters::default()
        };
        let query = NeuronQuery {
            filters: filters.clone(),
            ..neuron_query(3, Convention::RAW)
        };
        let Answer::Neuron(answer) = ask(&mut reader, Query::Neuron(query.clone())).unwrap() else {
            panic!("not a neuron")
        };
        (
            answer.passing,
            robustness(&mut reader, RobustnessQuery::Neuron(query)),
        )
    };
    let (passing, lists) = asked(few);
    assert!((7..20).contains(&passing), "{passing}");
    let silent = |list: &Robustness| list.kept.is_empty() && list.z.is_none();
    assert!(lists.iter().all(silent));
    // Of so many a list has them all: the better half is compared.
    let (passing, lists) = asked(some);
    assert!((20..60).contains(&passing), "{passing}");
    assert!(lists.iter().all(|list| list.top == passing / 2));
    assert!(lists.iter().any(|list| list.range().unwrap().0 < 1.0));
}

/// Random weights of several seeds, of sizes at which a layer's channels do not fill its width
/// many times over: 8 heads of 8 channels, 64 wide.
fn random(seed: u64) -> (tempfile::TempDir, Reader) {
    let folder = tempfile::tempdir().unwrap();
    let synthetic = checkpoint_writer::Synthetic {
        width: 64,
        heads: 8,
        seed,
        ..checkpoint_writer::Synthetic::tiny()
    };
    synthetic.write(folder.path()).unwrap();
    let location = Location::Folder {
        name: "random".to_owned(),
        path: folder.path().to_owned(),
    };
    let reader = Reader::open(&location, DeviceChoice::Cpu).unwrap();
    (folder, reader)
}

/// What is itself drawn at random has mean 0 and deviation 1. Draws are shared by the lists of a
/// layer, which makes the mean of so many a little less sure than independent ones would be.
fn calibrated(what: &str, z: &[f32]) {
    let n = z.len() as f32;
    let mean = z.iter().sum::<f32>() / n;
    let deviation = (z.iter().map(|z| (z - mean).powi(2)).sum::<f32>() / n).sqrt();
    assert!(n >= 256.0, "{n}");
    assert!(
        mean.abs() < 0.2,
        "{what}: mean {mean}, deviation {deviation}"
    );
    assert!(
        (0.85..1.25).contains(&deviation),
        "{what}: deviation {deviation}"
    );
    let far = z.iter().filter(|z| z.abs() > 3.0).count() as f32;
    assert!(far < 0.03 * n, "{what}: {far} of {n}");
}

#[test]
fn neurons_of_random_weights_are_at_chance() {
    let mut z = Vec::new();
    for seed in 0..4 {
        let (_folder, mut reader) = random(seed);
        for neuron in 0..32 {
            let query = neuron_query(neuron, Convention::RAW);
            let lists = robustness(&mut reader, RobustnessQuery::Neuron(query));
            z.extend(lists.iter().map(|list| list.z.unwrap().value));
        }
    }
    calibrated("neurons", &z);
}

#[test]
fn heads_of_random_weights_are_at_chance() {
    for form in ["vo", "qk"] {
        let mut z = Vec::new();
        for seed in 0..16 {
            let (_folder, mut reader) = random(seed);
            for (layer, head) in (0..2).flat_map(|layer| (0..8).map(move |head| (layer, head))) {
                let query = PairsQuery {
                    form: form.parse().unwrap(),
                    layer,
                    head,
                    distance: 0,
                    end: End::Highest,
                    k: ROBUSTNESS_TOP,
                    filters: Filters::default(),
                    convention: Convention::RAW,
                };
                let lists = robustness(&mut reader, RobustnessQuery::Pairs(query));
                z.push(lists[0].z.unwrap().value);
            }
        }
        calibrated(form, &z);
    }
}

#[test]
fn a_head_is_held_against_every_other_convention() {
    let mut reader = reader("gpt-neox");
    let query = PairsQuery {
        form: "qk".parse().unwrap(),
        layer: 1,
        head: 2,
        distance: 0,
        end: End::Highest,
        k: ROBUSTNESS_TOP,
        filters: Filters::default(),
        convention: Convention::RAW,
    };
    let lists = robustness(&mut reader, RobustnessQuery::Pairs(query.clone()));
    let kept = lists[0].kept.iter().map(|(switch, _)| *switch);
    let offered = Switch::ALL
        .into_iter()
        .filter(|switch| *switch != Switch::Lens);
    assert!(kept.eq(offered), "all of them change its pairs");
    let mut seen = 0;
    for (switch, share) in &lists[0].kept {
        let mut best = |convention| {
            let query = Query::Pairs(PairsQuery {
                convention,
                ..query.clone()
            });
            match ask(&mut reader, query).unwrap() {
                Answer::Pairs(answer) => answer.pairs,
                _ => panic!("not pairs"),
            }
        };
        let (raw, other) = (
            best(Convention::RAW),
            best(Convention::RAW.flipped(*switch)),
        );
        let of = |pair: &lexiscope::projection::Pair| (pair.from, pair.to);
        let both = raw.iter().filter(|a| other.iter().any(|b| of(a) == of(b)));
        let both = both.count();
        assert_eq!(*share, both as f32 / 30.0, "{switch}");
        seen += usize::from(both < 30);
    }
    assert!(seen > 4, "{seen}");
}
