//! Going to saved views: the place, and all that decides what stands there; other models too.

use super::navigate;
use super::stack::open_model;
use crate::explorer::effect::Effect;
use crate::explorer::saved_view::{SavedView, tab_of};
use crate::explorer::state::State;

/// Goes to a view, in another model if need be. `None` if the open model has no such place, which
/// is said.
pub(super) fn go(state: &mut State, view: SavedView) -> Option<Vec<Effect>> {
    if let Some(effects) = elsewhere(state, &view) {
        return Some(effects);
    }
    match restore(state, &view) {
        Ok(effects) => {
            navigate::remember(state, false);
            Some(effects)
        }
        Err(why) => {
            state.fail(why);
            None
        }
    }
}

/// Opens the model of a view, if that is not the open one.
fn elsewhere(state: &mut State, view: &SavedView) -> Option<Vec<Effect>> {
    let name = view.model.clone()?;
    let here = state.card().is_some_and(|card| card.name == name);
    (!here).then(|| open_model(state, name, vec![view.clone()]))
}

/// Back so many places, through all models, as they were looked at; if there are fewer, to the first.
pub(super) fn back(state: &mut State, times: usize) -> Vec<Effect> {
    let view = (0..times).map_while(|_| state.history.back()).last();
    let Some(view) = view else {
        state.say("this is where you started");
        return Vec::new();
    };
    revisit(state, &view)
}

/// The same forward.
pub(super) fn forward(state: &mut State, times: usize) -> Vec<Effect> {
    let view = (0..times).map_while(|_| state.history.forward()).last();
    let Some(view) = view else {
        state.say("this is the latest place: r, : and clicks make new ones");
        return Vec::new();
    };
    revisit(state, &view)
}

/// Goes to a place of the history as it was looked at, without a trace of its own.
fn revisit(state: &mut State, view: &SavedView) -> Vec<Effect> {
    let before = state.saved_view();
    if let Some(effects) = elsewhere(state, view) {
        return effects;
    }
    match restore(state, view) {
        Ok(effects) => {
            if tab_of(view.address) == tab_of(before.address) {
                let unlike = view.unlike(&before);
                if !unlike.is_empty() {
                    state.say(format!("as it was left: {}", unlike.join(" · ")));
                }
            }
            effects
        }
        Err(why) => {
            state.fail(why);
            Vec::new()
        }
    }
}

/// The model before, at the same place and looked at in the same way, where it has that place.
pub(super) fn flip(state: &mut State) -> Vec<Effect> {
    let Some(name) = state.previous.clone() else {
        state.say("no other model was open before: o opens one");
        return Vec::new();
    };
    let known = state.places.get(&name).cloned().unwrap_or_default();
    // That of the pane in front last, for where the model has no such place as this.
    let (front, others): (Vec<_>, Vec<_>) = known
        .into_iter()
        .partition(|address| tab_of(*address) == Some(state.tab));
    let known = others.into_iter().chain(front);
    let mut then: Vec<SavedView> = known.map(SavedView::from).collect();
    then.push(SavedView {
        model: Some(name.clone()),
        ..state.saved_view()
    });
    open_model(state, name, then)
}

/// Puts the open model's pane at a view, without a trace in the history. What is still to be read
/// for it is among the effects.
///
/// # Errors
/// The model has no such place: which it has. Nothing is changed then.
pub(super) fn restore(state: &mut State, view: &SavedView) -> Result<Vec<Effect>, String> {
    navigate::check(state, view.address, view.settings.as_deref())?;
    navigate::place(state, view.address);
    match (&view.settings, tab_of(view.address)) {
        (Some(settings), Some(tab)) => Ok(tab.tab().restore(state, settings)),
        _ => Ok(Vec::new()),
    }
}

/// Goes to a view that was chosen in what lies on top, and leaves that.
pub fn go_and_leave(state: &mut State, view: SavedView) -> Vec<Effect> {
    // Before, as the view may put something on top itself.
    let left = state.stack.pop();
    match go(state, view) {
        Some(effects) => effects,
        None => {
            state.stack.extend(left);
            Vec::new()
        }
    }
}
