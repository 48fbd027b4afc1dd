//! What the formats share, and an answer with its query as one thing to be written.

use std::borrow::Cow;

use serde::Serialize;

use crate::outside::escape;
use crate::query::{
    Answer, DirectionsAnswer, DirectionsQuery, FindAnswer, FindQuery, ModelCard, NeuronAnswer,
    NeuronQuery, PairsAnswer, PairsQuery, Query, RankAnswer, RankQuery, TrustAnswer,
};

use super::{Format, Timings};

/// An answer together with its question.
#[derive(Clone, Copy)]
pub enum Exported<'a> {
    /// With how far it can be trusted, if that was asked too.
    Neuron(&'a NeuronQuery, &'a NeuronAnswer, Option<&'a TrustAnswer>),
    Pairs(&'a PairsQuery, &'a PairsAnswer, Option<&'a TrustAnswer>),
    Directions(&'a DirectionsQuery, &'a DirectionsAnswer),
    Find(&'a FindQuery, &'a FindAnswer),
    Rank(&'a RankQuery, &'a RankAnswer),
}

impl<'a> Exported<'a> {
    /// A query with its answer; `None` if they are of two kinds, or of none that is exported.
    pub fn of((query, answer): (&'a Query, &'a Answer)) -> Option<Self> {
        match (query, answer) {
            (Query::Neuron(query), Answer::Neuron(answer)) => {
                Some(Self::Neuron(query, answer, None))
            }
            (Query::Pairs(query), Answer::Pairs(answer)) => Some(Self::Pairs(query, answer, None)),
            (Query::Directions(query), Answer::Directions(answer)) => {
                Some(Self::Directions(query, answer))
            }
            (Query::Find(query), Answer::Find(answer)) => Some(Self::Find(query, answer)),
            (Query::Rank(query), Answer::Rank(answer)) => Some(Self::Rank(query, answer)),
            _ => None,
        }
    }

    /// All that is exported of queries and their answers; how far a list can be trusted goes with
    /// the list.
    pub fn all(answered: &[(&'a Query, &'a Answer)]) -> Vec<Self> {
        let trust = |of: &Query| {
            answered
                .iter()
                .find_map(|(query, answer)| match (query, answer) {
                    (Query::Trust(query), Answer::Trust(answer)) if query.is_about(of) => {
                        Some(answer)
                    }
                    _ => None,
                })
        };
        let lists = answered.iter().copied();
        lists
            .filter_map(|(asked, answer)| {
                Some(match Self::of((asked, answer))? {
                    Self::Neuron(query, answer, _) => Self::Neuron(query, answer, trust(asked)),
                    Self::Pairs(query, answer, _) => Self::Pairs(query, answer, trust(asked)),
                    other => other,
                })
            })
            .collect()
    }

    /// In a format, ending with a newline.
    pub fn write(&self, card: &ModelCard, format: Format, timings: Option<Timings>) -> String {
        match *self {
            Self::Neuron(query, answer, trust) => {
                super::neuron(card, query, (answer, trust), format, timings)
            }
            Self::Pairs(query, answer, trust) => {
                super::pairs(card, query, (answer, trust), format, timings)
            }
            Self::Directions(query, answer) => {
                super::directions(card, query, answer, format, timings)
            }
            Self::Find(query, answer) => super::find(card, query, answer, format, timings),
            Self::Rank(query, answer) => super::rank(card, query, answer, format, timings),
        }
    }
}

/// Answers in a format, as the command line prints them. Several are an array in JSON, one table
/// with one head in CSV if they are of one kind, and one below the other elsewhere.
pub fn export(card: &ModelCard, answers: &[Exported<'_>], format: Format) -> String {
    let texts: Vec<String> = answers
        .iter()
        .map(|answer| answer.write(card, format, None))
        .collect();
    match (format, &texts[..]) {
        (_, [only]) => only.clone(),
        (Format::Json, _) => {
            let items = texts
                .iter()
                .map(|text| text.trim_end().replace('\n', "\n  "));
            format!("[\n  {}\n]\n", items.collect::<Vec<_>>().join(",\n  "))
        }
        (Format::Csv, [first, rest @ ..]) => {
            let rows = rest
                .iter()
                .map(|text| text.split_once('\n').map_or("", |(_, rows)| rows));
            std::iter::once(first.as_str()).chain(rows).collect()
        }
        _ => texts.join("\n"),
    }
}

/// Pretty JSON with a newline at its end. What a terminal would act on is written as `\uXXXX`.
pub(super) fn json_text(value: &impl Serialize) -> String {
    match serde_json::to_string_pretty(value) {
        Ok(text) => escape::json(&text).into_owned() + "\n",
        // Only maps with odd keys and failing writers can fail; there are none here.
        Err(error) => format!("{{\"error\": {:?}}}\n", error.to_string()),
    }
}

/// CSV whose cells no spreadsheet takes for formulas: before what begins with `=`, `+`, `-`, `@`, a
/// tab or a carriage return stands an apostrophe, unless the cell is a number.
pub fn safe_csv(text: &str) -> String {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .from_writer(Vec::new());
    // Text that was just written as CSV reads as CSV, and writing to memory cannot fail.
    let written = reader.records().try_for_each(|record| {
        let cells = record?.iter().map(safe_cell).collect::<Vec<_>>();
        writer.write_record(cells)
    });
    debug_assert!(written.is_ok());
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

fn safe_cell(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    match formula && cell.parse::<f64>().is_err() {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    }
}

/// CSV with a head, fields quoted where they must be, and what a terminal would act on escaped.
pub(super) fn csv_text(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail, nor can UTF-8 become anything else.
    let written = writer.write_record(head).and_then(|()| {
        rows.into_iter().try_for_each(|row| {
            let cells = row.iter().map(|cell| escape::line(cell));
            writer.write_record(cells.map(Cow::into_owned))
        })
    });
    debug_assert!(written.is_ok());
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_escaped_and_formulas_are_text() {
        let rows = [
            ["=HYPERLINK(\"x\")", "-0.25", "\u{202e}a\x1b[2J"],
            ["-K", "+1e-3", "@a, b"],
            ["−1", "-", "a=b"],
        ];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let csv = csv_text(&["a", "b", "c"], rows.into_iter());
        assert!(csv.contains("\\u{202e}a\\u{1b}[2J"), "{csv}");
        let expected = "a,b,c\n\"'=HYPERLINK(\"\"x\"\")\",-0.25,\\u{202e}a\\u{1b}[2J\n\
                        '-K,+1e-3,\"'@a, b\"\n−1,'-,a=b\n";
        assert_eq!(safe_csv(&csv), expected);
    }

    #[test]
    fn json_has_no_character_that_turns_a_line() {
        let text = json_text(&[["a\u{202e}b\u{9b}c\x7f"]]);
        assert!(text.contains("a\\u202eb\\u009bc\\u007f"), "{text}");
    }
}
