//! The interesting neurons of a layer: what is asked, and the rows of the list.

use super::choices::matches;
use super::{Choice, Overlay, Shown, State};
use crate::query::{Answer, Interest, Interesting, ModelCard, Query, RankAnswer, RankQuery};
use crate::vocabulary::Filters;

/// Neurons in the list.
const COUNT: usize = 100;

/// What outlives the list.
#[derive(Clone, Default)]
pub struct Ranked {
    pub by: Interest,
    pub shown: Option<Shown>,
    /// Whether a random neuron is one of the list.
    pub draws: bool,
}

impl State {
    /// What the list of interesting neurons asks for, while it is on top.
    pub(super) fn rank_query(&self) -> Option<Query> {
        let open = matches!(self.overlays.last(), Some(Overlay::Interesting(_)));
        open.then(|| {
            Query::Rank(RankQuery {
                layer: self.neurons.layer,
                by: self.ranked.by,
                count: COUNT,
                filters: Filters {
                    exclude_same: false,
                    exclude_similar: false,
                    ..self.filters.clone()
                },
            })
        })
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
