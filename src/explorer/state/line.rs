//! A line to type, and what for.

use super::Field;
use crate::explorer::action::{TabId, ViewId};
use crate::explorer::bookmarks::NewMark;
use crate::explorer::view::View;

/// A line to type, and what for.
#[derive(Clone, Debug, PartialEq)]
pub struct TypedLine {
    pub purpose: Purpose,
    pub field: Field,
}

/// What a line is typed for.
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
    /// The text of the Prompt pane.
    PromptText,
    /// The word that is explained there; nothing for the best prediction.
    PromptTarget,
    /// The word that it is held against; nothing for none.
    PromptAgainst,
    /// A change of the model.
    PromptChange,
}

impl Purpose {
    /// The view that takes it.
    pub fn asker(&self) -> &'static dyn View {
        match self {
            Self::Contains | Self::WordsFile | Self::Text => ViewId::Filters.view(),
            Self::Note { .. } => ViewId::Bookmarks.view(),
            Self::Export | Self::ExportChart => ViewId::Line.view(),
            Self::Token | Self::Texts => TabId::Geometry.tab(),
            Self::PromptText | Self::PromptTarget | Self::PromptAgainst | Self::PromptChange => {
                TabId::Prompt.tab()
            }
        }
    }

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
            Self::PromptText => "text",
            Self::PromptTarget => "target",
            Self::PromptAgainst => "against",
            Self::PromptChange => "change",
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
            Self::PromptText => "Enter runs it · Esc leaves",
            Self::PromptTarget => "a word; nothing: the best one",
            Self::PromptAgainst => "a word; nothing: none",
            Self::PromptChange => "ablate L3.N9, steer L7:word=5",
            Self::Texts => "a | b, @file, @polish, @english; nothing: what fits",
        }
    }
}
