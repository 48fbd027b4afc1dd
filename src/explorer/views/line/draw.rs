//! A line to type into, in the place of the hints: nothing that it changes is covered.

use ratatui::layout::Rect;

use crate::explorer::screen::Canvas;
use crate::explorer::screen::footer::in_full;
use crate::explorer::screen::list::field;
use crate::explorer::state::{Notice, Purpose, Target};
use crate::explorer::widget::{Line, width};

/// Draws the line.
pub fn draw(canvas: &mut Canvas, row: Rect) {
    let (state, theme) = (canvas.state, canvas.theme);
    let Some(prompt) = &state.views.line else {
        return;
    };
    let title = match &prompt.purpose {
        Purpose::Note { mark, .. } => format!("note for {}", mark.address),
        purpose => purpose.title().to_owned(),
    };
    let mut line = Line::new(canvas.buffer, row.x + 1, row.y, row.right() - 1);
    line.text(&title, theme.here);
    line.text(" › ", theme.key);
    let (aside, style) = match &state.notice {
        Some(Notice::Error(text)) => (format!("✗ {text}"), theme.error),
        Some(Notice::Said(text)) => (text.clone(), theme.word),
        None => (prompt.purpose.advice().to_owned(), theme.quiet),
    };
    let fits = width(&aside) + 16 < line.room();
    if fits {
        line.right(&aside, style);
        line.right("  ", theme.quiet);
    }
    let (x, room) = (line.x, line.room());
    field(canvas, (x, row.y), room, &prompt.field, "");
    canvas.note(row, Target::Overlay);
    if !fits && state.notice.is_some() {
        let y = row.y.saturating_sub(1);
        in_full(canvas, Rect { y, ..row }, &aside, style);
    }
}
