//! Where a matrix's numbers lie: small ones in a vector, large ones in pages of their own, which
//! the system may make large ones.

use std::fmt;
use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

/// From here on numbers get pages of their own: a processor's table of pages does not hold the
/// small pages of more, and looking one up takes a fifth of the time of a pass over them.
const LARGE_BYTES: usize = 8 << 20;

/// A row of f32.
pub(super) enum Numbers {
    Vector(Vec<f32>),
    /// Its length is a multiple of a number's, and it begins at a page.
    Pages(MmapMut),
}

impl Numbers {
    /// So many zeros.
    pub(super) fn zeros(len: usize) -> Self {
        let bytes = len.saturating_mul(size_of::<f32>());
        if bytes >= LARGE_BYTES
            && let Ok(map) = MmapMut::map_anon(bytes)
        {
            #[cfg(target_os = "linux")]
            if let Err(error) = map.advise(memmap2::Advice::HugePage) {
                tracing::debug!(%error, "no large pages");
            }
            return Self::Pages(map);
        }
        Self::Vector(vec![0.0; len])
    }

    pub(super) fn into_vec(self) -> Vec<f32> {
        match self {
            Self::Vector(numbers) => numbers,
            Self::Pages(_) => self.to_vec(),
        }
    }
}

impl Deref for Numbers {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::Vector(numbers) => numbers,
            Self::Pages(map) => bytemuck::cast_slice(map),
        }
    }
}

impl DerefMut for Numbers {
    fn deref_mut(&mut self) -> &mut [f32] {
        match self {
            Self::Vector(numbers) => numbers,
            Self::Pages(map) => bytemuck::cast_slice_mut(map),
        }
    }
}

impl Clone for Numbers {
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

impl PartialEq for Numbers {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl fmt::Debug for Numbers {
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
            let mut numbers = Numbers::zeros(len);
            assert!(numbers.len() == len && numbers.iter().all(|&x| x == 0.0));
            numbers[len - 1] = 7.0;
            let copy = numbers.clone();
            numbers[0] = 1.0;
            assert_eq!((copy[0], copy[len - 1]), (0.0, 7.0));
            assert_eq!(numbers.into_vec()[len - 1], 7.0);
        }
    }
}
