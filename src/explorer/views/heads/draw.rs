//! The Heads pane: the grid of heads, and the pair lists of one.

use ratatui::layout::{Constraint, Layout, Rect};

use super::{Heads, HeadsView, grid};
use crate::explorer::number::{decimals, duration, score};
use crate::explorer::screen::words::{Cells, figures, message, row_mark, token};
use crate::explorer::screen::{Canvas, sidebar_cells};
use crate::explorer::state::Target;
use crate::explorer::views::directions::Heading;
use crate::explorer::views::{conventions, directions};
use crate::explorer::widget::{put, width};
use crate::projection::End;
use crate::query::Query;
use crate::sheet::grouped;
use crate::transformer::Form;

/// From this width on the lists stand side by side.
const BESIDE_MIN: u16 = 100;
/// From this height on they stand one over the other.
const STACKED_MIN: u16 = 24;

/// Draws the pane.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let side = sidebar_cells(canvas, body);
    grid::draw(
        canvas,
        Rect {
            width: side,
            ..body
        },
    );
    let area = Rect {
        x: body.x + side,
        width: body.width - side,
        ..body
    };
    let halves = [Constraint::Fill(1); 2];
    let [first, second] = if body.width >= BESIDE_MIN {
        Layout::horizontal(halves).areas(area)
    } else if body.height >= STACKED_MIN {
        Layout::vertical(halves).areas(area)
    } else {
        return list(canvas, area, canvas.state.views.heads.focus, true);
    };
    list(canvas, first, 0, false);
    list(canvas, second, 1, false);
}

fn list(canvas: &mut Canvas, area: Rect, index: usize, alone: bool) {
    let state = canvas.state;
    if state.views.heads.directions {
        return directions::draw(canvas, &HeadsView, area, index, alone);
    }
    let form = Heads::FORMS[index];
    let (from, to) = form.sides();
    let focus = state.views.heads.focus == index;
    let mark = if focus { "▌" } else { "" };
    let end = match state.views.heads.end {
        End::Highest => "",
        End::Lowest => " ▼ lowest",
    };
    let turns = form == Form::Qk && state.card().is_some_and(|card| card.spec.rotary);
    let far = match turns {
        true => format!(" Δ{}", state.distance(form)),
        false => String::new(),
    };
    let title = match state.stale_label(state.pairs_shown(index)) {
        Some(label) => format!("{mark}{label}"),
        None => format!("{mark}{form}{far}  {from} → {to}{end}"),
    };
    let note = match form {
        Form::Vo => "what it writes when it reads",
        Form::Qk => "who attends to whom",
    };
    // One that stands alone says in its footer where the other is.
    let room = area.width.saturating_sub(if alone { 20 } else { 6 });
    let footer = footer(canvas, room.into(), index);
    let heading = Heading {
        title: &title,
        note,
        footer: &footer,
    };
    let inside = directions::frame(canvas, &HeadsView, area, index, heading, alone);
    let below = unconditional(canvas, inside, index);
    let height = inside.height - below;
    canvas.regions.list_rows = height.into();
    rows(canvas, Rect { height, ..inside }, index);
}

/// Two lines low in a list: what one side does whatever the other one is. Returns how many.
fn unconditional(canvas: &mut Canvas, inside: Rect, index: usize) -> u16 {
    let (state, theme) = (canvas.state, canvas.theme);
    let shown = state
        .pair_list(index)
        .and_then(|(answer, ..)| answer.unconditional.as_ref());
    let Some(lists) = shown else {
        return 0;
    };
    let titles = match Heads::FORMS[index] {
        Form::Vo => ["whatever is read ", "    and never "],
        Form::Qk => ["whatever asks ", "      and not "],
    };
    let rows = 2.min(inside.height);
    for (row, (title, list)) in titles.into_iter().zip(lists).enumerate().take(rows.into()) {
        let y = inside.bottom() - rows + row as u16;
        let room = usize::from(inside.width).saturating_sub(2);
        let used = put(canvas.buffer, inside.x + 1, y, title, room, theme.quiet);
        let at = (inside.x + 1 + used, y);
        directions::words(
            canvas,
            at,
            room.saturating_sub(used.into()),
            list,
            theme.word,
        );
    }
    rows
}

/// How far the search is; then what it took, until more is known of the list.
fn footer(canvas: &Canvas, room: usize, index: usize) -> String {
    match canvas.state.pair_list(index) {
        Some((answer, true, took)) if answer.exact => {
            let rows = grouped(answer.passing);
            let before = format!("exact · {rows}² · ");
            let room = room.saturating_sub(width(&before));
            let robustness = conventions::robustness(canvas.state, &HeadsView, index, room);
            let more = match robustness.is_empty() {
                false => robustness,
                true if took.is_zero() => return format!("exact · {rows}² pairs"),
                true => duration(took),
            };
            before + &more
        }
        Some((answer, true, took)) => {
            let shown = canvas.state.pairs_shown(index);
            match shown.is_some_and(|shown| canvas.state.stopped.contains(&shown.query)) {
                true => format!(
                    "stopped at {:.0} %: not proven",
                    (answer.done * 100.0).clamp(0.0, 99.0)
                ),
                false => canvas.state.views.heads.searches[index].line(answer, took),
            }
        }
        _ => "…".to_owned(),
    }
}

fn rows(canvas: &mut Canvas, inside: Rect, index: usize) {
    let (state, theme) = (canvas.state, canvas.theme);
    let form = Heads::FORMS[index];
    let asked = |query: &Query| matches!(query, Query::Pairs(q) if q.form == form);
    if let Some(why) = state.failure(asked) {
        return message(canvas, inside, why);
    }
    let (Some(card), Some((answer, fresh, _))) = (state.card(), state.pair_list(index)) else {
        return message(canvas, inside, "…");
    };
    let Some(best) = answer.pairs.first() else {
        let text = if answer.exact {
            "no pair passes the filters"
        } else {
            "…"
        };
        return message(canvas, inside, text);
    };
    let digits = decimals(best.score);
    let ends = [answer.pairs.first(), answer.pairs.last()];
    let ends = ends
        .into_iter()
        .flatten()
        .map(|pair| score(pair.score, digits));
    let ends: Vec<String> = ends.collect();
    let cells = Cells::of(inside.width, 2, 3, ends.iter().map(String::as_str));
    let style = if fresh { theme.word } else { theme.stale };
    let focus = state.views.heads.focus == index;
    let marked = state.marked.map(|marked| marked.token);
    let cursor = state.views.heads.cursors[index];
    let pairs = answer.pairs.iter().enumerate().skip(cursor.scroll);
    for (y, (i, pair)) in (inside.top()..inside.bottom()).zip(pairs) {
        let here = focus && i == cursor.row;
        let is_marked = marked.map(|token| [pair.from, pair.to].map(|id| id == token));
        let is_marked = is_marked.unwrap_or_default();
        row_mark(canvas, (inside.x, y), here, is_marked.contains(&true));
        let style_of = |side: usize| match (here && state.views.heads.side == side, is_marked[side])
        {
            (true, _) => theme.here,
            (false, true) => theme.on,
            (false, false) => style,
        };
        let middle = inside.x + 1 + cells.word as u16 + 1;
        for (side, from, to) in [(0, inside.x, middle), (1, middle, inside.right())] {
            let target = Target::Word {
                list: index,
                row: i,
                side: Some(side),
            };
            canvas.note_row((from, to), y, target);
        }
        let x = inside.x + 1;
        token(canvas, card, (x, y), pair.from, cells.word, style_of(0));
        let x = x + cells.word as u16;
        put(canvas.buffer, x, y, " → ", 3, theme.quiet);
        token(canvas, card, (x + 3, y), pair.to, cells.word, style_of(1));
        let x = x + 3 + cells.word as u16 + 1;
        let share = pair.score / best.score;
        figures(canvas, (x, y), cells, &score(pair.score, digits), share);
    }
}
