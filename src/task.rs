//! What long computations and transfers have in common: a token that they check between steps, the
//! error that `?` carries out of them when it is cancelled, and how far they are.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

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

/// How far a computation or transfer is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// What is done one after the other, such as a layer; empty if there is but one.
    pub phase: String,
    /// What is counted apart: files, or neurons and heads.
    pub parts: Vec<ProgressPart>,
    /// Of a transfer, bytes a second over the last seconds; 0 until that is known.
    pub rate: f64,
    /// Time left; `None` before there is a measure.
    pub left: Option<Duration>,
}

/// How far one part is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgressPart {
    pub name: String,
    /// Of a transfer bytes, else things of the name.
    pub done: u64,
    pub total: u64,
}

impl Progress {
    /// Done in all parts.
    pub fn done(&self) -> u64 {
        self.parts.iter().map(|part| part.done).sum()
    }

    /// To do in all parts, what is done included.
    pub fn total(&self) -> u64 {
        self.parts.iter().map(|part| part.total).sum()
    }
}

/// What a computation calls while it runs. `Partial`: its answer so far, for those that have one.
pub struct Callbacks<'a, Partial = Infallible> {
    /// Checked every few milliseconds, by transfers ten times a second.
    pub cancel: CancelToken<'a>,
    /// Takes an answer that is not finished but better than the one before.
    pub on_partial: Option<&'a (dyn Fn(Partial) + Sync)>,
    /// Takes how far it is; of a query, how far the weights that it needs have come from the hub.
    pub on_progress: Option<&'a (dyn Fn(&Progress) + Sync)>,
}

// Derived, they would ask as much of `Partial`.
impl<Partial> Clone for Callbacks<'_, Partial> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Partial> Copy for Callbacks<'_, Partial> {}

impl<'a, Partial> Callbacks<'a, Partial> {
    /// No progress is reported, and nothing cancels.
    pub const fn none() -> Self {
        Self {
            cancel: CancelToken::never(),
            on_partial: None,
            on_progress: None,
        }
    }

    /// The same for a step whose own partial answers are of no use.
    #[must_use]
    pub fn without_partial<Other>(self) -> Callbacks<'a, Other> {
        Callbacks {
            cancel: self.cancel,
            on_partial: None,
            on_progress: self.on_progress,
        }
    }

    /// Passes on an answer that is not finished.
    pub fn partial(self, answer: Partial) {
        if let Some(on_partial) = self.on_partial {
            on_partial(answer);
        }
    }

    /// Passes on how far it is.
    pub fn progress(self, progress: &Progress) {
        if let Some(on_progress) = self.on_progress {
            on_progress(progress);
        }
    }
}
