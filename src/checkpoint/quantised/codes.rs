//! Codes of a few bits each, packed into words of 32 bits, the low bits first.

use std::ops::Range;

use super::super::CheckpointError;
use super::Parts;

/// How many codes a word holds; `None` where they would not fill it.
pub(super) fn per_word(bits: usize) -> Option<usize> {
    matches!(bits, 2 | 4 | 8).then(|| 32 / bits)
}

/// A window of a matrix of words.
pub(super) struct Words {
    words: Vec<u32>,
    cols: usize,
    first_row: usize,
    first_col: usize,
    bits: usize,
}

impl Words {
    /// Reads the words `rows × cols` of a tensor, which hold codes of so many bits.
    pub(super) fn read(
        parts: &dyn Parts,
        name: &str,
        rows: Range<usize>,
        cols: Range<usize>,
        bits: usize,
    ) -> Result<Self, CheckpointError> {
        let bytes = parts.raw(name, rows.clone(), cols.clone())?;
        let (words, _) = bytes.as_chunks();
        Ok(Self {
            words: words.iter().map(|&word| u32::from_le_bytes(word)).collect(),
            cols: cols.len(),
            first_row: rows.start,
            first_col: cols.start,
            bits,
        })
    }

    /// The code at a place of the word at (row, col).
    pub(super) fn code(&self, row: usize, col: usize, place: usize) -> u32 {
        let word = (row - self.first_row) * self.cols + col - self.first_col;
        (self.words[word] >> (place * self.bits)) & ((1 << self.bits) - 1)
    }
}

/// The words that hold a range of codes.
pub(super) fn words_of(codes: &Range<usize>, per_word: usize) -> Range<usize> {
    codes.start / per_word..codes.end.div_ceil(per_word)
}
