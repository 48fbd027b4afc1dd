//! What the Heads tab asks, and what of it is on the board.

use std::time::Duration;

use super::Heads;
use crate::explorer::board::Shown;
use crate::explorer::state::{PAIRS_MAX, State};
use crate::query::{PairsAnswer, PairsQuery, Query, ROBUSTNESS_TOP, RobustnessQuery};
use crate::transformer::Form;

/// Length of a pair list.
pub const PAIRS: usize = 50;

impl State {
    /// What the tab shows, the list in focus first.
    pub(super) fn head_queries(&self) -> Vec<Query> {
        let heads = &self.views.heads;
        if heads.directions {
            return crate::explorer::views::directions::queries(self, &super::HeadsView);
        }
        let mut queries = vec![
            Query::Pairs(self.pairs_query(heads.focus)),
            // Done in no time beside a search over all pairs.
            Query::Undertrained,
            Query::Pairs(self.pairs_query(1 - heads.focus)),
        ];
        // Of a model that is new it is looked for once the lists are proven.
        let proven = |list| {
            let list = self.pair_list(list);
            list.is_some_and(|(answer, of_here, _)| of_here && answer.exact)
        };
        if proven(0) && proven(1) {
            queries.extend(self.convention_query());
        }
        queries
    }

    /// How robust the lists are, and the figures of the grid.
    pub(super) fn head_idle_queries(&self) -> Vec<Query> {
        let heads = &self.views.heads;
        let mut queries = Vec::new();
        if !heads.directions {
            // Of a list that was stopped nobody waits for more.
            let stopped = |list: usize| {
                let query = Query::Pairs(self.pairs_query(list));
                self.stopped.contains(&query)
            };
            let lists = [heads.focus, 1 - heads.focus].into_iter();
            queries.extend(lists.filter(|list| !stopped(*list)).map(|list| {
                Query::Robustness(RobustnessQuery::Pairs(PairsQuery {
                    k: ROBUSTNESS_TOP,
                    ..self.pairs_query(list)
                }))
            }));
        }
        queries.extend(self.idle_contexts());
        queries.extend(heads.grid.into_iter().flat_map(|by| self.all_layers(by, 0)));
        queries
    }

    /// A list of the head one is at.
    pub fn pairs_query(&self, list: usize) -> PairsQuery {
        let heads = &self.views.heads;
        PairsQuery {
            convention: self.convention(),
            form: Heads::FORMS[list],
            layer: heads.layer,
            head: heads.head,
            distance: self.distance(Heads::FORMS[list]),
            end: heads.end,
            k: heads.cursors[list].length(PAIRS, self.regions.list_rows, PAIRS_MAX),
            filters: self.filters.clone(),
        }
    }

    /// The answer of which a list is on screen.
    pub fn pairs_shown(&self, list: usize) -> Option<&Shown> {
        let form = Heads::FORMS[list];
        self.board
            .latest(|query| matches!(query, Query::Pairs(query) if query.form == form))
    }

    /// A pair list on screen, whether it is that of the place one is at, and what it took.
    pub fn pair_list(&self, list: usize) -> Option<(&PairsAnswer, bool, Duration)> {
        let shown = self.pairs_shown(list)?;
        let (_, answer) = shown.of::<PairsQuery>()?;
        Some((answer, self.wants_list(&shown.query), shown.took))
    }

    /// How robust a list is, if it is known.
    pub(super) fn pairs_robustness(&self, list: usize) -> Option<&Shown> {
        let form = Heads::FORMS[list];
        let shown = self.board.latest(
            |query| matches!(query, Query::Robustness(RobustnessQuery::Pairs(query)) if query.form == form),
        );
        shown.filter(|shown| self.idle.contains(&shown.query))
    }
}

impl State {
    /// The list in focus.
    pub fn form(&self) -> Form {
        Heads::FORMS[self.views.heads.focus]
    }

    /// How far the key lies behind the query; 0 where it makes no difference to a form.
    pub fn distance(&self, form: Form) -> usize {
        // A layer without rotary positions reaches no distance at which its list is another.
        let at = self.views.heads.layer;
        let turns = self
            .card()
            .is_some_and(|card| card.spec.rotary && card.reach(at) > 0);
        if turns && form == Form::Qk {
            self.views.heads.distance
        } else {
            0
        }
    }
}
