//! Filters: the menu that switches them, the line that says which are on.

mod act;
mod draw;
mod restore;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, ViewId};
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::shell;
use crate::explorer::state::{Purpose, State};
use crate::explorer::view::View;

pub use act::{text, words};
pub use draw::{Showing, line, showing};
pub use restore::{compare, restore};

/// The menu.
pub struct FiltersView;

impl View for FiltersView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Filters]
    }

    fn page(&self) -> Option<&'static str> {
        Some("commands")
    }

    fn act(&self, state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
        match action {
            Action::OpenFilters => state.put_on_top(ViewId::Filters),
            Action::Toggle(toggle) => act::switch(state, toggle),
            Action::Find => act::find(state),
            Action::ClearFilters => act::clear(state),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::menu(canvas, body);
    }

    fn line(&self, state: &mut State, purpose: &Purpose, typed: &str) -> Option<Vec<Effect>> {
        Some(match (purpose, typed.strip_prefix('@')) {
            (Purpose::WordsFile, _) => vec![Effect::ReadWords(typed.into())],
            (Purpose::Text, Some(path)) => vec![Effect::ReadText(path.trim().into())],
            (Purpose::Text, None) => {
                act::typed_text(state, typed);
                Vec::new()
            }
            // Applied already, as it was typed.
            _ => Vec::new(),
        })
    }

    fn line_changed(&self, state: &mut State, purpose: &Purpose, typed: &str) {
        if *purpose == Purpose::Contains {
            state.filters.contains = typed.trim().to_owned();
            shell::relisted(state);
        }
    }

    fn line_left(&self, state: &mut State, purpose: &Purpose) {
        if *purpose == Purpose::Contains {
            state.filters.contains.clear();
            shell::relisted(state);
        }
    }
}
