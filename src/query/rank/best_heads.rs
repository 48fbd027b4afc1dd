//! The best heads of all layers by pairs of the same word, most of them ruled out before their pairs
//! are searched.

use std::mem;

use super::ranking::{judge_head, of_head, pairs_query, ranked};
use super::same_words::SameWords;
use super::{RankAnswer, RankQuery, RankedItem};
use crate::query::answering::rank_each_layer;
use crate::query::reader::Reader;
use crate::query::{Callbacks, Query, QueryError};
use crate::transformer::Form;

/// A head that may be among the best.
struct Candidate {
    /// Among all heads, in the order in which ties are listed.
    place: usize,
    /// The query of its layer.
    layer: usize,
    head: usize,
    /// How well it may do: only the order in which heads are looked at depends on it.
    promise: f32,
    /// Of its best pairs at most as many are twice the same word, if that is known.
    most: Option<usize>,
}

/// A head with its figure.
struct Proven {
    of: Candidate,
    figure: f32,
    /// `None` if none of its pairs had to be searched: its figure is 0.
    item: Option<RankedItem>,
}

/// The best heads so far, as many as are listed.
struct BestHeads {
    count: usize,
    heads: Vec<Proven>,
}

impl BestHeads {
    /// The fewest of a head's `k` best pairs that have to be twice the same word if it is to be
    /// listed; `None` if it cannot be.
    fn needed(&self, head: &Candidate, k: usize) -> Option<usize> {
        let Some(last) = self.heads.get(self.count.checked_sub(1)?) else {
            return Some(0);
        };
        (0..=k).find(|&same| {
            let figure = same as f32 / k.max(1) as f32;
            figure > last.figure || figure == last.figure && head.place < last.of.place
        })
    }

    fn insert(&mut self, head: Proven) {
        let before = |other: &Proven| {
            other.figure > head.figure
                || other.figure == head.figure && other.of.place < head.of.place
        };
        let at = self.heads.partition_point(before);
        self.heads.insert(at, head);
        self.heads.truncate(self.count);
    }
}

impl Reader {
    /// See [`Answering::rank_layers`].
    pub(in crate::query) fn best_of_layers(
        &mut self,
        queries: &[RankQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<RankAnswer>, QueryError> {
        let heads: usize = queries
            .iter()
            .map(|query| self.card.spec.heads_in(query.layer))
            .sum();
        let by_pairs = |query: &RankQuery| match query.by.form() {
            Some(form) if !query.by.of_weights() => {
                let proven = !(query.likely && query.has_likely(&self.card));
                (proven && self.device.is_cpu() && heads > query.count).then_some(form)
            }
            Some(_) | None => None,
        };
        let first = queries.first();
        let Some((first, form)) = first.and_then(|first| Some((first, by_pairs(first)?))) else {
            return rank_each_layer(self, queries, callbacks);
        };
        for query in queries {
            self.card.check_query(&Query::Rank(query.clone()))?;
        }
        let Some(known) = SameWords::new(self, first, callbacks)? else {
            return rank_each_layer(self, queries, callbacks);
        };
        let heads = mem::replace(&mut self.factors.heads, 0);
        let found = self.best_heads(queries, form, known, callbacks);
        self.factors.heads = heads;
        found
    }

    fn best_heads(
        &mut self,
        queries: &[RankQuery],
        form: Form,
        mut known: SameWords,
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<RankAnswer>, QueryError> {
        self.factors.shrink(0);
        let mut candidates = self.candidates(queries, form, &mut known, callbacks)?;
        // The likeliest first; stable, so that of equals the one that is listed first.
        candidates.sort_by(|a, b| b.promise.total_cmp(&a.promise));
        let mut best = BestHeads {
            count: queries.first().map_or(0, |query| query.count),
            heads: Vec::new(),
        };
        for of in candidates {
            callbacks.cancel.check()?;
            let Some(needed) = best.needed(&of, known.k) else {
                continue;
            };
            let query = &queries[of.layer];
            let most = match of.most {
                Some(most) => most,
                // It will have to be searched.
                None if needed == 0 && of.promise >= 1.0 => usize::MAX,
                None => {
                    let asked = pairs_query(query, form, of.head);
                    self.most_same(&asked, &mut known, needed.max(1), callbacks)?
                }
            };
            if most < needed {
                continue;
            }
            let item = match most {
                0 => None,
                _ => {
                    // The search has the room of these.
                    known.near.free();
                    Some(judge_head(self, query, form, of.head, callbacks)?.item)
                }
            };
            let figure = item.as_ref().map_or(0.0, |item| item.figure);
            best.insert(Proven { of, figure, item });
        }
        drop(known);
        let mut layers: Vec<Vec<RankedItem>> = vec![Vec::new(); queries.len()];
        for Proven { of, item, .. } in best.heads {
            let item = match item {
                Some(item) => item,
                None => self.without_same(&queries[of.layer], form, of.head, callbacks)?,
            };
            layers[of.layer].push(item);
        }
        let layers = layers.into_iter();
        Ok(layers.map(|items| ranked(items, best.count, 1.0)).collect())
    }

    /// All heads, with what is soon told of them.
    fn candidates(
        &mut self,
        queries: &[RankQuery],
        form: Form,
        known: &mut SameWords,
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Candidate>, QueryError> {
        let mut candidates = Vec::new();
        for (layer, query) in queries.iter().enumerate() {
            for head in 0..self.card.spec.heads_in(query.layer) {
                callbacks.cancel.check()?;
                let (promise, most) = match self.promise((query, form, head), known, callbacks)? {
                    Some(promise) => (promise, None),
                    None => {
                        let asked = pairs_query(query, form, head);
                        let most = self.most_same(&asked, known, 1, callbacks)?;
                        (most as f32, Some(most))
                    }
                };
                candidates.push(Candidate {
                    place: candidates.len(),
                    layer,
                    head,
                    promise,
                    most,
                });
            }
        }
        Ok(candidates)
    }

    /// A head none of whose best pairs is twice the same word, with the words of some of them.
    fn without_same(
        &mut self,
        query: &RankQuery,
        form: Form,
        head: usize,
        callbacks: Callbacks<'_>,
    ) -> Result<RankedItem, QueryError> {
        let mut asked = pairs_query(query, form, head);
        asked.k = asked.k.min(query.words);
        let pairs = match asked.k {
            0 => Vec::new(),
            _ => self.pairs(&asked, callbacks.without_partial())?.pairs,
        };
        Ok(of_head(head, 0.0, &pairs))
    }
}
