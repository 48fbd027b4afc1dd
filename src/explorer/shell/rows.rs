//! The cursor in lists of words: moved, clicked, and what Enter does there.

use super::navigate;
use crate::explorer::action::Motion;
use crate::explorer::state::{Marked, RowItem, State};
use crate::explorer::views::find;
use crate::query::Address;
use crate::sheet::grouped;

/// Moves the cursor in the list in focus, or to the list or side beside it.
pub(super) fn step(state: &mut State, motion: Motion, count: Option<usize>) {
    let times = count.unwrap_or(1);
    let room = state.regions.list_rows.max(1);
    let (down, rows) = match motion {
        Motion::Left => return beside(state, false),
        Motion::Right => return beside(state, true),
        Motion::Up | Motion::First => (false, times),
        Motion::Down | Motion::Last => (true, times),
        Motion::PageUp | Motion::HalfUp => (false, room.saturating_mul(times)),
        Motion::PageDown | Motion::HalfDown => (true, room.saturating_mul(times)),
    };
    if state.tab().vertical(state, down, rows) {
        return;
    }
    let (Some(words), Some(list)) = (state.tab().words(), state.rows_in_focus()) else {
        return state.say("there are no rows yet");
    };
    let last = list.most.saturating_sub(1);
    // Who moves it by hand wants it nowhere else.
    state.marked = state.marked.map(|marked| Marked {
        reached: true,
        ..marked
    });
    let cursor = words.cursor_mut(state);
    let to = match down {
        true => cursor.row.saturating_add(rows).min(last),
        false => cursor.row.saturating_sub(rows),
    };
    if to == cursor.row {
        return state.say(match down {
            true => format!("this is the last of {} rows", grouped(list.most)),
            false => "this is the first row".to_owned(),
        });
    }
    cursor.go(to, room);
}

/// The list to the left or right, or of a row with two sides first its other one.
fn beside(state: &mut State, right: bool) {
    let Some(words) = state.tab().words() else {
        return state.say("there is one chart here");
    };
    if !words.has_sides(state) {
        return navigate::focus(state, right);
    }
    let side = words.side(state);
    words.focus_side(state, 1 - side);
    if side == usize::from(right) {
        navigate::focus(state, right);
    }
}

/// Moves the window on the list in focus.
pub(super) fn scroll(state: &mut State, down: bool, rows: usize) {
    if state.tab().vertical(state, down, rows) {
        return;
    }
    let room = state.regions.list_rows.max(1);
    let (Some(words), Some(list)) = (state.tab().words(), state.rows_in_focus()) else {
        return;
    };
    let last = list.most.saturating_sub(room);
    let cursor = words.cursor_mut(state);
    let to = match down {
        true => (cursor.scroll + rows).min(last),
        false => cursor.scroll.saturating_sub(rows),
    };
    cursor.scroll(to, room);
}

/// A list was clicked.
pub(super) fn focus(state: &mut State, list: usize) {
    if let Some(words) = state.tab().words() {
        words.focus_list(state, list);
    }
}

/// A row of a list was clicked: the cursor goes there, and of a pair to the side that was hit.
pub(super) fn click(state: &mut State, row: usize, side: Option<usize>) {
    let room = state.regions.list_rows;
    let Some(words) = state.tab().words() else {
        return;
    };
    words.cursor_mut(state).go(row, room);
    if let Some(side) = side {
        words.focus_side(state, side);
    }
}

/// Where else the word under the cursor stands; of a neuron, goes there.
pub(super) fn look_up(state: &mut State) {
    let item = match state.tab().point(state) {
        Some(token) => Some(RowItem::Token(token)),
        None => state.row_item(),
    };
    let tokens = state.card().map_or(0, |card| card.vocabulary.rows());
    match item {
        Some(RowItem::Token(id)) if (id as usize) < tokens => find::open_with(state, id),
        Some(RowItem::Token(_)) => state.say("this row is a position, no word to look up"),
        Some(RowItem::Place(address)) => {
            if let Address::Neuron { .. } = address {
                state.views.neurons.directions = false;
            }
            navigate::go(state, address);
        }
        None => state.say("there is no word under the cursor: J and K move it"),
    }
}

/// Puts the cursor on the marked word once its list is there, and back into a list that turned out
/// to be shorter. Of the queries that were asked last: what they are must be known.
pub(super) fn keep(state: &mut State) {
    let (Some(words), Some(list)) = (state.tab().words(), state.rows_in_focus()) else {
        return;
    };
    let room = state.regions.list_rows;
    if let Some(marked) = state.marked.filter(|marked| !marked.reached && list.fresh) {
        let tokens = match words.shows_directions(state) {
            true => Vec::new(),
            false => words.tokens(state),
        };
        let at = tokens.iter().position(|id| *id == marked.token);
        if let Some(row) = at {
            words.cursor_mut(state).go(row, room);
        }
        // A list that is being made longer may hold it yet.
        let reached = at.is_some() || list.settled;
        state.marked = Some(Marked { reached, ..marked });
    }
    let cursor = words.cursor_mut(state);
    if list.settled && cursor.row >= list.len {
        cursor.go(list.len.saturating_sub(1), room);
    }
}
