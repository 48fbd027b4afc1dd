//! The guide: a page of the manual over the screen that it explains.

mod act;
mod draw;
mod state;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, ViewId};
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::state::{Field, State};
use crate::explorer::view::View;

pub use state::Guide;

/// The guide.
pub struct GuideView;

impl View for GuideView {
    fn scopes(&self, state: &State) -> &'static [Scope] {
        match state.views.guide.typing {
            true => &[Scope::Prompt],
            false => &[Scope::Guide],
        }
    }

    fn act(&self, state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
        if action == Action::OpenGuide {
            act::open(state);
            return Some(Vec::new());
        }
        if !state.is_on_top(ViewId::Guide) {
            let guide = matches!(action, Action::Guide(_));
            return guide.then(|| {
                state.say("no page of the guide is open: Alt-h opens one");
                Vec::new()
            });
        }
        let typing = state.views.guide.typing;
        match action {
            Action::Guide(step) => act::step(state, step),
            Action::Move(motion) => act::scroll(state, motion),
            Action::Accept | Action::Cancel if typing => act::end_typing(state, action),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn field<'s>(&self, state: &'s mut State) -> Option<&'s mut Field> {
        let guide = &mut state.views.guide;
        guide.typing.then_some(&mut guide.search)
    }

    fn typed(&self, state: &mut State) {
        act::typed(state);
    }
}
