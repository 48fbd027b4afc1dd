//! The table as a Parquet file: its columns, a part's rows as one group of rows, and files of parts
//! joined without decoding them.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType, Int32Type};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use crate::outside;

use super::ScanError;
use super::list::Lists;
use super::pages::check_footer;
use super::plan::ScanSettings;

/// A row a list entry. `kind` is K, V, -K, -V, vo or qk, `item` the neuron or the head, `end` is
/// highest or lowest, `rank` counts from 1. A pair goes from `id` to `to_id`, which neurons have
/// not. In -K and -V the score is that of the negated vector.
const SCHEMA: &str = "message scan {
    required binary model (STRING);
    required int32 layer;
    required binary kind (STRING);
    required int32 item;
    required binary end (STRING);
    required int32 rank;
    required int32 id;
    required binary token (STRING);
    required binary text (STRING);
    optional int32 to_id;
    optional binary to_text (STRING);
    required float score;
}";

/// Places in [`SCHEMA`].
pub(super) const LAYER: usize = 1;
pub(super) const KIND: usize = 2;
pub(super) const ITEM: usize = 3;
pub(super) const END: usize = 4;
pub(super) const RANK: usize = 5;
pub(super) const ID: usize = 6;
pub(super) const TO_ID: usize = 9;
pub(super) const SCORE: usize = 11;

type Writer = SerializedFileWriter<BufWriter<File>>;

/// Writes a file of one group of rows; it is there as a whole or not at all.
pub(super) fn write_part(
    path: &Path,
    model: &str,
    settings: &ScanSettings,
    lists: &Lists,
) -> Result<(), ScanError> {
    write(path, settings, |writer| {
        let mut group = writer.next_row_group()?;
        let rows = lists.rank.len();
        let model = vec![ByteArray::from(model); rows];
        column::<ByteArrayType>(&mut group, &model, None)?;
        column::<Int32Type>(&mut group, &lists.layer, None)?;
        column::<ByteArrayType>(&mut group, &lists.kind, None)?;
        column::<Int32Type>(&mut group, &lists.item, None)?;
        column::<ByteArrayType>(&mut group, &lists.end, None)?;
        column::<Int32Type>(&mut group, &lists.rank, None)?;
        column::<Int32Type>(&mut group, &lists.id, None)?;
        column::<ByteArrayType>(&mut group, &lists.token, None)?;
        column::<ByteArrayType>(&mut group, &lists.text, None)?;
        let there = vec![i16::from(!lists.to_id.is_empty()); rows];
        column::<Int32Type>(&mut group, &lists.to_id, Some(&there))?;
        column::<ByteArrayType>(&mut group, &lists.to_text, Some(&there))?;
        column::<FloatType>(&mut group, &lists.score, None)?;
        group.close()?;
        Ok(())
    })
}

/// Joins files of parts into one, a group of rows each, in their order; as [`write_part`] does.
pub(super) fn join(
    path: &Path,
    settings: &ScanSettings,
    parts: &[PathBuf],
) -> Result<(), ScanError> {
    write(path, settings, |writer| {
        for part in parts {
            let reader = opened(part).map_err(|error| ParquetError::External(error.into()))?;
            let file = outside::open(part).map_err(|error| ParquetError::External(error.into()))?;
            for group in reader.metadata().row_groups() {
                let mut out = writer.next_row_group()?;
                for column in group.columns() {
                    let close = ColumnCloseResult {
                        bytes_written: column.compressed_size() as u64,
                        rows_written: group.num_rows() as u64,
                        metadata: column.clone(),
                        bloom_filter: None,
                        column_index: None,
                        offset_index: None,
                    };
                    out.append_column(&file, close)?;
                }
                out.close()?;
            }
        }
        Ok(())
    })
}

/// What the format's own library reads, of which some damage makes it panic.
pub(super) fn guarded<T>(read: impl FnOnce() -> ParquetResult<T>) -> ParquetResult<T> {
    let damaged = || ParquetError::General("it is damaged".to_owned());
    outside::guarded(read).ok_or_else(damaged)?
}

/// Opens a file of the format, with the columns of a scan.
pub(super) fn opened(path: &Path) -> Result<SerializedFileReader<File>, ScanError> {
    let file = outside::open(path)?;
    let reader = guarded(|| {
        check_footer(&file)?;
        SerializedFileReader::new(file)
    });
    let reader = reader.map_err(ScanError::parquet(path))?;
    let columns = reader.metadata().file_metadata().schema_descr();
    match columns.num_columns() > SCORE && columns.column(SCORE).name() == "score" {
        true => Ok(reader),
        false => Err(ScanError::Damaged {
            path: path.to_owned(),
            reason: "expected the columns that `lexiscope scan` writes, got others".to_owned(),
        }),
    }
}

/// The settings that a scan's file says of itself, by name.
pub(super) fn settings_of(path: &Path) -> Result<Vec<(String, String)>, ScanError> {
    let reader = opened(path)?;
    let found = reader.metadata().file_metadata().key_value_metadata();
    let found = found.into_iter().flatten();
    Ok(found
        .map(|pair| (pair.key.clone(), pair.value.clone().unwrap_or_default()))
        .collect())
}

/// The path of something that lies beside a file until it is whole: its name with an ending more.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Writes beside `path` and puts it into its place when all of it is on the disk.
fn write(
    path: &Path,
    settings: &ScanSettings,
    rows: impl FnOnce(&mut Writer) -> ParquetResult<()>,
) -> Result<(), ScanError> {
    let whole = beside(path, ".tmp");
    let failed = ScanError::write(path);
    let mut options = File::options();
    let file = outside::open_to_write(&whole, options.write(true).create(true).truncate(true))?;
    let written = || -> ParquetResult<File> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties = Arc::new(properties(settings));
        let mut writer = Writer::new(BufWriter::with_capacity(1 << 20, file), schema, properties)?;
        rows(&mut writer)?;
        let mut out = writer.into_inner()?;
        out.flush()?;
        Ok(out
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?)
    };
    written()
        .map_err(ScanError::parquet(path))
        .and_then(|file| file.sync_all().map_err(&failed))
        .and_then(|()| fs::rename(&whole, path).map_err(&failed))
        .inspect_err(|_| drop(fs::remove_file(&whole)))
}

fn properties(settings: &ScanSettings) -> WriterProperties {
    let metadata = settings
        .iter()
        .map(|(name, value)| KeyValue::new((*name).to_owned(), value.clone()));
    WriterProperties::builder()
        .set_created_by(concat!("lexiscope version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(metadata.collect()))
        .set_compression(Compression::SNAPPY)
        // Hardly two scores are equal.
        .set_column_dictionary_enabled(ColumnPath::from("score"), false)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        .build()
}

/// The next column of a group. `there`: for each row, 1 if it has a value.
fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, BufWriter<File>>,
    values: &[T::T],
    there: Option<&[i16]>,
) -> ParquetResult<()> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("a column too many".to_owned()));
    };
    column.typed::<T>().write_batch(values, there, None)?;
    column.close()
}
