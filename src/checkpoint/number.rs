//! How numbers are stored, and their way to f32. Files are little-endian, whatever the machine.

use std::fmt;
use std::ops::Range;

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::ggml::GgmlType;
use super::merged_matrix::MergedMatrix;
use super::quantised_matrix::QuantisedMatrix;

/// How a tensor's numbers are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dtype {
    F32,
    F16,
    Bf16,
    F64,
    /// In blocks, each with a scale of its own. Some types cannot be read: they are refused where
    /// their numbers are looked at.
    Blocks(GgmlType),
    /// Codes that lie in other tensors, with their scales.
    Quantised(QuantisedMatrix),
    /// A base's matrix and an adapter's factors, which are tensors of their own.
    Merged(MergedMatrix),
    /// Anything else, by name: such a tensor is known, and refused when it is read.
    Other(String),
    /// Not a row of numbers at all, in words: sparse, quantised as a whole, without numbers.
    Made(&'static str),
}

impl Dtype {
    /// The plain type of ggml's, or its blocks.
    pub(super) fn of_ggml(kind: GgmlType) -> Self {
        match kind.to_string().as_str() {
            "F32" => Self::F32,
            "F16" => Self::F16,
            "BF16" => Self::Bf16,
            "F64" => Self::F64,
            _ => Self::Blocks(kind),
        }
    }

    /// Numbers that are stored together: 1, or those of a block.
    pub(super) fn block(&self) -> usize {
        match self {
            Self::Blocks(kind) => kind.numbers(),
            Self::F32
            | Self::F16
            | Self::Bf16
            | Self::F64
            | Self::Quantised(_)
            | Self::Merged(_)
            | Self::Other(_)
            | Self::Made(_) => 1,
        }
    }

    /// Bytes of a [block](Self::block); 0 where none will ever be read.
    pub(super) fn block_bytes(&self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
            Self::F64 => 8,
            Self::Blocks(kind) => kind.bytes(),
            Self::Quantised(_) | Self::Merged(_) | Self::Other(_) | Self::Made(_) => 0,
        }
    }

    /// Bytes of so many numbers, whole blocks of them.
    pub(super) fn span(&self, numbers: usize) -> u64 {
        (numbers / self.block() * self.block_bytes()) as u64
    }

    /// The whole blocks in which a range of numbers lies.
    pub(super) fn whole_blocks(&self, range: &Range<usize>) -> Range<usize> {
        let block = self.block();
        range.start / block * block..range.end.next_multiple_of(block)
    }

    /// Whether several numbers share a scale.
    pub(super) fn is_quantised(&self) -> bool {
        match self {
            Self::Blocks(_) | Self::Quantised(_) => true,
            Self::Merged(matrix) => matrix.is_quantised(),
            Self::F32 | Self::F16 | Self::Bf16 | Self::F64 | Self::Other(_) | Self::Made(_) => {
                false
            }
        }
    }

    /// Whether numbers of the kind can be read.
    pub(super) fn is_readable(&self) -> bool {
        match self {
            Self::F32
            | Self::F16
            | Self::Bf16
            | Self::F64
            | Self::Quantised(_)
            | Self::Merged(_) => true,
            Self::Blocks(kind) => kind.is_readable(),
            Self::Other(_) | Self::Made(_) => false,
        }
    }

    /// Whether numbers are held as they are stored: they take less room than f32.
    pub(super) fn is_narrow(&self) -> bool {
        match self {
            Self::F16 | Self::Bf16 => true,
            Self::Blocks(kind) => kind.is_readable(),
            Self::F32
            | Self::F64
            | Self::Quantised(_)
            | Self::Merged(_)
            | Self::Other(_)
            | Self::Made(_) => false,
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blocks(kind) => return kind.fmt(f),
            Self::Quantised(matrix) => return matrix.fmt(f),
            Self::Merged(matrix) => return matrix.fmt(f),
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::F64 => "F64",
            Self::Other(name) => name,
            Self::Made(what) => what,
        })
    }
}

/// Whether all numbers of a narrow type are finite: those of 16 bits by their exponents.
pub(super) fn are_finite(dtype: &Dtype, bytes: &[u8]) -> bool {
    let below = |exponent: u16| {
        let finite = |&b: &[u8; 2]| u16::from_le_bytes(b) & exponent != exponent;
        let (numbers, _) = bytes.as_chunks();
        // Without a branch a number, so that it runs at memory speed.
        numbers.iter().fold(true, |all, b| all & finite(b))
    };
    match dtype {
        Dtype::F16 => below(0x7C00),
        Dtype::Bf16 => below(0x7F80),
        Dtype::F32
        | Dtype::F64
        | Dtype::Blocks(_)
        | Dtype::Quantised(_)
        | Dtype::Merged(_)
        | Dtype::Other(_)
        | Dtype::Made(_) => {
            let mut some = [0.0; 1 << 10];
            let at_once = some.len() / dtype.block() * dtype.block_bytes();
            let mut pieces = bytes.chunks(at_once.max(1));
            pieces.all(|piece| {
                let some = &mut some[..piece.len() / dtype.block_bytes().max(1) * dtype.block()];
                convert(dtype, piece, 1, some);
                some.iter().fold(true, |finite, x| finite & x.is_finite())
            })
        }
    }
}

/// Fills `out` with every `step`-th number of `bytes`, the first one first. `bytes` must reach to
/// the last, and of blocks hold whole ones without a step; an unreadable dtype leaves `out` as it is.
pub(super) fn convert(dtype: &Dtype, bytes: &[u8], step: usize, out: &mut [f32]) {
    match dtype {
        Dtype::Blocks(kind) => kind.dequantise(bytes, out),
        Dtype::F32 => each(bytes, step, out, f32::from_le_bytes),
        Dtype::F64 => each(bytes, step, out, |b| f64::from_le_bytes(b) as f32),
        // The upper half of an f32. `half` looks for NaNs first, which takes twice the time.
        Dtype::Bf16 => each(bytes, step, out, |b| {
            f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)
        }),
        Dtype::F16 if step == 1 && out.len() >= 16 => halves(bytes, out),
        Dtype::F16 => each(bytes, step, out, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::Quantised(_) | Dtype::Merged(_) | Dtype::Other(_) | Dtype::Made(_) => {}
    }
}

fn each<const N: usize>(
    bytes: &[u8],
    step: usize,
    out: &mut [f32],
    number: impl Fn([u8; N]) -> f32,
) {
    let (numbers, _) = bytes.as_chunks::<N>();
    if step == 1 {
        for (x, &b) in out.iter_mut().zip(numbers) {
            *x = number(b);
        }
    } else if let Some(&first) = numbers.first().filter(|_| step == 0) {
        out.fill(number(first));
    } else {
        for (x, &b) in out.iter_mut().zip(numbers.iter().step_by(step.max(1))) {
            *x = number(b);
        }
    }
}

/// By slices, which use the processor's own conversion where it has one.
fn halves(bytes: &[u8], out: &mut [f32]) {
    let mut piece = [f16::ZERO; 512];
    for (bytes, out) in bytes
        .chunks(2 * piece.len())
        .zip(out.chunks_mut(piece.len()))
    {
        let piece = &mut piece[..out.len()];
        for (h, &b) in piece.iter_mut().zip(bytes.as_chunks().0) {
            *h = f16::from_le_bytes(b);
        }
        piece.convert_to_f32_slice(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_each_dtype_to_the_same_numbers() {
        // 1.5, −2, 0.25: exact in all four.
        let bits: [(Dtype, Vec<u8>); 4] = [
            (
                Dtype::F32,
                [0x3fc0_0000u32, 0xc000_0000, 0x3e80_0000]
                    .map(u32::to_le_bytes)
                    .concat(),
            ),
            (
                Dtype::F16,
                [0x3e00u16, 0xc000, 0x3400].map(u16::to_le_bytes).concat(),
            ),
            (
                Dtype::Bf16,
                [0x3fc0u16, 0xc000, 0x3e80].map(u16::to_le_bytes).concat(),
            ),
            (
                Dtype::F64,
                [1.5f64, -2.0, 0.25].map(f64::to_le_bytes).concat(),
            ),
        ];
        for (dtype, bytes) in bits {
            let mut three = [0.0; 3];
            convert(&dtype, &bytes, 1, &mut three);
            assert_eq!(three, [1.5, -2.0, 0.25], "{dtype}");
            let mut two = [0.0; 2];
            convert(&dtype, &bytes, 2, &mut two);
            assert_eq!(two, [1.5, 0.25], "{dtype} every second");
            let mut many = vec![0.0; 3_000];
            convert(&dtype, &bytes.repeat(1_000), 1, &mut many);
            assert_eq!(many, [1.5, -2.0, 0.25].repeat(1_000), "{dtype} in pieces");
        }
    }
}
