//! Neurons and heads by a measure: what is asked of layers, and what of it is known.

use std::collections::HashSet;

use crate::explorer::action::TabId;
use crate::explorer::state::{Chooser, State, matches};
use crate::query::{Address, ModelCard, Query, RankAnswer, RankMetric, RankQuery, RankedItem};
use crate::vocabulary::Filters;

/// Neurons of a layer.
const COUNT: usize = 100;

/// What outlives the lists.
#[derive(Clone)]
pub struct RankingState {
    /// What neurons are ranked by.
    pub by: RankMetric,
    /// What heads are.
    pub heads_by: RankMetric,
    /// What directions of a dictionary are: at first by what costs least.
    pub directions_by: RankMetric,
    /// Whether the list is of the neurons of the layer one is in, and not of all.
    pub one_layer: bool,
    /// Whether the list was opened: from then on all layers are ranked when there is nothing else
    /// to do.
    pub opened: bool,
    pub chooser: Chooser,
}

impl Default for RankingState {
    fn default() -> Self {
        Self {
            by: RankMetric::default(),
            heads_by: RankMetric::HEADS[0],
            directions_by: RankMetric::Norm,
            one_layer: false,
            opened: false,
            chooser: Chooser::default(),
        }
    }
}

/// What directions of a dictionary can be ranked by.
pub(super) const OF_DICTIONARY: [RankMetric; 4] = [
    RankMetric::Overlap,
    RankMetric::Norm,
    RankMetric::Z,
    RankMetric::Stem,
];

impl State {
    /// What the neurons or heads of a layer by a measure are asked for with.
    pub fn rank_of(&self, by: RankMetric, layer: usize) -> RankQuery {
        let of_heads = by.of_heads();
        let heads = self.card().map_or(0, |card| card.spec.heads);
        RankQuery {
            convention: self.convention(),
            layer,
            by,
            count: if of_heads { heads } else { COUNT },
            // Pairs of heads take longer than figures of their weights.
            words: match of_heads && by.of_weights() && !by.has_words() {
                true => 0,
                false => RankQuery::WORDS,
            },
            filters: match of_heads && by.of_weights() {
                true => Filters::default(),
                false => self.filters.per_token(),
            },
            likely: false,
        }
    }

    /// What the list asks for: all layers, the one that one is in first; of a model in parts that one
    /// only.
    pub(super) fn rank_queries(&self) -> Vec<Query> {
        if self.ranks_dictionary() {
            let query = self.dictionary_rank();
            return query.map(Query::Dictionary).into_iter().collect();
        }
        let (by, layer) = (self.views.ranking.by, self.views.neurons.layer);
        match self.ranks_one_layer() {
            true => vec![Query::Rank(self.rank_of(by, layer))],
            false => self.all_layers(by, layer),
        }
    }

    /// Whether the list is of a dictionary's directions, and not of the model's neurons.
    pub fn ranks_dictionary(&self) -> bool {
        self.tab == TabId::Dictionary
    }

    /// What the list is ranked by.
    pub fn ranked_by(&self) -> RankMetric {
        match self.ranks_dictionary() {
            true => self.views.ranking.directions_by,
            false => self.views.ranking.by,
        }
    }

    /// The place of a ranked neuron or direction.
    pub fn ranked_address(&self, layer: usize, item: &RankedItem) -> Address {
        match self.ranks_dictionary() {
            true => Address::Direction { row: item.item },
            false => self.named(Address::Neuron {
                layer,
                neuron: item.item,
            }),
        }
    }

    /// Whether the list is of one layer.
    pub fn ranks_one_layer(&self) -> bool {
        self.views.ranking.one_layer || self.is_in_parts()
    }

    /// How many a ranking of all layers holds: as many neurons as that of one layer, and all heads.
    pub fn length_of_ranking(&self, by: RankMetric) -> usize {
        let count = self.rank_of(by, 0).count;
        let layers = self.card().map_or(0, |card| card.spec.layers);
        if by.of_heads() { layers * count } else { count }
    }

    /// The neurons of the list, the best first, with their layers.
    pub fn neurons_ranked(&self) -> Vec<(usize, &RankedItem)> {
        if self.ranks_dictionary() {
            let items = self.dictionary_ranked().map(|ranked| &ranked.items[..]);
            let items = items.unwrap_or_default().iter();
            return items.map(|item| (0, item)).collect();
        }
        let mut ranked = self.all_ranked(self.views.ranking.by);
        if self.ranks_one_layer() {
            ranked.retain(|(layer, _)| *layer == self.views.neurons.layer);
        }
        ranked
    }

    /// The share of the list's layers that is ranked.
    pub fn ranking_done(&self) -> f32 {
        if self.ranks_dictionary() {
            return self.dictionary_ranked().map_or(0.0, |ranked| ranked.done);
        }
        let layers = self.ranked_layers(self.views.ranking.by);
        let done = |answer: &Option<&RankAnswer>| answer.map_or(0.0, |answer| answer.done);
        match self.ranks_one_layer() {
            true => layers.get(self.views.neurons.layer).map_or(0.0, done),
            false => layers.iter().map(done).sum::<f32>() / layers.len().max(1) as f32,
        }
    }

    /// The rows that have all of what is typed among their words.
    pub fn ranking_listed(&self) -> Vec<(usize, &RankedItem)> {
        let Some(card) = self.card() else {
            return Vec::new();
        };
        let typed = self.views.ranking.chooser.field.text();
        let found = self.neurons_ranked().into_iter();
        found
            .filter(|(layer, neuron)| {
                matches(
                    typed,
                    &words(card, self.ranked_address(*layer, neuron), neuron),
                )
            })
            .collect()
    }

    /// The layers by a measure, the nearest to `from` first; before them, where it takes seconds to
    /// prove the figures of heads, the figures that are likely.
    pub fn all_layers(&self, by: RankMetric, from: usize) -> Vec<Query> {
        let layers = self.card().map_or(0, |card| card.spec.layers);
        let mut order: Vec<usize> = (0..layers).collect();
        order.sort_by_key(|layer| layer.abs_diff(from));
        let has_any = |query: &RankQuery| self.card().is_some_and(|card| query.has_any(card));
        let queries = order.iter().map(|&l| self.rank_of(by, l));
        let queries: Vec<RankQuery> = queries.filter(has_any).collect();
        let card = self
            .card()
            .filter(|card| queries.iter().any(|q| q.has_likely(card)));
        let likely = card.map(|_| queries.iter().cloned().map(as_likely));
        let likely: Vec<RankQuery> = likely.into_iter().flatten().collect();
        likely.into_iter().chain(queries).map(Query::Rank).collect()
    }

    /// The rankings of layers by a measure that are known, one per layer; some may be of a part of
    /// their layer.
    pub fn ranked_layers(&self, by: RankMetric) -> Vec<Option<&RankAnswer>> {
        self.layers_like(&self.rank_of(by, 0))
    }

    fn layers_like(&self, alike: &RankQuery) -> Vec<Option<&RankAnswer>> {
        let layers = self.card().map_or(0, |card| card.spec.layers);
        let mut found = vec![None; layers];
        for shown in self.board.iter() {
            if let Some((query, answer)) = shown.of::<RankQuery>()
                && is_of(query, alike)
                && let Some(slot) = found.get_mut(query.layer)
            {
                *slot = Some(answer);
            }
        }
        found
    }

    /// All heads, or neurons, whose figures are known, with their layers, the best first; what is no
    /// number goes last.
    pub fn all_ranked(&self, by: RankMetric) -> Vec<(usize, &RankedItem)> {
        fn items<'s>(layers: &[Option<&'s RankAnswer>]) -> Vec<(usize, &'s RankedItem)> {
            let layers = layers.iter().enumerate();
            let items = layers.flat_map(|(layer, answer)| {
                let items = answer.map_or(&[][..], |answer| &answer.items);
                items.iter().map(move |item| (layer, item))
            });
            items.collect()
        }
        let mut heads = items(&self.ranked_layers(by));
        let proven: HashSet<(usize, usize)> = heads
            .iter()
            .map(|(layer, head)| (*layer, head.item))
            .collect();
        let likely = items(&self.layers_like(&as_likely(self.rank_of(by, 0))));
        let likely = likely.into_iter();
        heads.extend(likely.filter(|(layer, head)| !proven.contains(&(*layer, head.item))));
        let figure = |head: &RankedItem| match head.figure.is_nan() {
            true => f32::NEG_INFINITY,
            false => head.figure,
        };
        let place = |(layer, head): &(usize, &RankedItem)| (*layer, head.item);
        heads.sort_by(|a, b| {
            let by_figure = figure(b.1).total_cmp(&figure(a.1));
            by_figure.then_with(|| place(a).cmp(&place(b)))
        });
        heads
    }
}

/// The same by pairs that are likely the best.
fn as_likely(query: RankQuery) -> RankQuery {
    RankQuery {
        likely: true,
        ..query
    }
}

fn words(card: &ModelCard, address: Address, neuron: &RankedItem) -> String {
    let words = neuron.key.iter().chain(&neuron.value);
    let mut text = address.to_string().to_lowercase();
    for &id in words {
        text += " ";
        text += &card.vocabulary.text(id);
    }
    text
}

/// Whether two queries differ in their layers at most.
fn is_of(query: &RankQuery, alike: &RankQuery) -> bool {
    let RankQuery {
        layer: _,
        by,
        count,
        words,
        filters,
        convention,
        likely,
    } = query;
    (*by, *count, *words, *likely) == (alike.by, alike.count, alike.words, alike.likely)
        && (filters, convention) == (&alike.filters, &alike.convention)
}
