//! A layer's neurons or heads ranked by figures of the weights; by lists see [`Ranking`].

use std::mem;
use std::sync::Arc;

use rayon::prelude::*;

use super::ranking::{of_head, of_neuron, ranked, top_lists, top_pairs};
use super::{RankAnswer, RankMetric, RankQuery, RankedItem, cache};
use crate::checkpoint::Matrix;
use crate::projection::{End, Rows, copying, embedding_gram, product};
use crate::query::pairs::directions;
use crate::query::reader::Reader;
use crate::query::reader::convention::Side;
use crate::query::{Address, Answer, Callbacks, PairsQuery, QueryError};
use crate::task::Cancelled;
use crate::transformer::{Form, Input, SublayerAt};
use crate::vocabulary::Filters;

/// Products of two embeddings that are kept: those of both forms under one convention.
const CROSSES: usize = 2;

/// A product of two embeddings over the vocabulary, `E_rightᵀ·E_left`.
pub(in crate::query) struct EmbeddingGram {
    left: Arc<Rows>,
    right: Arc<Rows>,
    product: Arc<Matrix>,
}

impl Reader {
    pub(in crate::query) fn rank(
        &mut self,
        query: &RankQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        let layer = query.layer;
        self.card.check(match query.by.of_heads() {
            true => Address::Head {
                layer,
                head: 0,
                form: None,
            },
            false => Address::Neuron { layer, neuron: 0 },
        })?;
        // Of each head the factors are asked for once.
        let once = query.by.of_heads() && !query.by.of_weights();
        let heads = if once { 0 } else { self.factors.heads };
        let heads = mem::replace(&mut self.factors.heads, heads);
        let answer = self.ranked(query, callbacks);
        self.factors.heads = heads;
        let answer = answer?;
        if answer.items.is_empty() && query.count > 0 {
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
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        match (query.by, query.by.form()) {
            (RankMetric::Norm, _) => self.rank_by_norm(query, callbacks),
            (RankMetric::Kurtosis | RankMetric::Outliers, _) => {
                self.rank_by_score_shape(query, callbacks)
            }
            (RankMetric::InputOutput(class), _) => {
                self.rank_by_input_output(query, class, callbacks)
            }
            (RankMetric::Copying | RankMetric::Matching, Some(form)) => {
                self.rank_by_eigenvalues(query, form, callbacks)
            }
            (RankMetric::PreviousToken | RankMetric::Induction, Some(form)) => {
                self.rank_by_attention(query, form, callbacks)
            }
            (RankMetric::Relation(relation), _) => {
                self.rank_by_relation(query, relation, callbacks)
            }
            _ => {
                let file = self.ranking_file(query, callbacks)?;
                if let Some(kept) = file.as_deref().and_then(cache::kept) {
                    return Ok(kept);
                }
                let mut ranking = std::mem::take(&mut self.ranking);
                let answer = ranking.rank(self, query, callbacks);
                self.ranking = ranking;
                if let (Some(file), Ok(answer)) = (&file, &answer) {
                    cache::keep(file, answer);
                }
                answer
            }
        }
    }

    /// The lengths first, then the lists of the longest only.
    fn rank_by_norm(
        &mut self,
        query: &RankQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        let all = 0..self.card.spec.neurons_in(query.layer);
        self.weights.bring_neurons(
            query.layer,
            all.clone(),
            Input::Gate,
            callbacks.without_partial(),
        )?;
        let values = self.weights.values(query.layer, all.clone())?;
        let at = SublayerAt::feed_forward(query.layer);
        let values = self.folded(query.convention, at, Side::Writes, values)?;
        let norm = |n: usize| {
            let squares = values.row(n).iter().map(|&x| f64::from(x).powi(2));
            squares.sum::<f64>().sqrt() as f32
        };
        let figures = all.map(norm).collect();
        self.neurons_by(query, figures, callbacks)
    }

    /// The neurons of the largest figures, given one for each, with their lists.
    pub(super) fn neurons_by(
        &mut self,
        query: &RankQuery,
        figures: Vec<f32>,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        let figures = figures.into_iter().enumerate();
        let items = figures.map(|(n, figure)| of_head(n, figure, &[])).collect();
        let mut answer = ranked(items, query.count, 1.0);
        let best: Vec<usize> = answer.items.iter().map(|n| n.item).collect();
        let lists = top_lists(self, query, &best, callbacks)?;
        for (neuron, lists) in answer.items.iter_mut().zip(&lists) {
            *neuron = of_neuron(query, neuron.item, neuron.figure, lists);
        }
        Ok(answer)
    }

    /// How much a form keeps what it is given, over the whole vocabulary; then the words of the
    /// best, if any are asked for.
    fn rank_by_eigenvalues(
        &mut self,
        query: &RankQuery,
        form: Form,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        let heads = self.card.spec.heads_in(query.layer);
        for head in 0..heads {
            self.weights
                .bring_form(form, query.layer, head, callbacks.without_partial())?;
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
            return self.rank_by_factors(query, &asked, callbacks);
        }
        let cross = self.embedding_gram(&asked, callbacks)?;
        let mut forms = Vec::with_capacity(heads);
        for head in 0..heads {
            let weights = self.weights.form(form, query.layer, head, 0)?;
            forms.push(self.projected_form(&asked, weights, callbacks)?);
        }
        let judge = |head: usize| {
            callbacks.cancel.check()?;
            let weights = &forms[head];
            let figure = copying(&product(&cross, &weights.left), &weights.right);
            Ok(of_head(head, figure.unwrap_or(f32::NAN), &[]))
        };
        let items: Result<_, Cancelled> = (0..heads).into_par_iter().map(judge).collect();
        self.ranked_with_words(items?, query, form, callbacks)
    }

    /// The same where queries and keys go through norms, head by head: no product of weights has
    /// the form then.
    fn rank_by_factors(
        &mut self,
        query: &RankQuery,
        asked: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        let heads = self.card.spec.heads_in(query.layer);
        let mut items = Vec::with_capacity(heads);
        for head in 0..heads {
            let asked = PairsQuery {
                head,
                ..asked.clone()
            };
            let factors = self.bare_factors(&asked, callbacks)?;
            let figure = copying(&factors.a, &factors.b);
            items.push(of_head(head, figure.unwrap_or(f32::NAN), &[]));
        }
        self.ranked_with_words(items, query, asked.form, callbacks)
    }

    pub(super) fn ranked_with_words(
        &mut self,
        items: Vec<RankedItem>,
        query: &RankQuery,
        form: Form,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        let answer = ranked(items, query.count, 1.0);
        match query.words {
            0 => Ok(answer),
            _ => self.with_words(answer, query, form, callbacks),
        }
    }

    /// The same with the words of the heads' best pairs, the best heads first.
    fn with_words(
        &mut self,
        mut answer: RankAnswer,
        query: &RankQuery,
        form: Form,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        for at in 0..answer.items.len() {
            answer.done = at as f32 / answer.items.len() as f32;
            callbacks.partial(Answer::Rank(answer.clone()));
            let RankedItem { item, figure, .. } = answer.items[at];
            let pairs = top_pairs(self, query, form, item, callbacks)?;
            let some = pairs.len().min(query.words);
            answer.items[at] = of_head(item, figure, &pairs[..some]);
        }
        answer.done = 1.0;
        Ok(answer)
    }

    /// What the two sides of a form have in common over the vocabulary, `E_rightᵀ·E_left`; the last
    /// of a convention are kept.
    fn embedding_gram(
        &mut self,
        query: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<Arc<Matrix>, QueryError> {
        let at = SublayerAt::attention(query.layer);
        let [of_left, of_right] = directions(query);
        let left = self.rows(query.convention, at, of_left, callbacks)?;
        let right = self.rows(query.convention, at, of_right, callbacks)?;
        let of = |cross: &&EmbeddingGram| {
            Arc::ptr_eq(&cross.left, &left) && Arc::ptr_eq(&cross.right, &right)
        };
        if let Some(known) = self.crosses.iter().find(of) {
            return Ok(Arc::clone(&known.product));
        }
        let product = Arc::new(embedding_gram(&right, &left, callbacks.cancel)?);
        self.crosses.push(EmbeddingGram {
            left,
            right,
            product: Arc::clone(&product),
        });
        if self.crosses.len() > CROSSES {
            self.crosses.remove(0);
        }
        Ok(product)
    }
}
