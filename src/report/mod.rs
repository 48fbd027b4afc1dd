//! Answers as table, JSON, CSV, Markdown: the same bytes for a pipe, a file and the clipboard.

mod chart;
mod command;
mod directions;
mod export;
mod find;
mod geometry;
mod info;
mod map;
mod neuron;
mod pairs;
mod provenance;
mod rank;
mod spark;
mod table;
mod token;
mod trust;

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

pub use chart::{Chart, ChartError, Depth, chart};
pub use command::{
    command, filter_options, geometry_command, option, rank_command, shell_line, shell_words,
};
pub use directions::directions;
pub use export::{Exported, export, safe_csv};
pub use find::find;
pub use geometry::{GeometryFormat, ModelGeometry, described, geometry};
pub use info::{info, models};
pub use map::{MapOf, map, map_chart};
pub use neuron::neuron;
pub use pairs::pairs;
pub use rank::{rank, rank_layers};
pub use spark::spark;
pub use table::grouped;
pub use token::with_boundary;
pub use trust::interval;

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

/// How long a one-shot command took, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Timings {
    /// From the first byte read to the embedding in memory.
    pub open: f64,
    /// From the query to its answer.
    pub compute: f64,
}

impl fmt::Display for Timings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "open {:.1} ms · compute {:.1} ms",
            self.open, self.compute
        )
    }
}
