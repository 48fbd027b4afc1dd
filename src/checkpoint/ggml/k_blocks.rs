//! The K types: blocks of 256 numbers in parts of 16 or 32, whose own scales are small whole numbers
//! times the block's (ggml-quants.c).

use std::array;

use super::in_block::{eight, half, part};
use super::lanes::{Lanes, each, less};

/// Q2_K: sixteen scales and least numbers of four bits each, 256 codes of two bits, the block's
/// scale and its least number.
#[inline(always)]
pub(super) fn q2_k(lanes: impl Lanes, block: &[u8; 84], out: &mut [f32; 256]) {
    let (scale, least) = (half(block, 80), half(block, 82));
    for (at, out) in out.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        // Parts of 16: of each 32 bytes the lowest two bits of all, then the next two, and so on.
        let first = 16 + 32 * (at / 8) + 16 * (at % 2);
        let shift = 2 * (at % 8 / 2);
        let own_scale = scale * f32::from(block[at] & 15);
        let own_least = least * f32::from(block[at] >> 4);
        for (i, out) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let codes = eight(block, first + 8 * i) >> shift & each(3);
            lanes.scaled(codes, own_scale, own_least, out);
        }
    }
}

/// Q3_K: a third bit of each code, 256 codes of two bits, sixteen scales of six bits, and the
/// block's scale.
#[inline(always)]
pub(super) fn q3_k(lanes: impl Lanes, block: &[u8; 110], out: &mut [f32; 256]) {
    let scale = half(block, 108);
    let packed: [u8; 12] = part(block, 96);
    for (at, out) in out.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        // Four low bits of scales 0…7 and 8…15 in eight bytes, two high ones of four in each byte
        // behind them.
        let low = packed[at % 8] >> (4 * (at / 8)) & 15;
        let high = packed[8 + at % 4] >> (2 * (at / 4)) & 3;
        let own = scale * (f32::from(low | high << 4) - 32.0);
        let first = 16 * (at % 2);
        let (shift, bit) = (2 * (at % 8 / 2), at / 2);
        for (i, out) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            let codes = eight(block, 32 + 32 * (at / 8) + first + 8 * i) >> shift & each(3);
            let third = eight(block, first + 8 * i) >> bit & each(1);
            lanes.scaled(less(codes | third << 2, 4), own, 0.0, out);
        }
    }
}

/// The scale and the least number of a part of 32, six bits each, out of the twelve bytes of all
/// eight.
#[inline(always)]
fn six_bits(packed: [u8; 12], at: usize) -> [f32; 2] {
    let both = match at {
        0..4 => [packed[at] & 63, packed[at + 4] & 63],
        _ => [
            packed[at + 4] & 15 | packed[at - 4] >> 6 << 4,
            packed[at + 4] >> 4 | packed[at] >> 6 << 4,
        ],
    };
    both.map(f32::from)
}

/// The scales and the least numbers of the eight parts of Q4_K and Q5_K.
#[inline(always)]
fn of_parts<const N: usize>(block: &[u8; N]) -> [[f32; 2]; 8] {
    let (scale, least) = (half(block, 0), half(block, 2));
    let packed = part(block, 4);
    array::from_fn(|at| {
        let [own_scale, own_least] = six_bits(packed, at);
        [scale * own_scale, least * own_least]
    })
}

/// Q4_K: the block's scale and least number, those of the parts, 256 codes of four bits.
#[inline(always)]
pub(super) fn q4_k(lanes: impl Lanes, block: &[u8; 144], out: &mut [f32; 256]) {
    let parts = of_parts(block);
    let (out, _) = out.as_chunks_mut::<8>();
    for (at, pair) in parts.as_chunks::<2>().0.iter().enumerate() {
        for i in 0..4 {
            let both = eight(block, 16 + 32 * at + 8 * i);
            for (side, [scale, least]) in pair.iter().enumerate() {
                let codes = both >> (4 * side) & each(15);
                lanes.scaled(codes, *scale, *least, &mut out[8 * at + 4 * side + i]);
            }
        }
    }
}

/// Q5_K: as Q4_K, with a fifth bit of each code before the codes.
#[inline(always)]
pub(super) fn q5_k(lanes: impl Lanes, block: &[u8; 176], out: &mut [f32; 256]) {
    let parts = of_parts(block);
    let (out, _) = out.as_chunks_mut::<8>();
    for (at, pair) in parts.as_chunks::<2>().0.iter().enumerate() {
        for i in 0..4 {
            let both = eight(block, 48 + 32 * at + 8 * i);
            let fifth = eight(block, 16 + 8 * i) >> (2 * at);
            for (side, [scale, least]) in pair.iter().enumerate() {
                let codes = both >> (4 * side) & each(15) | (fifth >> side & each(1)) << 4;
                lanes.scaled(codes, *scale, *least, &mut out[8 * at + 4 * side + i]);
            }
        }
    }
}

/// Q6_K: four low bits of each code, two high ones, a scale of eight bits for each 16, and the
/// block's scale.
#[inline(always)]
pub(super) fn q6_k(lanes: impl Lanes, block: &[u8; 210], out: &mut [f32; 256]) {
    let scale = half(block, 208);
    let own = part::<210, 16>(block, 192).map(|own| scale * f32::from(i8::from_le_bytes([own])));
    let (out, _) = out.as_chunks_mut::<8>();
    for eighth in 0..8 {
        // Of each 64 bytes the low halves of all, then the high ones; of each 32 two bits at a time.
        let (group, i) = (eighth / 4, eighth % 4);
        let first = 64 * group + 8 * i;
        let low = [eight(block, first), eight(block, first + 32)];
        let high = eight(block, 128 + 32 * group + 8 * i);
        for quarter in 0..4 {
            let low = low[quarter % 2] >> (4 * (quarter / 2)) & each(15);
            let high = high >> (2 * quarter) & each(3);
            let own = own[8 * group + 2 * quarter + i / 2];
            let out = &mut out[16 * group + 4 * quarter + i];
            lanes.scaled(less(low | high << 4, 32), own, 0.0, out);
        }
    }
}
