//! Products of all rows with a few columns, on the processor.

use faer::MatRef;
use rayon::prelude::*;

use super::CHUNK_ROWS;
use crate::checkpoint::{Matrix, StoredMatrix};
use crate::projection::kernel::multiply_in_parts;
use crate::task::{CancelToken, Cancelled};

/// Rows times thin weights, `[rows, h]`.
pub(super) fn times_on_host(
    rows: &StoredMatrix,
    w: &Matrix,
    cancel: CancelToken<'_>,
) -> Result<Matrix, Cancelled> {
    let (width, h) = (rows.cols(), w.cols());
    let mut out = Matrix::zeros(rows.rows(), h);
    out.data_mut()
        .par_chunks_mut((CHUNK_ROWS * h).max(1))
        .enumerate()
        .try_for_each_init(Vec::new, |buffer, (i, out)| {
            cancel.check()?;
            let (first, n) = (i * CHUNK_ROWS, out.len() / h);
            let some = rows.widened(first..first + n, buffer);
            multiply_in_parts(
                MatRef::from_row_major_slice(some, n, width),
                MatRef::from_row_major_slice(w.data(), width, h),
                out,
            );
            Ok(())
        })?;
    Ok(out)
}
