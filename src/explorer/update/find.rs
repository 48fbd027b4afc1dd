//! Looking up by word: how the places that were found are ordered and chosen.

use crate::explorer::state::{Choice, Chooser, Field, Overlay, Shown, State};
use crate::query::{By, Stand};

/// Puts the list on top, as it was left.
pub(super) fn open(state: &mut State) {
    let mut chooser = state.find.chooser.clone();
    chooser.field = Field::proposed(chooser.field.text());
    state.overlays.push(Overlay::Find(chooser));
}

/// Puts the list on top with a token to look up, by its id: no other token is spelled so.
pub(super) fn open_with(state: &mut State, token: u32) {
    state.find.stand = None;
    let chooser = Chooser {
        field: Field::proposed(format!("id:{token}")),
        selected: 0,
    };
    state.overlays.push(Overlay::Find(chooser));
}

/// Keeps what is typed for the next time.
pub(super) fn keep(state: &mut State) {
    if let Some(Overlay::Find(chooser)) = state.overlays.last() {
        state.find.chooser = chooser.clone();
    }
}

/// Takes what was found. A place that is selected stays so, wherever a better answer puts it.
pub(super) fn take(state: &mut State, shown: Shown) {
    let place = |choice: Option<&Choice<'_>>| match choice {
        Some(Choice::Found(found)) => Some((found.stand, found.address)),
        _ => None,
    };
    let selected = match state.overlays.last() {
        Some(Overlay::Find(chooser)) => chooser.selected,
        _ => 0,
    };
    let here = match selected {
        0 => None,
        row => place(state.choices().get(row)),
    };
    state.find.found = Some(shown);
    let at = here.and_then(|here| {
        let choices = state.choices();
        choices
            .iter()
            .position(|choice| place(Some(choice)) == Some(here))
    });
    if let (Some(at), Some(Overlay::Find(chooser))) = (at, state.overlays.last_mut()) {
        chooser.selected = at;
    }
}

/// By rank, by score, by cosine.
pub(super) fn next_order(state: &mut State) {
    let at = By::ALL.iter().position(|by| *by == state.find.by);
    state.find.by = By::ALL[(at.unwrap_or(0) + 1) % By::ALL.len()];
    to_top(state);
}

/// All kinds of place, or one after the other only one.
pub(super) fn next_kind(state: &mut State) {
    let next = match state.find.stand {
        None => Some(0),
        Some(stand) => Stand::ALL.iter().position(|s| *s == stand).map(|at| at + 1),
    };
    state.find.stand = next.and_then(|at| Stand::ALL.get(at).copied());
    to_top(state);
}

/// The best first, or the lowest layer.
pub(super) fn swap_layers(state: &mut State) {
    state.find.by_layer = !state.find.by_layer;
    to_top(state);
}

fn to_top(state: &mut State) {
    if let Some(Overlay::Find(chooser)) = state.overlays.last_mut() {
        chooser.selected = 0;
    } else {
        state.say("F opens the list that this is about");
    }
}
