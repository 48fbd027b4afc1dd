//! Neurons and heads by a measure: what is asked of layers, and the rows of the list of neurons.

use super::choices::matches;
use super::{Choice, Overlay, Shown, State};
use crate::query::{Interest, Interesting, ModelCard, Query, RankAnswer, RankQuery};
use crate::vocabulary::Filters;

/// Neurons of a layer.
const COUNT: usize = 100;
/// Words of each side.
const WORDS: usize = 10;

/// What outlives the lists.
#[derive(Clone)]
pub struct Ranked {
    /// What neurons are ranked by.
    pub by: Interest,
    /// What heads are.
    pub heads_by: Interest,
    /// Whether the list is of the neurons of the layer one is in, and not of all.
    pub one_layer: bool,
    /// Whether the list was opened: from then on all layers are ranked when there is nothing else
    /// to do.
    pub opened: bool,
    /// Layers of the list, of the map of heads, of the strip and of the grid.
    pub layers: Vec<Shown>,
    /// Whether a random place is one of those that were ranked.
    pub draws: bool,
}

impl Default for Ranked {
    fn default() -> Self {
        Self {
            by: Interest::default(),
            heads_by: Interest::HEADS[0],
            one_layer: false,
            opened: false,
            layers: Vec::new(),
            draws: true,
        }
    }
}

impl State {
    /// What the neurons or heads of a layer by a measure are asked for with.
    pub fn rank_of(&self, by: Interest, layer: usize) -> RankQuery {
        let of_heads = by.of_heads();
        let heads = self.card().map_or(0, |card| card.spec.heads);
        RankQuery {
            convention: self.convention(),
            layer,
            by,
            count: if of_heads { heads } else { COUNT },
            // Pairs of heads take longer than figures of their weights.
            words: match of_heads && by.of_weights() {
                true => 0,
                false => WORDS,
            },
            filters: match of_heads && by.of_weights() {
                true => Filters::default(),
                false => Filters {
                    exclude_same: false,
                    exclude_similar: false,
                    ..self.filters.clone()
                },
            },
        }
    }

    /// What the list of interesting neurons asks for, while it is on top: all layers, the one that
    /// one is in first; of a model in parts that one only.
    pub(super) fn rank_queries(&self) -> Vec<Query> {
        if !matches!(self.list_on_top(), Some(Overlay::Interesting(_))) {
            return Vec::new();
        }
        let (by, layer) = (self.ranked.by, self.neurons.layer);
        match self.ranks_one_layer() {
            true => vec![Query::Rank(self.rank_of(by, layer))],
            false => self.all_layers(by, layer),
        }
    }

    /// Whether the list is of one layer.
    pub fn ranks_one_layer(&self) -> bool {
        self.ranked.one_layer || self.card().is_some_and(|card| card.remote)
    }

    /// The neurons of the list, the best first, with their layers.
    pub fn neurons_ranked(&self) -> Vec<(usize, &Interesting)> {
        let mut ranked = self.all_ranked(self.ranked.by);
        if self.ranks_one_layer() {
            ranked.retain(|(layer, _)| *layer == self.neurons.layer);
        }
        ranked
    }

    /// The share of the list's layers that is ranked.
    pub fn ranking_done(&self) -> f32 {
        let layers = self.ranked_layers(self.ranked.by);
        let done = |answer: &Option<&RankAnswer>| answer.map_or(0.0, |answer| answer.done);
        match self.ranks_one_layer() {
            true => layers.get(self.neurons.layer).map_or(0.0, done),
            false => layers.iter().map(done).sum::<f32>() / layers.len().max(1) as f32,
        }
    }

    /// Takes a ranking for whatever shows it.
    pub fn take_ranking(&mut self, shown: Shown) {
        self.ranked.layers.retain(|old| old.query != shown.query);
        self.ranked.layers.push(shown);
    }

    /// The rows that have all of what is typed among their words.
    pub(super) fn interesting(&self, typed: &str) -> Vec<Choice<'_>> {
        let Some(card) = self.card() else {
            return Vec::new();
        };
        let found = self.neurons_ranked().into_iter();
        found
            .filter(|(layer, neuron)| matches(typed, &words(card, *layer, neuron)))
            .map(|(layer, neuron)| Choice::Neuron { layer, neuron })
            .collect()
    }
}

fn words(card: &ModelCard, layer: usize, neuron: &Interesting) -> String {
    let words = neuron.key.iter().chain(&neuron.value);
    let mut text = format!("l{layer}.n{}", neuron.item);
    for &id in words {
        text += " ";
        text += &card.vocabulary.text(id);
    }
    text
}
