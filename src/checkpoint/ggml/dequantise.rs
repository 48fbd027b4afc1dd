//! From blocks of stored numbers to f32: candle's block types, and those that candle lacks.

use std::borrow::Cow;

use candle_core::CpuStorage;
use candle_core::quantized::GgmlDType;
use half::f16;
use pulp::Arch;

use super::GgmlType;

/// The sixteen values of IQ4_NL and IQ4_XS (`kvalues_iq4nl` of ggml-common.h).
const IQ4: [i8; 16] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
];

/// Twice the values of a 4-bit float with two bits of exponent (E2M1).
const E2M1: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// Numbers that candle makes at once.
const NUMBERS: usize = 1 << 14;

/// How blocks of a type are read.
#[derive(Clone, Copy)]
enum Form {
    Candle(GgmlDType),
    Q8,
    Iq4Nl,
    Iq4Xs,
    Mxfp4,
}

fn form(kind: GgmlType) -> Option<Form> {
    use GgmlDType::{Q2K, Q3K, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K};
    Some(Form::Candle(match kind.id() {
        2 => Q4_0,
        3 => Q4_1,
        6 => Q5_0,
        7 => Q5_1,
        8 => return Some(Form::Q8),
        10 => Q2K,
        11 => Q3K,
        12 => Q4K,
        13 => Q5K,
        14 => Q6K,
        20 => return Some(Form::Iq4Nl),
        23 => return Some(Form::Iq4Xs),
        39 => return Some(Form::Mxfp4),
        _ => return None,
    }))
}

impl GgmlType {
    /// Whether its blocks can be read.
    pub(in super::super) fn is_readable(self) -> bool {
        form(self).is_some()
    }

    /// Whether reading its blocks costs no more than reading as many f32 from memory.
    pub(in super::super) fn is_quick(self) -> bool {
        match form(self) {
            Some(Form::Q8) => true,
            Some(Form::Candle(_) | Form::Iq4Nl | Form::Iq4Xs | Form::Mxfp4) | None => false,
        }
    }

    /// The numbers of whole blocks: `out` has as many as `bytes` hold. A type that cannot be read
    /// leaves `out` as it is.
    pub(in super::super) fn dequantise(self, bytes: &[u8], out: &mut [f32]) {
        match form(self) {
            Some(Form::Candle(dtype)) => by_candle(dtype, bytes, out),
            Some(Form::Q8) => Arch::new().dispatch(|| blocks(bytes, out, q8_0)),
            Some(Form::Iq4Nl) => blocks(bytes, out, iq4_nl),
            Some(Form::Iq4Xs) => blocks(bytes, out, iq4_xs),
            Some(Form::Mxfp4) => blocks(bytes, out, mxfp4),
            None => {}
        }
    }
}

/// Blocks in pieces whose numbers a core's own cache holds: candle copies them twice.
fn by_candle(dtype: GgmlDType, bytes: &[u8], out: &mut [f32]) {
    let blocks = (NUMBERS / dtype.block_size()).max(1);
    let bytes = bytes.chunks(blocks * dtype.type_size());
    let pieces = bytes.zip(out.chunks_mut(blocks * dtype.block_size()));
    pieces.for_each(|(bytes, out)| piece(dtype, bytes, out));
}

fn piece(dtype: GgmlDType, bytes: &[u8], out: &mut [f32]) {
    // Candle wants whole blocks that begin at an even address.
    let mut even: Vec<u16> = Vec::new();
    let bytes = match bytes.as_ptr().align_offset(align_of::<u16>()) {
        0 => bytes,
        _ => {
            even.resize(bytes.len().div_ceil(2), 0);
            let copy = &mut bytemuck::cast_slice_mut(&mut even)[..bytes.len()];
            copy.copy_from_slice(bytes);
            copy
        }
    };
    let blocks = dtype.from_data(Cow::Borrowed(bytes));
    match blocks.dequantize(out.len()) {
        Ok(CpuStorage::F32(numbers)) => out.copy_from_slice(&numbers),
        // Which is refused as damaged, and never shown.
        _ => out.fill(f32::NAN),
    }
}

/// `N` bytes a block, `M` numbers.
#[inline(always)]
fn blocks<const N: usize, const M: usize>(
    bytes: &[u8],
    out: &mut [f32],
    read: impl Fn(&[u8; N], &mut [f32; M]),
) {
    let (blocks, _) = bytes.as_chunks::<N>();
    let (out, _) = out.as_chunks_mut::<M>();
    blocks
        .iter()
        .zip(out)
        .for_each(|(block, out)| read(block, out));
}

/// Q8_0: a scale in f16, then 32 whole numbers.
#[inline(always)]
fn q8_0(block: &[u8; 34], out: &mut [f32; 32]) {
    let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
    for (out, code) in out.iter_mut().zip(&block[2..]) {
        *out = scale * f32::from(i8::from_le_bytes([*code]));
    }
}

/// Sixteen bytes, each with number i in its low four bits and number i + 16 in its high ones.
fn nibbles(codes: &[u8], values: &[i8; 16], scale: f32, out: &mut [f32]) {
    let (low, high) = out.split_at_mut(16);
    for ((code, low), high) in codes.iter().zip(low).zip(high) {
        *low = scale * f32::from(values[usize::from(code & 15)]);
        *high = scale * f32::from(values[usize::from(code >> 4)]);
    }
}

/// IQ4_NL: a scale in f16, then 32 codes of four bits.
fn iq4_nl(block: &[u8; 18], out: &mut [f32; 32]) {
    let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
    nibbles(&block[2..], &IQ4, scale, out);
}

/// IQ4_XS: a scale in f16, two high bits of each part's scale, four low ones, then eight parts of
/// 32 codes.
fn iq4_xs(block: &[u8; 136], out: &mut [f32; 256]) {
    let scale = f16::from_le_bytes([block[0], block[1]]).to_f32();
    let high = u16::from_le_bytes([block[2], block[3]]);
    let (low, codes) = (&block[4..8], &block[8..]);
    for (part, (codes, out)) in codes.chunks(16).zip(out.chunks_mut(32)).enumerate() {
        let low = low[part / 2] >> (4 * (part % 2)) & 15;
        let high = (high >> (2 * part) & 3) as u8;
        let own = f32::from(low | high << 4) - 32.0;
        nibbles(codes, &IQ4, scale * own, out);
    }
}

/// MXFP4 (OCP Microscaling Formats 1.0): an exponent of eight bits, then 32 floats of four.
fn mxfp4(block: &[u8; 17], out: &mut [f32; 32]) {
    // 2^(e − 128), since the values are doubled; below e = 2 it is a subnormal number.
    let scale = match block[0] {
        e @ 0..=1 => f32::from_bits(0x0020_0000 << e),
        e => f32::from_bits(u32::from(e - 1) << 23),
    };
    nibbles(&block[1..], &E2M1, scale, out);
}
