//! Going places: steps, jumps, random, back and forward, panes and focus.

use crate::explorer::action::{Motion, TabId};
use crate::explorer::saved_view::{ViewSettings, tab_of};
use crate::explorer::state::{RowCursor, State};
use crate::explorer::view::Axis;
use crate::explorer::views::{self, dictionary};
use crate::query::Address;
use crate::sheet::grouped;

/// Goes to a place of the open model. Says why not if the model has no such place.
pub fn go(state: &mut State, address: Address) -> bool {
    let there = visit(state, address);
    if there {
        remember(state, false);
    }
    there
}

/// Notes in the history that one is here; by a step, if it is a neighbour of the place before.
pub(super) fn remember(state: &mut State, stepped: bool) {
    let view = state.saved_view();
    state.history.visit(view, stepped);
}

/// Goes to a place that the user did not ask for; it replaces the present one in the history.
pub fn replace(state: &mut State, address: Address) {
    visit(state, address);
    let view = state.saved_view();
    state.history.replace(view);
}

/// Goes to a place without a trace in the history.
pub(super) fn visit(state: &mut State, address: Address) -> bool {
    match check(state, address, None) {
        Ok(()) => place(state, address),
        Err(why) => {
            state.fail(why);
            return false;
        }
    }
    true
}

/// Why the open model has no such place.
pub(super) fn check(
    state: &State,
    address: Address,
    settings: Option<&ViewSettings>,
) -> Result<(), String> {
    let card = state.card().ok_or_else(|| super::no_model(state))?;
    card.check(address).map_err(|error| error.to_string())?;
    let tab = tab_of(address);
    tab.map_or(Ok(()), |id| id.tab().check(state, address, settings))
}

/// Puts the state at a place that is known to exist; a layer is one of the tab in front.
pub(super) fn place(state: &mut State, address: Address) {
    state.tab = tab_of(address).unwrap_or(state.tab);
    state.tab().place(state, address);
    to_top(state);
}

/// Shows the lists from their first rows.
pub fn to_top(state: &mut State) {
    state.views.neurons.cursor = RowCursor::default();
    state.views.heads.cursors = [RowCursor::default(); 2];
    state.views.dictionary.to_top();
}

/// The filters or the convention are others: lists are read from their beginning.
pub fn relisted(state: &mut State) {
    views::all().for_each(|view| view.relisted(state));
    to_top(state);
}

/// A motion in the tab: neuron or head up and down, layer left and right.
pub(super) fn step(state: &mut State, motion: Motion, count: Option<usize>) {
    let times = count.unwrap_or(1);
    let tab = state.tab();
    let down = match motion {
        Motion::Up => Some(false),
        Motion::Down => Some(true),
        _ => None,
    };
    if let Some(down) = down
        && tab.words().is_none()
        && tab.vertical(state, down, times)
    {
        return;
    }
    let page = state.regions.selector_rows.max(1);
    let half = (page / 2).max(1);
    let Some(Axis {
        what,
        first,
        len,
        at,
    }) = tab.axis(state, motion)
    else {
        return;
    };
    let (at, last) = (at.saturating_sub(first), len.saturating_sub(1));
    let to = match motion {
        Motion::Up | Motion::Left => at.saturating_sub(times),
        Motion::Down | Motion::Right => at + times,
        Motion::PageUp => at.saturating_sub(page * times),
        Motion::PageDown => at + page * times,
        Motion::HalfUp => at.saturating_sub(half * times),
        Motion::HalfDown => at + half * times,
        Motion::First => count.unwrap_or(0),
        Motion::Last => count.unwrap_or(last),
    };
    if matches!(motion, Motion::First | Motion::Last) && to > last {
        let (count, last) = (grouped(to), grouped(last));
        state.fail(format!(
            "there is no {what} {count}: the last one is {last}"
        ));
        return;
    }
    let to = to.min(last);
    if at == to {
        let end = if to == 0 { "first" } else { "last" };
        state.say(format!("this is the {end} {what}"));
        return;
    }
    if let Some(axis) = tab.axis(state, motion) {
        *axis.at = first + to;
    }
    tab.settled(state, motion);
    to_top(state);
    let jump = matches!(motion, Motion::First | Motion::Last);
    remember(state, !jump);
}

/// A random place of the tab: one of those that are ranked, or any.
pub(super) fn random(state: &mut State) {
    if state.model.is_none() {
        return;
    }
    let ranked = state.drawn_from();
    let address = match state.random.choice(ranked) {
        Some(address) => address,
        None => state.tab().anywhere(state),
    };
    go(state, address);
}

/// The next or the previous tab, around the end.
pub(super) fn other_tab(state: &mut State, next: bool) {
    let there = TabId::ALL.into_iter().filter(|id| id.tab().is_there(state));
    let tabs: Vec<TabId> = there.collect();
    let at = tabs.iter().position(|id| *id == state.tab);
    let step = if next { 1 } else { tabs.len() - 1 };
    show(state, tabs[(at.unwrap_or(0) + step) % tabs.len()]);
}

/// Puts a tab in front.
pub(super) fn show(state: &mut State, tab: TabId) {
    if state.tab == tab {
        let title = tab.tab().title();
        return state.say(format!("{title} is in front already"));
    }
    if !tab.tab().is_there(state) {
        return state.say(dictionary::NONE);
    }
    state.tab = tab;
    remember(state, true);
}

/// The next or previous list, around the end.
pub(super) fn focus(state: &mut State, next: bool) {
    if let Some(words) = state.tab().words() {
        let (at, len) = (words.list(state), words.lists());
        words.focus_list(state, (at + if next { 1 } else { len - 1 }) % len);
    }
}
