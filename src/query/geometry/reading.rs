//! Texts -> ids that the model can be run on, and where the token stands in them.

use std::ops::Range;

use rayon::prelude::*;

use crate::vocabulary::{VocabularyError, Word};

use super::{Model, TextReading, TokenChoice};
use crate::query::{Callbacks, QueryError};

/// Texts as the model reads them.
pub(in crate::query) struct Read {
    pub texts: Vec<ReadText>,
    pub notices: Vec<String>,
}

/// One text.
#[derive(Clone, Debug, Default)]
pub(in crate::query) struct ReadText {
    pub ids: Vec<u32>,
    pub cut_from: Option<usize>,
    /// How many of `ids` are the unknown token.
    pub unknown: usize,
    /// Positions that count, ascending.
    pub counted: Vec<usize>,
}

impl Model<'_> {
    /// Reads all texts.
    ///
    /// # Errors
    /// A tokenizer that cannot read texts, or no text with a token in it.
    pub(in crate::query) fn read(
        &self,
        reading: &TextReading,
        callbacks: Callbacks<'_>,
    ) -> Result<Read, QueryError> {
        let longest = self.checkpoint.spec().longest;
        let limit = reading.max_tokens.map_or(longest, |n| n.min(longest));
        let texts = reading.texts.texts.par_iter().map(|text| {
            callbacks.cancel.check()?;
            let read = self.read_one(text, reading, limit);
            read.map_err(|e| self.vocabulary_error(e))
        });
        let texts = texts.collect::<Result<Vec<ReadText>, QueryError>>()?;
        if texts.iter().all(|t| t.ids.is_empty()) {
            let what = format!(
                "no text of {} has a token; give texts that its vocabulary can spell",
                reading.texts.label
            );
            return Err(self.nothing(what));
        }
        let unknown = self
            .vocabulary()
            .unknown()
            .map(|id| self.vocabulary().text(id));
        let notices = notices(&texts, limit, unknown.as_deref());
        Ok(Read { texts, notices })
    }

    fn read_one(
        &self,
        text: &str,
        reading: &TextReading,
        limit: usize,
    ) -> Result<ReadText, VocabularyError> {
        let vocabulary = self.vocabulary();
        let mut ids = vocabulary.encode_with_special(text)?;
        let mut cut_from = None;
        if ids.len() > limit {
            cut_from = Some(ids.len());
            ids = cut(&ids, &vocabulary.encode(text)?, limit);
        }
        let counts = |&at: &usize| {
            (at > 0 || !reading.skip_first)
                && !(reading.skip_special && vocabulary.is_special(ids[at]))
        };
        let unknown = vocabulary.unknown();
        Ok(ReadText {
            counted: (0..ids.len()).filter(counts).collect(),
            unknown: ids.iter().filter(|&&id| Some(id) == unknown).count(),
            ids,
            cut_from,
        })
    }

    /// What counts as the token.
    ///
    /// # Errors
    /// An id beyond the vocabulary, or a word that it cannot spell.
    pub(in crate::query) fn word(&self, token: &TokenChoice) -> Result<Word, QueryError> {
        match token {
            TokenChoice::Id(id) if (*id as usize) < self.card.spec.vocab => Ok(Word::token(*id)),
            TokenChoice::Id(id) => Err(QueryError::OutOfRange {
                what: "token",
                got: *id as usize,
                last: self.card.spec.vocab.saturating_sub(1),
                model: self.card.name.clone(),
            }),
            TokenChoice::Word(typed) => self
                .vocabulary()
                .word(typed)
                .map_err(|e| self.vocabulary_error(e)),
        }
    }

    /// Where the token stands, at positions that count.
    pub(in crate::query) fn occurrences(&self, word: &Word, text: &ReadText) -> Vec<Range<usize>> {
        let mut found = self.vocabulary().occurrences(word, &text.ids);
        let counts = |at: usize| text.counted.binary_search(&at).is_ok();
        found.retain(|positions| positions.clone().all(counts));
        found
    }

    /// How the token is written, for a message.
    pub(in crate::query) fn shown(&self, token: &TokenChoice) -> String {
        match token {
            TokenChoice::Id(id) => format!("token {id} ({})", self.vocabulary().text(*id)),
            TokenChoice::Word(word) => format!("{word:?}"),
        }
    }
}

/// The first `limit` of a text's ids, with the special tokens that stand around it; `bare` are the
/// ids without them.
pub(in crate::query) fn cut(ids: &[u32], bare: &[u32], limit: usize) -> Vec<u32> {
    let around = ids.len().saturating_sub(bare.len());
    let before = (0..=around).find(|&at| ids[at..].starts_with(bare));
    match before {
        Some(before) if around < limit => {
            let inside = before + limit - around;
            [&ids[..inside], &ids[before + bare.len()..]].concat()
        }
        _ => ids[..limit].to_vec(),
    }
}

/// `unknown`: what stands for what the vocabulary cannot spell.
fn notices(texts: &[ReadText], limit: usize, unknown: Option<&str>) -> Vec<String> {
    let mut notices = Vec::new();
    let spelled: usize = texts.iter().map(|text| text.ids.len()).sum();
    match (texts.iter().map(|text| text.unknown).sum(), unknown) {
        (0usize, _) | (_, None) => {}
        (n, Some(name)) => notices.push(format!("{n} of {spelled} tokens are unknown ({name})")),
    }
    let cut: Vec<usize> = texts.iter().filter_map(|t| t.cut_from).collect();
    if let Some(longest) = cut.iter().max() {
        let (n, were) = (
            cut.len(),
            if cut.len() == 1 {
                "text was"
            } else {
                "texts were"
            },
        );
        notices.push(format!(
            "{n} {were} cut to {limit} tokens (the longest had {longest})"
        ));
    }
    let empty = texts.iter().filter(|t| t.ids.is_empty()).count();
    if empty > 0 {
        let were = if empty == 1 { "text has" } else { "texts have" };
        notices.push(format!("{empty} {were} no token and cannot be measured"));
    }
    notices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_inside_its_special_tokens() {
        assert_eq!(cut(&[1, 7, 8, 9, 2], &[7, 8, 9], 4), [1, 7, 8, 2]);
        assert_eq!(cut(&[7, 8, 9], &[7, 8, 9], 2), [7, 8]);
        assert_eq!(cut(&[1, 7, 8, 9, 2], &[7, 8, 9], 2), [1, 7]);
    }

    #[test]
    fn says_how_many_tokens_are_unknown() {
        let text = |ids: &[u32], unknown| ReadText {
            ids: ids.to_vec(),
            unknown,
            ..ReadText::default()
        };
        let texts = [text(&[1, 0, 0], 2), text(&[3, 0], 1)];
        let said = notices(&texts, 9, Some("[UNK]"));
        assert_eq!(said, ["3 of 5 tokens are unknown ([UNK])"]);
        assert_eq!(notices(&texts[..0], 9, Some("[UNK]")), [""; 0]);
    }
}
