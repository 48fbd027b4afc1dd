//! In which directions words stand highest.

use std::ops::Range;
use std::sync::Arc;

use super::lists::SIDES;
use super::{DictionaryAnswer, DictionaryFound, DictionaryQuery, OpenDictionary};
use crate::checkpoint::{DictionarySide, Matrix};
use crate::projection::{
    LayerScores, ListRows, RankBy, RankSearch, RankedWanted, Role, Rows, Targets, TopHits,
};
use crate::query::answering::Callbacks;
use crate::query::reader::Reader;
use crate::query::{Answer, FindAnswer, QueryError, RoleHits};
use crate::vocabulary::Mask;

/// Numbers of the directions that are held at a time.
const CHUNK: usize = 1 << 23;
/// The share of a search by rank that the bounds of all are.
const SURVEY: f32 = 0.4;

/// What is looked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) words: &'a [String],
    pub(super) by: RankBy,
    pub(super) k: usize,
}

/// The rows of one side, and the words by them.
struct SearchedRows {
    side: DictionarySide,
    rows: Arc<Rows>,
    positions: Option<Arc<Rows>>,
    targets: Targets,
}

impl SearchedRows {
    fn list_rows<'a>(&'a self, mask: &'a Mask) -> ListRows<'a> {
        let (tokens, positions) = mask.passes.split_at(self.rows.len());
        ListRows {
            rows: &self.rows,
            flags: tokens,
            positions: self.positions.as_deref().map(|rows| (rows, positions)),
        }
    }

    fn roles(&self) -> [Role; 2] {
        match self.side {
            DictionarySide::Reads => [Role::K, Role::MinusK],
            DictionarySide::Writes => [Role::V, Role::MinusV],
        }
    }
}

/// The directions, so many at a time.
pub(super) fn windows(count: usize, width: usize) -> impl Iterator<Item = Range<usize>> {
    let step = (CHUNK / width.max(1)).max(1);
    (0..count)
        .step_by(step)
        .map(move |start| start..count.min(start + step))
}

impl Reader {
    pub(super) fn find_directions(
        &mut self,
        open: &mut OpenDictionary,
        query: &DictionaryQuery,
        wanted: Wanted<'_>,
        callbacks: Callbacks<'_>,
    ) -> Result<FindAnswer, QueryError> {
        let mask = self.mask(&query.filters, callbacks.cancel)?;
        let (tokens, matched) = self.tokens_of(wanted.words, &query.filters, &mask)?;
        let positions = self.with_positions(&query.filters)?;
        let has_output = self.card.has_output(query.convention);
        let mut answer = FindAnswer {
            tokens: tokens.clone(),
            matched,
            groups: Vec::new(),
            counted: open.file.len(),
            done: 0.0,
            exact: false,
        };
        let sides = SIDES
            .into_iter()
            .filter(|&side| open.file.has(side) && (side == DictionarySide::Reads || has_output));
        let sides: Vec<DictionarySide> = sides.collect();
        let share = 1.0 / sides.len().max(1) as f32;
        let mut exact = true;
        for side in sides {
            let rows = self.rows_of_side(open, side, (query.convention, false), callbacks)?;
            let with = match positions {
                true => {
                    let how = (query.convention, true);
                    Some(self.rows_of_side(open, side, how, callbacks)?)
                }
                false => None,
            };
            let searched = SearchedRows {
                side,
                targets: Targets::new(tokens.clone(), rows.pick(&tokens)?),
                rows,
                positions: with,
            };
            let before = answer.done;
            let mut report = |tops: [TopHits; 2], done: f32| {
                let mut so_far = answer.clone();
                so_far.groups.extend(tops.into_iter().map(group));
                so_far.done = before + share * done;
                callbacks.partial(Answer::Dictionary(DictionaryAnswer {
                    card: Arc::clone(&open.card),
                    found: DictionaryFound::Places(so_far),
                }));
            };
            let search = (query, wanted, &searched, &*mask);
            let mut of = open.clone();
            let (tops, ranked) = match wanted.by {
                RankBy::Rank => self.directions_by_rank(&mut of, search, &mut report, callbacks)?,
                RankBy::Score | RankBy::Cosine => (
                    self.directions_by_score(&mut of, search, &mut report, callbacks)?,
                    true,
                ),
            };
            exact &= ranked;
            answer.groups.extend(tops.into_iter().map(group));
            answer.done = before + share;
        }
        // K, V, −K, −V, as everywhere.
        answer
            .groups
            .sort_by_key(|group| Role::ALL.iter().position(|role| *role == group.role));
        (answer.done, answer.exact) = (1.0, exact);
        Ok(answer)
    }

    /// Bounds of all ranks first, then those that may be among the best; and whether all have one.
    fn directions_by_rank(
        &mut self,
        open: &mut OpenDictionary,
        (query, wanted, searched, mask): (&DictionaryQuery, Wanted<'_>, &SearchedRows, &Mask),
        report: &mut dyn FnMut([TopHits; 2], f32),
        callbacks: Callbacks<'_>,
    ) -> Result<([TopHits; 2], bool), QueryError> {
        let count = open.file.len();
        let most = RankedWanted {
            k: wanted.k,
            neurons: count,
        };
        let rows = searched.list_rows(mask);
        let mut ranks = RankSearch::new(rows, &searched.targets, searched.roles(), most)?;
        let width = self.card.spec.d_model;
        for some in windows(count, width) {
            let end = some.end;
            let chunk =
                self.directions_of(open, searched.side, some, query.convention, callbacks)?;
            ranks.survey(&chunk, callbacks.cancel)?;
            report(ranks.ends().clone(), SURVEY * end as f32 / count as f32);
        }
        ranks.count(callbacks.cancel)?;
        for some in windows(count, width) {
            let end = some.end;
            if !ranks.may_hold(0, some.clone()) {
                continue;
            }
            let chunk =
                self.directions_of(open, searched.side, some, query.convention, callbacks)?;
            ranks.search(&chunk, callbacks.cancel)?;
            let share = end as f32 / count as f32;
            report(ranks.ends().clone(), SURVEY + (1.0 - SURVEY) * share);
        }
        ranks.count(callbacks.cancel)?;
        Ok((ranks.ends().clone(), ranks.unranked() == 0))
    }

    /// All scores, and of the best the ranks.
    fn directions_by_score(
        &mut self,
        open: &mut OpenDictionary,
        (query, wanted, searched, mask): (&DictionaryQuery, Wanted<'_>, &SearchedRows, &Mask),
        report: &mut dyn FnMut([TopHits; 2], f32),
        callbacks: Callbacks<'_>,
    ) -> Result<[TopHits; 2], QueryError> {
        let count = open.file.len();
        let [mut high, mut low] = searched.roles().map(|role| TopHits::new(role, wanted.k));
        for some in windows(count, self.card.spec.d_model) {
            callbacks.cancel.check()?;
            let end = some.end;
            let chunk =
                self.directions_of(open, searched.side, some, query.convention, callbacks)?;
            let scores = LayerScores::of(&chunk, &searched.targets);
            scores.offer(&searched.targets, wanted.by, &mut high, &mut low);
            report([high.clone(), low.clone()], end as f32 / count as f32);
        }
        for (top, sign) in [(&mut high, 1.0), (&mut low, -1.0)] {
            let mut hits = top.best();
            let mut vectors = Vec::new();
            let mut biases = Vec::new();
            for hit in &hits {
                let own = hit.index..hit.index + 1;
                let chunk =
                    self.directions_of(open, searched.side, own, query.convention, callbacks)?;
                vectors.extend(chunk.vectors.data().iter().map(|x| x * sign));
                biases.extend(chunk.biases);
            }
            let vectors = Matrix::new(hits.len(), self.card.spec.d_model, vectors);
            let tokens: Vec<u32> = hits.iter().map(|hit| hit.token).collect();
            let ranks = searched
                .list_rows(mask)
                .ranks(&vectors, &tokens, callbacks.cancel)?;
            for ((hit, ranked), bias) in hits.iter_mut().zip(ranks).zip(biases) {
                let score = ranked.score + sign * bias.unwrap_or(0.0) + 0.0;
                hit.counted(score, ranked.rank, wanted.by);
            }
            top.replace(hits);
        }
        Ok([high, low])
    }
}

fn group(top: TopHits) -> RoleHits {
    RoleHits {
        role: top.role,
        hits: top.best(),
        gists: Vec::new(),
        by_layer: top.by_layer,
    }
}
