//! A layer's most interesting neurons, written out.

use std::borrow::Cow;

use serde::Serialize;

use crate::query::{Address, ModelCard, RankAnswer, RankQuery};

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
    convention: &'static str,
    filters: serde_json::Map<String, serde_json::Value>,
    neurons: Vec<Entry<'a>>,
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
struct Row<'a> {
    id: u32,
    text: Cow<'a, str>,
}

/// A layer's most interesting neurons in a format, ending with a newline.
pub fn rank(
    card: &ModelCard,
    query: &RankQuery,
    answer: &RankAnswer,
    format: Format,
    timings: Option<Timings>,
) -> String {
    let neurons = answer.neurons.iter();
    match format {
        Format::Json => json_text(&json(card, query, answer, timings)),
        Format::Csv => {
            let words = |ids: &[u32]| {
                let words: Vec<_> = ids.iter().map(|&id| card.vocabulary.text(id)).collect();
                words.join(" ")
            };
            let row = |(rank, n): (usize, &crate::query::Interesting)| {
                vec![
                    (rank + 1).to_string(),
                    n.neuron.to_string(),
                    n.figure.to_string(),
                    words(&n.key),
                    words(&n.value),
                ]
            };
            let head = ["rank", "neuron", query.by.name(), "K", "V"];
            csv_text(&head, neurons.enumerate().map(row))
        }
        Format::Table | Format::Markdown => {
            let mut table = Table::new([
                ("neuron", Align::Left),
                (query.by.name(), Align::Right),
                ("K", Align::Left),
                ("V", Align::Left),
            ]);
            let words = |ids: &[u32]| {
                let words = ids.iter().take(WORDS).map(|&id| marked(card, id));
                words.collect::<Vec<_>>().join(" ")
            };
            for n in neurons {
                let (layer, neuron) = (query.layer, n.neuron);
                table.push(vec![
                    Address::Neuron { layer, neuron }.to_string(),
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
    let neurons = answer.neurons.iter().map(|n| Entry {
        neuron: n.neuron,
        figure: n.figure,
        k: rows(&n.key),
        v: rows(&n.value),
    });
    Rank {
        model: &card.name,
        layer: query.layer,
        by: query.by.name(),
        convention: "raw",
        filters: named_filters(&query.filters),
        neurons: neurons.collect(),
        timing_ms: timings,
    }
}
