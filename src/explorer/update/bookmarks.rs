//! Marks: made, named, taken away. The store keeps them; the state shows what it says.

use crate::explorer::bookmarks::Bookmark;
use crate::explorer::effect::{BookmarkChange, Effect};
use crate::explorer::state::{Choice, Field, Overlay, Prompt, Purpose, State};
use crate::query::Address;

/// Marks a place of the open model, or takes its mark away.
pub(super) fn mark(state: &mut State, address: Address) -> Vec<Effect> {
    let Some(model) = state.card().map(|card| card.name.clone()) else {
        return Vec::new();
    };
    let change = if let Some(id) = state.bookmark(address).map(|mark| mark.id.clone()) {
        state.say(format!("{address} is no longer marked"));
        BookmarkChange::Remove { id }
    } else {
        state.say(format!(
            "{address} is marked · ' lists the marks, where C-e adds a note"
        ));
        BookmarkChange::Add {
            model,
            address,
            note: None,
        }
    };
    vec![Effect::Bookmark(change)]
}

/// Asks for the note of the place on screen.
pub(super) fn ask_note(state: &mut State) {
    let Some(model) = state.card().map(|card| card.name.clone()) else {
        return;
    };
    let address = state.address();
    let note = state.bookmark(address).and_then(|mark| mark.note.clone());
    ask(state, Purpose::Note { model, address }, note);
}

/// Asks for another note of the bookmark that is selected.
pub(super) fn edit_note(state: &mut State) {
    match selected(state) {
        Some(mark) => {
            let purpose = Purpose::Note {
                model: mark.model,
                address: mark.address,
            };
            ask(state, purpose, mark.note);
        }
        None => state.say("no bookmark is selected"),
    }
}

fn ask(state: &mut State, purpose: Purpose, note: Option<String>) {
    state.overlays.push(Overlay::Prompt(Prompt {
        purpose,
        field: Field::with(note.unwrap_or_default()),
    }));
}

/// Deletes the bookmark that is selected.
pub(super) fn remove(state: &mut State) -> Vec<Effect> {
    let Some(mark) = selected(state) else {
        state.say("no bookmark is selected");
        return Vec::new();
    };
    state.say(format!("{} {} is deleted", mark.model, mark.address));
    vec![Effect::Bookmark(BookmarkChange::Remove { id: mark.id })]
}

fn selected(state: &State) -> Option<Bookmark> {
    let Some(Overlay::Bookmarks(chooser)) = state.overlays.last() else {
        return None;
    };
    match state.choices().get(chooser.selected) {
        Some(Choice::Bookmark(mark)) => Some((*mark).clone()),
        _ => None,
    }
}

/// A note was typed.
pub(super) fn noted(state: &mut State, purpose: Purpose, note: String) -> Vec<Effect> {
    let Purpose::Note { model, address } = purpose else {
        return Vec::new();
    };
    let note = Some(note).filter(|note| !note.is_empty());
    let mut marks = state.bookmarks.iter();
    let known = marks.find(|mark| mark.model == model && mark.address == address);
    let change = match known.map(|mark| mark.id.clone()) {
        Some(id) => BookmarkChange::Annotate { id, note },
        None => BookmarkChange::Add {
            model,
            address,
            note,
        },
    };
    vec![Effect::Bookmark(change)]
}

/// What the store holds now.
pub fn bookmarks(state: &mut State, marks: Vec<Bookmark>) {
    state.bookmarks = marks;
    let last = state.choices().len().saturating_sub(1);
    if let Some(Overlay::Bookmarks(chooser)) = state.overlays.last_mut() {
        chooser.selected = chooser.selected.min(last);
    }
}
