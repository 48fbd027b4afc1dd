//! A layer's neurons or heads ranked by figures of the weights; by lists see [`Ranking`].

use std::sync::Arc;

use rayon::prelude::*;

use super::super::answering::{Fetch, Watch, arrived};
use super::super::rank::{Interest, Interesting, RankAnswer, RankQuery};
use super::super::ranking::{of_head, of_neuron, ranked, top_lists, top_pairs};
use super::super::{Answer, PairsQuery, QueryError};
use super::convention::Flow;
use super::pairs::directions;
use super::{Reader, rank_cache};
use crate::checkpoint::Matrix;
use crate::projection::{End, Rows, copying, cross, product};
use crate::transformer::{Form, Half, Input};
use crate::vocabulary::Filters;

/// Products of two embeddings that are kept: those of both forms under one convention.
const CROSSES: usize = 2;

/// A product of two embeddings over the vocabulary, `E_rightᵀ·E_left`.
pub(super) struct Cross {
    left: Arc<Rows>,
    right: Arc<Rows>,
    product: Arc<Matrix>,
}

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
        let at = (query.layer, Half::FeedForward);
        let values = self.folded(query.convention, at, Flow::Written, values)?;
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
        let asked = PairsQuery {
            form,
            layer: query.layer,
            head: 0,
            distance: 0,
            end: End::Highest,
            k: 0,
            filters: Filters::default(),
            convention: query.convention,
        };
        if self.norms_of(&asked)?.is_some() {
            return self.rank_by_factors(query, &asked, watch);
        }
        let Some(cross) = self.cross(&asked, watch)? else {
            return Ok(None);
        };
        let mut forms = Vec::with_capacity(heads);
        for head in 0..heads {
            let weights = self.weights.form(form, query.layer, head, 0)?;
            match self.projected_form(&asked, weights, watch)? {
                Some(weights) => forms.push(weights),
                None => return Ok(None),
            }
        }
        let judge = |head: usize| -> Option<Interesting> {
            watch.wanted().then_some(())?;
            let weights = &forms[head];
            let figure = copying(&product(&cross, &weights.left), &weights.right);
            Some(of_head(head, figure.unwrap_or(f32::NAN), &[]))
        };
        let items: Option<Vec<Interesting>> = (0..heads).into_par_iter().map(judge).collect();
        match items {
            Some(items) => self.ranked_with_words(items, query, form, watch),
            None => Ok(None),
        }
    }

    /// The same where queries and keys go through norms, head by head: no product of weights has
    /// the form then.
    fn rank_by_factors(
        &mut self,
        query: &RankQuery,
        asked: &PairsQuery,
        watch: &dyn Watch,
    ) -> Result<Option<RankAnswer>, QueryError> {
        let mut items = Vec::with_capacity(self.card.spec.heads);
        for head in 0..self.card.spec.heads {
            let asked = PairsQuery {
                head,
                ..asked.clone()
            };
            let Some(factors) = self.bare_factors(&asked, watch)? else {
                return Ok(None);
            };
            let figure = copying(&factors.a, &factors.b);
            items.push(of_head(head, figure.unwrap_or(f32::NAN), &[]));
        }
        self.ranked_with_words(items, query, asked.form, watch)
    }

    fn ranked_with_words(
        &mut self,
        items: Vec<Interesting>,
        query: &RankQuery,
        form: Form,
        watch: &dyn Watch,
    ) -> Result<Option<RankAnswer>, QueryError> {
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

    /// What the two sides of a form have in common over the vocabulary, `E_rightᵀ·E_left`; the last
    /// of a convention are kept. `None` if it was called off.
    fn cross(
        &mut self,
        query: &PairsQuery,
        watch: &dyn Watch,
    ) -> Result<Option<Arc<Matrix>>, QueryError> {
        let at = (query.layer, Half::Attention);
        let mut sides = Vec::with_capacity(2);
        for flow in directions(query) {
            match self.rows(query.convention, at, flow, watch)? {
                Some(rows) => sides.push(rows),
                None => return Ok(None),
            }
        }
        let [left, right] = &sides[..] else {
            return Ok(None);
        };
        let of =
            |cross: &&Cross| Arc::ptr_eq(&cross.left, left) && Arc::ptr_eq(&cross.right, right);
        if let Some(known) = self.crosses.iter().find(of) {
            return Ok(Some(Arc::clone(&known.product)));
        }
        let Some(made) = cross(right, left, &|| watch.wanted())? else {
            return Ok(None);
        };
        let product = Arc::new(made);
        self.crosses.push(Cross {
            left: Arc::clone(left),
            right: Arc::clone(right),
            product: Arc::clone(&product),
        });
        if self.crosses.len() > CROSSES {
            self.crosses.remove(0);
        }
        Ok(Some(product))
    }
}
