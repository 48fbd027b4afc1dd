//! The cursor in lists of words: moved, clicked, put where a look-up leads, and what Enter does there.

use super::{find, geometry, navigate};
use crate::explorer::action::{Motion, Pane};
use crate::explorer::state::{COLUMN_MAX, Heads, Marked, RowItem, State};
use crate::projection::{End, Hit, Stand};
use crate::query::{Address, Column, Pointed};
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
    match state.pane {
        Pane::Geometry => return geometry::vertical(state, down, rows),
        Pane::Neurons if state.neurons.points => return point(state, down, rows),
        Pane::Neurons | Pane::Heads => {}
    }
    let Some(list) = state.rows_in_focus() else {
        return state.say("there are no rows yet");
    };
    let last = list.most.saturating_sub(1);
    // Who moves it by hand wants it nowhere else.
    state.marked = state.marked.map(|marked| Marked {
        reached: true,
        ..marked
    });
    let cursor = state.row_cursor();
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

/// The list to the left or right, or of a pair first its other side.
fn beside(state: &mut State, right: bool) {
    match state.pane {
        Pane::Geometry => state.say("there is one chart here"),
        // The right side of a layer's direction is its neurons.
        Pane::Neurons if !state.neurons.directions => navigate::focus(state, right),
        Pane::Neurons | Pane::Heads => {
            let onward = state.heads.side == usize::from(right);
            state.heads.side = Heads::SIDES - 1 - state.heads.side;
            if onward {
                navigate::focus(state, right);
            }
        }
    }
}

/// The next point of a column's map, or the one before.
fn point(state: &mut State, down: bool, times: usize) {
    let last = state
        .column_map()
        .map_or(0, |(map, _)| map.points.len().saturating_sub(1));
    let at = state.neurons.selected;
    let to = match down {
        true => (at + times).min(last),
        false => at.saturating_sub(times),
    };
    if to == at {
        let end = if down { "last" } else { "first" };
        return state.say(format!("this is the {end} point"));
    }
    state.neurons.selected = to;
}

/// Moves the window on the list in focus.
pub(super) fn scroll(state: &mut State, down: bool, rows: usize) {
    match state.pane {
        Pane::Geometry => return geometry::vertical(state, down, rows),
        Pane::Neurons if state.neurons.points => return point(state, down, rows),
        Pane::Neurons | Pane::Heads => {}
    }
    let room = state.regions.list_rows.max(1);
    let Some(list) = state.rows_in_focus() else {
        return;
    };
    let last = list.most.saturating_sub(room);
    let cursor = state.row_cursor();
    let to = match down {
        true => (cursor.scroll + rows).min(last),
        false => cursor.scroll.saturating_sub(rows),
    };
    cursor.scroll(to, room);
}

/// A row of a list was clicked: the cursor goes there, and of a pair to the side that was hit.
pub(super) fn click(state: &mut State, row: usize, side: Option<usize>) {
    let room = state.regions.list_rows;
    state.row_cursor().go(row, room);
    state.heads.side = side.unwrap_or(state.heads.side);
}

/// Where else the word under the cursor stands; of a neuron, goes there.
pub(super) fn look_up(state: &mut State) {
    let pointed = state.column_map().filter(|_| state.neurons.points);
    let pointed = pointed.and_then(
        |(map, _)| match map.points.get(state.neurons.selected)?.what {
            Pointed::Row { id, .. } => Some(RowItem::Token(id)),
            Pointed::Occurrence { .. } => None,
        },
    );
    let item = match (state.pane, pointed) {
        (Pane::Neurons, Some(item)) => Some(item),
        (Pane::Neurons | Pane::Heads, _) => state.row_item(),
        (Pane::Geometry, _) => None,
    };
    let tokens = state.card().map_or(0, |card| card.vocabulary.rows());
    match item {
        Some(RowItem::Token(id)) if (id as usize) < tokens => find::open_with(state, id),
        Some(RowItem::Token(_)) => state.say("this row is a position, no word to look up"),
        Some(RowItem::Neuron(neuron)) => {
            let layer = state.neurons.layer;
            state.neurons.directions = false;
            navigate::go(state, Address::Neuron { layer, neuron });
        }
        None => state.say("there is no word under the cursor: J and K move it"),
    }
}

/// A look-up has led to the place of a hit: puts the list and the side where the word stands in
/// focus, and the cursor on its row as soon as that is known.
pub(super) fn lead_to(state: &mut State, stand: Stand, hit: &Hit) {
    let room = state.regions.list_rows;
    let column = match stand {
        Stand::K => Some(Column::K),
        Stand::V => Some(Column::V),
        Stand::MinusK => Some(Column::MinusK),
        Stand::MinusV => Some(Column::MinusV),
        Stand::From | Stand::To | Stand::Query | Stand::Key => None,
    };
    match column {
        Some(column) => {
            let at = Column::ALL.iter().position(|other| *other == column);
            state.neurons.focus = at.unwrap_or(state.neurons.focus);
            (state.neurons.directions, state.neurons.points) = (false, false);
        }
        None => {
            state.heads.side = usize::from(matches!(stand, Stand::To | Stand::Key));
            state.heads.directions = false;
            if state.heads.end != End::Highest {
                navigate::swap_end(state);
            }
        }
    }
    state.marked = Some(Marked {
        token: hit.token,
        reached: false,
    });
    if let Some(rank) = hit.rank {
        match rank <= COLUMN_MAX {
            true => state.row_cursor().go(rank.saturating_sub(1), room),
            false => state.say(format!(
                "the word is number {} of this list, of which {} rows can be seen",
                grouped(rank),
                grouped(COLUMN_MAX)
            )),
        }
    }
}

/// Puts the cursor on the marked word once its list is there, and back into a list that turned out
/// to be shorter. Of the queries that were asked last: what they are must be known.
pub(super) fn keep(state: &mut State) {
    let Some(list) = state.rows_in_focus() else {
        return;
    };
    let room = state.regions.list_rows;
    if let Some(marked) = state.marked.filter(|marked| !marked.reached && list.fresh) {
        let tokens = state.tokens_in_focus();
        let at = tokens.iter().position(|id| *id == marked.token);
        if let Some(row) = at {
            state.row_cursor().go(row, room);
        }
        // A list that is being made longer may hold it yet.
        let reached = at.is_some() || list.settled;
        state.marked = Some(Marked { reached, ..marked });
    }
    let cursor = state.row_cursor();
    if list.settled && cursor.row >= list.len {
        cursor.go(list.len.saturating_sub(1), room);
    }
}
