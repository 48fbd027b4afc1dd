//! The model that was open before the present one: kept, where it is small, so that going back to it
//! takes no time.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::checkpoint::Location;
use crate::query::Answering;

/// Bytes of embeddings up to which a model is kept beside the open one.
const EMBEDDINGS_MAX: usize = 1 << 30;

/// An open model, and what it was opened from.
pub(super) struct OpenModel {
    location: Location,
    files: Vec<FileState>,
    pub(super) model: Box<dyn Answering>,
}

/// A file as it was when its model was opened: name, length and time of the last change.
type FileState = (std::ffi::OsString, u64, Option<SystemTime>);

impl OpenModel {
    /// A model that was opened from files as [`files_of`] saw them just before.
    pub(super) fn new(
        location: Location,
        files: Vec<FileState>,
        model: Box<dyn Answering>,
    ) -> Self {
        Self {
            location,
            files,
            model,
        }
    }

    /// Whether it is what opening a location now would give.
    pub(super) fn is(&self, location: &Location, files: &[FileState]) -> bool {
        self.location == *location && self.files == files
    }

    /// Whether it is of the same place, be its files what they may.
    pub(super) fn is_at(&self, location: &Location) -> bool {
        self.location == *location
    }

    /// Whether there is room for it beside another one.
    pub(super) fn is_small(&self) -> bool {
        let card = self.model.card();
        let embeddings = if card.spec.tied { 1 } else { 2 };
        let bytes = card
            .vocabulary
            .rows()
            .saturating_mul(card.spec.embedding_width);
        bytes.saturating_mul(4 * embeddings) <= EMBEDDINGS_MAX
    }
}

/// The files of a folder, or the one file; nothing of what is part of the program or on the hub, which does not change.
pub(super) fn files_of(location: &Location) -> Vec<FileState> {
    let path = match location {
        Location::Folder { path, .. } => path,
        Location::Adapted(adapted) => {
            let mut files = files_of(&adapted.base);
            files.extend(files_in(&adapted.path));
            return files;
        }
        Location::Difference(compared) => {
            let mut files = files_of(&compared.tuned);
            files.extend(files_of(&compared.base));
            return files;
        }
        Location::Bundled(_) | Location::Remote(_) => return Vec::new(),
    };
    files_in(path)
}

fn files_in(path: &Path) -> Vec<FileState> {
    let of_file = |path: PathBuf| {
        // Of a link, what it leads to.
        let about = fs::metadata(&path).ok()?;
        let name = path.file_name()?.to_owned();
        Some((name, about.len(), about.modified().ok()))
    };
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let one = path.is_file().then(|| path.to_owned());
    let paths = entries.map(|entry| entry.path()).chain(one);
    let mut files: Vec<FileState> = paths.filter_map(of_file).collect();
    files.sort();
    files
}
