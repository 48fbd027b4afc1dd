//! Both models' lists below the sheet of a change.

use super::sheet::{nothing, numbers};
use super::{BothListsAnswer, BothListsQuery, Moved, TokenPair, VectorChange};
use crate::query::{ModelCard, NeuronColumn};
use crate::sheet::{
    Block, Column, NumberForm, Record, Section, Sheet, TokenNames, TokenPart, Value,
};

/// The sheet of a change, with both models' lists below it.
pub(in crate::query) fn beside(
    mut sheet: Sheet,
    card: &ModelCard,
    query: &BothListsQuery,
    answer: &BothListsAnswer,
) -> Sheet {
    let line = change_line(card, answer);
    let Lists {
        record,
        shown,
        rows,
    } = lists(card, query, answer);
    if let Value::Record(document) = &mut sheet.document {
        document.push_some("against", card.against.as_deref());
        document.push_some("both", Some(record));
    }
    sheet.blocks.insert(0, Block::Text(format!("{line}\n\n")));
    let first = sheet.sections.len();
    let tables = first..first + shown.len();
    sheet.blocks.push(Block::Text(
        "\nin both models: rank, and from which it rose or fell\n".to_owned(),
    ));
    sheet.blocks.push(Block::table(tables));
    sheet.sections.extend(shown);
    sheet.sections.extend(rows);
    sheet
}

/// Both models' lists in every format.
struct Lists {
    record: Record,
    /// For tables, side by side.
    shown: Vec<Section>,
    /// For CSV.
    rows: Vec<Section>,
}

fn lists(card: &ModelCard, query: &BothListsQuery, answer: &BothListsAnswer) -> Lists {
    let names = card.token_names();
    match answer {
        BothListsAnswer::Neuron {
            columns,
            key,
            value,
            numbers: of,
        } => {
            let lists = || NeuronColumn::ALL.into_iter().zip(columns);
            let by_column = lists().map(|(column, list)| (column.name(), tokens(list)));
            let shown = lists().map(|(column, list)| {
                let items = list.iter().map(|moved| names.marked(moved.item));
                shown_section(column.to_string(), items, list)
            });
            let rows = lists().flat_map(|(column, list)| {
                VERSIONS.map(|(name, of)| {
                    token_rows(format!("{} {name}", column.name()), &ranked(list, of))
                })
            });
            Lists {
                record: Record::new()
                    .with("key", change(*key))
                    .with("value", change(*value))
                    .with("numbers", numbers(*of))
                    .with("columns", by_column.collect::<Record>()),
                shown: shown.collect(),
                rows: rows.collect(),
            }
        }
        BothListsAnswer::Pairs { pairs, change: of } => {
            let items = pairs.iter().map(|moved| pair(&names, moved.item));
            let form = match query {
                BothListsQuery::Pairs(query) => query.form.name(),
                BothListsQuery::Neuron(_) => "",
            };
            let rows =
                VERSIONS.map(|(name, of)| pair_rows(format!("{form} {name}"), &ranked(pairs, of)));
            Lists {
                record: Record::new()
                    .with("change", change(*of))
                    .with("pairs", both_pairs(pairs)),
                shown: vec![shown_section(form.to_uppercase(), items, pairs)],
                rows: rows.into(),
            }
        }
    }
}

type Place = Option<(usize, f32)>;

/// One of the places of an item.
type PlaceOf = fn(Place, Place) -> Place;

/// The two models, and where an item stands in the list of each.
const VERSIONS: [(&str, PlaceOf); 2] = [("tuned", |tuned, _| tuned), ("base", |_, base| base)];

/// An item of one model's list.
struct Ranked<T> {
    item: T,
    rank: usize,
    score: f32,
}

fn ranked<T: Copy>(list: &[Moved<T>], of: PlaceOf) -> Vec<Ranked<T>> {
    let ranked = |moved: &Moved<T>| {
        let (rank, score) = of(moved.tuned, moved.base)?;
        let item = moved.item;
        Some(Ranked { item, rank, score })
    };
    let mut ranked: Vec<Ranked<T>> = list.iter().filter_map(ranked).collect();
    ranked.sort_by_key(|item| item.rank);
    ranked
}

/// Rows of CSV below those of a neuron's own.
fn token_rows(label: String, list: &[Ranked<u32>]) -> Section {
    let tokens = list.iter().map(|item| item.item);
    Section::new([
        Column::same(label).csv("column"),
        Column::of(list.iter().map(|item| item.rank)).csv("rank"),
        Column::of(tokens)
            .csv_part("id", TokenPart::Id)
            .csv_part("token", TokenPart::Raw)
            .csv("text"),
        Column::of(list.iter().map(|item| item.score)).csv("score"),
    ])
}

/// Rows of CSV below those of a head's own.
fn pair_rows(label: String, list: &[Ranked<TokenPair>]) -> Section {
    let from = || Column::of(list.iter().map(|item| item.item.from));
    let to = || Column::of(list.iter().map(|item| item.item.to));
    Section::new([
        Column::same(label).csv("form"),
        Column::of(list.iter().map(|item| item.rank)).csv("rank"),
        from().csv_part("from_id", TokenPart::Id).csv("from"),
        to().csv_part("to_id", TokenPart::Id).csv("to"),
        Column::of(list.iter().map(|item| item.score)).csv("score"),
        nothing("convention"),
        from().csv_part("from_token", TokenPart::Raw),
        to().csv_part("to_token", TokenPart::Raw),
    ])
}

/// A change in a line: how far the vectors moved.
fn change_line(card: &ModelCard, answer: &BothListsAnswer) -> String {
    let figures = |name: &str, change: &VectorChange| {
        let relative = change
            .relative
            .map_or("new".to_owned(), |x| format!("{x:.4}"));
        let cosine = change
            .cosine
            .map_or("none".to_owned(), |x| format!("{x:.4}"));
        format!("{name} |Δ|/|base| {relative}, cosine {cosine}")
    };
    let against = card.against.as_deref().unwrap_or_default();
    let said = match answer {
        BothListsAnswer::Neuron { numbers, .. } if numbers.changed == 0 => {
            "nothing changed here".to_owned()
        }
        BothListsAnswer::Neuron {
            key,
            value,
            numbers,
            ..
        } => {
            let rounding = match numbers.is_rounding() {
                true => " · ≈ no number moved by more than rounding does",
                false => "",
            };
            format!("{} · {}{rounding}", figures("K", key), figures("V", value))
        }
        BothListsAnswer::Pairs { change, .. } if change.relative == Some(0.0) => {
            "nothing changed here".to_owned()
        }
        BothListsAnswer::Pairs { change, .. } => figures("form", change),
    };
    format!("Δ against {against}: {said}")
}

fn change(change: VectorChange) -> Record {
    Record::new()
        .with("relative", change.relative)
        .with("cosine", change.cosine)
}

fn places<T>(record: Record, moved: &Moved<T>) -> Record {
    let place = |place: Option<(usize, f32)>| {
        place.map(|(rank, score)| Record::new().with("rank", rank).with("score", score))
    };
    record
        .with("tuned", place(moved.tuned))
        .with("base", place(moved.base))
}

fn tokens(list: &[Moved<u32>]) -> Value {
    let item = |moved: &Moved<u32>| places(Record::new().with_token(moved.item), moved);
    list.iter().map(item).collect()
}

fn both_pairs(list: &[Moved<TokenPair>]) -> Value {
    let item = |moved: &Moved<TokenPair>| {
        let TokenPair { from, to } = moved.item;
        let pair = Record::new().with("from", Value::Token(from));
        places(pair.with("to", Value::Token(to)), moved)
    };
    list.iter().map(item).collect()
}

fn pair(names: &TokenNames, TokenPair { from, to }: TokenPair) -> String {
    format!("{} → {}", names.marked(from), names.marked(to))
}

/// `3 ▲2`: rank, and by how many places it rose; `new`, `out`.
fn place<T>(moved: &Moved<T>) -> String {
    match (moved.tuned, moved.base) {
        (Some((rank, _)), Some((before, _))) => match before.cmp(&rank) {
            std::cmp::Ordering::Greater => format!("{rank} ▲{}", before - rank),
            std::cmp::Ordering::Less => format!("{rank} ▼{}", rank - before),
            std::cmp::Ordering::Equal => format!("{rank} ="),
        },
        (Some((rank, _)), None) => format!("{rank} new"),
        (None, Some((before, _))) => format!("out, was {before}"),
        (None, None) => String::new(),
    }
}

fn shown_section<T>(
    head: String,
    items: impl Iterator<Item = String>,
    list: &[Moved<T>],
) -> Section {
    let items: Vec<String> = items.collect();
    Section::new([
        Column::of(items).shown(head, NumberForm::Plain),
        Column::of(list.iter().map(place)).shown("", NumberForm::Plain),
    ])
}
