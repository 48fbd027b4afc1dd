//! Reads the keys and descriptions of a GGUF file, a piece of the file at a time, and never more than
//! it holds.

use std::ops::Range;

use super::super::CheckpointError;
use super::super::error::one_line;
use super::super::source::Source;
use super::value::{ElementKind, MetadataValue, StoredValue};

/// Bytes of keys and descriptions at most: those of a vocabulary of a million tokens take a tenth.
const LONGEST_HEADER: u64 = 512 << 20;
/// Read from the file at once.
const PIECE: usize = 256 << 10;
/// Longer texts stay in the file.
const LONGEST_TEXT: u64 = 64 << 10;
const LONGEST_NAME: u64 = 1 << 10;
/// Arrays inside each other.
const DEEPEST: u32 = 4;

/// Reads a header from some byte on, a piece of the file at a time.
pub(super) struct HeaderReader<'a> {
    source: &'a Source,
    /// The next byte to read.
    at: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    begins: u64,
}

impl<'a> HeaderReader<'a> {
    pub(super) fn new(source: &'a Source, at: u64) -> Self {
        Self {
            source,
            at,
            buffer: Vec::new(),
            begins: at,
        }
    }

    /// That the file is damaged, with what was expected and got.
    pub(super) fn damaged(&self, what: impl std::fmt::Display) -> CheckpointError {
        CheckpointError::damaged(
            self.source.name(),
            format!("{what}; the file is damaged or cut short: get it again"),
        )
    }

    /// The byte that is read next.
    pub(super) fn position(&self) -> u64 {
        self.at
    }

    /// Bytes that the header may still have.
    fn left(&self) -> u64 {
        self.source
            .len()
            .min(LONGEST_HEADER)
            .saturating_sub(self.at)
    }

    /// The next bytes.
    fn bytes(&mut self, len: usize) -> Result<&[u8], CheckpointError> {
        if len as u64 > self.left() {
            let (at, size) = (self.at, self.source.len());
            return Err(self.damaged(format!(
                "expected a GGUF header of at most {} bytes, got one that goes on at byte {at} of {size}",
                LONGEST_HEADER.min(size)
            )));
        }
        let from = self.at - self.begins;
        if from + len as u64 > self.buffer.len() as u64 {
            let more = self.left().min(len.max(PIECE) as u64);
            self.buffer = self.source.copy(self.at, more as usize)?;
            self.begins = self.at;
        }
        // Inside the buffer, which was just filled where it was not.
        let from = (self.at - self.begins) as usize;
        self.at += len as u64;
        Ok(&self.buffer[from..from + len])
    }

    fn skip(&mut self, len: u64) -> Result<(), CheckpointError> {
        if len > self.left() {
            let what = format!(
                "expected {len} bytes more from byte {} on, got {}",
                self.at,
                self.left()
            );
            return Err(self.damaged(what));
        }
        self.at += len;
        Ok(())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    pub(super) fn u32(&mut self) -> Result<u32, CheckpointError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, CheckpointError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number of things, each of which takes `least` bytes.
    pub(super) fn count(
        &mut self,
        what: &str,
        most: u64,
        least: u64,
    ) -> Result<u64, CheckpointError> {
        let count = self.u64()?;
        let fit = self.left() / least;
        if count > most.min(fit) {
            return Err(self.damaged(format!(
                "expected at most {} {what}, got {count}",
                most.min(fit)
            )));
        }
        Ok(count)
    }

    /// The bytes of a text.
    pub(super) fn text_bytes(&mut self) -> Result<&[u8], CheckpointError> {
        let len = self.u64()?;
        if len > self.left() {
            let what = format!(
                "expected a text of at most {} bytes, got one of {len}",
                self.left()
            );
            return Err(self.damaged(what));
        }
        self.bytes(len as usize)
    }

    /// A name; `what` it is stands in the error.
    pub(super) fn name(&mut self, what: &str) -> Result<String, CheckpointError> {
        let len = self.u64()?;
        if len > LONGEST_NAME {
            return Err(self.damaged(format!(
                "expected {what} of at most {LONGEST_NAME} bytes, got one of {len}"
            )));
        }
        let name = self.bytes(len as usize)?.to_vec();
        String::from_utf8(name)
            .map_err(|_| self.damaged(format!("expected {what} in UTF-8, got something else")))
    }

    fn kind(&mut self, key: &str) -> Result<ElementKind, CheckpointError> {
        let kind = self.u32()?;
        ElementKind::ALL.get(kind as usize).copied().ok_or_else(|| {
            self.damaged(format!(
                "`{}`: expected a kind of value from 0 to 12, got {kind}",
                one_line(key)
            ))
        })
    }

    /// The value of a key: numbers, flags and short texts are read, the rest is measured.
    pub(super) fn value(&mut self, key: &str) -> Result<MetadataValue, CheckpointError> {
        match self.kind(key)? {
            ElementKind::Array => {
                let element = self.kind(key)?;
                let len = self.u64()?;
                let begins = self.at;
                self.skip_array(key, element, len, 0)?;
                Ok(MetadataValue::Stored(StoredValue {
                    element,
                    len,
                    bytes: begins..self.at,
                }))
            }
            ElementKind::Text => {
                let len = self.u64()?;
                if len > LONGEST_TEXT {
                    let bytes: Range<u64> = self.at..self.at.saturating_add(len);
                    self.skip(len)?;
                    return Ok(MetadataValue::Stored(StoredValue {
                        element: ElementKind::U8,
                        len,
                        bytes,
                    }));
                }
                let text = self.bytes(len as usize)?;
                Ok(MetadataValue::Text(
                    String::from_utf8_lossy(text).into_owned(),
                ))
            }
            scalar => self.scalar(scalar),
        }
    }

    /// A number or a flag. A text or an array is none, and damaged.
    pub(super) fn scalar(&mut self, kind: ElementKind) -> Result<MetadataValue, CheckpointError> {
        use MetadataValue::{Flag, Real, Signed, Unsigned};
        Ok(match kind {
            ElementKind::U8 => Unsigned(u8::from_le_bytes(self.array()?).into()),
            ElementKind::I8 => Signed(i8::from_le_bytes(self.array()?).into()),
            ElementKind::U16 => Unsigned(u16::from_le_bytes(self.array()?).into()),
            ElementKind::I16 => Signed(i16::from_le_bytes(self.array()?).into()),
            ElementKind::U32 => Unsigned(self.u32()?.into()),
            ElementKind::I32 => Signed(i32::from_le_bytes(self.array()?).into()),
            ElementKind::F32 => Real(f32::from_le_bytes(self.array()?).into()),
            ElementKind::Flag => Flag(self.array::<1>()? != [0]),
            ElementKind::U64 => Unsigned(self.u64()?),
            ElementKind::I64 => Signed(i64::from_le_bytes(self.array()?)),
            ElementKind::F64 => Real(f64::from_le_bytes(self.array()?)),
            ElementKind::Text | ElementKind::Array => {
                return Err(self.damaged("expected a number, got a text or an array"));
            }
        })
    }

    /// Passes over an array, which is thereby known to lie in the file.
    fn skip_array(
        &mut self,
        key: &str,
        element: ElementKind,
        len: u64,
        depth: u32,
    ) -> Result<(), CheckpointError> {
        let least = match element {
            ElementKind::Text => 8,
            ElementKind::Array => 12,
            other => other.bytes().unwrap_or(1) as u64,
        };
        if len > self.left() / least {
            let what = format!(
                "`{}`: expected an array inside the file, got one of {len} values",
                one_line(key)
            );
            return Err(self.damaged(what));
        }
        match element {
            ElementKind::Text => {
                for _ in 0..len {
                    let text = self.u64()?;
                    self.skip(text)?;
                }
                Ok(())
            }
            ElementKind::Array => {
                if depth == DEEPEST {
                    let what = format!(
                        "`{}`: expected at most {DEEPEST} arrays inside each other, got more",
                        one_line(key)
                    );
                    return Err(self.damaged(what));
                }
                for _ in 0..len {
                    let inner = self.kind(key)?;
                    let len = self.u64()?;
                    self.skip_array(key, inner, len, depth + 1)?;
                }
                Ok(())
            }
            _ => self.skip(len * least),
        }
    }
}
