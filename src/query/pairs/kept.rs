//! Heads' factors that are kept for other filters and the other end of the list.

use std::sync::Arc;

use super::{FactorKey, Factors};

/// Factors of some heads, the latest last.
#[derive(Default)]
pub(in crate::query) struct KeptFactors {
    kept: Vec<(FactorKey, Arc<Factors>)>,
    /// Whether none are added: a ranking asks for each head once.
    pub(in crate::query) closed: bool,
}

impl KeptFactors {
    pub(super) fn get(&mut self, key: &FactorKey) -> Option<Arc<Factors>> {
        let at = self.kept.iter().position(|(of, _)| of == key)?;
        let found = self.kept.remove(at);
        let factors = Arc::clone(&found.1);
        self.kept.push(found);
        Some(factors)
    }

    /// Keeps factors, and of the others those that `most` bytes hold with them.
    pub(super) fn add(&mut self, key: FactorKey, factors: &Arc<Factors>, most: u64) {
        if !self.closed {
            self.kept.push((key, Arc::clone(factors)));
        }
        self.shrink(most);
    }

    /// Gives up the oldest until the others take no more than `most` bytes.
    pub(in crate::query) fn shrink(&mut self, most: u64) {
        let bytes = |(_, factors): &(_, Arc<Factors>)| factors.bytes();
        while self.kept.iter().map(bytes).sum::<u64>() > most {
            self.kept.remove(0);
        }
    }
}
