//! Four columns of words side by side, K, V, −K and −V, as many of them as there is room for.

use std::ops::Range;

use ratatui::layout::Rect;

use crate::explorer::number::{decimals, score};
use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::{Cells, figures, message, row_mark, token};
use crate::explorer::state::{RowCursor, Target};
use crate::projection::Scored;

/// From this width on all four columns are shown.
pub const FOUR_MIN: u16 = 90;
/// From this width on two are.
const TWO_MIN: u16 = 60;

/// A column of words.
pub struct WordColumn<'a> {
    /// Its number among the lists.
    pub list: usize,
    pub title: &'a str,
    pub meaning: &'a str,
    pub footer: &'a str,
    pub focus: bool,
    /// Whether its words are those of the place one is at.
    pub fresh: bool,
    pub cursor: RowCursor,
    /// The words, or why there are none.
    pub words: Result<&'a [Scored], &'a str>,
}

/// The columns that fit on a screen of a width, with the one in focus.
pub fn shown(width: u16, focus: usize) -> Range<usize> {
    match width {
        FOUR_MIN.. => 0..4,
        TWO_MIN.. => focus / 2 * 2..focus / 2 * 2 + 2,
        _ => focus..focus + 1,
    }
}

/// The places of the columns, side by side in an area.
pub fn places(area: Rect, columns: Range<usize>) -> Vec<(usize, Rect)> {
    let count = columns.len().max(1) as u16;
    let mut x = area.x;
    let place = |(i, index): (usize, usize)| {
        let spare = u16::from((i as u16) < area.width % count);
        let width = area.width / count + spare;
        let place = Rect { x, width, ..area };
        x += width;
        (index, place)
    };
    columns.enumerate().map(place).collect()
}

/// Draws a column with its frame.
pub fn draw(canvas: &mut Canvas, area: Rect, column: &WordColumn<'_>) {
    let mut panel = canvas.panel(column.title, column.meaning, column.focus);
    panel.footer = column.footer;
    let inside = panel.draw(area, canvas.buffer);
    canvas.regions.list_rows = inside.height.into();
    canvas.note(area, Target::List(column.list));
    match column.words {
        Err(why) => message(canvas, inside, why),
        Ok([]) => message(canvas, inside, "no word passes the filters"),
        Ok(words) => rows(canvas, inside, column, words),
    }
}

fn rows(canvas: &mut Canvas, inside: Rect, column: &WordColumn<'_>, words: &[Scored]) {
    let (state, theme) = (canvas.state, canvas.theme);
    let (Some(card), Some(best)) = (state.card(), words.first()) else {
        return;
    };
    let digits = decimals(best.score);
    let ends = [words.first(), words.last()].into_iter().flatten();
    let ends: Vec<String> = ends.map(|row| score(row.score, digits)).collect();
    let cells = Cells::of(inside.width, 1, 0, ends.iter().map(String::as_str));
    let style = if column.fresh {
        theme.word
    } else {
        theme.stale
    };
    let marked = state.marked.map(|marked| marked.token);
    let rows = words.iter().enumerate().skip(column.cursor.scroll);
    for (y, (i, row)) in (inside.top()..inside.bottom()).zip(rows) {
        let here = column.focus && i == column.cursor.row;
        let mark = row_mark(canvas, (inside.x, y), here, marked == Some(row.id));
        let style = mark.unwrap_or(style);
        let target = Target::Word {
            list: column.list,
            row: i,
            side: None,
        };
        canvas.note(Rect::new(inside.x, y, inside.width, 1), target);
        let x = inside.x + 1;
        token(canvas, card, (x, y), row.id, cells.word, style);
        let x = x + cells.word as u16 + 1;
        let share = row.score / best.score.abs();
        figures(canvas, (x, y), cells, &score(row.score, digits), share);
    }
}
