//! A checkpoint whose weights stay on the hub: the small files lie in the cache, of the weights
//! what was looked at.

use std::path::PathBuf;
use std::sync::Arc;

use crate::hub::{HubId, Ranged};

use super::CheckpointError;
use super::source::Source;

/// A model on the hub, of one revision.
#[derive(Debug)]
pub struct Remote {
    pub(super) id: HubId,
    /// The snapshot in the cache that holds all but the weights.
    pub(super) folder: PathBuf,
    pub(super) weights: Vec<Arc<Ranged>>,
}

impl Remote {
    /// How the user calls it.
    pub fn id(&self) -> &HubId {
        &self.id
    }

    pub(super) fn open(&self, file: &str) -> Result<Option<Source>, CheckpointError> {
        match self.weights.iter().find(|weights| weights.name() == file) {
            Some(weights) => Ok(Some(Source::remote(Arc::clone(weights)))),
            None => Source::open(&self.folder.join(file)),
        }
    }
}

/// The same revision of the same model.
impl PartialEq for Remote {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.folder == other.folder
    }
}

impl Eq for Remote {}
