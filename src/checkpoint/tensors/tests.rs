use std::fs;

use half::f16;

use super::*;
use crate::checkpoint::number::Dtype;

/// One tensor, named `t`, in a bundled source.
fn tensors(dtype: Dtype, shape: &[usize], strides: &[usize], bytes: Vec<u8>) -> Tensors {
    let mut tensors = Tensors::default();
    let entry = TensorEntry {
        dtype,
        shape: shape.to_vec(),
        strides: strides.to_vec(),
        offset: 0,
        negated: false,
        order: RowOrder::Same,
    };
    let source = Source::bundled("weights".into(), bytes.leak());
    tensors.add(source, vec![("t".into(), entry)]).unwrap();
    tensors
}

fn floats(numbers: impl IntoIterator<Item = f32>) -> Vec<u8> {
    numbers.into_iter().flat_map(f32::to_le_bytes).collect()
}

#[test]
fn cuts_a_block_out_of_rows() {
    let tensors = tensors(
        Dtype::F32,
        &[4, 5],
        &[5, 1],
        floats((0..20).map(|i| i as f32)),
    );
    let block = tensors.block("t", 1..3, 2..5).unwrap();
    assert_eq!(block, Matrix::new(2, 3, vec![7., 8., 9., 12., 13., 14.]));
    let column = tensors.block("t", 0..4, 4..5).unwrap();
    assert_eq!(column.data(), [4., 9., 14., 19.]);
    assert_eq!(tensors.block("t", 2..2, 0..5).unwrap(), Matrix::zeros(0, 5));
    assert_eq!(tensors.block("t", 4..4, 5..5).unwrap(), Matrix::zeros(0, 0));
}

#[test]
fn reads_a_transposed_view_as_it_is_seen() {
    // The memory is 3 × 2; the view is its transpose.
    let tensors = tensors(
        Dtype::F32,
        &[2, 3],
        &[1, 2],
        floats((0..6).map(|i| i as f32)),
    );
    let whole = tensors.block("t", 0..2, 0..3).unwrap();
    assert_eq!(whole, Matrix::new(2, 3, vec![0., 2., 4., 1., 3., 5.]));
    let part = tensors.block("t", 1..2, 1..3).unwrap();
    assert_eq!(part.data(), [3., 5.]);
}

#[test]
fn reads_every_second_column_and_overlapping_rows() {
    let second = tensors(
        Dtype::F32,
        &[2, 2],
        &[4, 2],
        floats((0..8).map(|i| i as f32)),
    );
    assert_eq!(
        second.block("t", 0..2, 0..2).unwrap().data(),
        [0., 2., 4., 6.]
    );
    let same = tensors(
        Dtype::F32,
        &[3, 2],
        &[0, 1],
        floats((0..6).map(|i| i as f32)),
    );
    assert_eq!(
        same.block("t", 0..3, 0..2).unwrap().data(),
        [0., 1., 0., 1., 0., 1.]
    );
    let wide = tensors(
        Dtype::F32,
        &[2, 3],
        &[1, 0],
        floats((0..6).map(|i| i as f32)),
    );
    assert_eq!(
        wide.block("t", 0..2, 0..3).unwrap().data(),
        [0., 0., 0., 1., 1., 1.]
    );
}

#[test]
fn reads_more_than_one_window_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    let (rows, cols) = (7_001, 1_000);
    // Exact in f16, and different in every row and column around a window's edge.
    let number = |row: usize, col: usize| ((row * 31 + col * 7) % 2_039) as f32;
    let numbers = (0..rows * cols).map(|i| f16::from_f32(number(i / cols, i % cols)));
    fs::write(
        &path,
        numbers.flat_map(f16::to_le_bytes).collect::<Vec<u8>>(),
    )
    .unwrap();
    let mut tensors = Tensors::default();
    let entry = TensorEntry::contiguous(Dtype::F16, vec![rows, cols], 0);
    tensors
        .add(
            Source::open(&path).unwrap().unwrap(),
            vec![("t".into(), entry)],
        )
        .unwrap();
    for (r, c) in [
        (0..rows, 0..cols),
        (3..rows, 998..1_000),
        (1..7_000, 20..990),
    ] {
        let block = tensors.block("t", r.clone(), c.clone()).unwrap();
        for (i, row) in r.clone().enumerate() {
            let expected: Vec<f32> = c.clone().map(|col| number(row, col)).collect();
            assert_eq!(block.row(i), expected, "row {row} of {r:?} × {c:?}");
        }
    }
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(5_000_000)
        .unwrap();
    let error = tensors.block("t", 0..1, 0..1).unwrap_err().to_string();
    assert!(
        error.contains("expected 14002000 bytes, got 5000000"),
        "{error}"
    );
}

#[test]
fn names_the_place_of_a_number_that_is_not_finite() {
    let mut numbers = vec![0.5; 12];
    numbers[7] = f32::NAN;
    let straight = tensors(Dtype::F32, &[3, 4], &[4, 1], floats(numbers.clone()));
    let error = straight.block("t", 1..3, 2..4).unwrap_err().to_string();
    assert!(error.starts_with("t in weights: expected a finite number at [1, 3], got NaN"));
    assert!(straight.block("t", 0..3, 0..3).is_ok());
    let turned = tensors(Dtype::F32, &[4, 3], &[1, 4], floats(numbers));
    let error = turned.block("t", 1..4, 0..2).unwrap_err().to_string();
    assert!(error.contains("at [3, 1]"), "{error}");
    let large = tensors(
        Dtype::F64,
        &[1, 1],
        &[1, 1],
        1e300f64.to_le_bytes().to_vec(),
    );
    let error = large.block("t", 0..1, 0..1).unwrap_err().to_string();
    assert!(error.contains("at [0, 0], got inf"), "{error}");
}

#[test]
fn refuses_what_is_not_a_block_of_numbers() {
    let mask = tensors(Dtype::Other("BOOL".into()), &[2, 2], &[2, 1], vec![1; 4]);
    let error = mask.block("t", 0..1, 0..1).unwrap_err().to_string();
    assert!(
        error.contains("expected F32, F16, BF16 or F64 numbers, got BOOL"),
        "{error}"
    );
    let vector = tensors(Dtype::F32, &[2], &[1], floats([1., 2.]));
    assert!(vector.block("t", 0..1, 0..1).is_err());
    let matrix = tensors(Dtype::F32, &[2, 2], &[2, 1], floats([1., 2., 3., 4.]));
    let error = matrix.block("t", 0..3, 0..2).unwrap_err().to_string();
    assert!(
        error.contains("expected a block inside [2, 2], got 0..3 × 0..2"),
        "{error}"
    );
    assert!(matrix.block("other", 0..1, 0..1).is_err());
}

#[test]
fn refuses_a_tensor_larger_than_its_file_however_it_overlaps() {
    for (shape, strides) in [
        ([3, 2], [2, 1]),
        ([1 << 40, 1 << 40], [0, 0]),
        ([usize::MAX, 2], [usize::MAX, 1]),
        ([100, 100], [0, 1]),
    ] {
        let entry = TensorEntry {
            dtype: Dtype::F32,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            offset: 0,
            negated: false,
            order: RowOrder::Same,
        };
        let source = Source::bundled("weights".into(), &[0; 20]);
        let added = Tensors::default().add(source, vec![("t".into(), entry)]);
        assert!(
            added
                .unwrap_err()
                .to_string()
                .contains("tensor t: expected")
        );
    }
}
