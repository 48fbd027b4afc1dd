//! Neurons and heads by a measure: what is asked of a layer, and the rows of its list.

use super::choices::matches;
use super::{Choice, Overlay, Shown, State};
use crate::query::{Answer, Interest, Interesting, ModelCard, Query, RankAnswer, RankQuery};
use crate::vocabulary::Filters;

/// Neurons in the list.
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
    /// The neurons that were listed last.
    pub shown: Option<Shown>,
    /// Layers of the map of heads, of the strip and of the grid.
    pub layers: Vec<Shown>,
    /// Whether a random place is one of those that were ranked.
    pub draws: bool,
}

impl Default for Ranked {
    fn default() -> Self {
        Self {
            by: Interest::default(),
            heads_by: Interest::HEADS[0],
            shown: None,
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

    /// What the list of interesting neurons asks for, while it is on top.
    pub(super) fn rank_query(&self) -> Option<Query> {
        let open = matches!(self.list_on_top(), Some(Overlay::Interesting(_)));
        open.then(|| Query::Rank(self.rank_of(self.ranked.by, self.neurons.layer)))
    }

    /// The neurons that were ranked last and of which layer, and whether that is what is asked now.
    pub fn ranking(&self) -> Option<(&RankAnswer, usize, bool)> {
        let shown = self.ranked.shown.as_ref()?;
        match (&shown.query, &*shown.answer) {
            (Query::Rank(query), Answer::Rank(answer)) => {
                Some((answer, query.layer, self.wanted.contains(&shown.query)))
            }
            _ => None,
        }
    }

    /// Takes a ranking for whatever shows it.
    pub fn take_ranking(&mut self, shown: Shown) {
        if self.rank_query().as_ref() == Some(&shown.query) {
            self.ranked.shown = Some(shown.clone());
        }
        self.ranked.layers.retain(|old| old.query != shown.query);
        self.ranked.layers.push(shown);
    }

    /// The rows that have all of what is typed among their words.
    pub(super) fn interesting(&self, typed: &str) -> Vec<Choice<'_>> {
        let (Some(card), Some((answer, layer, true))) = (self.card(), self.ranking()) else {
            return Vec::new();
        };
        let found = answer.items.iter();
        found
            .filter(|neuron| matches(typed, &words(card, neuron)))
            .map(|neuron| Choice::Neuron { layer, neuron })
            .collect()
    }
}

fn words(card: &ModelCard, neuron: &Interesting) -> String {
    let words = neuron.key.iter().chain(&neuron.value);
    let mut text = format!("n{}", neuron.item);
    for &id in words {
        text += " ";
        text += &card.vocabulary.text(id);
    }
    text
}
