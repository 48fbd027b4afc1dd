//! Cells → bytes. Terminals disagree on how wide some texts are, so after each such text the cursor
//! is moved explicitly, and a row that holds or held one is always drawn whole.

use std::io::{self, Write};

use crossterm::cursor::MoveTo;
use crossterm::queue;
use crossterm::style::{Attribute, Print, SetAttribute, SetBackgroundColor, SetForegroundColor};
use crossterm::terminal::{Clear, ClearType as Cleared};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, IntoCrossterm, WindowSize};
use ratatui::buffer::{Cell, CellWidth};
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};

use crate::explorer::widget::is_plain;

/// The size that is assumed where nothing tells it: that of a VT100.
const SIZE: Size = Size {
    width: 80,
    height: 24,
};

const ATTRIBUTES: [(Modifier, Attribute); 9] = [
    (Modifier::BOLD, Attribute::Bold),
    (Modifier::DIM, Attribute::Dim),
    (Modifier::ITALIC, Attribute::Italic),
    (Modifier::UNDERLINED, Attribute::Underlined),
    (Modifier::SLOW_BLINK, Attribute::SlowBlink),
    (Modifier::RAPID_BLINK, Attribute::RapidBlink),
    (Modifier::REVERSED, Attribute::Reverse),
    (Modifier::HIDDEN, Attribute::Hidden),
    (Modifier::CROSSED_OUT, Attribute::CrossedOut),
];

/// What the terminal is written through.
pub struct Output<W: Write> {
    inner: CrosstermBackend<W>,
    /// The cells of each row as they were drawn last, from the left; what was never drawn is blank.
    rows: Vec<Vec<Cell>>,
}

impl<W: Write> Output<W> {
    /// Nothing is drawn yet.
    pub fn new(writer: W) -> Self {
        Self {
            inner: CrosstermBackend::new(writer),
            rows: Vec::new(),
        }
    }

    /// Notes that a cell is drawn.
    fn note(&mut self, x: u16, y: u16, cell: &Cell) {
        let (x, y) = (usize::from(x), usize::from(y));
        let end = x + usize::from(cell.cell_width()).max(1);
        if self.rows.len() <= y {
            self.rows.resize(y + 1, Vec::new());
        }
        let row = &mut self.rows[y];
        if row.len() < end {
            row.resize(end, Cell::EMPTY);
        }
        row[x..end].fill(Cell::EMPTY);
        row[x] = cell.clone();
    }

    /// Whether the width of something in a row is in doubt.
    fn is_doubtful(&self, y: u16) -> bool {
        let row = self.rows.get(usize::from(y));
        row.is_some_and(|row| row.iter().any(|cell| !is_plain(cell.symbol())))
    }

    /// Empties a row, then writes all of its cells that are not blank.
    fn write_row(&mut self, y: u16) -> io::Result<()> {
        queue!(
            self.inner,
            SetAttribute(Attribute::Reset),
            MoveTo(0, y),
            Clear(Cleared::UntilNewLine)
        )?;
        let Some(row) = self.rows.get_mut(usize::from(y)).map(std::mem::take) else {
            return Ok(());
        };
        let mut cells = Vec::new();
        let mut x = 0;
        while let Some(cell) = row.get(x) {
            if *cell != Cell::EMPTY {
                cells.push((x as u16, y, cell));
            }
            x += usize::from(cell.cell_width()).max(1);
        }
        let written = self.write_cells(&cells);
        self.rows[usize::from(y)] = row;
        written
    }

    fn write_cells(&mut self, cells: &[(u16, u16, &Cell)]) -> io::Result<()> {
        let mut style = (Color::Reset, Color::Reset, Modifier::empty());
        // Where the cursor is, as far as all terminals agree.
        let mut cursor = None;
        queue!(self.inner, SetAttribute(Attribute::Reset))?;
        for &(x, y, cell) in cells {
            if cursor != Some((x, y)) {
                queue!(self.inner, MoveTo(x, y))?;
            }
            let wanted = (cell.fg, cell.bg, cell.modifier);
            if wanted != style {
                queue_style(&mut self.inner, wanted)?;
                style = wanted;
            }
            queue!(self.inner, Print(cell.symbol()))?;
            cursor = is_plain(cell.symbol()).then(|| (x.saturating_add(1), y));
        }
        queue!(self.inner, SetAttribute(Attribute::Reset))
    }
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut self.inner)
    }
}

impl<W: Write> Backend for Output<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let cells: Vec<(u16, u16, &Cell)> = content.collect();
        let mut plain = Vec::with_capacity(cells.len());
        for row in cells.chunk_by(|a, b| a.1 == b.1) {
            let y = row[0].1;
            let before = self.is_doubtful(y);
            for &(x, y, cell) in row {
                self.note(x, y, cell);
            }
            // What else is in the row was not in doubt before.
            if before || row.iter().any(|(.., cell)| !is_plain(cell.symbol())) {
                self.write_row(y)?;
            } else {
                plain.extend_from_slice(row);
            }
        }
        self.write_cells(&plain)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.inner.show_cursor()
    }

    /// Never asked for: the answer would come among the keys.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.rows.clear();
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.rows.clear();
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        terminal_size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        let pixels = self.inner.window_size()?.pixels;
        let columns_rows = self.size()?;
        Ok(WindowSize {
            columns_rows,
            pixels,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.inner)
    }
}

/// Ends every style, then begins the one of these colours and modifiers.
pub(in crate::explorer) fn queue_style(
    out: &mut impl Write,
    (fg, bg, modifier): (Color, Color, Modifier),
) -> io::Result<()> {
    queue!(out, SetAttribute(Attribute::Reset))?;
    for (_, attribute) in ATTRIBUTES.iter().filter(|(m, _)| modifier.contains(*m)) {
        queue!(out, SetAttribute(*attribute))?;
    }
    if fg != Color::Reset {
        queue!(out, SetForegroundColor(fg.into_crossterm()))?;
    }
    if bg != Color::Reset {
        queue!(out, SetBackgroundColor(bg.into_crossterm()))?;
    }
    Ok(())
}

/// The size of the terminal, asked of it; see [`size`].
pub(in crate::explorer) fn terminal_size() -> io::Result<Size> {
    let told = crossterm::terminal::size()?;
    Ok(size(told, |name| std::env::var(name).ok()))
}

/// The size that the terminal tells, columns and rows. Where it tells 0, as serial lines and some
/// containers do, `COLUMNS` and `LINES` count.
fn size((columns, rows): (u16, u16), environment: impl Fn(&str) -> Option<String>) -> Size {
    let set = |name| environment(name)?.trim().parse().ok().filter(|&n| n > 0);
    let or = |told: u16, name, assumed| match told {
        0 => set(name).unwrap_or(assumed),
        told => told,
    };
    Size {
        width: or(columns, "COLUMNS", SIZE.width),
        height: or(rows, "LINES", SIZE.height),
    }
}

#[cfg(test)]
mod tests;
