//! A line to type into, low on the screen, so that what it changes stays in sight.

use ratatui::layout::Rect;

use super::Canvas;
use super::lists::{LIST_CELLS, field};
use crate::explorer::state::{Prompt, Purpose};

/// Draws the prompt.
pub fn draw(canvas: &mut Canvas, body: Rect, prompt: &Prompt) {
    let low = Rect {
        y: body.bottom().saturating_sub(3),
        height: 3,
        ..body
    };
    let title = match &prompt.purpose {
        Purpose::Note { model, address } => format!("note for {model} {address}"),
        purpose => purpose.title().to_owned(),
    };
    let inside = canvas.on_top(low, (LIST_CELLS, 3), &title, prompt.purpose.advice());
    let room = inside.width.saturating_sub(2).into();
    field(canvas, (inside.x + 1, inside.y), room, &prompt.field, "");
}
