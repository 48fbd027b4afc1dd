//! The mouse: what lies under it is told by the last drawing.

use super::{act, head_map, navigate, overlays, rows, settle};
use crate::explorer::action::Pane;
use crate::explorer::action::{Action, Motion};
use crate::explorer::effect::Effect;
use crate::explorer::state::{Overlay, Purpose, State, Target};
use crate::query::Address;

/// Rows a turn of the wheel scrolls words by.
const WHEEL_ROWS: usize = 3;

/// The first button was pressed at a cell.
pub fn click(state: &mut State, x: u16, y: u16) -> Vec<Effect> {
    state.notice = None;
    state.welcome = false;
    (state.first_look, state.touched) = (false, true);
    state.pending.clear();
    state.count = None;
    let Some(target) = state.regions.at(x, y) else {
        return Vec::new();
    };
    let effects = match target {
        Target::Tab(pane) => return act(state, Action::Show(pane)),
        Target::Run(action) => return act(state, action),
        Target::Behind if finding(state) => return act(state, Action::Accept),
        Target::Behind => return act(state, Action::Cancel),
        Target::Choice(row) => overlays::choose(state, row),
        Target::Layer(layer) => {
            navigate::go(state, Address::Layer { layer });
            Vec::new()
        }
        Target::Neuron(neuron) => {
            let layer = state.neurons.layer;
            navigate::go(state, Address::Neuron { layer, neuron });
            Vec::new()
        }
        Target::Head { layer, head } if on_map(state) => {
            head_map::go(state, layer, head);
            Vec::new()
        }
        Target::Head { layer, head } => {
            let form = None;
            navigate::go(state, Address::Head { layer, head, form });
            Vec::new()
        }
        Target::List(list) => {
            focus(state, list);
            Vec::new()
        }
        Target::Word { list, row, side } => {
            focus(state, list);
            rows::click(state, row, side);
            Vec::new()
        }
        Target::State(at) => {
            navigate::go(state, Address::State { state: at });
            Vec::new()
        }
        Target::Layers | Target::Selector | Target::Overlay => Vec::new(),
    };
    settle(state, effects)
}

/// Whether the text that words must contain is being typed: leaving it by a click keeps it.
fn finding(state: &State) -> bool {
    matches!(state.overlays.last(),
        Some(Overlay::Prompt(prompt)) if prompt.purpose == Purpose::Contains)
}

fn on_map(state: &State) -> bool {
    matches!(state.overlays.last(), Some(Overlay::HeadMap { .. }))
}

fn focus(state: &mut State, list: usize) {
    match state.pane {
        Pane::Neurons => state.neurons.focus = list,
        Pane::Heads => state.heads.focus = list,
        Pane::Geometry => {}
    }
}

/// The wheel was turned over a cell.
pub fn wheel(state: &mut State, x: u16, y: u16, down: bool) -> Vec<Effect> {
    state.notice = None;
    (state.first_look, state.touched) = (false, true);
    let motion = if down { Motion::Down } else { Motion::Up };
    match state.regions.at(x, y) {
        Some(Target::List(list) | Target::Word { list, .. }) => {
            focus(state, list);
            rows::scroll(state, down, WHEEL_ROWS);
        }
        Some(_) if on_map(state) => overlays::select(state, motion),
        Some(Target::Neuron(_) | Target::Selector | Target::Head { .. }) => {
            navigate::step(state, motion, None);
        }
        Some(Target::Layer(_) | Target::Layers | Target::State(_)) => {
            let motion = if down { Motion::Right } else { Motion::Left };
            navigate::step(state, motion, None);
        }
        Some(Target::Choice(_) | Target::Overlay) => overlays::select(state, motion),
        _ => {}
    }
    settle(state, Vec::new())
}
