//! The arguments of `lexiscope geometry`.

use anyhow::Result;
use clap::Args;

use super::machine::Machine;
use super::shared_args::{CsvArgs, list_length};
use super::texts_args::TextsArgs;
use crate::geometry::{Measure, Subwords, Texts};
use crate::query::sheet::{Depth, GeometryChart};
use crate::query::{ContextMapQuery, GeometryQuery, TextReading, TokenChoice};
use crate::report::ChartFormat;

/// What is measured, of which models and texts.
#[derive(Clone, Debug, Args)]
pub struct GeometryArgs {
    /// Bundled models, checkpoint folders, or hub ids in the local cache
    #[arg(required = true, value_name = "MODEL")]
    pub models: Vec<String>,
    #[command(flatten)]
    texts: TextsArgs,
    /// A whole word, capitals as they are typed, or a token's own string (Ġdom, ##mu)
    #[arg(long, value_name = "TOKEN", group = "of_token")]
    token: Option<String>,
    /// A token by its id, wherever it stands
    #[arg(long, value_name = "ID", conflicts_with = "token", group = "of_token")]
    token_id: Option<u32>,
    /// What stands for a word of several pieces: mean, first or last
    #[arg(long, value_parser = pieces, default_value = "mean", value_name = "PIECES")]
    pieces: Subwords,
    /// Cut longer texts, special tokens counted
    #[arg(long, value_name = "N", value_parser = list_length)]
    max_tokens: Option<usize>,
    /// Leave out each text's first position
    #[arg(long)]
    skip_first: bool,
    /// Leave out special tokens
    #[arg(long)]
    skip_special: bool,
    /// Leave out the N dimensions that bring the most to anisotropy, at each state
    #[arg(long, value_name = "N", default_value_t = 0)]
    without_dominant: usize,
    /// The token's occurrences at one state as points in two dimensions, each with its text, in
    /// the place of measures
    #[arg(long, requires = "of_token", requires = "state")]
    pub points: bool,
    /// The state of the points, 0 for the embeddings
    #[arg(long, value_name = "STATE", requires = "points")]
    state: Option<usize>,
    /// table, json, csv, markdown or svg
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    pub format: ChartFormat,
    #[command(flatten)]
    pub csv: CsvArgs,
    /// Add how long it took
    #[arg(long)]
    pub timings: bool,
    #[command(flatten)]
    pub machine: Machine,
    #[command(flatten)]
    pub chart: ChartArgs,
}

/// What the SVG chart and the table show. Flattened last, as its heading.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Chart and table")]
pub struct ChartArgs {
    /// The measure of the chart: anisotropy, context_specificity, self_similarity, …
    #[arg(long, value_parser = measure, value_name = "MEASURE")]
    measure: Option<Measure>,
    /// Less what vectors without any relation have
    #[arg(long)]
    corrected: bool,
    /// The number of the state instead of relative depth
    #[arg(long)]
    by_layer: bool,
    /// A logarithmic scale
    #[arg(long)]
    log: bool,
}

impl GeometryArgs {
    /// The texts that are asked for; `None` for the bundled ones that fit.
    ///
    /// # Errors
    /// As [`TextsArgs::read`].
    pub fn texts(&self) -> Result<Option<Texts>> {
        self.texts.read()
    }

    /// What is asked of every model about these texts.
    pub fn query(&self, texts: Texts) -> GeometryQuery {
        GeometryQuery {
            reading: self.reading(texts),
            token: self.choice(),
            pieces: self.pieces,
            without_dominant: self.without_dominant,
        }
    }

    /// The map of points that is asked of every model; `None` if none is.
    pub fn map_query(&self, texts: Texts) -> Option<ContextMapQuery> {
        Some(ContextMapQuery {
            reading: self.reading(texts),
            token: self.choice()?,
            pieces: self.pieces,
            state: self.state?,
        })
    }

    fn reading(&self, texts: Texts) -> TextReading {
        TextReading {
            texts,
            max_tokens: self.max_tokens,
            skip_first: self.skip_first,
            skip_special: self.skip_special,
        }
    }

    fn choice(&self) -> Option<TokenChoice> {
        let id = self.token_id.map(TokenChoice::Id);
        id.or_else(|| self.token.clone().map(TokenChoice::Word))
    }

    /// The chart that is asked for; by itself anisotropy, or a token's context specificity.
    pub fn chart(&self) -> GeometryChart {
        let of_token = self.token.is_some() || self.token_id.is_some();
        let usual = match of_token {
            true => Measure::ContextSpecificity,
            false => Measure::Anisotropy,
        };
        GeometryChart {
            measure: self.chart.measure.unwrap_or(usual),
            corrected: self.chart.corrected,
            depth: match self.chart.by_layer {
                true => Depth::State,
                false => Depth::Relative,
            },
            log: self.chart.log,
        }
    }
}

fn measure(text: &str) -> Result<Measure, String> {
    let found = Measure::ALL.into_iter().find(|m| m.name() == text);
    found.ok_or_else(|| {
        let names = Measure::ALL.map(Measure::name).join(", ");
        format!("expected one of {names}")
    })
}

fn pieces(text: &str) -> Result<Subwords, String> {
    let found = Subwords::ALL.into_iter().find(|p| p.name() == text);
    found.ok_or_else(|| "expected mean, first or last".to_owned())
}
