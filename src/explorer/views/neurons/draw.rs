//! The Neurons pane: selectors, and the four columns of a neuron.

use ratatui::layout::Rect;

use super::{NeuronsView, sidebar};
use crate::explorer::number::{decimals, score};
use crate::explorer::screen::{Canvas, sidebar_cells};
use crate::explorer::view::WordLists;
use crate::explorer::views::changes::draw_both_lists;
use crate::explorer::views::columns::{self, FOUR_MIN, WordColumn};
use crate::explorer::views::{conventions, directions, points};
use crate::explorer::widget::width;
use crate::query::{NeuronColumn, Query};
use crate::transformer::Input;

/// From this width on the lists of two compared models stand beside those of their difference.
const BOTH_MIN: u16 = 180;

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
    let (x, width) = (body.x + side, body.width - side);
    let both = canvas.state.both_lists_query().is_some();
    let beside = both && body.width >= BOTH_MIN;
    if both && !beside && canvas.state.views.changes.both {
        return draw_both_lists(canvas, Rect { x, width, ..body });
    }
    let lists = if beside { width / 3 } else { 0 };
    let width = width - lists;
    let focus = canvas.state.views.neurons.focus;
    let shown = columns::shown(body.width, focus);
    let folded = shown.len() < 4;
    for (index, place) in columns::places(Rect { x, width, ..body }, shown) {
        column(canvas, place, index, folded);
    }
    if beside {
        let (x, width) = (x + width, lists);
        draw_both_lists(canvas, Rect { x, width, ..body });
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
    let failure = state.failure(|query| matches!(query, Query::Neuron(_)));
    let words = match (failure, state.columns()) {
        (Some(why), _) => Err(why),
        (None, Some((answer, _))) => Ok(&answer.columns[index][..]),
        (None, None) => Err("…"),
    };
    let column = WordColumn {
        list: index,
        title: &title,
        meaning: &meaning,
        footer: &footer,
        focus,
        fresh,
        cursor: state.views.neurons.cursor,
        words,
    };
    columns::draw(canvas, area, &column);
}
