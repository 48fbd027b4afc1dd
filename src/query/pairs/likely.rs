//! Pairs that are likely the best, without the search that proves it.

use super::answering::admits;
use super::in_range::in_range;
use crate::projection::{Pair, PairsWanted, likely_pairs};
use crate::query::reader::Reader;
use crate::query::{Callbacks, ModelCard, PairsQuery, QueryError};

/// Tokens of a vocabulary over which pairs that are only likely the best are worth asking for.
const LIKELY_TOKENS: usize = 100_000;

/// Whether finding a head's best pairs takes seconds.
pub(in crate::query) fn takes_seconds(card: &ModelCard) -> bool {
    card.spec.vocab > LIKELY_TOKENS
}

impl Reader {
    /// The pairs that are likely the best; `None` over a vocabulary of which they are soon proven.
    pub(in crate::query) fn likely(
        &mut self,
        query: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<Option<Vec<Pair>>, QueryError> {
        if !takes_seconds(&self.card) {
            return Ok(None);
        }
        let factors = self.factors(query, callbacks)?;
        in_range(&factors.a, &factors.b)?;
        let mask = self.mask(&query.filters, callbacks.cancel)?;
        let want = PairsWanted {
            k: query.k.min(mask.passing * mask.passing),
            end: query.end,
            passing: &mask.passes,
            admits: &admits(&self.card.vocabulary, &query.filters),
        };
        let found = likely_pairs(&factors.a, &factors.b, &want, callbacks.cancel)?;
        Ok(Some(found))
    }
}
