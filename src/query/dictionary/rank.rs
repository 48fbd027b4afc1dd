//! Directions ranked by the measures of neurons.

use std::sync::Arc;

use super::{DictionaryAnswer, DictionaryFound, DictionaryQuery, OpenDictionary};
use crate::checkpoint::DictionarySide;
use crate::query::answering::Callbacks;
use crate::query::rank::{Judged, judge, of_neuron, ranked, standardise};
use crate::query::reader::Reader;
use crate::query::{
    Answer, Convention, NeuronAnswer, QueryError, RankAnswer, RankMetric, RankQuery, RankedItem,
};
use rayon::prelude::*;

use super::DirectionColumns;
use super::find::windows;

/// Directions whose lists are made together.
const BATCH: usize = 256;

/// What they are ranked by.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) by: RankMetric,
    pub(super) count: usize,
    pub(super) words: usize,
}

impl Wanted {
    /// As of the neurons of a layer: the measures are theirs.
    fn as_of_neurons(self, query: &DictionaryQuery) -> RankQuery {
        RankQuery {
            layer: 0,
            by: self.by,
            count: self.count,
            words: self.words,
            filters: query.filters.clone(),
            convention: Convention::RAW,
            likely: false,
        }
    }
}

fn columns(of: DirectionColumns) -> NeuronAnswer {
    NeuronAnswer {
        columns: of.columns,
        bias: None,
        passing: of.passing,
        rows: of.rows,
    }
}

impl Reader {
    pub(super) fn rank_directions(
        &mut self,
        open: &mut OpenDictionary,
        query: &DictionaryQuery,
        wanted: Wanted,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        let both = open.file.has(DictionarySide::Reads) && open.file.has(DictionarySide::Writes);
        if wanted.by == RankMetric::Overlap && !both {
            return Err(QueryError::Other(format!(
                "{}: overlap is of what is read and what is written, and it has one of the two: rank \
                 by norm, z or stem",
                open.card.name
            )));
        }
        if wanted.by == RankMetric::Norm {
            return self.rank_by_length(open, query, wanted, callbacks);
        }
        let neurons = wanted.as_of_neurons(query);
        let count = open.file.len();
        let mut judged: Vec<Judged> = Vec::with_capacity(count);
        for start in (0..count).step_by(BATCH) {
            let some: Vec<usize> = (start..count.min(start + BATCH)).collect();
            let lists = self.direction_lists(open, query, &some, RankMetric::TOP, callbacks)?;
            let vocabulary = &self.card.vocabulary;
            let lists: Vec<NeuronAnswer> = lists.into_iter().map(columns).collect();
            let of = some.par_iter().zip(&lists);
            judged.par_extend(of.map(|(&row, list)| judge(&neurons, row, list, vocabulary)));
            if wanted.by == RankMetric::Z {
                standardise(&mut judged);
            }
            let done = judged.len() as f32 / count as f32;
            if done < 1.0 {
                let items = judged.iter().map(|j| j.item.clone()).collect();
                callbacks.partial(Answer::Dictionary(DictionaryAnswer {
                    card: Arc::clone(&open.card),
                    found: DictionaryFound::Ranked(ranked(items, wanted.count, done)),
                }));
            }
        }
        let items = judged.into_iter().map(|j| j.item).collect();
        Ok(ranked(items, wanted.count, 1.0))
    }

    /// The lengths of decoder rows first (of encoder rows, where there is no decoder), then the words
    /// of the longest only.
    fn rank_by_length(
        &mut self,
        open: &mut OpenDictionary,
        query: &DictionaryQuery,
        wanted: Wanted,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        let side = match open.file.has(DictionarySide::Writes) {
            true => DictionarySide::Writes,
            false => DictionarySide::Reads,
        };
        let mut items = Vec::with_capacity(open.file.len());
        for some in windows(open.file.len(), self.card.spec.d_model) {
            callbacks.cancel.check()?;
            let first = some.start;
            let rows = open.file.rows(side, some)?;
            let length = |i: usize| {
                let squares = rows.row(i).iter().map(|&x| f64::from(x).powi(2));
                squares.sum::<f64>().sqrt() as f32
            };
            items.extend((0..rows.rows()).map(|i| RankedItem {
                item: first + i,
                figure: length(i),
                key: Vec::new(),
                value: Vec::new(),
                proven: true,
            }));
        }
        let mut answer = ranked(items, wanted.count, 1.0);
        let longest: Vec<usize> = answer.items.iter().map(|of| of.item).collect();
        let lists = self.direction_lists(open, query, &longest, RankMetric::TOP, callbacks)?;
        let neurons = wanted.as_of_neurons(query);
        for (item, list) in answer.items.iter_mut().zip(lists) {
            *item = of_neuron(&neurons, item.item, item.figure, &columns(list));
        }
        Ok(answer)
    }
}
