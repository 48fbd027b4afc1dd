//! Interesting neurons and heads: by what they are ranked, what the strip of layers and the grid of
//! heads show, and drawing from them.

use crate::explorer::action::Pane;
use crate::explorer::state::{Chooser, Overlay, State, Strip};
use crate::query::Interest;

/// Puts the list of neurons on top.
pub(super) fn open(state: &mut State) {
    state.ranked.opened = true;
    state
        .overlays
        .push(Overlay::Interesting(Chooser::default()));
}

/// The list's neurons are those of the layer, or of all.
pub(super) fn swap_layers(state: &mut State) {
    if let Some(Overlay::Interesting(chooser)) = state.overlays.last_mut() {
        chooser.selected = 0;
        state.ranked.one_layer = !state.ranked.one_layer;
    } else {
        state.say("i opens the list that this is about");
    }
}

/// The next measure, of what lies on top or else of the pane.
pub(super) fn next(state: &mut State) {
    let after = |all: &[Interest], by: Interest| {
        let at = all.iter().position(|other| *other == by);
        all[at.map_or(0, |at| (at + 1) % all.len())]
    };
    let ranked = &mut state.ranked;
    match state.overlays.last_mut() {
        Some(Overlay::HeadMap { .. }) => ranked.heads_by = after(&Interest::HEADS, ranked.heads_by),
        Some(Overlay::Interesting(chooser)) => {
            ranked.by = after(&Interest::NEURONS, ranked.by);
            chooser.selected = 0;
        }
        _ => state.say("i ranks all neurons, or all heads"),
    }
}

/// What the strip of layers shows next, or the grid of heads.
pub(super) fn next_strip(state: &mut State) {
    if state.pane == Pane::Geometry {
        return state.say("the strip is in the panes of neurons (g n) and heads (g h)");
    }
    if state.card().is_some_and(|card| card.remote) {
        return state.say("this model is here in parts: all weights would have to come for that");
    }
    if state.pane == Pane::Heads {
        let at = Interest::HEADS
            .iter()
            .position(|by| Some(*by) == state.grid);
        state.grid = match at {
            None => Some(Interest::HEADS[0]),
            Some(at) => Interest::HEADS.get(at + 1).copied(),
        };
        return state.say(match state.grid {
            None => "the grid shows the best pairs of the heads seen".to_owned(),
            Some(by) => format!("the grid shows the {}", by.meaning()),
        });
    }
    let measured = state.layer_anisotropy().is_some();
    let all = Strip::all().filter(|strip| measured || *strip != Strip::Anisotropy);
    let all: Vec<Strip> = all.collect();
    let at = all.iter().position(|strip| *strip == state.strip);
    state.strip = all[at.map_or(0, |at| (at + 1) % all.len())];
    let shown = state.strip.meaning();
    state.say(match (state.strip, measured) {
        (Strip::Norms, false) => {
            format!(
                "the strip shows {shown}; anisotropy once the Geometry pane (g s) has measured it"
            )
        }
        _ => format!("the strip shows {shown}"),
    });
}

/// Whether a random place is one of those that were ranked.
pub(super) fn swap_draws(state: &mut State) {
    state.ranked.draws = !state.ranked.draws;
    let places = state.drawn_from().len();
    state.say(match (state.ranked.draws, places) {
        (false, _) => "r goes anywhere".to_owned(),
        (true, 0) => "r goes to what is ranked, once something is: i ranks".to_owned(),
        (true, n) => format!("r goes to one of {n} that are ranked best"),
    });
}
