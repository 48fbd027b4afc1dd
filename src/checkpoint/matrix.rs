//! A dense row-major matrix of f32: what every tensor becomes once it is read.

use super::huge_pages::HugePageBuffer;

/// `rows × cols` numbers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    rows: usize,
    cols: usize,
    data: HugePageBuffer<f32>,
}

impl Matrix {
    /// A matrix over `data`, row-major.
    ///
    /// # Panics
    /// If `data` does not hold exactly `rows × cols` numbers; callers build both from one shape.
    pub fn new(rows: usize, cols: usize, data: Vec<f32>) -> Self {
        assert_eq!(data.len(), rows * cols, "a {rows}×{cols} matrix");
        let data = HugePageBuffer::Vector(data);
        Self { rows, cols, data }
    }

    /// A matrix of zeros.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        let data = HugePageBuffer::zeros(rows * cols);
        Self { rows, cols, data }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.data[i * self.cols..(i + 1) * self.cols]
    }

    /// All numbers, row after row.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All numbers, row after row, to be written.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The numbers alone.
    pub fn into_data(self) -> Vec<f32> {
        self.data.into_vec()
    }

    /// Rows and columns exchanged.
    pub fn transposed(&self) -> Self {
        /// Rows that are read together: what they are written to is a line of the cache each.
        const ABREAST: usize = 16;
        let mut out = Self::zeros(self.cols, self.rows);
        for start in (0..self.rows).step_by(ABREAST) {
            let rows = start..self.rows.min(start + ABREAST);
            for j in 0..self.cols {
                let out = &mut out.data[j * self.rows..][rows.clone()];
                let column = rows.clone().map(|i| self.data[i * self.cols + j]);
                out.iter_mut().zip(column).for_each(|(out, x)| *out = x);
            }
        }
        out
    }
}
