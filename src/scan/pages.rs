//! What a Parquet file claims of its sizes, checked against what there is of it, before the
//! format's own library makes room for as much as is claimed.

use std::fs::File;

use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length};

use super::thrift::{Compact, I32, LIST, STRUCT};

/// The end of a file: four bytes that say how long the footer before them is, and a mark.
const END: u64 = 8;
/// Bytes of a page's header at most. `lexiscope scan` writes some 30.
const HEADER_MAX: u64 = 4096;
/// Bytes of a page at most, without compression. `lexiscope scan` writes pages of about one million.
const PAGE_MAX: i64 = 16 << 20;
/// How many bytes of text a byte that Snappy writes may stand for: three copy at most 64.
const SNAPPY_MAX: i64 = 22;
/// Bytes that a value of a dictionary, or a score, takes at least.
const VALUE_MIN: i64 = 4;

/// Kinds of page.
const DATA: i64 = 0;
const DICTIONARY: i64 = 2;
/// Encodings: values as they are, and numbers of a dictionary, in its old and new name.
const PLAIN: i64 = 0;
const OF_DICTIONARY: [i64; 2] = [2, 8];

fn damaged(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}

/// Whether a file's footer claims to hold no more than there is of it. One that is no footer at
/// all is left to the library to refuse.
///
/// # Errors
/// It claims more, or cannot be read.
pub(super) fn check_footer(file: &File) -> ParquetResult<()> {
    let Some(end) = file.len().checked_sub(END) else {
        return Ok(());
    };
    let length = file.get_bytes(end, 4)?;
    let length = length.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
    let Some(start) = end.checked_sub(length) else {
        return Ok(());
    };
    let footer = file.get_bytes(start, length as usize)?;
    footer_is_sound(&footer).ok_or_else(|| damaged("its footer claims more than it holds"))
}

fn footer_is_sound(footer: &[u8]) -> Option<()> {
    let (mut footer, mut before) = (Compact::new(footer), 0);
    while let Some(field) = footer.field(&mut before)? {
        match (field.id, field.kind) {
            // The schema: how many children each element has.
            (2, LIST) => {
                let (elements, kind) = footer.list()?;
                let all = (kind == STRUCT).then_some(0..elements)?;
                for _ in all {
                    let mut before = 0;
                    while let Some(field) = footer.field(&mut before)? {
                        match (field.id, field.kind) {
                            (5, I32) => {
                                let children = usize::try_from(footer.int()?).ok()?;
                                (children <= elements).then_some(())?;
                            }
                            _ => footer.skip(field.kind)?,
                        }
                    }
                }
            }
            _ => footer.skip(field.kind)?,
        }
    }
    Some(())
}

/// What a page says of itself.
#[derive(Debug, Default)]
struct PageHeader {
    kind: i64,
    uncompressed: i64,
    compressed: i64,
    values: i64,
    encoding: i64,
}

impl PageHeader {
    /// The header that bytes begin with, and how long it is.
    fn read(bytes: &[u8]) -> Option<(Self, u64)> {
        let (mut fields, mut before) = (Compact::new(bytes), 0);
        let mut header = Self {
            kind: -1,
            compressed: -1,
            uncompressed: -1,
            values: -1,
            encoding: -1,
        };
        while let Some(field) = fields.field(&mut before)? {
            match (field.id, field.kind) {
                (1, I32) => header.kind = fields.int()?,
                (2, I32) => header.uncompressed = fields.int()?,
                (3, I32) => header.compressed = fields.int()?,
                (5 | 7, STRUCT) => {
                    let mut before = 0;
                    while let Some(field) = fields.field(&mut before)? {
                        match (field.id, field.kind) {
                            (1, I32) => header.values = fields.int()?,
                            (2, I32) => header.encoding = fields.int()?,
                            _ => fields.skip(field.kind)?,
                        }
                    }
                }
                _ => fields.skip(field.kind)?,
            }
        }
        Some((header, fields.read() as u64))
    }

    /// Whether it claims no more than `remaining` bytes can hold.
    fn is_sound(&self, remaining: u64, compression: Compression) -> bool {
        let most = match compression {
            Compression::UNCOMPRESSED => self.compressed,
            _ => self.compressed.saturating_mul(SNAPPY_MAX),
        };
        let sizes = u64::try_from(self.compressed).is_ok_and(|bytes| bytes <= remaining)
            && (0..=PAGE_MAX.min(most)).contains(&self.uncompressed)
            && self.values >= 0;
        let of_dictionary = OF_DICTIONARY.contains(&self.encoding);
        sizes
            && match self.kind {
                DATA => of_dictionary || self.encoding == PLAIN,
                DICTIONARY => self.fits() && (of_dictionary || self.encoding == PLAIN),
                _ => false,
            }
    }

    /// Whether its values have room in it as they are.
    fn fits(&self) -> bool {
        self.values <= self.uncompressed / VALUE_MIN
    }
}

/// Whether a column's pages, in one group of rows, claim no more than there is of them, and together
/// `rows` values: as many as the group has rows, as no column of a scan is nested. `plain`: the values
/// stand there as they are, so that there can be no more of them than bytes.
///
/// # Errors
/// They claim more, or are of a kind that no scan has.
pub(super) fn check_column(
    file: &File,
    column: &ColumnChunkMetaData,
    rows: usize,
    plain: bool,
) -> ParquetResult<()> {
    let compression = column.compression();
    if !matches!(compression, Compression::SNAPPY | Compression::UNCOMPRESSED) {
        return Err(damaged("it is compressed as no scan is"));
    }
    let wrong = || damaged("a page claims more than it holds, or is of no kind that a scan has");
    let (mut at, length) = column.byte_range();
    let end = at.checked_add(length).filter(|end| *end <= file.len());
    let end = end.ok_or_else(wrong)?;
    let mut values = 0;
    while at < end {
        let start = file.get_bytes(at, HEADER_MAX.min(end - at) as usize)?;
        let (header, length) = PageHeader::read(&start).ok_or_else(wrong)?;
        at += length;
        if at > end || !header.is_sound(end - at, compression) {
            return Err(wrong());
        }
        at += header.compressed as u64;
        if plain && !(header.encoding == PLAIN && header.fits()) {
            return Err(wrong());
        }
        if header.kind == DATA {
            values += header.values as u64;
        }
    }
    (values == rows as u64).then_some(()).ok_or_else(wrong)
}
