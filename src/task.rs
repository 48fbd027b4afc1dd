//! Calling off long computations: a token that they ask between steps, and the error that `?`
//! carries out of them.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use thiserror::Error;

/// A computation or transfer was called off before its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Error)]
#[error("called off")]
pub struct Cancelled;

/// Tells a long computation whether to go on.
///
/// The computation calls [`CancelToken::check`] between steps of a few milliseconds, from any of
/// its threads.
#[derive(Clone, Copy, Default)]
pub struct CancelToken<'a> {
    source: Source<'a>,
}

#[derive(Clone, Copy, Default)]
enum Source<'a> {
    #[default]
    Never,
    Flag(&'a AtomicBool),
    Asked(&'a (dyn Fn() -> bool + Sync)),
}

impl<'a> CancelToken<'a> {
    /// A token that is never cancelled.
    pub const fn never() -> Self {
        Self {
            source: Source::Never,
        }
    }

    /// A token that is cancelled once `flag` is true.
    pub const fn flag(flag: &'a AtomicBool) -> Self {
        Self {
            source: Source::Flag(flag),
        }
    }

    /// A token that is cancelled once `cancelled` returns true; it is called at every check.
    pub const fn new(cancelled: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self {
            source: Source::Asked(cancelled),
        }
    }

    /// Whether the computation should end.
    pub fn is_cancelled(self) -> bool {
        match self.source {
            Source::Never => false,
            Source::Flag(flag) => flag.load(Relaxed),
            Source::Asked(cancelled) => cancelled(),
        }
    }

    /// Returns `Cancelled` if the computation should end.
    ///
    /// # Errors
    /// The token is cancelled.
    pub fn check(self) -> Result<(), Cancelled> {
        match self.is_cancelled() {
            true => Err(Cancelled),
            false => Ok(()),
        }
    }
}
