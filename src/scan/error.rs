//! Why a scan was not made.

use std::io;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;
use thiserror::Error;

use crate::outside::FileError;
use crate::query::QueryError;

/// What stands in the way of a scan.
#[derive(Debug, Error)]
pub enum ScanError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("layers {got} are not in {model}: expected them within 0..{layers}")]
    Layers {
        got: String,
        model: String,
        layers: usize,
    },
    #[error("{path}: cannot be written: {reason}")]
    Write { path: PathBuf, reason: io::Error },
    /// It is not there, or no file.
    #[error(transparent)]
    File(#[from] FileError),
    #[error(
        "{path}: is a scan of another model ({of}), not of {model} ({what}); \
         give a scan of {model}"
    )]
    OfAnother {
        path: PathBuf,
        of: String,
        model: String,
        what: String,
    },
    #[error("{path}: expected the name of a file, as scan.parquet")]
    NoFile { path: PathBuf },
    /// What lies there was begun or made with something else.
    #[error(
        "{path}: holds a scan with other settings ({name}: {there}, now {here}); \
         choose another --out or remove it"
    )]
    Others {
        path: PathBuf,
        name: String,
        there: String,
        here: String,
    },
    #[error("{path}: another scan is writing there; wait for it or choose another --out")]
    Busy { path: PathBuf },
    #[error("{path}: cannot be read as a scan: {reason}; remove it and start again")]
    Damaged { path: PathBuf, reason: String },
    /// Cancelled; what is done is kept.
    #[error("ended after {done} of {all} parts; the same command goes on from there")]
    Ended { done: usize, all: usize },
}

impl ScanError {
    /// What became of writing to `path`.
    pub(super) fn write(path: &Path) -> impl Fn(io::Error) -> Self {
        move |reason| Self::Write {
            path: path.to_owned(),
            reason,
        }
    }

    /// What the format's own library says of a file.
    pub(super) fn parquet(path: &Path) -> impl Fn(ParquetError) -> Self {
        move |error| match error {
            ParquetError::External(source) if source.is::<io::Error>() => Self::Write {
                path: path.to_owned(),
                reason: io::Error::other(source),
            },
            other => Self::Damaged {
                path: path.to_owned(),
                reason: other.to_string(),
            },
        }
    }
}
