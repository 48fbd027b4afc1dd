use std::io::{Cursor, Write};

use half::bf16;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::checkpoint::tensors::Tensors;

fn text(text: &str) -> Vec<u8> {
    [
        b"X".as_slice(),
        &(text.len() as u32).to_le_bytes(),
        text.as_bytes(),
    ]
    .concat()
}

fn int(n: usize) -> Vec<u8> {
    [b"J".as_slice(), &(n as u32).to_le_bytes()].concat()
}

fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [b"(".as_slice(), &items.concat(), b"t"].concat()
}

/// A dictionary as an `OrderedDict` pickles.
fn dict(items: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items: Vec<Vec<u8>> = items
        .iter()
        .map(|(k, v)| [text(k), v.clone()].concat())
        .collect();
    [
        b"ccollections\nOrderedDict\n)R(".as_slice(),
        &items.concat(),
        b"u",
    ]
    .concat()
}

/// `view` is what old files say of a storage that is a part of another: its start.
fn stored(kind: &str, key: &str, count: usize, view: Option<Option<usize>>) -> Vec<u8> {
    let class = format!("ctorch\n{kind}\n").into_bytes();
    let mut items = vec![text("storage"), class, text(key), text("cpu"), int(count)];
    match view {
        None => {}
        Some(None) => items.push(b"N".to_vec()),
        Some(Some(start)) => items.push(tuple(&[text("view"), int(start), int(1)])),
    }
    [tuple(&items), b"Q".to_vec()].concat()
}

fn tensor(storage: Vec<u8>, offset: usize, shape: [usize; 2], strides: [usize; 2]) -> Vec<u8> {
    let sizes = |sizes: [usize; 2]| tuple(&sizes.map(int));
    let no_hooks = b"ccollections\nOrderedDict\n)R".to_vec();
    let arguments = [
        storage,
        int(offset),
        sizes(shape),
        sizes(strides),
        b"\x89".to_vec(),
        no_hooks,
    ];
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n".as_slice(),
        &tuple(&arguments),
        b"R",
    ]
    .concat()
}

fn pickle(value: Vec<u8>) -> Vec<u8> {
    [b"\x80\x02".as_slice(), &value, b"."].concat()
}

fn archive(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in entries {
        archive.start_file(format!("model/{name}"), stored).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn open(bytes: Vec<u8>) -> Result<Tensors, CheckpointError> {
    let source = Source::bundled("model.bin".into(), bytes.leak());
    let entries = read(&source)?;
    let mut tensors = Tensors::default();
    tensors.add(source, entries)?;
    Ok(tensors)
}

fn floats(numbers: std::ops::Range<u8>) -> Vec<u8> {
    numbers.flat_map(|x| f32::from(x).to_le_bytes()).collect()
}

#[test]
fn reads_views_of_a_shared_storage() {
    let float = || stored("FloatStorage", "0", 12, None);
    let parameter = [
        b"ctorch._utils\n_rebuild_parameter\n".as_slice(),
        &tuple(&[
            tensor(float(), 8, [2, 2], [2, 1]),
            b"\x88".to_vec(),
            b"N".to_vec(),
        ]),
        b"R",
    ];
    let names = dict(&[
        ("straight", tensor(float(), 0, [3, 4], [4, 1])),
        ("turned", tensor(float(), 0, [4, 3], [1, 4])),
        ("parameter", parameter.concat()),
        (
            "mask",
            tensor(stored("BoolStorage", "1", 4, None), 0, [2, 2], [2, 1]),
        ),
        (
            "bf16",
            tensor(stored("BFloat16Storage", "2", 2, None), 1, [1, 1], [1, 1]),
        ),
        ("step", int(7)),
    ]);
    let halves = [bf16::ONE, bf16::from_f32(-3.0)]
        .map(bf16::to_le_bytes)
        .concat();
    let tensors = open(archive(&[
        ("data.pkl", pickle(names)),
        ("byteorder", b"little".to_vec()),
        ("data/0", floats(0..12)),
        ("data/1", vec![1; 4]),
        ("data/2", halves),
    ]))
    .unwrap();
    let block = |name: &str, rows, cols| tensors.block(name, 0..rows, 0..cols);
    let straight = block("straight", 3, 4).unwrap();
    assert_eq!(straight.row(1), [4., 5., 6., 7.]);
    assert_eq!(block("turned", 4, 3).unwrap().row(1), [1., 5., 9.]);
    assert_eq!(block("parameter", 2, 2).unwrap().data(), [8., 9., 10., 11.]);
    assert_eq!(block("bf16", 1, 1).unwrap().data(), [-3.0]);
    assert!(
        block("mask", 2, 2)
            .unwrap_err()
            .to_string()
            .contains("got Bool")
    );
    assert!(tensors.get("step").is_none());
}

#[test]
fn finds_the_state_dict_inside_a_training_checkpoint() {
    let weights = dict(&[(
        "w",
        tensor(stored("FloatStorage", "0", 2, None), 0, [1, 2], [2, 1]),
    )]);
    let training = dict(&[
        ("epoch", int(3)),
        ("state_dict", dict(&[("model", weights)])),
    ]);
    let tensors = open(archive(&[
        ("data.pkl", pickle(training)),
        ("data/0", floats(5..7)),
    ]))
    .unwrap();
    assert_eq!(tensors.block("w", 0..1, 0..2).unwrap().data(), [5., 6.]);
}

fn legacy(names: Vec<u8>, keys: &[&str], storages: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.".to_vec();
    bytes.extend(pickle(int(1001)));
    bytes.extend(pickle(dict(&[("little_endian", b"\x88".to_vec())])));
    bytes.extend(pickle(names));
    let keys: Vec<u8> = keys.iter().flat_map(|key| text(key)).collect();
    bytes.extend(pickle([b"](".as_slice(), &keys, b"e"].concat()));
    for (count, numbers) in storages {
        bytes.extend(count.to_le_bytes());
        bytes.extend(numbers);
    }
    bytes
}

#[test]
fn reads_old_files_with_parts_of_storages_in_any_order() {
    let names = || {
        dict(&[
            (
                "ids",
                tensor(stored("LongStorage", "7", 2, Some(None)), 0, [1, 2], [2, 1]),
            ),
            (
                "part",
                tensor(
                    stored("FloatStorage", "9", 6, Some(Some(2))),
                    1,
                    [1, 3],
                    [3, 1],
                ),
            ),
        ])
    };
    let storages = [(6, floats(10..16)), (2, vec![0; 16])];
    let tensors = open(legacy(names(), &["9", "7"], &storages)).unwrap();
    // The view starts at number 2 of the storage, and the tensor one further.
    assert_eq!(
        tensors.block("part", 0..1, 0..3).unwrap().data(),
        [13., 14., 15.]
    );
    assert!(
        tensors
            .block("ids", 0..1, 0..2)
            .unwrap_err()
            .to_string()
            .contains("got Long")
    );

    let wrong_count = legacy(
        names(),
        &["9", "7"],
        &[(5, floats(10..16)), (2, vec![0; 16])],
    );
    assert!(
        open(wrong_count)
            .unwrap_err()
            .to_string()
            .contains("expected 6 numbers at byte")
    );
    let missing = open(legacy(names(), &["9"], &storages[..1]))
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("expected the numbers of ids in the file, got none"),
        "{missing}"
    );
    let unknown = open(legacy(names(), &["9", "8"], &storages))
        .unwrap_err()
        .to_string();
    assert!(
        unknown.contains("expected storages that tensors use, got another"),
        "{unknown}"
    );
}

#[test]
fn refuses_a_view_beyond_its_storage() {
    let whole = |count, offset, shape, strides| {
        let float = stored("FloatStorage", "0", count, None);
        let names = dict(&[("w", tensor(float, offset, shape, strides))]);
        open(archive(&[
            ("data.pkl", pickle(names)),
            ("data/0", floats(0..4)),
        ]))
    };
    assert!(whole(4, 0, [2, 2], [2, 1]).is_ok());
    for (count, offset, shape, strides) in [
        (5, 0, [2, 2], [2, 1]),
        (4, 1, [2, 2], [2, 1]),
        (4, 0, [2, 2], [3, 1]),
        (4, 0, [50, 2], [0, 1]),
        (4, 0x7fff_ffff, [1, 1], [1, 1]),
        (4, 0, [0x7fff_ffff, 0x7fff_ffff], [0x7fff_ffff, 0x7fff_ffff]),
    ] {
        let error = whole(count, offset, shape, strides)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("model.bin: data.pkl: expected "),
            "{error}"
        );
    }
}

#[test]
fn refuses_an_object_without_a_state_dict() {
    for value in [
        int(3),
        dict(&[("epoch", int(3))]),
        b"cos\nsystem\n(X\x02\0\0\0lstR".to_vec(),
    ] {
        let error = open(archive(&[("data.pkl", pickle(value))]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("expected a state dict"), "{error}");
    }
}

/// Files that PyTorch wrote, and the numbers that it has for them (`tests/damaged/views.py`).
#[test]
fn views_have_the_signs_that_pytorch_gives_them() {
    let file = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/damaged");
        std::fs::read(format!("{folder}/{name}")).unwrap()
    };
    let answers: serde_json::Value = serde_json::from_slice(&file("views.json")).unwrap();
    let answers = answers.as_object().unwrap();
    assert_eq!(answers.len(), 7);
    for form in ["views.bin", "views-legacy.bin"] {
        let tensors = open(file(form)).unwrap();
        for (name, rows) in answers {
            let rows: Vec<Vec<f32>> = serde_json::from_value(rows.clone()).unwrap();
            let block = tensors
                .block(name, 0..rows.len(), 0..rows[0].len())
                .unwrap();
            assert_eq!(block.data(), rows.concat(), "{name} of {form}");
        }
    }
    let tensors = open(file("views.bin")).unwrap();
    for (name, got) in [
        ("sparse", "a sparse tensor"),
        ("quantised", "quantised numbers of torch"),
        ("meta", "a placeholder without numbers"),
        ("fp8", "float8_e4m3fn"),
        ("complex", "ComplexFloat"),
    ] {
        let (entry, _) = tensors.get(name).unwrap();
        assert!(!entry.dtype.is_readable(), "{name}");
        assert!(
            entry.dtype.to_string().contains(got),
            "{name}: {}",
            entry.dtype
        );
    }
}

#[test]
fn a_mark_that_is_not_known_is_refused_by_name() {
    let marked = |mark: &[u8]| {
        let call = tensor(stored("FloatStorage", "0", 2, None), 0, [1, 2], [2, 1]);
        // The marks are one argument more: before the end of the tuple and the call.
        let (call, end) = call.split_at(call.len() - 2);
        let names = dict(&[("w", [call, mark, end].concat())]);
        open(archive(&[
            ("data.pkl", pickle(names)),
            ("data/0", floats(5..7)),
        ]))
    };
    let read = |mark: &[u8]| marked(mark).unwrap().block("w", 0..1, 0..2).unwrap();
    let mark = |name: &str, value: u8| [b"}".to_vec(), text(name), vec![value, b's']].concat();
    assert_eq!(read(b"N").data(), [5., 6.]);
    assert_eq!(read(b"}").data(), [5., 6.]);
    assert_eq!(read(&mark("neg", 0x88)).data(), [-5., -6.]);
    assert_eq!(read(&mark("neg", 0x89)).data(), [5., 6.]);
    assert_eq!(read(&mark("conj", 0x88)).data(), [5., 6.]);
    for (mark, got) in [
        (mark("scaled", 0x88), "got scaled"),
        (b"]".to_vec(), "got something else"),
    ] {
        let error = marked(&mark).unwrap_err().to_string();
        assert!(
            error.contains("expected w without marks") && error.contains(got),
            "{error}"
        );
    }
}

#[test]
fn one_shape_of_a_million_axes_is_the_shape_of_nothing() {
    let call = tensor(stored("FloatStorage", "0", 2, None), 0, [1, 2], [2, 1]);
    let shape = tuple(&[1, 2].map(int));
    let many = tuple(&vec![int(1); 100_000]);
    let at = call.windows(shape.len()).position(|w| w == shape).unwrap();
    let call = [&call[..at], &many, &call[at + shape.len()..]].concat();
    let names = dict(&[("w", call)]);
    let error = open(archive(&[
        ("data.pkl", pickle(names)),
        ("data/0", floats(5..7)),
    ]));
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("for the tensor w, got something else"),
        "{error}"
    );
}
