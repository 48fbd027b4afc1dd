//! Geometry of one or more models, written out.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::geometry::{Curve, Estimate, Measure, Pieces};
use crate::outside::escape;
use crate::query::{GeometryAnswer, GeometryQuery, ModelCard, TokenChoice};

use super::command::geometry_command;
use super::export::{csv_text, json_text};
use super::provenance::VERSION;
use super::table::{Align, Table, escaped};
use super::{Chart, Format, Timings};

/// How geometry is written: as text, or as a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeometryFormat {
    Text(Format),
    Svg,
}

impl FromStr for GeometryFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "svg" => Ok(Self::Svg),
            _ => Format::from_str(text)
                .map(Self::Text)
                .map_err(|_| format!("expected table, json, csv, markdown or svg, got {text}")),
        }
    }
}

impl fmt::Display for GeometryFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(format) => format.name(),
            Self::Svg => "svg",
        })
    }
}

/// One model's answer.
#[derive(Clone, Copy)]
pub struct ModelGeometry<'a> {
    pub card: &'a ModelCard,
    pub answer: &'a GeometryAnswer,
    pub timings: Option<Timings>,
}

/// The answers of models to one query, ending with a newline. `chart` chooses what a table shows;
/// JSON and CSV hold raw and corrected values of all measures.
pub fn geometry(
    models: &[ModelGeometry<'_>],
    query: &GeometryQuery,
    chart: &Chart,
    format: Format,
) -> String {
    match format {
        Format::Json => json_text(&json!({
            "version": VERSION,
            "command": command(models, query, chart, format.name()),
            "texts": { "from": query.reading.texts.label, "count": query.reading.texts.texts.len() },
            "settings": settings(query),
            "models": models.iter().map(model).collect::<Vec<_>>(),
        })),
        Format::Csv => csv_text(
            &[
                "model",
                "state",
                "relative_depth",
                "measure",
                "value",
                "low",
                "high",
                "corrected",
                "corrected_low",
                "corrected_high",
                "settings",
                "version",
            ],
            models.iter().flat_map(rows).map(|mut row| {
                row.extend([described(query), VERSION.to_owned()]);
                row
            }),
        ),
        Format::Table | Format::Markdown => {
            let said = format!("{} · lexiscope {VERSION}", described(query));
            let said = escape::line(&said);
            let command = command(models, query, chart, format.name()).unwrap_or_default();
            let command = escape::line(&command);
            let below = match format {
                Format::Markdown => format!("\n{}  \n`{command}`\n", escaped(&said)),
                Format::Table | Format::Json | Format::Csv => format!("\n{said}\n{command}\n"),
            };
            table(models, chart.corrected).write(format) + &below
        }
    }
}

fn command(
    models: &[ModelGeometry<'_>],
    query: &GeometryQuery,
    chart: &Chart,
    format: &str,
) -> Option<String> {
    let models: Vec<&str> = models.iter().map(|of| &*of.card.name).collect();
    geometry_command(&models, query, chart, format)
}

/// What is measured and how, in a line: `texts polish (101) · token zamek · without 3 dominant
/// dimensions`.
pub fn described(query: &GeometryQuery) -> String {
    let texts = &query.reading.texts;
    let mut parts = vec![format!("texts {} ({})", texts.label, texts.texts.len())];
    match &query.token {
        Some(TokenChoice::Word(word)) => parts.push(format!("token {word}")),
        Some(TokenChoice::Id(id)) => parts.push(format!("token id {id}")),
        None => {}
    }
    match query.pieces {
        Pieces::Mean => {}
        Pieces::First => parts.push("first piece of a word".to_owned()),
        Pieces::Last => parts.push("last piece of a word".to_owned()),
    }
    if let Some(max) = query.reading.max_tokens {
        parts.push(format!("at most {max} tokens of a text"));
    }
    if query.reading.skip_first {
        parts.push("without first positions".to_owned());
    }
    if query.reading.skip_special {
        parts.push("without special tokens".to_owned());
    }
    if query.without_dominant > 0 {
        let dimensions = query.without_dominant;
        parts.push(format!("without {dimensions} dominant dimensions"));
    }
    parts.join(" · ")
}

fn settings(query: &GeometryQuery) -> Value {
    let token = match &query.token {
        None => Value::Null,
        Some(TokenChoice::Id(id)) => json!(id),
        Some(TokenChoice::Word(word)) => json!(word),
    };
    json!({
        "token": token,
        "pieces": query.pieces,
        "max_tokens": query.reading.max_tokens,
        "skip_first": query.reading.skip_first,
        "skip_special": query.reading.skip_special,
        "without_dominant": query.without_dominant,
    })
}

#[derive(Serialize)]
struct Model<'a> {
    model: &'a str,
    states: usize,
    anisotropy: Vec<Option<f64>>,
    context_specificity: Vec<Option<f64>>,
    measures: Map<String, Value>,
    dominant_dimensions: &'a [Vec<usize>],
    token: Option<Value>,
    texts: Vec<Value>,
    notices: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    timing_ms: Option<Timings>,
}

fn model<'a>(of: &ModelGeometry<'a>) -> Model<'a> {
    let answer = of.answer;
    let states = answer.dominant.len();
    let values = |measure| {
        let curve = answer.curve(measure);
        curve.map_or_else(
            || vec![None; states],
            |c| c.raw.iter().map(|e| e.map(|e| e.value)).collect(),
        )
    };
    let measures = answer.curves.iter().map(|c| {
        let of = json!({
            "raw": c.raw,
            "corrected": c.corrected,
            "missing": c.missing,
            "intervals": c.measure.method(),
        });
        (c.measure.name().to_owned(), of)
    });
    let text = |ids: &[u32]| -> Vec<String> {
        let vocabulary = &of.card.vocabulary;
        ids.iter()
            .map(|&id| vocabulary.text(id).into_owned())
            .collect()
    };
    Model {
        model: &of.card.name,
        states,
        anisotropy: values(Measure::Anisotropy),
        context_specificity: values(Measure::ContextSpecificity),
        measures: measures.collect(),
        dominant_dimensions: &answer.dominant,
        token: answer.token.as_ref().map(|token| {
            let spelling = |ids: &Vec<u32>| json!({ "ids": ids, "text": text(ids) });
            json!({
                "spellings": token.spellings.iter().map(spelling).collect::<Vec<_>>(),
                "occurrences": token.occurrences,
                "texts": token.texts,
            })
        }),
        texts: answer
            .texts
            .iter()
            .map(|t| {
                json!({
                    "ids": t.ids,
                    "anisotropy": t.anisotropy,
                    "cut_from": t.cut_from,
                    "unknown": t.unknown,
                })
            })
            .collect(),
        notices: &answer.notices,
        timing_ms: of.timings,
    }
}

/// Rows of the CSV: one for each model, measure and state.
fn rows(model: &ModelGeometry<'_>) -> Vec<Vec<String>> {
    let last = model.answer.dominant.len().saturating_sub(1).max(1);
    let cells = |estimate: Option<Estimate>| {
        let interval = estimate.and_then(|e| e.interval);
        let numbers = [
            estimate.map(|e| e.value),
            interval.map(|i| i[0]),
            interval.map(|i| i[1]),
        ];
        numbers.map(|n| n.map_or_else(String::new, |n| n.to_string()))
    };
    let row = |curve: &Curve, state: usize| {
        let corrected = curve.corrected.get(state).copied().flatten();
        let mut row = vec![
            model.card.name.clone(),
            state.to_string(),
            (state as f64 / last as f64).to_string(),
            curve.measure.name().to_owned(),
        ];
        row.extend(cells(curve.raw[state]));
        row.extend(cells(corrected));
        row
    };
    let curves = model.answer.curves.iter();
    curves
        .flat_map(|curve| (0..curve.raw.len()).map(move |state| row(curve, state)))
        .collect()
}

fn table(models: &[ModelGeometry<'_>], corrected: bool) -> Table {
    let curves = |of: &ModelGeometry<'_>| of.answer.curves.clone();
    let shown: Vec<Measure> = Measure::ALL
        .into_iter()
        .filter(|m| models.iter().any(|of| of.answer.curve(*m).is_some()))
        .collect();
    let head = [("model", Align::Left), ("state", Align::Right)]
        .map(|(name, align)| (name.to_owned(), align));
    let columns = shown.iter().map(|m| (heading(*m).to_owned(), Align::Right));
    let mut table = Table::new(head.into_iter().chain(columns));
    for of in models {
        let curves = curves(of);
        for state in 0..of.answer.dominant.len() {
            let mut row = vec![of.card.name.clone(), state.to_string()];
            for measure in &shown {
                let curve = curves.iter().find(|c| c.measure == *measure);
                let estimate = curve.and_then(|c| {
                    let of_choice = match corrected && !c.corrected.is_empty() {
                        true => &c.corrected,
                        false => &c.raw,
                    };
                    of_choice.get(state).copied().flatten()
                });
                row.push(estimate.map_or("–".to_owned(), |e| format!("{:.4}", e.value)));
            }
            table.push(row);
        }
    }
    table
}

/// A column's name: short, since there are eight of them.
fn heading(measure: Measure) -> &'static str {
    match measure {
        Measure::Anisotropy => "anisotropy",
        Measure::IntraSentence => "intra-sent.",
        Measure::ContextSpecificity => "context spec.",
        Measure::SelfSimilarity => "self-sim.",
        Measure::MevUncentred => "MEV",
        Measure::MevCentred => "MEV centred",
        Measure::MevTruncated => "MEV trunc.",
        Measure::TopThree => "top 3 dims",
    }
}
