//! What has arrived of a file: it grows, and is held against its size and hash at the end.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use super::HubError;
use super::check::{Hash, Hashing};
use super::client::Asked;
use super::listing::Facts;

/// What has arrived of a file.
pub(super) struct Arrived {
    pub(super) file: File,
    /// Bytes that are in it.
    pub(super) have: u64,
    pub(super) hash: Hashing,
}

impl Arrived {
    pub(super) fn append(&mut self, bytes: impl AsRef<[u8]> + Send + 'static) -> io::Result<()> {
        self.file.write_all(bytes.as_ref())?;
        self.have += bytes.as_ref().len() as u64;
        self.hash.update(bytes);
        Ok(())
    }

    /// Begins again.
    pub(super) fn restart(&mut self, facts: &Facts) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.have = 0;
        self.hash = Hashing::after(Hash::new(&facts.etag, facts.size));
        Ok(())
    }

    /// What is wrong with what arrived.
    pub(super) fn wrong(&mut self, facts: &Facts, asked: &Asked<'_>) -> Option<HubError> {
        let what = asked.what();
        if self.have != facts.size {
            return Some(HubError::Size {
                what,
                expected: facts.size,
                got: self.have,
            });
        }
        let hash = std::mem::replace(&mut self.hash, Hashing::after(Hash::None));
        let got = hash
            .finish()
            .filter(|got| *got != facts.etag.to_lowercase())?;
        Some(HubError::Hash {
            what,
            expected: facts.etag.clone(),
            got,
        })
    }
}
