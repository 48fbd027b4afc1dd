//! Text of a known width, written cell by cell.

use std::borrow::Cow;
use std::num::NonZeroU16;

use ratatui::buffer::{Buffer, CellDiffOption, CellWidth};
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation;

use super::cells::{grapheme_width, is_plain, is_printable_ascii, width};
use crate::outside::escape;

/// The text, cut to `cells` with `…` at the end if it is longer.
pub fn truncate(text: &str, cells: usize) -> String {
    truncated(text, cells).into_owned()
}

/// As [`truncate`], without a copy of what fits.
fn truncated(text: &str, cells: usize) -> Cow<'_, str> {
    let text = escape::line(text);
    if width(&text) <= cells {
        return text;
    }
    let mut cut = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        used += grapheme_width(grapheme);
        if used + 1 > cells {
            break;
        }
        cut.push_str(grapheme);
    }
    if cells > 0 {
        cut.push('…');
    }
    Cow::Owned(cut)
}

/// The end of the text, with `…` before it if it is longer than `cells`.
pub fn truncate_start(text: &str, cells: usize) -> String {
    let text = &*escape::line(text);
    if width(text) <= cells {
        return text.to_owned();
    }
    let (mut from, mut used) = (text.len(), 1);
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += grapheme_width(grapheme);
        if used > cells {
            break;
        }
        from = at;
    }
    let mark = if cells > 0 { "…" } else { "" };
    format!("{mark}{}", &text[from..])
}

/// The text in lines of at most `cells` cells, broken between words where that is possible.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if width(line) + 1 + width(word) <= cells {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// Writes a text of at most `cells` cells, what a terminal would act on escaped; returns the cells it
/// took. Marks that have nothing to stand on are left out.
pub fn put(buffer: &mut Buffer, x: u16, y: u16, text: &str, cells: usize, style: Style) -> u16 {
    let area = buffer.area;
    if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() {
        return 0;
    }
    let room = cells.min(usize::from(area.right() - x));
    let text = truncated(text, cells);
    if is_printable_ascii(&text) {
        for (x, at) in (x..).zip(0..text.len().min(room)) {
            buffer[(x, y)]
                .set_symbol(&text[at..=at])
                .set_style(style)
                .set_diff_option(CellDiffOption::None);
        }
        return text.len().min(room) as u16;
    }
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let wide = grapheme_width(grapheme);
        if wide == 0 {
            continue;
        }
        if used + wide > room {
            break;
        }
        let first = x + used as u16;
        for x in first + 1..first + wide as u16 {
            buffer[(x, y)].reset();
        }
        let cell = &mut buffer[(first, y)];
        let is_forced = !is_plain(grapheme) && usize::from(grapheme.cell_width()) != wide;
        let forced = NonZeroU16::new(wide as u16).filter(|_| is_forced);
        let option = forced.map_or(CellDiffOption::None, CellDiffOption::ForcedWidth);
        cell.set_symbol(grapheme)
            .set_style(style)
            .set_diff_option(option);
        used += wide;
    }
    used as u16
}

/// A row that is written from the left, up to an end.
pub struct Line<'a> {
    buffer: &'a mut Buffer,
    pub x: u16,
    pub y: u16,
    end: u16,
}

impl<'a> Line<'a> {
    /// A row from `x` to before `end`.
    pub fn new(buffer: &'a mut Buffer, x: u16, y: u16, end: u16) -> Self {
        let end = end.min(buffer.area.right());
        Self { buffer, x, y, end }
    }

    /// Cells left.
    pub fn room(&self) -> usize {
        usize::from(self.end.saturating_sub(self.x))
    }

    /// Writes a text, cut to the room; returns where it lies, from and to.
    pub fn text(&mut self, text: &str, style: Style) -> (u16, u16) {
        let from = self.x;
        self.x += put(self.buffer, self.x, self.y, text, self.room(), style);
        (from, self.x)
    }

    /// Writes a text if it fits whole.
    pub fn whole(&mut self, text: &str, style: Style) -> bool {
        let fits = width(text) <= self.room();
        if fits {
            self.text(text, style);
        }
        fits
    }

    /// Leaves cells empty.
    pub fn skip(&mut self, cells: u16) -> &mut Self {
        self.x = self.x.saturating_add(cells).min(self.end);
        self
    }

    /// Writes a text against the right end, which moves before it.
    pub fn right(&mut self, text: &str, style: Style) -> (u16, u16) {
        let cells = width(text).min(self.room());
        let from = self.end.saturating_sub(cells as u16);
        put(self.buffer, from, self.y, text, cells, style);
        let to = self.end;
        self.end = from;
        (from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_by_cells_and_says_so() {
        assert_eq!(truncate("następnie", 9), "następnie");
        assert_eq!(truncate("następnie", 5), "nast…");
        assert_eq!(truncate("日本語", 4), "日…");
        assert_eq!(truncate("ab", 0), "");
        assert_eq!(truncate("\u{202e}a", 9), "\\u{202e}a");
    }

    #[test]
    fn keeps_the_end_by_cells_and_says_so() {
        assert_eq!(truncate_start("następnie", 9), "następnie");
        assert_eq!(truncate_start("następnie", 5), "…pnie");
        assert_eq!(truncate_start("日本語", 4), "…語");
        assert_eq!(truncate_start("ab", 0), "");
    }

    #[test]
    fn breaks_lines_between_words() {
        assert_eq!(wrap("ala ma kota i psa", 7), ["ala ma", "kota i", "psa"]);
        assert_eq!(wrap("nieprzenikniony", 7), ["nieprzenikniony"]);
    }
}
