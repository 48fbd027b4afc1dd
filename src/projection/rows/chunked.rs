//! All rows once, some at a time, wherever they are.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::narrow::mapped;
use super::{CHUNK_ROWS, DEVICE_ROWS, Rows, Store, chunks};
use crate::checkpoint::{StoredMatrix, StoredRows};
use crate::projection::ProjectionError;
use crate::task::CancelToken;

impl Rows {
    /// Numbers in a row.
    pub fn width(&self) -> usize {
        match &self.map {
            Some(map) => map.cols(),
            None => self.stored_width(),
        }
    }

    /// Numbers in a row as it is stored.
    pub(super) fn stored_width(&self) -> usize {
        match &*self.store {
            Store::Host(rows) => rows.cols(),
            Store::Device(rows) => rows.dims().last().copied().unwrap_or_default(),
        }
    }

    /// Whether they lie in memory as they count.
    pub(in crate::projection) fn count_as_stored(&self) -> bool {
        self.in_memory().is_some()
    }

    /// The rows as a file has them, if that is how they count and if they lie in memory.
    pub(in crate::projection) fn in_memory(&self) -> Option<&StoredMatrix> {
        match &*self.store {
            Store::Host(rows) => {
                Some(rows).filter(|_| self.map.is_none() && self.transform.is_none())
            }
            Store::Device(_) => None,
        }
    }

    /// Some of the rows as they are stored, `[some, stored width]`.
    ///
    /// # Errors
    /// The device fails.
    fn chunk(&self, range: Range<usize>) -> Result<Cow<'_, [f32]>, ProjectionError> {
        Ok(match &*self.store {
            Store::Host(rows) => match rows.stored(range.clone()) {
                Some(StoredRows::F32(some)) => Cow::Borrowed(some),
                Some(StoredRows::F16(_) | StoredRows::Bf16(_)) | None => {
                    let mut some = Vec::new();
                    rows.widened(range, &mut some);
                    Cow::Owned(some)
                }
            },
            Store::Device(rows) => {
                let some = rows.narrow(0, range.start, range.len())?;
                Cow::Owned(some.flatten_all()?.to_vec1()?)
            }
        })
    }

    /// SHA-256 over the rows as they lie, and over their map.
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    pub fn digest(&self, cancel: CancelToken<'_>) -> Result<[u8; 32], ProjectionError> {
        let of_chunk = |_, some: &[f32]| Sha256::digest(bytemuck::cast_slice::<f32, u8>(some));
        let parts = self.chunked_stored(cancel, of_chunk)?;
        let mut all = Sha256::new();
        parts.iter().for_each(|part| all.update(part));
        if let Some(map) = &self.map {
            all.update(bytemuck::cast_slice::<f32, u8>(map.data()));
        }
        Ok(all.finalize().into())
    }

    /// Some of the rows as they count, `[some, width]`.
    ///
    /// # Errors
    /// The device fails.
    pub(in crate::projection) fn counted_chunk(
        &self,
        range: Range<usize>,
    ) -> Result<Cow<'_, [f32]>, ProjectionError> {
        let mut some = self.chunk(range.clone())?;
        if !self.transform.is_none() {
            let rows = range.zip(some.chunks_exact(self.stored_width().max(1)));
            let counted = rows.flat_map(|(at, row)| self.transform.row(at, row));
            some = Cow::Owned(counted.collect());
        }
        Ok(match &self.map {
            Some(map) => Cow::Owned(mapped(&some, map)),
            None => some,
        })
    }

    /// What `f` makes of the rows as they lie, some at a time (`[some, width]`), in their order.
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    pub(in crate::projection) fn chunked<T: Send>(
        &self,
        cancel: CancelToken<'_>,
        f: impl Fn(Range<usize>, &[f32]) -> T + Sync,
    ) -> Result<Vec<T>, ProjectionError> {
        match &self.map {
            None => self.chunked_stored(cancel, f),
            Some(map) => self.chunked_stored(cancel, |range, some| f(range, &mapped(some, map))),
        }
    }

    /// The same of rows as they are stored, `[some, stored width]`.
    pub(super) fn chunked_stored<T: Send>(
        &self,
        cancel: CancelToken<'_>,
        f: impl Fn(Range<usize>, &[f32]) -> T + Sync,
    ) -> Result<Vec<T>, ProjectionError> {
        match &*self.store {
            Store::Host(rows) => {
                let all: Vec<Range<usize>> = chunks(self.len, CHUNK_ROWS).collect();
                let of = |buffer: &mut Vec<f32>, chunk: Range<usize>| {
                    cancel.check()?;
                    Ok(f(chunk.clone(), rows.widened(chunk, buffer)))
                };
                all.into_par_iter().map_init(Vec::new, of).collect()
            }
            Store::Device(rows) => {
                let mut out = Vec::new();
                for chunk in chunks(self.len, DEVICE_ROWS) {
                    cancel.check()?;
                    let some = rows.narrow(0, chunk.start, chunk.len())?.flatten_all()?;
                    out.push(f(chunk, &some.to_vec1::<f32>()?));
                }
                Ok(out)
            }
        }
    }
}
