//! The values that a GGUF file's keys can have.

use std::ops::Range;

/// One value of a key.
#[derive(Clone, Debug, PartialEq)]
pub enum MetadataValue {
    Unsigned(u64),
    Signed(i64),
    Real(f64),
    Flag(bool),
    Text(String),
    /// Left in the file: an array, or a text longer than a sentence.
    Stored(StoredValue),
}

/// Where an array or a long text lies.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredValue {
    pub(super) element: ElementKind,
    pub(super) len: u64,
    /// Bytes of the file that hold the elements.
    pub(super) bytes: Range<u64>,
}

/// The kind of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ElementKind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Flag,
    Text,
    Array,
    U64,
    I64,
    F64,
}

impl ElementKind {
    /// In the order of their numbers in the file.
    pub(super) const ALL: [Self; 13] = [
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::F32,
        Self::Flag,
        Self::Text,
        Self::Array,
        Self::U64,
        Self::I64,
        Self::F64,
    ];

    /// Bytes of one; `None` where they are not all of one length.
    pub(super) fn bytes(self) -> Option<usize> {
        match self {
            Self::U8 | Self::I8 | Self::Flag => Some(1),
            Self::U16 | Self::I16 => Some(2),
            Self::U32 | Self::I32 | Self::F32 => Some(4),
            Self::U64 | Self::I64 | Self::F64 => Some(8),
            Self::Text | Self::Array => None,
        }
    }
}
