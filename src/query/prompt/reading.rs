//! A text → the ids that the model is run on, the position that is looked at, and the words that
//! are asked about.

use super::PromptQuery;
use crate::query::geometry::cut;
use crate::query::model::Model;
use crate::query::{QueryError, TokenChoice};
use crate::vocabulary::{ChatMessage, EncodedPrompt, Moment, VocabularyError};

/// What is said of a text in a chat template.
const IN_TEMPLATE: &str =
    "the text is a user's message in the model's chat template, special tokens and all";

/// A text as the model reads it.
pub(super) struct PromptText {
    pub ids: Vec<u32>,
    pub position: usize,
    pub notices: Vec<String>,
}

impl Model<'_> {
    /// Reads the query's text; `causal`: whether a position sees only those before it.
    ///
    /// # Errors
    /// A text of no tokens, a tokenizer that cannot read it, a position that it does not have.
    pub(super) fn prompt_text(
        &self,
        query: &PromptQuery,
        causal: bool,
    ) -> Result<PromptText, QueryError> {
        let vocabulary = self.vocabulary();
        let read = match query.chat {
            false => vocabulary.encode_prompt(&query.text, query.special),
            true => self.chat_prompt(&query.text),
        };
        let read = read.map_err(|e| self.vocabulary_error(e))?;
        if read.bare.is_empty() {
            let what =
                "the text has no token: expected words that the vocabulary can spell, got none";
            return Err(self.nothing(format!("{what}; give another text")));
        }
        // What changes the answer comes first: a narrow screen cuts the end.
        let limit = self.checkpoint.spec().longest;
        let mut notices = Vec::new();
        if read.ids.len() > limit {
            notices.push(format!(
                "the text has {} tokens and was cut to {limit}, the positions that the model has",
                read.ids.len()
            ));
        }
        if read.specials_as_letters {
            notices.push(
                "special tokens typed in the text are read as letters; --special reads them as tokens"
                    .to_owned(),
            );
        }
        if !causal {
            notices.extend(self.no_mask(&read.ids));
        }
        notices.extend(match query.chat {
            true => Some(IN_TEMPLATE.to_owned()),
            false => self.around(&read.bare, &read.ids),
        });
        let mut ids = read.ids;
        if ids.len() > limit {
            ids = cut(&ids, &read.bare, limit);
        }
        let position = self.position(query, &ids, causal)?;
        Ok(PromptText {
            ids,
            position,
            notices,
        })
    }

    /// The ids of a user's message in the chat template, with the beginning of the answer. The template
    /// itself writes all special tokens.
    fn chat_prompt(&self, text: &str) -> Result<EncodedPrompt, VocabularyError> {
        let message = ChatMessage {
            role: "user",
            content: text,
        };
        let template = self.vocabulary().chat_template()?;
        let text = template.apply(&[message], Moment::now())?;
        let read = self.vocabulary().encode_prompt(&text, true)?;
        Ok(EncodedPrompt {
            ids: read.bare.clone(),
            ..read
        })
    }

    /// What the tokenizer puts around a text, in a sentence.
    fn around(&self, bare: &[u32], ids: &[u32]) -> Option<String> {
        let vocabulary = self.vocabulary();
        let extra = ids.len().checked_sub(bare.len())?;
        let before = (0..=extra).find(|&at| ids[at..].starts_with(bare))?;
        let named = |ids: &[u32]| {
            let names = ids.iter().map(|&id| vocabulary.text(id));
            names.collect::<Vec<_>>().join(" ")
        };
        let (first, last) = (&ids[..before], &ids[before + bare.len()..]);
        Some(match (first, last) {
            ([], []) => "the tokenizer sets no token before or after a text".to_owned(),
            (first, []) => format!("the tokenizer sets {} before a text", named(first)),
            ([], last) => format!("the tokenizer sets {} after a text", named(last)),
            (first, last) => format!(
                "the tokenizer sets {} before a text and {} after it",
                named(first),
                named(last)
            ),
        })
    }

    /// What an encoder's text without a mask could have, in a sentence.
    fn no_mask(&self, ids: &[u32]) -> Option<String> {
        let vocabulary = self.vocabulary();
        let mask = vocabulary.mask_token().filter(|mask| !ids.contains(mask))?;
        Some(format!(
            "the text has no mask: {} in it asks what could stand there",
            vocabulary.text(mask)
        ))
    }

    fn position(
        &self,
        query: &PromptQuery,
        ids: &[u32],
        causal: bool,
    ) -> Result<usize, QueryError> {
        let within = |position: usize| match position < ids.len() {
            true => Ok(position),
            false => Err(QueryError::OutOfRange {
                what: "position",
                got: position,
                last: ids.len() - 1,
                model: "the text".to_owned(),
            }),
        };
        for change in &query.changes {
            change.position.map_or(Ok(0), within)?;
        }
        let vocabulary = self.vocabulary();
        let mask = vocabulary.mask_token().filter(|_| !causal);
        let masked = || ids.iter().position(|&id| Some(id) == mask);
        let last = || {
            let plain = |&id: &u32| causal || !vocabulary.is_special(id);
            ids.iter().rposition(plain).unwrap_or(ids.len() - 1)
        };
        match query.position {
            Some(position) => within(position),
            None => Ok(masked().unwrap_or_else(last)),
        }
    }

    /// The token that is meant, and what is to be said where a word is several.
    ///
    /// # Errors
    /// An id beyond the vocabulary, or a word that it cannot spell.
    pub(super) fn one_token(
        &self,
        choice: &TokenChoice,
    ) -> Result<(u32, Option<String>), QueryError> {
        let word = self.word(choice)?;
        let spellings = word.spellings();
        let one = spellings.iter().find(|spelling| spelling.len() == 1);
        let spelling = one.or(spellings.first());
        let Some((spelling, &id)) = spelling.and_then(|s| Some((s, s.first()?))) else {
            return Err(self.nothing(format!("{} has no token", self.shown(choice))));
        };
        let several = (spelling.len() > 1).then(|| {
            format!(
                "{} is {} tokens: its first is meant, {}",
                self.shown(choice),
                spelling.len(),
                self.vocabulary().text(id)
            )
        });
        Ok((id, several))
    }
}
