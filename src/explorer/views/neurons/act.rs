//! The commands of the Neurons tab, and what its marks mean.

use std::ops::Range;

use super::Neurons;
use crate::checkpoint::{NeuronBlock, Spec};
use crate::explorer::action::{Action, TabId};
use crate::explorer::effect::Effect;
use crate::explorer::shell::{go, to_top};
use crate::explorer::state::State;
use crate::explorer::views::legend::{COLUMNS, GATED_COLUMNS, LegendEntry};
use crate::explorer::views::routers::no_experts;
use crate::query::{Address, ModelCard, NeuronColumn};
use crate::transformer::Input;

/// Does what a command says, if it is one of the tab's.
pub fn act(state: &mut State, action: Action, count: Option<usize>) -> Option<Vec<Effect>> {
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
        Action::NextExpert if front => other_expert(state, true, count.unwrap_or(1)),
        Action::PreviousExpert if front => other_expert(state, false, count.unwrap_or(1)),
        Action::NextExpert | Action::PreviousExpert => {
            state.say("experts are of neurons (g n)");
        }
        _ => return None,
    }
    Some(Vec::new())
}

/// The neurons of the expert that one of a layer is in; all of a layer without experts.
pub(super) fn expert_neurons(spec: &Spec, layer: usize, neuron: usize) -> Range<usize> {
    let Some(sizes) = spec.experts(layer) else {
        return 0..spec.neurons_in(layer);
    };
    let (block, _) = sizes.place(neuron);
    let first = sizes.first(block);
    first..first + sizes.size(block)
}

/// The expert so many further on, at the same neuron of it; the shared one comes last.
fn other_expert(state: &mut State, next: bool, times: usize) {
    let Neurons { layer, neuron, .. } = state.views.neurons;
    let sizes = state.card().and_then(|card| card.spec.experts(layer));
    let Some(sizes) = sizes else {
        return state.say(no_experts(layer));
    };
    let (block, own) = sizes.place(neuron);
    let at = match block {
        NeuronBlock::Expert(expert) => expert,
        NeuronBlock::Dense | NeuronBlock::Shared => sizes.experts,
    };
    let last = match sizes.shared {
        0 => sizes.experts.saturating_sub(1),
        _ => sizes.experts,
    };
    let to = match next {
        true => (at + times).min(last),
        false => at.saturating_sub(times),
    };
    if to == at {
        let end = if next { "last" } else { "first" };
        return state.say(format!("this is the {end} expert"));
    }
    let expert = Some(to).filter(|to| *to < sizes.experts);
    let size = sizes.size(expert.map_or(NeuronBlock::Shared, NeuronBlock::Expert));
    let address = Address::Expert {
        layer,
        expert,
        neuron: Some(own.min(size.saturating_sub(1))),
    };
    go(state, address);
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
