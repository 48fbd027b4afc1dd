//! What can go wrong between here and the hub: what, where, and what to do, in one line.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::outside::escape;
use crate::task::Cancelled;

/// Why nothing came from the hub, or why what came is not used.
#[derive(Debug, Error)]
pub enum HubError {
    /// Whoever waited wants it no more; what has arrived is kept for the next time.
    #[error("the transfer was called off; what has arrived is kept")]
    Cancelled(#[from] Cancelled),
    #[error("{what}: no such model here, and HF_HUB_OFFLINE is set: unset it to ask the hub")]
    Offline { what: String },
    #[error(
        "{what}: not here, and {host} cannot be reached: {why}; check the spelling, the network, \
         HTTPS_PROXY and HF_ENDPOINT"
    )]
    Unreachable {
        what: String,
        host: String,
        why: String,
    },
    #[error("{what}: not a byte came for {seconds} s; try again, it goes on where it stopped")]
    Stalled { what: String, seconds: u64 },
    #[error("{what}: the connection broke off: {why}; try again, it goes on where it stopped")]
    Broken { what: String, why: String },
    #[error(
        "{what}: expected a file, got a web page: a proxy or a login page answers for {host}; \
         open it in a browser, or set HTTPS_PROXY or HF_ENDPOINT"
    )]
    WebPage { what: String, host: String },
    #[error(
        "{what}: the hub refused ({status}): check the spelling; if the model is gated or private, \
         accept its licence at {page} and set HF_TOKEN to a token of that account"
    )]
    Refused {
        what: String,
        status: u16,
        page: String,
    },
    #[error("{what}: the hub has no such {missing}: check the spelling")]
    NotFound { what: String, missing: &'static str },
    #[error("{what}: the hub says there were too many requests (429); wait a few minutes{advice}")]
    TooMany { what: String, advice: &'static str },
    #[error("{what}: the hub answered {status} {attempts} times; try again later")]
    Server {
        what: String,
        status: u16,
        attempts: u32,
    },
    #[error("{what}: expected {expected}, got {got}; check HF_ENDPOINT")]
    Odd {
        what: String,
        expected: &'static str,
        got: String,
    },
    #[error("{what}: expected {expected} bytes, got {got}: it was not kept; try again")]
    Size {
        what: String,
        expected: u64,
        got: u64,
    },
    /// The server sends no more; unlike what is wrong, what came is kept.
    #[error(
        "{what}: expected {expected} bytes, got {got} and no more; what came is kept: try again, it \
         goes on where it stopped"
    )]
    Short {
        what: String,
        expected: u64,
        got: u64,
    },
    #[error(
        "{what}: expected at most {limit} bytes, the hub says {size}: this cannot be the right file"
    )]
    TooLarge { what: String, size: u64, limit: u64 },
    #[error(
        "{what}: expected the hash {expected}, got {got}: what arrived is not what the hub \
         states, and was not kept; try again"
    )]
    Hash {
        what: String,
        expected: String,
        got: String,
    },
    /// The server sends whole files only.
    #[error("{what}: the server does not serve parts of files")]
    NoRanges { what: String },
    #[error(
        "{}: the disk is full; make room or set HF_HUB_CACHE to another disk, then try again: \
         it goes on where it stopped",
        escape::path(path)
    )]
    DiskFull { path: PathBuf },
    #[error(
        "{}: cannot be written: {error}; set HF_HUB_CACHE to a folder of your own",
        escape::path(path)
    )]
    Cache { path: PathBuf, error: io::Error },
    #[error(
        "{}: cannot be written: {error}; make room, or set XDG_CACHE_HOME to another disk",
        escape::path(path)
    )]
    Blocks { path: PathBuf, error: io::Error },
    #[error(
        "{}: a block went as soon as it came; allow it more with --remote-cache",
        escape::path(path)
    )]
    NoRoom { path: PathBuf },
    #[error("{what}: another program is downloading it; wait for it and try again")]
    Busy { what: String },
    #[error("no cache: set HF_HUB_CACHE, or HOME")]
    NoCache,
    #[error("the network cannot be used: {why}")]
    NoClient { why: String },
}

impl HubError {
    /// What writing into the cache says.
    pub(super) fn disk(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Cache { path, error },
        }
    }
}
