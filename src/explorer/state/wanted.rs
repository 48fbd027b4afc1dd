//! What the screen needs to know, as queries.

use super::{COLUMN_MAX, Heads, PAIRS_MAX, State};
use crate::explorer::action::Pane;
use crate::query::{
    DirectionsQuery, ModelCard, NeuronMapQuery, NeuronQuery, PairsQuery, Part, Query,
};
use crate::vocabulary::Filters;

/// A column is never asked for shorter than this, so that it can be scrolled and copied.
const COLUMN_MIN: usize = 30;
/// And at first for no longer, however high the screen is.
const COLUMN_FIRST_MAX: usize = 200;
/// Length of a pair list.
const PAIRS: usize = 50;
/// Directions of a matrix, and tokens at each of their ends.
const DIRECTIONS: [usize; 2] = [64, 10];
/// Words of a column's map.
const POINTS: usize = 100;

impl State {
    /// The queries of the screen, most important first.
    pub fn needs(&self) -> Vec<Query> {
        let Some(card) = self.card() else {
            return Vec::new();
        };
        let mut needs: Vec<Query> = self.find_query().into_iter().collect();
        needs.extend(self.map_queries());
        needs.extend(self.pane_needs(card));
        needs
    }

    fn pane_needs(&self, card: &ModelCard) -> Vec<Query> {
        match self.pane {
            _ if self.shows_directions() => {
                let focus = self.part_in_focus();
                let directions = |list| Query::Directions(self.directions_query(list));
                let mut needs = vec![
                    directions(focus),
                    Query::Undertrained,
                    directions(1 - focus),
                ];
                if self.pane == Pane::Neurons {
                    needs.extend((!card.remote).then_some(Query::ValueNorms));
                    needs.extend(self.rank_queries());
                }
                needs
            }
            Pane::Neurons => {
                let points = self.neurons.points;
                let map = points.then(|| Query::NeuronMap(self.column_map_query()));
                let mut needs = vec![Query::Neuron(self.neuron_query())];
                needs.extend(map);
                needs.push(Query::Undertrained);
                needs.extend(self.convention_query());
                needs.extend((!card.remote).then_some(Query::ValueNorms));
                needs.extend(self.rank_queries());
                needs.extend(self.first_look());
                needs
            }
            // Asked for from this pane only: a model answers one thing at a time, and a pass over
            // the texts behind another pane would stand in the way of that pane's keys. What was
            // measured is remembered.
            Pane::Geometry if self.geometry.stopped => Vec::new(),
            Pane::Geometry if self.geometry.lacks_language() => vec![Query::TextLanguage],
            Pane::Geometry if self.geometry.points => {
                let map = self.context_query().map(Query::ContextMap);
                map.into_iter().collect()
            }
            Pane::Geometry => vec![Query::Geometry(self.geometry.settings.query())],
            Pane::Heads => {
                let focus = self.heads.focus;
                let mut needs = vec![
                    Query::Pairs(self.pairs_query(focus)),
                    // Done in no time beside a search over all pairs.
                    Query::Undertrained,
                ];
                needs.extend(self.convention_query());
                needs.push(Query::Pairs(self.pairs_query(1 - focus)));
                needs
            }
        }
    }

    /// How many rows of a list are copied and written: as many as were asked for, or as one has gone
    /// through; never what happens to fit on the screen.
    pub fn rows_asked(&self, query: &Query) -> usize {
        let (cursor, least, most) = match query {
            Query::Pairs(query) => {
                let list = usize::from(query.form == Heads::FORMS[1]);
                (self.heads.cursors[list], PAIRS, PAIRS_MAX)
            }
            _ => (self.neurons.cursor, COLUMN_MIN, COLUMN_MAX),
        };
        match cursor.asked {
            0 => cursor.length(least, 0, most),
            asked => asked,
        }
    }

    /// What the list in focus asks, in a pane of words.
    pub fn query_in_focus(&self) -> Query {
        match self.pane {
            _ if self.shows_directions() => {
                Query::Directions(self.directions_query(self.part_in_focus()))
            }
            Pane::Heads => Query::Pairs(self.pairs_query(self.heads.focus)),
            Pane::Neurons | Pane::Geometry => Query::Neuron(self.neuron_query()),
        }
    }

    pub(super) fn neuron_query(&self) -> NeuronQuery {
        // By tens, so that a resize does not ask anew at every row.
        let room = self.regions.list_rows;
        let least = room
            .next_multiple_of(10)
            .clamp(COLUMN_MIN, COLUMN_FIRST_MAX);
        NeuronQuery {
            convention: self.convention(),
            layer: self.neurons.layer,
            neuron: self.neurons.neuron,
            input: self.input(),
            k: self.neurons.cursor.length(least, room, COLUMN_MAX),
            // Pair filters make no difference to a column: leave them out of its identity.
            filters: Filters {
                exclude_same: false,
                exclude_similar: false,
                ..self.filters.clone()
            },
        }
    }

    fn column_map_query(&self) -> NeuronMapQuery {
        let NeuronQuery {
            layer,
            neuron,
            input,
            filters,
            convention,
            ..
        } = self.neuron_query();
        NeuronMapQuery {
            convention,
            layer,
            neuron,
            input,
            column: self.column(),
            k: POINTS,
            filters,
        }
    }

    fn directions_query(&self, list: usize) -> DirectionsQuery {
        let [n, k] = DIRECTIONS;
        let part = self.part(list);
        let (layer, head) = match part {
            Part::Form(_) => (self.heads.layer, self.heads.head),
            _ => (self.neurons.layer, 0),
        };
        DirectionsQuery {
            part,
            layer,
            head,
            n,
            k,
            convention: self.convention_shown(),
            filters: Filters {
                exclude_same: false,
                exclude_similar: false,
                positions: false,
                ..self.filters.clone()
            },
        }
    }

    pub(super) fn pairs_query(&self, list: usize) -> PairsQuery {
        PairsQuery {
            convention: self.convention(),
            form: Heads::FORMS[list],
            layer: self.heads.layer,
            head: self.heads.head,
            distance: self.distance(Heads::FORMS[list]),
            end: self.heads.end,
            k: self.heads.cursors[list].length(PAIRS, self.regions.list_rows, PAIRS_MAX),
            filters: self.filters.clone(),
        }
    }
}
