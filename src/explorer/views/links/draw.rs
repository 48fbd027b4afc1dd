//! The list of links: what is written and what is read, neurons with their first words.

use ratatui::layout::Rect;

use crate::explorer::number::{decimals, score};
use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::{message, row_mark, some_words};
use crate::explorer::state::Target;
use crate::explorer::widget::{put, width, window};
use crate::query::{Link, LinkLists, Query};

/// Cells of a side, an address, a strength and a share.
const SIDE: u16 = 5;
const ADDRESS: u16 = 13;
const FIGURE: u16 = 9;
const SHARE: u16 = 7;

/// A line of the list.
enum ListLine {
    Heading(String),
    Link(usize),
}

/// Draws the list.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let state = canvas.state;
    let title = format!("Links of {}", state.address());
    let note = match state.links() {
        Some(links) if links.done < 1.0 => format!("{:.0} %", (links.done * 100.0).min(99.0)),
        _ => String::new(),
    };
    let inside = canvas.on_top(body, (body.width, body.height), &title, &note);
    let mut y = inside.y;
    let path = &state.views.links.path;
    if !path.is_empty() {
        let room = usize::from(inside.width.saturating_sub(2));
        let way = walked(canvas, room);
        put(
            canvas.buffer,
            inside.x + 1,
            y,
            &way,
            room,
            canvas.theme.quiet,
        );
        y += 1;
    }
    let rest = Rect {
        y,
        height: inside.bottom().saturating_sub(y),
        ..inside
    };
    let why = state.failure(|query| matches!(query, Query::Links(_)));
    if let Some(why) = why {
        return message(canvas, rest, why);
    }
    if state.is_in_parts() {
        let why = "links are of all layers, and the model stays on the hub: o brings it as a whole";
        return message(canvas, rest, why);
    }
    if state.links().is_none() {
        return message(canvas, rest, "the layers are looked at …");
    }
    list(canvas, rest);
}

/// The way that one came, its end if it does not fit.
fn walked(canvas: &Canvas, room: usize) -> String {
    let state = canvas.state;
    let path = state.views.links.path.iter().map(ToString::to_string);
    let all: Vec<String> = path.chain([state.address().to_string()]).collect();
    let text = |from: usize| {
        let begin = if from > 0 { "… ▸ " } else { "" };
        format!("{begin}{}", all[from..].join(" ▸ "))
    };
    let fits = (0..all.len()).map(text).find(|text| width(text) <= room);
    fits.unwrap_or_default()
}

fn lines(canvas: &Canvas) -> Vec<ListLine> {
    let state = canvas.state;
    let Some(links) = state.links() else {
        return Vec::new();
    };
    let here = state.address();
    let ways = [
        (format!("what {here} reads is written by"), &links.upstream),
        (format!("what {here} writes is read by"), &links.downstream),
    ];
    let (mut lines, mut next) = (Vec::new(), 0);
    for (heading, LinkLists { neurons, heads }) in ways {
        for (kind, links) in [("neurons", neurons), ("heads", heads)] {
            if links.is_empty() {
                continue;
            }
            lines.push(ListLine::Heading(format!("{heading} {kind}")));
            lines.extend((next..next + links.len()).map(ListLine::Link));
            next += links.len();
        }
    }
    if lines.is_empty() && links.done >= 1.0 {
        let nothing = format!("nothing lies before or behind {here}");
        lines.push(ListLine::Heading(nothing));
    }
    lines
}

fn list(canvas: &mut Canvas, area: Rect) {
    let state = canvas.state;
    let lines = lines(canvas);
    let listed = state.links_listed();
    let selected = state.views.links.selected;
    let here = |line: &ListLine| matches!(line, ListLine::Link(at) if *at == selected);
    let at = lines.iter().position(here).unwrap_or(0);
    // Its heading stays in sight.
    let at = if selected == 0 { 0 } else { at };
    let rows = usize::from(area.height);
    canvas.regions.list_rows = rows;
    let room = usize::from(area.width.saturating_sub(2));
    for (y, line) in (area.y..).zip(window(lines.len(), at, rows)) {
        match &lines[line] {
            ListLine::Heading(text) => {
                put(canvas.buffer, area.x + 1, y, text, room, canvas.theme.title);
                let columns = "strength   share ";
                let start = (area.x + 1 + SIDE + ADDRESS) as usize;
                if width(text) + 2 < start {
                    put(
                        canvas.buffer,
                        start as u16,
                        y,
                        columns,
                        room,
                        canvas.theme.quiet,
                    );
                }
            }
            ListLine::Link(number) => {
                let row = Rect {
                    y,
                    height: 1,
                    ..area
                };
                if let Some(link) = listed.get(*number) {
                    draw_link(canvas, row, link, *number == selected);
                }
                canvas.note(row, Target::Choice(*number));
            }
        }
    }
}

fn draw_link(canvas: &mut Canvas, row: Rect, link: &Link, here: bool) {
    let theme = canvas.theme;
    let style = row_mark(canvas, (row.x, row.y), here, false).unwrap_or(theme.word);
    let mut x = row.x + 2;
    let side = format!("{:<4}", link.side.name());
    put(canvas.buffer, x, row.y, &side, SIDE.into(), theme.quiet);
    x += SIDE;
    let address = canvas.state.named(link.at).to_string();
    put(canvas.buffer, x, row.y, &address, ADDRESS.into(), style);
    x += ADDRESS;
    let strength = format!("{:>8}", score(link.strength, decimals(link.strength)));
    put(
        canvas.buffer,
        x,
        row.y,
        &strength,
        FIGURE.into(),
        theme.quiet,
    );
    x += FIGURE;
    let share = format!("{:>6}", score(link.share, 3));
    put(canvas.buffer, x, row.y, &share, SHARE.into(), theme.quiet);
    x += SHARE + 1;
    let room = usize::from(row.right().saturating_sub(x + 1));
    if link.key.is_empty() && link.value.is_empty() || room < 8 {
        return;
    }
    let half = room / 2;
    some_words(canvas, (x, row.y), &link.key, half.saturating_sub(1), style);
    let arrow = x + half as u16;
    put(canvas.buffer, arrow, row.y, "→", 1, theme.quiet);
    some_words(
        canvas,
        (arrow + 2, row.y),
        &link.value,
        half.saturating_sub(2),
        style,
    );
}
