//! Neurons by rank, score or cosine at the tokens that are looked up.

use std::ops::Range;

use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::{
    LayerScores, RankBy, RankSearch, RankedWanted, Role, TopHits, VectorChunk, layer_scores,
};
use crate::query::answering::Callbacks;
use crate::query::convention::Switch;
use crate::query::{NeuronQuery, QueryError};
use crate::transformer::{Dictionary, SublayerAt};

use super::{FindResults, Search, SearchedSide};
use crate::query::neuron::to_unit;
use crate::query::reader::Reader;
use crate::query::reader::convention::Side;

/// Numbers of the vectors that are held at a time.
const CHUNK: usize = 1 << 23;
/// And neurons at least.
const CHUNK_MIN: usize = 256;
/// Neurons that a task reads.
const READ: usize = 256;
/// The share of a search by rank that the bounds of all are.
const SURVEY: f32 = 0.4;

impl Reader {
    pub(super) fn through_neurons(
        &mut self,
        search: &Search<'_>,
        found: &mut FindResults,
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        match search.query.by {
            RankBy::Rank => return self.by_rank(search, found, callbacks),
            RankBy::Score | RankBy::Cosine
                if search.query.convention.is_raw() && self.card.spec.first_experts().is_none() =>
            {
                self.as_they_lie(search, found, callbacks)?
            }
            RankBy::Score | RankBy::Cosine => self.as_projected(search, found, callbacks)?,
        }
        for top in found.tops.iter_mut().filter(|top| !top.role.is_of_heads()) {
            self.count(search, top, callbacks)?;
        }
        found.counted = search.query.k.min(self.card.spec.all_neurons());
        Ok(())
    }

    /// All ranks, or that they are not among the best: bounds of all first, and with the least of
    /// them a first answer; then all whose bounds do not keep them out.
    fn by_rank(
        &mut self,
        search: &Search<'_>,
        found: &mut FindResults,
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        let neurons = self.card.spec.most_neurons();
        let mut before = 0;
        let of = |side, roles| {
            let (rows, k) = (search.list_rows(side), search.query.k);
            RankSearch::new(rows, &side.targets, roles, RankedWanted { k, neurons })
        };
        let mut ranks = [
            of(&search.read, [Role::K, Role::MinusK])?,
            of(&search.written, [Role::V, Role::MinusV])?,
        ];
        // A layer with experts may have more neurons than others in all their layers: it is told of
        // before all of it is looked at.
        let mut looked_at = 0_usize;
        for layer in 0..search.layers {
            let neurons = self.card.spec.neurons_in(layer);
            for some in self.chunks_of_layer(layer) {
                for (ranks, vectors) in ranks.iter_mut().zip(kinds(search)) {
                    let chunk = self.chunk(search, (layer, some.clone()), vectors, callbacks)?;
                    ranks.survey(&chunk, callbacks.cancel)?;
                }
                looked_at += 1;
                if looked_at.is_power_of_two() && some.end < neurons {
                    counted(&mut ranks, found, callbacks)?;
                    let share = layer as f32 + some.end as f32 / neurons as f32;
                    search.report(found, callbacks, SURVEY * share);
                }
            }
            let last = layer + 1 == search.layers;
            if last || (layer + 1).is_power_of_two() {
                counted(&mut ranks, found, callbacks)?;
            }
            if last {
                self.gists(search, found, callbacks)?;
            }
            search.report(found, callbacks, SURVEY * (layer + 1) as f32);
        }
        let surveyed = SURVEY * search.layers as f32;
        for layer in 0..search.layers {
            for some in self.chunks_of_layer(layer) {
                for (ranks, vectors) in ranks.iter_mut().zip(kinds(search)) {
                    if !ranks.may_hold(layer, some.clone()) {
                        continue;
                    }
                    let chunk = self.chunk(search, (layer, some.clone()), vectors, callbacks)?;
                    ranks.search(&chunk, callbacks.cancel)?;
                }
                let share = some.end as f32 / self.card.spec.neurons_in(layer) as f32;
                let share = layer as f32 + share;
                found.counted = before + some.end;
                found.take(&ranks);
                search.report(found, callbacks, surveyed + (1.0 - SURVEY) * share);
            }
            before += self.card.spec.neurons_in(layer);
        }
        counted(&mut ranks, found, callbacks)?;
        let unranked = ranks.iter().map(RankSearch::unranked).max();
        found.counted -= unranked.unwrap_or(0);
        found.exact = unranked == Some(0);
        Ok(())
    }

    /// By score or cosine, from the weights in the order in which the file has them.
    fn as_they_lie(
        &self,
        search: &Search<'_>,
        found: &mut FindResults,
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        for layer in 0..search.layers {
            callbacks.cancel.check()?;
            for vectors in kinds(search) {
                let side = search.side(vectors);
                let scores = layer_scores(&self.weights, layer, vectors, &side.targets)?;
                found.offer(search, vectors, &scores);
            }
            search.report(found, callbacks, (layer + 1) as f32);
        }
        Ok(())
    }

    /// The same under a convention, or of experts, some at a time.
    fn as_projected(
        &mut self,
        search: &Search<'_>,
        found: &mut FindResults,
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        for layer in 0..search.layers {
            for some in self.chunks_of_layer(layer) {
                for vectors in kinds(search) {
                    let chunk = self.chunk(search, (layer, some.clone()), vectors, callbacks)?;
                    let scores = LayerScores::of(&chunk, &search.side(vectors).targets);
                    found.offer(search, vectors, &scores);
                }
                let neurons = self.card.spec.neurons_in(layer).max(1);
                let share = layer as f32 + some.end as f32 / neurons as f32;
                search.report(found, callbacks, share);
            }
        }
        Ok(())
    }

    /// Neurons of a layer that are looked at together.
    fn chunks_of_layer(&self, layer: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let neurons = self.card.spec.neurons_in(layer);
        let step = (CHUNK / self.card.spec.d_model.max(1)).max(CHUNK_MIN);
        let starts = (0..neurons).step_by(step);
        starts.map(move |start| start..neurons.min(start + step))
    }

    /// Keys or values of some neurons as they are projected.
    fn chunk(
        &mut self,
        search: &Search<'_>,
        (layer, neurons): (usize, Range<usize>),
        vectors: Dictionary,
        callbacks: Callbacks<'_>,
    ) -> Result<VectorChunk, QueryError> {
        let convention = search.query.convention;
        let first = neurons.start;
        let read = self.read_vectors(layer, neurons, vectors, callbacks)?;
        let biased = convention.adds() && vectors != Dictionary::Values;
        let mut biases = match biased {
            true => self.biases(&search.neuron(layer, first), &read)?,
            false => vec![None; read.rows()],
        };
        let (at, side) = (SublayerAt::feed_forward(layer), side(vectors));
        let mut vectors = self.projected(convention, at, side, read, callbacks)?;
        if convention.has(Switch::Cosine) {
            to_unit(&mut vectors, &mut biases);
        }
        Ok(VectorChunk {
            layer,
            first,
            vectors,
            biases,
        })
    }

    /// Keys or values of some neurons, `[n, d_model]`, on all threads.
    fn read_vectors(
        &self,
        layer: usize,
        neurons: Range<usize>,
        vectors: Dictionary,
        callbacks: Callbacks<'_>,
    ) -> Result<Matrix, QueryError> {
        let starts: Vec<usize> = neurons.clone().step_by(READ).collect();
        let read = |start: usize| {
            callbacks.cancel.check()?;
            let some = start..neurons.end.min(start + READ);
            match vectors {
                Dictionary::Keys(input) => self.weights.keys(layer, some, input),
                Dictionary::Values => self.weights.values(layer, some),
            }
            .map_err(QueryError::from)
        };
        let parts = starts
            .into_par_iter()
            .map(read)
            .collect::<Result<Vec<Matrix>, _>>()?;
        let mut data = Vec::with_capacity(neurons.len() * self.card.spec.d_model);
        parts
            .iter()
            .for_each(|part| data.extend_from_slice(part.data()));
        Ok(Matrix::new(neurons.len(), self.card.spec.d_model, data))
    }

    /// Counts the ranks of a kind's best, and gives them the scores of their lists.
    fn count(
        &mut self,
        search: &Search<'_>,
        top: &mut TopHits,
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        let mut hits = top.best();
        let (of_keys, sign) = match top.role {
            Role::K => (true, 1.0),
            Role::MinusK => (true, -1.0),
            Role::MinusV => (false, -1.0),
            _ => (false, 1.0),
        };
        let queries = hits.iter().map(|hit| search.neuron(hit.layer, hit.index));
        let queries: Vec<NeuronQuery> = queries.collect();
        let read = self.vectors(&queries, callbacks)?;
        let (mut vectors, side) = match of_keys {
            true => (read.keys, &search.read),
            false => (read.values, &search.written),
        };
        vectors.data_mut().iter_mut().for_each(|x| *x *= sign);
        let tokens: Vec<u32> = hits.iter().map(|hit| hit.token).collect();
        let rows = search.list_rows(side);
        let ranks = rows.ranks(&vectors, &tokens, callbacks.cancel)?;
        for ((hit, ranked), bias) in hits.iter_mut().zip(ranks).zip(read.biases) {
            let bias = bias.filter(|_| of_keys).unwrap_or(0.0);
            let score = ranked.score + sign * bias + 0.0;
            hit.counted(score, ranked.rank, search.query.by);
        }
        top.replace(hits);
        Ok(())
    }
}

/// Counts the ranks of those that may be among the best so far, and takes them.
fn counted(
    ranks: &mut [RankSearch<'_>; 2],
    found: &mut FindResults,
    callbacks: Callbacks<'_>,
) -> Result<(), QueryError> {
    for ranks in ranks.iter_mut() {
        ranks.count(callbacks.cancel)?;
    }
    found.take(ranks);
    Ok(())
}

impl Search<'_> {
    fn side(&self, vectors: Dictionary) -> &SearchedSide {
        match vectors {
            Dictionary::Keys(_) => &self.read,
            Dictionary::Values => &self.written,
        }
    }

    /// The query of a neuron's lists.
    pub(super) fn neuron(&self, layer: usize, neuron: usize) -> NeuronQuery {
        NeuronQuery {
            layer,
            neuron,
            input: self.query.input,
            k: 1,
            filters: self.query.filters.clone(),
            convention: self.query.convention,
        }
    }
}

impl FindResults {
    /// Takes what is known of the ranks of keys and of values.
    fn take(&mut self, ranks: &[RankSearch<'_>; 2]) {
        let ends = ranks.iter().flat_map(RankSearch::ends);
        for end in ends {
            if let Some(top) = self.tops.iter_mut().find(|top| top.role == end.role) {
                *top = end.clone();
            }
        }
    }

    fn offer(&mut self, search: &Search<'_>, vectors: Dictionary, scores: &LayerScores) {
        let at = match vectors {
            Dictionary::Keys(_) => [0, 2],
            Dictionary::Values => [1, 3],
        };
        if let Ok([highest, lowest]) = self.tops.get_disjoint_mut(at) {
            let targets = &search.side(vectors).targets;
            scores.offer(targets, search.query.by, highest, lowest);
        }
    }
}

fn kinds(search: &Search<'_>) -> [Dictionary; 2] {
    [Dictionary::Keys(search.query.input), Dictionary::Values]
}

fn side(vectors: Dictionary) -> Side {
    match vectors {
        Dictionary::Keys(_) => Side::Reads,
        Dictionary::Values => Side::Writes,
    }
}
