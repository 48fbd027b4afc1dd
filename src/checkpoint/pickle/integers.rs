//! Integers as a pickle writes them.

/// At most eight bytes, least first.
pub(super) fn unsigned(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b))
}

/// At most sixteen bytes, least first, in two's complement.
pub(super) fn little_endian(bytes: &[u8]) -> i128 {
    let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
    let start = if negative { -1 } else { 0 };
    bytes
        .iter()
        .rev()
        .fold(start, |n: i128, &b| n << 8 | i128::from(b))
}
