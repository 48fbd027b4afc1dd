//! Singular directions, of a head's forms or of a layer's keys and values: for each its size and the
//! two ends of its two sides.

use ratatui::layout::Rect;

use super::words::{message, row_mark, token};
use super::{Canvas, heads};
use crate::explorer::action::Pane;
use crate::explorer::number::{decimals, score};
use crate::explorer::state::Target;
use crate::explorer::widget::{bar, put, width};
use crate::projection::Scored;
use crate::query::{DirectionsAnswer, Part, Query};
use crate::sheet::spark;

/// Draws the directions of one list of the pane.
pub fn draw(canvas: &mut Canvas, area: Rect, index: usize, alone: bool) {
    let state = canvas.state;
    let part = state.part(index);
    let [left, right] = part.sides();
    let focus = state.part_in_focus() == index;
    let shown = state.direction_list(index);
    let fresh = shown.is_some_and(|(_, fresh)| fresh);
    let mark = if focus { "▌" } else { "" };
    let title = match state.stale_label(state.shown_directions()[index].as_ref()) {
        // Of a layer the address does not say which of its matrices.
        Some(label) => format!("{mark}{part} {label}"),
        None if fresh => format!("{mark}{part}  {left} → {right}"),
        None => format!("{mark}{part}  {left} → {right} …"),
    };
    let note = shown.map_or_else(String::new, |(answer, _)| {
        spark(answer.values.iter().copied())
    });
    let footer = shown.map_or_else(String::new, |(answer, _)| footer(answer));
    let inside = heads::frame(canvas, area, index, [&title, &note, &footer], alone);
    rows(canvas, inside, index);
}

/// The copying score, of the weights and over the vocabulary.
fn footer(answer: &DirectionsAnswer) -> String {
    let Some(copying) = answer.copying else {
        return String::new();
    };
    let number = |x: Option<f32>| x.map_or("none".to_owned(), |x| score(x, 2));
    let vocabulary = match answer.exact {
        true => number(copying.vocabulary),
        false => "…".to_owned(),
    };
    let weights = number(copying.weights);
    format!("copies: weights {weights} · vocabulary {vocabulary}")
}

fn rows(canvas: &mut Canvas, inside: Rect, index: usize) {
    let (state, theme) = (canvas.state, canvas.theme);
    let part = state.part(index);
    let asked = |query: &Query| matches!(query, Query::Directions(q) if q.part == part);
    if let Some(why) = state.failure(asked) {
        return message(canvas, inside, why);
    }
    let Some((answer, fresh)) = state.direction_list(index) else {
        return message(canvas, inside, "…");
    };
    let largest = answer.values.first().copied().unwrap_or_default();
    let digits = decimals(largest);
    let style = if fresh { theme.word } else { theme.stale };
    let half = usize::from(inside.width.saturating_sub(7)) / 2;
    let of_head = matches!(part, Part::Form(_));
    let cursor = match of_head {
        true => state.heads.cursors[index],
        false => state.neurons.cursor,
    };
    let focus = state.part_in_focus() == index;
    let lines = (0..answer.directions.len()).flat_map(|i| (0..3).map(move |line| (i, line)));
    for (y, (i, line)) in (inside.top()..inside.bottom()).zip(lines.skip(cursor.scroll)) {
        let direction = &answer.directions[i];
        let here = focus && 3 * i + line == cursor.row;
        row_mark(canvas, (inside.x, y), here, false);
        let style_of = |side: usize| match here && state.heads.side == side {
            true => theme.here,
            false => style,
        };
        note(canvas, inside, y, (index, 3 * i + line));
        let x = inside.x + 1;
        if line == 0 {
            let value = score(direction.value, digits);
            let block = if direction.block.is_some() {
                " ~ coincides"
            } else {
                ""
            };
            let text = format!("{i:>3}  {value:>6}{block} ");
            let used = put(canvas.buffer, x, y, &text, text.len(), theme.quiet);
            let room = usize::from(inside.width.saturating_sub(used + 2)).min(24);
            let bar = bar(direction.value / largest, room);
            put(canvas.buffer, x + used, y, &bar, room, theme.bar);
            continue;
        }
        let end = line - 1;
        put(canvas.buffer, x, y, ["+", "−"][end], 1, theme.key);
        words(canvas, (x + 2, y), half, &direction.left[end], style_of(0));
        let middle = x + 2 + half as u16;
        put(canvas.buffer, middle, y, " → ", 3, theme.quiet);
        let (at, right) = ((middle + 3, y), &direction.right[end]);
        match of_head {
            true => words(canvas, at, half, right, style_of(1)),
            false => neurons(canvas, at, half, right, style_of(1)),
        }
    }
}

/// Notes a line for the mouse: its left half and its right one.
fn note(canvas: &mut Canvas, inside: Rect, y: u16, (list, row): (usize, usize)) {
    let list = match canvas.state.pane {
        // There the columns of keys and of values are in focus, of either sign.
        Pane::Neurons => canvas.state.neurons.focus / 2 * 2 + list,
        Pane::Heads | Pane::Geometry => list,
    };
    let middle = inside.x + 1 + inside.width / 2;
    for (side, from, to) in [(0, inside.x, middle), (1, middle, inside.right())] {
        let side = Some(side);
        canvas.note_row((from, to), y, Target::Word { list, row, side });
    }
}

/// As many neurons as there is room for.
fn neurons(
    canvas: &mut Canvas,
    (x, y): (u16, u16),
    room: usize,
    list: &[Scored],
    style: ratatui::style::Style,
) {
    let mut text = String::new();
    for neuron in list {
        let next = format!("N{} ", neuron.id);
        if text.len() + next.len() > room + 1 {
            break;
        }
        text += &next;
    }
    put(canvas.buffer, x, y, text.trim_end(), room, style);
}

/// As many words as there is room for, none of them cut but the first.
pub(super) fn words(
    canvas: &mut Canvas,
    (mut x, y): (u16, u16),
    room: usize,
    list: &[Scored],
    style: ratatui::style::Style,
) {
    let Some(card) = canvas.state.card() else {
        return;
    };
    let mut left = room;
    for (i, item) in list.iter().enumerate() {
        // One cell for the mark of a piece, one between words.
        let cells = width(&card.vocabulary.text(item.id)) + 2;
        if cells > left && i > 0 {
            break;
        }
        token(canvas, card, (x, y), item.id, left.min(cells - 1), style);
        x += cells as u16;
        left = left.saturating_sub(cells);
    }
}
