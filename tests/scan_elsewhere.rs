//! A scan's file, read by another implementation of the format than the one that wrote it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/mod.rs"]
mod support;

use std::fs::File;
use std::path::Path;
use std::process::Command;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet2::encoding::{Encoding, hybrid_rle::HybridRleDecoder};
use parquet2::page::{DataPage, Page, split_buffer};
use parquet2::read::{decompress, get_page_iterator, read_metadata};
use parquet2::schema::types::{PhysicalType, PrimitiveLogicalType};
use tempfile::TempDir;

#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Nothing,
    Number(i32),
    /// A score's bits.
    Score(u32),
    Text(String),
}

/// A column's name and its cells.
type Column = (String, Vec<Cell>);

/// The columns as the crate has them with which they are written.
fn here(file: &Path) -> Vec<Column> {
    let reader = SerializedFileReader::new(File::open(file).unwrap()).unwrap();
    let mut columns: Vec<Column> = Vec::new();
    for row in reader.get_row_iter(None).unwrap() {
        for (at, (name, field)) in row.unwrap().get_column_iter().enumerate() {
            if columns.len() == at {
                columns.push((name.clone(), Vec::new()));
            }
            columns[at].1.push(match field {
                Field::Null => Cell::Nothing,
                Field::Int(number) => Cell::Number(*number),
                Field::Float(score) => Cell::Score(score.to_bits()),
                Field::Str(text) => Cell::Text(text.clone()),
                other => panic!("{name}: {other:?}"),
            });
        }
    }
    columns
}

/// The columns as `parquet2` has them.
fn elsewhere(file: &Path) -> Vec<Column> {
    let mut reader = File::open(file).unwrap();
    let metadata = read_metadata(&mut reader).unwrap();
    let described = metadata.schema().columns().iter();
    let mut columns: Vec<Column> = described
        .map(|c| {
            let kind = &c.descriptor.primitive_type;
            let text = kind.physical_type == PhysicalType::ByteArray;
            let declared = kind.logical_type == Some(PrimitiveLogicalType::String);
            assert_eq!(text, declared, "{:?}", c.path_in_schema);
            (c.path_in_schema.join("."), Vec::new())
        })
        .collect();
    for group in &metadata.row_groups {
        for (chunk, (_, cells)) in group.columns().iter().zip(&mut columns) {
            let before = cells.len();
            let pages = get_page_iterator(chunk, &mut reader, None, Vec::new(), usize::MAX);
            let mut words = Vec::new();
            for page in pages.unwrap() {
                match decompress(page.unwrap(), &mut Vec::new()).unwrap() {
                    Page::Dict(page) => {
                        words = plain(&page.buffer, chunk.physical_type());
                        assert_eq!(words.len(), page.num_values);
                    }
                    Page::Data(page) => cells.extend(decoded(&page, &words)),
                }
            }
            assert_eq!(cells.len() - before, group.num_rows());
        }
    }
    columns
}

/// The cells of a page, which may stand in a dictionary's `words`.
fn decoded(page: &DataPage, words: &[Cell]) -> Vec<Cell> {
    let (_, levels, values) = split_buffer(page).unwrap();
    let n = page.num_values();
    let there: Vec<bool> = if page.descriptor.max_def_level == 1 {
        let levels = HybridRleDecoder::try_new(levels, 1, n).unwrap();
        levels.map(|level| level.unwrap() == 1).collect()
    } else {
        vec![true; n]
    };
    let count = there.iter().filter(|there| **there).count();
    let mut values = match page.encoding() {
        _ if count == 0 => Vec::new(),
        Encoding::Plain => plain(values, page.descriptor.primitive_type.physical_type),
        Encoding::PlainDictionary | Encoding::RleDictionary if values[0] == 0 => {
            vec![words[0].clone(); count]
        }
        Encoding::PlainDictionary | Encoding::RleDictionary => {
            let places = HybridRleDecoder::try_new(&values[1..], values[0].into(), count);
            let word = |place: Result<u32, _>| words[place.unwrap() as usize].clone();
            places.unwrap().map(word).collect()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(values.len(), count);
    let mut values = values.drain(..);
    let cell = |there: bool| match there {
        true => values.next().unwrap(),
        false => Cell::Nothing,
    };
    there.into_iter().map(cell).collect()
}

/// Values that stand one after the other.
fn plain(values: &[u8], kind: PhysicalType) -> Vec<Cell> {
    let words = values.as_chunks::<4>().0.iter().copied();
    match kind {
        PhysicalType::Int32 => words.map(|w| Cell::Number(i32::from_le_bytes(w))).collect(),
        PhysicalType::Float => words.map(|w| Cell::Score(u32::from_le_bytes(w))).collect(),
        PhysicalType::ByteArray => {
            let texts = parquet2::encoding::plain_byte_array::BinaryIter::new(values, None);
            let text = |text: &[u8]| String::from_utf8(text.to_vec()).unwrap();
            texts.map(|t| Cell::Text(text(t.unwrap()))).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_reader_finds_the_same_cells() {
    let folder = TempDir::new().unwrap();
    for name in ["gpt2-safetensors", "herbert-legacy"] {
        let model = support::reference(name);
        let out = folder.path().join(name).with_extension("parquet");
        let mut command = Command::new(support::BINARY);
        let scan = command.arg("scan").arg(model).arg("--out").arg(&out);
        assert!(scan.status().unwrap().success());
        let (here, elsewhere) = (here(&out), elsewhere(&out));
        assert!(here.iter().all(|(_, cells)| cells.len() > 1000));
        for (here, elsewhere) in here.iter().zip(&elsewhere) {
            assert_eq!(here.0, elsewhere.0);
            assert!(here.1 == elsewhere.1, "{name}: {}", here.0);
        }
        assert_eq!(here.len(), elsewhere.len());
    }
}
