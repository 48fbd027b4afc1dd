//! What the threads of a transfer count, and when they stop.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::HubError;
use crate::task::{Callbacks, CancelToken, Progress, ProgressPart};

/// Interval between progress reports.
const TICK: Duration = Duration::from_millis(100);

/// The time over which the rate is taken.
const RATE_OVER: Duration = Duration::from_secs(3);

/// What the threads of a transfer count in.
pub(super) struct Meter {
    files: Vec<(String, u64, AtomicU64)>,
    stopped: AtomicBool,
}

impl Meter {
    /// Of files by name and size, with nothing there.
    pub(super) fn new(files: impl IntoIterator<Item = (String, u64)>) -> Self {
        let files = files.into_iter();
        Self {
            files: files
                .map(|(name, size)| (name, size, AtomicU64::new(0)))
                .collect(),
            stopped: AtomicBool::new(false),
        }
    }

    /// So many bytes of file `i` are there.
    pub(super) fn set(&self, i: usize, done: u64) {
        self.files[i].2.store(done, Relaxed);
    }

    /// So many more bytes of file `i` are there.
    pub(super) fn add(&self, i: usize, more: u64) {
        self.files[i].2.fetch_add(more, Relaxed);
    }

    /// So many bytes of file `i` will come again.
    pub(super) fn take(&self, i: usize, less: u64) {
        self.files[i].2.fetch_sub(less, Relaxed);
    }

    /// Cancelled when the transfer should end.
    pub(super) fn token(&self) -> CancelToken<'_> {
        CancelToken::flag(&self.stopped)
    }

    fn progress(&self, rate: f64) -> Progress {
        let parts = self.files.iter().map(|(name, size, done)| ProgressPart {
            name: name.clone(),
            done: done.load(Relaxed),
            total: *size,
        });
        let mut progress = Progress {
            parts: parts.collect(),
            rate,
            ..Progress::default()
        };
        let bytes = progress.total().saturating_sub(progress.done()) as f64;
        progress.left = Duration::try_from_secs_f64(bytes / rate).ok();
        progress
    }

    /// Runs `work` on a number of threads, and reports their progress; stops them when the
    /// token is cancelled, or when one fails.
    ///
    /// # Errors
    /// What the first thread that failed says.
    pub(super) fn during(
        &self,
        threads: usize,
        callbacks: Callbacks<'_>,
        work: impl Fn() -> Result<(), HubError> + Sync,
    ) -> Result<(), HubError> {
        let first = OnceLock::new();
        let guarded = || {
            if let Err(error) = work() {
                self.stopped.store(true, Relaxed);
                first.get_or_init(|| error);
            }
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(guarded)).collect();
            let mut seen = vec![(Instant::now(), 0)];
            while threads.iter().any(|thread| !thread.is_finished()) {
                // The first moments decide whether a small transfer feels instant.
                let early = seen.len() < 10;
                thread::sleep(if early { TICK / 20 } else { TICK });
                if callbacks.cancel.is_cancelled() {
                    self.stopped.store(true, Relaxed);
                }
                callbacks.progress(&self.progress(self.rate(&mut seen)));
            }
        });
        callbacks.progress(&self.progress(0.0));
        match first.into_inner() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Bytes per second since the oldest of the last progress reports.
    fn rate(&self, seen: &mut Vec<(Instant, u64)>) -> f64 {
        let (now, done) = (Instant::now(), self.progress(0.0).done());
        seen.push((now, done));
        let old = seen.partition_point(|(at, _)| now - *at > RATE_OVER);
        seen.drain(..old);
        let (since, before) = seen[0];
        let seconds = (now - since).as_secs_f64();
        match seconds > 0.2 {
            true => done.saturating_sub(before) as f64 / seconds,
            false => 0.0,
        }
    }
}
