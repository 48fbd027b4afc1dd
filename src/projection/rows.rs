//! The rows that everything is projected on (the embedding, and learned positions), kept on a
//! device in the layout that its products want.

mod chunked;
mod logits;
mod narrow;
mod overflow;
mod ranked;
mod tally;
mod times;
mod transformed;

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use crate::checkpoint::{Embedding, Matrix, StoredMatrix};
use crate::task::{CancelToken, Cancelled};

use super::batch;
use super::kernel::{chunks, norm, products_of};
use super::row_transform::RowTransform;
use super::select::Passing;
use super::{BothEnds, ProjectionError};

pub use logits::{LogitDistribution, LogitShape, LogitsWanted};
use overflow::{all_finite, overflow};
use times::times_on_host;

/// Rows a task takes at a time: a megabyte or so, and a millisecond between two looks at whether
/// the answer is still wanted.
const CHUNK_ROWS: usize = 512;

/// Rows that reach the device at a time: few enough to be called off within a frame.
const DEVICE_ROWS: usize = 16_384;

/// Rows `[n, width]` on a device: as they are stored, or times a map that makes them as wide.
#[derive(Debug)]
pub struct Rows {
    len: usize,
    store: Arc<Store>,
    /// What each stored row is multiplied with, `[stored width, width]`. Vectors are brought to the
    /// stored width by it before they meet the rows; means are of stored rows.
    map: Option<Arc<Matrix>>,
    /// How they count.
    transform: RowTransform,
    /// The norm of the longest row, NaN if one is; computed when it is first needed.
    longest: OnceLock<f32>,
}

#[derive(Debug)]
enum Store {
    /// As the file has them.
    Host(StoredMatrix),
    /// In f32.
    Device(Tensor),
}

impl Rows {
    /// Takes an embedding or a matrix to a device. On the processor nothing is copied or widened.
    ///
    /// # Errors
    /// The device refuses it.
    pub fn new(rows: impl Into<Embedding>, device: &Device) -> Result<Self, ProjectionError> {
        let Embedding { table: matrix, map } = rows.into();
        let (len, width) = (matrix.rows(), matrix.cols());
        let store = if device.is_cpu() {
            Store::Host(matrix)
        } else {
            let rows = Tensor::from_vec(matrix.into_f32().into_data(), (len, width), device)?;
            // Whoever multiplies them may be another thread, which CUDA gives a stream of its own.
            device.synchronize()?;
            Store::Device(rows)
        };
        Ok(Self {
            len,
            store: Arc::new(store),
            map: map.map(Arc::new),
            transform: RowTransform::default(),
            longest: OnceLock::new(),
        })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Offers the scores of each of `vectors` (`[m, width]`) at every passing row to its two ends.
    /// One pass over the rows serves all vectors and both ends; a vector's scores do not depend on
    /// how many there are.
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    pub fn offer_scores(
        &self,
        vectors: &Matrix,
        passing: Passing<'_>,
        ends: &mut [BothEnds],
        cancel: CancelToken<'_>,
    ) -> Result<(), ProjectionError> {
        let vectors = &*self.brought(vectors);
        match &*self.store {
            Store::Host(rows) if vectors.rows() < batch::LEAST => {
                let rows = (rows, &self.transform);
                offer_on_host(rows, vectors, passing, ends, cancel)
            }
            Store::Host(rows) => {
                let rows = self.counted(rows);
                let mut lengths = (0..vectors.rows()).map(|i| norm(vectors.row(i)));
                if lengths.any(|length| !(length * rows.longest).is_finite()) {
                    return Err(ProjectionError::Overflow);
                }
                Ok(batch::offer(rows, vectors, passing, ends, cancel)?)
            }
            Store::Device(rows) => self.offer_on_device(rows, vectors, passing, ends, cancel),
        }
    }

    /// The rows `ids`, in that order: `[m, width]`.
    ///
    /// # Errors
    /// The device fails.
    pub fn pick(&self, ids: &[u32]) -> Result<Matrix, ProjectionError> {
        let picked = self.pick_stored(ids)?;
        Ok(match &self.map {
            None => picked,
            Some(map) => Matrix::new(ids.len(), map.cols(), narrow::mapped(picked.data(), map)),
        })
    }

    /// The same before their map.
    fn pick_stored(&self, ids: &[u32]) -> Result<Matrix, ProjectionError> {
        match &*self.store {
            Store::Host(rows) => {
                let (mut buffer, mut picked) = (Vec::new(), Vec::new());
                for id in ids.iter().map(|&id| id as usize) {
                    let row = rows.widened(id..id + 1, &mut buffer);
                    picked.extend(self.transform.row(id, row));
                }
                Ok(Matrix::new(ids.len(), rows.cols(), picked))
            }
            Store::Device(rows) => {
                let at = Tensor::from_slice(ids, ids.len(), rows.device())?;
                let picked: Vec<f32> = rows.index_select(&at, 0)?.flatten_all()?.to_vec1()?;
                let width = rows.dim(1)?;
                let picked = ids.iter().zip(picked.chunks_exact(width));
                let row = |(&id, row)| self.transform.row(id as usize, row);
                Ok(Matrix::new(
                    ids.len(),
                    width,
                    picked.flat_map(row).collect(),
                ))
            }
        }
    }

    fn offer_on_device(
        &self,
        rows: &Tensor,
        vectors: &Matrix,
        passing: Passing<'_>,
        ends: &mut [BothEnds],
        cancel: CancelToken<'_>,
    ) -> Result<(), ProjectionError> {
        let shape = (vectors.rows(), vectors.cols());
        let shifts = self.transform.shifts(vectors);
        let vectors = Tensor::from_slice(vectors.data(), shape, rows.device())?
            .t()?
            .contiguous()?;
        for chunk in chunks(self.len, DEVICE_ROWS) {
            cancel.check()?;
            let scores = rows.narrow(0, chunk.start, chunk.len())?.matmul(&vectors)?;
            let mut scores = scores.flatten_all()?.to_vec1::<f32>()?;
            self.transform.scores(chunk.clone(), &mut scores, &shifts);
            if overflow(&scores, chunk.clone(), passing) {
                return Err(ProjectionError::Overflow);
            }
            offer_chunk(&scores, chunk, passing, ends);
        }
        Ok(())
    }

    /// The product with thin weights `w` (`[width, h]`): `[n, h]`.
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    pub fn times(&self, w: &Matrix, cancel: CancelToken<'_>) -> Result<Matrix, ProjectionError> {
        let columns = w.transposed();
        let columns = self.brought(&columns);
        let brought = self.map.as_ref().map(|_| columns.transposed());
        let mut product = self.times_as_they_lie(brought.as_ref().unwrap_or(w), cancel)?;
        let shifts = self.transform.shifts(&columns);
        self.transform
            .scores(0..self.len, product.data_mut(), &shifts);
        if !all_finite(product.data()) {
            return Err(ProjectionError::Overflow);
        }
        Ok(product)
    }

    fn times_as_they_lie(
        &self,
        w: &Matrix,
        cancel: CancelToken<'_>,
    ) -> Result<Matrix, ProjectionError> {
        match &*self.store {
            Store::Host(rows) => Ok(times_on_host(rows, w, cancel)?),
            Store::Device(rows) => {
                let w = Tensor::from_slice(w.data(), (w.rows(), w.cols()), rows.device())?;
                let mut data = Vec::with_capacity(self.len * w.dim(1)?);
                for chunk in chunks(self.len, DEVICE_ROWS) {
                    cancel.check()?;
                    let product = rows.narrow(0, chunk.start, chunk.len())?.matmul(&w)?;
                    data.extend(product.flatten_all()?.to_vec1::<f32>()?);
                }
                Ok(Matrix::new(self.len, w.dim(1)?, data))
            }
        }
    }
}

fn offer_on_host(
    (rows, transform): (&StoredMatrix, &RowTransform),
    vectors: &Matrix,
    passing: Passing<'_>,
    ends: &mut [BothEnds],
    cancel: CancelToken<'_>,
) -> Result<(), ProjectionError> {
    let m = vectors.rows();
    let overflows = AtomicBool::new(false);
    let shifts = transform.shifts(vectors);
    let fresh: Vec<BothEnds> = ends.iter().map(|e| BothEnds::new(e.highest.k())).collect();
    let all: Vec<Range<usize>> = chunks(rows.rows(), CHUNK_ROWS).collect();
    let found = all
        .into_par_iter()
        .fold(
            || Ok((fresh.clone(), Vec::new(), Vec::new())),
            |state: Result<_, Cancelled>, chunk| {
                let (mut ends, mut scores, mut buffer) = state?;
                cancel.check()?;
                scores.resize(chunk.len() * m, 0.0);
                let some = (rows, chunk.clone());
                products_of(some, vectors.data(), &mut buffer, &mut scores);
                transform.scores(chunk.clone(), &mut scores, &shifts);
                if overflow(&scores, chunk.clone(), passing) {
                    overflows.store(true, Relaxed);
                }
                offer_chunk(&scores, chunk, passing, &mut ends);
                Ok((ends, scores, buffer))
            },
        )
        .map(|state| state.map(|(ends, ..)| ends))
        .try_reduce_with(|mut a, b| {
            a.iter_mut().zip(b).for_each(|(a, b)| a.merge(b));
            Ok(a)
        });
    if let Some(found) = found.transpose()? {
        ends.iter_mut().zip(found).for_each(|(a, b)| a.merge(b));
    }
    match overflows.into_inner() {
        true => Err(ProjectionError::Overflow),
        false => Ok(()),
    }
}

/// `scores`: `[chunk, m]`, the m scores of a row side by side.
fn offer_chunk(scores: &[f32], chunk: Range<usize>, passing: Passing<'_>, ends: &mut [BothEnds]) {
    for (row, scores) in chunk.zip(scores.chunks_exact(ends.len())) {
        if passing.flags[row] {
            let id = passing.first_id + row as u32;
            ends.iter_mut()
                .zip(scores)
                .for_each(|(ends, &score)| ends.offer(id, score));
        }
    }
}

#[cfg(test)]
mod tests;
