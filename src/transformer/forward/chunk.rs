//! Texts that go through the layers together.

use std::ops::Range;

/// Tokens that go through the layers together, if no text alone has more: enough that reading a
/// layer costs little beside running it.
const CHUNK_TOKENS: usize = 4096;

/// Texts that go through the layers together.
pub(super) struct Chunk {
    pub texts: Range<usize>,
    /// The rows of each.
    pub rows: Vec<Range<usize>>,
    /// Positions of the one text before these rows, whose keys and values are kept.
    pub past: usize,
}

/// Consecutive texts of [`CHUNK_TOKENS`] at most together, or one text.
pub(super) fn chunks(texts: &[&[u32]]) -> Vec<Range<usize>> {
    let mut chunks: Vec<Range<usize>> = Vec::new();
    let mut tokens = 0;
    for (at, text) in texts.iter().enumerate() {
        tokens += text.len();
        match chunks.last_mut() {
            Some(last) if tokens <= CHUNK_TOKENS => last.end = at + 1,
            _ => {
                tokens = text.len();
                chunks.push(at..at + 1);
            }
        }
    }
    chunks
}

/// The rows of texts that lie one after another.
pub(super) fn rows_of(texts: &[&[u32]]) -> Vec<Range<usize>> {
    let mut end = 0;
    let row = |text: &&[u32]| {
        let start = end;
        end += text.len();
        start..end
    };
    texts.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_hold_whole_texts_in_order() {
        let text = vec![0u32; CHUNK_TOKENS / 3];
        let long = vec![0u32; CHUNK_TOKENS + 1];
        let (text, long) = (text.as_slice(), long.as_slice());
        let found = chunks(&[text, text, text, text, long, text]);
        assert_eq!(found, [0..3, 3..4, 4..5, 5..6]);
        assert!(chunks(&[]).is_empty());
    }
}
