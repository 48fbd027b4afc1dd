//! A neuron's four columns, written out.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::projection::Scored;
use crate::query::{Column, ModelCard, NO_HEAD, NeuronAnswer, NeuronQuery, Query, TrustAnswer};

use super::export::{csv_text, json_text};
use super::provenance::{COLUMNS, Provenance, named_filters};
use super::table::{Align, Table, score};
use super::token::{TokenEntry, marked, raw};
use super::trust::{Trusted, below, trusted};
use super::{Format, Timings};

#[derive(Serialize)]
struct Neuron<'a> {
    model: &'a str,
    layer: usize,
    neuron: usize,
    /// Of a gated neuron, which input the columns K and −K are of.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'static str>,
    /// And what it writes by the signs of its two inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    quadrants: Option<[Quadrant; 4]>,
    convention: String,
    /// What was added to the scores of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    bias: Option<f32>,
    filters: serde_json::Map<String, serde_json::Value>,
    #[serde(flatten)]
    provenance: Provenance,
    columns: Columns<'a>,
    /// Why V and −V are empty, where they cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_read: Option<&'static str>,
    /// By column.
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<BTreeMap<&'static str, Trusted>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timing_ms: Option<Timings>,
}

/// The signs of gate and up, and what a neuron then writes: an activation's negative side is
/// small, but not nothing.
#[derive(Serialize)]
struct Quadrant {
    gate: &'static str,
    up: &'static str,
    writes: &'static str,
}

const QUADRANTS: [[&str; 3]; 4] = [
    ["+", "+", "V"],
    ["+", "-", "-V"],
    ["-", "+", "-V, faintly"],
    ["-", "-", "V, faintly"],
];

#[derive(Serialize)]
struct Columns<'a> {
    #[serde(rename = "K")]
    k: Vec<Entry<'a>>,
    #[serde(rename = "V")]
    v: Vec<Entry<'a>>,
    #[serde(rename = "-K")]
    minus_k: Vec<Entry<'a>>,
    #[serde(rename = "-V")]
    minus_v: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    token: TokenEntry<'a>,
    score: f32,
}

/// A neuron's answer in a format, ending with a newline.
pub fn neuron(
    card: &ModelCard,
    query: &NeuronQuery,
    (answer, trust): (&NeuronAnswer, Option<&TrustAnswer>),
    format: Format,
    timings: Option<Timings>,
) -> String {
    let asked = Query::Neuron(query.clone());
    let provenance = Provenance::of(card, &asked, trust.is_some(), format);
    match format {
        Format::Json => {
            let trusted = (answer, trust);
            json_text(&json(card, query, trusted, provenance, timings))
        }
        Format::Csv => {
            let head = [
                "column",
                "rank",
                "id",
                "token",
                "text",
                "score",
                "convention",
            ];
            let head: Vec<&str> = head.into_iter().chain(COLUMNS).collect();
            let lists = Column::ALL.iter().zip(&answer.columns);
            let rows = lists.flat_map(|(column, list)| {
                let rows = list.iter().enumerate();
                rows.map(|(rank, scored)| {
                    let mut row = vec![
                        named(card, query, column.name(), *column),
                        (rank + 1).to_string(),
                        scored.id.to_string(),
                        raw(card, scored.id).into_owned(),
                        card.vocabulary.text(scored.id).into_owned(),
                        scored.score.to_string(),
                        query.convention.to_string(),
                    ];
                    row.extend(provenance.cells());
                    row
                })
                .collect::<Vec<_>>()
            });
            csv_text(&head, rows)
        }
        Format::Table | Format::Markdown => {
            let bias = answer.bias.map(|bias| format!("bias {bias:.3}"));
            let lists = trust
                .iter()
                .flat_map(|trust| Column::ALL.iter().zip(&trust.lists));
            let name = |column: Column| named(card, query, &column.to_string(), column);
            let lists: Vec<_> = lists.map(|(&c, trust)| (name(c), trust)).collect();
            let bias = bias.unwrap_or_default();
            let not_read = not_read(card, query).map_or_else(String::new, |why| format!("{why}\n"));
            columns(card, query, answer).write(format)
                + &not_read
                + &below(&bias, &lists, format)
                + &provenance.lines(format)
        }
    }
}

fn json<'a>(
    card: &'a ModelCard,
    query: &NeuronQuery,
    (answer, trust): (&NeuronAnswer, Option<&TrustAnswer>),
    provenance: Provenance,
    timings: Option<Timings>,
) -> Neuron<'a> {
    let list = |at: usize| answer.columns[at].iter().map(|&s| entry(card, s)).collect();
    Neuron {
        model: &card.name,
        layer: query.layer,
        neuron: query.neuron,
        key: card.gated().then(|| query.input.name()),
        quadrants: card
            .gated()
            .then(|| QUADRANTS.map(|[gate, up, writes]| Quadrant { gate, up, writes })),
        convention: query.convention.name(),
        bias: answer.bias,
        filters: named_filters(&query.filters),
        provenance,
        columns: Columns {
            k: list(0),
            v: list(1),
            minus_k: list(2),
            minus_v: list(3),
        },
        not_read: not_read(card, query),
        trust: trust.map(|trust| {
            let lists = Column::ALL.iter().zip(&trust.lists);
            lists
                .map(|(column, trust)| (column.name(), trusted(trust)))
                .collect()
        }),
        timing_ms: timings,
    }
}

/// Why V and −V are empty, if they are.
fn not_read(card: &ModelCard, query: &NeuronQuery) -> Option<&'static str> {
    (!card.has_output(query.convention)).then_some(NO_HEAD)
}

fn entry(card: &ModelCard, scored: Scored) -> Entry<'_> {
    Entry {
        token: TokenEntry::of(card, scored.id),
        score: scored.score,
    }
}

/// A column's name, with the input that it is of where there are two.
fn named(card: &ModelCard, query: &NeuronQuery, name: &str, column: Column) -> String {
    match column {
        Column::K | Column::MinusK if card.gated() => format!("{name} {}", query.input.name()),
        _ => name.to_owned(),
    }
}

fn columns(card: &ModelCard, query: &NeuronQuery, answer: &NeuronAnswer) -> Table {
    let head = Column::ALL.iter().flat_map(|&column| {
        [
            (named(card, query, &column.to_string(), column), Align::Left),
            (String::new(), Align::Right),
        ]
    });
    let mut table = Table::new(head);
    let longest = answer
        .columns
        .iter()
        .map(Vec::len)
        .max()
        .unwrap_or_default();
    for row in 0..longest {
        let cells = answer.columns.iter().flat_map(|list| {
            let largest = list.first().map_or(0.0, |s| s.score.abs());
            let cell = |s: &Scored| [marked(card, s.id), score(s.score, largest)];
            list.get(row).map_or_else(Default::default, cell)
        });
        table.push(cells.collect());
    }
    table
}
