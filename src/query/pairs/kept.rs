//! Heads' factors that are kept for other filters and the other end of the list.

use std::sync::Arc;

use super::{FactorKey, Factors};

/// Factors of some heads, the latest last.
pub(in crate::query) struct KeptFactors {
    kept: Vec<(FactorKey, Arc<Factors>)>,
    /// Of as many heads at most: what goes through all heads asks for none again.
    pub(in crate::query) heads: usize,
}

impl Default for KeptFactors {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            heads: usize::MAX,
        }
    }
}

impl KeptFactors {
    pub(super) fn have(&self, key: &FactorKey) -> bool {
        self.kept.iter().any(|(of, _)| of == key)
    }

    pub(super) fn get(&mut self, key: &FactorKey) -> Option<Arc<Factors>> {
        let at = self.kept.iter().position(|(of, _)| of == key)?;
        let found = self.kept.remove(at);
        let factors = Arc::clone(&found.1);
        self.kept.push(found);
        Some(factors)
    }

    /// Keeps factors, and of the others those that `most` bytes hold with them.
    pub(super) fn add(&mut self, key: FactorKey, factors: &Arc<Factors>, most: u64) {
        self.kept.push((key, Arc::clone(factors)));
        self.shrink(most);
    }

    /// Gives up the oldest until the others take no more than `most` bytes.
    pub(in crate::query) fn shrink(&mut self, most: u64) {
        let bytes = |(_, factors): &(_, Arc<Factors>)| factors.bytes();
        let too_many =
            |kept: &[_]| kept.len() > self.heads || kept.iter().map(bytes).sum::<u64>() > most;
        while too_many(&self.kept) {
            self.kept.remove(0);
        }
    }
}
