//! Undertrained tokens, looked for once, when something first depends on them.

use super::super::QueryError;
use super::Reader;
use crate::projection::{Seeds, undertrained};
use crate::task::CancelToken;

impl Reader {
    /// How many tokens are undertrained, and the vocabulary is told which; `None` if the embedding
    /// does not tell.
    pub(super) fn undertrained(
        &mut self,
        cancel: CancelToken<'_>,
    ) -> Result<Option<usize>, QueryError> {
        if let Some(known) = self.undertrained {
            return Ok(known);
        }
        let vocabulary = &self.card.vocabulary;
        let seeds = Seeds {
            unseen: &vocabulary.unseen(),
            special: &vocabulary.special(),
        };
        let found = undertrained(&self.written, seeds, cancel)?;
        let count = found.map(|found| {
            let mut flags = found.flags;
            // A row without a token is in no list.
            for (id, flag) in flags.iter_mut().enumerate() {
                *flag &= vocabulary.token(id as u32).is_some();
            }
            let count = flags.iter().filter(|&&flag| flag).count();
            vocabulary.tell_undertrained(flags);
            count
        });
        self.undertrained = Some(count);
        Ok(count)
    }
}
