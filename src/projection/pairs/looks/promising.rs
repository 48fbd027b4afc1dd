//! Pairs that promise most by all integers of their rows, which then are scored.

use rayon::prelude::*;

use crate::projection::{Best, Pair};
use crate::task::Cancelled;

use super::super::{Bounds, integers};
use super::Sides;

/// As many pairs as are wanted times this are scored of each look: integers are off by less than what
/// parts the best of them from the last.
const SCORED: usize = 4;
/// What integers may be short of a score, as a share of it.
const SHORT: f32 = 0.02;
/// Rows that a task takes with themselves.
const THEMSELVES: usize = 1024;

/// Where each token's row is on the two sides.
pub(super) struct Places {
    pub(super) a: Vec<u32>,
    pub(super) b: Vec<u32>,
}

impl Places {
    pub(super) fn of(bounds: &Bounds<'_>, tokens: usize) -> Self {
        let of = |ids: &[u32]| {
            let mut places = vec![0; tokens];
            let each = ids.iter().zip(0..);
            each.for_each(|(&id, place)| places[id as usize] = place);
            places
        };
        Self {
            a: of(&bounds.a.ids),
            b: of(&bounds.b.ids),
        }
    }
}

impl Sides<'_> {
    /// The best of the rows with the same on the other side: in many heads most of the list.
    pub(super) fn with_themselves(&self, places: &Places) -> Result<Best<Pair>, Cancelled> {
        let Self { search, .. } = self;
        let some = search.ids.par_chunks(THEMSELVES);
        let likely = some.map(|ids| {
            search.cancel.check()?;
            let mut likely = self.likely();
            for &id in ids {
                let places = (places.a[id as usize], places.b[id as usize]);
                search.offer((id, id), self.by_integers(places), &mut likely);
            }
            Ok(likely)
        });
        Ok(self.scored(likely.try_reduce(|| self.likely(), merged)?))
    }

    /// None of those that are to be scored.
    pub(super) fn likely(&self) -> Best<Pair> {
        let reached = self.search.reached();
        let k = self.search.want.k.saturating_mul(SCORED);
        Best::at_least(k, reached - SHORT * reached.abs())
    }

    /// The best of some pairs by their scores.
    pub(super) fn scored(&self, likely: Best<Pair>) -> Best<Pair> {
        let pairs = likely.into_sorted().into_iter();
        let pairs: Vec<(u32, u32)> = pairs.map(|pair| (pair.from, pair.to)).collect();
        let mut best = Best::new(self.search.want.k);
        let scored = pairs.iter().zip(self.search.scores(&pairs));
        scored.for_each(|(&(from, to), score)| best.offer(Pair { from, to, score }));
        best
    }

    /// The product of all integers of two rows, about their score.
    pub(super) fn by_integers(&self, (a, b): (u32, u32)) -> f32 {
        let (of_a, of_b) = (&self.bounds.a.integers, &self.bounds.b.integers);
        let (a, b) = (a as usize, b as usize);
        let product = integers::product(of_a.row(a), of_b.row(b)) as f32;
        product / of_a.inverse_steps[a] / of_b.inverse_steps[b]
    }
}

/// Both together.
pub(super) fn merged(mut a: Best<Pair>, b: Best<Pair>) -> Result<Best<Pair>, Cancelled> {
    a.merge(b);
    Ok(a)
}
