//! Heads and neurons ranked by each measure, against PyTorch: eigenvalues of whole forms, sorted
//! lists, lengths and deviations (`tests/families/ranks.py`).

use lexiscope::query::{Answer, Answering, Query, RankMetric, RankQuery};
use lexiscope::vocabulary::Filters;
use serde_json::Value;

use super::{answers, ask, reader};

const LAYER: usize = 1;

/// Holds a ranking against the figures of all heads, or of all neurons.
fn agree(name: &str, by: RankMetric, figures: &[f64], within: f64) {
    let mut reader = reader(name);
    assert_eq!(reader.card().spec.layers, LAYER + 1, "{name}");
    let query = Query::Rank(RankQuery {
        layer: LAYER,
        by,
        count: figures.len(),
        words: 0,
        filters: Filters::default(),
        convention: Default::default(),
        likely: false,
    });
    let Answer::Rank(ranked) = ask(&mut reader, query).unwrap() else {
        panic!("no ranking")
    };
    let mut items: Vec<usize> = ranked.items.iter().map(|entry| entry.item).collect();
    for entry in &ranked.items {
        let (found, expected) = (f64::from(entry.figure), figures[entry.item]);
        let what = format!("{name}: {by} of {}", entry.item);
        assert!(
            (found - expected).abs() < within,
            "{what}: {found} for {expected}"
        );
    }
    let falls = |pair: &[usize]| figures[pair[0]] > figures[pair[1]] - 2.0 * within;
    assert!(items.windows(2).all(falls), "{name}: {by}: {items:?}");
    items.sort_unstable();
    assert!(items.into_iter().eq(0..figures.len()), "{name}: {by}");
    let mean = figures.iter().sum::<f64>() / figures.len() as f64;
    let found = f64::from(ranked.mean);
    assert!(
        (found - mean).abs() < within,
        "{name}: {by}: {found} for {mean}"
    );
}

/// Shares of lists are exact; the rest is not computed in the same order.
fn within(by: RankMetric) -> f64 {
    match by {
        RankMetric::Overlap
        | RankMetric::Stem
        | RankMetric::Outliers
        | RankMetric::InputOutput(_)
        | RankMetric::Same
        | RankMetric::SameQk
        | RankMetric::PreviousToken
        | RankMetric::Induction
        | RankMetric::Relation(_) => 1e-5,
        RankMetric::Norm
        | RankMetric::Z
        | RankMetric::Kurtosis
        | RankMetric::Copying
        | RankMetric::Matching => 1e-3,
    }
}

fn figures(answers: &Value, by: RankMetric) -> Option<Vec<f64>> {
    let figures = answers.get(by.name())?.as_array().unwrap();
    Some(figures.iter().map(|x| x.as_f64().unwrap()).collect())
}

#[test]
fn heads_are_ranked_as_their_whole_forms_say() {
    let all = answers("ranks");
    for (name, answers) in all.as_object().unwrap() {
        for by in RankMetric::HEADS {
            let figures = figures(answers, by).unwrap();
            agree(name, by, &figures, within(by));
        }
    }
    let of_one_word = |(_, answers): (&String, &Value)| {
        let all = [RankMetric::Same, RankMetric::SameQk].map(|by| figures(answers, by).unwrap());
        all.concat().into_iter().fold(0.0, f64::max)
    };
    let most = all.as_object().unwrap().iter().map(of_one_word);
    assert!(most.fold(0.0, f64::max) > 0.1, "pairs of one word are rare");
}

#[test]
fn neurons_are_ranked_as_their_sorted_lists_say() {
    let all = answers("ranks");
    let mut compared = 0;
    for (name, answers) in all.as_object().unwrap() {
        for by in RankMetric::of_neurons(true) {
            let Some(figures) = figures(answers, by) else {
                continue;
            };
            agree(name, by, &figures, within(by));
            compared += 1;
        }
    }
    // Six models of three, two and two measures of all neurons; two of them gated, of four more.
    assert_eq!(compared, 6 * 7 + 2 * 4);
}
