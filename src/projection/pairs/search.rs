//! A search: its factors, what is wanted, and what is known of the list so far.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::projection::kernel::dot;
use crate::projection::{Best, End, Pair, Ranked};
use crate::task::{CancelToken, Cancelled};

use super::factor::{Factor, Factors};
use super::{PairsWanted, Report};

/// One search.
pub(super) struct Search<'a> {
    /// As given, all their rows in their own order: what scores are computed from. A copy of the few
    /// rows that are scored is not worth its memory.
    pub(super) a: Factor<'a>,
    pub(super) b: Factor<'a>,
    /// The rows that pass.
    pub(super) ids: Vec<u32>,
    /// −1 for the lowest: of the negated scores these are the highest.
    pub(super) sign: f32,
    pub(super) want: &'a PairsWanted<'a>,
    pub(super) cancel: CancelToken<'a>,
    /// Pairs that were found before it began: k of them, or none.
    pub(super) known: &'a [Pair],
    /// Bits of a score that k pairs are known to reach.
    pub(super) threshold: AtomicU32,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        (a, b): (Factor<'a>, Factor<'a>),
        want: &'a PairsWanted<'a>,
        cancel: CancelToken<'a>,
    ) -> Self {
        let ids = 0..want.passing.len() as u32;
        Self {
            a,
            b,
            ids: ids.filter(|&id| want.passing[id as usize]).collect(),
            sign: if want.end == End::Lowest { -1.0 } else { 1.0 },
            want,
            cancel,
            known: &[],
            threshold: AtomicU32::new(f32::NEG_INFINITY.to_bits()),
        }
    }

    /// What `then` finds where the factors are multiplied out.
    pub(super) fn multiplied_out<T, E: From<Cancelled>>(
        &self,
        then: impl FnOnce(Search<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let a = self.a.multiplied_out(self.cancel)?;
        let b = self.b.multiplied_out(self.cancel)?;
        let factors = ((&*a).into(), (&*b).into());
        let mut search = Search::new(factors, self.want, self.cancel);
        search.known = self.known;
        then(search)
    }

    /// The two factors, if they are multiplied out.
    pub(super) fn whole(&self) -> Option<Factors<'a>> {
        match (self.a, self.b) {
            (Factor::Whole(a), Factor::Whole(b)) => Some(Factors { a, b }),
            _ => None,
        }
    }

    /// The scores of some pairs, times the sign.
    pub(super) fn scores(&self, pairs: &[(u32, u32)]) -> Vec<f32> {
        if let Some(Factors { a, b }) = self.whole() {
            let score = |&(from, to)| self.sign * dot(a.row(from as usize), b.row(to as usize));
            return pairs.iter().map(score).collect();
        }
        let rows = |factor: Factor<'_>, of: fn(&(u32, u32)) -> u32| {
            let mut ids: Vec<u32> = pairs.iter().map(of).collect();
            ids.sort_unstable();
            ids.dedup();
            let rows = factor.picked(&ids);
            (ids, rows)
        };
        let (from_ids, from_rows) = rows(self.a, |pair| pair.0);
        let (to_ids, to_rows) = rows(self.b, |pair| pair.1);
        let at = |ids: &[u32], id: u32| ids.partition_point(|&of| of < id);
        let score = |&(from, to): &(u32, u32)| {
            let (from, to) = (at(&from_ids, from), at(&to_ids, to));
            self.sign * dot(from_rows.row(from), to_rows.row(to))
        };
        pairs.iter().map(score).collect()
    }

    /// A list of the search as one of scores.
    pub(super) fn signed(&self, best: Best<Pair>) -> Vec<Pair> {
        let signed = |p: Pair| Pair {
            // Adding 0 makes 0 of −0.
            score: self.sign * p.score + 0.0,
            ..p
        };
        best.into_sorted().into_iter().map(signed).collect()
    }

    /// The pairs that were known before the search began, which raise the threshold.
    pub(super) fn known_before(&self, report: Report<'_>) -> Best<Pair> {
        let mut best = Best::new(self.want.k);
        for pair in self.known {
            best.offer(Pair {
                score: self.sign * pair.score,
                ..*pair
            });
        }
        self.raise(&mut best);
        report(0.0, self.signed(best.clone()));
        best
    }

    /// What was found so far with what was known before.
    pub(super) fn joined(&self, found: Best<Pair>, known: &Best<Pair>) -> Best<Pair> {
        let mut all = found.into_sorted();
        all.extend(known.clone().into_sorted());
        all.sort_unstable_by_key(Ranked::key);
        all.dedup_by_key(|pair| pair.key());
        let mut best = Best::new(self.want.k);
        all.into_iter().for_each(|pair| best.offer(pair));
        best
    }

    /// Takes a pair in if it passes and is, so far, among the best. `score`: times the sign.
    pub(super) fn offer(&self, (from, to): (u32, u32), score: f32, best: &mut Best<Pair>) {
        if best.admits(score) && (self.want.admits)(from, to) {
            best.offer(Pair { from, to, score });
        }
    }

    pub(super) fn reached(&self) -> f32 {
        f32::from_bits(self.threshold.load(Ordering::Relaxed))
    }

    pub(super) fn publish(&self, threshold: f32) {
        let higher = |bits| (f32::from_bits(bits) < threshold).then_some(threshold.to_bits());
        // An error means that another task has published more.
        let _ = self
            .threshold
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, higher);
    }

    pub(super) fn raise(&self, best: &mut Best<Pair>) {
        best.prune();
        self.publish(best.threshold());
    }
}
