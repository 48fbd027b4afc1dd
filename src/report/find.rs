//! Where words stand, written out.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::projection::{By, Hit};
use crate::query::{FindAnswer, FindQuery, Group, ModelCard, NO_HEAD, Query};

use super::export::{csv_text, json_text};
use super::provenance::{Provenance, named_filters};
use super::table::{Align, Table, grouped, score};
use super::token::{TokenEntry, marked, raw};
use super::{Format, Timings, spark};

#[derive(Serialize)]
struct Find<'a> {
    model: &'a str,
    words: &'a [String],
    by: By,
    convention: String,
    exact: bool,
    filters: Map<String, Value>,
    #[serde(flatten)]
    provenance: Provenance,
    tokens: Vec<TokenEntry<'a>>,
    matched: usize,
    ranks_counted: usize,
    /// Why some groups are empty, where they cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_read: Option<&'static str>,
    groups: Groups<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timing_ms: Option<Timings>,
}

/// By the names of their kinds, in their order.
struct Groups<'a>(Vec<(&'static str, Places<'a>)>);

impl Serialize for Groups<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, places)| (name, places)))
    }
}

#[derive(Serialize)]
struct Places<'a> {
    meaning: &'static str,
    /// Hits a layer.
    histogram: Vec<usize>,
    /// The best of each layer.
    best: &'a [f32],
    hits: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    address: String,
    layer: usize,
    index: usize,
    token: TokenEntry<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partner: Option<TokenEntry<'a>>,
    score: f32,
    cosine: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    rank: Option<usize>,
    /// The first words of the neuron's list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    words: Vec<TokenEntry<'a>>,
}

/// Where words stand in a format, ending with a newline.
pub fn find(
    card: &ModelCard,
    query: &FindQuery,
    answer: &FindAnswer,
    format: Format,
    timings: Option<Timings>,
) -> String {
    let asked = Query::Find(query.clone());
    let provenance = Provenance::of(card, &asked, false, format);
    match format {
        Format::Json => json_text(&json(card, query, answer, provenance, timings)),
        Format::Csv => csv(card, answer, &provenance),
        Format::Table => tables(card, query, answer, "", Table::plain) + &provenance.lines(format),
        Format::Markdown => {
            tables(card, query, answer, "## ", Table::markdown) + &provenance.lines(format)
        }
    }
}

fn json<'a>(
    card: &'a ModelCard,
    query: &'a FindQuery,
    answer: &'a FindAnswer,
    provenance: Provenance,
    timings: Option<Timings>,
) -> Find<'a> {
    let token = |id| TokenEntry::of(card, id);
    let group = |group: &'a Group| {
        let entry = |(hit, words): (&Hit, &Vec<u32>)| Entry {
            address: group.address(hit).to_string(),
            layer: hit.layer,
            index: hit.index,
            token: token(hit.token),
            partner: hit.partner.map(token),
            score: hit.score,
            cosine: hit.cosine,
            rank: hit.rank,
            words: words.iter().map(|&id| token(id)).collect(),
        };
        let places = Places {
            meaning: group.stand.meaning(),
            histogram: group.histogram(card.spec.layers),
            best: &group.by_layer,
            hits: group.hits.iter().zip(&group.gists).map(entry).collect(),
        };
        (group.stand.name(), places)
    };
    Find {
        model: &card.name,
        words: &query.words,
        by: query.by,
        convention: query.convention.name(),
        exact: answer.exact,
        filters: named_filters(&query.filters),
        provenance,
        tokens: answer.tokens.iter().map(|&id| token(id)).collect(),
        matched: answer.matched,
        ranks_counted: answer.counted,
        not_read: (!card.has_output(query.convention)).then_some(NO_HEAD),
        groups: Groups(answer.groups.iter().map(group).collect()),
        timing_ms: timings,
    }
}

/// The columns that say what a list of places is of; each row has an address of its own.
const OF: [&str; 5] = ["model", "convention", "key", "filters", "version"];

fn csv(card: &ModelCard, answer: &FindAnswer, provenance: &Provenance) -> String {
    let rows = answer.groups.iter().flat_map(|group| {
        group.hits.iter().enumerate().map(move |(place, hit)| {
            let text = |id| card.vocabulary.text(id).into_owned();
            let raw = |id| raw(card, id).into_owned();
            let mut row = vec![
                group.stand.name().to_owned(),
                (place + 1).to_string(),
                group.address(hit).to_string(),
                hit.token.to_string(),
                text(hit.token),
                hit.partner.map_or(String::new(), |id| id.to_string()),
                hit.partner.map_or(String::new(), text),
                hit.score.to_string(),
                hit.cosine.to_string(),
                hit.rank.map_or(String::new(), |rank| rank.to_string()),
                group.gists[place]
                    .iter()
                    .map(|&id| text(id))
                    .collect::<Vec<_>>()
                    .join(" "),
                raw(hit.token),
                hit.partner.map_or(String::new(), raw),
            ];
            row.extend(OF.map(|name| provenance.cell(name)));
            row
        })
    });
    let head = [
        "stand",
        "place",
        "address",
        "token_id",
        "token",
        "partner_id",
        "partner",
        "score",
        "cosine",
        "rank",
        "words",
        "token_string",
        "partner_string",
    ];
    let head: Vec<&str> = head.into_iter().chain(OF).collect();
    csv_text(&head, rows)
}

/// The tokens, then a table a group, each under its title.
fn tables(
    card: &ModelCard,
    query: &FindQuery,
    answer: &FindAnswer,
    mark: &str,
    write: fn(&Table) -> String,
) -> String {
    let tokens: Vec<String> = answer.tokens.iter().map(|&id| marked(card, id)).collect();
    let mut text = format!("{}, by {}", tokens.join("  "), query.by.name());
    if !query.convention.is_raw() {
        text += &format!(", {}", query.convention);
    }
    text.push('\n');
    if answer.matched > answer.tokens.len() {
        let (first, all) = (answer.tokens.len(), grouped(answer.matched));
        text += &format!("the first {first} of {all} tokens that match\n");
    }
    if !card.has_output(query.convention) {
        text += &format!("{NO_HEAD}\n");
    }
    for group in &answer.groups {
        let bars = spark(group.by_layer.iter().copied());
        let (stand, meaning) = (group.stand, group.stand.meaning());
        text += &format!("\n{mark}{stand}  {meaning}  {bars}\n");
        if !mark.is_empty() {
            text.push('\n');
        }
        text += &write(&table(card, group));
    }
    text
}

fn table(card: &ModelCard, group: &Group) -> Table {
    let heads = group.stand.is_of_heads();
    let mut columns = vec![
        ("place", Align::Left),
        ("token", Align::Left),
        ("score", Align::Right),
        ("cosine", Align::Right),
    ];
    match heads {
        true => columns.push(("with", Align::Left)),
        false => columns.extend([("rank", Align::Right), ("list", Align::Left)]),
    }
    let mut table = Table::new(columns);
    let size = |hit: &Hit| hit.score.abs();
    let largest = group.hits.iter().map(size).fold(0.0, f32::max);
    for (hit, words) in group.hits.iter().zip(&group.gists) {
        let mut row = vec![
            group.address(hit).to_string(),
            marked(card, hit.token),
            score(hit.score, largest),
            format!("{:.3}", hit.cosine),
        ];
        match hit.partner {
            Some(partner) => row.push(marked(card, partner)),
            None => {
                let words = words.iter().map(|&id| marked(card, id));
                row.push(hit.rank.map_or(String::new(), grouped));
                row.push(words.collect::<Vec<_>>().join(" "));
            }
        }
        table.push(row);
    }
    table
}
