//! Neurons by how alike the words of their lists are, against Levenshtein's table over the words of
//! the same lists.

use lexiscope::projection::Scored;
use lexiscope::query::{
    Answer, Answering, Callbacks, NeuronQuery, Query, RankMetric, RankQuery, Reader,
};
use lexiscope::vocabulary::Vocabulary;

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

/// A token's text; of GPT-2's, from the bytes that its letters stand for, so that a part of a
/// character is one letter.
fn word(vocabulary: &Vocabulary, id: u32, of_bytes: bool) -> String {
    let printable = |byte: u8| !matches!(byte, 0..=0x20 | 0x7F..=0xA0 | 0xAD);
    let others: Vec<u8> = (0..=255).filter(|byte| !printable(*byte)).collect();
    let byte = |letter: char| match u32::from(letter) {
        code @ 0x100.. => others[code as usize - 0x100],
        code => code as u8,
    };
    match (of_bytes, vocabulary.token(id)) {
        (true, Some(token)) => {
            let bytes: Vec<u8> = token.raw.chars().map(byte).collect();
            let mut text = String::new();
            for chunk in bytes.utf8_chunks() {
                text += chunk.valid();
                // One letter each, in a private area.
                let bytes = chunk.invalid().iter();
                text.extend(bytes.map(|byte| char::from_u32(0xE000 + u32::from(*byte)).unwrap()));
            }
            text.trim_matches(' ').to_lowercase()
        }
        _ => vocabulary.text(id).to_lowercase(),
    }
}

/// The largest share of a list that looks like one of its words; 0 if no word looks like another.
fn stem(reader: &Reader, list: &[Scored], of_bytes: bool) -> f32 {
    let vocabulary = &reader.card().vocabulary;
    let word = |row: &Scored| word(vocabulary, row.id, of_bytes);
    let words: Vec<String> = list.iter().map(word).collect();
    let like = |a: &String| words.iter().filter(|b| alike(a, b)).count();
    match words.iter().map(like).max() {
        Some(most) if most > 1 => most as f32 / words.len() as f32,
        _ => 0.0,
    }
}

#[test]
fn stems_are_as_many_as_the_edit_distance_finds() {
    for (name, of_bytes) in [("gpt2-safetensors", true), ("bert-safetensors", false)] {
        let (mut reader, _) = open(name);
        let neurons = reader.card().spec.neurons;
        let query = Query::Rank(RankQuery {
            layer: LAYER,
            by: RankMetric::Stem,
            count: neurons,
            words: 0,
            filters: Default::default(),
            convention: Default::default(),
            likely: false,
        });
        let Answer::Rank(ranked) = reader.answer(&query, Callbacks::none()).unwrap() else {
            panic!("no ranking")
        };
        assert_eq!(ranked.items.len(), neurons, "{name}");
        let lists: Vec<NeuronQuery> = (0..neurons)
            .map(|neuron| NeuronQuery {
                layer: LAYER,
                neuron,
                input: Default::default(),
                k: 30,
                filters: Default::default(),
                convention: Default::default(),
            })
            .collect();
        let lists = reader.answer_neurons(&lists, Callbacks::none()).unwrap();
        let mut last = f32::INFINITY;
        for entry in &ranked.items {
            let [key, value, ..] = &lists[entry.item].columns;
            let expected = stem(&reader, key, of_bytes).max(stem(&reader, value, of_bytes));
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
