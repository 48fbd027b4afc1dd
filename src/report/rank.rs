//! The most interesting neurons, or heads, of a layer or of all, written out.

use serde::Serialize;

use crate::query::{Interesting, ModelCard, Query, RankAnswer, RankQuery};

use super::command::rank_command;
use super::export::{csv_text, json_text};
use super::provenance::{Provenance, named_filters};
use super::table::{Align, Table};
use super::token::{TokenEntry, marked, raw};
use super::{Format, Timings};

/// The columns of CSV that say what it is of.
const OF: [&str; 3] = ["model", "filters", "version"];

/// Words of each list in a table.
const WORDS: usize = 5;

#[derive(Serialize)]
struct Rank<'a> {
    model: &'a str,
    /// Left out where all layers are ranked.
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<usize>,
    by: &'static str,
    /// Of all of the layer, in the list or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<Option<f32>>,
    convention: String,
    filters: serde_json::Map<String, serde_json::Value>,
    #[serde(flatten)]
    provenance: Provenance,
    #[serde(skip_serializing_if = "Option::is_none")]
    neurons: Option<Vec<Entry<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heads: Option<Vec<HeadEntry<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timing_ms: Option<Timings>,
}

#[derive(Serialize)]
struct Entry<'a> {
    layer: usize,
    neuron: usize,
    figure: f32,
    #[serde(rename = "K")]
    k: Vec<TokenEntry<'a>>,
    #[serde(rename = "V")]
    v: Vec<TokenEntry<'a>>,
}

#[derive(Serialize)]
struct HeadEntry<'a> {
    layer: usize,
    head: usize,
    figure: f32,
    reads: Vec<TokenEntry<'a>>,
    writes: Vec<TokenEntry<'a>>,
}

/// A layer's most interesting neurons, or heads, in a format, ending with a newline.
pub fn rank(
    card: &ModelCard,
    query: &RankQuery,
    answer: &RankAnswer,
    format: Format,
    timings: Option<Timings>,
) -> String {
    let mean = answer.mean.is_finite().then_some(answer.mean);
    let list = List {
        query,
        of_layer: Some((query.layer, mean)),
        count: query.count,
        items: answer.items.iter().map(|item| (query, item)).collect(),
    };
    list.write(card, format, timings)
}

/// The most interesting of all layers, at most `count`: queries that differ in their layers only,
/// with their answers.
pub fn rank_layers(
    card: &ModelCard,
    layers: &[(RankQuery, RankAnswer)],
    count: usize,
    format: Format,
    timings: Option<Timings>,
) -> String {
    let Some((query, _)) = layers.first() else {
        return String::new();
    };
    let all = layers.iter();
    let all = all.flat_map(|(query, answer)| answer.items.iter().map(move |item| (query, item)));
    let mut items: Vec<(&RankQuery, &Interesting)> = all.collect();
    let figure = |item: &Interesting| match item.figure.is_nan() {
        true => f32::NEG_INFINITY,
        false => item.figure,
    };
    // Equal ones stay in the order of their layers.
    items.sort_by(|(_, a), (_, b)| figure(b).total_cmp(&figure(a)));
    items.truncate(count);
    let list = List {
        query,
        of_layer: None,
        count,
        items,
    };
    list.write(card, format, timings)
}

/// What is written: neurons or heads, each with the query of its layer.
struct List<'a> {
    query: &'a RankQuery,
    /// The layer and its mean, if it is one.
    of_layer: Option<(usize, Option<f32>)>,
    /// How many were asked for.
    count: usize,
    items: Vec<(&'a RankQuery, &'a Interesting)>,
}

impl List<'_> {
    fn provenance(&self, card: &ModelCard, format: Format) -> Provenance {
        let asked = Query::Rank(self.query.clone());
        let of_layer = Provenance::of(card, &asked, false, format);
        match self.of_layer {
            Some(_) => of_layer,
            None => {
                of_layer.of_all_layers(rank_command(&card.name, self.query, self.count, format))
            }
        }
    }

    fn write(&self, card: &ModelCard, format: Format, timings: Option<Timings>) -> String {
        let by = self.query.by;
        let [item, left, right] = match by.of_heads() {
            true => ["head", "reads", "writes"],
            false => ["neuron", "K", "V"],
        };
        match format {
            Format::Json => json_text(&self.json(card, timings)),
            Format::Csv => {
                let words = |ids: &[u32]| {
                    let words: Vec<_> = ids.iter().map(|&id| card.vocabulary.text(id)).collect();
                    words.join(" ")
                };
                let strings = |ids: &[u32]| {
                    let strings: Vec<_> = ids.iter().map(|&id| raw(card, id)).collect();
                    strings.join(" ")
                };
                let provenance = self.provenance(card, format);
                let row = |(rank, (query, n)): (usize, &(&RankQuery, &Interesting))| {
                    let mut row = vec![
                        query.layer.to_string(),
                        (rank + 1).to_string(),
                        n.item.to_string(),
                        n.figure.to_string(),
                        words(&n.key),
                        words(&n.value),
                        strings(&n.key),
                        strings(&n.value),
                    ];
                    row.extend(OF.map(|name| provenance.cell(name)));
                    row
                };
                let [left_strings, right_strings] =
                    [left, right].map(|side| format!("{side}_tokens"));
                let head = ["layer", "rank", item, by.name(), left, right];
                let strings = [&*left_strings, &*right_strings];
                let head: Vec<&str> = head.into_iter().chain(strings).chain(OF).collect();
                csv_text(&head, self.items.iter().enumerate().map(row))
            }
            Format::Table | Format::Markdown => {
                let mut table = Table::new([
                    (item, Align::Left),
                    (by.name(), Align::Right),
                    (left, Align::Left),
                    (right, Align::Left),
                ]);
                let words = |ids: &[u32]| {
                    let words = ids.iter().take(WORDS).map(|&id| marked(card, id));
                    words.collect::<Vec<_>>().join(" ")
                };
                for (query, n) in &self.items {
                    table.push(vec![
                        query.address(n).to_string(),
                        format!("{:.2}", n.figure),
                        words(&n.key),
                        words(&n.value),
                    ]);
                }
                table.write(format) + &self.provenance(card, format).lines(format)
            }
        }
    }

    fn json<'a>(&self, card: &'a ModelCard, timings: Option<Timings>) -> Rank<'a> {
        let rows = |ids: &[u32]| {
            let row = |&id: &u32| TokenEntry::of(card, id);
            ids.iter().map(row).collect()
        };
        let neuron = |(query, n): &(&RankQuery, &Interesting)| Entry {
            layer: query.layer,
            neuron: n.item,
            figure: n.figure,
            k: rows(&n.key),
            v: rows(&n.value),
        };
        let head = |(query, n): &(&RankQuery, &Interesting)| HeadEntry {
            layer: query.layer,
            head: n.item,
            figure: n.figure,
            reads: rows(&n.key),
            writes: rows(&n.value),
        };
        let items = self.items.iter();
        let of_heads = self.query.by.of_heads();
        Rank {
            model: &card.name,
            layer: self.of_layer.map(|(layer, _)| layer),
            by: self.query.by.name(),
            mean: self.of_layer.map(|(_, mean)| mean),
            convention: self.query.convention.name(),
            filters: named_filters(&self.query.filters),
            provenance: self.provenance(card, Format::Json),
            neurons: (!of_heads).then(|| items.clone().map(neuron).collect()),
            heads: of_heads.then(|| items.map(head).collect()),
            timing_ms: timings,
        }
    }
}
