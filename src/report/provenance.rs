//! What every export says of itself: of which model and place it is, under which settings, by which
//! version, and the command that makes it again.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::outside::escape;
use crate::projection::End;
use crate::query::{ModelCard, Query, TrustQuery};
use crate::transformer::{Form, Input};

use super::Format;
use super::command::command;
use super::table::escaped;

/// The version of the program, as exports name it.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The keys that JSON has beside an answer's own.
#[derive(Serialize)]
pub(super) struct Provenance {
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    #[serde(skip)]
    model: String,
    /// Convention, key, end, distance and filters, as far as the list has them.
    #[serde(skip)]
    settings: Vec<(&'static str, String)>,
}

/// The columns that CSV has after an answer's own, the same for lists of every kind.
pub(super) const COLUMNS: [&str; 7] = [
    "model", "address", "key", "end", "distance", "filters", "version",
];

impl Provenance {
    /// Of the answer to a query; `trust`: with how far it can be trusted.
    pub(super) fn of(card: &ModelCard, query: &Query, trust: bool, format: Format) -> Self {
        let mut settings = Vec::new();
        settings.extend(query.convention().map(|c| ("convention", c.name())));
        match query {
            Query::Neuron(query) if card.gated() => {
                settings.push(("key", query.input.name().to_owned()));
            }
            Query::Find(query) if card.gated() && query.input != Input::default() => {
                settings.push(("key", query.input.name().to_owned()));
            }
            Query::Pairs(query) => {
                let end = match query.end {
                    End::Highest => "highest",
                    End::Lowest => "lowest",
                };
                settings.push(("end", end.to_owned()));
                if card.spec.rotary && query.form == Form::Qk {
                    settings.push(("distance", query.distance.to_string()));
                }
            }
            Query::Neuron(_)
            | Query::Directions(_)
            | Query::Find(_)
            | Query::ValueNorms
            | Query::Undertrained
            | Query::FirstConvention
            | Query::TextLanguage
            | Query::Geometry(_)
            | Query::ContextMap(_)
            | Query::NeuronMap(_)
            | Query::Rank(_)
            | Query::Trust(TrustQuery::Neuron(_) | TrustQuery::Pairs(_)) => {}
        }
        if let Some(filters) = query.filters() {
            settings.push(("filters", named(&filters.describe())));
        }
        Self {
            address: query.address().map(|address| address.to_string()),
            version: VERSION,
            command: command(&card.name, query, trust, format),
            model: card.name.clone(),
            settings,
        }
    }

    /// The same of all layers, which another command makes.
    pub(super) fn of_all_layers(self, command: Option<String>) -> Self {
        Self {
            address: None,
            command,
            ..self
        }
    }

    fn setting(&self, name: &str) -> String {
        let mut settings = self.settings.iter();
        let found = settings.find(|(of, _)| *of == name);
        found.map_or(String::new(), |(_, value)| value.clone())
    }

    /// The cells of [`COLUMNS`].
    pub(super) fn cells(&self) -> [String; 7] {
        COLUMNS.map(|name| self.cell(name))
    }

    /// The cell of one column, or of `convention`.
    pub(super) fn cell(&self, name: &str) -> String {
        match name {
            "model" => self.model.clone(),
            "address" => self.address.clone().unwrap_or_default(),
            "version" => self.version.to_owned(),
            setting => self.setting(setting),
        }
    }

    /// Two lines below a table: what it is of, and the command.
    pub(super) fn lines(&self, format: Format) -> String {
        let mut parts = vec![self.model.clone()];
        parts.extend(self.address.clone());
        let named = self.settings.iter().filter(|(_, value)| !value.is_empty());
        parts.extend(named.map(|(name, value)| format!("{name} {value}")));
        parts.push(format!("lexiscope {}", self.version));
        let said = parts.join(" · ");
        let said = escape::line(&said);
        let command = self.command.as_deref().map(escape::line);
        match (format, command) {
            (Format::Markdown, Some(command)) => {
                // A span of code ends where as many backticks stand as it began with.
                let fence = if command.contains('`') { "``" } else { "`" };
                format!("\n{}  \n{fence}{command}{fence}\n", escaped(&said))
            }
            (Format::Markdown, None) => format!("\n{}\n", escaped(&said)),
            (_, Some(command)) => format!("\n{said}\n{command}\n"),
            (_, None) => format!("\n{said}\n"),
        }
    }
}

/// Settings in a line: `ascii, contains dom`.
pub(super) fn named(settings: &[(&'static str, String)]) -> String {
    let named = settings.iter().map(|(name, value)| match &**value {
        "true" => (*name).to_owned(),
        value => format!("{name} {value}"),
    });
    named.collect::<Vec<_>>().join(", ")
}

/// The filters that are on, by their names on the command line.
pub(super) fn named_filters(filters: &crate::vocabulary::Filters) -> Map<String, Value> {
    let named = filters.describe().into_iter();
    named
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect()
}
