//! What `update` wants done to the world, as plain data; the event loop does it.

use std::path::PathBuf;
use std::sync::Arc;

pub use super::bookmarks::{BookmarkChange, NewMark};
use crate::query::{Answer, Query};

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// What the screen shows now, most important first; replaces the list before.
    Want(Vec<Query>),
    /// What may be answered when nothing else is to be done; replaces the list before.
    Idle(Vec<Query>),
    /// Look up which models lie on this machine.
    ListModels,
    /// Open a model by its name, folder or hub id.
    Open(String),
    /// Bring a model from the hub, whole or by the tensors that are looked at, and open it.
    Fetch {
        name: String,
        by_tensor: bool,
    },
    /// Bring nothing more from the hub.
    StopFetch,
    /// Put a text on the clipboard.
    Copy(String),
    /// Put the answers on the clipboard, as plain text.
    CopyAnswers(Vec<(Query, Arc<Answer>)>),
    Bookmark(BookmarkChange),
    /// Write the answers to a file, in the format of its extension.
    Export {
        path: PathBuf,
        answers: Vec<(Query, Arc<Answer>)>,
    },
    /// Read a list of words, one a line, and filter by it.
    ReadWords(PathBuf),
    /// Read a text and filter by its tokens.
    ReadText(PathBuf),
    /// Read texts to measure.
    ReadTexts(PathBuf),
    /// Tell which files begin as typed, or which folders.
    Complete {
        typed: String,
        folders: bool,
    },
    /// Write a text to a new file.
    Write {
        path: PathBuf,
        text: String,
    },
    /// Something about a further model of the chart, by its key.
    Compared(u64, ComparedEffect),
    /// Paint everything, whatever the terminal may show.
    Redraw,
    Suspend,
    /// The model that the program was started for cannot be opened: end with this message.
    GiveUp(String),
    /// Save the session and leave.
    Quit,
}

/// What is to be done about a further model of the chart.
#[derive(Clone, Debug, PartialEq)]
pub enum ComparedEffect {
    /// Open it by its name, in a worker of its own.
    Open(String),
    /// As [`Effect::Want`], of its worker.
    Want(Vec<Query>),
    /// Drop its worker.
    Close,
}
