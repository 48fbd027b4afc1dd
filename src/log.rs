//! The log: a file, and only if it is asked for; the screen and standard error belong to others.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use thiserror::Error;
use tracing_subscriber::EnvFilter;

use crate::outside::{self, FileError, escape};

/// The variable that asks for a log; its value says of what: `debug`, `lexiscope::worker=trace`.
pub const VARIABLE: &str = "LEXISCOPE_LOG";

/// Why there is no log although it was asked for.
#[derive(Debug, Error)]
pub enum LogError {
    #[error("{VARIABLE}={value} is no filter ({why}): expected error, warn, info, debug or trace")]
    Filter { value: String, why: String },
    #[error("cannot write the log {}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error(transparent)]
    NoFile(#[from] FileError),
    #[error("the log was started twice")]
    Twice,
}

/// Starts the log in `folder` if `value`, that of [`VARIABLE`], is there and not empty; what comes
/// is appended to the file that it returns.
///
/// # Errors
/// A value that is no filter, a file that cannot be written, a second call.
pub fn start(folder: &Path, value: Option<&str>) -> Result<Option<PathBuf>, LogError> {
    let Some(value) = value.filter(|v| !v.is_empty()) else {
        return Ok(None);
    };
    let filter = EnvFilter::try_new(value).map_err(|error| LogError::Filter {
        value: value.to_owned(),
        why: error.to_string(),
    })?;
    let path = folder.join("lexiscope.log");
    fs::create_dir_all(folder).map_err(|error| LogError::File {
        path: path.clone(),
        error,
    })?;
    let file = outside::open_to_write(&path, OpenOptions::new().create(true).append(true))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Mutex::new(OneLine(file)))
        .with_ansi(false)
        .try_init()
        .map_err(|_| LogError::Twice)?;
    Ok(Some(path))
}

/// A line for each event, with what it quotes from outside escaped.
struct OneLine(File);

impl Write for OneLine {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        // Events come whole, each with a newline at its end.
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        self.0.write_all(escape::line(line).as_bytes())?;
        if line.len() < text.len() {
            self.0.write_all(b"\n")?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_file_unless_a_log_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        for value in [None, Some("")] {
            assert!(start(folder.path(), value).unwrap().is_none());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_done_is_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let error = start(folder.path(), Some("lexiscope=loud")).unwrap_err();
        assert!(error.to_string().contains("LEXISCOPE_LOG=lexiscope=loud"));
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = start(&file.join("state"), Some("debug")).unwrap_err();
        assert!(error.to_string().starts_with("cannot write the log "));
    }

    #[test]
    fn writes_what_the_filter_lets_pass() {
        let folder = tempfile::tempdir().unwrap();
        let path = start(folder.path(), Some("lexiscope=info")).unwrap();
        tracing::info!("a line for the log");
        tracing::info!("a name \u{1b}]0;x\u{7} of\ntwo lines");
        tracing::debug!("too much of it");
        let text = fs::read_to_string(path.unwrap()).unwrap();
        assert!(text.contains("a line for the log") && !text.contains("too much"));
        assert!(
            !text.contains('\x1b') && text.lines().count() == 2,
            "{text}"
        );
        let twice = start(folder.path(), Some("info"));
        assert!(matches!(twice, Err(LogError::Twice)));
    }
}
