//! How files lie in the cache: blobs by their hashes, names that lead to them, and whether all of it
//! can be written.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use hf_hub::CacheRepo;

use crate::outside::FileError;

use super::{HubError, Listing};

/// By its ending, a file whose size only the model bounds.
pub(super) fn is_weights(name: &str) -> bool {
    name.ends_with(".safetensors") || name.ends_with(".bin")
}

/// Whether a file is there and has this size.
pub(super) fn is_of_size(path: &Path, size: u64) -> bool {
    fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() == size)
}

/// Tries every folder of the cache that files, names and locks go into, before any byte comes.
///
/// # Errors
/// One of them cannot be made or written to.
pub(super) fn writable(cache: &CacheRepo, root: &Path, listing: &Listing) -> Result<(), HubError> {
    let folder = listing.id.repo().folder_name();
    let model = root.join(&folder);
    for folder in [
        model.join("blobs"),
        model.join("refs"),
        cache.pointer_path(&listing.commit),
        root.join(".locks").join(&folder),
    ] {
        let tried = fs::create_dir_all(&folder).and_then(|()| tempfile::tempfile_in(&folder));
        tried.map_err(|error| HubError::disk(&folder, error))?;
    }
    Ok(())
}

/// What lies in the place of a file of the cache.
pub(super) fn no_file(path: &Path, error: FileError) -> HubError {
    let source = match error {
        FileError::Io { error: source, .. } => source,
        other => io::Error::other(other),
    };
    HubError::disk(path, source)
}

/// Makes `pointer` lead to `blob`: by a relative link, as Python's tools do, or where there are
/// none by a copy.
pub(super) fn point(pointer: &Path, blob: &Path) -> io::Result<()> {
    let folder = pointer.parent().unwrap_or(pointer);
    fs::create_dir_all(folder)?;
    // One that leads nowhere, or to a blob that was wrong.
    if pointer.symlink_metadata().is_ok() {
        fs::remove_file(pointer)?;
    }
    #[cfg(unix)]
    {
        // Up to the folder that holds both `snapshots` and `blobs`.
        let model = blob.ancestors().nth(2).unwrap_or(Path::new(""));
        let below = folder.strip_prefix(model).unwrap_or(folder);
        let normal = below
            .components()
            .filter(|c| matches!(c, Component::Normal(_)));
        let mut link: PathBuf = normal.map(|_| "..").collect();
        link.push("blobs");
        link.push(blob.file_name().unwrap_or_default());
        std::os::unix::fs::symlink(link, pointer)
    }
    #[cfg(not(unix))]
    fs::copy(blob, pointer).map(|_| ())
}
