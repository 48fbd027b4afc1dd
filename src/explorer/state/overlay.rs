//! What can lie on top of a pane.

use super::Field;
use crate::query::Address;

/// One thing on top; the state keeps a stack of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overlay {
    /// The menu of filters.
    Filters,
    /// Help and palette: all commands, and addresses to jump to.
    Commands {
        help: bool,
        chooser: Chooser,
    },
    Bookmarks(Chooser),
    Models(Chooser),
    Prompt(Prompt),
}

/// A list that is narrowed by typing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chooser {
    pub field: Field,
    pub selected: usize,
}

/// A line to type, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    pub purpose: Purpose,
    pub field: Field,
}

/// What a prompt asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Applied at every key.
    Contains,
    WordsFile,
    /// A text, or `@` and a file.
    Text,
    Note {
        model: String,
        address: Address,
    },
    Export,
}

impl Purpose {
    /// What stands before the line.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::WordsFile => "words from file",
            Self::Text => "tokens of the text",
            Self::Note { .. } => "note",
            Self::Export => "write to",
        }
    }

    /// How to use it, in a few words.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Contains => "Enter keeps · Esc clears",
            Self::WordsFile => "one word a line · Esc leaves",
            Self::Text => "type it, or @file · Esc leaves",
            Self::Note { .. } => "Enter keeps · Esc leaves",
            Self::Export => ".csv .json .md .txt · Esc leaves",
        }
    }
}
