//! The bytes of tensors whose numbers a scheme of quantised matrices reads, and those of a file on the
//! hub that it takes.

use std::iter;
use std::ops::Range;

use super::super::number::{Dtype, convert};
use super::super::quantised_matrix::{Parts, QuantisedMatrix};
use super::super::source::{Runs, Source};
use super::super::{CheckpointError, Matrix};
use super::{Tensors, outside};

/// Runs of bytes of a file.
pub(super) type SourceSpans<'a> = (&'a Source, Vec<Range<u64>>);

impl Tensors {
    /// The bytes of all tensors that make a quantised matrix.
    pub(super) fn whole_parts(
        &self,
        matrix: &QuantisedMatrix,
    ) -> Result<Vec<SourceSpans<'_>>, CheckpointError> {
        let parts = matrix.parts().into_iter().map(|part| {
            let (source, entry) = self.find(part)?;
            let bytes = (entry.shape.iter().product::<usize>() * item(&entry.dtype)) as u64;
            let span = entry.offset..entry.offset + bytes;
            Ok((source, iter::once(span).collect()))
        });
        parts.collect()
    }

    /// Floats as f32.
    fn widened(&self, name: &str, bytes: &[u8]) -> Result<Vec<f32>, CheckpointError> {
        let (_, entry) = self.find(name)?;
        let mut numbers = vec![0.0; bytes.len() / item(&entry.dtype).max(1)];
        convert(&entry.dtype, bytes, 1, &mut numbers);
        Ok(numbers)
    }
}

/// Bytes of tensors whose numbers are read by a scheme.
impl Parts for Tensors {
    fn block(
        &self,
        name: &str,
        rows: Range<usize>,
        cols: Range<usize>,
    ) -> Result<Matrix, CheckpointError> {
        Tensors::block(self, name, rows, cols)
    }

    fn vector(&self, name: &str) -> Result<Vec<f32>, CheckpointError> {
        Tensors::vector(self, name)
    }

    fn raw(
        &self,
        name: &str,
        rows: Range<usize>,
        cols: Range<usize>,
    ) -> Result<Vec<u8>, CheckpointError> {
        let (source, entry) = self.find(name)?;
        let &[height, width] = &entry.shape[..] else {
            return Err(outside(name, source, entry, rows, cols));
        };
        if rows.end > height || cols.end > width || rows.is_empty() || cols.is_empty() {
            return Err(outside(name, source, entry, rows, cols));
        }
        let item = item(&entry.dtype);
        let start = entry.offset + ((rows.start * width + cols.start) * item) as u64;
        let mut bytes = Vec::with_capacity(rows.len() * cols.len() * item);
        let runs = Runs {
            count: rows.len(),
            step: width * item,
            len: cols.len() * item,
        };
        source.runs(start, runs, |_, run| bytes.extend_from_slice(run))?;
        Ok(bytes)
    }

    fn raw_flat(&self, name: &str, numbers: Range<usize>) -> Result<Vec<u8>, CheckpointError> {
        let (source, entry) = self.find(name)?;
        if numbers.end > entry.shape.iter().product() {
            return Err(outside(name, source, entry, 0..1, numbers));
        }
        let item = item(&entry.dtype);
        let start = entry.offset + (numbers.start * item) as u64;
        source.copy(start, numbers.len() * item)
    }

    fn floats(
        &self,
        name: &str,
        rows: Range<usize>,
        cols: Range<usize>,
    ) -> Result<Vec<f32>, CheckpointError> {
        self.widened(name, &self.raw(name, rows, cols)?)
    }

    fn floats_flat(&self, name: &str, numbers: Range<usize>) -> Result<Vec<f32>, CheckpointError> {
        self.widened(name, &self.raw_flat(name, numbers)?)
    }

    fn file(&self, name: &str) -> &str {
        self.get(name).map_or("", |(_, file)| file)
    }
}

/// Bytes of a number of safetensors, those included of which tensors are not read as numbers.
fn item(dtype: &Dtype) -> usize {
    match dtype {
        Dtype::Other(name) => match name.as_str() {
            "I8" | "U8" | "F8_E4M3" | "F8_E5M2" => 1,
            "I16" | "U16" => 2,
            "I32" | "U32" => 4,
            "I64" | "U64" => 8,
            _ => 0,
        },
        plain => plain.block_bytes(),
    }
}
