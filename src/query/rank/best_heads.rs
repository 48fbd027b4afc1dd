//! The best heads of all layers by pairs of the same word, most of them ruled out before their pairs
//! are searched.

use super::ranking::{judge_head, pairs_query, ranked};
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
    /// Its figure is at most this.
    most: f32,
}

/// A head with its figure.
struct Proven {
    of: Candidate,
    item: RankedItem,
}

impl Proven {
    /// Whether it comes before another, whatever that one's figure may be.
    fn comes_before(&self, other: &Candidate) -> bool {
        let (own, most) = (self.item.figure, other.most);
        own > most || own == most && self.of.place < other.place
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
        self.factors.closed = true;
        let found = self.best_heads(queries, form, known, callbacks);
        self.factors.closed = false;
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
        let mut candidates = Vec::new();
        for (layer, query) in queries.iter().enumerate() {
            for head in 0..self.card.spec.heads_in(query.layer) {
                callbacks.cancel.check()?;
                let asked = pairs_query(query, form, head);
                candidates.push(Candidate {
                    place: candidates.len(),
                    layer,
                    head,
                    most: self.most_same(&asked, &mut known, callbacks)?,
                });
            }
        }
        drop(known);
        // The likeliest first; stable, so that of equals the one that is listed first.
        candidates.sort_by(|a, b| b.most.total_cmp(&a.most));
        let count = queries.first().map_or(0, |query| query.count);
        let mut proven: Vec<Proven> = Vec::new();
        for of in candidates {
            let last = count.checked_sub(1).map(|last| proven.get(last));
            if last.is_none_or(|last| last.is_some_and(|last| last.comes_before(&of))) {
                continue;
            }
            let judged = judge_head(self, &queries[of.layer], form, of.head, callbacks)?;
            let item = judged.item;
            let before = |other: &Proven| {
                let (own, figure) = (other.item.figure, item.figure);
                own > figure || own == figure && other.of.place < of.place
            };
            let at = proven.partition_point(before);
            proven.insert(at, Proven { of, item });
        }
        proven.truncate(count);
        let mut layers: Vec<Vec<RankedItem>> = vec![Vec::new(); queries.len()];
        for Proven { of, item } in proven {
            layers[of.layer].push(item);
        }
        let layers = layers.into_iter();
        Ok(layers.map(|items| ranked(items, count, 1.0)).collect())
    }
}
