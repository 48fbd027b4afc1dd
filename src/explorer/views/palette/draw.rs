//! Draws the help and the palette.

use ratatui::layout::Rect;

use super::PaletteEntry;
use crate::explorer::screen::Canvas;
use crate::explorer::screen::list::{ListTexts, list};
use crate::explorer::widget::{Line, put, width};

/// Draws the list.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let palette = &canvas.state.views.palette;
    let texts = match palette.help {
        true => ListTexts::new(
            "Help",
            "type to find a command; Enter runs it; ? explains what is on screen",
        ),
        false => ListTexts::new(
            "Jump or command",
            "L3.N907, N12, H3, 907, or words of a command",
        ),
    };
    let entries = canvas.state.palette_listed();
    let chooser = &palette.chooser;
    list(
        canvas,
        body,
        texts,
        chooser,
        &entries,
        |canvas, row, entry| {
            let Rect { x, y, .. } = row.area;
            let mut line = Line::new(canvas.buffer, x + 18, y, row.area.right() - 1);
            match entry {
                PaletteEntry::Go(address) => {
                    line.text(&format!("go to {address}"), row.style);
                }
                PaletteEntry::Run(command) => {
                    line.right(command.group.title(), row.quiet);
                    line.text(command.words, row.style);
                    let keys = command.keys.join(" · ");
                    let indent = 14u16.saturating_sub(width(&keys) as u16);
                    put(canvas.buffer, x + 3 + indent, y, &keys, 14, row.key);
                }
            }
        },
    );
}
