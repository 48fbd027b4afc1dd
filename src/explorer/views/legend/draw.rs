//! The legend: what the marks and figures on the screen below it mean.

use ratatui::layout::Rect;

use super::entries::{LegendEntry, legend};
use crate::explorer::screen::Canvas;
use crate::explorer::screen::list::LIST_CELLS;
use crate::explorer::widget::{put, width, wrap};

/// Cells of the marks.
const SIGN_MAX: usize = 16;

/// Draws the legend of what is drawn by now, from that row on.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let first = canvas.state.views.legend;
    let screen = canvas.buffer.area;
    // What is in front comes first, then what is still seen of what it covers.
    let front = canvas
        .regions
        .on_top()
        .map(|a| Rect::new(a.x, a.y, a.width, a.height));
    let mut entries =
        front.map_or_else(Vec::new, |area| legend(canvas.state, &lines(canvas, area)));
    for entry in legend(canvas.state, &lines(canvas, screen)) {
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    let signs = entries.iter().map(|entry| width(&entry.sign));
    let sign = signs.max().unwrap_or(0).min(SIGN_MAX);
    let cells = usize::from(LIST_CELLS.min(body.width));
    let room = cells.saturating_sub(sign + 7);
    let rows = wrapped(&entries, sign, room);
    canvas.regions.text_rows = rows.len();
    let size = (LIST_CELLS, (rows.len() as u16).saturating_add(2));
    let shown = usize::from(body.height.saturating_sub(2)).min(rows.len());
    let first = first.min(rows.len() - shown);
    let note = match shown < rows.len() {
        true => format!("{}–{} of {}", first + 1, first + shown, rows.len()),
        false => String::new(),
    };
    let inside = canvas.on_top(body, size, "What is on screen", &note);
    canvas.regions.choice_rows = inside.height.into();
    let theme = canvas.theme;
    for (y, (mark, words)) in (inside.top()..inside.bottom()).zip(&rows[first..]) {
        put(canvas.buffer, inside.x + 1, y, mark, sign, theme.key);
        let x = inside.x + 3 + sign as u16;
        put(canvas.buffer, x, y, words, room, theme.word);
    }
}

/// Rows of a mark and words; a mark that is too long for its cells has a row of its own.
fn wrapped(entries: &[LegendEntry], sign: usize, room: usize) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for entry in entries {
        let mut mark = entry.sign.clone();
        let mut words = entry.words.clone();
        if width(&mark) > sign {
            words = format!("{mark}: {words}");
            mark.clear();
        }
        for line in wrap(&words, room) {
            rows.push((std::mem::take(&mut mark), line));
        }
    }
    rows
}

/// What is drawn in an area, as text.
fn lines(canvas: &Canvas, area: Rect) -> Vec<String> {
    let area = area.intersection(canvas.buffer.area);
    let line = |y: u16| {
        let cells = (area.left()..area.right()).map(|x| canvas.buffer[(x, y)].symbol());
        cells.collect::<String>()
    };
    (area.top()..area.bottom()).map(line).collect()
}
