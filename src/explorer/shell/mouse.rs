//! The mouse: what lies under it is told by the last drawing.

use super::{act, navigate, rows, settle, stack};
use crate::explorer::action::{Action, Motion};
use crate::explorer::effect::Effect;
use crate::explorer::state::{Purpose, State, Target};
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
        Target::Choice(row) => stack::choose(state, row),
        Target::Place(address) => {
            if navigate::go(state, address) {
                // Of what lies on top, that is where it led to.
                state.stack.pop();
            }
            Vec::new()
        }
        Target::List(list) => {
            rows::focus(state, list);
            Vec::new()
        }
        Target::Word { list, row, side } => {
            rows::focus(state, list);
            rows::click(state, row, side);
            Vec::new()
        }
        Target::Layers | Target::Selector | Target::Overlay => Vec::new(),
    };
    settle(state, effects)
}

/// Whether the text that words must contain is being typed: leaving it by a click keeps it.
fn finding(state: &State) -> bool {
    let line = state.views.line.as_ref();
    line.is_some_and(|line| line.purpose == Purpose::Contains)
}

/// The wheel was turned over a cell.
pub fn wheel(state: &mut State, x: u16, y: u16, down: bool) -> Vec<Effect> {
    state.notice = None;
    (state.first_look, state.touched) = (false, true);
    let (vertical, horizontal) = match down {
        true => (Motion::Down, Motion::Right),
        false => (Motion::Up, Motion::Left),
    };
    match state.regions.at(x, y) {
        Some(Target::List(list) | Target::Word { list, .. }) => {
            rows::focus(state, list);
            rows::scroll(state, down, WHEEL_ROWS);
        }
        Some(Target::Place(_)) if !state.stack.is_empty() => {
            return act(state, Action::Move(vertical));
        }
        Some(Target::Choice(_)) if state.stack.is_empty() => {
            return act(state, Action::Word(vertical));
        }
        Some(Target::Choice(_) | Target::Overlay) => return act(state, Action::Move(vertical)),
        Some(Target::Place(Address::Layer { .. } | Address::State { .. }) | Target::Layers) => {
            navigate::step(state, horizontal, None);
        }
        Some(Target::Place(_) | Target::Selector) => navigate::step(state, vertical, None),
        _ => {}
    }
    settle(state, Vec::new())
}
