//! Where bytes come from: a file, read a piece at a time, a part of the program, or the hub. Files are
//! not mapped: the map of one that another program makes shorter would end the program (SIGBUS).

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use crate::hub::Ranged;
use crate::outside::{self, FileError, escape};

use super::CheckpointError;

/// Bytes of a file that are read at once: a processor's own memory still holds them when they are
/// converted.
pub(super) const PIECE: usize = 256 << 10;
/// Runs of bytes that are so far apart are read one by one.
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

/// Runs of bytes at equal distances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs {
    pub(super) count: usize,
    /// Bytes from the start of one run to that of the next.
    pub(super) step: usize,
    /// Bytes of a run.
    pub(super) len: usize,
}

impl Source {
    /// Opens a file read-only; `None` if there is none of that name.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, CheckpointError> {
        let name = escape::path(path);
        let file = match outside::open(path) {
            Ok(file) => file,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(FileError::Io { error, .. }) => return Err(CheckpointError::io(&name, error)),
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

    /// A file without a name, of which messages say `name`.
    pub(super) fn temporary(name: String, file: File) -> Result<Self, CheckpointError> {
        let metadata = file.metadata().map_err(|e| CheckpointError::io(&name, e))?;
        let len = metadata.len();
        Ok(Self {
            name,
            bytes: Bytes::File { file, len },
        })
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

    /// Hands `read` the bytes `start .. start + len` piece by piece, each with its place after
    /// `start`; all but the last are of a multiple of `unit` bytes.
    ///
    /// # Errors
    /// A range beyond the file, or a file whose length has changed since it was opened.
    pub(super) fn pieces(
        &self,
        start: u64,
        len: usize,
        unit: usize,
        mut read: impl FnMut(usize, &[u8]),
    ) -> Result<(), CheckpointError> {
        let piece = self.at_once(len, PIECE - PIECE % unit.max(1));
        self.check(start, len)?;
        let mut buffer = Vec::new();
        for at in (0..len).step_by(piece.max(1)) {
            let here = piece.min(len - at);
            read(at, self.fill(start + at as u64, here, &mut buffer)?);
        }
        Ok(())
    }

    /// Hands `read` each run with its number. What lies between runs that are at least a page apart is
    /// not read.
    ///
    /// # Errors
    /// As [`Self::pieces`].
    pub(super) fn runs(
        &self,
        start: u64,
        Runs { count, step, len }: Runs,
        mut read: impl FnMut(usize, &[u8]),
    ) -> Result<(), CheckpointError> {
        let span = |count: usize| count.saturating_sub(1) * step + len;
        self.check(start, span(count))?;
        let together = match step >= PAGE {
            true => 1,
            false => PIECE / step.max(1),
        };
        let together = self.at_once(count, together);
        let mut buffer = Vec::new();
        for first in (0..count).step_by(together.max(1)) {
            let here = together.min(count - first);
            let bytes = self.fill(start + (first * step) as u64, span(here), &mut buffer)?;
            for i in 0..here {
                read(first + i, &bytes[i * step..][..len]);
            }
        }
        Ok(())
    }

    /// Fills `out` with the bytes from `start` on.
    ///
    /// # Errors
    /// As [`Self::pieces`].
    pub(super) fn read_into(&self, start: u64, out: &mut [u8]) -> Result<(), CheckpointError> {
        self.check(start, out.len())?;
        match &self.bytes {
            Bytes::Bundled(bytes) => out.copy_from_slice(&bytes[start as usize..][..out.len()]),
            Bytes::Remote(file) => {
                out.copy_from_slice(&file.read(start..start + out.len() as u64)?);
            }
            Bytes::File { file, .. } => self.read_file(file, out, start)?,
        }
        Ok(())
    }

    /// A copy of the bytes `start .. start + len`.
    ///
    /// # Errors
    /// As [`Self::pieces`].
    pub(super) fn copy(&self, start: u64, len: usize) -> Result<Vec<u8>, CheckpointError> {
        let mut copy = Vec::new();
        self.pieces(start, len, 1, |_, piece| copy.extend_from_slice(piece))?;
        Ok(copy)
    }

    /// The little-endian number in the eight bytes from `start`.
    ///
    /// # Errors
    /// As [`Self::pieces`].
    pub(super) fn length_at(&self, start: u64) -> Result<u64, CheckpointError> {
        let bytes = self.copy(start, 8)?;
        Ok(bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
    }

    /// How many of `all` are read at once: of a file no more than `most`. What is in memory is not
    /// copied, and the hub is asked once.
    fn at_once(&self, all: usize, most: usize) -> usize {
        match &self.bytes {
            Bytes::File { .. } => all.min(most),
            Bytes::Bundled(_) | Bytes::Remote(_) => all,
        }
    }

    /// The bytes `start .. start + len`, which were checked to be there; in `buffer`, unless they are
    /// in memory already.
    fn fill<'a>(
        &'a self,
        start: u64,
        len: usize,
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], CheckpointError> {
        match &self.bytes {
            // Both fit: the end lies within a slice that is in memory.
            Bytes::Bundled(bytes) => return Ok(&bytes[start as usize..][..len]),
            Bytes::Remote(file) => *buffer = file.read(start..start + len as u64)?,
            Bytes::File { file, .. } => {
                buffer.resize(len, 0);
                self.read_file(file, buffer, start)?;
            }
        }
        Ok(buffer)
    }

    fn read_file(&self, file: &File, out: &mut [u8], start: u64) -> Result<(), CheckpointError> {
        read_exact_at(file, out, start).or_else(|error| {
            // Cut since it was checked, perhaps.
            self.check(start, out.len())?;
            Err(CheckpointError::io(&self.name, error))
        })
    }

    /// All bytes of a file that should be small.
    pub(super) fn whole(&self, limit: u64) -> Result<Cow<'static, [u8]>, CheckpointError> {
        let size = self.len();
        if size > limit {
            return Err(CheckpointError::TooLarge {
                file: self.name.clone(),
                size,
                limit,
            });
        }
        match &self.bytes {
            Bytes::Bundled(bytes) => Ok(Cow::Borrowed(bytes)),
            Bytes::Remote(file) => Ok(Cow::Owned(file.read(0..size)?)),
            Bytes::File { .. } => {
                let mut bytes = vec![0; size as usize];
                self.read_into(0, &mut bytes)?;
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

    /// When a file was written last, if its system says so.
    pub(super) fn modified(&self) -> Result<Option<SystemTime>, CheckpointError> {
        match &self.bytes {
            Bytes::Bundled(_) | Bytes::Remote(_) => Ok(None),
            Bytes::File { file, .. } => {
                let about = file.metadata();
                let about = about.map_err(|e| CheckpointError::io(&self.name, e))?;
                Ok(about.modified().ok())
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

    /// Whether the source has `len` bytes from `start`, and a file is as long as it was when it was
    /// opened.
    fn check(&self, start: u64, len: usize) -> Result<(), CheckpointError> {
        let end = start.saturating_add(len as u64);
        if end > self.len() {
            return Err(self.wrong_length(end));
        }
        let Bytes::File { file, len: opened } = &self.bytes else {
            return Ok(());
        };
        let now = file
            .metadata()
            .map_err(|e| CheckpointError::io(&self.name, e))?
            .len();
        if now == *opened {
            return Ok(());
        }
        Err(CheckpointError::Length {
            file: self.name.clone(),
            expected: *opened,
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

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    file.read_exact_at(bytes, at)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !bytes.is_empty() {
        match file.seek_read(bytes, at)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                bytes = &mut bytes[n..];
                at += n as u64;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
