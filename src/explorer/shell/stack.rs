//! What lies on top: moved in, accepted, left; and the model that is opened from there.

use crate::explorer::action::{Motion, ViewId};
use crate::explorer::board::Shown;
use crate::explorer::effect::Effect;
use crate::explorer::saved_view::SavedView;
use crate::explorer::state::{Field, Opening, Purpose, State, TypedLine};
use crate::query::Query;

/// Moves in the list on top, around its end by single steps.
pub(super) fn select(state: &mut State, motion: Motion) {
    if let (Motion::HalfUp, Some(field)) = (motion, state.field())
        && !field.text().is_empty()
    {
        // As in every line that is typed.
        *field = Field::default();
        return;
    }
    let Some(list) = state.front().list() else {
        return;
    };
    let last = list.rows(state).saturating_sub(1);
    let page = state.regions.choice_rows.max(1);
    let Some(selected) = list.selected(state) else {
        return;
    };
    let at = (*selected).min(last);
    *selected = match motion {
        Motion::Up if at == 0 => last,
        Motion::Down if at == last => 0,
        Motion::Up | Motion::Left => at.saturating_sub(1),
        Motion::Down | Motion::Right => (at + 1).min(last),
        Motion::PageUp | Motion::HalfUp => at.saturating_sub(page),
        Motion::PageDown | Motion::HalfDown => (at + page).min(last),
        Motion::First => 0,
        Motion::Last => last,
    };
}

/// Enter: takes the row of the list on top.
pub(super) fn accept(state: &mut State) -> Vec<Effect> {
    let selected = state.front().list().and_then(|list| list.selected(state));
    match selected.copied() {
        Some(row) => choose(state, row),
        None => {
            state.say("there is nothing to take here");
            Vec::new()
        }
    }
}

/// Takes a row of what lies on top.
pub(super) fn choose(state: &mut State, row: usize) -> Vec<Effect> {
    let front = state.front();
    let Some(list) = front.list() else {
        front.row(state, row);
        return Vec::new();
    };
    if row < list.rows(state) {
        return list.take(state, row);
    }
    match list.error(state) {
        Some(error) => state.fail(error),
        None => {
            if let Some(nothing) = list.nothing(state) {
                state.say(nothing);
            }
        }
    }
    Vec::new()
}

/// Begins to open a model; with `then` empty it is opened where one was in it.
pub fn open_model(state: &mut State, name: String, then: Vec<SavedView>) -> Vec<Effect> {
    state.views.models.chosen = state.is_on_top(ViewId::Models);
    state.stack.clear();
    state.opening = Some(Opening::new(name.clone(), then));
    vec![Effect::Open(name)]
}

/// Asks again for what could not be done with what was typed, and says why.
pub fn ask_again(state: &mut State, purpose: Purpose, typed: &str, why: String) {
    let field = Field::with(typed);
    state.views.line = Some(TypedLine { purpose, field });
    state.put_on_top(ViewId::Line);
    state.fail(why);
}

/// What the worker is to answer: what is wanted and not stopped.
pub(super) fn want(state: &State) -> Effect {
    let goes_on = |query: &&Query| !state.stopped.contains(query);
    Effect::Want(state.wanted.iter().filter(goes_on).cloned().collect())
}

/// Stops the searches that the screen shows answers so far of; these stay.
fn stop_search(state: &mut State) -> Option<Effect> {
    let running = |shown: &&Shown| {
        state.wanted.contains(&shown.query) && !state.stopped.contains(&shown.query)
    };
    let so_far = |shown: &Shown| Some((shown.query.clone(), shown.answer.kind().so_far()?));
    let stopped: Vec<_> = state
        .board
        .iter()
        .filter(running)
        .filter_map(so_far)
        .collect();
    let &(_, done) = stopped.first()?;
    state
        .stopped
        .extend(stopped.into_iter().map(|(query, _)| query));
    let done = (done * 100.0).clamp(0.0, 99.0);
    state.say(format!(
        "stopped at {done:.0} %: what was found stays, not proven; another head and back goes on from here"
    ));
    Some(want(state))
}

/// Esc: leaves what is on top, else stops opening a model. Else a mark, a search or a filter goes.
pub(super) fn cancel(state: &mut State) -> Vec<Effect> {
    if state.stack.pop().is_some() {
        return Vec::new();
    }
    if let Some(opening) = &state.opening {
        let stopped = format!("no longer opening {}", opening.name);
        return stop_opening(state, stopped);
    }
    if state.marked.take().is_some() {
        state.say("no word is marked any more");
    } else if let Some(stopped) = stop_search(state) {
        return vec![stopped];
    } else if !state.filters.contains.is_empty() {
        state.filters.contains.clear();
        super::relisted(state);
    } else {
        state.say("there is nothing to leave · q quits");
    }
    Vec::new()
}

/// Opening the model that was there stops the opening of another: the worker does only the last.
fn stop_opening(state: &mut State, stopped: String) -> Vec<Effect> {
    let came = state.opening.as_ref().is_some_and(|o| o.transfer.is_some());
    if came {
        // It is not with the worker yet, which has nothing to stop.
        state.opening = None;
        back_to_history(state);
        state.say(format!("{stopped}: what has arrived is kept"));
        return vec![Effect::StopFetch];
    }
    let Some(name) = state.card().map(|card| card.name.clone()) else {
        state.say("no other model is open yet: o chooses another, q quits");
        return Vec::new();
    };
    let views = state.saved_views();
    let effects = open_model(state, name, views);
    state.say(stopped);
    effects
}

/// The way to a place of another model was given up: the history stands where one is.
pub fn back_to_history(state: &mut State) {
    if state.model.is_some() {
        let view = state.saved_view();
        state.history.return_to(&view);
    }
}
