//! How far a transfer is, and whether it is still wanted.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::HubError;

/// Between two tellings.
const TICK: Duration = Duration::from_millis(100);

/// The time over which the rate is taken.
const RATE_OVER: Duration = Duration::from_secs(3);

/// Whoever waits for a transfer.
pub trait Waiting: Sync {
    /// Whether it is still wanted; asked about ten times a second.
    fn wanted(&self) -> bool;

    /// Takes how far it is, about ten times a second and once at the end.
    fn progress(&self, progress: &Progress);
}

/// How far a transfer is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    pub files: Vec<FileProgress>,
    /// Bytes a second over the last seconds; 0 until that is known.
    pub rate: f64,
}

/// How far one file, or the parts wanted of one, is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileProgress {
    pub name: String,
    pub done: u64,
    /// Bytes altogether.
    pub size: u64,
}

impl Progress {
    /// Bytes that are there.
    pub fn done(&self) -> u64 {
        self.files.iter().map(|file| file.done).sum()
    }

    /// Bytes altogether.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }

    /// The time that is left at this rate, once that is known.
    pub fn left(&self) -> Option<Duration> {
        let bytes = self.size().saturating_sub(self.done()) as f64;
        Duration::try_from_secs_f64(bytes / self.rate).ok()
    }
}

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

    /// Whether the transfer should end.
    pub(super) fn stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }

    fn progress(&self, rate: f64) -> Progress {
        let files = self.files.iter().map(|(name, size, done)| FileProgress {
            name: name.clone(),
            done: done.load(Relaxed),
            size: *size,
        });
        Progress {
            files: files.collect(),
            rate,
        }
    }

    /// Runs `work` on so many threads, and tells `waiting` how far they are; stops them when it
    /// wants no more, or when one fails.
    ///
    /// # Errors
    /// What the first thread that failed says.
    pub(super) fn during(
        &self,
        threads: usize,
        waiting: &dyn Waiting,
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
                if !waiting.wanted() {
                    self.stopped.store(true, Relaxed);
                }
                waiting.progress(&self.progress(self.rate(&mut seen)));
            }
        });
        waiting.progress(&self.progress(0.0));
        match first.into_inner() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Bytes a second since the oldest of the last tellings.
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
