//! A model on its way: from being asked for until it is open.

use crate::explorer::saved_view::SavedView;
use crate::task::Progress;
use crate::worker::ModelId;

/// A model that is being opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// `None` until the worker has it.
    pub id: Option<ModelId>,
    pub name: String,
    /// Where to go once it is open, one after the other: views of the panes, the one in front last.
    pub then: Vec<SavedView>,
    /// How far it is, while it comes from the hub.
    pub transfer: Option<Progress>,
}

impl Opening {
    /// Of a model that is not open yet.
    pub fn new(name: String, then: Vec<SavedView>) -> Self {
        Self {
            id: None,
            name,
            then,
            transfer: None,
        }
    }
}
