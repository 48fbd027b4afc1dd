//! Bookmarks: the list of them, and marking, naming, taking away, bringing back.

mod act;
mod draw;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, ViewId};
use crate::explorer::bookmarks::{Bookmark, BookmarkChange};
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::shell;
use crate::explorer::state::{Chooser, Field, Purpose, State, matches};
use crate::explorer::view::{List, View};

pub use act::bookmarks;

/// The list.
pub struct BookmarksView;

impl View for BookmarksView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Bookmarks, Scope::Lists]
    }

    fn page(&self) -> Option<&'static str> {
        Some("marks-and-exports")
    }

    fn act(&self, state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
        Some(match action {
            Action::OpenBookmarks => {
                state.views.bookmarks = Chooser::default();
                state.put_on_top(ViewId::Bookmarks);
                vec![Effect::Bookmark(BookmarkChange::Refresh)]
            }
            Action::RemoveBookmark => act::remove(state),
            Action::Undo => act::undo(state),
            Action::Mark => act::mark(state),
            Action::MarkLayer => act::mark_layer(state),
            Action::MarkWithNote => {
                act::ask_note(state);
                Vec::new()
            }
            Action::EditNote => {
                act::edit_note(state);
                Vec::new()
            }
            _ => return None,
        })
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn field<'s>(&self, state: &'s mut State) -> Option<&'s mut Field> {
        Some(&mut state.views.bookmarks.field)
    }

    fn line(&self, state: &mut State, purpose: &Purpose, typed: &str) -> Option<Vec<Effect>> {
        match purpose {
            Purpose::Note { mark, id } => {
                Some(act::noted(state, (**mark).clone(), id.clone(), typed))
            }
            _ => Some(Vec::new()),
        }
    }

    fn list(&self) -> Option<&dyn List> {
        Some(self)
    }
}

impl List for BookmarksView {
    fn rows(&self, state: &State) -> usize {
        state.marks_listed().len()
    }

    fn selected<'s>(&self, state: &'s mut State) -> Option<&'s mut usize> {
        Some(&mut state.views.bookmarks.selected)
    }

    fn take(&self, state: &mut State, row: usize) -> Vec<Effect> {
        let mark = state.marks_listed().get(row).map(|mark| mark.target());
        mark.map_or_else(Vec::new, |view| shell::go_and_leave(state, view))
    }
}

impl State {
    /// The bookmarks that have all of what is typed.
    pub fn marks_listed(&self) -> Vec<&Bookmark> {
        let typed = self.views.bookmarks.field.text();
        let marks = self.bookmarks.iter().filter(|mark| {
            let note = mark.note.as_deref().unwrap_or("");
            let text = format!("{} {} {} {note}", mark.model, mark.address, mark.view);
            matches(typed, &text)
        });
        marks.collect()
    }
}
