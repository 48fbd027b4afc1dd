//! A layer's most interesting neurons, or heads, written out.

use std::borrow::Cow;

use serde::Serialize;

use crate::query::{Interesting, ModelCard, RankAnswer, RankQuery};

use super::export::{csv_text, json_text, named_filters};
use super::neuron::marked;
use super::table::{Align, Table};
use super::{Format, Timings};

/// Words of each list in a table.
const WORDS: usize = 5;

#[derive(Serialize)]
struct Rank<'a> {
    model: &'a str,
    layer: usize,
    by: &'static str,
    /// Of all of the layer, in the list or not.
    mean: Option<f32>,
    convention: &'static str,
    filters: serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    neurons: Option<Vec<Entry<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heads: Option<Vec<HeadEntry<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timing_ms: Option<Timings>,
}

#[derive(Serialize)]
struct Entry<'a> {
    neuron: usize,
    figure: f32,
    #[serde(rename = "K")]
    k: Vec<Row<'a>>,
    #[serde(rename = "V")]
    v: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct HeadEntry<'a> {
    head: usize,
    figure: f32,
    reads: Vec<Row<'a>>,
    writes: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: u32,
    text: Cow<'a, str>,
}

/// A layer's most interesting neurons, or heads, in a format, ending with a newline.
pub fn rank(
    card: &ModelCard,
    query: &RankQuery,
    answer: &RankAnswer,
    format: Format,
    timings: Option<Timings>,
) -> String {
    let items = answer.items.iter();
    let [item, left, right] = match query.by.of_heads() {
        true => ["head", "reads", "writes"],
        false => ["neuron", "K", "V"],
    };
    match format {
        Format::Json => json_text(&json(card, query, answer, timings)),
        Format::Csv => {
            let words = |ids: &[u32]| {
                let words: Vec<_> = ids.iter().map(|&id| card.vocabulary.text(id)).collect();
                words.join(" ")
            };
            let row = |(rank, n): (usize, &Interesting)| {
                vec![
                    query.layer.to_string(),
                    (rank + 1).to_string(),
                    n.item.to_string(),
                    n.figure.to_string(),
                    words(&n.key),
                    words(&n.value),
                ]
            };
            let head = ["layer", "rank", item, query.by.name(), left, right];
            csv_text(&head, items.enumerate().map(row))
        }
        Format::Table | Format::Markdown => {
            let mut table = Table::new([
                (item, Align::Left),
                (query.by.name(), Align::Right),
                (left, Align::Left),
                (right, Align::Left),
            ]);
            let words = |ids: &[u32]| {
                let words = ids.iter().take(WORDS).map(|&id| marked(card, id));
                words.collect::<Vec<_>>().join(" ")
            };
            for n in items {
                table.push(vec![
                    query.address(n).to_string(),
                    format!("{:.2}", n.figure),
                    words(&n.key),
                    words(&n.value),
                ]);
            }
            match format {
                Format::Markdown => table.markdown(),
                _ => table.plain(),
            }
        }
    }
}

fn json<'a>(
    card: &'a ModelCard,
    query: &RankQuery,
    answer: &RankAnswer,
    timings: Option<Timings>,
) -> Rank<'a> {
    let rows = |ids: &[u32]| {
        let row = |&id: &u32| Row {
            id,
            text: card.vocabulary.text(id),
        };
        ids.iter().map(row).collect()
    };
    let neuron = |n: &Interesting| Entry {
        neuron: n.item,
        figure: n.figure,
        k: rows(&n.key),
        v: rows(&n.value),
    };
    let head = |n: &Interesting| HeadEntry {
        head: n.item,
        figure: n.figure,
        reads: rows(&n.key),
        writes: rows(&n.value),
    };
    let items = &answer.items;
    let of_heads = query.by.of_heads();
    Rank {
        model: &card.name,
        layer: query.layer,
        by: query.by.name(),
        mean: answer.mean.is_finite().then_some(answer.mean),
        convention: "raw",
        filters: named_filters(&query.filters),
        neurons: (!of_heads).then(|| items.iter().map(neuron).collect()),
        heads: of_heads.then(|| items.iter().map(head).collect()),
        timing_ms: timings,
    }
}
