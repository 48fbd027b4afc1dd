//! Scans whose pages or footer claim more than there is of them.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use lexiscope::projection::DeviceChoice;
use lexiscope::query::{Answering, Callbacks, Reader};
use lexiscope::scan::{Scan, ScanPlan, Scanned, What};
use lexiscope::vocabulary::Filters;
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::file::writer::SerializedFileWriter;

use super::fuzz::{expect_sentence, most_memory, neuron};
use super::harm::{Copy, location};

/// Kilobytes that this process may have had at most.
const MEMORY_MAX: u64 = 1 << 20;
const HUGE: i32 = i32::MAX;

/// The column of a neuron's number, and that of its scores.
const ITEM: usize = 3;
const SCORE: usize = 11;

/// A page as its header describes it, before `bytes`.
#[derive(Clone, Copy)]
struct Page {
    /// 0 for data, 2 for a dictionary.
    kind: i32,
    uncompressed: i32,
    compressed: i32,
    values: i32,
    /// 0 for values as they are, 8 for numbers of a dictionary.
    encoding: i32,
}

/// A number as Thrift's compact protocol writes it.
fn varint(out: &mut Vec<u8>, number: i32) {
    let mut rest = ((number << 1) ^ (number >> 31)) as u32;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

impl Page {
    fn write(self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for number in [self.kind, self.uncompressed, self.compressed] {
            out.push(0x15);
            varint(&mut out, number);
        }
        // Of data field 5, with two more encodings; of a dictionary field 7.
        out.push(if self.kind == 2 { 0x4c } else { 0x2c });
        let encodings = if self.kind == 2 { 1 } else { 3 };
        for number in [self.values]
            .into_iter()
            .chain([self.encoding; 3])
            .take(1 + encodings)
        {
            out.push(0x15);
            varint(&mut out, number);
        }
        out.extend([0, 0]);
        out.extend(bytes);
        out
    }
}

/// A scan of two neurons' lists, and the folder of its model.
fn scanned() -> (Copy, Vec<u8>) {
    let copy = Copy::of("gpt2-safetensors");
    let out = copy.path("scan.parquet");
    let plan = ScanPlan {
        convention: Default::default(),
        layers: Some("0".parse().unwrap()),
        what: What::Neurons,
        k: 5,
        pairs: 5,
        filters: Filters::default(),
    };
    let mut reader = open(&copy);
    Scan::run(&mut reader, &plan, &out, lexiscope::task::Callbacks::none()).unwrap();
    let whole = fs::read(&out).unwrap();
    (copy, whole)
}

fn open(copy: &Copy) -> Reader {
    Reader::open(&location(&copy.path("")), DeviceChoice::Cpu).unwrap()
}

/// The scan again, with other pages in one column of every group of rows.
fn with_pages(from: &Path, to: &Path, column: usize, pages: &[u8]) {
    let reader = SerializedFileReader::new(File::open(from).unwrap()).unwrap();
    let metadata = reader.metadata().file_metadata();
    let properties = WriterProperties::builder()
        .set_key_value_metadata(metadata.key_value_metadata().cloned())
        .build();
    let schema = metadata.schema_descr().root_schema_ptr();
    let mut writer =
        SerializedFileWriter::new(File::create(to).unwrap(), schema, Arc::new(properties)).unwrap();
    for group in reader.metadata().row_groups() {
        let mut out = writer.next_row_group().unwrap();
        for (at, chunk) in group.columns().iter().enumerate() {
            let close = |metadata: ColumnChunkMetaData| ColumnCloseResult {
                bytes_written: metadata.compressed_size() as u64,
                rows_written: group.num_rows() as u64,
                metadata,
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            };
            if at == column {
                let crafted = chunk
                    .clone()
                    .into_builder()
                    .set_data_page_offset(0)
                    .set_dictionary_page_offset(None)
                    .set_total_compressed_size(pages.len() as i64)
                    .build()
                    .unwrap();
                let beside = to.with_extension("pages");
                fs::write(&beside, pages).unwrap();
                let file = File::open(&beside).unwrap();
                out.append_column(&file, close(crafted)).unwrap();
            } else {
                let file = File::open(from).unwrap();
                out.append_column(&file, close(chunk.clone())).unwrap();
            }
        }
        out.close().unwrap();
    }
    writer.close().unwrap();
}

/// What is said where the scan is opened and a list is asked of it.
fn said(copy: &Copy) -> Option<String> {
    let scan = Scanned::open(open(copy), &copy.path("scan.parquet"));
    let error = match scan {
        Err(error) => error.to_string(),
        Ok(mut scan) => scan.answer(&neuron(), Callbacks::none()).err()?.to_string(),
    };
    expect_sentence(&error, "a crafted scan");
    Some(error)
}

#[test]
fn pages_that_claim_more_than_they_hold_are_refused_before_room_is_made() {
    let (copy, whole) = scanned();
    let (kept, out) = (copy.path("kept.parquet"), copy.path("scan.parquet"));
    fs::write(&kept, &whole).unwrap();
    let rows = {
        let reader = SerializedFileReader::new(File::open(&kept).unwrap()).unwrap();
        reader.metadata().row_group(0).num_rows() as i32
    };
    // Eight bytes that Snappy cannot have made so much of.
    let data = Page {
        kind: 0,
        uncompressed: 8,
        compressed: 8,
        values: rows,
        encoding: 0,
    };
    let dictionary = Page {
        kind: 2,
        values: 2,
        ..data
    };
    let cases = [
        Page {
            uncompressed: HUGE,
            ..data
        },
        Page {
            uncompressed: 1 << 29,
            ..data
        },
        Page {
            uncompressed: -1,
            ..data
        },
        Page {
            compressed: HUGE,
            ..data
        },
        Page {
            compressed: -5,
            ..data
        },
        Page {
            values: HUGE,
            encoding: 8,
            ..data
        },
        Page { values: -1, ..data },
        Page {
            values: HUGE,
            ..dictionary
        },
        Page {
            uncompressed: HUGE,
            values: HUGE,
            ..dictionary
        },
        Page { kind: 3, ..data },
        Page { kind: HUGE, ..data },
    ];
    for (at, page) in cases.into_iter().enumerate() {
        for column in [ITEM, SCORE] {
            with_pages(&kept, &out, column, &page.write(&[0; 8]));
            let said = said(&copy).unwrap_or_else(|| panic!("case {at}: taken as whole"));
            assert!(
                said.contains("claims more than it holds"),
                "case {at}: {said}"
            );
        }
    }
    let most = most_memory().unwrap_or_default();
    assert!(most < MEMORY_MAX, "{most} kB");
    // What is not touched is read as before.
    fs::write(&out, &whole).unwrap();
    assert_eq!(said(&copy), None);
}

#[test]
fn a_footer_that_claims_more_than_it_holds_is_refused() {
    let (copy, _) = scanned();
    // Field 1, the version; field 2, a schema of one element; field 4, groups of rows.
    let name = [0x48, 0x01, b'x'];
    let element = |children: &[u8]| [&name[..], &[0x15], children, &[0]].concat();
    let huge = [0xfe, 0xff, 0xff, 0xff, 0x0f];
    let version = [0x15, 0x02];
    let groups = [0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07];
    let footers = [
        [&version[..], &[0x19, 0x1c], &element(&huge), &[0]].concat(),
        [
            &version[..],
            &[0x19, 0x1c],
            &element(&[0x00]),
            &[0x16, 0x02],
            &groups,
            &[0],
        ]
        .concat(),
        [
            &version[..],
            &[0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07],
            &[0],
        ]
        .concat(),
    ];
    for footer in footers {
        let length = (footer.len() as u32).to_le_bytes();
        copy.write(
            "scan.parquet",
            [b"PAR1", &footer[..], &length, b"PAR1"].concat(),
        );
        let said = said(&copy).unwrap();
        assert!(said.contains("footer claims more than it holds"), "{said}");
    }
    let most = most_memory().unwrap_or_default();
    assert!(most < MEMORY_MAX, "{most} kB");
}
