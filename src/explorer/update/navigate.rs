//! Going places: steps, jumps, random, back and forward, panes and focus.

use super::{geometry, views};
use crate::explorer::action::{Motion, Pane};
use crate::explorer::effect::Effect;
use crate::explorer::state::{Heads, RowCursor, State};
use crate::projection::End;
use crate::query::{Address, ModelCard};
use crate::sheet::grouped;
use crate::transformer::Input;

/// Goes to a place of the open model. Says why not if the model has no such place.
pub fn go(state: &mut State, address: Address) -> bool {
    let there = visit(state, address);
    if there {
        remember(state, false);
    }
    there
}

/// Notes in the history that one is here; by a step, if it is a neighbour of the place before.
pub(super) fn remember(state: &mut State, stepped: bool) {
    let view = state.saved_view();
    state.history.visit(view, stepped);
}

/// Goes to a place without a trace in the history.
pub(super) fn visit(state: &mut State, address: Address) -> bool {
    match check(state, address) {
        Ok(()) => place(state, address),
        Err(why) => {
            state.fail(why);
            return false;
        }
    }
    true
}

/// Why the open model has no such place.
pub(super) fn check(state: &State, address: Address) -> Result<(), String> {
    match state.card() {
        Some(card) => card.check(address).map_err(|error| error.to_string()),
        None => Err(super::no_model(state)),
    }
}

/// Puts the state at a place that is known to exist.
pub(super) fn place(state: &mut State, address: Address) {
    match address {
        Address::Layer { layer } => match state.pane {
            Pane::Neurons => state.neurons.layer = layer,
            Pane::Heads => state.heads.layer = layer,
            // What the layer leaves behind.
            Pane::Geometry => state.geometry.state = layer + 1,
        },
        Address::State { state: at } => {
            state.pane = Pane::Geometry;
            state.geometry.state = at;
        }
        Address::Neuron { layer, neuron } => {
            state.pane = Pane::Neurons;
            state.neurons.layer = layer;
            state.neurons.neuron = neuron;
        }
        Address::Head { layer, head, form } => {
            state.pane = Pane::Heads;
            state.heads.layer = layer;
            state.heads.head = head;
            let focus = Heads::FORMS.iter().position(|f| Some(*f) == form);
            state.heads.focus = focus.unwrap_or(state.heads.focus);
        }
    }
    to_top(state);
}

/// Shows the lists from their first rows.
pub(super) fn to_top(state: &mut State) {
    state.neurons.cursor = RowCursor::default();
    state.heads.cursors = [RowCursor::default(); 2];
}

/// A motion in the pane: neuron or head up and down, layer left and right.
pub(super) fn step(state: &mut State, motion: Motion, count: Option<usize>) {
    let Some(spec) = state.card().map(|card| card.spec.clone()) else {
        return;
    };
    let times = count.unwrap_or(1);
    if state.pane == Pane::Geometry && matches!(motion, Motion::Up | Motion::Down) {
        return geometry::vertical(state, motion == Motion::Down, times);
    }
    let page = state.regions.selector_rows.max(1);
    let half = (page / 2).max(1);
    let (what, len, index) = match (motion, state.pane) {
        (Motion::Left | Motion::Right, Pane::Neurons) => {
            ("layer", spec.layers, &mut state.neurons.layer)
        }
        (Motion::Left | Motion::Right, Pane::Heads) => {
            ("layer", spec.layers, &mut state.heads.layer)
        }
        (_, Pane::Geometry) => ("state", spec.layers + 1, &mut state.geometry.state),
        (_, Pane::Neurons) => ("neuron", spec.neurons, &mut state.neurons.neuron),
        (_, Pane::Heads) => ("head", spec.heads, &mut state.heads.head),
    };
    let last = len.saturating_sub(1);
    let to = match motion {
        Motion::Up | Motion::Left => index.saturating_sub(times),
        Motion::Down | Motion::Right => *index + times,
        Motion::PageUp => index.saturating_sub(page * times),
        Motion::PageDown => *index + page * times,
        Motion::HalfUp => index.saturating_sub(half * times),
        Motion::HalfDown => *index + half * times,
        Motion::First => count.unwrap_or(0),
        Motion::Last => count.unwrap_or(last),
    };
    if matches!(motion, Motion::First | Motion::Last) && to > last {
        let (count, last) = (grouped(to), grouped(last));
        state.fail(format!(
            "there is no {what} {count}: the last one is {last}"
        ));
        return;
    }
    let to = to.min(last);
    if *index == to {
        let end = if to == 0 { "first" } else { "last" };
        state.say(format!("this is the {end} {what}"));
        return;
    }
    *index = to;
    to_top(state);
    let jump = matches!(motion, Motion::First | Motion::Last);
    remember(state, !jump);
}

/// A random place of the pane, in a random layer.
pub(super) fn random(state: &mut State) {
    let Some(spec) = state.card().map(|card| card.spec.clone()) else {
        return;
    };
    let layer = state.random.usize(0..spec.layers.max(1));
    let interesting = state.drawn_from();
    if let Some(address) = state.random.choice(interesting) {
        go(state, address);
        return;
    }
    let address = match state.pane {
        Pane::Neurons => Address::Neuron {
            layer,
            neuron: state.random.usize(0..spec.neurons.max(1)),
        },
        Pane::Heads => Address::Head {
            layer,
            head: state.random.usize(0..spec.heads.max(1)),
            form: None,
        },
        Pane::Geometry => Address::State {
            state: state.random.usize(0..spec.layers + 1),
        },
    };
    go(state, address);
}

/// Back so many places, through all models, as they were looked at; if there are fewer, to the first.
pub(super) fn back(state: &mut State, times: usize) -> Vec<Effect> {
    let view = (0..times).map_while(|_| state.history.back()).last();
    let Some(view) = view else {
        state.say("this is where you started");
        return Vec::new();
    };
    views::revisit(state, &view)
}

/// The same forward.
pub(super) fn forward(state: &mut State, times: usize) -> Vec<Effect> {
    let view = (0..times).map_while(|_| state.history.forward()).last();
    let Some(view) = view else {
        state.say("this is the latest place: r, : and clicks make new ones");
        return Vec::new();
    };
    views::revisit(state, &view)
}

pub(super) fn other_pane(state: &mut State, next: bool) {
    let panes = Pane::ALL;
    let at = panes.iter().position(|pane| *pane == state.pane);
    let step = if next { 1 } else { panes.len() - 1 };
    show(state, panes[(at.unwrap_or(0) + step) % panes.len()]);
}

pub(super) fn show(state: &mut State, pane: Pane) {
    if state.pane == pane {
        return state.say(format!("{} is in front already", pane.title()));
    }
    state.pane = pane;
    remember(state, true);
}

/// The next or previous list, around the end.
pub(super) fn focus(state: &mut State, next: bool) {
    let turn = |at: usize, len: usize| (at + if next { 1 } else { len - 1 }) % len;
    match state.pane {
        Pane::Neurons => state.neurons.focus = turn(state.neurons.focus, 4),
        Pane::Heads => state.heads.focus = turn(state.heads.focus, 2),
        Pane::Geometry => state.say("there is one chart here"),
    }
}

pub(super) fn negate(state: &mut State) {
    match state.pane {
        Pane::Neurons => state.neurons.focus = (state.neurons.focus + 2) % 4,
        Pane::Heads => swap_end(state),
        Pane::Geometry => state.say("signs are of a neuron's columns (g n)"),
    }
}

pub(super) fn swap_end(state: &mut State) {
    if state.pane == Pane::Heads && state.heads.directions {
        return state.say("directions have both ends (+ and −); d is back to the pairs");
    }
    if state.pane != Pane::Heads {
        return state.say("the lowest words of a neuron are its columns −K and −V");
    }
    state.heads.end = match state.heads.end {
        End::Highest => End::Lowest,
        End::Lowest => End::Highest,
    };
    state.seen.clear();
    to_top(state);
}

/// The other input of a gated neuron becomes its key.
pub(super) fn swap_input(state: &mut State) {
    if !state.card().is_some_and(ModelCard::gated) {
        return state.say("neurons have no gate here: K is their one input");
    }
    state.neurons.input = match state.neurons.input {
        Input::Gate => Input::Up,
        Input::Up => Input::Gate,
    };
    to_top(state);
    state.say(match state.neurons.input {
        Input::Gate => "K is the gate: it opens the neuron, −K all but closes it",
        Input::Up => "K is the up input: through an open gate it writes V, −K writes −V",
    });
}

/// The key of QK moves behind the query, or back to it.
pub(super) fn distance(state: &mut State, farther: bool, times: usize) {
    let Some(card) = state.card() else { return };
    if !card.spec.rotary {
        return state.say("positions are not rotary here: QK is the same at every distance");
    }
    let (last, at) = (card.reach(state.heads.layer), state.heads.distance);
    let to = if farther {
        (at + times).min(last)
    } else {
        at.saturating_sub(times)
    };
    if to == at {
        let end = if farther { "farthest" } else { "nearest" };
        return state.say(format!("this is the {end} key"));
    }
    state.heads.distance = to;
    state.seen.clear();
    to_top(state);
}

/// From columns or pairs to directions and back.
pub(super) fn swap_directions(state: &mut State) {
    match state.pane {
        Pane::Neurons => {
            state.neurons.directions = !state.neurons.directions;
            state.neurons.points = false;
        }
        Pane::Heads => state.heads.directions = !state.heads.directions,
        Pane::Geometry => return state.say("directions are of neurons (g n) and heads (g h)"),
    }
    to_top(state);
}
