//! `pytorch_model.bin`, of today and of old.

use proptest::prelude::*;

use crate::harm::{Copy, expect_line};

const FILE: &str = "pytorch_model.bin";

#[test]
fn something_else_in_the_place_of_weights() {
    for (content, words) in [
        ("".as_bytes(), "got an empty file"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "got a Git LFS pointer",
        ),
        (b"<html>", "got a web page"),
        (
            b"\x1f\x8b\x08\0gzip",
            "got a file that starts with [1f, 8b, 08, 00]",
        ),
        (b"PK\x03\x04", "expected a whole zip archive"),
        (
            b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            "expected an entry data.pkl",
        ),
        (
            b"\x80\x02]q\0.",
            "expected PyTorch's magic number, got another pickle",
        ),
        (
            b"\x80\x02}q\0X\xff\xff\xff\xff",
            "got its end before it was complete at its byte 5",
        ),
        (b"\x80\x63.", "got protocol 99"),
    ] {
        let copy = Copy::of("gpt2-pickle");
        copy.write(FILE, content);
        copy.is_refused(&["pytorch_model.bin: expected ", words]);
    }
}

#[test]
fn archives_cut_at_any_place() {
    for length in [273_946, 200_000, 3_000, 10] {
        let copy = Copy::of("gpt2-pickle");
        copy.cut(FILE, length);
        copy.is_refused(&[
            "pytorch_model.bin: expected a whole zip archive",
            "get the file again",
        ]);
    }
}

#[test]
fn an_archive_that_is_compressed() {
    let copy = Copy::of("gpt2-pickle");
    // Central directory: signature, two versions, flags, then the method.
    let mut bytes = copy.read(FILE);
    let at = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    bytes[at + 10] = 8;
    copy.write(FILE, bytes);
    copy.is_refused(&[
        "data.pkl: expected an entry stored as it is, got",
        "without compression",
    ]);
}

#[test]
fn an_archive_of_a_big_endian_machine() {
    let copy = Copy::of("gpt2-pickle");
    copy.patch(FILE, b"little", 0, b"big   ");
    copy.is_refused(&["expected little-endian numbers, got byte order big"]);
}

#[test]
fn an_archive_without_its_names() {
    let copy = Copy::of("gpt2-pickle");
    for nth in 0..2 {
        copy.patch(FILE, b"data.pkl", 0, [b"dat1.pkl", b"dat2.pkl"][nth]);
    }
    copy.is_refused(&["expected an entry data.pkl in the archive, got none"]);
}

#[test]
fn an_archive_without_a_storage() {
    let copy = Copy::of("gpt2-pickle");
    for _ in 0..2 {
        copy.patch(FILE, b"model/data/4", 0, b"model/dat_/4");
    }
    copy.is_refused(&["expected the numbers of transformer.h.0.attn.c_attn.weight in data/4"]);
}

#[test]
fn a_pickle_that_breaks_off() {
    let copy = Copy::of("gpt2-pickle");
    copy.patch(FILE, b"torch._utils\n", 0, b"torch._utils\0");
    copy.is_refused(&["pytorch_model.bin: data.pkl: expected "]);
}

#[test]
fn a_pickle_that_would_run_a_command() {
    let copy = Copy::of("gpt2-pickle");
    copy.patch(
        FILE,
        b"torch._utils\n_rebuild_tensor_v2",
        0,
        b"subprocess__\ncheck_output______",
    );
    copy.is_refused(&["expected a state dict (names with their tensors), got an object without"]);
}

#[test]
fn a_storage_of_fewer_numbers_than_it_says() {
    let copy = Copy::of("gpt2-pickle");
    // BININT2 32000, the length of the first storage.
    copy.patch(FILE, b"cpuq\x06M\x00\x7d", 0, b"cpuq\x06M\x01\x7d");
    copy.is_refused(&["expected 32001 F32 numbers for transformer.wte.weight, got 128000 bytes"]);
}

#[test]
fn a_view_beyond_its_storage() {
    let copy = Copy::of("gpt2-pickle");
    // Shape (800, 40) becomes (801, 40).
    copy.patch(FILE, b"K\x00M\x20\x03K\x28", 0, b"K\x00M\x21\x03K\x28");
    copy.is_refused(&[
        "expected transformer.wte.weight inside its storage",
        "[801, 40]",
    ]);
}

#[test]
fn weights_that_are_whole_numbers() {
    let copy = Copy::of("gpt2-pickle");
    copy.patch(FILE, b"FloatStorage", 0, b"QInt8Storage");
    copy.is_refused(&[
        "transformer.wte.weight in ",
        "expected F32, F16, BF16 or F64",
        "got QInt8",
    ]);
}

#[test]
fn a_shape_that_config_does_not_have() {
    let copy = Copy::of("herbert-pickle");
    copy.edit("config.json", |config| config["vocab_size"] = 899.into());
    copy.is_refused(&["pytorch_model.bin: expected shape [899, 48], as config.json has it"]);
}

#[test]
fn old_files_cut_at_any_place() {
    for (length, words) in [
        (170_112, "bytes, got 170112: the file is cut short"),
        (100_000, "bytes, got 100000: the file is cut short"),
        (7_770, "expected at least 7777 bytes, got 7770"),
        (
            7_000,
            "expected a pickle, got its end before it was complete",
        ),
        (15, "expected a pickle, got its end before it was complete"),
    ] {
        let copy = Copy::of("herbert-legacy");
        copy.cut(FILE, length);
        copy.is_refused(&["pytorch_model.bin: expected ", words]);
    }
}

#[test]
fn old_files_of_another_make() {
    let copy = Copy::of("herbert-legacy");
    copy.patch(FILE, b"\x80\x02M\xe9\x03.", 0, b"\x80\x02M\xea\x03.");
    copy.is_refused(&["expected protocol 1001, got 1002"]);

    let copy = Copy::of("herbert-legacy");
    copy.patch(FILE, b"q\x02\x88", 0, b"q\x02\x89");
    copy.is_refused(&["expected little-endian numbers, got big-endian ones"]);

    let copy = Copy::of("herbert-legacy");
    let last = copy
        .read(FILE)
        .windows(14)
        .position(|w| w == b"93944763995472")
        .unwrap();
    let last = if last > 6_984 { 0 } else { 1 };
    copy.patch(FILE, b"93944763995472", last, b"11111111111111");
    copy.is_refused(&["expected storages that tensors use, got another"]);
}

#[test]
fn an_old_file_whose_counts_disagree() {
    let copy = Copy::of("herbert-legacy");
    let mut bytes = copy.read(FILE);
    // The first storage follows the fifth pickle.
    bytes[7_769..7_777].copy_from_slice(&u64::MAX.to_le_bytes());
    copy.write(FILE, bytes);
    copy.is_refused(&["numbers at byte 7769, got 18446744073709551615"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_change_of_a_file_is_worse_than_an_error(
        old in any::<bool>(),
        from_end in any::<bool>(),
        damage in prop::collection::vec((0..9_000usize, any::<u8>()), 1..8),
    ) {
        let copy = Copy::of(if old { "herbert-legacy" } else { "gpt2-pickle" });
        let mut bytes = copy.read(FILE);
        let end = bytes.len() - 1;
        for (at, byte) in damage {
            bytes[if from_end { end - at } else { at }] = byte;
        }
        copy.write(FILE, bytes);
        if let Err(error) = copy.open() {
            expect_line(&error.to_string(), &["expected"]);
        }
    }
}
