//! A stored column's values, by a range of rows of one group.

use std::fs::File;
use std::ops::Range;

use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;

use super::file::guarded;

/// Some rows of a column; pages before them are not decoded.
pub(super) fn slice<T: DataType>(
    file: &SerializedFileReader<File>,
    group: usize,
    column: usize,
    rows: &Range<usize>,
) -> ParquetResult<Vec<T::T>> {
    guarded(|| unguarded::<T>(file, group, column, rows))
}

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
