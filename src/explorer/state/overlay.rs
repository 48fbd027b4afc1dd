//! What can lie on top of a pane.

use super::Field;
use crate::checkpoint::Cost;
use crate::explorer::bookmarks::NewMark;
use crate::explorer::saved_view::SavedView;

/// One thing on top; the state keeps a stack of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Overlay {
    /// The menu of filters.
    Filters,
    /// The menu of conventions.
    Conventions,
    /// Help and palette: all commands, and addresses to jump to.
    Commands {
        help: bool,
        chooser: Chooser,
    },
    Bookmarks(Chooser),
    /// The places where words stand.
    Find(Chooser),
    /// The interesting neurons of the layer.
    Interesting(Chooser),
    /// The map of heads, layer × head, by a measure; where its cursor is.
    HeadMap {
        layer: usize,
        head: usize,
    },
    /// The models to open, or to set beside the open one in the chart.
    Models {
        beside: bool,
        chooser: Chooser,
    },
    /// How a model on the hub should come.
    Ways(Ways),
    /// What the marks and figures on the screen below mean, from a row on.
    Legend(usize),
    Prompt(Prompt),
}

impl Overlay {
    /// The list that is narrowed by typing, if it is one.
    pub fn chooser(&mut self) -> Option<&mut Chooser> {
        match self {
            Self::Commands { chooser, .. }
            | Self::Bookmarks(chooser)
            | Self::Find(chooser)
            | Self::Interesting(chooser)
            | Self::Models { chooser, .. } => Some(chooser),
            Self::Filters
            | Self::Conventions
            | Self::HeadMap { .. }
            | Self::Ways(_)
            | Self::Legend(_)
            | Self::Prompt(_) => None,
        }
    }

    /// The row of the list that Enter takes, if it is a list.
    pub fn selected(&mut self) -> Option<&mut usize> {
        match self {
            Self::Ways(ways) => Some(&mut ways.selected),
            list => list.chooser().map(|chooser| &mut chooser.selected),
        }
    }
}

/// A model on the hub that was chosen, and what it would cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Ways {
    pub name: String,
    /// Where to go once it is open.
    pub then: Vec<SavedView>,
    /// `None` until the hub has said.
    pub cost: Option<Cost>,
    pub selected: usize,
}

/// A list that is narrowed by typing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chooser {
    pub field: Field,
    pub selected: usize,
}

/// A line to type, and what for.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    pub purpose: Purpose,
    pub field: Field,
}

/// What a prompt asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Purpose {
    /// Applied at every key.
    Contains,
    WordsFile,
    /// A text, or `@` and a file.
    Text,
    /// Of a mark that is there, or of one to be made.
    Note {
        mark: Box<NewMark>,
        /// Of the mark that is there.
        id: Option<String>,
    },
    Export,
    /// The same, of a pane that is a chart.
    ExportChart,
    /// The word whose occurrences are measured.
    Token,
    /// Texts to measure, or `@` and a file; nothing for the bundled ones.
    Texts,
}

impl Purpose {
    /// What stands before the line.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::WordsFile => "words from file",
            Self::Text => "tokens of the text",
            Self::Note { .. } => "note",
            Self::Export | Self::ExportChart => "write to",
            Self::Token => "token",
            Self::Texts => "texts",
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
            Self::ExportChart => ".svg .csv .json .md .txt · Esc leaves",
            Self::Token => "a word · Esc leaves",
            Self::Texts => "a | b, @file, @polish, @english; nothing: what fits",
        }
    }
}
