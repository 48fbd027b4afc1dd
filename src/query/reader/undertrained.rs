//! Undertrained tokens, looked for once, when something first depends on them.

use super::super::{QueryError, Watch};
use super::Reader;
use crate::projection::{Seeds, undertrained};

impl Reader {
    /// How many tokens are undertrained, and the vocabulary is told which; the inner `None` if the
    /// embedding does not tell. `None` if it was called off.
    pub(super) fn undertrained(
        &mut self,
        watch: &dyn Watch,
    ) -> Result<Option<Option<usize>>, QueryError> {
        if let Some(known) = self.undertrained {
            return Ok(Some(known));
        }
        let vocabulary = &self.card.vocabulary;
        let wanted = || watch.wanted();
        let seeds = Seeds {
            unseen: &vocabulary.unseen(),
            special: &vocabulary.special(),
        };
        let Some(found) = undertrained(&self.written, seeds, &wanted)? else {
            return Ok(None);
        };
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
        Ok(Some(count))
    }
}
