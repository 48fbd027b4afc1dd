//! Marks: made, named, taken away, brought back. The store keeps them; the state shows what it says.

use crate::explorer::action::ViewId;
use crate::explorer::bookmarks::{Bookmark, BookmarkChange, NewMark};
use crate::explorer::effect::Effect;
use crate::explorer::state::{Purpose, State};
use crate::explorer::views::line;
use crate::query::Address;

/// Deletions that can be undone.
const UNDO_MAX: usize = 100;

/// Marks what is in front, or takes its mark away.
pub fn mark(state: &mut State) -> Vec<Effect> {
    let Some(mark) = new_mark(state) else {
        return Vec::new();
    };
    match state.mark_here().map(|(mark, same)| (mark.clone(), same)) {
        Some((known, true)) => take_away(state, known),
        Some((known, false)) => {
            let other = state.unlike(&known).join(" · ");
            add(state, mark, &format!("another mark of it has {other}"))
        }
        None => add(state, mark, "' lists the marks, where C-e adds a note"),
    }
}

/// Marks the layer, or takes its mark away.
pub fn mark_layer(state: &mut State) -> Vec<Effect> {
    let layer = state.address().layer();
    let address = Address::Layer { layer };
    let Some(mark) = new_mark(state) else {
        return Vec::new();
    };
    match state.bookmark(address).cloned() {
        Some(known) => take_away(state, known),
        None => {
            let view = String::new();
            let mark = NewMark {
                address,
                view,
                ..mark
            };
            add(state, mark, "' lists the marks, where C-e adds a note")
        }
    }
}

/// A mark of what is in front.
fn new_mark(state: &State) -> Option<NewMark> {
    Some(NewMark {
        model: state.card()?.name.clone(),
        address: state.address(),
        view: state.saved_view().to_string(),
        note: None,
    })
}

fn add(state: &mut State, mark: NewMark, more: &str) -> Vec<Effect> {
    state.say(format!("{} is marked · {more}", mark.address));
    vec![Effect::Bookmark(BookmarkChange::Add(mark))]
}

fn take_away(state: &mut State, mark: Bookmark) -> Vec<Effect> {
    let note = mark.note.as_ref();
    let note = note.map_or(String::new(), |note| format!(" “{note}”"));
    state.say(format!(
        "the mark of {}{note} is taken away · U brings it back",
        mark.address
    ));
    let id = mark.id.clone();
    let at = state.bookmarks.iter().position(|b| b.id == id);
    let (mark, at) = (Box::new(mark), at.unwrap_or(usize::MAX));
    can_undo(state, BookmarkChange::Restore { mark, at });
    vec![Effect::Bookmark(BookmarkChange::Remove { id })]
}

fn can_undo(state: &mut State, change: BookmarkChange) {
    if state.undo.len() == UNDO_MAX {
        state.undo.remove(0);
    }
    state.undo.push(change);
}

/// Brings back what was deleted last.
pub fn undo(state: &mut State) -> Vec<Effect> {
    let Some(change) = state.undo.pop() else {
        state.say("no mark or note was deleted that U could bring back");
        return Vec::new();
    };
    state.say(match &change {
        BookmarkChange::Restore { mark, .. } => {
            format!("{} {} is marked again", mark.model, mark.address)
        }
        BookmarkChange::Annotate { note, .. } => {
            format!("the note is again “{}”", note.as_deref().unwrap_or(""))
        }
        BookmarkChange::Refresh | BookmarkChange::Add(_) | BookmarkChange::Remove { .. } => {
            "undone".to_owned()
        }
    });
    vec![Effect::Bookmark(change)]
}

/// Asks for the note of what is in front.
pub fn ask_note(state: &mut State) {
    let Some(mark) = new_mark(state) else {
        return;
    };
    let known = state.mark_here().filter(|(_, same)| *same);
    let (id, note) = known
        .map(|(known, _)| (known.id.clone(), known.note.clone()))
        .unzip();
    let mark = Box::new(mark);
    let note = note.flatten().unwrap_or_default();
    line::ask_with(state, Purpose::Note { mark, id }, &note);
}

/// Asks for another note of the bookmark that is selected.
pub fn edit_note(state: &mut State) {
    match selected(state) {
        Some(mark) => {
            let id = Some(mark.id.clone());
            let note = mark.note.clone();
            let mark = Box::new(NewMark {
                model: mark.model,
                address: mark.address,
                view: mark.view,
                note: None,
            });
            let note = note.unwrap_or_default();
            line::ask_with(state, Purpose::Note { mark, id }, &note);
        }
        None => state.say("no bookmark is selected"),
    }
}

/// Deletes the bookmark that is selected.
pub fn remove(state: &mut State) -> Vec<Effect> {
    match selected(state) {
        Some(mark) => take_away(state, mark),
        None => {
            state.say("no bookmark is selected");
            Vec::new()
        }
    }
}

fn selected(state: &State) -> Option<Bookmark> {
    let marks = state.marks_listed();
    let selected = marks.get(state.views.bookmarks.selected);
    let on_top = state.is_on_top(ViewId::Bookmarks);
    selected.filter(|_| on_top).map(|mark| (*mark).clone())
}

/// A note was typed.
pub fn noted(state: &mut State, mark: NewMark, id: Option<String>, note: &str) -> Vec<Effect> {
    let note = Some(note.to_owned()).filter(|note| !note.is_empty());
    let known = state
        .bookmarks
        .iter()
        .find(|mark| Some(&mark.id) == id.as_ref());
    let change = match known.map(|known| (known.id.clone(), known.note.clone())) {
        Some((id, before)) => {
            if before.is_some() && before != note {
                let id = id.clone();
                can_undo(state, BookmarkChange::Annotate { id, note: before });
                state.say("the note is another · U brings the one before back");
            }
            BookmarkChange::Annotate { id, note }
        }
        None => BookmarkChange::Add(NewMark { note, ..mark }),
    };
    vec![Effect::Bookmark(change)]
}

/// What the store holds now.
pub fn bookmarks(state: &mut State, marks: Vec<Bookmark>) {
    state.bookmarks = marks;
    let last = state.marks_listed().len().saturating_sub(1);
    let selected = &mut state.views.bookmarks.selected;
    *selected = (*selected).min(last);
}
