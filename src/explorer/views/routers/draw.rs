//! A row an expert: how many tokens have it first, the words that call it, those that it turns away.

use ratatui::layout::Rect;

use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::{message, row_mark, some_words};
use crate::explorer::state::Target;
use crate::explorer::widget::{bar, put, window};
use crate::projection::Scored;
use crate::query::{ExpertWords, Query};
use crate::sheet::grouped;

/// Cells of an address, of a number, and of the bar beside it.
const ADDRESS: u16 = 10;
const FIRST: u16 = 9;
const BAR: u16 = 8;
/// From this width on there are bars, and words that are turned away.
const WIDE_MIN: u16 = 76;

/// Draws the list.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let state = canvas.state;
    let layer = state.views.neurons.layer;
    let order = match state.views.routers.by_first {
        true => "by tokens that have them first",
        false => "in their order",
    };
    let title = format!("Experts of layer {layer} · {order}");
    let passing = state.experts().map_or(0, |answer| answer.passing);
    let note = match passing {
        0 => String::new(),
        _ => format!("of {} tokens", grouped(passing)),
    };
    let inside = canvas.on_top(body, (body.width, body.height), &title, &note);
    let why = state.failure(|query| matches!(query, Query::Experts(_)));
    if let Some(why) = why {
        return message(canvas, inside, why);
    }
    let listed = state.experts_listed();
    if listed.is_empty() {
        return message(canvas, inside, "the router is read …");
    }
    let wide = inside.width >= WIDE_MIN;
    let columns = match wide {
        true => "expert     first of          called by",
        false => "expert     first of  called by",
    };
    let room = usize::from(inside.width.saturating_sub(3));
    put(
        canvas.buffer,
        inside.x + 2,
        inside.y,
        columns,
        room,
        canvas.theme.quiet,
    );
    let selected = state.views.routers.selected.min(listed.len() - 1);
    let rows = usize::from(inside.height.saturating_sub(1));
    canvas.regions.list_rows = rows;
    let most = listed.iter().map(|of| of.first).max().unwrap_or(0).max(1);
    for (y, at) in (inside.y + 1..).zip(window(listed.len(), selected, rows)) {
        let row = Rect {
            y,
            height: 1,
            ..inside
        };
        let share = listed[at].first as f32 / most as f32;
        expert(canvas, row, listed[at], (at == selected, wide, share));
        canvas.note(row, Target::Choice(at));
    }
}

fn expert(
    canvas: &mut Canvas,
    row: Rect,
    of: &ExpertWords,
    (here, wide, share): (bool, bool, f32),
) {
    let theme = canvas.theme;
    let style = row_mark(canvas, (row.x, row.y), here, false).unwrap_or(theme.word);
    let layer = canvas.state.views.neurons.layer;
    let mut x = row.x + 2;
    let address = format!("L{layer}.E{}", of.expert);
    put(canvas.buffer, x, row.y, &address, ADDRESS.into(), style);
    x += ADDRESS;
    let first = format!("{:>8}", grouped(of.first));
    put(canvas.buffer, x, row.y, &first, FIRST.into(), theme.quiet);
    x += FIRST + 1;
    if wide {
        put(
            canvas.buffer,
            x,
            row.y,
            &bar(share, BAR.into()),
            BAR.into(),
            theme.bar,
        );
        x += BAR + 1;
    }
    let ids = |list: &[Scored]| list.iter().map(|word| word.id).collect::<Vec<u32>>();
    let room = row.right().saturating_sub(x + 1);
    if !wide {
        return some_words(canvas, (x, row.y), &ids(&of.calls), room.into(), style);
    }
    let half = room / 2;
    let words = usize::from(half.saturating_sub(2));
    some_words(canvas, (x, row.y), &ids(&of.calls), words, style);
    put(canvas.buffer, x + half, row.y, "−", 1, theme.quiet);
    some_words(
        canvas,
        (x + half + 2, row.y),
        &ids(&of.turns_away),
        words,
        theme.quiet,
    );
}
