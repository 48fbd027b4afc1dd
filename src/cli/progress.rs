//! How far something long is, as a line on standard error.

use std::io::{self, IsTerminal};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::outside::escape;
use crate::task::{Callbacks, CancelToken, Progress};

use super::interrupt::on_interrupt;
use super::say;

/// Between two lines where they pile up, and between two states of a line that is rewritten.
const BETWEEN_LINES: Duration = Duration::from_secs(30);
const BETWEEN_STATES: Duration = Duration::from_millis(100);

/// Runs something that a signal cancels. `describe` makes a line of how far it is and of whether it
/// is cancelled; `None` shows nothing new.
///
/// # Errors
/// Signals cannot be listened to.
pub(super) fn shown<T>(
    describe: impl Fn(&Progress, bool) -> Option<String> + Sync,
    work: impl FnOnce(Callbacks<'_>) -> T,
) -> io::Result<T> {
    let interrupted = on_interrupt()?;
    let line = ProgressLine::new();
    let on_progress = |progress: &Progress| {
        if let Some(text) = describe(progress, interrupted.load(Relaxed)) {
            line.show(&text);
        }
    };
    let done = work(Callbacks {
        cancel: CancelToken::flag(&interrupted),
        on_progress: Some(&on_progress),
        ..Callbacks::none()
    });
    line.end();
    // The next signal ends the program as if there had been no handler.
    interrupted.store(true, Relaxed);
    Ok(done)
}

/// A line: rewritten on a terminal, else a new one now and then.
pub(super) struct ProgressLine {
    pub(super) rewritten: bool,
    shown: Mutex<Option<Instant>>,
}

impl ProgressLine {
    pub(super) fn new() -> Self {
        Self {
            rewritten: io::stderr().is_terminal(),
            shown: Mutex::default(),
        }
    }

    pub(super) fn show(&self, text: &str) {
        let between = match self.rewritten {
            true => BETWEEN_STATES,
            false => BETWEEN_LINES,
        };
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.is_some_and(|shown| shown.elapsed() < between) {
            return;
        }
        *shown = Some(Instant::now());
        if self.rewritten {
            say::raw(format_args!("\r\x1b[K{}", escape::line(text)));
        } else {
            say::line(text);
        }
    }

    /// Takes the line away.
    pub(super) fn end(&self) {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if self.rewritten && shown.is_some() {
            say::raw("\r\x1b[K");
        }
    }
}
