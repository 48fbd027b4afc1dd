//! Numbers and codes as they lie in a block.

use std::array;

/// The number in half precision at a byte of a block, exactly; infinite or no number where it is.
#[inline(always)]
pub(super) fn half<const N: usize>(block: &[u8; N], at: usize) -> f32 {
    /// An f32's exponent counts from 127, that of half precision from 15.
    const BIAS: f32 = (1u128 << 112) as f32;
    // Sign, exponent and fraction in an f32's places; what the sign fills besides is cleared.
    let bits = i32::from(i16::from_le_bytes([block[at], block[at + 1]])) << 13;
    let bits = bits as u32 & 0x8FFF_E000;
    match bits & 0x0F80_0000 {
        0x0F80_0000 => f32::from_bits(bits | 0x7F80_0000),
        _ => f32::from_bits(bits) * BIAS,
    }
}

/// Eight bytes of a block.
#[inline(always)]
pub(super) fn eight<const N: usize>(block: &[u8; N], at: usize) -> u64 {
    u64::from_le_bytes(part(block, at))
}

/// Some bytes of a block.
#[inline(always)]
pub(super) fn part<const N: usize, const M: usize>(block: &[u8; N], at: usize) -> [u8; M] {
    array::from_fn(|i| block[at + i])
}
