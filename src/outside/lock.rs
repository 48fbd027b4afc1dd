//! Locks by which programs keep out of each other's way: waited for, but not for ever.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::file::{FileError, open_to_write};

/// The longest that another program's lock is waited for: it is held while a small file is written.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Between two questions whether it is still wanted.
const TICK: Duration = Duration::from_millis(20);

/// What became of a lock that was asked for.
#[derive(Debug)]
pub enum Locked {
    /// It is held until the file is closed.
    Held,
    /// Another program has it.
    Busy,
    /// The file system has no locks.
    Without(io::Error),
}

/// Opens or makes the file that a lock is on, and nothing that is no file.
///
/// # Errors
/// It cannot be made or opened, or is something else.
pub fn open_lock(path: &Path) -> Result<File, FileError> {
    open_to_write(
        path,
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false),
    )
}

/// Asks for a file's lock until it is held, [`PATIENCE`] is over, or it is not `wanted` any more.
pub fn lock(file: &File, wanted: impl Fn() -> bool) -> Locked {
    match file.try_lock() {
        Ok(()) => return Locked::Held,
        Err(TryLockError::Error(error)) => return Locked::Without(error),
        Err(TryLockError::WouldBlock) => {}
    }
    // The system hands a lock to whoever has waited longest, so the wait is its own; on a thread that
    // is left behind if it takes too long. It shares the lock with `file`, which who gave up closes.
    let (tell, answer) = channel();
    let waiting = file.try_clone().and_then(|file| {
        let thread = thread::Builder::new().name("lock".to_owned());
        thread.spawn(move || drop(tell.send(file.lock())))
    });
    if let Err(error) = waiting {
        return Locked::Without(error);
    }
    let since = Instant::now();
    while since.elapsed() < PATIENCE && wanted() {
        match answer.recv_timeout(TICK) {
            Ok(Ok(())) => return Locked::Held,
            Ok(Err(error)) => return Locked::Without(error),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Locked::Busy,
        }
    }
    Locked::Busy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_given_up_on_and_a_free_one_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let first = open_lock(&path).unwrap();
        assert!(matches!(lock(&first, || true), Locked::Held));
        let second = open_lock(&path).unwrap();
        assert!(matches!(lock(&second, || false), Locked::Busy));
        drop(first);
        assert!(matches!(lock(&second, || true), Locked::Held));
    }
}
