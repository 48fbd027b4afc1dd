//! The list of changes: how far each neuron and head moved, and the words of the change.

use ratatui::layout::Rect;

use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::{message, row_mark, some_words};
use crate::explorer::state::Target;
use crate::explorer::widget::{put, window};
use crate::query::{Address, ChangedHead, ChangedNeuron, ChangesAnswer, Query};
use crate::sheet::grouped;

/// Cells of an address with the mark of rounding, and of a figure.
const ADDRESS: u16 = 14;
const FIGURE: u16 = 8;
/// From this width on the overlaps are told, and from the next on the words.
const OVERLAP_MIN: u16 = 64;
const WORDS_MIN: u16 = 90;

/// A line of the list.
enum ListLine {
    Heading(String),
    Columns(&'static str),
    Row(usize),
}

/// Draws the list.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let state = canvas.state;
    let against = state.card().and_then(|card| card.against.clone());
    let base = against.unwrap_or_default();
    let base = base.rsplit('/').next().unwrap_or_default();
    let title = format!("What changed against {base}");
    let inside = canvas.on_top(body, (body.width, body.height), &title, "most first");
    let why = state.failure(|query| matches!(query, Query::Changes(_)));
    if let Some(why) = why {
        return message(canvas, inside, why);
    }
    if state.is_in_parts() {
        let why = "changes are of all layers, and a model stays on the hub: o brings it as a whole";
        return message(canvas, inside, why);
    }
    match state.changes() {
        Some(changes) => list(canvas, inside, changes),
        None => message(canvas, inside, "all neurons and heads are compared …"),
    }
}

fn lines(changes: &ChangesAnswer, width: u16) -> Vec<ListLine> {
    let [neurons, heads] = [0, 1].map(|i| {
        let [changed, all] = [changes.changed[i], changes.looked_at[i]].map(grouped);
        format!("{changed} of {all}")
    });
    let numbers = changes.numbers;
    let rounding = match numbers.is_rounding() {
        true => " · by no more than rounding does",
        false => "",
    };
    let mut lines = vec![ListLine::Heading(format!(
        "{neurons} neurons are other{rounding}"
    ))];
    let count = changes.neurons.len();
    if count > 0 {
        lines.push(ListLine::Columns(match width {
            WORDS_MIN.. => "|Δ|/|base|  cos K   cos V    K of 30  V of 30  ΔK → ΔV",
            OVERLAP_MIN.. => "|Δ|/|base|  cos K   cos V    K of 30  V of 30",
            _ => "|Δ|/|base|  cos K   cos V",
        }));
    }
    lines.extend((0..count).map(ListLine::Row));
    lines.push(ListLine::Heading(format!("{heads} heads are other")));
    if !changes.heads.is_empty() {
        let columns = "VO Δ/base  QK Δ/base  cos VO  cos QK";
        lines.push(ListLine::Columns(columns));
    }
    lines.extend((count..count + changes.heads.len()).map(ListLine::Row));
    lines
}

fn list(canvas: &mut Canvas, area: Rect, changes: &ChangesAnswer) {
    let theme = canvas.theme;
    let lines = lines(changes, area.width);
    let selected = canvas.state.views.changes.selected;
    let here = |line: &ListLine| matches!(line, ListLine::Row(at) if *at == selected);
    let at = lines.iter().position(here).unwrap_or(0);
    let at = if selected == 0 { 0 } else { at };
    let rows = usize::from(area.height);
    canvas.regions.list_rows = rows;
    let room = usize::from(area.width.saturating_sub(2));
    for (y, line) in (area.y..).zip(window(lines.len(), at, rows)) {
        match &lines[line] {
            ListLine::Heading(text) => {
                put(canvas.buffer, area.x + 1, y, text, room, theme.title);
            }
            ListLine::Columns(text) => {
                let (x, room) = (area.x + 2 + ADDRESS, room - usize::from(ADDRESS));
                put(canvas.buffer, x, y, text, room, theme.quiet);
            }
            ListLine::Row(number) => {
                let row = Rect {
                    y,
                    height: 1,
                    ..area
                };
                let heads = number.checked_sub(changes.neurons.len());
                let here = *number == selected;
                match (changes.neurons.get(*number), heads) {
                    (Some(of), _) => neuron(canvas, row, of, here),
                    (None, Some(at)) => {
                        if let Some(of) = changes.heads.get(at) {
                            head(canvas, row, of, here);
                        }
                    }
                    (None, None) => {}
                }
                canvas.note(row, Target::Choice(*number));
            }
        }
    }
}

/// A figure with four decimals; `new` where the base has no length, or nothing to compare.
fn figure(of: Option<f64>) -> String {
    of.map_or_else(|| format!("{:>7}", "new"), |of| format!("{of:>7.4}"))
}

fn neuron(canvas: &mut Canvas, row: Rect, of: &ChangedNeuron, here: bool) {
    let theme = canvas.theme;
    let style = row_mark(canvas, (row.x, row.y), here, false).unwrap_or(theme.word);
    let (layer, neuron) = (of.layer, of.neuron);
    let mut address = canvas
        .state
        .named(Address::Neuron { layer, neuron })
        .to_string();
    if of.numbers.is_rounding() {
        address += " ≈";
    }
    let mut x = row.x + 2;
    put(canvas.buffer, x, row.y, &address, ADDRESS.into(), style);
    x += ADDRESS;
    let figures = [of.change.relative, of.key.cosine, of.value.cosine].map(figure);
    let text = format!("  {} {} {}", figures[0], figures[1], figures[2]);
    put(canvas.buffer, x, row.y, &text, 28, theme.quiet);
    x += 2 + 3 * FIGURE + 2;
    if row.width < OVERLAP_MIN {
        return;
    }
    if let Some([key, value]) = of.overlap {
        let text = format!("{key:>6}   {value:>6}");
        put(canvas.buffer, x, row.y, &text, 18, theme.quiet);
    }
    x += 18;
    if row.width < WORDS_MIN {
        return;
    }
    let half = row.right().saturating_sub(x + 1) / 2;
    let room = usize::from(half.saturating_sub(1));
    let [key, value] = &of.words;
    some_words(canvas, (x, row.y), key, room, style);
    put(canvas.buffer, x + half, row.y, "→", 1, theme.quiet);
    let room = room.saturating_sub(1);
    some_words(canvas, (x + half + 2, row.y), value, room, style);
}

fn head(canvas: &mut Canvas, row: Rect, of: &ChangedHead, here: bool) {
    let theme = canvas.theme;
    let style = row_mark(canvas, (row.x, row.y), here, false).unwrap_or(theme.word);
    let address = Address::Head {
        layer: of.layer,
        head: of.head,
        form: None,
    };
    let x = row.x + 2;
    let text = address.to_string();
    put(canvas.buffer, x, row.y, &text, ADDRESS.into(), style);
    let figures = [of.vo.relative, of.qk.relative, of.vo.cosine, of.qk.cosine].map(figure);
    let [vo, qk, cos_vo, cos_qk] = figures;
    let text = format!("  {vo}    {qk} {cos_vo} {cos_qk}");
    let room = usize::from(row.right().saturating_sub(x + ADDRESS));
    put(canvas.buffer, x + ADDRESS, row.y, &text, room, theme.quiet);
}
