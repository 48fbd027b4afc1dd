//! The legend: what the marks and figures on the screen below it mean.

mod draw;
mod entries;
mod table;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, Motion, ViewId};
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::state::State;
use crate::explorer::view::View;

pub use entries::{LegendEntry, legend};
pub use table::{COLUMNS, GATED_COLUMNS};

/// The legend.
pub struct LegendView;

impl View for LegendView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Legend]
    }

    fn act(&self, state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
        match action {
            Action::OpenLegend => {
                // Of what the help covers, not of the help.
                state.stack.retain(|id| *id != ViewId::Palette);
                state.views.legend = 0;
                state.put_on_top(ViewId::Legend);
            }
            Action::Move(motion) if state.is_on_top(ViewId::Legend) => scroll(state, motion),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }
}

fn scroll(state: &mut State, motion: Motion) {
    let page = state.regions.choice_rows.max(1);
    let last = state.regions.text_rows.saturating_sub(page);
    let first = state.views.legend;
    let to = match motion {
        Motion::Up | Motion::Left => first.saturating_sub(1),
        Motion::Down | Motion::Right => first + 1,
        Motion::PageUp | Motion::HalfUp => first.saturating_sub(page),
        Motion::PageDown | Motion::HalfDown => first + page,
        Motion::First => 0,
        Motion::Last => last,
    };
    state.views.legend = to.min(last);
}

#[cfg(test)]
mod tests;
