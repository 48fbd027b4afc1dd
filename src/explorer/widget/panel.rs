//! A thin frame with a title, a footer, and dividers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::cells::width;
use super::line::put;

/// A frame with rounded corners and thin lines.
pub struct Panel<'a> {
    pub title: &'a str,
    /// Set beside the title, quieter; left out where there is no room.
    pub note: &'a str,
    pub footer: &'a str,
    pub border: Style,
    pub title_style: Style,
    pub quiet: Style,
}

impl Panel<'_> {
    /// Draws the frame; returns the inside.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer) -> Rect {
        let area = area.intersection(buffer.area);
        if area.width < 2 || area.height < 2 {
            return Rect::new(area.x, area.y, 0, 0);
        }
        let (left, right) = (area.left(), area.right() - 1);
        let (top, bottom) = (area.top(), area.bottom() - 1);
        for x in left + 1..right {
            buffer[(x, top)].set_symbol("─").set_style(self.border);
            buffer[(x, bottom)].set_symbol("─").set_style(self.border);
        }
        for y in top + 1..bottom {
            buffer[(left, y)].set_symbol("│").set_style(self.border);
            buffer[(right, y)].set_symbol("│").set_style(self.border);
        }
        for (x, y, corner) in [
            (left, top, "╭"),
            (right, top, "╮"),
            (left, bottom, "╰"),
            (right, bottom, "╯"),
        ] {
            buffer[(x, y)].set_symbol(corner).set_style(self.border);
        }
        self.heading(area, top, buffer);
        let room = usize::from(area.width.saturating_sub(4));
        if !self.footer.is_empty() {
            let text = format!(" {} ", self.footer);
            put(buffer, left + 2, bottom, &text, room, self.quiet);
        }
        Rect::new(left + 1, top + 1, area.width - 2, area.height - 2)
    }

    /// Divides the frame at a row, under another title.
    pub fn divide(&self, area: Rect, y: u16, title: &str, note: &str, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        if area.width < 2 || !(area.top()..area.bottom()).contains(&y) {
            return;
        }
        let (left, right) = (area.left(), area.right() - 1);
        for x in left + 1..right {
            buffer[(x, y)].set_symbol("─").set_style(self.border);
        }
        buffer[(left, y)].set_symbol("├").set_style(self.border);
        buffer[(right, y)].set_symbol("┤").set_style(self.border);
        Panel {
            title,
            note,
            footer: "",
            ..*self
        }
        .heading(area, y, buffer);
    }

    fn heading(&self, area: Rect, y: u16, buffer: &mut Buffer) {
        let room = usize::from(area.width.saturating_sub(4));
        let x = area.left() + 2;
        // The spaces around the title are not the title's: it may be underlined.
        put(buffer, x, y, " ", room, self.border);
        let used = put(
            buffer,
            x + 1,
            y,
            self.title,
            room.saturating_sub(2),
            self.title_style,
        );
        let used = used + 1 + put(buffer, x + 1 + used, y, " ", 1, self.border);
        let left = room.saturating_sub(usize::from(used));
        let note = format!("{} ", self.note);
        if !self.note.is_empty() && width(&note) <= left {
            put(buffer, x + used, y, &note, left, self.quiet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(area: Rect) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 16, 5));
        let panel = Panel {
            title: "K",
            note: "reads",
            footer: "exact",
            border: Style::new(),
            title_style: Style::new(),
            quiet: Style::new(),
        };
        panel.draw(area, &mut buffer);
        panel.divide(area, area.y + 2, "Neuron", "0 to 767", &mut buffer);
        buffer
    }

    #[test]
    fn frames_with_titles_that_fit() {
        assert_eq!(
            panel(Rect::new(0, 0, 16, 5)),
            Buffer::with_lines([
                "╭─ K reads ────╮",
                "│              │",
                "├─ Neuron ─────┤",
                "│              │",
                "╰─ exact ──────╯",
            ])
        );
    }

    #[test]
    fn draws_nothing_where_there_is_no_room() {
        for (width, height) in [(0, 0), (1, 5), (5, 1), (2, 2), (3, 3)] {
            panel(Rect::new(0, 0, width, height));
        }
        panel(Rect::new(14, 3, 9, 9));
    }
}
