//! A head's pair list, written out.

use std::borrow::Cow;

use serde::Serialize;

use crate::projection::{End, Pair};
use crate::query::{ModelCard, PairsAnswer, PairsQuery};
use crate::transformer::Form;

use super::export::{csv_text, json_text, named_filters};
use super::neuron::marked;
use super::table::{Align, Table, score};
use super::{Format, Timings};

#[derive(Serialize)]
struct Pairs<'a> {
    model: &'a str,
    kind: &'static str,
    layer: usize,
    head: usize,
    /// QK with rotary positions: how many tokens the key lies behind the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    distance: Option<usize>,
    end: End,
    convention: &'static str,
    exact: bool,
    filters: serde_json::Map<String, serde_json::Value>,
    pairs: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timing_ms: Option<Timings>,
}

#[derive(Serialize)]
struct Entry<'a> {
    from: Row<'a>,
    to: Row<'a>,
    score: f32,
}

#[derive(Serialize)]
struct Row<'a> {
    id: u32,
    text: Cow<'a, str>,
}

/// A pair list in a format, ending with a newline.
pub fn pairs(
    card: &ModelCard,
    query: &PairsQuery,
    answer: &PairsAnswer,
    format: Format,
    timings: Option<Timings>,
) -> String {
    let form = match query.distance {
        0 => query.form.name().to_owned(),
        distance => format!("{} at {distance}", query.form.name()),
    };
    match format {
        Format::Json => json_text(&json(card, query, answer, timings)),
        Format::Csv => csv_text(
            &["form", "rank", "from_id", "from", "to_id", "to", "score"],
            answer.pairs.iter().enumerate().map(|(rank, pair)| {
                vec![
                    form.clone(),
                    (rank + 1).to_string(),
                    pair.from.to_string(),
                    card.vocabulary.text(pair.from).into_owned(),
                    pair.to.to_string(),
                    card.vocabulary.text(pair.to).into_owned(),
                    pair.score.to_string(),
                ]
            }),
        ),
        Format::Table => list(card, query, answer).plain(),
        Format::Markdown => list(card, query, answer).markdown(),
    }
}

fn json<'a>(
    card: &'a ModelCard,
    query: &PairsQuery,
    answer: &PairsAnswer,
    timings: Option<Timings>,
) -> Pairs<'a> {
    let row = |id| Row {
        id,
        text: card.vocabulary.text(id),
    };
    let entry = |p: &Pair| Entry {
        from: row(p.from),
        to: row(p.to),
        score: p.score,
    };
    Pairs {
        model: &card.name,
        kind: query.form.name(),
        layer: query.layer,
        head: query.head,
        distance: (card.spec.rotary && query.form == Form::Qk).then_some(query.distance),
        end: query.end,
        convention: "raw",
        exact: answer.exact,
        filters: named_filters(&query.filters),
        pairs: answer.pairs.iter().map(entry).collect(),
        timing_ms: timings,
    }
}

fn list(card: &ModelCard, query: &PairsQuery, answer: &PairsAnswer) -> Table {
    let (from, to) = query.form.sides();
    let to = match query.distance {
        0 => to.to_owned(),
        distance => format!("{to}, {distance} back"),
    };
    let mut table = Table::new([
        (from.to_owned(), Align::Right),
        ("→".to_owned(), Align::Left),
        (to, Align::Left),
        ("score".to_owned(), Align::Right),
    ]);
    let largest = answer.pairs.first().map_or(0.0, |p| p.score.abs());
    for pair in &answer.pairs {
        table.push(vec![
            marked(card, pair.from),
            "→".to_owned(),
            marked(card, pair.to),
            score(pair.score, largest),
        ]);
    }
    table
}
