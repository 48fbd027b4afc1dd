use std::cell::RefCell;
use std::rc::Rc;

use ratatui::Terminal;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::{TerminalOptions, Viewport};

use super::*;
use crate::explorer::widget::put;

const COLUMNS: usize = 30;
const ROWS: usize = 3;

/// What has been written, and not been looked at.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.take()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A terminal with a mind of its own about how wide characters are.
struct Model {
    cells: Vec<Vec<String>>,
    cursor: (usize, usize),
    width: fn(char) -> usize,
}

impl Model {
    fn new(width: fn(char) -> usize) -> Self {
        Self {
            cells: vec![vec![" ".to_owned(); COLUMNS]; ROWS],
            cursor: (0, 0),
            width,
        }
    }

    fn take(&mut self, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let Some(csi) = rest.strip_prefix("\x1b[") else {
                self.print(c);
                rest = &rest[c.len_utf8()..];
                continue;
            };
            let end = csi.find(|c: char| c.is_ascii_alphabetic()).unwrap();
            let (parameters, last) = (&csi[..end], &csi[end..=end]);
            rest = &csi[end + 1..];
            match last {
                "H" => {
                    let (row, column) = parameters.split_once(';').unwrap();
                    let from_1 = |text: &str| text.parse::<usize>().unwrap() - 1;
                    self.cursor = (from_1(column), from_1(row));
                }
                "K" => {
                    let (x, y) = self.cursor;
                    self.cells[y][x..].fill(" ".to_owned());
                }
                "m" | "l" | "h" => {}
                other => panic!("{other} is not modelled"),
            }
        }
    }

    /// Wide characters lie in a cell and in an empty one; who writes on one half blanks the other.
    fn print(&mut self, c: char) {
        let (x, y) = self.cursor;
        let width = (self.width)(c);
        let row = &mut self.cells[y];
        if width == 0 {
            if let Some(before) = row[..x.min(COLUMNS)]
                .iter_mut()
                .rfind(|cell| !cell.is_empty())
            {
                before.push(c);
            }
            return;
        }
        if x + width > COLUMNS {
            return;
        }
        for x in x..x + width {
            if row[x].is_empty() {
                row[x - 1] = " ".to_owned();
            }
            if row.get(x + 1).is_some_and(String::is_empty) {
                row[x + 1] = " ".to_owned();
            }
            row[x] = String::new();
        }
        row[x] = c.to_string();
        self.cursor.0 += width;
    }
}

/// What terminals take a character for: as `wcwidth` has it, all narrow, all wide, marks in cells
/// of their own.
const MINDS: [fn(char) -> usize; 4] = [
    |c| unicode_width::UnicodeWidthChar::width(c).unwrap_or(0),
    |c| usize::from(unicode_width::UnicodeWidthChar::width(c) != Some(0)),
    |c| match is_plain(c.encode_utf8(&mut [0; 4])) {
        true => 1,
        false => 2 * usize::from(unicode_width::UnicodeWidthChar::width(c) != Some(0)),
    },
    |_| 1,
];

/// Rows of three words, the one in the middle of a width that is in doubt.
const FRAMES: [[[&str; 3]; ROWS]; 5] = [
    [
        ["one", "हिन्दी", "two"],
        ["a", "தமிழ்", "b"],
        ["ab", "cd", "ef"],
    ],
    [
        ["one", "e\u{301}\u{302}t", "two"],
        ["a", "தமி", "b"],
        ["ab", "cd", "efg"],
    ],
    [
        ["uno", "👍🏽🇵🇱", "due"],
        ["a", "日本語", "c"],
        ["ab", "ខ្មែរ", "ef"],
    ],
    [["uno", "👍🇵", "due"], ["a", "日", "c"], ["ab", "ខ", "ef"]],
    [["uno", "dos", "due"], ["a", "b", "c"], ["ab", "cd", "ef"]],
];

#[test]
fn words_stand_where_they_should_whatever_a_terminal_takes_others_for() {
    for (mind, width) in MINDS.into_iter().enumerate() {
        let area = Rect::new(0, 0, COLUMNS as u16, ROWS as u16);
        let viewport = Viewport::Fixed(area);
        let written = Written::default();
        let output = Output::new(written.clone());
        let mut terminal = Terminal::with_options(output, TerminalOptions { viewport }).unwrap();
        let mut model = Model::new(width);
        for (number, rows) in FRAMES.iter().enumerate() {
            let view = |frame: &mut ratatui::Frame| {
                for (y, words) in rows.iter().enumerate() {
                    for (x, word) in [0, 6, 24].into_iter().zip(words) {
                        put(frame.buffer_mut(), x, y as u16, word, 18, Style::new());
                    }
                    put(frame.buffer_mut(), 5, y as u16, "│", 1, Style::new());
                }
            };
            terminal.draw(view).unwrap();
            model.take(&written.text());
            for (row, words) in model.cells.iter().zip(rows) {
                let text = |from: usize, to: usize| row[from..to].concat();
                let found = [text(0, 5), text(5, 6), text(24, 30)];
                let padded = |word: &str, cells: usize| format!("{word:cells$}");
                let expected = [padded(words[0], 5), "│".to_owned(), padded(words[2], 6)];
                assert_eq!(found, expected, "terminal {mind}, frame {number}");
                if is_all_plain(words[1]) {
                    assert_eq!(text(6, 24).trim_end(), words[1], "terminal {mind}");
                }
            }
        }
    }
}

fn is_all_plain(text: &str) -> bool {
    text.chars().all(|c| is_plain(c.encode_utf8(&mut [0; 4])))
}

#[test]
fn styles_are_set_and_end_with_the_cell() {
    let written = Written::default();
    let mut output = Output::new(written.clone());
    let mut cell = Cell::new("x");
    cell.set_style(Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
    let plain = Cell::new("y");
    let cells = [(0, 0, &cell), (1, 0, &plain)];
    output.draw(cells.into_iter()).unwrap();
    assert_eq!(
        written.text(),
        "\x1b[0m\x1b[1;1H\x1b[0m\x1b[1m\x1b[38;5;1mx\x1b[0my\x1b[0m"
    );
}

#[test]
fn a_size_of_nothing_is_taken_from_the_environment() {
    let variables = |name: &str| match name {
        "COLUMNS" => Some("100".to_owned()),
        "LINES" => Some("0".to_owned()),
        _ => None,
    };
    let of = |told| size(told, variables);
    assert_eq!(of((0, 0)), Size::new(100, 24));
    assert_eq!(of((120, 0)), Size::new(120, 24));
    assert_eq!(of((90, 30)), Size::new(90, 30));
    assert_eq!(size((0, 0), |_| None), Size::new(80, 24));
}
