//! A map of points, written out: a row a point, or as an SVG picture.

use plotters::prelude::*;
use serde_json::{Value, json};

use crate::outside::escape;
use crate::query::{MapAnswer, ModelCard, Pointed};

use super::chart::with_description;
use super::export::{csv_text, json_text};
use super::provenance::VERSION;
use super::table::{Align, Table, escaped};
use super::token::raw;
use super::{ChartError, Format};

/// Pixels, as of a chart.
const SIZE: (u32, u32) = (760, 560);

/// A map, and what it is of.
#[derive(Clone, Copy)]
pub struct MapOf<'a> {
    pub card: &'a ModelCard,
    pub answer: &'a MapAnswer,
    /// `zamek in state 3`, `K of L3.N7`.
    pub title: &'a str,
    /// What decides which points there are: filters, or texts and what is read of them.
    pub settings: &'a str,
    /// For each occurrence the text before the word, the word and the text after; empty for a
    /// column's map.
    pub contexts: &'a [[String; 3]],
}

impl MapOf<'_> {
    /// What a point is called: the word with its text around it, or the token.
    fn words(&self, at: usize) -> [String; 3] {
        match self.answer.points[at].what {
            Pointed::Row { id, .. } => {
                let text = self.card.vocabulary.text(id).into_owned();
                [String::new(), text, String::new()]
            }
            Pointed::Occurrence { .. } => self.contexts.get(at).cloned().unwrap_or_default(),
        }
    }
}

/// The points, ending with a newline.
pub fn map(of: &MapOf<'_>, format: Format) -> String {
    match format {
        Format::Json => json_text(&json!({
            "model": of.card.name,
            "map": of.title,
            "settings": of.settings,
            "version": VERSION,
            "explained": of.answer.explained,
            "points": (0..of.answer.points.len()).map(|at| point(of, at)).collect::<Vec<_>>(),
        })),
        Format::Csv => csv_text(&HEAD, (0..of.answer.points.len()).map(|at| row(of, at))),
        Format::Table | Format::Markdown => {
            let said = format!("{}: {}, {}", of.card.name, of.title, of.settings);
            let said = format!(
                "{} · lexiscope {VERSION}",
                said.trim_end_matches([',', ' '])
            );
            let said = escape::line(&said);
            let said = match format {
                Format::Markdown => escaped(&said),
                Format::Table | Format::Json | Format::Csv => said.into_owned(),
            };
            table(of).write(format) + &format!("\n{said}\n")
        }
    }
}

const HEAD: [&str; 15] = [
    "model", "map", "x", "y", "text", "first", "last", "id", "score", "before", "word", "after",
    "token", "settings", "version",
];

fn point(of: &MapOf<'_>, at: usize) -> Value {
    let point = &of.answer.points[at];
    let [before, word, after] = of.words(at);
    match &point.what {
        Pointed::Row { id, score } => {
            let token = raw(of.card, *id);
            json!({ "at": point.at, "id": id, "score": score, "word": word, "token": token })
        }
        Pointed::Occurrence { text, positions } => json!({
            "at": point.at,
            "text": text,
            "positions": [positions.start, positions.end],
            "before": before,
            "word": word,
            "after": after,
        }),
    }
}

fn row(of: &MapOf<'_>, at: usize) -> Vec<String> {
    let point = &of.answer.points[at];
    let words = of.words(at);
    let [x, y] = point.at.map(|x| x.to_string());
    let none = String::new;
    let places = match &point.what {
        Pointed::Row { id, score } => [none(), none(), none(), id.to_string(), score.to_string()],
        Pointed::Occurrence { text, positions } => {
            let last = positions.end.saturating_sub(1).to_string();
            [
                text.to_string(),
                positions.start.to_string(),
                last,
                none(),
                none(),
            ]
        }
    };
    let head = [of.card.name.clone(), of.title.to_owned(), x, y];
    let raw = match &point.what {
        Pointed::Row { id, .. } => raw(of.card, *id).into_owned(),
        Pointed::Occurrence { .. } => String::new(),
    };
    let last = [raw, of.settings.to_owned(), VERSION.to_owned()];
    head.into_iter()
        .chain(places)
        .chain(words)
        .chain(last)
        .collect()
}

fn table(of: &MapOf<'_>) -> Table {
    let head = [
        ("x", Align::Right),
        ("y", Align::Right),
        ("", Align::Right),
        (of.title, Align::Left),
        ("", Align::Left),
    ];
    let mut table = Table::new(
        head.into_iter()
            .map(|(name, align)| (name.to_owned(), align)),
    );
    for (at, point) in of.answer.points.iter().enumerate() {
        let [x, y] = point.at.map(|x| format!("{x:.3}"));
        let [before, word, after] = of.words(at);
        table.push(vec![x, y, before, word, after]);
    }
    table
}

/// The points as an SVG document: each with its token, or with the number of its text.
///
/// # Errors
/// The picture cannot be drawn.
pub fn map_chart(of: &MapOf<'_>) -> Result<String, ChartError> {
    let mut svg = String::new();
    draw(&mut svg, of).map_err(|e| ChartError::Drawing(e.to_string()))?;
    let title = format!("{}: {}, {}", of.card.name, of.title, of.settings);
    Ok(with_description(&svg, &title, "") + "\n")
}

fn draw(svg: &mut String, of: &MapOf<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let points = &of.answer.points;
    let ends = |axis: usize| {
        let values = points.iter().map(|p| p.at[axis]).filter(|x| x.is_finite());
        let [low, high] = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| {
            [low.min(x), high.max(x)]
        });
        let room = ((high - low) / 12.0).max(1e-6);
        low - room..high + room
    };
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(14)
        .caption(
            escape::line(&format!("{}: {}", of.card.name, of.title)),
            ("sans-serif", 18),
        )
        .x_label_area_size(48)
        .y_label_area_size(70)
        .build_cartesian_2d(ends(0), ends(1))?;
    let [first, second] = of.answer.explained.map(|share| 100.0 * share);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(0xe4, 0xe4, 0xe4))
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 17))
        .x_desc(format!("first component ({first:.0} % of the variance)"))
        .y_desc(format!("second component ({second:.0} %)"))
        .draw()?;
    let colour = RGBColor(0x00, 0x72, 0xb2);
    chart.draw_series(points.iter().enumerate().map(|(at, point)| {
        let name = match &point.what {
            Pointed::Row { .. } => of.words(at)[1].clone(),
            Pointed::Occurrence { text, .. } => text.to_string(),
        };
        EmptyElement::at((point.at[0], point.at[1]))
            + Circle::new((0, 0), 3, colour.filled())
            + Text::new(name, (6, -6), ("sans-serif", 13))
    }))?;
    root.present()?;
    Ok(())
}
