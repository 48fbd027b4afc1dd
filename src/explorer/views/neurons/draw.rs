//! The Neurons pane: selectors, and the four columns of a neuron.

use ratatui::layout::Rect;

use super::{NeuronsView, sidebar};
use crate::explorer::number::{decimals, score};
use crate::explorer::screen::words::{Cells, figures, message, row_mark, token};
use crate::explorer::screen::{Canvas, sidebar_cells};
use crate::explorer::state::Target;
use crate::explorer::view::WordLists;
use crate::explorer::views::{conventions, directions, points};
use crate::explorer::widget::width;
use crate::query::{NeuronColumn, Query};
use crate::transformer::Input;

/// From this width on all four columns are shown.
const FOUR_MIN: u16 = 90;
/// From this width on two are.
const TWO_MIN: u16 = 60;

/// Draws the pane.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let side = sidebar_cells(canvas, body);
    sidebar::draw(
        canvas,
        Rect {
            width: side,
            ..body
        },
    );
    if canvas.state.views.neurons.points {
        let (x, width) = (body.x + side, body.width - side);
        return points::of_column(canvas, Rect { x, width, ..body });
    }
    if canvas.state.views.neurons.directions {
        return of_layer(canvas, body, side);
    }
    let focus = canvas.state.views.neurons.focus;
    let shown = match body.width {
        FOUR_MIN.. => 0..4,
        TWO_MIN.. => focus / 2 * 2..focus / 2 * 2 + 2,
        _ => focus..focus + 1,
    };
    let count = shown.len() as u16;
    let room = body.width - side;
    let mut x = body.x + side;
    for (i, index) in shown.enumerate() {
        let spare = u16::from((i as u16) < room % count);
        let width = room / count + spare;
        column(canvas, Rect { x, width, ..body }, index, count < 4);
        x += width;
    }
}

/// The directions of the layer's keys and of its values, side by side where there is room.
fn of_layer(canvas: &mut Canvas, body: Rect, side: u16) {
    let (x, width) = (body.x + side, body.width - side);
    if body.width < FOUR_MIN {
        let focus = NeuronsView.matrix(canvas.state);
        return directions::draw(canvas, &NeuronsView, Rect { x, width, ..body }, focus, true);
    }
    let half = width.div_ceil(2);
    directions::draw(
        canvas,
        &NeuronsView,
        Rect {
            x,
            width: half,
            ..body
        },
        0,
        false,
    );
    let (x, width) = (x + half, width - half);
    directions::draw(canvas, &NeuronsView, Rect { x, width, ..body }, 1, false);
}

/// From this width on a column of a gated neuron says whose signs it means.
const SIGNS_MIN: u16 = 36;

/// What a column tells of the neuron; `gated` is the input that K is, if there are two. Of these
/// the signs of gate and up with which a gated neuron writes a column; in brackets those with
/// which it does so faintly.
fn meaning(column: NeuronColumn, gated: Option<Input>, width: u16) -> &'static str {
    let wide = width >= SIGNS_MIN;
    match (column, gated) {
        (NeuronColumn::K, None) => "fires on",
        (NeuronColumn::K, Some(Input::Gate)) => "opens on",
        (NeuronColumn::K, Some(Input::Up)) => "writes V on",
        (NeuronColumn::V, None) => "promotes",
        (NeuronColumn::V, Some(_)) if wide => "promotes at gate·up ++ (−−)",
        (NeuronColumn::V, Some(_)) => "at ++ (−−)",
        (NeuronColumn::MinusK, None) => "fires against",
        (NeuronColumn::MinusK, Some(Input::Gate)) => "closes on",
        (NeuronColumn::MinusK, Some(Input::Up)) => "writes −V on",
        (NeuronColumn::MinusV, None) => "suppresses",
        (NeuronColumn::MinusV, Some(_)) if wide => "promotes at gate·up +− (−+)",
        (NeuronColumn::MinusV, Some(_)) => "at +− (−+)",
    }
}

fn column(canvas: &mut Canvas, area: Rect, index: usize, folded: bool) {
    let state = canvas.state;
    let column = NeuronColumn::ALL[index];
    let focus = state.views.neurons.focus == index;
    let fresh = state.columns().is_some_and(|(_, fresh)| fresh);
    let mark = if focus { "▌" } else { "" };
    let gated = state.card().filter(|card| card.gated());
    let gated = gated.map(|_| state.input());
    let name = state.column_title(column);
    let title = match state.stale_label(state.neuron_shown()) {
        Some(label) => format!("{mark}{column} {label}"),
        None if fresh => format!("{mark}{name}"),
        None => format!("{mark}{name} …"),
    };
    let mut meaning = meaning(column, gated, area.width).to_owned();
    if folded {
        meaning.push_str(&format!(" · - {}", NeuronColumn::ALL[(index + 2) % 4]));
    }
    let mut panel = canvas.panel(&title, &meaning, focus);
    let bias = state.columns().and_then(|(answer, _)| answer.bias);
    let bias = bias.filter(|_| matches!(column, NeuronColumn::K | NeuronColumn::MinusK));
    let bias = bias.map_or(String::new(), |bias| {
        format!("bias {}", score(bias, decimals(bias)))
    });
    let room = usize::from(area.width).saturating_sub(6 + width(&bias) + 3);
    let robustness = conventions::robustness(state, &NeuronsView, index, room);
    let parts = [robustness, bias];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    let footer = parts.join(" · ");
    panel.footer = &footer;
    let inside = panel.draw(area, canvas.buffer);
    canvas.regions.list_rows = inside.height.into();
    canvas.note(area, Target::List(index));
    rows(canvas, inside, index);
}

fn rows(canvas: &mut Canvas, inside: Rect, index: usize) {
    let (state, theme) = (canvas.state, canvas.theme);
    if let Some(why) = state.failure(|query| matches!(query, Query::Neuron(_))) {
        return message(canvas, inside, why);
    }
    let (Some(card), Some((answer, fresh))) = (state.card(), state.columns()) else {
        return message(canvas, inside, "…");
    };
    let column = &answer.columns[index];
    let Some(best) = column.first() else {
        return message(canvas, inside, "no word passes the filters");
    };
    let digits = decimals(best.score);
    let ends = [column.first(), column.last()].into_iter().flatten();
    let ends: Vec<String> = ends.map(|row| score(row.score, digits)).collect();
    let cells = Cells::of(inside.width, 1, 0, ends.iter().map(String::as_str));
    let style = if fresh { theme.word } else { theme.stale };
    let focus = state.views.neurons.focus == index;
    let marked = state.marked.map(|marked| marked.token);
    let cursor = state.views.neurons.cursor;
    let rows = column.iter().enumerate().skip(cursor.scroll);
    for (y, (i, row)) in (inside.top()..inside.bottom()).zip(rows) {
        let here = focus && i == cursor.row;
        let mark = row_mark(canvas, (inside.x, y), here, marked == Some(row.id));
        let style = mark.unwrap_or(style);
        let target = Target::Word {
            list: index,
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
