//! What the Neurons tab asks, and what of it is on the board.

use std::time::Duration;

use super::LayerStrip;
use crate::explorer::board::Shown;
use crate::explorer::state::{COLUMN_MAX, State};
use crate::query::{
    Address, Answer, MapAnswer, ModelCard, NeuronAnswer, NeuronColumn, NeuronMapQuery, NeuronQuery,
    Query, ROBUSTNESS_TOP, RankMetric, RankQuery, RobustnessQuery,
};
use crate::transformer::Input;
use crate::vocabulary::Filters;

/// A column is never asked for shorter than this, so that it can be scrolled and copied.
pub const COLUMN_MIN: usize = 30;
/// And at first for no longer, however high the screen is.
const COLUMN_FIRST_MAX: usize = 200;
/// Words of a column's map.
const POINTS: usize = 100;
/// After this the most legible neuron found so far is shown at first.
const PATIENCE: Duration = Duration::from_millis(1500);

impl State {
    /// What the tab shows.
    pub(super) fn neuron_queries(&self) -> Vec<Query> {
        let norms = Some(Query::ValueNorms).filter(|query| self.is_worth_asking(query));
        let mut queries = match self.views.neurons.directions {
            true => crate::explorer::views::directions::queries(self, &super::NeuronsView),
            false => {
                let points = self.views.neurons.points;
                let map = points.then(|| Query::NeuronMap(self.column_map_query()));
                let mut queries = vec![Query::Neuron(self.neuron_query())];
                queries.extend(map);
                queries.extend(self.both_lists_query());
                queries.push(Query::Undertrained);
                queries.extend(self.convention_query());
                queries
            }
        };
        queries.extend(norms);
        if !self.views.neurons.directions {
            queries.extend(self.first_look());
        }
        queries
    }

    /// How robust the columns are, and the figures of the strip.
    pub(super) fn neuron_idle_queries(&self) -> Vec<Query> {
        let mut queries = Vec::new();
        if !self.views.neurons.directions {
            // Its length does not matter: the same for one that was made longer.
            queries.push(Query::Robustness(RobustnessQuery::Neuron(NeuronQuery {
                k: ROBUSTNESS_TOP,
                ..self.neuron_query()
            })));
        }
        let by = match self.views.neurons.strip {
            LayerStrip::Of(by) => Some(by),
            _ if self.views.ranking.opened => Some(self.views.ranking.by),
            _ => None,
        };
        queries.extend(self.idle_contexts());
        queries.extend(by.into_iter().flat_map(|by| self.all_layers(by, 0)));
        queries
    }

    /// The columns of the neuron one is at.
    pub fn neuron_query(&self) -> NeuronQuery {
        let neurons = &self.views.neurons;
        // By tens, so that a resize does not ask anew at every row.
        let room = self.regions.list_rows;
        let least = room
            .next_multiple_of(10)
            .clamp(COLUMN_MIN, COLUMN_FIRST_MAX);
        NeuronQuery {
            convention: self.convention(),
            layer: neurons.layer,
            neuron: neurons.neuron,
            input: self.input(),
            k: neurons.cursor.length(least, room, COLUMN_MAX),
            // Pair filters make no difference to a column: leave them out of its identity.
            filters: self.filters.per_token(),
        }
    }

    pub(super) fn column_map_query(&self) -> NeuronMapQuery {
        let query = NeuronQuery {
            k: POINTS,
            ..self.neuron_query()
        };
        query.points_of(self.column())
    }

    /// The answer of which the columns are on screen.
    pub fn neuron_shown(&self) -> Option<&Shown> {
        self.board.latest(|query| matches!(query, Query::Neuron(_)))
    }

    /// The neuron's columns on screen, and whether they are those of the place one is at.
    pub fn columns(&self) -> Option<(&NeuronAnswer, bool)> {
        let shown = self.neuron_shown()?;
        let (_, answer) = shown.of::<NeuronQuery>()?;
        Some((answer, self.wants_list(&shown.query)))
    }

    /// How robust the columns are, if it is known.
    pub(super) fn neuron_robustness(&self) -> Option<&Shown> {
        let of_neuron =
            |query: &Query| matches!(query, Query::Robustness(RobustnessQuery::Neuron(_)));
        let shown = self.board.latest(of_neuron);
        shown.filter(|shown| self.idle.contains(&shown.query))
    }

    /// The answer of which the map of a column is on screen.
    pub fn column_map_shown(&self) -> Option<&Shown> {
        self.board
            .latest(|query| matches!(query, Query::NeuronMap(_)))
    }

    /// The map of a neuron's column on screen, and whether it is that of the place one is at.
    pub fn column_map(&self) -> Option<(&MapAnswer, bool)> {
        let shown = self.column_map_shown()?;
        let (_, answer) = shown.of::<NeuronMapQuery>()?;
        Some((answer, self.wanted.contains(&shown.query)))
    }

    /// The mean norm of each layer's values, once it is known.
    pub fn value_norms(&self) -> Option<&[f32]> {
        match &*self.board.get(&Query::ValueNorms)?.answer {
            Answer::ValueNorms(norms) => Some(norms),
            _ => None,
        }
    }

    /// What is asked for the first look at a model of which no place is known. In the layers from two
    /// thirds on, keys and values have most words in common; of them one layer is looked at, by
    /// letters alone.
    fn first_look(&self) -> Option<Query> {
        let card = self.card().filter(|_| self.first_look)?;
        Some(Query::Rank(RankQuery {
            layer: card.spec.layers * 2 / 3,
            by: RankMetric::Overlap,
            count: 1,
            words: 0,
            convention: self.convention(),
            filters: Filters {
                alnum: true,
                exclude_special: true,
                ..Filters::default()
            },
            likely: false,
        }))
    }

    /// Where to go by what came of the first look: once it is whole, or has taken long enough.
    pub(super) fn first_place(&self, shown: &Shown) -> Option<Address> {
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

impl State {
    /// The column in focus.
    pub fn column(&self) -> NeuronColumn {
        NeuronColumn::ALL[self.views.neurons.focus]
    }

    /// Which input of the neuron is its key; the first where there is no gate.
    pub fn input(&self) -> Input {
        let gated = self.card().is_some_and(ModelCard::gated);
        if gated {
            self.views.neurons.input
        } else {
            Input::default()
        }
    }

    /// A column's name, with the input that it is of where there are two.
    pub fn column_title(&self, column: NeuronColumn) -> String {
        let gated = self.card().is_some_and(ModelCard::gated);
        match column {
            NeuronColumn::K | NeuronColumn::MinusK if gated => {
                format!("{column} {}", self.input().name())
            }
            _ => column.to_string(),
        }
    }
}
