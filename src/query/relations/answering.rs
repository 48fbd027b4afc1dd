//! The best tokens of the sources' rows of VO, head by head, and which targets are among them.

use super::{
    HeadRelations, RelationHit, RelationPairs, RelationScore, RelationShare, RelationsAnswer,
    RelationsQuery,
};
use crate::projection::{BothEnds, End, Passing, Rows, Scored, product};
use crate::query::reader::Reader;
use crate::query::reader::convention::Side;
use crate::query::{Answer, Callbacks, Convention, PairsQuery, QueryError};
use crate::transformer::{Form, SublayerAt};
use crate::vocabulary::Filters;

/// What is looked at in every head.
pub(in crate::query) struct Wanted<'q> {
    relations: &'q [RelationPairs],
    /// Each source once.
    sources: Vec<u32>,
    k: usize,
    filters: &'q Filters,
    convention: Convention,
}

/// The best tokens of a source's row of VO.
struct SourceLists {
    highest: Vec<Scored>,
    lowest: Vec<Scored>,
}

impl<'q> Wanted<'q> {
    pub(in crate::query) fn of(
        relations: &'q [RelationPairs],
        k: usize,
        filters: &'q Filters,
        convention: Convention,
    ) -> Self {
        let pairs = relations.iter().flat_map(|relation| &relation.pairs);
        let mut sources: Vec<u32> = pairs.map(|pair| pair.from).collect();
        sources.sort_unstable();
        sources.dedup();
        Self {
            relations,
            sources,
            k,
            filters,
            convention,
        }
    }
}

impl Reader {
    pub(in crate::query) fn relations(
        &mut self,
        query: &RelationsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<RelationsAnswer, QueryError> {
        let relations = query.relations.iter();
        let found: Result<Vec<RelationPairs>, _> = relations
            .map(|relation| RelationPairs::of(relation, &self.card.vocabulary))
            .collect();
        let found = found.map_err(|error| self.model().vocabulary_error(error))?;
        if found.iter().all(|relation| relation.pairs.is_empty()) {
            let words = found.iter().flat_map(|relation| &relation.left_out);
            let some: Vec<&str> = words.take(5).map(String::as_str).collect();
            return Err(self.model().nothing(format!(
                "no pair of the relations is of two single tokens of its vocabulary, as {} are none: \
                 give pairs of its own words with --pairs",
                some.join(", ")
            )));
        }
        let spec = &self.card.spec;
        let places: Vec<(usize, usize)> = (0..spec.layers)
            .flat_map(|layer| (0..spec.heads_in(layer)).map(move |head| (layer, head)))
            .collect();
        let wanted = Wanted::of(&found, query.k, &query.filters, query.convention);
        let mut heads = Vec::with_capacity(places.len());
        for &(layer, head) in &places {
            heads.push(self.head_relations(&wanted, layer, head, callbacks)?);
            callbacks.partial(Answer::Relations(RelationsAnswer {
                relations: Vec::new(),
                heads: Vec::new(),
                done: heads.len() as f32 / places.len() as f32,
            }));
        }
        Ok(RelationsAnswer {
            relations: found,
            heads,
            done: 1.0,
        })
    }

    /// A head's scores for all relations.
    pub(in crate::query) fn head_relations(
        &mut self,
        wanted: &Wanted<'_>,
        layer: usize,
        head: usize,
        callbacks: Callbacks<'_>,
    ) -> Result<HeadRelations, QueryError> {
        let lists = self.source_lists(wanted, layer, head, callbacks)?;
        let scores = wanted.relations.iter();
        let score = |relation: &RelationPairs| RelationScore {
            promotes: share(relation, &wanted.sources, |at| &lists[at].highest),
            suppresses: share(relation, &wanted.sources, |at| &lists[at].lowest),
        };
        Ok(HeadRelations {
            layer,
            head,
            scores: scores.map(score).collect(),
        })
    }

    /// Both ends of every source's row of VO: the sources through W_V, then one product of what the
    /// head writes with all tokens.
    fn source_lists(
        &mut self,
        wanted: &Wanted<'_>,
        layer: usize,
        head: usize,
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<SourceLists>, QueryError> {
        callbacks.cancel.check()?;
        let asked = PairsQuery {
            form: Form::Vo,
            layer,
            head,
            distance: 0,
            end: End::Highest,
            k: 0,
            filters: Filters::default(),
            convention: wanted.convention,
        };
        self.weights
            .bring_form(Form::Vo, layer, head, callbacks.without_partial())?;
        let weights = self.weights.form(Form::Vo, layer, head, 0)?;
        let weights = self.projected_form(&asked, weights, callbacks)?;
        let at = SublayerAt::attention(layer);
        let read = self.rows(wanted.convention, at, Side::Reads, callbacks)?;
        let written = self.rows(wanted.convention, at, Side::Writes, callbacks)?;
        let read = product(&read.pick(&wanted.sources)?, &weights.left);
        let written = written.times(&weights.right, callbacks.cancel)?;
        let mask = self.mask(wanted.filters, callbacks.cancel)?;
        let passing = Passing {
            flags: &mask.passes[..written.rows()],
            first_id: 0,
        };
        let rows = Rows::new(written, &self.device)?;
        let mut ends = vec![BothEnds::new(wanted.k.min(mask.passing)); wanted.sources.len()];
        rows.offer_scores(&read, passing, &mut ends, callbacks.cancel)?;
        let sorted = |ends: BothEnds| SourceLists {
            highest: ends.highest.into_sorted(),
            lowest: ends.lowest.into_sorted(),
        };
        Ok(ends.into_iter().map(sorted).collect())
    }
}

/// The share of a relation's pairs whose target is in its source's list.
fn share<'l>(
    relation: &RelationPairs,
    sources: &[u32],
    list: impl Fn(usize) -> &'l Vec<Scored>,
) -> RelationShare {
    let mut found = RelationShare::default();
    if relation.pairs.is_empty() {
        return found;
    }
    let (mut chance, mut with_others) = (0.0, 0);
    for (pair, of) in relation.pairs.iter().enumerate() {
        let Ok(at) = sources.binary_search(&of.from) else {
            continue;
        };
        let list = list(at);
        if let Some(rank) = list.iter().position(|scored| scored.id == of.to) {
            let rank = rank + 1;
            found.hits.push(RelationHit { pair, rank });
        }
        let others = relation.other_targets(of.from);
        if !others.is_empty() {
            let there = list.iter().filter(|s| others.binary_search(&s.id).is_ok());
            chance += there.count() as f64 / others.len() as f64;
            with_others += 1;
        }
    }
    found.score = Some(found.hits.len() as f32 / relation.pairs.len() as f32);
    found.chance = (with_others > 0).then(|| (chance / f64::from(with_others)) as f32);
    found
}
