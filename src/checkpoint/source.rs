//! Where bytes come from: a file, mapped a window at a time, a part of the program, or the hub.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use memmap2::MmapOptions;

use crate::hub::Ranged;
use crate::outside::{self, FileError, escape};

use super::CheckpointError;

/// Bytes that the system maps at least.
#[cfg(unix)]
const PAGE: usize = 4096;

/// A file opened for reading, bundled bytes, or a file that stays on the hub.
#[derive(Debug)]
pub(super) struct Source {
    name: String,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    File { file: File, len: u64 },
    Bundled(&'static [u8]),
    Remote(Arc<Ranged>),
}

/// What an archive is listed through.
pub(super) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

impl Source {
    /// Opens a file read-only; `None` if there is none of that name.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, CheckpointError> {
        let name = escape::path(path);
        let file = match outside::open(path) {
            Ok(file) => file,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(FileError::Io { source, .. }) => return Err(CheckpointError::io(&name, source)),
            Err(other) => return Err(other.into()),
        };
        let len = file
            .metadata()
            .map_err(|e| CheckpointError::io(&name, e))?
            .len();
        Ok(Some(Self {
            name,
            bytes: Bytes::File { file, len },
        }))
    }

    pub(super) fn bundled(name: String, bytes: &'static [u8]) -> Self {
        Self {
            name,
            bytes: Bytes::Bundled(bytes),
        }
    }

    /// A file of which only what is read comes from the hub.
    pub(super) fn remote(file: Arc<Ranged>) -> Self {
        Self {
            name: file.what(),
            bytes: Bytes::Remote(file),
        }
    }

    /// The file on the hub, if it stays there.
    pub(super) fn as_remote(&self) -> Option<&Arc<Ranged>> {
        match &self.bytes {
            Bytes::Remote(file) => Some(file),
            Bytes::File { .. } | Bytes::Bundled(_) => None,
        }
    }

    /// What messages call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes at the time of opening.
    pub(super) fn len(&self) -> u64 {
        match &self.bytes {
            Bytes::File { len, .. } => *len,
            Bytes::Bundled(bytes) => bytes.len() as u64,
            Bytes::Remote(file) => file.size(),
        }
    }

    /// Hands `read` the bytes `start .. start + len`, and lets go of them at once. `whole` says
    /// that all of them will be looked at, so that they may be brought in together.
    ///
    /// # Errors
    /// A range beyond the file, or a file whose length has changed since it was opened.
    pub(super) fn with<T>(
        &self,
        start: u64,
        len: usize,
        whole: bool,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, CheckpointError> {
        let Range { start, end } = self.range(start, len)?;
        match &self.bytes {
            // Both fit: the end lies within a slice that is in memory.
            Bytes::Bundled(bytes) => Ok(read(&bytes[start as usize..end as usize])),
            Bytes::Remote(file) => Ok(read(&file.read(start..end)?)),
            Bytes::File { .. } if len == 0 => Ok(read(&[])),
            Bytes::File { file, len: opened } => {
                self.unchanged(file, *opened)?;
                let mut options = MmapOptions::new();
                options.offset(start).len(len);
                if whole {
                    options.populate();
                }
                // SAFETY: the file is opened read-only, its length was checked just now, and the
                // map lives for this call only. Another program that rewrites the file within it
                // can change what is read: here bytes are copied or become floats, no more, and
                // texts and headers are parsed from copies.
                let map = unsafe { options.map(file) };
                Ok(read(&map.map_err(|e| CheckpointError::io(&self.name, e))?))
            }
        }
    }

    /// Hands `read` each of `count` runs of `run` bytes, `step` apart, with its number. Few bytes of
    /// many pages are read one run after the other: that takes a fifth of the time of mapping them.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub(super) fn runs(
        &self,
        start: u64,
        [count, step, run]: [usize; 3],
        mut read: impl FnMut(usize, &[u8]),
    ) -> Result<(), CheckpointError> {
        let span = count.saturating_sub(1) * step + run;
        #[cfg(unix)]
        if let Bytes::File { file, len } = &self.bytes
            && step >= PAGE
            && run < PAGE
        {
            use std::os::unix::fs::FileExt;
            self.range(start, span)?;
            self.unchanged(file, *len)?;
            let mut bytes = vec![0; run];
            for i in 0..count {
                file.read_exact_at(&mut bytes, start + (i * step) as u64)
                    .map_err(|e| CheckpointError::io(&self.name, e))?;
                read(i, &bytes);
            }
            return Ok(());
        }
        self.with(start, span, 2 * run > step, |bytes| {
            for i in 0..count {
                read(i, &bytes[i * step..][..run]);
            }
        })
    }

    /// A copy of the bytes `start .. start + len`.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub(super) fn copy(&self, start: u64, len: usize) -> Result<Vec<u8>, CheckpointError> {
        self.with(start, len, true, <[u8]>::to_vec)
    }

    /// The little-endian number in the eight bytes from `start`.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub(super) fn length_at(&self, start: u64) -> Result<u64, CheckpointError> {
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
        self.with(start, 8, true, number)
    }

    /// All bytes of a file that should be small.
    pub(super) fn into_bytes(self, limit: u64) -> Result<Cow<'static, [u8]>, CheckpointError> {
        let size = self.len();
        if size > limit {
            return Err(CheckpointError::TooLarge {
                file: self.name,
                size,
                limit,
            });
        }
        match self.bytes {
            Bytes::Bundled(bytes) => Ok(Cow::Borrowed(bytes)),
            Bytes::Remote(file) => Ok(Cow::Owned(file.read(0..size)?)),
            Bytes::File { file, len } => {
                let mut bytes = Vec::new();
                let read = file.take(limit).read_to_end(&mut bytes);
                read.map_err(|e| CheckpointError::io(&self.name, e))?;
                if bytes.len() as u64 != len {
                    return Err(CheckpointError::Length {
                        file: self.name,
                        expected: len,
                        got: bytes.len() as u64,
                    });
                }
                match outside::impostor(&bytes) {
                    None => Ok(Cow::Owned(bytes)),
                    Some(other) => {
                        let what =
                            format!("expected the file itself, got {other}; get the file again");
                        Err(CheckpointError::damaged(&self.name, what))
                    }
                }
            }
        }
    }

    /// A reader from the start, for what cannot work on a map.
    pub(super) fn reader(&self) -> Result<Box<dyn ReadSeek + '_>, CheckpointError> {
        match &self.bytes {
            Bytes::Bundled(bytes) => Ok(Box::new(Cursor::new(*bytes))),
            Bytes::Remote(file) => Ok(Box::new(Cursor::new(file.read(0..file.size())?))),
            Bytes::File { file, .. } => {
                let mut file = file;
                let rewound = file.rewind();
                rewound.map_err(|e| CheckpointError::io(&self.name, e))?;
                Ok(Box::new(BufReader::new(file)))
            }
        }
    }

    /// Where `len` bytes from `start` lie, if the file has them.
    fn range(&self, start: u64, len: usize) -> Result<Range<u64>, CheckpointError> {
        let end = start.checked_add(len as u64);
        let end = end.filter(|&end| end <= self.len());
        let end = end.ok_or_else(|| self.wrong_length(start.saturating_add(len as u64)))?;
        Ok(start..end)
    }

    /// Whether a file is as long as it was when it was opened.
    fn unchanged(&self, file: &File, opened: u64) -> Result<(), CheckpointError> {
        let now = file
            .metadata()
            .map_err(|e| CheckpointError::io(&self.name, e))?
            .len();
        if now == opened {
            return Ok(());
        }
        Err(CheckpointError::Length {
            file: self.name.clone(),
            expected: opened,
            got: now,
        })
    }

    fn wrong_length(&self, expected: u64) -> CheckpointError {
        CheckpointError::Length {
            file: self.name.clone(),
            expected,
            got: self.len(),
        }
    }

    /// What the file is instead, where something else often lies in the place of weights.
    pub(super) fn impostor(&self) -> Result<Option<&'static str>, CheckpointError> {
        // The hub says itself what it sends, and its bytes are counted.
        if self.as_remote().is_some() {
            return Ok(None);
        }
        let head = self.copy(0, self.len().min(64) as usize)?;
        match head.is_empty() {
            true => Ok(Some("an empty file")),
            false => Ok(outside::impostor(&head)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn refuses_a_file_cut_after_it_was_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        fs::write(&path, vec![7; 10_000]).unwrap();
        let source = Source::open(&path).unwrap().unwrap();
        assert_eq!(
            source.with(9_000, 1_000, true, <[u8]>::to_vec).unwrap(),
            vec![7; 1_000]
        );
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(4_096)
            .unwrap();
        let error = source
            .with(9_000, 1_000, true, |_| ())
            .unwrap_err()
            .to_string();
        assert!(error.contains("expected 10000 bytes, got 4096"), "{error}");
    }

    #[test]
    fn reads_at_any_offset_and_never_beyond_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        let content: Vec<u8> = (0..20_000u32).map(|i| (i % 251) as u8).collect();
        fs::write(&path, &content).unwrap();
        let source = Source::open(&path).unwrap().unwrap();
        let middle = source.with(4_097, 9_001, false, <[u8]>::to_vec).unwrap();
        assert_eq!(middle, content[4_097..13_098]);
        assert!(source.with(19_999, 2, false, |_| ()).is_err());
        assert!(source.with(u64::MAX, 2, false, |_| ()).is_err());
    }
}
