//! What every export says of itself: which model and place it is of, under which settings, by which
//! version, and the command that makes it again.

use std::collections::BTreeMap;

use crate::vocabulary::Filters;

use super::{CommandLine, Record};

/// The version of the program, as exports name it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The settings that CSV repeats in every row of a list.
pub const LIST_SETTINGS: [&str; 9] = [
    "convention",
    "model",
    "address",
    "key",
    "end",
    "distance",
    "filters",
    "version",
    "stored",
];

/// Where a sheet comes from.
#[derive(Clone, Debug, Default)]
pub struct Provenance {
    /// What it is of, in a line for people.
    pub said: String,
    /// `None` where all layers, or none, are meant.
    pub address: Option<String>,
    /// By the names of the columns that CSV has of them: model, convention, key, end, distance,
    /// filters, as far as the list has them.
    pub settings: Vec<(&'static str, String)>,
    /// `None` if no command makes it.
    pub command: Option<CommandLine>,
}

impl Provenance {
    /// Of a list of a model.
    pub fn of_list(
        model: &str,
        address: Option<String>,
        mut settings: Vec<(&'static str, String)>,
        command: Option<CommandLine>,
    ) -> Self {
        let named = settings.iter().filter(|(_, value)| !value.is_empty());
        let named = named.map(|(name, value)| format!("{name} {value}"));
        let parts = [model.to_owned()].into_iter().chain(address.clone());
        let said = parts.chain(named).collect::<Vec<_>>().join(" · ");
        settings.push(("model", model.to_owned()));
        Self {
            said,
            address,
            settings,
            command,
        }
    }

    /// The same with the types that the numbers are stored in, for people where they are quantised.
    #[must_use]
    pub fn stored(mut self, types: String, quantised: bool) -> Self {
        if quantised {
            self.said += &format!(" · stored {types}");
        }
        self.settings.push(("stored", types));
        self
    }

    /// What a column of CSV holds of it; nothing of what the list has not.
    pub fn setting(&self, name: &str) -> &str {
        match name {
            "address" => self.address.as_deref().unwrap_or_default(),
            "version" => VERSION,
            name => {
                let found = self.settings.iter().find(|(of, _)| *of == name);
                found.map_or("", |(_, value)| value)
            }
        }
    }
}

impl Record {
    /// The record with what JSON says of where it comes from.
    #[must_use]
    pub fn with_provenance(self, of: &Provenance) -> Self {
        let command = of.command.as_ref().map(|command| command.in_format("json"));
        self.with_some("address", of.address.as_deref())
            .with("version", VERSION)
            .with_some("command", command)
    }
}

/// The filters that are on in a line: `ascii, contains dom`.
pub fn filter_line(filters: &Filters) -> String {
    let named = filters.describe().into_iter();
    let named = named.map(|(name, value)| match &*value {
        "true" => name.to_owned(),
        value => format!("{name} {value}"),
    });
    named.collect::<Vec<_>>().join(", ")
}

/// The filters that are on, by their names on the command line.
pub fn filter_record(filters: &Filters) -> Record {
    let sorted: BTreeMap<_, _> = filters.describe().into_iter().collect();
    sorted.into_iter().collect()
}
