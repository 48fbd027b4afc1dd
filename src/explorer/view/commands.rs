//! Help and palette, which are one: all commands with their keys, and addresses to jump to.

use ratatui::layout::Rect;

use super::Canvas;
use super::lists::list;
use crate::explorer::state::{Choice, Chooser};
use crate::explorer::widget::{Line, put, width};

/// Draws the list.
pub fn draw(canvas: &mut Canvas, body: Rect, help: bool, chooser: &Chooser) {
    let heading = if help {
        (
            "Help",
            "type to find a command; Enter runs it; ? explains what is on screen",
        )
    } else {
        (
            "Jump or command",
            "L3.N907, N12, H3, 907, or words of a command",
        )
    };
    list(canvas, body, heading, chooser, |canvas, row, choice| {
        let Rect { x, y, .. } = row.area;
        let mut line = Line::new(canvas.buffer, x + 18, y, row.area.right() - 1);
        match choice {
            Choice::Go(address) => {
                line.text(&format!("go to {address}"), row.style);
            }
            Choice::Run(command) => {
                line.right(command.group.title(), row.quiet);
                line.text(command.words, row.style);
                let keys = command.keys.join(" · ");
                let indent = 14u16.saturating_sub(width(&keys) as u16);
                put(canvas.buffer, x + 3 + indent, y, &keys, 14, row.key);
            }
            _ => {}
        }
    });
}
