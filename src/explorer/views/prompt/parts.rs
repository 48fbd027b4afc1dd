//! The neurons and heads that moved the target, the largest first, each with its first words.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::PromptPart;
use super::state::name;
use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::row_mark;
use crate::explorer::state::{State, Target};
use crate::explorer::widget::{bar, put, window};
use crate::query::{Address, NeuronColumn, NeuronQuery, PairsQuery, Query};
use crate::transformer::Form;

/// First words of each side of a neuron, and first pairs of a head.
const FIRST: usize = 3;
/// Cells of an address, an amount and its bar.
const ADDRESS_CELLS: u16 = 11;
const AMOUNT_CELLS: u16 = 8;
const BAR_CELLS: u16 = 5;

/// Draws the list.
pub fn draw(canvas: &mut Canvas, area: Rect) {
    let state = canvas.state;
    let parts = state.prompt_parts();
    let selected = state.views.prompt.row.min(parts.len().saturating_sub(1));
    let rows = usize::from(area.height);
    canvas.regions.list_rows = rows;
    let largest = parts.iter().map(|p| p.amount.abs()).fold(0.0, f64::max);
    for (y, at) in (area.top()..).zip(window(parts.len(), selected, rows)) {
        let here = at == selected;
        let marked = row_mark(canvas, (area.x, y), here, false);
        let style = marked.unwrap_or(canvas.theme.word);
        part(canvas, (area, y), &parts[at], (largest, style));
        canvas.note(
            Rect {
                y,
                height: 1,
                ..area
            },
            Target::Choice(at),
        );
    }
}

fn part(
    canvas: &mut Canvas,
    (area, y): (Rect, u16),
    part: &PromptPart,
    (largest, style): (f64, Style),
) {
    let state = canvas.state;
    let end = area.right().saturating_sub(1);
    let mut x = area.x + 1;
    let mut cell = |canvas: &mut Canvas, text: &str, cells: u16, style: Style| {
        let room = usize::from(cells.min(end.saturating_sub(x)));
        put(canvas.buffer, x, y, text, room, style);
        x = x.saturating_add(cells);
    };
    let quiet = canvas.theme.quiet;
    let named = state.named(part.address).to_string();
    cell(canvas, &named, ADDRESS_CELLS, style);
    let amount = match part.is_signed {
        true => format!("{:>+7.3}", part.amount),
        false => format!("{:>7.3}", part.amount),
    };
    cell(canvas, &amount, AMOUNT_CELLS, quiet);
    let share = (part.amount.abs() / largest.max(f64::MIN_POSITIVE)) as f32;
    let bars = bar(share, usize::from(BAR_CELLS) - 1);
    let bar_style = canvas.theme.bar;
    cell(canvas, &bars, BAR_CELLS, bar_style);
    cell(canvas, &words(state, part), u16::MAX, quiet);
}

/// A neuron's or a head's first words.
fn words(state: &State, part: &PromptPart) -> String {
    match part.address {
        Address::Neuron { layer, neuron } => of_neuron(state, part, (layer, neuron)),
        Address::Head { layer, head, .. } => of_head(state, part, (layer, head)),
        Address::Layer { .. }
        | Address::Expert { .. }
        | Address::State { .. }
        | Address::Token { .. }
        | Address::Direction { .. } => String::new(),
    }
}

/// What it writes as it fires now, and what it reads.
fn of_neuron(state: &State, part: &PromptPart, (layer, neuron): (usize, usize)) -> String {
    let such = |query: &Query| matches!(query, Query::Neuron(of) if of.layer == layer && of.neuron == neuron);
    let shown = state.board.latest(such);
    let Some((_, answer)) = shown.and_then(|shown| shown.of::<NeuronQuery>()) else {
        return String::new();
    };
    let first = |column: NeuronColumn| {
        let list = answer.columns[column as usize].iter().take(FIRST);
        let names: Vec<String> = list.map(|s| name(state, s.id)).collect();
        format!("{column} {}", names.join(" "))
    };
    // A neuron with a negative activation writes the other way.
    let writes = match part.activation.is_some_and(|m| m < 0.0) {
        true => NeuronColumn::MinusV,
        false => NeuronColumn::V,
    };
    format!("{} · {}", first(writes), first(NeuronColumn::K))
}

/// Where it looks, and the best pairs of what it reads and writes.
fn of_head(state: &State, part: &PromptPart, (layer, head): (usize, usize)) -> String {
    let attends = part.attends.map(|(at, weight)| {
        let tokens = state.prompt_answer().map(|(answer, _)| &answer.tokens);
        let id = tokens.and_then(|tokens| tokens.get(at).copied());
        let name = id.map_or_else(String::new, |id| name(state, id));
        format!("← {at} {name} {:.0} %", 100.0 * weight)
    });
    let such = |query: &Query| {
        matches!(query, Query::Pairs(of)
            if (of.layer, of.head) == (layer, head) && of.form == Form::Vo)
    };
    let shown = state.board.latest(such);
    let pairs = shown.and_then(|shown| shown.of::<PairsQuery>());
    let pairs = pairs.map(|(_, answer)| {
        let pairs = answer.pairs.iter().take(FIRST);
        let pairs = pairs.map(|p| format!("{}→{}", name(state, p.from), name(state, p.to)));
        format!("VO {}", pairs.collect::<Vec<_>>().join(" "))
    });
    let said: Vec<String> = attends.into_iter().chain(pairs).collect();
    said.join(" · ")
}
