//! Some rows of some columns of a scan's file: what the file claims of them is checked first.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;

use crate::outside;

use super::ScanError;
use super::file::{SCORE, guarded, opened};
use super::pages::check_column;

/// A scan's file, column by column.
pub(super) struct Columns {
    file: SerializedFileReader<File>,
    /// The same file, to look at pages before they are read.
    bytes: File,
}

impl Columns {
    /// Opens a file, with the columns of a scan.
    ///
    /// # Errors
    /// As [`opened`].
    pub(super) fn open(path: &Path) -> Result<Self, ScanError> {
        Ok(Self {
            file: opened(path)?,
            bytes: outside::open(path)?,
        })
    }

    /// What the file says of its groups of rows.
    pub(super) fn metadata(&self) -> &ParquetMetaData {
        self.file.metadata()
    }

    /// Some rows of a column; pages before them are not decoded.
    ///
    /// # Errors
    /// The file is damaged, or claims more than it holds.
    pub(super) fn slice<T: DataType>(
        &self,
        group: usize,
        column: usize,
        rows: &Range<usize>,
    ) -> ParquetResult<Vec<T::T>> {
        guarded(|| {
            self.check(group, column)?;
            unguarded::<T>(&self.file, group, column, rows)
        })
    }

    /// Whether a column of a group claims no more than there is of it. The scores, of which hardly
    /// two are equal and which are written as they are, say how many rows there can be.
    fn check(&self, group: usize, column: usize) -> ParquetResult<()> {
        let group = self.metadata().row_group(group);
        let rows = usize::try_from(group.num_rows())?;
        check_column(&self.bytes, group.column(SCORE), rows, true)?;
        check_column(&self.bytes, group.column(column), rows, false)
    }
}

/// See [`Columns::slice`].
fn unguarded<T: DataType>(
    file: &SerializedFileReader<File>,
    group: usize,
    column: usize,
    rows: &Range<usize>,
) -> ParquetResult<Vec<T::T>> {
    let reader = file.get_row_group(group)?.get_column_reader(column)?;
    // Another type than the one asked for is a panic in there.
    let there = file
        .metadata()
        .row_group(group)
        .column(column)
        .column_type();
    if there != T::get_physical_type() {
        return Err(ParquetError::General(format!(
            "column {column} is of type {there}"
        )));
    }
    let mut reader = get_typed_column_reader::<T>(reader);
    // No more is made room for than comes: how many rows there are is only what the file says.
    let (mut values, mut there) = (Vec::new(), Vec::new());
    let skipped = reader.skip_records(rows.start)?;
    reader.read_records(rows.len(), Some(&mut there), None, &mut values)?;
    match skipped == rows.start && values.len() == rows.len() {
        true => Ok(values),
        false => Err(ParquetError::EOF(format!("column {column} ends too soon"))),
    }
}
