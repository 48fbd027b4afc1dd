use std::fs;

use super::*;

fn source(folder: &tempfile::TempDir, content: &[u8]) -> Source {
    let path = folder.path().join("weights");
    fs::write(&path, content).unwrap();
    Source::open(&path).unwrap().unwrap()
}

fn cut(folder: &tempfile::TempDir, len: u64) {
    let file = File::options()
        .write(true)
        .open(folder.path().join("weights"));
    file.unwrap().set_len(len).unwrap();
}

#[test]
fn refuses_a_file_cut_after_it_was_opened() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(&folder, &[7; 10_000]);
    assert_eq!(source.copy(9_000, 1_000).unwrap(), vec![7; 1_000]);
    cut(&folder, 4_096);
    let error = source.copy(9_000, 1_000).unwrap_err().to_string();
    assert!(error.contains("expected 10000 bytes, got 4096"), "{error}");
}

#[test]
fn a_file_cut_while_it_is_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let len = 3 * PIECE;
    let source = source(&folder, &vec![7; len]);
    let mut seen = 0;
    let read = source.pieces(0, len, 1, |_, piece| {
        seen += piece.len();
        cut(&folder, PIECE as u64);
    });
    let error = read.unwrap_err().to_string();
    assert!(
        error.contains(&format!("expected {len} bytes, got {PIECE}")),
        "{error}"
    );
    assert_eq!(seen, PIECE);
}

#[test]
fn reads_at_any_offset_and_never_beyond_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..2 * PIECE + 20_000).map(|i| (i % 251) as u8).collect();
    let source = source(&folder, &content);
    assert_eq!(source.copy(4_097, 9_001).unwrap(), content[4_097..13_098]);
    let len = content.len() - 5;
    let mut all = Vec::new();
    let read = source.pieces(5, len, 24, |at, piece| {
        assert!(at % 24 == 0);
        assert_eq!(at, all.len());
        all.extend_from_slice(piece);
    });
    read.unwrap();
    assert!(all == content[5..]);
    for [count, step, run] in [[500, 1_000, 3], [90, 4_097, 5_000], [20, 0, 7], [1, 9, 9]] {
        let mut found = 0;
        let read = source.runs(
            11,
            Runs {
                count,
                step,
                len: run,
            },
            |i, bytes| {
                assert_eq!((i, bytes), (found, &content[11 + i * step..][..run]));
                found += 1;
            },
        );
        read.unwrap();
        assert_eq!(found, count);
    }
    let end = content.len() as u64;
    assert!(source.copy(end - 1, 2).is_err());
    assert!(source.copy(u64::MAX, 2).is_err());
    assert!(source.pieces(end - 1, 2, 1, |_, _| ()).is_err());
    assert!(
        source
            .runs(
                end - 10,
                Runs {
                    count: 2,
                    step: 8,
                    len: 3
                },
                |_, _| ()
            )
            .is_err()
    );
}
