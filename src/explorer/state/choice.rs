//! A list that is narrowed by typing, and the models that one of them is of.

use super::Field;

/// A list that is narrowed by typing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chooser {
    pub field: Field,
    pub selected: usize,
}

/// Where a model of the chooser is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Part of the program.
    Bundled,
    /// Opened before.
    Recent,
    /// In a place where another program keeps models, by what it is called.
    Stored(&'static str),
}

impl Origin {
    /// Where it stands in the list: places keep the order in which they are looked through.
    pub fn rank(self) -> u8 {
        match self {
            Self::Bundled => 0,
            Self::Recent => 1,
            Self::Stored(_) => 2,
        }
    }

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Bundled => "bundled",
            Self::Recent => "recent",
            Self::Stored(place) => place,
        }
    }
}

/// A model that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelChoice {
    pub name: String,
    pub origin: Origin,
    /// Its size, family and kind of numbers, as far as they are known yet.
    pub details: String,
}

impl ModelChoice {
    /// A model of which no more is known.
    pub fn new(name: impl Into<String>, origin: Origin) -> Self {
        Self {
            name: name.into(),
            origin,
            details: String::new(),
        }
    }
}

/// Whether every word that is typed occurs, in either case.
pub fn matches(typed: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    let mut words = typed.split_whitespace();
    words.all(|word| text.contains(&word.to_lowercase()))
}
