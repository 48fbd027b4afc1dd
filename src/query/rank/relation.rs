//! A layer's heads ranked by how much of a relation their VO forms map.

use super::{RankAnswer, RankQuery, RankedItem, ranked};
use crate::query::reader::Reader;
use crate::query::relations::Wanted;
use crate::query::{
    BundledRelation, Callbacks, QueryError, Relation, RelationPairs, RelationsQuery,
};

impl Reader {
    /// With each head come the words of its hits.
    pub(super) fn rank_by_relation(
        &mut self,
        query: &RankQuery,
        relation: BundledRelation,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        let name = relation.name();
        let relation = Relation::bundled(relation);
        let relation = relation.map_err(|error| QueryError::Other(format!("{name}: {error}")))?;
        let pairs = RelationPairs::of(&relation, &self.card.vocabulary);
        let pairs = pairs.map_err(|error| self.model().vocabulary_error(error))?;
        if pairs.pairs.is_empty() {
            return Err(self.model().nothing(format!(
                "no pair of {name} is of two single tokens of its vocabulary: take another relation"
            )));
        }
        let relations = [pairs];
        let wanted = Wanted::of(
            &relations,
            RelationsQuery::K,
            &query.filters,
            query.convention,
        );
        let heads = self.card.spec.heads_in(query.layer);
        let mut items = Vec::with_capacity(heads);
        for head in 0..heads {
            let found = self.head_relations(&wanted, query.layer, head, callbacks)?;
            let Some(score) = found.scores.into_iter().next() else {
                continue;
            };
            let hits = score.promotes.hits.iter().take(query.words);
            let (key, value) = hits
                .map(|hit| relations[0].pairs[hit.pair])
                .map(|pair| (pair.from, pair.to))
                .unzip();
            items.push(RankedItem {
                item: head,
                figure: score.promotes.score.unwrap_or(f32::NAN),
                key,
                value,
                proven: true,
            });
        }
        Ok(ranked(items, query.count, 1.0))
    }
}
