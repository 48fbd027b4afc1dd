//! What the explorer is started with.

use std::path::PathBuf;

use super::paths::Paths;
use super::saved_view::SavedView;
use super::theme::Theme;
use crate::projection::DeviceChoice;
use crate::query::MemoryBudget;

/// What the explorer starts with.
pub struct Setup {
    /// The model asked for; else the last one, else the bundled one.
    pub model: Option<String>,
    /// Where to begin there.
    pub at: Option<SavedView>,
    pub theme: Theme,
    pub mouse: bool,
    pub device: DeviceChoice,
    /// What may be held in memory beside the embedding.
    pub memory: MemoryBudget,
    /// Of a model on the hub, fetch only what is looked at.
    pub by_tensor: bool,
    /// What of that may be kept on disk, in bytes.
    pub blocks_max: u64,
    pub paths: Paths,
    /// A finished scan of the model.
    pub scan: Option<PathBuf>,
    /// A fitted lens of the model.
    pub lens: Option<PathBuf>,
}
