//! Products of all rows with a few columns, on the processor.

use faer::MatRef;
use rayon::prelude::*;

use super::CHUNK_ROWS;
use crate::checkpoint::Matrix;
use crate::projection::kernel::multiply;
use crate::task::{CancelToken, Cancelled};

/// Rows times thin weights, `[rows, h]`.
pub(super) fn times_on_host(
    rows: &Matrix,
    w: &Matrix,
    cancel: CancelToken<'_>,
) -> Result<Matrix, Cancelled> {
    let (width, h) = (rows.cols(), w.cols());
    let mut out = Matrix::zeros(rows.rows(), h);
    out.data_mut()
        .par_chunks_mut((CHUNK_ROWS * h).max(1))
        .enumerate()
        .try_for_each(|(i, out)| {
            cancel.check()?;
            let n = out.len() / h;
            let some = &rows.data()[i * CHUNK_ROWS * width..][..n * width];
            multiply(
                MatRef::from_row_major_slice(some, n, width),
                MatRef::from_row_major_slice(w.data(), width, h),
                out,
            );
            Ok(())
        })?;
    Ok(out)
}
