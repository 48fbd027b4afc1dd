//! Blocks → lines of a width.

use super::markdown::{Emphasis, MarkdownBlock, Span};

/// A line of the screen: pieces from left to right.
pub type PageLine = Vec<Span>;

/// The narrowest that a table's column is made.
const COLUMN_MIN: usize = 8;
/// Between the columns of a table.
const GAP: usize = 2;

/// A page's blocks as lines of at most `width` cells, with an empty line between blocks; only code,
/// which is never broken, and single words may be longer. `cells` says how wide a text is.
pub fn lines(blocks: &[MarkdownBlock], width: usize, cells: fn(&str) -> usize) -> Vec<PageLine> {
    let layout = Layout { width, cells };
    let mut lines = Vec::new();
    let mut before = None;
    for block in blocks {
        let in_list = |b: &MarkdownBlock| matches!(b, MarkdownBlock::Item { .. });
        if before.is_some_and(|before| !(in_list(before) && in_list(block))) {
            lines.push(PageLine::new());
        }
        layout.block(block, &mut lines);
        before = Some(block);
    }
    lines
}

#[derive(Clone, Copy)]
struct Layout {
    width: usize,
    cells: fn(&str) -> usize,
}

impl Layout {
    fn block(self, block: &MarkdownBlock, lines: &mut Vec<PageLine>) {
        match block {
            MarkdownBlock::Heading { text, .. } => {
                let words: String = text.iter().map(|span| span.text.as_str()).collect();
                lines.extend(self.wrapped(&[Span::new(words, Emphasis::Heading)], self.width));
            }
            MarkdownBlock::Paragraph(text) => lines.extend(self.wrapped(text, self.width)),
            MarkdownBlock::Item { marker, text } => {
                let indent = (self.cells)(marker) + 1;
                let text = self.wrapped(text, self.width.saturating_sub(indent));
                for (at, line) in text.into_iter().enumerate() {
                    let before = match at {
                        0 => format!("{marker} "),
                        _ => " ".repeat(indent),
                    };
                    lines.push(std::iter::once(plain(before)).chain(line).collect());
                }
            }
            MarkdownBlock::Code(code) => {
                let line = |text: &String| vec![plain("  "), Span::new(text, Emphasis::Code)];
                lines.extend(code.iter().map(line));
            }
            MarkdownBlock::Table(rows) => self.table(rows, lines),
        }
    }

    fn table(self, rows: &[Vec<Vec<Span>>], lines: &mut Vec<PageLine>) {
        let widths = self.column_widths(rows);
        for (at, row) in rows.iter().enumerate() {
            let titles = row.iter().any(|cell| !cell.is_empty());
            if at == 0 && !titles {
                continue;
            }
            let cells = row.iter().zip(&widths);
            let cells: Vec<Vec<PageLine>> = cells
                .map(|(cell, &width)| self.wrapped(cell, width))
                .collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(0);
            for y in 0..height {
                lines.push(self.table_line(&cells, &widths, y, at == 0));
            }
        }
    }

    /// PageLine `y` of a row whose cells are wrapped to their columns.
    fn table_line(
        self,
        cells: &[Vec<PageLine>],
        widths: &[usize],
        y: usize,
        title: bool,
    ) -> PageLine {
        let mut line = PageLine::new();
        let mut missing = 0;
        for (cell, &width) in cells.iter().zip(widths) {
            let spans = cell.get(y).cloned().unwrap_or_default();
            if missing > 0 && !spans.is_empty() {
                line.push(plain(" ".repeat(missing)));
                missing = 0;
            }
            missing += (width + GAP).saturating_sub(self.line_width(&spans));
            line.extend(spans.into_iter().map(|span| match title {
                true => Span {
                    emphasis: Emphasis::Strong,
                    ..span
                },
                false => span,
            }));
        }
        line
    }

    /// The columns' widths: as wide as their widest cell if all fit, else the widest are narrowed.
    fn column_widths(self, rows: &[Vec<Vec<Span>>]) -> Vec<usize> {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths: Vec<usize> = (0..columns)
            .map(|x| {
                let cells = rows.iter().filter_map(|row| row.get(x));
                cells.map(|cell| self.line_width(cell)).max().unwrap_or(0)
            })
            .collect();
        let room = self.width.saturating_sub(GAP * columns.saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            match widths.iter_mut().max() {
                Some(widest) if *widest > COLUMN_MIN => *widest -= 1,
                _ => break,
            }
        }
        widths
    }

    fn line_width(self, line: &[Span]) -> usize {
        line.iter().map(|span| (self.cells)(&span.text)).sum()
    }

    /// The text in lines of at most `width` cells, broken at spaces. Code is broken nowhere.
    fn wrapped(self, text: &[Span], width: usize) -> Vec<PageLine> {
        let mut lines = Vec::new();
        let mut line = PageLine::new();
        for word in words(text) {
            let space = usize::from(!line.is_empty());
            let wide = self.line_width(&line) + space + self.line_width(&word);
            if space == 1 && wide > width {
                lines.push(std::mem::take(&mut line));
            } else if space == 1 {
                let space = match (line.last(), word.first()) {
                    (Some(a), Some(b)) if a.is_like(b) => a.with(" "),
                    _ => plain(" "),
                };
                push(&mut line, space);
            }
            for span in word {
                push(&mut line, span);
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }
}

fn plain(text: impl Into<String>) -> Span {
    Span::new(text, Emphasis::None)
}

/// Adds a piece to a line, to the last one if they have one style.
fn push(line: &mut PageLine, span: Span) {
    match line.last_mut() {
        Some(last) if last.is_like(&span) => last.text.push_str(&span.text),
        _ => line.push(span),
    }
}

/// The words of a text: what stands between spaces, of one or more styles.
fn words(text: &[Span]) -> Vec<PageLine> {
    let mut words = vec![PageLine::new()];
    for span in text {
        let whole = span.emphasis == Emphasis::Code && span.text.chars().count() < 40;
        let pieces = match whole {
            true => vec![span.text.as_str()],
            false => span.text.split(' ').collect(),
        };
        for (at, piece) in pieces.into_iter().enumerate() {
            if at > 0 {
                words.push(PageLine::new());
            }
            if let Some(word) = words.last_mut()
                && !piece.is_empty()
            {
                word.push(span.with(piece));
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guide::{blocks, pages};

    fn characters(text: &str) -> usize {
        text.chars().count()
    }

    fn drawn(markdown: &str, width: usize) -> Vec<String> {
        let lines = lines(&blocks(markdown), width, characters);
        let text = |line: &PageLine| line.iter().map(|span| span.text.as_str()).collect();
        lines.iter().map(text).collect()
    }

    #[test]
    fn paragraphs_and_entries_are_broken_between_words() {
        let markdown = "# A title\none two *three four*, five\n- six seven eight\n- nine\n\nend";
        let wanted = [
            "A title",
            "",
            "one two",
            "three four,",
            "five",
            "",
            "• six seven",
            "  eight",
            "• nine",
            "",
            "end",
        ];
        assert_eq!(drawn(markdown, 11), wanted);
    }

    #[test]
    fn a_table_is_narrowed_where_it_is_widest() {
        let markdown = "| key | |\n|---|---|\n| `a` `b` | one two three four |\n| c | |";
        let wide = ["key", "a b  one two three four", "c"];
        assert_eq!(drawn(markdown, 40), wide);
        let narrow = ["key", "a b  one two", "     three four", "c"];
        assert_eq!(drawn(markdown, 16), narrow);
        assert_eq!(drawn("| | |\n|---|---|\n| a | b |", 40), ["a  b"]);
    }

    #[test]
    fn every_page_fits_a_common_screen_but_for_its_code() {
        for page in pages() {
            let blocks = blocks(page.text);
            let code: Vec<&String> = blocks
                .iter()
                .filter_map(|block| match block {
                    MarkdownBlock::Code(code) => Some(code),
                    MarkdownBlock::Heading { .. }
                    | MarkdownBlock::Paragraph(_)
                    | MarkdownBlock::Item { .. }
                    | MarkdownBlock::Table(_) => None,
                })
                .flatten()
                .collect();
            for line in drawn(page.text, 80) {
                let is_code = code
                    .iter()
                    .any(|code| line.contains(code.as_str()) && !code.is_empty());
                assert!(
                    line.chars().count() <= 80 || is_code,
                    "{}: {line}",
                    page.topic
                );
            }
        }
    }
}
