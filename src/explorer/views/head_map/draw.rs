//! The map of heads: layer × head, a cell each, shaded by a measure; beside it the heads in order.

use std::ops::Range;

use ratatui::layout::Rect;

use super::HeadMap;
use crate::explorer::number::{decimals, score};
use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::{message, token, token_cells};
use crate::explorer::state::Target;
use crate::explorer::widget::{put, width, window};
use crate::query::{Address, Query, RankedItem};
use crate::sheet::grouped;

/// Cells of the numbers of layers.
const LABEL: u16 = 4;
/// Cells of the list that is worth its room, and of one with words.
const LIST_MIN: u16 = 22;
const LIST_WORDS: u16 = 50;
/// A head takes no more cells than these.
const CELL_MAX: u16 = 4;
/// Rows beside those of layers: the cursor's head, the numbers of heads, the legend.
const OTHER_ROWS: u16 = 3;

/// Where the heads of the map lie.
struct Grid {
    area: Rect,
    /// Cells of a head.
    cell: u16,
    layers: Range<usize>,
    heads: Range<usize>,
}

/// Draws the map with its cursor.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let state = canvas.state;
    let HeadMap { layer, head } = state.views.head_map;
    let Some(card) = state.card() else {
        return;
    };
    let (layers, heads) = (card.spec.layers, card.spec.heads);
    let by = state.views.ranking.heads_by;
    let ranked = state.all_ranked(by);
    let all = card.spec.all_heads();
    let proven = ranked.iter().filter(|(_, head)| head.proven).count();
    let known = match ranked.len() {
        n if n < all => format!("{} of {} …", grouped(n), grouped(all)),
        _ if proven < all => format!("{} of {} proven …", grouped(proven), grouped(all)),
        _ => format!("{} heads", grouped(all)),
    };
    // The map may have all but the list's room, and the list what the map leaves.
    let room = body.width.saturating_sub(4);
    let beside = (heads as u16).saturating_add(LABEL + LIST_MIN) <= room;
    let for_map = room - if beside { LIST_MIN } else { 0 };
    let cell = (for_map.saturating_sub(LABEL) / heads.max(1) as u16).clamp(1, CELL_MAX);
    let map = (LABEL + cell.saturating_mul(heads as u16)).min(for_map);
    let list = match beside {
        true if ranked.iter().any(|(_, head)| !head.key.is_empty()) => (room - map).min(LIST_WORDS),
        true => LIST_MIN,
        false => 0,
    };
    let rows = (layers as u16).saturating_add(OTHER_ROWS + 2);
    let under = match state.convention() {
        convention if convention.is_raw() => String::new(),
        convention => format!(" · {convention}"),
    };
    let title = format!("Heads · {}{under}", by.meaning());
    let inside = canvas.on_top(body, (map + list + 4, rows), &title, &known);
    if let Some(why) = state.failure(|query| matches!(query, Query::Rank(_))) {
        let why = why.to_owned();
        return message(canvas, inside, &why);
    }
    let area = Rect {
        x: inside.x + 1,
        width: map.min(inside.width.saturating_sub(1)),
        ..inside
    };
    let columns = usize::from(area.width.saturating_sub(LABEL) / cell);
    let grid = Grid {
        area,
        cell,
        layers: window(
            layers,
            layer,
            inside.height.saturating_sub(OTHER_ROWS).into(),
        ),
        heads: window(heads, head, columns),
    };
    read_out(canvas, inside, &ranked, (layer, head));
    cells(canvas, &grid, &ranked, (layer, head));
    legend(canvas, inside, &ranked, list);
    if list > 0 {
        let x = area.right() + 2;
        let area = Rect {
            x,
            y: inside.y + 1,
            width: inside.right().saturating_sub(x),
            height: inside.height.saturating_sub(1),
        };
        in_order(canvas, area, &ranked, (layer, head));
    }
}

/// The head under the cursor, its figure and its place in the order.
fn read_out(
    canvas: &mut Canvas,
    inside: Rect,
    ranked: &[(usize, &RankedItem)],
    (layer, head): (usize, usize),
) {
    let theme = canvas.theme;
    let form = canvas.state.views.ranking.heads_by.form();
    let form = form.map_or_else(String::new, |form| format!(".{form}"));
    let address = format!("L{layer}.H{head}{form}");
    let mut x = inside.x + 1;
    x += put(
        canvas.buffer,
        x,
        inside.y,
        &address,
        address.len(),
        theme.here,
    ) + 2;
    let at = ranked
        .iter()
        .position(|(l, h)| (*l, h.item) == (layer, head));
    let text = match at {
        Some(at) if ranked[at].1.figure.is_nan() => "none".to_owned(),
        Some(at) => format!("{}  #{}", figure(ranked[at].1, 3), grouped(at + 1)),
        None => "…".to_owned(),
    };
    let room = inside.right().saturating_sub(x).into();
    put(canvas.buffer, x, inside.y, &text, room, theme.word);
}

/// A head's figure, with a mark while it is not proven.
fn figure(head: &RankedItem, digits: usize) -> String {
    let mark = if head.proven { "" } else { "~" };
    format!("{mark}{}", score(head.figure, digits))
}

fn cells(
    canvas: &mut Canvas,
    grid: &Grid,
    ranked: &[(usize, &RankedItem)],
    cursor: (usize, usize),
) {
    let theme = canvas.theme;
    let (area, cell) = (grid.area, grid.cell);
    let (low, high) = ends(ranked);
    let x_of = |head: usize| area.x + LABEL + (head - grid.heads.start) as u16 * cell;
    let every = if cell < 3 { 5 } else { 1 };
    let labelled = grid.heads.clone().filter(|head| head.is_multiple_of(every));
    // The cursor's last: its number may lie over a neighbour's.
    for head in labelled.chain([cursor.1]) {
        let style = if head == cursor.1 {
            theme.here
        } else {
            theme.quiet
        };
        put(
            canvas.buffer,
            x_of(head),
            area.y + 1,
            &head.to_string(),
            3,
            style,
        );
    }
    let first = area.y + 2;
    let form = canvas.state.views.ranking.heads_by.form();
    for (y, layer) in (first..).zip(grid.layers.clone()) {
        let here = layer == cursor.0;
        let style = if here { theme.here } else { theme.quiet };
        let mark = if here { "▸" } else { " " };
        let label = format!("{mark}{layer:>2}");
        put(canvas.buffer, area.x, y, &label, LABEL.into(), style);
        let heads = canvas
            .state
            .card()
            .map_or(0, |card| card.spec.heads_in(layer));
        for head in grid.heads.clone().filter(|head| *head < heads) {
            put(canvas.buffer, x_of(head), y, "·", 1, theme.quiet);
            let lies = Rect::new(x_of(head), y, cell, 1);
            canvas.note(lies, Target::Place(Address::Head { layer, head, form }));
        }
    }
    for (layer, head) in ranked {
        if !grid.layers.contains(layer) || !grid.heads.contains(&head.item) {
            continue;
        }
        let y = first + (layer - grid.layers.start) as u16;
        let (symbol, style) = match head.figure.is_nan() {
            true => ("–", theme.quiet),
            false => theme.heat((head.figure - low) / (high - low)),
        };
        // Cells touch: it is the whole that is looked at.
        let text = symbol.repeat(cell.into());
        put(canvas.buffer, x_of(head.item), y, &text, cell.into(), style);
    }
    let at = &canvas.state.views.heads;
    for ((layer, head), mark) in [((at.layer, at.head), "◇"), (cursor, "◆")] {
        if grid.layers.contains(&layer) && grid.heads.contains(&head) {
            let y = first + (layer - grid.layers.start) as u16;
            let middle = x_of(head) + (cell - 1) / 2;
            put(canvas.buffer, middle, y, mark, 1, theme.here);
        }
    }
}

/// The lowest and the highest figure that is known, apart from one another.
fn ends(ranked: &[(usize, &RankedItem)]) -> (f32, f32) {
    let figures = ranked.iter().map(|(_, head)| head.figure);
    let figures = figures.filter(|figure| !figure.is_nan());
    let (low, high) = figures.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| {
        (low.min(x), high.max(x))
    });
    match low < high {
        true => (low, high),
        false => (low.min(0.0), high.max(1.0)),
    }
}

/// What the shades mean.
fn legend(canvas: &mut Canvas, inside: Rect, ranked: &[(usize, &RankedItem)], list: u16) {
    if ranked.is_empty() {
        return;
    }
    let theme = canvas.theme;
    let (low, high) = ends(ranked);
    let y = inside.bottom().saturating_sub(1);
    let mut x = inside.x + 1;
    let text = score(low, 2);
    x += put(canvas.buffer, x, y, &text, 8, theme.quiet) + 1;
    for share in [0.0, 0.3, 0.6, 1.0] {
        let (symbol, style) = theme.heat(share);
        x += put(canvas.buffer, x, y, &symbol.repeat(2), 2, style);
    }
    x += 1;
    x += put(canvas.buffer, x, y, &score(high, 2), 8, theme.quiet) + 2;
    let room = inside.right().saturating_sub(x + list).into();
    let drawn = match canvas.state.draws {
        true => "r: best tenth",
        false => "r: anywhere",
    };
    if width(drawn) <= room {
        put(canvas.buffer, x, y, drawn, room, theme.quiet);
    }
}

/// The heads in order around the cursor's, with words where they are known and there is room.
fn in_order(
    canvas: &mut Canvas,
    area: Rect,
    ranked: &[(usize, &RankedItem)],
    cursor: (usize, usize),
) {
    let theme = canvas.theme;
    let at = ranked.iter().position(|(l, h)| (*l, h.item) == cursor);
    let digits = decimals(ranked.first().map_or(1.0, |(_, best)| best.figure)).min(3);
    // The best first, until the cursor is moved.
    let here = (
        canvas.state.views.heads.layer,
        canvas.state.views.heads.head,
    );
    let around = at.filter(|_| cursor != here).unwrap_or(0);
    let shown = window(ranked.len(), around, area.height.into());
    for (y, index) in (area.y..).zip(shown) {
        let (layer, head) = ranked[index];
        let here = at == Some(index);
        let style = if here { theme.here } else { theme.word };
        let mark = if here { "▸" } else { " " };
        let name = format!("{mark} L{layer}.H{}", head.item);
        put(canvas.buffer, area.x, y, &name, 10, style);
        let figure = match head.figure.is_nan() {
            true => "none".to_owned(),
            false => figure(head, digits),
        };
        let quiet = if here { theme.here } else { theme.quiet };
        put(
            canvas.buffer,
            area.x + 11,
            y,
            &format!("{figure:>6}"),
            7,
            quiet,
        );
        let room = usize::from(area.width.saturating_sub(20));
        pair(canvas, (area.x + 19, y), head, room);
        canvas.note(Rect::new(area.x, y, area.width, 1), Target::Choice(index));
    }
}

/// A head's best pair, if it fits whole.
fn pair(canvas: &mut Canvas, (x, y): (u16, u16), head: &RankedItem, room: usize) {
    let (Some(card), [from, ..], [to, ..]) = (canvas.state.card(), &head.key[..], &head.value[..])
    else {
        return;
    };
    let theme = canvas.theme;
    let cells = [*from, *to].map(|id| token_cells(card, id));
    if cells[0] + cells[1] + 3 > room {
        return;
    }
    token(canvas, card, (x, y), *from, cells[0], theme.word);
    let x = x + cells[0] as u16;
    put(canvas.buffer, x, y, " → ", 3, theme.quiet);
    token(canvas, card, (x + 3, y), *to, cells[1], theme.word);
}
