//! The directions of a matrix, written out.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::projection::{BLOCK_GAP, Scored};
use crate::query::{Direction, DirectionsAnswer, DirectionsQuery, ModelCard, Part, Query};
use crate::transformer::Input;

use super::export::{csv_text, json_text};
use super::provenance::{COLUMNS, Provenance, named_filters};
use super::table::{Align, Table, score};
use super::token::{TokenEntry, marked, raw};
use super::{Format, Timings, spark};

/// Words that stand for an end in a table.
const SHOWN: usize = 6;

#[derive(Serialize)]
struct Directions<'a> {
    model: &'a str,
    kind: &'static str,
    layer: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<usize>,
    /// Of gated neurons, which input the keys are.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'static str>,
    convention: String,
    exact: bool,
    filters: Map<String, Value>,
    #[serde(flatten)]
    provenance: Provenance,
    sides: [&'static str; 2],
    singular_values: &'a [f32],
    block_gap: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    copying: Option<Copying>,
    directions: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timing_ms: Option<Timings>,
}

#[derive(Serialize)]
struct Copying {
    weights: Option<f32>,
    vocabulary: Option<f32>,
}

#[derive(Serialize)]
struct Entry<'a> {
    direction: usize,
    value: f32,
    share: f32,
    block: Option<usize>,
    left: Ends<'a>,
    right: Ends<'a>,
}

#[derive(Serialize)]
struct Ends<'a> {
    high: Vec<Item<'a>>,
    low: Vec<Item<'a>>,
}

/// What stands at an end: a token, or a neuron.
#[derive(Serialize)]
struct Item<'a> {
    #[serde(flatten)]
    what: What<'a>,
    score: f32,
}

#[derive(Serialize)]
#[serde(untagged)]
enum What<'a> {
    Token(TokenEntry<'a>),
    Neuron { id: u32, text: String },
}

/// A matrix's directions in a format, ending with a newline.
pub fn directions(
    card: &ModelCard,
    query: &DirectionsQuery,
    answer: &DirectionsAnswer,
    format: Format,
    timings: Option<Timings>,
) -> String {
    let asked = Query::Directions(query.clone());
    let provenance = Provenance::of(card, &asked, false, format);
    match format {
        Format::Json => json_text(&json(card, query, answer, provenance, timings)),
        Format::Csv => csv(card, query, answer, &provenance),
        Format::Table | Format::Markdown => {
            let table = table(card, query, answer).write(format);
            heading(card, query, answer) + "\n" + &table + &provenance.lines(format)
        }
    }
}

/// Whether neurons stand on a side, and not tokens.
fn of_neurons(query: &DirectionsQuery, right: bool) -> bool {
    right && !matches!(query.part, Part::Form(_))
}

fn json<'a>(
    card: &'a ModelCard,
    query: &DirectionsQuery,
    answer: &'a DirectionsAnswer,
    provenance: Provenance,
    timings: Option<Timings>,
) -> Directions<'a> {
    let ends = |lists: &[Vec<Scored>; 2], right| {
        let item = |s: &Scored| Item {
            what: match of_neurons(query, right) {
                true => What::Neuron {
                    id: s.id,
                    text: format!("N{}", s.id),
                },
                false => What::Token(TokenEntry::of(card, s.id)),
            },
            score: s.score,
        };
        let [high, low] = lists.each_ref().map(|list| list.iter().map(item).collect());
        Ends { high, low }
    };
    let entry = |(i, direction): (usize, &Direction)| Entry {
        direction: i,
        value: direction.value,
        share: answer.share(i),
        block: direction.block,
        left: ends(&direction.left, false),
        right: ends(&direction.right, true),
    };
    Directions {
        model: &card.name,
        kind: query.part.name(),
        layer: query.layer,
        head: matches!(query.part, Part::Form(_)).then_some(query.head),
        key: query.part.input().filter(|_| card.gated()).map(Input::name),
        convention: query.convention.name(),
        exact: answer.exact,
        filters: named_filters(&query.filters),
        provenance,
        sides: query.part.sides(),
        singular_values: &answer.values,
        block_gap: BLOCK_GAP,
        copying: answer.copying.map(|copying| Copying {
            weights: copying.weights,
            vocabulary: copying.vocabulary,
        }),
        directions: answer.directions.iter().enumerate().map(entry).collect(),
        timing_ms: timings,
    }
}

fn csv(
    card: &ModelCard,
    query: &DirectionsQuery,
    answer: &DirectionsAnswer,
    provenance: &Provenance,
) -> String {
    let convention = query.convention.name();
    let convention = &convention;
    let sides = query.part.sides();
    let rows = answer.directions.iter().enumerate().flat_map(|(i, d)| {
        let lists = [(&d.left, false), (&d.right, true)].into_iter();
        lists.flat_map(move |(ends, right)| {
            let ends = ends.iter().zip(["high", "low"]);
            ends.flat_map(move |(list, end)| {
                list.iter().enumerate().map(move |(rank, item)| {
                    let (text, raw) = match of_neurons(query, right) {
                        true => (format!("N{}", item.id), String::new()),
                        false => {
                            let text = card.vocabulary.text(item.id).into_owned();
                            (text, raw(card, item.id).into_owned())
                        }
                    };
                    let mut row = vec![
                        query.part.name().to_owned(),
                        i.to_string(),
                        d.value.to_string(),
                        d.block.map_or(String::new(), |block| block.to_string()),
                        sides[usize::from(right)].to_owned(),
                        end.to_owned(),
                        (rank + 1).to_string(),
                        item.id.to_string(),
                        text,
                        item.score.to_string(),
                        raw,
                        convention.clone(),
                    ];
                    row.extend(provenance.cells());
                    row
                })
            })
        })
    });
    let head = [
        "kind",
        "direction",
        "value",
        "block",
        "side",
        "end",
        "rank",
        "id",
        "text",
        "score",
        "token",
        "convention",
    ];
    let head: Vec<&str> = head.into_iter().chain(COLUMNS).collect();
    csv_text(&head, rows)
}

/// The spectrum, and of a head the copying score.
/// Of gated neurons, which input the keys are.
fn of(card: &ModelCard, part: Part) -> String {
    let input = part.input().filter(|_| card.gated());
    input.map_or_else(String::new, |input| format!(" ({})", input.name()))
}

fn heading(card: &ModelCard, query: &DirectionsQuery, answer: &DirectionsAnswer) -> String {
    let bars = spark(answer.values.iter().take(64).copied());
    let mut text = match query.part {
        Part::Form(_) => format!("{}  {bars}\n", query.address()),
        part => format!("{} {part}{}  {bars}\n", query.address(), of(card, part)),
    };
    if let Some(copying) = answer.copying {
        let number = |x: Option<f32>| x.map_or("none".to_owned(), |x| format!("{x:+.3}"));
        let (weights, vocabulary) = (number(copying.weights), number(copying.vocabulary));
        text += &format!("copying: {weights} of the weights, {vocabulary} over the vocabulary\n");
    }
    if answer.directions.iter().any(|d| d.block.is_some()) {
        text += "~ values that coincide: any rotation within them is as good\n";
    }
    text
}

fn table(card: &ModelCard, query: &DirectionsQuery, answer: &DirectionsAnswer) -> Table {
    let [left, right] = query.part.sides();
    let mut table = Table::new([
        ("", Align::Right),
        ("σ", Align::Right),
        ("end", Align::Left),
        (left, Align::Left),
        (right, Align::Left),
    ]);
    let largest = answer.values.first().copied().unwrap_or_default();
    let of_layer = !matches!(query.part, Part::Form(_));
    for (i, d) in answer.directions.iter().enumerate() {
        for (end, sign) in ["+", "−"].into_iter().enumerate() {
            let words = |list: &[Scored], right: bool| {
                let word = |s: &Scored| match right && of_layer {
                    true => format!("N{}", s.id),
                    false => marked(card, s.id),
                };
                let words: Vec<String> = list.iter().take(SHOWN).map(word).collect();
                words.join(" ")
            };
            let first = end == 0;
            let block = if d.block.is_some() { "~" } else { "" };
            table.push(vec![
                if first { i.to_string() } else { String::new() },
                match first {
                    true => format!("{block}{}", score(d.value, largest)),
                    false => String::new(),
                },
                sign.to_owned(),
                words(&d.left[end], false),
                words(&d.right[end], true),
            ]);
        }
    }
    table
}
