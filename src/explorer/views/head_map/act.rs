//! Moving in the map of heads.

use super::HeadMap;
use crate::explorer::action::{Motion, ViewId};
use crate::explorer::state::State;

/// Layers of a page.
const PAGE: usize = 8;

/// Moves the cursor.
pub fn step(state: &mut State, motion: Motion) {
    let Some(card) = state.card() else {
        return;
    };
    // Layers without heads are stepped over.
    let counts: Vec<usize> = (0..card.spec.layers)
        .map(|layer| card.spec.heads_in(layer))
        .collect();
    let with: Vec<usize> = (0..counts.len())
        .filter(|&layer| counts[layer] > 0)
        .collect();
    let ranked = state.all_ranked(state.views.ranking.heads_by);
    let place = |(layer, head): &(usize, &crate::query::RankedItem)| HeadMap {
        layer: *layer,
        head: head.item,
    };
    let (first, last) = (ranked.first().map(place), ranked.last().map(place));
    let at = &mut state.views.head_map;
    let row = with.partition_point(|&layer| layer < at.layer);
    let to = |row: usize| with.get(row.min(with.len().saturating_sub(1))).copied();
    let layer = at.layer;
    let moved = match motion {
        Motion::Up => to(row.saturating_sub(1)),
        Motion::Down => to(row + 1),
        Motion::PageUp | Motion::HalfUp => to(row.saturating_sub(PAGE)),
        Motion::PageDown | Motion::HalfDown => to(row + PAGE),
        Motion::Left | Motion::Right | Motion::First | Motion::Last => None,
    };
    at.layer = moved.unwrap_or(layer);
    match motion {
        Motion::Left => at.head = at.head.saturating_sub(1),
        Motion::Right => at.head += 1,
        Motion::First => *at = first.unwrap_or(*at),
        Motion::Last => *at = last.unwrap_or(*at),
        Motion::Up
        | Motion::Down
        | Motion::PageUp
        | Motion::HalfUp
        | Motion::PageDown
        | Motion::HalfDown => {}
    }
    let heads = counts.get(at.layer).copied().unwrap_or(0);
    at.head = at.head.min(heads.saturating_sub(1));
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
