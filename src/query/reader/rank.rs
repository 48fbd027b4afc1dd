//! A layer's neurons or heads ranked by figures of the weights; by lists see [`Ranking`].

use std::sync::Arc;

use rayon::prelude::*;

use super::super::answering::{Fetch, Watch, arrived};
use super::super::rank::{Interest, Interesting, RankAnswer, RankQuery};
use super::super::ranking::{of_head, of_neuron, ranked, top_lists, top_pairs};
use super::super::{Answer, QueryError};
use super::{Reader, rank_cache};
use crate::checkpoint::Matrix;
use crate::projection::{copying, cross, product};
use crate::transformer::{Form, Input};

impl Reader {
    pub(super) fn rank(
        &mut self,
        query: &RankQuery,
        watch: &dyn Watch,
    ) -> Result<Option<RankAnswer>, QueryError> {
        let answer = self.ranked(query, watch)?;
        if answer.as_ref().is_some_and(|a| a.items.is_empty()) && query.count > 0 {
            return Err(QueryError::Nothing {
                model: self.card.name.clone(),
                what: format!(
                    "nothing in layer {} has a figure by {}: its weights are all zeros, or no numbers \
                     in single precision",
                    query.layer, query.by
                ),
            });
        }
        Ok(answer)
    }

    fn ranked(
        &mut self,
        query: &RankQuery,
        watch: &dyn Watch,
    ) -> Result<Option<RankAnswer>, QueryError> {
        match (query.by, query.by.form()) {
            (Interest::Norm, _) => self.rank_by_norm(query, watch),
            (Interest::Copying | Interest::Matching, Some(form)) => {
                self.rank_by_eigenvalues(query, form, watch)
            }
            _ => {
                let Some(file) = self.ranking_file(query, watch)? else {
                    return Ok(None);
                };
                if let Some(kept) = file.as_deref().and_then(rank_cache::kept) {
                    return Ok(Some(kept));
                }
                let mut ranking = std::mem::take(&mut self.ranking);
                let answer = ranking.rank(self, query, watch);
                self.ranking = ranking;
                if let (Some(file), Ok(Some(answer))) = (&file, &answer) {
                    rank_cache::keep(file, answer);
                }
                answer
            }
        }
    }

    /// The lengths first, then the lists of the longest only.
    fn rank_by_norm(
        &mut self,
        query: &RankQuery,
        watch: &dyn Watch,
    ) -> Result<Option<RankAnswer>, QueryError> {
        let all = 0..self.card.spec.neurons;
        let brought =
            self.weights
                .bring_neurons(query.layer, all.clone(), Input::Gate, &Fetch(watch));
        if !arrived(brought)? {
            return Ok(None);
        }
        let values = self.weights.values(query.layer, all.clone())?;
        let norm = |n: usize| {
            let squares = values.row(n).iter().map(|&x| f64::from(x).powi(2));
            squares.sum::<f64>().sqrt() as f32
        };
        let items = all.map(|n| of_head(n, norm(n), &[])).collect();
        let mut answer = ranked(items, query.count, 1.0);
        let longest: Vec<usize> = answer.items.iter().map(|n| n.item).collect();
        let Some(lists) = top_lists(self, query, &longest, watch)? else {
            return Ok(None);
        };
        for (neuron, lists) in answer.items.iter_mut().zip(&lists) {
            *neuron = of_neuron(query, neuron.item, neuron.figure, lists);
        }
        Ok(Some(answer))
    }

    /// How much a form keeps what it is given, over the whole vocabulary; then the words of the
    /// best, if any are asked for.
    fn rank_by_eigenvalues(
        &mut self,
        query: &RankQuery,
        form: Form,
        watch: &dyn Watch,
    ) -> Result<Option<RankAnswer>, QueryError> {
        let heads = self.card.spec.heads;
        for head in 0..heads {
            let near = self
                .weights
                .bring_form(form, query.layer, head, &Fetch(watch));
            if !arrived(near)? {
                return Ok(None);
            }
        }
        let Some(cross) = self.cross(form, watch)? else {
            return Ok(None);
        };
        let judge = |head: usize| -> Result<Option<Interesting>, QueryError> {
            if !watch.wanted() {
                return Ok(None);
            }
            let weights = self.weights.form(form, query.layer, head, 0)?;
            let figure = copying(&product(&cross, &weights.left), &weights.right);
            Ok(Some(of_head(head, figure.unwrap_or(f32::NAN), &[])))
        };
        let items: Option<Vec<Interesting>> = (0..heads)
            .into_par_iter()
            .map(judge)
            .collect::<Result<Option<_>, _>>()?;
        let Some(items) = items else {
            return Ok(None);
        };
        let answer = ranked(items, query.count, 1.0);
        match query.words {
            0 => Ok(Some(answer)),
            _ => self.with_words(answer, query, form, watch),
        }
    }

    /// The same with the words of the heads' best pairs, the best heads first.
    fn with_words(
        &mut self,
        mut answer: RankAnswer,
        query: &RankQuery,
        form: Form,
        watch: &dyn Watch,
    ) -> Result<Option<RankAnswer>, QueryError> {
        for at in 0..answer.items.len() {
            answer.done = at as f32 / answer.items.len() as f32;
            watch.improved(Answer::Rank(answer.clone()));
            let Interesting { item, figure, .. } = answer.items[at];
            let Some(pairs) = top_pairs(self, query, (form, item), watch)? else {
                return Ok(None);
            };
            let some = pairs.len().min(query.words);
            answer.items[at] = of_head(item, figure, &pairs[..some]);
        }
        answer.done = 1.0;
        Ok(Some(answer))
    }

    /// What the two sides of a form have in common over the vocabulary, `E_rightᵀ·E_left`, made
    /// once; `None` if it was called off.
    fn cross(&mut self, form: Form, watch: &dyn Watch) -> Result<Option<Arc<Matrix>>, QueryError> {
        let right = match form {
            Form::Vo => &self.written,
            Form::Qk => &self.read,
        };
        let at = usize::from(!Arc::ptr_eq(&self.read, right));
        if self.crosses[at].is_none() {
            let made = cross(right, &self.read, &|| watch.wanted())?;
            self.crosses[at] = made.map(Arc::new);
        }
        Ok(self.crosses[at].clone())
    }
}
