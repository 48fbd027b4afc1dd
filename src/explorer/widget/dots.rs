//! Braille dots, two by four a cell, with the whole style of a line: a canvas of ratatui's knows
//! colours only, and mixes the dots of different lines in one cell.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// The bits of a cell's dots, by column and row.
const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// The dots of one line, or of one set of points.
pub struct Dots {
    area: Rect,
    cells: Vec<u8>,
}

impl Dots {
    /// No dot yet.
    pub fn new(area: Rect) -> Self {
        Self {
            area,
            cells: vec![0; usize::from(area.width) * usize::from(area.height)],
        }
    }

    /// Columns and rows of dots.
    pub fn size(&self) -> [usize; 2] {
        [
            2 * usize::from(self.area.width),
            4 * usize::from(self.area.height),
        ]
    }

    /// Sets a dot, the row counted from the top; one outside is left out.
    pub fn set(&mut self, x: usize, y: usize) {
        let [width, height] = self.size();
        if x < width && y < height {
            self.cells[y / 4 * (width / 2) + x / 2] |= BITS[x % 2][y % 4];
        }
    }

    /// Writes the cells that have a dot over what is there.
    pub fn draw(&self, buffer: &mut Buffer, style: Style) {
        let width = usize::from(self.area.width);
        for (i, &bits) in self
            .cells
            .iter()
            .enumerate()
            .filter(|(_, bits)| **bits != 0)
        {
            let x = self.area.x + (i % width) as u16;
            let y = self.area.y + (i / width) as u16;
            let symbol = char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' ');
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.reset();
                cell.set_char(symbol).set_style(style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_hides_what_lies_under_it_and_nothing_else() {
        let area = Rect::new(0, 0, 3, 1);
        let mut buffer = Buffer::with_lines(["abc"]);
        let mut dots = Dots::new(area);
        (0..4).for_each(|x| dots.set(x, 3));
        dots.set(7, 0);
        dots.set(0, 9);
        dots.draw(&mut buffer, Style::new());
        assert_eq!(buffer, Buffer::with_lines(["⣀⣀c"]));
    }
}
