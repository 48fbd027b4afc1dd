//! The attention of the head in hand as a picture: a row a position that looks, a column a position
//! that is looked at.

use ratatui::layout::Rect;

use super::state::name;
use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::message;
use crate::explorer::state::{State, Target};
use crate::explorer::widget::{put, window};
use crate::query::{Address, AttentionAnswer, AttentionQuery, Query};

/// Cells of a token before its row, and of a column.
const LABEL_CELLS: u16 = 14;
const COLUMN_MIN: u16 = 2;
const COLUMN_MAX: u16 = 9;

impl State {
    /// What is asked about the head in hand, while its picture is shown.
    pub(super) fn attention_query(&self) -> Option<AttentionQuery> {
        let prompt = &self.views.prompt;
        let head = self.attended_head().filter(|_| prompt.attention)?;
        Some(AttentionQuery {
            text: prompt.settings.text.as_str().into(),
            special: prompt.settings.special,
            chat: prompt.settings.chat,
            layer: head.layer,
            head: head.head,
        })
    }

    fn attention_answer(&self) -> Option<&AttentionAnswer> {
        let query = Query::Attention(self.attention_query()?);
        let (_, answer) = self.board.get(&query)?.of::<AttentionQuery>()?;
        Some(answer)
    }
}

/// Draws the picture, or says why there is none.
pub fn draw(canvas: &mut Canvas, area: Rect) {
    let state = canvas.state;
    let Some(query) = state.attention_query() else {
        return message(
            canvas,
            area,
            "no head is in hand: J and K go through the list; a leads back to the states",
        );
    };
    let asked = Query::Attention(query);
    if let Some(why) = state.failure(|failed| *failed == asked) {
        return message(canvas, area, why);
    }
    match state.attention_answer() {
        Some(answer) => picture(canvas, area, answer),
        None => message(canvas, area, "the head's layer is run …"),
    }
}

fn picture(canvas: &mut Canvas, area: Rect, answer: &AttentionAnswer) {
    let state = canvas.state;
    let prompt = &state.views.prompt;
    let n = answer.tokens.len();
    let room = area.width.saturating_sub(LABEL_CELLS + 1);
    let each = room / u16::try_from(n).unwrap_or(u16::MAX).max(1);
    let column = each.clamp(COLUMN_MIN, COLUMN_MAX);
    let columns = window(n, prompt.position, usize::from(room / column).max(1));
    let rows = usize::from(area.height.saturating_sub(1));
    canvas.regions.selector_rows = rows;
    canvas.note(area, Target::Selector);
    let x_of = |at: usize| area.x + LABEL_CELLS + (at - columns.start) as u16 * column;
    for at in columns.clone() {
        let style = match at == prompt.position {
            true => canvas.theme.here,
            false => canvas.theme.quiet,
        };
        let cells = usize::from(column) - 1;
        let head = match column > 4 {
            true => name(state, answer.tokens[at]),
            false => (at % 10).to_string(),
        };
        put(canvas.buffer, x_of(at), area.y, &head, cells, style);
    }
    for (y, from) in (area.y + 1..).zip(window(n, prompt.position, rows)) {
        let here = from == prompt.position;
        let style = match here {
            true => canvas.theme.here,
            false => canvas.theme.quiet,
        };
        let mark = if here { "▸" } else { " " };
        let label = format!("{mark}{from:>3} {}", name(state, answer.tokens[from]));
        let cells = usize::from(LABEL_CELLS) - 1;
        put(canvas.buffer, area.x, y, &label, cells, style);
        let weights = answer.from(from);
        for at in columns.clone() {
            let (shade, heat) = canvas.theme.heat(weights[at]);
            let cells = usize::from(column.saturating_sub(1)).max(1);
            // What is not looked at at all stays empty.
            if weights[at] > 0.0 {
                put(
                    canvas.buffer,
                    x_of(at),
                    y,
                    &shade.repeat(cells),
                    cells,
                    heat,
                );
            }
        }
        let place = Address::Token {
            state: prompt.state,
            position: from,
        };
        let row = Rect {
            y,
            height: 1,
            ..area
        };
        canvas.note(row, Target::Place(place));
    }
}
