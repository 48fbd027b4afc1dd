//! The texts that are run: their ids, the positions that count, and where the numbers of each lie
//! among those of all.

use std::ops::Range;

use super::ContextTexts;
use crate::query::geometry::ReadText;
use crate::query::model::Model;
use crate::query::{Callbacks, QueryError};

/// Texts with a token in them, as the model reads them.
pub(in crate::query) struct CountedTexts {
    pub texts: Vec<ReadText>,
    /// Which of the query's texts each is.
    pub numbers: Vec<usize>,
    /// For each the number of positions that count before it; at the end, of all.
    counted: Vec<usize>,
    /// For each the number of pairs of positions, counted or not, before it; at the end, of all.
    pairs: Vec<usize>,
    pub notices: Vec<String>,
}

impl CountedTexts {
    /// Reads texts.
    ///
    /// # Errors
    /// A tokenizer that cannot read them, texts without a position that counts, or a cancelled
    /// token.
    pub(in crate::query) fn read(
        model: Model<'_>,
        texts: &ContextTexts,
        callbacks: Callbacks<'_>,
    ) -> Result<Self, QueryError> {
        let read = model.read(&texts.reading(), callbacks)?;
        let all = read.texts.into_iter().enumerate();
        let (numbers, texts): (Vec<usize>, Vec<ReadText>) =
            all.filter(|(_, text)| !text.ids.is_empty()).unzip();
        let before = |size: fn(&ReadText) -> usize| {
            let mut sum = 0;
            let ends = texts.iter().map(|text| {
                sum += size(text);
                sum
            });
            std::iter::once(0).chain(ends).collect::<Vec<usize>>()
        };
        let counted = before(|text| text.counted.len());
        if counted.last() == Some(&0) {
            let what = "no position of the texts counts: each text's first and special tokens are \
                        left out; give texts of more tokens";
            return Err(model.nothing(what.to_owned()));
        }
        Ok(Self {
            numbers,
            counted,
            pairs: before(|text| text.ids.len() * text.ids.len()),
            texts,
            notices: read.notices,
        })
    }

    /// The ids of each.
    pub(in crate::query) fn ids(&self) -> Vec<&[u32]> {
        self.texts.iter().map(|text| &text.ids[..]).collect()
    }

    /// Positions that count, in all texts.
    pub(in crate::query) fn count(&self) -> usize {
        self.counted.last().copied().unwrap_or_default()
    }

    /// Pairs of positions of all texts, counted or not.
    pub(super) fn pair_count(&self) -> usize {
        self.pairs.last().copied().unwrap_or_default()
    }

    /// Where the positions of a text lie among all that count.
    pub(in crate::query) fn positions(&self, text: usize) -> Range<usize> {
        self.counted[text]..self.counted[text + 1]
    }

    /// Where its pairs lie among those of all, by the position that looks.
    pub(super) fn pairs(&self, text: usize) -> Range<usize> {
        self.pairs[text]..self.pairs[text + 1]
    }

    /// The ids at all positions that count.
    pub(in crate::query) fn counted_ids(&self) -> Vec<u32> {
        let of = |text: &ReadText| {
            let ids = text.counted.iter().map(|&at| text.ids[at]);
            ids.collect::<Vec<u32>>()
        };
        self.texts.iter().flat_map(of).collect()
    }
}

/// Consecutive texts whose residual streams take at most so many bytes together, or one text.
pub(in crate::query) fn batches_within(
    texts: &[&[u32]],
    d_model: usize,
    bytes: u64,
) -> Vec<Range<usize>> {
    let mut batches: Vec<Range<usize>> = Vec::new();
    let mut used = 0;
    for (at, text) in texts.iter().enumerate() {
        let size = (text.len() * d_model * size_of::<f32>()) as u64;
        used += size;
        match batches.last_mut() {
            Some(last) if used <= bytes => last.end = at + 1,
            _ => {
                used = size;
                batches.push(at..at + 1);
            }
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_run_together_as_far_as_the_bytes_reach() {
        let texts: [&[u32]; 4] = [&[1; 2], &[1; 2], &[1; 9], &[1]];
        // 8 bytes a token.
        assert_eq!(batches_within(&texts, 2, 32), [0..2, 2..3, 3..4]);
        assert_eq!(batches_within(&texts, 2, 1 << 20).len(), 1);
        assert!(batches_within(&[], 2, 32).is_empty());
    }
}
