//! Switching the convention.

use std::time::Duration;

use crate::explorer::action::Action;
use crate::explorer::keymap;
use crate::explorer::shell;
use crate::explorer::state::State;
use crate::query::{Convention, FirstConventionAnswer, Switch};

/// Switches a part of the convention, where the model offers it.
pub fn convention(state: &mut State, switch: Switch) {
    if let Some(Err(why)) = state.card().map(|card| card.offers(switch)) {
        return state.say(format!("{switch} is not offered: {why}"));
    }
    state.convention = state.convention.flipped(switch);
    state.keep_convention(true);
    shell::relisted(state);
}

/// Lists that have been on screen for longer than this are being read: they do not change by
/// themselves.
const UNREAD: Duration = Duration::from_millis(500);

/// The model's own figures say under which convention to begin. It is taken, unless the user has
/// chosen one meanwhile; where lists have been on screen for so long that they are being read, or a
/// key was pressed, the status line says how to take it.
pub fn first_convention(state: &mut State, answer: &FirstConventionAnswer, shown_for: Duration) {
    if state.convention_query().is_none() {
        return;
    }
    let best = answer.best();
    if best != state.convention && (state.touched || shown_for > UNREAD) {
        state.convention_told = true;
        let keys = keys_to(state.convention, best);
        return state.say(format!(
            "this model reads better under {best}: press {keys}"
        ));
    }
    state.convention = best;
    state.keep_convention(false);
    if state.convention.is_raw() {
        return state.say(answer.reason());
    }
    state.say(format!("{} · c 0 is raw", answer.reason()));
    shell::relisted(state);
}

/// The keys that lead from one convention to another, those of its menu.
fn keys_to(from: Convention, to: Convention) -> String {
    let raw = (!from.is_raw()).then_some(Action::Raw);
    let switches = to.switches().map(Action::Convention);
    let actions = std::iter::once(Action::OpenConventions)
        .chain(raw)
        .chain(switches);
    let keys: Vec<&str> = actions.filter_map(keymap::first_key).collect();
    keys.join(" ")
}

/// The raw convention.
pub fn raw(state: &mut State) {
    if state.convention().is_raw() {
        state.say("the convention is raw");
    }
    state.convention = Convention::RAW;
    state.keep_convention(true);
    shell::relisted(state);
}
