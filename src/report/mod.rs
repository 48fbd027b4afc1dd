//! Sheets as table, Markdown, JSON and CSV, and charts: the same bytes for a pipe, a file and the
//! clipboard.

mod chart;
mod csv;
mod evidence_chart;
mod json;
mod lens_chart;
mod map_chart;
mod relations_chart;
mod table;

use std::fmt;
use std::str::FromStr;

use crate::sheet::Sheet;

pub use chart::{ChartError, chart};
pub use csv::safe_csv;
pub use evidence_chart::evidence_chart;
pub use lens_chart::lens_chart;
pub use map_chart::map_chart;
pub use relations_chart::relations_chart;

/// A sheet in a format, ending with a newline.
pub fn write(sheet: &Sheet, format: Format) -> String {
    write_all(std::slice::from_ref(sheet), format)
}

/// Sheets in a format. Several are an array in JSON, one table with one head in CSV, which fits those
/// of one kind, and one below the other elsewhere.
pub fn write_all(sheets: &[Sheet], format: Format) -> String {
    let read = |style| {
        let texts: Vec<_> = sheets
            .iter()
            .map(|sheet| table::write(sheet, style))
            .collect();
        texts.join("\n")
    };
    match format {
        Format::Table => read(table::Style::Plain),
        Format::Markdown => read(table::Style::Markdown),
        Format::Json => json::write(sheets),
        Format::Csv => csv::write(sheets),
    }
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for reading.
    #[default]
    Table,
    Json,
    Csv,
    Markdown,
}

impl Format {
    /// All of them, in the order in which help names them.
    pub const ALL: [Self; 4] = [Self::Table, Self::Json, Self::Csv, Self::Markdown];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
        }
    }

    /// The format of a file by the end of its name.
    pub fn of_file(name: &str) -> Option<Self> {
        let (_, end) = name.rsplit_once('.')?;
        match end.to_ascii_lowercase().as_str() {
            "txt" => Some(Self::Table),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "md" => Some(Self::Markdown),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|format| format.name() == text);
        named.ok_or_else(|| format!("expected table, json, csv or markdown, got {text}"))
    }
}

/// How what has a chart is written: as text, or as that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartFormat {
    Text(Format),
    Svg,
}

impl FromStr for ChartFormat {
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

impl fmt::Display for ChartFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(format) => format.name(),
            Self::Svg => "svg",
        })
    }
}
