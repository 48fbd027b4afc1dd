//! A matrix of a base model with an adapter's product of two thin factors merged into it, window by
//! window: `W + scale·L·R` (LoRA, Hu et al. 2021, arXiv 2106.09685), and with a magnitude
//! `m ⊙ (W + scale·L·R)/‖W + scale·L·R‖` (DoRA, Liu et al. 2024, arXiv 2402.09353). In f32, as PEFT's
//! `merge_and_unload` computes it.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::quantised_matrix::Parts;
use super::{CheckpointError, Matrix};

/// Numbers of a window that is one thread's work.
const WINDOW: usize = 1 << 16;

/// What is merged: the names of the parts among a checkpoint's tensors.
#[derive(Debug)]
pub(super) struct Merge {
    /// What stands beside the numbers, such as `BF16 + LoRA rank 8`.
    pub(super) title: String,
    /// Whether several numbers of the base share a scale.
    pub(super) quantised: bool,
    /// The base's matrix.
    pub(super) base: String,
    /// Its shape, as it is stored.
    pub(super) shape: [usize; 2],
    /// `[rows, rank]`.
    pub(super) left: String,
    /// `[rank, cols]`.
    pub(super) right: String,
    pub(super) rank: usize,
    pub(super) scale: f32,
    pub(super) magnitude: Option<Magnitude>,
}

/// DoRA's lengths.
#[derive(Debug)]
pub(super) struct Magnitude {
    /// A tensor of one dimension.
    name: String,
    of: MagnitudeOf,
    /// By what each row or column is multiplied, once it is known.
    factors: OnceLock<Vec<f32>>,
}

/// What a magnitude is the length of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MagnitudeOf {
    Rows,
    Columns,
}

impl Magnitude {
    pub(super) fn new(name: String, of: MagnitudeOf) -> Self {
        Self {
            name,
            of,
            factors: OnceLock::new(),
        }
    }
}

/// A matrix with an adapter merged into it.
#[derive(Clone, Debug)]
pub(super) struct MergedMatrix(Arc<Merge>);

/// The same matrix.
impl PartialEq for MergedMatrix {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for MergedMatrix {}

impl fmt::Display for MergedMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.title)
    }
}

impl MergedMatrix {
    pub(super) fn new(merge: Merge) -> Self {
        Self(Arc::new(merge))
    }

    /// Whether several numbers of the base share a scale.
    pub(super) fn is_quantised(&self) -> bool {
        self.0.quantised
    }

    /// The base's matrix, by name.
    pub(super) fn base(&self) -> &str {
        &self.0.base
    }

    /// Whether every window needs the whole of the base's matrix: a magnitude divides by lengths.
    pub(super) fn needs_whole_base(&self) -> bool {
        self.0.magnitude.is_some()
    }

    /// The factors of what is added, `[rows, rank]` with the scale in it and `[rank, cols]`; `None` of
    /// DoRA, which adds no such product.
    ///
    /// # Errors
    /// A part that cannot be read.
    pub(super) fn factors(
        &self,
        parts: &dyn Parts,
    ) -> Result<Option<(Matrix, Matrix)>, CheckpointError> {
        let merge = &*self.0;
        if merge.magnitude.is_some() {
            return Ok(None);
        }
        let mut left = parts.block(&merge.left, 0..merge.shape[0], 0..merge.rank)?;
        left.data_mut().iter_mut().for_each(|x| *x *= merge.scale);
        let right = parts.block(&merge.right, 0..merge.rank, 0..merge.shape[1])?;
        Ok(Some((left, right)))
    }

    /// The block `rows × cols`, which lies inside the matrix.
    ///
    /// # Errors
    /// A part that cannot be read, or a number that is not finite.
    pub(super) fn block(
        &self,
        parts: &dyn Parts,
        rows: &Range<usize>,
        cols: &Range<usize>,
    ) -> Result<Matrix, CheckpointError> {
        let merge = &*self.0;
        let mut block = merge.sum(parts, rows, cols)?;
        if let Some(magnitude) = &merge.magnitude {
            let factors = merge.magnitude_factors(parts, magnitude)?;
            let lines = block.data_mut().chunks_exact_mut(cols.len().max(1));
            for (row, line) in rows.clone().zip(lines) {
                match magnitude.of {
                    MagnitudeOf::Rows => line.iter_mut().for_each(|x| *x *= factors[row]),
                    MagnitudeOf::Columns => {
                        let of_cols = &factors[cols.clone()];
                        line.iter_mut().zip(of_cols).for_each(|(x, f)| *x *= f);
                    }
                }
            }
        }
        match block.data().iter().position(|x| !x.is_finite()) {
            None => Ok(block),
            Some(at) => Err(CheckpointError::NotFinite {
                file: parts.file(&merge.left).to_owned(),
                tensor: merge.left.clone(),
                row: rows.start + at / block.cols(),
                col: cols.start + at % block.cols(),
                value: block.data()[at],
            }),
        }
    }
}

impl Merge {
    /// A block of `W + scale·L·R`.
    fn sum(
        &self,
        parts: &dyn Parts,
        rows: &Range<usize>,
        cols: &Range<usize>,
    ) -> Result<Matrix, CheckpointError> {
        let mut block = parts.block(&self.base, rows.clone(), cols.clone())?;
        if block.data().is_empty() {
            return Ok(block);
        }
        let left = parts.block(&self.left, rows.clone(), 0..self.rank)?;
        let right = parts.block(&self.right, 0..self.rank, cols.clone())?;
        let width = cols.len();
        let lines = (WINDOW / width).max(1);
        let windows = block.data_mut().par_chunks_mut(lines * width).enumerate();
        windows.for_each(|(at, window)| {
            let mut product = vec![0.0f32; width];
            for (i, line) in window.chunks_exact_mut(width).enumerate() {
                product.fill(0.0);
                for (k, &share) in left.row(at * lines + i).iter().enumerate() {
                    let terms = product.iter_mut().zip(right.row(k));
                    terms.for_each(|(sum, x)| *sum += share * x);
                }
                let terms = line.iter_mut().zip(&product);
                terms.for_each(|(x, change)| *x += self.scale * change);
            }
        });
        Ok(block)
    }

    /// Magnitudes over the lengths of the rows, or columns, of the sum.
    fn magnitude_factors<'m>(
        &self,
        parts: &dyn Parts,
        magnitude: &'m Magnitude,
    ) -> Result<&'m [f32], CheckpointError> {
        if let Some(factors) = magnitude.factors.get() {
            return Ok(factors);
        }
        let [height, width] = self.shape;
        let mut squares = match magnitude.of {
            MagnitudeOf::Rows => vec![0.0f64; height],
            MagnitudeOf::Columns => vec![0.0f64; width],
        };
        let step = (64 * WINDOW / width.max(1)).max(1);
        for first in (0..height).step_by(step) {
            let rows = first..height.min(first + step);
            let sum = self.sum(parts, &rows, &(0..width))?;
            for (i, row) in rows.enumerate() {
                let line = sum.row(i).iter().map(|&x| f64::from(x).powi(2));
                match magnitude.of {
                    MagnitudeOf::Rows => squares[row] = line.sum(),
                    MagnitudeOf::Columns => {
                        squares.iter_mut().zip(line).for_each(|(sum, x)| *sum += x);
                    }
                }
            }
        }
        let lengths = parts.vector(&magnitude.name)?;
        let over = |(length, square): (&f32, &f64)| (f64::from(*length) / square.sqrt()) as f32;
        let factors: Vec<f32> = lengths.iter().zip(&squares).map(over).collect();
        Ok(magnitude.factors.get_or_init(|| factors))
    }
}
