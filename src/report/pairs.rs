//! A head's pair list, written out.

use serde::Serialize;

use crate::projection::{End, Pair, Scored};
use crate::query::{ModelCard, PairsAnswer, PairsQuery, Query, TrustAnswer};
use crate::transformer::Form;

use super::export::{csv_text, json_text};
use super::provenance::{COLUMNS, Provenance, named_filters};
use super::table::{Align, Table, score};
use super::token::{TokenEntry, marked, raw};
use super::trust::{Trusted, below, trusted};
use super::{Format, Timings};

/// Rows shown of what one side does whatever the other is.
const ALONE_ROWS: usize = 10;

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
    convention: String,
    exact: bool,
    filters: serde_json::Map<String, serde_json::Value>,
    #[serde(flatten)]
    provenance: Provenance,
    pairs: Vec<Entry<'a>>,
    /// What the biases of the left side bring whatever it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    regardless: Option<Regardless<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trust: Option<Trusted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timing_ms: Option<Timings>,
}

#[derive(Serialize)]
struct Entry<'a> {
    from: TokenEntry<'a>,
    to: TokenEntry<'a>,
    score: f32,
}

#[derive(Serialize)]
struct Regardless<'a> {
    highest: Vec<Lone<'a>>,
    lowest: Vec<Lone<'a>>,
}

#[derive(Serialize)]
struct Lone<'a> {
    #[serde(flatten)]
    token: TokenEntry<'a>,
    score: f32,
}

/// A pair list in a format, ending with a newline.
pub fn pairs(
    card: &ModelCard,
    query: &PairsQuery,
    (answer, trust): (&PairsAnswer, Option<&TrustAnswer>),
    format: Format,
    timings: Option<Timings>,
) -> String {
    let form = match query.distance {
        0 => query.form.name().to_owned(),
        distance => format!("{} at {distance}", query.form.name()),
    };
    let asked = Query::Pairs(query.clone());
    let provenance = Provenance::of(card, &asked, trust.is_some(), format);
    match format {
        Format::Json => {
            let trusted = (answer, trust);
            json_text(&json(card, query, trusted, provenance, timings))
        }
        Format::Csv => {
            let name = &query.convention.name();
            let row = |kind: &str, rank: usize, from: Option<u32>, to, score: f32| {
                let text = |id| card.vocabulary.text(id).into_owned();
                let raw = |id| raw(card, id).into_owned();
                let mut row = vec![
                    kind.to_owned(),
                    (rank + 1).to_string(),
                    from.map_or(String::new(), |id| id.to_string()),
                    from.map_or(String::new(), text),
                    u32::to_string(&to),
                    text(to),
                    score.to_string(),
                    name.clone(),
                    from.map_or(String::new(), raw),
                    raw(to),
                ];
                row.extend(provenance.cells());
                row
            };
            let pairs = answer.pairs.iter().enumerate();
            let pairs = pairs.map(|(rank, p)| row(&form, rank, Some(p.from), p.to, p.score));
            let kinds = ["regardless", "regardless, lowest"].map(|kind| format!("{form} {kind}"));
            let lists = kinds.iter().zip(answer.regardless.iter().flatten());
            let alone = lists.flat_map(|(kind, list)| {
                let list = list.iter().enumerate();
                list.map(move |(rank, s)| row(kind, rank, None, s.id, s.score))
            });
            let head = [
                "form",
                "rank",
                "from_id",
                "from",
                "to_id",
                "to",
                "score",
                "convention",
                "from_token",
                "to_token",
            ];
            let head: Vec<&str> = head.into_iter().chain(COLUMNS).collect();
            csv_text(&head, pairs.chain(alone))
        }
        Format::Table | Format::Markdown => {
            let lists = trust.iter().flat_map(|trust| &trust.lists);
            let lists: Vec<_> = lists.map(|trust| (form.to_uppercase(), trust)).collect();
            list(card, query, answer).write(format)
                + &alone(card, query, answer)
                    .map_or(String::new(), |table| format!("\n{}", table.write(format)))
                + &below("", &lists, format)
                + &provenance.lines(format)
        }
    }
}

fn json<'a>(
    card: &'a ModelCard,
    query: &PairsQuery,
    (answer, trust): (&PairsAnswer, Option<&TrustAnswer>),
    provenance: Provenance,
    timings: Option<Timings>,
) -> Pairs<'a> {
    let entry = |p: &Pair| Entry {
        from: TokenEntry::of(card, p.from),
        to: TokenEntry::of(card, p.to),
        score: p.score,
    };
    Pairs {
        model: &card.name,
        kind: query.form.name(),
        layer: query.layer,
        head: query.head,
        distance: (card.spec.rotary && query.form == Form::Qk).then_some(query.distance),
        end: query.end,
        convention: query.convention.name(),
        exact: answer.exact,
        filters: named_filters(&query.filters),
        provenance,
        pairs: answer.pairs.iter().map(entry).collect(),
        regardless: answer.regardless.as_ref().map(|[highest, lowest]| {
            let lone = |s: &Scored| Lone {
                token: TokenEntry::of(card, s.id),
                score: s.score,
            };
            Regardless {
                highest: highest.iter().map(lone).collect(),
                lowest: lowest.iter().map(lone).collect(),
            }
        }),
        trust: trust.and_then(|trust| trust.lists.first()).map(trusted),
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

/// What one side does whatever the other one is.
fn alone(card: &ModelCard, query: &PairsQuery, answer: &PairsAnswer) -> Option<Table> {
    let [highest, lowest] = answer.regardless.as_ref()?;
    let [most, least] = match query.form {
        Form::Qk => ["attended to whatever asks", "least so"],
        Form::Vo => ["written whatever is read", "suppressed"],
    };
    let mut table = Table::new([
        (most, Align::Left),
        ("score", Align::Right),
        (least, Align::Left),
        ("score", Align::Right),
    ]);
    let largest = |list: &[Scored]| list.first().map_or(0.0, |s| s.score.abs());
    let (high, low) = (largest(highest), largest(lowest));
    for (a, b) in highest.iter().zip(lowest).take(ALONE_ROWS) {
        table.push(vec![
            marked(card, a.id),
            score(a.score, high),
            marked(card, b.id),
            score(b.score, low),
        ]);
    }
    Some(table)
}
