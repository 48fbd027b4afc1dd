//! Lists of searches that were stopped, from which they go on.

use super::PairsQuery;
use crate::checkpoint::Version;
use crate::projection::Pair;

/// Searches that are remembered.
const REMEMBERED: usize = 64;

/// A search that was stopped after the proof of its list had begun.
struct Stopped {
    query: PairsQuery,
    version: Version,
    /// As many as were asked for, with their scores.
    list: Vec<Pair>,
}

/// Searches that were stopped, the latest last.
#[derive(Default)]
pub(in crate::query) struct StoppedSearches(Vec<Stopped>);

impl StoppedSearches {
    /// The list that a search goes on from; empty of one that begins.
    pub(super) fn take(&mut self, query: &PairsQuery, version: Version) -> Vec<Pair> {
        let same = |of: &Stopped| of.query == *query && of.version == version;
        let at = self.0.iter().position(same);
        at.map_or_else(Vec::new, |at| self.0.remove(at).list)
    }

    pub(super) fn keep(&mut self, query: &PairsQuery, version: Version, list: Vec<Pair>) {
        if self.0.len() == REMEMBERED {
            self.0.remove(0);
        }
        self.0.push(Stopped {
            query: query.clone(),
            version,
            list,
        });
    }
}
