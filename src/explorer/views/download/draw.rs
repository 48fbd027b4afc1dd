//! What is coming from the hub: one bar per file, the rate and the time that is left.

use ratatui::layout::Rect;

use crate::explorer::number::{bytes, duration};
use crate::explorer::screen::Canvas;
use crate::explorer::state::Target;
use crate::explorer::widget::{Line, bar, put, width};
use crate::task::Progress;

/// Files shown at a time.
const FILES_MAX: usize = 5;
/// Cells of a file's bar.
const BAR_CELLS: u16 = 24;
const CELLS: u16 = 84;

/// Draws what is under way at the bottom of the body; the keys are still the pane's.
pub fn progress(canvas: &mut Canvas, body: Rect) {
    let state = canvas.state;
    let opening = state.opening.as_ref();
    let opening = opening.and_then(|o| o.transfer.as_ref().map(|t| (o.name.clone(), t)));
    let weights = || {
        let what = format!("{} from the hub", state.address());
        state.fetching.as_ref().map(|transfer| (what, transfer))
    };
    if let Some((title, progress)) = opening.or_else(weights) {
        bars(canvas, body, &title, progress);
    }
}

fn bars(canvas: &mut Canvas, body: Rect, title: &str, progress: &Progress) {
    let theme = canvas.theme;
    let unfinished = progress.parts.iter().filter(|file| file.done < file.total);
    let files: Vec<_> = unfinished.take(FILES_MAX).collect();
    if files.is_empty() {
        return;
    }
    let mut note = format!("{} of {}", bytes(progress.done()), bytes(progress.total()));
    if let Some(left) = progress.left {
        let rate = bytes(progress.rate as u64);
        note += &format!(" · {rate}/s · {} left", duration(left));
    }
    let cells = usize::from(CELLS.min(body.width.saturating_sub(2)));
    // How far it is matters more than what it is called, which the last row says too.
    let (title, note) = match width(title) + width(&note) + 6 <= cells {
        true => (title, &*note),
        false => (&*note, ""),
    };
    let rows = files.len() as u16 + 2;
    let corner = Rect {
        y: body.bottom().saturating_sub(rows),
        height: rows.min(body.height),
        ..body
    };
    let inside = canvas.on_top(corner, (CELLS, rows), title, note);
    for (y, file) in (inside.top()..inside.bottom()).zip(files) {
        let mut line = Line::new(canvas.buffer, inside.x + 1, y, inside.right() - 1);
        let share = file.done as f32 / file.total.max(1) as f32;
        line.right(&format!("{:>4.0} %", 100.0 * share), theme.quiet);
        let cells = BAR_CELLS.min(inside.width / 3);
        let x = line.x + (line.room() as u16).saturating_sub(cells);
        let room = line.room().saturating_sub(usize::from(cells) + 1);
        let from = line.x;
        put(canvas.buffer, from, y, &file.name, room, theme.word);
        let drawn = bar(share, cells.into());
        put(canvas.buffer, x, y, &drawn, cells.into(), theme.on);
    }
}

/// The ways in which a model on the hub can come, with what they cost.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let theme = canvas.theme;
    let Some(ways) = &canvas.state.views.download else {
        return;
    };
    let inside = canvas.on_top(body, (CELLS, 6), &ways.name, "on the hub");
    let choices = ways.ways();
    let room = usize::from(inside.width.saturating_sub(4));
    let Some(estimate) = ways.estimate else {
        let text = "asking the hub what it holds …";
        put(
            canvas.buffer,
            inside.x + 1,
            inside.y,
            text,
            room,
            theme.quiet,
        );
        return;
    };
    let whole = format!("download it: {}, once", bytes(estimate.whole));
    let rows = [
        Some(whole),
        estimate.first_look.map(|look| {
            format!(
                "look at parts: {} now, and of the rest what you look at",
                bytes(look)
            )
        }),
    ];
    for (i, text) in rows.into_iter().flatten().enumerate() {
        let y = inside.y + i as u16;
        let here = ways.selected.min(choices.len().saturating_sub(1)) == i;
        let style = if here { theme.here } else { theme.word };
        if here {
            put(canvas.buffer, inside.x + 1, y, "▸", 1, theme.here);
        }
        put(canvas.buffer, inside.x + 3, y, &text, room, style);
        let row = Rect::new(inside.x, y, inside.width, 1);
        canvas.note(row, Target::Choice(i));
    }
    if estimate.first_look.is_none() {
        let text = "its weights are pickled: only the whole can be read";
        put(
            canvas.buffer,
            inside.x + 3,
            inside.y + 2,
            text,
            room,
            theme.quiet,
        );
    }
}
