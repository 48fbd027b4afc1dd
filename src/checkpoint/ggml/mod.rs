//! ggml's types: how numbers are stored in blocks, each with a scale of its own.

mod dequantise;
mod in_block;
mod k_blocks;
mod lanes;
mod small_blocks;

use std::fmt;

/// One of ggml's types (ggml.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GgmlType(u32);

/// Number, name, numbers of a block and its bytes.
struct Known {
    id: u32,
    name: &'static str,
    numbers: usize,
    bytes: usize,
}

const fn known(id: u32, name: &'static str, numbers: usize, bytes: usize) -> Known {
    Known {
        id,
        name,
        numbers,
        bytes,
    }
}

const KNOWN: [Known; 35] = [
    known(0, "F32", 1, 4),
    known(1, "F16", 1, 2),
    known(2, "Q4_0", 32, 18),
    known(3, "Q4_1", 32, 20),
    known(6, "Q5_0", 32, 22),
    known(7, "Q5_1", 32, 24),
    known(8, "Q8_0", 32, 34),
    known(9, "Q8_1", 32, 36),
    known(10, "Q2_K", 256, 84),
    known(11, "Q3_K", 256, 110),
    known(12, "Q4_K", 256, 144),
    known(13, "Q5_K", 256, 176),
    known(14, "Q6_K", 256, 210),
    known(15, "Q8_K", 256, 292),
    known(16, "IQ2_XXS", 256, 66),
    known(17, "IQ2_XS", 256, 74),
    known(18, "IQ3_XXS", 256, 98),
    known(19, "IQ1_S", 256, 50),
    known(20, "IQ4_NL", 32, 18),
    known(21, "IQ3_S", 256, 110),
    known(22, "IQ2_S", 256, 82),
    known(23, "IQ4_XS", 256, 136),
    known(24, "I8", 1, 1),
    known(25, "I16", 1, 2),
    known(26, "I32", 1, 4),
    known(27, "I64", 1, 8),
    known(28, "F64", 1, 8),
    known(29, "IQ1_M", 256, 56),
    known(30, "BF16", 1, 2),
    known(34, "TQ1_0", 256, 54),
    known(35, "TQ2_0", 256, 66),
    known(39, "MXFP4", 32, 17),
    known(40, "NVFP4", 64, 36),
    known(41, "Q1_0", 128, 18),
    known(42, "Q2_0", 64, 18),
];

impl GgmlType {
    /// The type that files call by this number.
    pub(super) fn of(id: u32) -> Self {
        Self(id)
    }

    fn id(self) -> u32 {
        self.0
    }

    fn known(self) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.id == self.0)
    }

    /// Numbers of a block.
    pub(super) fn numbers(self) -> usize {
        self.known().map_or(1, |known| known.numbers)
    }

    /// Bytes of a block; 0 for a type that is not known.
    pub(super) fn bytes(self) -> usize {
        self.known().map_or(0, |known| known.bytes)
    }
}

impl fmt::Display for GgmlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some(known) => f.write_str(known.name),
            None => write!(f, "type {}", self.0),
        }
    }
}
