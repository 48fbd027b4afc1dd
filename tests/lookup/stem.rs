//! Neurons by how alike the words of their lists are, against Levenshtein's table over the words of
//! the same lists.

use lexiscope::projection::Scored;
use lexiscope::query::{
    Answer, Answering, Interest, NeuronQuery, Patient, Query, RankQuery, Reader,
};
use lexiscope::vocabulary::Filters;

use super::open;

const LAYER: usize = 1;

/// Letters that are inserted, deleted or substituted to make one of the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn alike(a: &str, b: &str) -> bool {
    let (x, y): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let long_enough = x.len().min(y.len()) >= 4;
    let near = || a.starts_with(b) || b.starts_with(a) || distance(&x, &y) == 1;
    a == b || long_enough && near()
}

/// The largest share of a list that looks like one of its words; 0 if no word looks like another.
fn stem(reader: &Reader, list: &[Scored]) -> f32 {
    let card = reader.card();
    let word = |row: &Scored| card.vocabulary.text(row.id).to_lowercase();
    let words: Vec<String> = list.iter().map(word).collect();
    let like = |a: &String| words.iter().filter(|b| alike(a, b)).count();
    match words.iter().map(like).max() {
        Some(most) if most > 1 => most as f32 / words.len() as f32,
        _ => 0.0,
    }
}

#[test]
fn stems_are_as_many_as_the_edit_distance_finds() {
    for name in ["gpt2-safetensors", "bert-safetensors"] {
        let (mut reader, _) = open(name);
        let neurons = reader.card().spec.neurons;
        // Parts of characters are no words that one could compare.
        let words = Filters {
            alnum: true,
            ..Filters::default()
        };
        let query = Query::Rank(RankQuery {
            layer: LAYER,
            by: Interest::Stem,
            count: neurons,
            words: 0,
            filters: words.clone(),
            convention: Default::default(),
        });
        let Some(Answer::Rank(ranked)) = reader.answer(&query, &Patient).unwrap() else {
            panic!("no ranking")
        };
        assert_eq!(ranked.items.len(), neurons, "{name}");
        let lists: Vec<NeuronQuery> = (0..neurons)
            .map(|neuron| NeuronQuery {
                layer: LAYER,
                neuron,
                input: Default::default(),
                k: 30,
                filters: words.clone(),
                convention: Default::default(),
            })
            .collect();
        let lists = reader.answer_neurons(&lists, &Patient).unwrap().unwrap();
        let mut last = f32::INFINITY;
        for entry in &ranked.items {
            let [key, value, ..] = &lists[entry.item].columns;
            let expected = stem(&reader, key).max(stem(&reader, value));
            let what = format!("{name}: stem of neuron {}", entry.item);
            assert!(
                (entry.figure - expected).abs() < 1e-6,
                "{what}: {} for {expected}",
                entry.figure
            );
            assert!(entry.figure <= last, "{what} stands too high");
            last = entry.figure;
        }
        let (most, least) = (ranked.items[0].figure, last);
        assert!(most > least, "{name}: {most}, {least}");
    }
}
