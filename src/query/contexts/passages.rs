//! Passages: the texts where a number is highest or lowest, with the tokens around.

use std::cmp::Ordering;
use std::ops::Range;

use super::Passage;
use super::run_texts::CountedTexts;

/// Tokens before and after the position that a passage shows.
const BEFORE: usize = 24;
const AFTER: usize = 12;

/// The extreme of a text.
struct Extreme {
    value: f32,
    text: usize,
    position: usize,
    to: Option<usize>,
}

/// The k texts with the best values, each once, by its first best one; ties go to the earlier text.
fn best(
    per_text: impl Iterator<Item = Vec<Extreme>>,
    k: usize,
    order: fn(f32, f32) -> Ordering,
) -> Vec<Extreme> {
    let one = |all: Vec<Extreme>| {
        let better = |a: Extreme, b: Extreme| match order(a.value, b.value) {
            Ordering::Greater => b,
            Ordering::Equal | Ordering::Less => a,
        };
        all.into_iter().reduce(better)
    };
    let mut found: Vec<Extreme> = per_text.filter_map(one).collect();
    found.sort_by(|a, b| order(a.value, b.value));
    found.truncate(k);
    found
}

fn highest(a: f32, b: f32) -> Ordering {
    b.total_cmp(&a)
}

fn lowest(a: f32, b: f32) -> Ordering {
    a.total_cmp(&b)
}

fn around(position: usize, to: Option<usize>, len: usize) -> Range<usize> {
    let first = position.saturating_sub(BEFORE).min(to.unwrap_or(position));
    let last = (position + AFTER).max(to.unwrap_or(position));
    first..(last + 1).min(len)
}

/// Most and least active passages of a neuron; `ranks` are those of the positions' tokens.
pub(super) fn of_neuron(
    texts: &CountedTexts,
    activations: &[f32],
    ranks: &[usize],
    k: usize,
) -> [Vec<Passage>; 2] {
    [highest, lowest].map(|order| {
        let of_text = |text: usize| {
            let places = texts.positions(text).zip(&texts.texts[text].counted);
            let extreme = |(at, &position): (usize, &usize)| Extreme {
                value: activations[at],
                text,
                position,
                to: None,
            };
            places.map(extreme).collect()
        };
        let found = best((0..texts.texts.len()).map(of_text), k, order);
        let passage = |of: Extreme| {
            let (text, places) = (&texts.texts[of.text], texts.positions(of.text));
            let at = |position: usize| text.counted.binary_search(&position).ok();
            let shown = around(of.position, None, text.ids.len());
            // Positions that do not count have no number of their own.
            let value = |p| at(p).map_or(0.0, |i| activations[places.start + i]);
            Passage {
                text: texts.numbers[of.text],
                position: of.position,
                to: None,
                value: of.value,
                rank: at(of.position).map(|i| ranks[places.start + i]),
                first: shown.start,
                ids: text.ids[shown.clone()].to_vec(),
                values: shown.map(value).collect(),
            }
        };
        found.into_iter().map(passage).collect()
    })
}

/// The pairs of positions of a text that count: those of which the first sees the second, by their
/// places in the text's attention weights.
pub(super) fn pairs(
    texts: &CountedTexts,
    text: usize,
    causal: bool,
) -> impl Iterator<Item = (usize, usize, usize)> + Clone {
    let (start, n) = (texts.pairs(text).start, texts.texts[text].ids.len());
    let counted = &texts.texts[text].counted;
    counted.iter().flat_map(move |&from| {
        let seen = counted.iter().filter(move |&&to| !causal || to <= from);
        seen.map(move |&to| (start + from * n + to, from, to))
    })
}

/// The passages where a head looks hardest from one position to another.
pub(super) fn of_head(
    texts: &CountedTexts,
    weights: &[f32],
    causal: bool,
    k: usize,
) -> Vec<Passage> {
    let of_text = |text: usize| {
        let extreme = |(at, position, to): (usize, usize, usize)| Extreme {
            value: weights[at],
            text,
            position,
            to: Some(to),
        };
        pairs(texts, text, causal).map(extreme).collect()
    };
    let found = best((0..texts.texts.len()).map(of_text), k, highest);
    let passage = |of: Extreme| {
        let text = &texts.texts[of.text];
        let n = text.ids.len();
        let row = texts.pairs(of.text).start + of.position * n;
        let shown = around(of.position, of.to, n);
        Passage {
            text: texts.numbers[of.text],
            position: of.position,
            to: of.to,
            value: of.value,
            rank: None,
            first: shown.start,
            ids: text.ids[shown.clone()].to_vec(),
            values: weights[row + shown.start..row + shown.end].to_vec(),
        }
    };
    found.into_iter().map(passage).collect()
}
