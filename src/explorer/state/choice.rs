//! A list that is narrowed by typing, and the models that one of them is of.

use super::Field;

/// A list that is narrowed by typing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chooser {
    pub field: Field,
    pub selected: usize,
}

/// Where a model of the chooser is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Part of the program.
    Bundled,
    /// Opened before.
    Recent,
    /// In the hub's local cache.
    Hub,
}

impl Origin {
    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Bundled => "bundled",
            Self::Recent => "recent",
            Self::Hub => "hub cache",
        }
    }
}

/// A model that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelChoice {
    pub name: String,
    pub origin: Origin,
}

/// Whether every word that is typed occurs, in either case.
pub fn matches(typed: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    let mut words = typed.split_whitespace();
    words.all(|word| text.contains(&word.to_lowercase()))
}
