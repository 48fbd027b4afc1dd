//! A matrix whose numbers stay in memory as the file has them, and are widened to f32 where they
//! are used.

use std::ops::Range;

use super::Matrix;
use super::huge_pages::HugePageBuffer;
use super::number::{Dtype, convert};

/// `rows × cols` numbers, row-major, in the type that the file stores. Widening them to f32 loses
/// nothing: wider types than f32 are f32 here.
#[derive(Clone, Debug)]
pub struct StoredMatrix {
    rows: usize,
    cols: usize,
    held: Held,
}

#[derive(Clone, Debug)]
enum Held {
    F32(Matrix),
    /// All finite.
    Narrow {
        dtype: Dtype,
        bytes: HugePageBuffer<u8>,
    },
}

/// The numbers of some rows as they lie in memory.
#[derive(Clone, Copy, Debug)]
pub enum StoredRows<'a> {
    F32(&'a [f32]),
    /// Little-endian and finite.
    F16(&'a [[u8; 2]]),
    /// The upper halves of f32, little-endian.
    Bf16(&'a [[u8; 2]]),
}

impl StoredMatrix {
    /// A matrix over the finite numbers of a [narrow](Dtype::is_narrow) type.
    pub(super) fn narrow(
        rows: usize,
        cols: usize,
        dtype: Dtype,
        bytes: HugePageBuffer<u8>,
    ) -> Self {
        let held = Held::Narrow { dtype, bytes };
        Self { rows, cols, held }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Bytes that the numbers take in memory.
    pub fn bytes(&self) -> usize {
        match &self.held {
            Held::F32(matrix) => size_of_val(matrix.data()),
            Held::Narrow { bytes, .. } => bytes.len(),
        }
    }

    /// Some of the rows as they are stored; `None` where single numbers have no bytes of their own.
    pub fn stored(&self, rows: Range<usize>) -> Option<StoredRows<'_>> {
        let some = rows.start * self.cols..rows.end * self.cols;
        match &self.held {
            Held::F32(matrix) => Some(StoredRows::F32(&matrix.data()[some])),
            Held::Narrow { dtype, bytes } => match dtype {
                Dtype::F16 => Some(StoredRows::F16(&bytes.as_chunks().0[some])),
                Dtype::Bf16 => Some(StoredRows::Bf16(&bytes.as_chunks().0[some])),
                Dtype::F32
                | Dtype::F64
                | Dtype::Blocks(_)
                | Dtype::Quantised(_)
                | Dtype::Merged(_)
                | Dtype::Other(_)
                | Dtype::Made(_) => None,
            },
        }
    }

    /// Some of the rows as f32, `[some, cols]`: the matrix's own where they are, else in `buffer`.
    pub fn widened<'a>(&'a self, rows: Range<usize>, buffer: &'a mut Vec<f32>) -> &'a [f32] {
        match &self.held {
            Held::F32(matrix) => &matrix.data()[rows.start * self.cols..rows.end * self.cols],
            Held::Narrow { dtype, bytes } => {
                let row = bytes.len() / self.rows.max(1);
                buffer.resize(rows.len() * self.cols, 0.0);
                convert(dtype, &bytes[rows.start * row..rows.end * row], 1, buffer);
                buffer
            }
        }
    }

    /// All of it as f32.
    pub fn into_f32(self) -> Matrix {
        match self.held {
            Held::F32(matrix) => matrix,
            Held::Narrow { dtype, bytes } => {
                let mut matrix = Matrix::zeros(self.rows, self.cols);
                convert(&dtype, &bytes, 1, matrix.data_mut());
                matrix
            }
        }
    }
}

impl From<Matrix> for StoredMatrix {
    fn from(matrix: Matrix) -> Self {
        Self {
            rows: matrix.rows(),
            cols: matrix.cols(),
            held: Held::F32(matrix),
        }
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;
    use crate::checkpoint::ggml::GgmlType;

    /// Three rows of 64 numbers, bytes and what they are by the definition of their type.
    fn narrow(dtype: &Dtype) -> (Vec<u8>, Vec<f32>) {
        let mut rng = fastrand::Rng::with_seed(5);
        let (mut bytes, mut numbers) = (Vec::new(), Vec::new());
        for _ in 0..6 {
            let scale = f16::from_f32(rng.f32());
            if let Dtype::Blocks(_) = dtype {
                bytes.extend(scale.to_le_bytes());
            }
            for _ in 0..32 {
                let code = rng.i8(..);
                let number = f32::from(code) * 2f32.powi(rng.i32(-30..2));
                match dtype {
                    Dtype::F16 => {
                        bytes.extend(f16::from_f32(number).to_le_bytes());
                        numbers.push(f16::from_f32(number).to_f32());
                    }
                    Dtype::Bf16 => {
                        bytes.extend(bf16::from_f32(number).to_le_bytes());
                        numbers.push(bf16::from_f32(number).to_f32());
                    }
                    _ => {
                        bytes.extend(code.to_le_bytes());
                        numbers.push(scale.to_f32() * f32::from(code));
                    }
                }
            }
        }
        (bytes, numbers)
    }

    #[test]
    fn blocks_of_every_type_that_is_read_stay_as_they_are() {
        for id in [2, 3, 6, 7, 8, 10, 11, 12, 13, 14, 20, 23, 39] {
            let dtype = Dtype::Blocks(GgmlType::of(id));
            assert!(dtype.is_narrow(), "{dtype}");
        }
        const IQ2_XXS: u32 = 16;
        assert!(!Dtype::Blocks(GgmlType::of(IQ2_XXS)).is_narrow());
    }

    #[test]
    fn rows_are_the_numbers_of_the_type() {
        const Q8_0: u32 = 8;
        for dtype in [Dtype::F16, Dtype::Bf16, Dtype::Blocks(GgmlType::of(Q8_0))] {
            assert!(dtype.is_narrow(), "{dtype}");
            let (bytes, numbers) = narrow(&dtype);
            let mut held = HugePageBuffer::zeros(bytes.len());
            held.copy_from_slice(&bytes);
            let matrix = StoredMatrix::narrow(3, 64, dtype.clone(), held);
            assert_eq!(matrix.bytes(), bytes.len());
            let mut buffer = Vec::new();
            for rows in [0..3, 1..3, 2..3, 1..1] {
                let want = &numbers[rows.start * 64..rows.end * 64];
                assert_eq!(matrix.widened(rows, &mut buffer), want, "{dtype}");
            }
            assert_eq!(matrix.into_f32().data(), numbers, "{dtype}");
        }
    }
}
