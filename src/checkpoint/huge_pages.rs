//! The memory of a matrix: a vector if it is small, else anonymous pages that the system is asked to
//! make huge ones.

use std::fmt;
use std::ops::{Deref, DerefMut};

use bytemuck::Pod;
use memmap2::MmapMut;

/// Buffers of at least this size use huge pages: past it, 4 KiB pages overflow the TLB, and misses
/// cost about 20 % of a pass over the numbers.
const LARGE_BYTES: usize = 8 << 20;

/// Numbers in a vector, or in pages of their own.
pub(super) enum HugePageBuffer<T> {
    Vector(Vec<T>),
    /// Its length is a multiple of a number's, and it begins at a page.
    Pages(MmapMut),
}

impl<T: Pod> HugePageBuffer<T> {
    /// `len` zeros.
    pub(super) fn zeros(len: usize) -> Self {
        let bytes = len.saturating_mul(size_of::<T>());
        if bytes >= LARGE_BYTES
            && let Ok(map) = MmapMut::map_anon(bytes)
        {
            #[cfg(target_os = "linux")]
            if let Err(error) = map.advise(memmap2::Advice::HugePage) {
                tracing::debug!(%error, "no large pages");
            }
            return Self::Pages(map);
        }
        Self::Vector(vec![T::zeroed(); len])
    }

    pub(super) fn into_vec(self) -> Vec<T> {
        match self {
            Self::Vector(numbers) => numbers,
            Self::Pages(_) => self.to_vec(),
        }
    }
}

impl<T: Pod> Deref for HugePageBuffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Vector(numbers) => numbers,
            Self::Pages(map) => bytemuck::cast_slice(map),
        }
    }
}

impl<T: Pod> DerefMut for HugePageBuffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::Vector(numbers) => numbers,
            Self::Pages(map) => bytemuck::cast_slice_mut(map),
        }
    }
}

impl<T: Pod> Clone for HugePageBuffer<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Vector(numbers) => Self::Vector(numbers.clone()),
            Self::Pages(_) => {
                let mut copy = Self::zeros(self.len());
                copy.copy_from_slice(self);
                copy
            }
        }
    }
}

impl<T: Pod + PartialEq> PartialEq for HugePageBuffer<T> {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl<T: Pod + fmt::Debug> fmt::Debug for HugePageBuffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self[..], f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_ones_read_and_write_as_small_ones_do() {
        for len in [3, LARGE_BYTES / 4 + 5] {
            let mut numbers: HugePageBuffer<f32> = HugePageBuffer::zeros(len);
            assert!(numbers.len() == len && numbers.iter().all(|&x| x == 0.0));
            numbers[len - 1] = 7.0;
            let copy = numbers.clone();
            numbers[0] = 1.0;
            assert_eq!((copy[0], copy[len - 1]), (0.0, 7.0));
            assert_eq!(numbers.into_vec()[len - 1], 7.0);
        }
    }
}
