//! The Neurons tab: the four columns of a neuron, its layer's directions, and the strip of layers.

mod act;
mod draw;
mod layer_strip;
mod queries;
mod sidebar;
mod words;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, Motion};
use crate::explorer::board::Shown;
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::saved_view::{Shows, ViewSettings, option};
use crate::explorer::screen::Canvas;
use crate::explorer::shell::{self, export};
use crate::explorer::state::{COLUMN_MAX, RowCursor, State};
use crate::explorer::view::{Axis, Export, Exported, Tab, View, WordLists};
use crate::explorer::views::filters::Showing;
use crate::explorer::views::legend::LegendEntry;
use crate::explorer::views::{directions, filters, links, points};
use crate::query::sheet::{MapOf, command};
use crate::query::{Address, NeuronColumn, Pointed, Query, RankQuery};
use crate::sheet::with_boundary;
use crate::transformer::Input;

pub use layer_strip::{IN_PARTS, LayerStrip};
pub use queries::COLUMN_MIN;

/// Where one is in the Neurons tab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neurons {
    pub layer: usize,
    pub neuron: usize,
    /// Which input of a gated neuron is its key.
    pub input: Input,
    /// Index of the column in focus, in the order of [`NeuronColumn::ALL`].
    pub focus: usize,
    /// The row of the columns under the cursor, or the line of directions.
    pub cursor: RowCursor,
    /// Whether the column in focus is shown as a map.
    pub points: bool,
    /// The selected point of the map.
    pub selected: usize,
    /// Whether the directions of the layer's keys and values are shown in the place of columns.
    pub directions: bool,
    /// Which side of a direction is in focus, 0 or 1.
    pub side: usize,
    /// What the strip of layers shows.
    pub strip: LayerStrip,
}

/// Neurons of the bundled models that are worth seeing first: layer and neuron. That of gpt2-pl fires
/// on beginnings of abstract nouns and promotes their ending, -ństwo; that of bert-pl promotes verbs
/// of the past, masculine.
const WORTH_SEEING: [(&str, usize, usize); 2] = [("gpt2-pl", 0, 892), ("bert-pl", 6, 548)];

/// The tab.
pub struct NeuronsView;

impl View for NeuronsView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Neurons, Scope::Words, Scope::Panes]
    }

    fn queries(&self, state: &State) -> Vec<Query> {
        state.neuron_queries()
    }

    fn idle_queries(&self, state: &State) -> Vec<Query> {
        state.neuron_idle_queries()
    }

    fn act(&self, state: &mut State, action: Action, count: Option<usize>) -> Option<Vec<Effect>> {
        act::act(state, action, count)
    }

    fn answered(&self, state: &mut State, shown: &Shown) {
        if let Query::NeuronMap(_) = shown.query {
            state.views.neurons.selected = 0;
        }
        if let Some(address) = state.first_place(shown) {
            state.first_look = false;
            shell::replace(state, address);
        }
    }

    /// A neuron to begin with: a known one, else the first of the middle layer.
    fn opened(&self, state: &mut State) {
        let Some(model) = &state.model else { return };
        let mut known = WORTH_SEEING.iter();
        let spec = &model.card.spec;
        let known = known.find(|&&(name, layer, neuron)| {
            name == model.card.name && layer < spec.layers && neuron < spec.neurons_in(layer)
        });
        let middle = spec.layers / 2;
        let (layer, neuron) = known.map_or((middle, 0), |&(_, layer, neuron)| (layer, neuron));
        (state.views.neurons.layer, state.views.neurons.neuron) = (layer, neuron);
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn export(&self, state: &State) -> Option<Export> {
        let neurons = &state.views.neurons;
        if neurons.points {
            let column = state.column().name();
            return Some(Export {
                name: format!("{}.{column}-map", state.address()),
                what: Exported::Chart,
            });
        }
        let name = match neurons.directions {
            true => format!(
                "L{}.{}",
                neurons.layer,
                self.directions(state, self.matrix(state)).part
            ),
            false => state.address().to_string(),
        };
        Some(Export {
            name,
            what: self.answers(state),
        })
    }

    fn chart(&self, state: &State, path: &str) -> Result<String, String> {
        let map = state.column_map().filter(|(_, fresh)| *fresh);
        let ((answer, _), card) = map.zip(state.card()).ok_or(points::NONE)?;
        let of = MapOf::column(card, &state.column_map_query(), answer);
        points::text(&of, path)
    }

    fn commands(&self, state: &State) -> Vec<String> {
        if !state.views.neurons.points {
            return export::command_in_focus(state, self);
        }
        let query = Query::NeuronMap(state.column_map_query());
        let command = state
            .card()
            .and_then(|card| command(&card.name, &query, false));
        command.iter().map(ToString::to_string).collect()
    }

    fn lines(&self, state: &State) -> (String, Vec<String>) {
        if self.shows_directions(state) {
            let part = self.directions(state, self.matrix(state)).part;
            let name = format!("L{}.{part}", state.views.neurons.layer);
            return (name, directions::text(state, self));
        }
        let rows = state.columns().filter(|(_, fresh)| *fresh);
        let column = rows.map(|(answer, _)| &answer.columns[state.views.neurons.focus][..]);
        let (Some(card), Some(column)) = (state.card(), column) else {
            return (String::new(), Vec::new());
        };
        let asked = state.views.neurons.cursor.rows(COLUMN_MIN, COLUMN_MAX);
        let line = |row: &crate::projection::Scored| {
            format!("{}\t{}", with_boundary(&card.vocabulary, row.id), row.score)
        };
        let title = state.column_title(state.column());
        let lines = column.iter().take(asked).map(line).collect();
        (format!("{title} of {}", state.address()), lines)
    }

    fn legend(&self, state: &State, text: &str) -> Vec<LegendEntry> {
        act::legend(state, text)
    }
}

impl Tab for NeuronsView {
    fn title(&self) -> &'static str {
        "Neurons"
    }

    fn name(&self) -> &'static str {
        "neurons"
    }

    fn address(&self, state: &State) -> Address {
        let Neurons { layer, neuron, .. } = state.views.neurons;
        state.named(Address::Neuron { layer, neuron })
    }

    fn holds(&self, address: Address) -> bool {
        matches!(address, Address::Neuron { .. } | Address::Expert { .. })
    }

    fn place(&self, state: &mut State, address: Address) {
        let counted = state.counted(address);
        let neurons = &mut state.views.neurons;
        match counted {
            Address::Neuron { layer, neuron } => (neurons.layer, neurons.neuron) = (layer, neuron),
            Address::Expert { layer, .. } => neurons.layer = layer,
            Address::Layer { layer } => neurons.layer = layer,
            Address::Head { .. }
            | Address::State { .. }
            | Address::Token { .. }
            | Address::Direction { .. } => {}
        }
        self.settled(state, Motion::Left);
    }

    fn number(&self, state: &State) -> String {
        let Neurons { layer, neuron, .. } = state.views.neurons;
        match state.named(Address::Neuron { layer, neuron }) {
            Address::Expert {
                expert: Some(expert),
                ..
            } => format!("L{layer}.E{expert}.N"),
            Address::Expert { expert: None, .. } => format!("L{layer}.ES.N"),
            _ => format!("L{layer}.N"),
        }
    }

    fn axis<'s>(&self, state: &'s mut State, motion: Motion) -> Option<Axis<'s>> {
        let spec = &state.model.as_ref()?.card.spec;
        let neurons = &mut state.views.neurons;
        Some(match motion {
            Motion::Left | Motion::Right => Axis {
                what: "layer",
                first: 0,
                len: spec.layers,
                at: &mut neurons.layer,
            },
            _ => {
                // Those of the expert that one is in.
                let among = act::expert_neurons(spec, neurons.layer, neurons.neuron);
                Axis {
                    what: "neuron",
                    first: among.start,
                    len: among.len(),
                    at: &mut neurons.neuron,
                }
            }
        })
    }

    /// Layers without neurons are stepped over; others may have fewer than the one before.
    fn settled(&self, state: &mut State, motion: Motion) {
        let Some(spec) = state.model.as_ref().map(|model| &model.card.spec) else {
            return;
        };
        let neurons = &mut state.views.neurons;
        let has = |layer: &usize| spec.neurons_in(*layer) > 0;
        let at = neurons.layer;
        let (before, after) = ((0..at).rev().find(has), (at..spec.layers).find(has));
        let found = match motion {
            Motion::Left => before.filter(|_| !has(&at)).or(after),
            _ => after.or(before),
        };
        neurons.layer = found.unwrap_or(at);
        let last = spec.neurons_in(neurons.layer).saturating_sub(1);
        neurons.neuron = neurons.neuron.min(last);
    }

    fn anywhere(&self, state: &mut State) -> Address {
        let spec = state.card().map(|card| &card.spec);
        let has = |layer: &usize| spec.is_some_and(|spec| spec.neurons_in(*layer) > 0);
        let layers: Vec<usize> = (0..spec.map_or(0, |s| s.layers)).filter(has).collect();
        let layer = state.random.choice(layers).unwrap_or(0);
        let neurons = state.card().map_or(0, |card| card.spec.neurons_in(layer));
        let neuron = state.random.usize(0..neurons.max(1));
        state.named(Address::Neuron { layer, neuron })
    }

    fn ranked(&self, state: &State) -> Vec<Address> {
        let mut places: Vec<Address> = state
            .board
            .iter()
            .filter_map(|shown| shown.of::<RankQuery>())
            .filter(|(query, _)| !query.by.of_heads())
            .flat_map(|(query, answer)| answer.items.iter().map(|n| state.named(query.address(n))))
            .collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    fn settings(&self, state: &State) -> ViewSettings {
        let neurons = &state.views.neurons;
        ViewSettings {
            shows: Shows::of(neurons.directions, neurons.points),
            column: state.column(),
            input: neurons.input,
            convention: state.convention,
            filters: state.filters.clone(),
            ..ViewSettings::default()
        }
    }

    fn options(&self, settings: &ViewSettings) -> Vec<Vec<String>> {
        let mut own = Vec::new();
        if settings.column != NeuronColumn::default() {
            own.push(option("--column", settings.column.name()));
        }
        if settings.input != Input::default() {
            own.push(option("--key", settings.input.name()));
        }
        settings.of_words(own)
    }

    fn restore(&self, state: &mut State, settings: &ViewSettings) -> Vec<Effect> {
        let focus = NeuronColumn::ALL.iter().position(|c| *c == settings.column);
        let neurons = &mut state.views.neurons;
        (neurons.focus, neurons.input) = (focus.unwrap_or(0), settings.input);
        neurons.points = settings.shows == Shows::Points;
        neurons.directions = settings.shows == Shows::Directions;
        if settings.shows == Shows::Links {
            links::open(state);
        }
        filters::restore(state, settings)
    }

    fn words(&self) -> Option<&dyn WordLists> {
        Some(self)
    }

    fn focus(&self, state: &State) -> Option<Query> {
        Some(match state.views.neurons.directions {
            true => Query::Directions(self.directions(state, self.matrix(state))),
            false => Query::Neuron(state.neuron_query()),
        })
    }

    fn rows_asked(&self, state: &State, _: &Query) -> usize {
        state.views.neurons.cursor.rows(COLUMN_MIN, COLUMN_MAX)
    }

    fn settings_line(&self, canvas: &mut Canvas, row: Rect) {
        let state = canvas.state;
        let showing = match self.shows_directions(state) {
            true => directions::showing(state, self),
            false => state.columns().map(|(answer, _)| {
                filters::showing(
                    state,
                    Showing {
                        shown: answer.columns[state.views.neurons.focus].len(),
                        passing: answer.passing,
                        rows: answer.rows,
                        pairs: false,
                    },
                )
            }),
        };
        filters::line(canvas, row, None, showing);
    }

    fn point(&self, state: &State) -> Option<u32> {
        let neurons = &state.views.neurons;
        let (map, _) = state.column_map().filter(|_| neurons.points)?;
        match map.points.get(neurons.selected)?.what {
            Pointed::Row { id, .. } => Some(id),
            Pointed::Occurrence { .. } => None,
        }
    }

    fn vertical(&self, state: &mut State, down: bool, times: usize) -> bool {
        let points = state.views.neurons.points;
        if points {
            act::select_point(state, down, times);
        }
        points
    }
}

impl NeuronsView {
    fn answers(&self, state: &State) -> Exported {
        if self.shows_directions(state) {
            return directions::answers(state, self);
        }
        let columns = state.neuron_shown().into_iter();
        let all: Vec<Shown> = columns.chain(state.neuron_robustness()).cloned().collect();
        Exported::Answers {
            in_focus: all.clone(),
            all,
        }
    }
}
