//! The commands of the Neurons tab, and what its marks mean.

use crate::explorer::action::{Action, TabId};
use crate::explorer::effect::Effect;
use crate::explorer::shell::to_top;
use crate::explorer::state::State;
use crate::explorer::views::legend::{COLUMNS, GATED_COLUMNS, LegendEntry};
use crate::query::{ModelCard, NeuronColumn};
use crate::transformer::Input;

/// Does what a command says, if it is one of the tab's.
pub fn act(state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
    let front = state.tab == TabId::Neurons;
    match action {
        Action::SwapInput => swap_input(state),
        Action::MapColumn if front => map_column(state),
        Action::MapColumn => {
            state.say("points are of a neuron's column (g n) or of a token (g s)");
        }
        Action::Negate if front => {
            let neurons = &mut state.views.neurons;
            neurons.focus = (neurons.focus + 2) % NeuronColumn::ALL.len();
        }
        Action::SwapEnd if front => {
            state.say("the lowest words of a neuron are its columns −K and −V");
        }
        Action::Directions if front => {
            let neurons = &mut state.views.neurons;
            neurons.directions = !neurons.directions;
            neurons.points = false;
            to_top(state);
        }
        Action::NextStrip if front => state.next_strip(),
        _ => return None,
    }
    Some(Vec::new())
}

/// The other input of a gated neuron becomes its key.
fn swap_input(state: &mut State) {
    if !state.card().is_some_and(ModelCard::gated) {
        return state.say("neurons have no gate here: K is their one input");
    }
    let input = &mut state.views.neurons.input;
    *input = match input {
        Input::Gate => Input::Up,
        Input::Up => Input::Gate,
    };
    let said = match input {
        Input::Gate => "K is the gate: it opens the neuron, −K all but closes it",
        Input::Up => "K is the up input: through an open gate it writes V, −K writes −V",
    };
    to_top(state);
    state.say(said);
}

/// From a neuron's words to their map and back.
fn map_column(state: &mut State) {
    let neurons = &mut state.views.neurons;
    neurons.points = !neurons.points;
    neurons.directions = false;
}

/// The next point of a column's map, or the one before.
pub fn select_point(state: &mut State, down: bool, times: usize) {
    let last = state
        .column_map()
        .map_or(0, |(map, _)| map.points.len().saturating_sub(1));
    let at = state.views.neurons.selected;
    let to = match down {
        true => (at + times).min(last),
        false => at.saturating_sub(times),
    };
    if to == at {
        let end = if down { "last" } else { "first" };
        return state.say(format!("this is the {end} point"));
    }
    state.views.neurons.selected = to;
}

/// What the columns and the strip mean.
pub fn legend(state: &State, text: &str) -> Vec<LegendEntry> {
    let mut entries = Vec::new();
    if !state.views.neurons.directions {
        let gated = state.card().is_some_and(ModelCard::gated);
        let columns = match gated {
            true => &GATED_COLUMNS,
            false => &COLUMNS,
        };
        let shown = columns.iter().filter(|(sign, _)| {
            let title = |end: &str| text.contains(&format!("─ {sign}{end}"));
            let focus = |end: &str| text.contains(&format!("▌{sign}{end}"));
            title(" ") || focus(" ")
        });
        entries.extend(shown.map(|(sign, words)| LegendEntry::new(*sign, *words, &["−"])));
    }
    if text.contains(['▁', '▲']) {
        let words = format!(
            "the layer strip, a bar a layer: {}; ▲ is your layer, with its figure; \
             s shows another measure",
            state.views.neurons.strip.meaning()
        );
        let covers = &["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█", "▲"];
        entries.push(LegendEntry::new("▁▄█ ▲", words, covers));
    }
    entries
}
