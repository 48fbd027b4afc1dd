//! The lists of a neuron in the tuned model and in its base, side by side: what rose and what fell.

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::explorer::number::{decimals, score};
use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::{message, token};
use crate::explorer::widget::put;
use crate::query::{BothListsAnswer, Moved, Query};

/// Cells of a mark of how a word moved, and of a score.
const MOVED: u16 = 6;
const SCORE: u16 = 8;

/// Draws both lists of the column in focus.
pub fn draw(canvas: &mut Canvas, area: Rect) {
    let state = canvas.state;
    let column = state.column();
    let half = area.width.div_ceil(2);
    let left = Rect {
        width: half,
        ..area
    };
    let right = Rect {
        x: area.x + half,
        width: area.width - half,
        ..area
    };
    let title = state.column_title(column);
    let why = state.failure(|query| matches!(query, Query::BothLists(_)));
    let moved = match state.both_lists() {
        Some(BothListsAnswer::Neuron { columns, .. }) => {
            Ok(&columns[state.views.neurons.focus][..])
        }
        Some(BothListsAnswer::Pairs { .. }) | None => Err(why.unwrap_or("…")),
    };
    for (place, name, tuned) in [(left, "tuned", true), (right, "base", false)] {
        let title = format!("{title} {name}");
        let note = match tuned {
            true => "▲ rose ▼ fell",
            false => "× left the list",
        };
        let inside = canvas.panel(&title, note, false).draw(place, canvas.buffer);
        match moved {
            Ok(moved) => list(canvas, inside, moved, tuned),
            Err(why) => message(canvas, inside, why),
        }
    }
}

/// How a word moved between the lists.
fn how(of: &Moved<u32>, tuned: bool) -> String {
    match (of.tuned, of.base) {
        (Some((now, _)), Some((before, _))) if now < before => format!("▲{}", before - now),
        (Some((now, _)), Some((before, _))) if now > before => format!("▼{}", now - before),
        (Some(_), Some(_)) => "=".to_owned(),
        (Some(_), None) if tuned => "▲new".to_owned(),
        (None, _) | (Some(_), None) => "×".to_owned(),
    }
}

fn list(canvas: &mut Canvas, inside: Rect, moved: &[Moved<u32>], tuned: bool) {
    let (state, theme) = (canvas.state, canvas.theme);
    let Some(card) = state.card() else { return };
    let place = |of: &Moved<u32>| if tuned { of.tuned } else { of.base };
    let mut rows: Vec<(&Moved<u32>, (usize, f32))> = moved
        .iter()
        .filter_map(|of| Some((of, place(of)?)))
        .collect();
    rows.sort_by_key(|(_, (rank, _))| *rank);
    let digits = rows.first().map_or(0, |(_, (_, best))| decimals(*best));
    let cursor = state.views.neurons.cursor;
    let first = cursor.scroll;
    let word = inside.width.saturating_sub(MOVED + SCORE + 2);
    for (y, (of, (_, value))) in (inside.top()..inside.bottom()).zip(rows.into_iter().skip(first)) {
        let how = how(of, tuned);
        let style: Style = match how.chars().next() {
            Some('▲') => theme.on,
            Some('▼' | '×') => theme.quiet,
            _ => theme.word,
        };
        put(canvas.buffer, inside.x + 1, y, &how, MOVED.into(), style);
        let x = inside.x + 1 + MOVED;
        token(canvas, card, (x, y), of.item, word.into(), style);
        let text = format!("{:>7}", score(value, digits));
        put(canvas.buffer, x + word, y, &text, SCORE.into(), theme.quiet);
    }
}
