//! The first look at a model of which no place is known: the most legible neuron of a layer, if it
//! is found before the first key.

use std::time::Duration;

use super::{Shown, State};
use crate::query::{Address, Answer, Interest, Query, RankQuery};
use crate::vocabulary::Filters;

/// After this the best neuron found so far is taken.
const PATIENCE: Duration = Duration::from_millis(1500);

impl State {
    /// What is asked for it. In the layers from two thirds on, keys and values have most words in
    /// common; of them one layer is looked at, by letters alone.
    pub(super) fn first_look(&self) -> Option<Query> {
        let card = self.card().filter(|_| self.first_look)?;
        Some(Query::Rank(RankQuery {
            layer: card.spec.layers * 2 / 3,
            by: Interest::Overlap,
            count: 1,
            words: 0,
            convention: self.convention(),
            filters: Filters {
                alnum: true,
                exclude_special: true,
                ..Filters::default()
            },
        }))
    }

    /// Where to go by what came of it: once it is whole, or has taken long enough.
    pub fn first_place(&self, shown: &Shown) -> Option<Address> {
        let Answer::Rank(answer) = &*shown.answer else {
            return None;
        };
        let Query::Rank(query) = self.first_look().filter(|query| *query == shown.query)? else {
            return None;
        };
        let enough = answer.done >= 1.0 || shown.took >= PATIENCE;
        let best = answer
            .items
            .first()
            .filter(|best| enough && best.figure > 0.0)?;
        Some(query.address(best))
    }
}
