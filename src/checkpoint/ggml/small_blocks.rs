//! Blocks of 32 numbers, and IQ4_XS, whose codes are those of IQ4_NL (ggml-common.h, ggml-quants.c).

use super::in_block::{eight, half, part};
use super::lanes::{Lanes, each, less, spread};

/// The sixteen values of IQ4_NL and IQ4_XS (`kvalues_iq4nl` of ggml-common.h).
const IQ4: [i8; 16] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
];

/// Twice the values of a 4-bit float with two bits of exponent (E2M1).
const E2M1: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// Fills 32 numbers from the sixteen bytes at `at`, each with code i in its low four bits and code
/// i + 16 in its high ones; `fill` is told which eight they are.
#[inline(always)]
fn nibbles<const N: usize>(
    block: &[u8; N],
    at: usize,
    out: &mut [f32; 32],
    fill: impl Fn(usize, u64, &mut [f32; 8]),
) {
    let (out, _) = out.as_chunks_mut::<8>();
    for half in 0..2 {
        let both = eight(block, at + 8 * half);
        fill(half, both & each(15), &mut out[half]);
        fill(half + 2, both >> 4 & each(15), &mut out[half + 2]);
    }
}

/// Q4_0: a scale, then 32 codes of four bits, counted from −8.
#[inline(always)]
pub(super) fn q4_0(lanes: impl Lanes, block: &[u8; 18], out: &mut [f32; 32]) {
    let scale = half(block, 0);
    nibbles(block, 2, out, |_, codes, out| {
        lanes.scaled(less(codes, 8), scale, 0.0, out);
    });
}

/// Q4_1: a scale and a least number, then 32 codes of four bits.
#[inline(always)]
pub(super) fn q4_1(lanes: impl Lanes, block: &[u8; 20], out: &mut [f32; 32]) {
    let (scale, least) = (half(block, 0), half(block, 2));
    nibbles(block, 4, out, |_, codes, out| {
        lanes.scaled(codes, scale, -least, out);
    });
}

/// Q5_0: a scale, the fifth bits, then 32 codes, counted from −16.
#[inline(always)]
pub(super) fn q5_0(lanes: impl Lanes, block: &[u8; 22], out: &mut [f32; 32]) {
    let (scale, fifth) = (half(block, 0), part::<22, 4>(block, 2));
    nibbles(block, 6, out, |which, codes, out| {
        let codes = codes | spread(fifth[which]) << 4;
        lanes.scaled(less(codes, 16), scale, 0.0, out);
    });
}

/// Q5_1: a scale and a least number, the fifth bits, then 32 codes.
#[inline(always)]
pub(super) fn q5_1(lanes: impl Lanes, block: &[u8; 24], out: &mut [f32; 32]) {
    let (scale, least) = (half(block, 0), half(block, 2));
    let fifth = part::<24, 4>(block, 4);
    nibbles(block, 8, out, |which, codes, out| {
        let codes = codes | spread(fifth[which]) << 4;
        lanes.scaled(codes, scale, -least, out);
    });
}

/// Q8_0: a scale, then 32 whole numbers.
#[inline(always)]
pub(super) fn q8_0(lanes: impl Lanes, block: &[u8; 34], out: &mut [f32; 32]) {
    let scale = half(block, 0);
    for (at, out) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        lanes.scaled(eight(block, 2 + 8 * at), scale, 0.0, out);
    }
}

/// IQ4_NL: a scale, then 32 codes of four bits.
#[inline(always)]
pub(super) fn iq4_nl(lanes: impl Lanes, block: &[u8; 18], out: &mut [f32; 32]) {
    let scale = half(block, 0);
    nibbles(block, 2, out, |_, codes, out| {
        lanes.scaled(lanes.looked_up(codes, &IQ4), scale, 0.0, out);
    });
}

/// IQ4_XS: a scale, two high bits of each part's scale, four low ones, then eight parts of 32 codes.
#[inline(always)]
pub(super) fn iq4_xs(lanes: impl Lanes, block: &[u8; 136], out: &mut [f32; 256]) {
    let scale = half(block, 0);
    let high = u16::from_le_bytes(part(block, 2));
    let low = part::<136, 4>(block, 4);
    for (at, out) in out.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let low = low[at / 2] >> (4 * (at % 2)) & 15;
        let high = (high >> (2 * at) & 3) as u8;
        let own = scale * (f32::from(low | high << 4) - 32.0);
        nibbles(block, 8 + 16 * at, out, |_, codes, out| {
            lanes.scaled(lanes.looked_up(codes, &IQ4), own, 0.0, out);
        });
    }
}

/// MXFP4 (OCP Microscaling Formats 1.0): an exponent of eight bits, then 32 floats of four.
#[inline(always)]
pub(super) fn mxfp4(lanes: impl Lanes, block: &[u8; 17], out: &mut [f32; 32]) {
    // 2^(e − 128), since the values are doubled; below e = 2 it is a subnormal number.
    let scale = match block[0] {
        e @ 0..=1 => f32::from_bits(0x0020_0000 << e),
        e => f32::from_bits(u32::from(e - 1) << 23),
    };
    nibbles(block, 1, out, |_, codes, out| {
        lanes.scaled(lanes.looked_up(codes, &E2M1), scale, 0.0, out);
    });
}
