//! Files that the user, the system or a checkpoint names: opened only if they are files, and read
//! within a bound.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::escape;

/// Most bytes of a list of words or a file of texts.
pub const LONGEST_TEXT: u64 = 16 << 20;

/// Why a file was not read.
#[derive(Debug, Error)]
pub enum FileError {
    #[error("{}: cannot be read: {error}", escape::path(path))]
    Io { path: PathBuf, error: io::Error },
    #[error(
        "{}: expected a file, got {kind}: only regular files are read or written",
        escape::path(path)
    )]
    NotRegular { path: PathBuf, kind: &'static str },
    #[error(
        "{}: {size} bytes or more, expected at most {limit}: this cannot be the right file",
        escape::path(path)
    )]
    TooLong {
        path: PathBuf,
        size: u64,
        limit: u64,
    },
    #[error(
        "{}: expected UTF-8 text, got something else at byte {at}: save it as UTF-8",
        escape::path(path)
    )]
    NotUtf8 { path: PathBuf, at: usize },
}

impl FileError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }

    /// Whether nothing is called so.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { error, .. } if error.kind() == io::ErrorKind::NotFound)
    }
}

/// Opens a file for reading. Nothing else is opened, and nothing is waited for: a pipe would keep
/// who opens it until somebody writes, a device may have no end.
///
/// # Errors
/// It is not there, may not be read, or is a folder, a device, a pipe or a socket.
pub fn open(path: &Path) -> Result<File, FileError> {
    // Before opening, which some devices take for an order, and after it, when it can change no more.
    regular(path, &fs::metadata(path).map_err(FileError::io(path))?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    at_once(&mut options);
    let file = options.open(path).map_err(FileError::io(path))?;
    regular(path, &file.metadata().map_err(FileError::io(path))?)?;
    Ok(file)
}

/// All bytes of a file that has at most `limit`.
///
/// # Errors
/// As [`open`], or it is longer.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let too_long = |size| FileError::TooLong {
        path: path.to_owned(),
        size,
        limit,
    };
    let file = open(path)?;
    let size = file.metadata().map_err(FileError::io(path))?.len();
    if size > limit {
        return Err(too_long(size));
    }
    // It may be growing, and some of the system's files say that they are empty.
    let mut bytes = Vec::new();
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    match read.map_err(FileError::io(path))? as u64 {
        size if size > limit => Err(too_long(size)),
        _ => Ok(bytes),
    }
}

/// All text of a file that has at most `limit` bytes.
///
/// # Errors
/// As [`read`], or it is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> Result<String, FileError> {
    String::from_utf8(read(path, limit)?).map_err(|error| FileError::NotUtf8 {
        path: path.to_owned(),
        at: error.utf8_error().valid_up_to(),
    })
}

/// Opens a file for writing, or makes it, as `options` say: nothing but a file.
///
/// # Errors
/// As [`open`], or it may not be written.
pub fn open_to_write(path: &Path, options: &mut OpenOptions) -> Result<File, FileError> {
    at_once(options);
    let file = options.open(path).map_err(FileError::io(path))?;
    regular(path, &file.metadata().map_err(FileError::io(path))?)?;
    Ok(file)
}

/// Lets opening a pipe return without its other end.
fn at_once(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NONBLOCK);
    #[cfg(not(unix))]
    let _ = options;
}

/// # Errors
/// It is something else than a file.
fn regular(path: &Path, about: &Metadata) -> Result<(), FileError> {
    if about.is_file() {
        return Ok(());
    }
    Err(FileError::NotRegular {
        path: path.to_owned(),
        kind: kind(about),
    })
}

fn kind(about: &Metadata) -> &'static str {
    if about.is_dir() {
        return "a folder";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = about.file_type();
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
    }
    "a device"
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn reads_files_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "ż").unwrap();
        fs::create_dir(at("folder")).unwrap();
        let _listening = UnixListener::bind(at("socket")).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(at("pipe"))
            .status();
        assert!(made.unwrap().success());
        std::os::unix::fs::symlink("/dev/zero", at("device")).unwrap();
        assert_eq!(read_text(&at("file"), 2).unwrap(), "ż");
        for (name, kind) in [
            ("folder", "a folder"),
            ("pipe", "a pipe"),
            ("socket", "a socket"),
            ("device", "a device"),
        ] {
            let error = read(&at(name), 10).unwrap_err().to_string();
            assert!(
                error.contains(&format!("{name}: expected a file, got {kind}")),
                "{error}"
            );
        }
        assert!(read(&at("none"), 1).unwrap_err().is_not_found());
    }

    #[test]
    fn keeps_to_its_bound_and_to_utf_8() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"ab\xff").unwrap();
        let long = read(&path, 2).unwrap_err().to_string();
        assert!(
            long.contains("3 bytes or more, expected at most 2"),
            "{long}"
        );
        let text = read_text(&path, 3).unwrap_err().to_string();
        assert!(
            text.contains("expected UTF-8 text, got something else at byte 2"),
            "{text}"
        );
        // Files of the system say that they are empty.
        if Path::new("/proc/self/status").exists() {
            assert!(
                !read(Path::new("/proc/self/status"), 1 << 20)
                    .unwrap()
                    .is_empty()
            );
            assert!(read(Path::new("/proc/self/status"), 10).is_err());
        }
    }
}
