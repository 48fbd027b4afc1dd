//! What arrived against what the hub states.

use std::io::{self, Read};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The hash of a file while it arrives, of the kind that the hub states for it.
pub(super) enum Hash {
    Sha256(Sha256),
    /// Git's hash of a blob: SHA-1 over its length and its content.
    Git(Sha1),
    /// The hub states nothing that can be compared.
    None,
}

impl Hash {
    /// For a file of `size` bytes that the hub knows by `etag`: 64 hexadecimal digits are SHA-256,
    /// 40 are git's.
    pub(super) fn new(etag: &str, size: u64) -> Self {
        let hex = etag.bytes().all(|b| b.is_ascii_hexdigit());
        match etag.len() {
            64 if hex => Self::Sha256(Sha256::new()),
            40 if hex => Self::Git(Sha1::new().chain_update(format!("blob {size}\0"))),
            _ => Self::None,
        }
    }

    /// Whether there is anything to hold a file against that the hub knows by `etag`.
    pub(super) fn is_stated(etag: &str) -> bool {
        !matches!(Self::new(etag, 0), Self::None)
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Git(hash) => hash.update(bytes),
            Self::None => {}
        }
    }

    /// Takes all that `from` still holds.
    pub(super) fn read(&mut self, mut from: impl Read) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 20];
        loop {
            match from.read(&mut buffer)? {
                0 => return Ok(()),
                n => self.update(&buffer[..n]),
            }
        }
    }

    /// In hexadecimal digits; `None` where there was nothing to compare with.
    pub(super) fn finish(self) -> Option<String> {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect();
        match self {
            Self::Sha256(hash) => Some(hex(&hash.finalize())),
            Self::Git(hash) => Some(hex(&hash.finalize())),
            Self::None => None,
        }
    }
}

/// Pieces of a file that wait to be hashed.
const WAITING: usize = 64;

/// A hash that is taken on a thread of its own, while more arrives.
pub(super) struct Hashing {
    pieces: SyncSender<Box<dyn AsRef<[u8]> + Send>>,
    thread: JoinHandle<Hash>,
}

impl Hashing {
    /// Goes on with a hash.
    pub(super) fn after(mut hash: Hash) -> Self {
        let (pieces, waiting) = sync_channel::<Box<dyn AsRef<[u8]> + Send>>(WAITING);
        let thread = thread::spawn(move || {
            for piece in waiting {
                hash.update((*piece).as_ref());
            }
            hash
        });
        Self { pieces, thread }
    }

    pub(super) fn update(&self, piece: impl AsRef<[u8]> + Send + 'static) {
        // A thread that panicked takes none; that shows when it is joined.
        drop(self.pieces.send(Box::new(piece)));
    }

    /// As [`Hash::finish`], of all that came.
    pub(super) fn finish(self) -> Option<String> {
        drop(self.pieces);
        match self.thread.join() {
            Ok(hash) => hash.finish(),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(etag: &str, content: &[u8]) -> Option<String> {
        let mut hash = Hash::new(etag, content.len() as u64);
        let (head, tail) = content.split_at(content.len() / 2);
        hash.update(head);
        let (first, second) = tail.split_at(tail.len() / 2);
        hash.read(first).unwrap();
        let hashing = Hashing::after(hash);
        hashing.update(second.to_vec());
        hashing.finish()
    }

    /// `printf 'lexiscope\n' | sha256sum` and `… | git hash-object --stdin`.
    #[test]
    fn agrees_with_sha256sum_and_git() {
        let content = b"lexiscope\n";
        let sha = "1cef4890fe77b5f16c2bd7fe19e5539dac8997bd78a61cb1b689170b9b5df385";
        let git = "36613fd37abb5a99e044d4a16328e34a50d0853a";
        assert_eq!(of(&"0".repeat(64), content).as_deref(), Some(sha));
        assert_eq!(of(&"0".repeat(40), content).as_deref(), Some(git));
        assert_eq!(of("W/some-tag", content), None);
    }
}
