//! The selector at the left: a cell a head.

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use crate::explorer::screen::Canvas;
use crate::explorer::state::{State, Target};
use crate::explorer::widget::{put, window};
use crate::query::Address;

/// A cell a head: visited ones shaded by the best score of the list in focus.
pub fn draw(canvas: &mut Canvas, area: Rect) {
    let (state, theme) = (canvas.state, canvas.theme);
    let Some(card) = state.card() else {
        return;
    };
    let at = &state.views.heads;
    let title = format!("L{}.H{}", at.layer, at.head);
    let mut panel = canvas.panel(&title, "layer × head", false);
    let footer = match (state.views.heads.grid, at.focus) {
        (Some(by), _) => format!("▓ {by}"),
        (None, 0) => "▓ best VO".to_owned(),
        (None, _) => "▓ best QK".to_owned(),
    };
    panel.footer = &footer;
    let inside = panel.draw(area, canvas.buffer);
    canvas.note(inside, Target::Selector);
    let (layers, heads) = (card.spec.layers, card.spec.heads);
    let room = usize::from(inside.width.saturating_sub(4));
    let step = if heads * 2 <= room { 2 } else { 1 };
    let columns = window(heads, at.head, room / step);
    let rows = usize::from(inside.height.saturating_sub(2));
    canvas.regions.selector_rows = heads;
    let shares = shares(state);
    let left = inside.x + 4;
    let every = if step == 1 { 5 } else { 1 };
    // The current one last: its label may lie over a neighbour's.
    let labelled = columns.clone().filter(|head| head % every == 0);
    for head in labelled.chain([at.head]) {
        let x = left + ((head - columns.start) * step) as u16;
        let style = if head == at.head {
            theme.here
        } else {
            theme.quiet
        };
        put(canvas.buffer, x, inside.y, &head.to_string(), 2, style);
    }
    for (j, layer) in window(layers, at.layer, rows).enumerate() {
        let y = inside.y + 1 + j as u16;
        let here = layer == at.layer;
        let style = if here { theme.here } else { theme.quiet };
        let mark = if here { "▸" } else { " " };
        put(
            canvas.buffer,
            inside.x,
            y,
            &format!("{mark}{layer:>2}"),
            4,
            style,
        );
        let own = card.spec.heads_in(layer);
        for (i, head) in columns.clone().enumerate().filter(|(_, head)| *head < own) {
            let x = left + (i * step) as u16;
            cell(canvas, (x, y), (layer, head), &shares);
            canvas.note(
                Rect::new(x, y, step as u16, 1),
                Target::Place(Address::Head {
                    layer,
                    head,
                    form: None,
                }),
            );
        }
    }
}

/// What the cells are shaded by, 0 to 1: the best pairs of the heads seen, or a measure.
fn shares(state: &State) -> BTreeMap<(usize, usize), f32> {
    let figures: Vec<((usize, usize), f32)> = match state.views.heads.grid {
        Some(by) => {
            let heads = state.all_ranked(by).into_iter();
            heads
                .map(|(l, head)| ((l, head.item), head.figure))
                .collect()
        }
        None => {
            let focus = state.views.heads.focus;
            let seen = state.views.heads.seen.iter();
            seen.filter_map(|(at, seen)| Some((*at, seen[focus]?.abs())))
                .collect()
        }
    };
    let of = |ends: fn(f32, f32) -> f32| figures.iter().map(|(_, figure)| *figure).fold(0.0, ends);
    let (low, high) = (of(f32::min), of(f32::max));
    let share = |(at, figure)| (at, (figure - low) / (high - low));
    figures.iter().copied().map(share).collect()
}

fn cell(
    canvas: &mut Canvas,
    (x, y): (u16, u16),
    (layer, head): (usize, usize),
    shares: &BTreeMap<(usize, usize), f32>,
) {
    let (state, theme) = (canvas.state, canvas.theme);
    let at = &state.views.heads;
    let (symbol, style) = match shares.get(&(layer, head)) {
        Some(share) => theme.heat(*share),
        None => ("·", theme.quiet),
    };
    let marked = state.bookmark(Address::Head {
        layer,
        head,
        form: None,
    });
    if (layer, head) == (at.layer, at.head) {
        put(canvas.buffer, x, y, "◆", 1, theme.here);
    } else if marked.is_some() {
        put(canvas.buffer, x, y, "★", 1, theme.on);
    } else {
        put(canvas.buffer, x, y, symbol, 1, style);
    }
}
