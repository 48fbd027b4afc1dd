//! The numbers of a tensor as a slice.

use std::ops::{Deref, Range};

use candle_core::{CpuStorage, DType, Result, Storage, Tensor};

/// A tensor's numbers, row-major: its own memory where they lie so on the processor, else a copy.
pub(super) enum HostNumbers<'a> {
    Held(Box<dyn Deref<Target = Storage> + Sync + 'a>, Range<usize>),
    Copied(Vec<f32>),
}

impl<'a> HostNumbers<'a> {
    /// The numbers of a tensor.
    ///
    /// # Errors
    /// It is not of f32, or the device fails.
    pub(super) fn of(x: &'a Tensor) -> Result<Self> {
        if Self::are_in(&[x]) && x.is_contiguous() {
            let (storage, layout) = x.storage_and_layout();
            let start = layout.start_offset();
            return Ok(Self::Held(Box::new(storage), start..start + x.elem_count()));
        }
        Ok(Self::Copied(x.flatten_all()?.to_vec1()?))
    }

    /// The numbers of a matrix, and whether they are those of its transpose, whose rows lie as they are.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(super) fn of_matrix(x: &'a Tensor) -> Result<(Self, bool)> {
        let transposed = !x.is_contiguous() && x.layout().is_fortran_contiguous();
        if !transposed || !Self::are_in(&[x]) {
            return Ok((Self::of(x)?, false));
        }
        let (storage, layout) = x.storage_and_layout();
        let start = layout.start_offset();
        Ok((
            Self::Held(Box::new(storage), start..start + x.elem_count()),
            true,
        ))
    }

    /// Whether tensors are of f32 and lie on the processor.
    pub(super) fn are_in(tensors: &[&Tensor]) -> bool {
        let mut tensors = tensors.iter();
        tensors.all(|x| x.device().is_cpu() && x.dtype() == DType::F32)
    }
}

impl Deref for HostNumbers<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::Copied(numbers) => numbers,
            Self::Held(storage, range) => match &***storage {
                Storage::Cpu(CpuStorage::F32(numbers)) => &numbers[range.clone()],
                // Tensors of another kind are copied.
                _ => &[],
            },
        }
    }
}
