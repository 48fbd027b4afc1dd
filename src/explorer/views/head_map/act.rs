//! Moving in the map of heads.

use super::HeadMap;
use crate::explorer::action::{Motion, ViewId};
use crate::explorer::state::State;

/// Layers of a page.
const PAGE: usize = 8;

/// Moves the cursor.
pub fn step(state: &mut State, motion: Motion) {
    let Some((layers, heads)) = state.card().map(|card| (card.spec.layers, card.spec.heads)) else {
        return;
    };
    let ranked = state.all_ranked(state.views.ranking.heads_by);
    let place = |(layer, head): &(usize, &crate::query::RankedItem)| HeadMap {
        layer: *layer,
        head: head.item,
    };
    let (first, last) = (ranked.first().map(place), ranked.last().map(place));
    let at = &mut state.views.head_map;
    let down = |at: usize, by: usize, len: usize| (at + by).min(len.saturating_sub(1));
    match motion {
        Motion::Up => at.layer = at.layer.saturating_sub(1),
        Motion::Down => at.layer = down(at.layer, 1, layers),
        Motion::Left => at.head = at.head.saturating_sub(1),
        Motion::Right => at.head = down(at.head, 1, heads),
        Motion::PageUp | Motion::HalfUp => at.layer = at.layer.saturating_sub(PAGE),
        Motion::PageDown | Motion::HalfDown => at.layer = down(at.layer, PAGE, layers),
        Motion::First => *at = first.unwrap_or(*at),
        Motion::Last => *at = last.unwrap_or(*at),
    }
}

/// Moves the cursor in the order of the measure.
pub fn in_order(state: &mut State, by: isize) {
    if !state.is_on_top(ViewId::HeadMap) {
        return state.say("i opens the map of heads (g h), in which n goes to the next in order");
    }
    let HeadMap { layer, head } = state.views.head_map;
    let ranked = state.all_ranked(state.views.ranking.heads_by);
    let at = ranked
        .iter()
        .position(|(l, h)| (*l, h.item) == (layer, head));
    let to = match at {
        Some(at) => at.checked_add_signed(by),
        None => Some(0),
    };
    let to = to
        .and_then(|to| ranked.get(to))
        .map(|(layer, head)| HeadMap {
            layer: *layer,
            head: head.item,
        });
    match to {
        Some(to) => state.views.head_map = to,
        None => state.say(match by {
            1.. => "this is the last in order, of those that are known",
            _ => "this is the first in order",
        }),
    }
}
