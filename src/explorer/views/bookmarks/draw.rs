//! The list of bookmarks.

use ratatui::layout::Rect;

use crate::explorer::screen::Canvas;
use crate::explorer::screen::list::{ListTexts, list};
use crate::explorer::widget::{Line, put};

/// The bookmarks of all models.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let none = canvas.state.bookmarks.is_empty();
    let empty = match none {
        true => "no bookmarks: m marks a place",
        false => "type to find",
    };
    let marks = canvas.state.marks_listed();
    let chooser = &canvas.state.views.bookmarks;
    let mut texts = ListTexts::new("Bookmarks", empty);
    if none {
        texts.nothing = "";
    }
    list(canvas, body, texts, chooser, &marks, |canvas, row, mark| {
        // What would be unlike now, if one went there.
        let unlike = canvas.state.unlike(mark).join(" · ");
        let Rect { x, y, .. } = row.area;
        let end = row.area.right() - 1;
        put(canvas.buffer, x + 3, y, "★", 1, canvas.theme.on);
        let mut line = Line::new(canvas.buffer, x + 5, y, end);
        let from = line.x;
        line.text(&mark.address.to_string(), row.style);
        line.x = line.x.max(from + 11);
        line.skip(1);
        let from = line.x;
        line.text(&mark.model, row.quiet);
        line.x = line.x.max(from + 18);
        line.skip(1);
        line.text(mark.note.as_deref().unwrap_or(""), row.style);
        line.skip(2);
        line.text(&unlike, row.quiet);
    });
}
