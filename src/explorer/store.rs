//! Small TOML files that survive whatever happens: written beside and renamed, never half; one
//! that cannot be read is set aside, never overwritten.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::outside::{self, FileError, Locked, escape};

/// More than any hand or program puts into such a file.
const LONGEST: u64 = 16 << 20;

/// A file that could not be kept.
#[derive(Debug, Error)]
pub enum StoreError {
    #[error("cannot {doing} {}: {error}", escape::path(path))]
    Io {
        doing: &'static str,
        path: PathBuf,
        error: io::Error,
    },
    #[error("cannot write {}: {error}", escape::path(path))]
    Form {
        path: PathBuf,
        error: toml::ser::Error,
    },
    /// In the place of the file, or of its lock, lies something that is none.
    #[error(transparent)]
    File(#[from] FileError),
    #[error(
        "{}: another program has held its lock for {} s: nothing was changed; \
         try again when that program is done", escape::path(path), outside::PATIENCE.as_secs()
    )]
    Busy { path: PathBuf },
}

/// For `map_err`: what was being done to which file.
fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |error| StoreError::Io { doing, path, error }
}

/// What a file held.
#[derive(Debug)]
pub struct Loaded<T> {
    pub content: T,
    /// What the user should know: that the file was set aside, and where it is now.
    pub notice: Option<String>,
}

/// Reads a file; one that is not there is the default. One that cannot be understood is set
/// aside, and the default takes its place.
///
/// # Errors
/// It can neither be understood nor set aside.
pub fn load<T: DeserializeOwned + Default>(path: &Path) -> Result<Loaded<T>, StoreError> {
    match read(path) {
        Ok(content) => Ok(Loaded {
            content,
            notice: None,
        }),
        // Whoever had the lock may have set it aside already.
        Err(_) => locked(path, || load_locked(path)),
    }
}

/// Reads a file, changes what it holds, and writes it, under a lock.
///
/// # Errors
/// It can be neither understood nor set aside, or not be written.
pub fn change<T: DeserializeOwned + Default + Serialize>(
    path: &Path,
    edit: impl FnOnce(&mut T),
) -> Result<Loaded<T>, StoreError> {
    locked(path, || {
        let mut loaded = load_locked(path)?;
        edit(&mut loaded.content);
        save_locked(path, &loaded.content)?;
        Ok(loaded)
    })
}

/// Replaces a file atomically: a reader sees the old or the new one, whole.
///
/// # Errors
/// A folder that cannot be made or written to, a full disk, a lock that another program holds.
pub fn save<T: Serialize>(path: &Path, content: &T) -> Result<(), StoreError> {
    locked(path, || save_locked(path, content))
}

fn save_locked<T: Serialize>(path: &Path, content: &T) -> Result<(), StoreError> {
    let text = toml::to_string(content).map_err(|error| StoreError::Form {
        path: path.to_owned(),
        error,
    })?;
    // A link, as people make to share such files between machines, stays one.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    // Of one name, so that what a killed program leaves is written over and not added to.
    let fresh = with_ending(&path, ".tmp");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = outside::open_to_write(&fresh, &mut options)?;
    write_whole(file, &fresh, &path, &text).map_err(failed("write", &path))
}

/// Writes `fresh`, and puts it into its place when all of it is on the disk.
fn write_whole(mut file: File, fresh: &Path, path: &Path, text: &str) -> io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(fresh, path)?;
    let folder = folder_of(path);
    // The name is on the disk only once the folder is; Windows cannot open one.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// The default if there is no file; an error says why it cannot be understood.
fn read<T: DeserializeOwned + Default>(path: &Path) -> Result<T, String> {
    match outside::read_text(path, LONGEST) {
        Ok(text) => toml::from_str(&text).map_err(|error| error.message().to_owned()),
        Err(error) if error.is_not_found() => Ok(T::default()),
        Err(FileError::Io { error, .. }) => Err(error.to_string()),
        Err(FileError::NotRegular { kind, .. }) => Err(format!("it is {kind}")),
        Err(error @ (FileError::TooLong { .. } | FileError::NotUtf8 { .. })) => {
            Err(error.to_string())
        }
    }
}

/// The path with something more at its end.
fn with_ending(path: &Path, ending: impl AsRef<OsStr>) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn load_locked<T: DeserializeOwned + Default>(path: &Path) -> Result<Loaded<T>, StoreError> {
    let why = match read(path) {
        Ok(content) => {
            return Ok(Loaded {
                content,
                notice: None,
            });
        }
        Err(why) => why,
    };
    let aside = free_name(path);
    fs::rename(path, &aside).map_err(failed("set aside", path))?;
    let notice = format!(
        "{} could not be read ({why}); it is now {}",
        escape::path(path),
        escape::path(&aside)
    );
    tracing::warn!("{notice}");
    Ok(Loaded {
        content: T::default(),
        notice: Some(notice),
    })
}

/// `bookmarks.toml.broken-1764000000`, with one more second until nothing is called so.
fn free_name(path: &Path) -> PathBuf {
    let mut time = now();
    loop {
        let name = with_ending(path, format!(".broken-{time}"));
        if fs::symlink_metadata(&name).is_err() {
            return name;
        }
        time += 1;
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| d.as_secs())
}

/// Runs `f` while no other program holds the file's lock, which is a file of its own, since the
/// file itself is replaced. On a file system without locks it runs all the same.
fn locked<T>(path: &Path, f: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let name = with_ending(path, ".lock");
    let folder = folder_of(path);
    fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
    let lock = outside::open_lock(&name)?;
    match outside::lock(&lock, || true) {
        Locked::Held => f(),
        Locked::Busy => Err(StoreError::Busy {
            path: path.to_owned(),
        }),
        Locked::Without(error) if error.kind() == io::ErrorKind::Unsupported => f(),
        Locked::Without(error) => Err(failed("lock", &name)(error)),
    }
}
