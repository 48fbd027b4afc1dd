//! The map of heads: moving in it, and going where its cursor is.

use super::navigate;
use crate::explorer::action::Motion;
use crate::explorer::state::{Overlay, State};
use crate::query::Address;

/// Layers of a page.
const PAGE: usize = 8;

/// Puts the map on top, its cursor where one is.
pub(super) fn open(state: &mut State) {
    let (layer, head) = (state.heads.layer, state.heads.head);
    state.overlays.push(Overlay::HeadMap { layer, head });
}

/// Moves the cursor, if the map is on top; false if it is not.
pub(super) fn step(state: &mut State, motion: Motion) -> bool {
    let Some(spec) = state.card().map(|card| card.spec.clone()) else {
        return false;
    };
    let ends = match motion {
        Motion::First | Motion::Last => {
            let ranked = state.all_ranked(state.ranked.heads_by);
            let end = match motion {
                Motion::First => ranked.first(),
                _ => ranked.last(),
            };
            end.map(|(layer, head)| (*layer, head.item))
        }
        _ => None,
    };
    let Some(Overlay::HeadMap { layer, head }) = state.overlays.last_mut() else {
        return false;
    };
    let down = |at: usize, by: usize, len: usize| (at + by).min(len.saturating_sub(1));
    match motion {
        Motion::Up => *layer = layer.saturating_sub(1),
        Motion::Down => *layer = down(*layer, 1, spec.layers),
        Motion::Left => *head = head.saturating_sub(1),
        Motion::Right => *head = down(*head, 1, spec.heads),
        Motion::PageUp | Motion::HalfUp => *layer = layer.saturating_sub(PAGE),
        Motion::PageDown | Motion::HalfDown => *layer = down(*layer, PAGE, spec.layers),
        Motion::First | Motion::Last => (*layer, *head) = ends.unwrap_or((*layer, *head)),
    }
    true
}

/// Moves the cursor in the order of the measure.
pub(super) fn in_order(state: &mut State, by: isize) {
    let Some(&Overlay::HeadMap { layer, head }) = state.overlays.last() else {
        return state.say("i opens the map of heads (g h), in which n goes to the next in order");
    };
    let ranked = state.all_ranked(state.ranked.heads_by);
    let at = ranked
        .iter()
        .position(|(l, h)| (*l, h.item) == (layer, head));
    let to = match at {
        Some(at) => at.checked_add_signed(by),
        None => Some(0),
    };
    let to = to
        .and_then(|to| ranked.get(to))
        .map(|(layer, head)| (*layer, head.item));
    match (to, state.overlays.last_mut()) {
        (Some(to), Some(Overlay::HeadMap { layer, head })) => (*layer, *head) = to,
        _ => state.say(match by {
            1.. => "this is the last in order, of those that are known",
            _ => "this is the first in order",
        }),
    }
}

/// Goes to a head, and leaves the map.
pub(super) fn go(state: &mut State, layer: usize, head: usize) {
    let form = state.ranked.heads_by.form();
    if navigate::go(state, Address::Head { layer, head, form }) {
        state.overlays.pop();
    }
}
