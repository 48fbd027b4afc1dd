//! The convention: the menu that switches it, and how robust lists are under others.

mod act;
mod draw;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, ViewId};
use crate::explorer::board::Shown;
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::state::State;
use crate::explorer::view::View;
use crate::query::Answer;

pub use act::first_convention;
pub use draw::robustness;

/// The menu.
pub struct ConventionsView;

impl View for ConventionsView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Conventions]
    }

    fn page(&self) -> Option<&'static str> {
        Some("conventions")
    }

    fn act(&self, state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
        match action {
            Action::OpenConventions => state.put_on_top(ViewId::Conventions),
            Action::Convention(switch) => act::convention(state, switch),
            Action::Raw => act::raw(state),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn answered(&self, state: &mut State, shown: &Shown) {
        match &*shown.answer {
            Answer::Undertrained(_) => state.since_lists = shown.took,
            Answer::FirstConvention(answer) => {
                let shown_for = state.since_lists + shown.took;
                first_convention(state, answer, shown_for);
            }
            _ => {}
        }
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::menu(canvas, body);
    }
}
