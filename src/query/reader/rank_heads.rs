//! A layer's heads ranked: each by its VO form.

use super::super::answering::{Quiet, Watch};
use super::super::rank::{Interest, Interesting, RankAnswer, RankQuery, TOP};
use super::super::{Answer, PairsQuery, QueryError};
use super::Reader;
use super::rank::WORDS;
use crate::projection::{End, Pair, copying};
use crate::transformer::Form;
use crate::vocabulary::Filters;

impl Reader {
    pub(super) fn rank_heads(
        &mut self,
        query: &RankQuery,
        watch: &dyn Watch,
    ) -> Result<Option<RankAnswer>, QueryError> {
        let heads = self.card.spec.heads;
        let mut items: Vec<Interesting> = Vec::with_capacity(heads);
        for head in 0..heads {
            let asked = PairsQuery {
                convention: Default::default(),
                form: Form::Vo,
                layer: query.layer,
                head,
                distance: 0,
                end: End::Highest,
                k: TOP,
                filters: Filters {
                    exclude_same: false,
                    exclude_similar: false,
                    ..query.filters.clone()
                },
            };
            let Some(found) = self.pairs(&asked, &Quiet(watch))? else {
                return Ok(None);
            };
            let figure = match query.by {
                Interest::Copying => {
                    // Kept since the pairs were found.
                    let Some(factors) = self.factors(&asked, &Quiet(watch))? else {
                        return Ok(None);
                    };
                    copying(&factors.a, &factors.b).unwrap_or(f32::NAN)
                }
                _ => {
                    let vocabulary = &self.card.vocabulary;
                    let same = |pair: &&Pair| vocabulary.same(pair.from, pair.to);
                    let same = found.pairs.iter().filter(same).count();
                    same as f32 / found.pairs.len().max(1) as f32
                }
            };
            let best = &found.pairs[..found.pairs.len().min(WORDS)];
            items.push(Interesting {
                item: head,
                figure,
                key: best.iter().map(|pair| pair.from).collect(),
                value: best.iter().map(|pair| pair.to).collect(),
            });
            let done = (head + 1) as f32 / heads as f32;
            let mut ranked = items.clone();
            super::rank::sort(&mut ranked);
            ranked.truncate(query.count);
            let answer = RankAnswer {
                items: ranked,
                done,
            };
            if head + 1 == heads {
                return Ok(Some(answer));
            }
            watch.improved(Answer::Rank(answer));
        }
        Ok(Some(RankAnswer {
            items: Vec::new(),
            done: 1.0,
        }))
    }
}
