//! Maps: vectors as points in two dimensions. Of a token's occurrences, each in its text; and of
//! a neuron's best words.

use ratatui::layout::Rect;

use crate::explorer::number::{decimals, score};
use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::message;
use crate::explorer::views::geometry::left_to_right;
use crate::explorer::widget::plot::Frame;
use crate::explorer::widget::{Dots, put, truncate, truncate_start, width, window};
use crate::query::sheet::{MapOf, map_sheet};
use crate::query::{MapAnswer, ModelCard, Pointed, Query};
use crate::report::{self, Format};
use crate::sheet::grouped;

/// The occurrences of the token: the map above, and below the texts around the selected one, the
/// word in the middle, in the order in which the points lie from left to right.
pub fn of_token(canvas: &mut Canvas, body: Rect) {
    let state = canvas.state;
    let geometry = &state.views.geometry;
    let token = geometry.settings.token.as_deref().unwrap_or_default();
    let map = state.context_map();
    let fresh = map.is_some_and(|(_, fresh)| fresh);
    let title = match geometry.state {
        0 => format!("“{token}” in the embeddings"),
        at => format!("“{token}” in state {at}"),
    };
    let title = match state.stale_label(state.context_map_shown()) {
        Some(label) => label,
        None if fresh => title,
        None => format!("{title} …"),
    };
    let note = map.map_or_else(String::new, |(map, _)| said_of(map));
    let mut panel = canvas.panel(&title, &note, true);
    let asked = |query: &Query| matches!(query, Query::ContextMap(_));
    let failed = state.failure(asked);
    panel.footer = match (geometry.stopped, fresh || failed.is_some()) {
        (true, _) => "stopped · Enter measures",
        (_, true) => "p back to the chart",
        _ => "running the model … · Esc stops",
    };
    let inside = panel.draw(body, canvas.buffer);
    if let Some(why) = failed {
        return message(canvas, inside, why);
    }
    let Some((map, _)) = map else {
        return message(canvas, inside, "…");
    };
    let rows = (inside.height / 3).clamp(1, map.points.len().max(1) as u16);
    let divider = inside.bottom().saturating_sub(rows + 1);
    canvas
        .panel(&title, &note, true)
        .divide(body, divider, "in its texts", "", canvas.buffer);
    let above = Rect {
        height: divider.saturating_sub(inside.y),
        ..inside
    };
    points(canvas, above, map, geometry.selected, false);
    let below = Rect {
        y: divider + 1,
        height: rows,
        ..inside
    };
    concordance(canvas, below, map);
}

/// A column's best words, each where its embedding lies.
pub fn of_column(canvas: &mut Canvas, body: Rect) {
    let state = canvas.state;
    let map = state.column_map();
    let fresh = map.is_some_and(|(_, fresh)| fresh);
    let title = match state.stale_label(state.column_map_shown()) {
        Some(label) => format!("▌{label}"),
        None if fresh => format!("▌{}", state.column()),
        None => format!("▌{} …", state.column()),
    };
    let note = map.map_or_else(String::new, |(map, _)| said_of(map));
    let at = state.views.neurons.selected;
    let named = map.and_then(|(map, _)| {
        let point = map.points.get(at)?;
        let Pointed::Row { id, score: value } = point.what else {
            return None;
        };
        let word = named_word(state.card()?, id);
        let value = score(value, decimals(value));
        let of = map.points.len();
        Some(format!(
            "{word} {value} · {} of {of} · J K next · p back",
            at + 1
        ))
    });
    let mut panel = canvas.panel(&title, &note, true);
    panel.footer = named.as_deref().unwrap_or("p back to the words");
    let inside = panel.draw(body, canvas.buffer);
    let asked = |query: &Query| matches!(query, Query::NeuronMap(_));
    if let Some(why) = state.failure(asked) {
        return message(canvas, inside, why);
    }
    match map {
        Some((map, _)) => points(canvas, inside, map, at, true),
        None => message(canvas, inside, "…"),
    }
}

/// Why no map can be copied or written.
pub const NONE: &str = "there are no points yet";

/// A map as a file of that name holds it.
///
/// # Errors
/// The name ends in no format's way.
pub fn text(of: &MapOf, path: &str) -> Result<String, String> {
    if path.to_lowercase().ends_with(".svg") {
        return report::map_chart(of).map_err(|error| error.to_string());
    }
    Ok(report::write(&map_sheet(of), format_of(path)?))
}

/// The format of a file that may also be a drawing.
///
/// # Errors
/// The name ends in no format's way.
pub fn format_of(path: &str) -> Result<Format, String> {
    Format::of_file(path).ok_or_else(|| {
        format!("{path}: expected a name that ends in .svg, .csv, .json, .md or .txt")
    })
}

/// A word, with a mark if it is undertrained.
fn named_word(card: &ModelCard, id: u32) -> String {
    let mark = if card.is_undertrained(id) { "°" } else { "" };
    format!("{}{mark}", card.vocabulary.text(id))
}

fn said_of(map: &MapAnswer) -> String {
    let [first, second] = map.explained.map(|share| 100.0 * share);
    let n = grouped(map.points.len());
    format!("{n} points · variance {first:.0} % → and {second:.0} % ↑")
}

/// The points, with their words where there is room if they have any; the selected one last.
fn points(canvas: &mut Canvas, area: Rect, map: &MapAnswer, selected: usize, named: bool) {
    let theme = canvas.theme;
    let area = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(2),
        ..area
    };
    let ends = |axis: usize| {
        let values = map
            .points
            .iter()
            .map(|p| p.at[axis])
            .filter(|v| v.is_finite());
        let ends = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| {
            [low.min(v), high.max(v)]
        });
        let room = (ends[1] - ends[0]) / 20.0;
        match room > 0.0 {
            true => [ends[0] - room, ends[1] + room],
            false => [ends[0] - 1.0, ends[0] + 1.0],
        }
    };
    let frame = Frame {
        area,
        x: ends(0),
        y: ends(1),
    };
    let mut dots = Dots::new(area);
    let size = dots.size();
    for point in &map.points {
        if let Some((x, y)) = frame.place(point.at[0], point.at[1], size) {
            dots.set(x, y);
        }
    }
    dots.draw(canvas.buffer, theme.word);
    let order = (0..map.points.len()).rev().filter(|at| *at != selected);
    let order: Vec<usize> = order
        .chain((selected < map.points.len()).then_some(selected))
        .collect();
    // The best words last to be drawn would hide others: they come first and keep their room.
    let first = order.iter().rev();
    let mut taken: Vec<Rect> = Vec::new();
    for &at in first {
        let point = &map.points[at];
        let Some((x, y)) = frame.cell(point.at[0], point.at[1]) else {
            continue;
        };
        let here = at == selected;
        if here {
            put(canvas.buffer, x, y, "◉", 1, theme.here);
        }
        let Pointed::Row { id, .. } = point.what else {
            continue;
        };
        let Some(card) = canvas.state.card().filter(|_| named) else {
            continue;
        };
        let word = named_word(card, id);
        let cells = width(&word) as u16;
        let label = Rect::new(x + 2, y, cells, 1);
        let room = label.right() <= area.right() && !taken.iter().any(|t| t.intersects(label));
        if room || here {
            let left = area.right().saturating_sub(x + 2).into();
            let style = if here { theme.here } else { theme.quiet };
            put(canvas.buffer, x + 2, y, &word, left, style);
            taken.push(Rect::new(x, y, cells + 3, 1));
        }
    }
}

/// The texts of the points around the selected one, from left to right, one per row.
fn concordance(canvas: &mut Canvas, area: Rect, map: &MapAnswer) {
    let (state, theme) = (canvas.state, canvas.theme);
    let geometry = &state.views.geometry;
    let order = left_to_right(map);
    let at = order
        .iter()
        .position(|i| *i == geometry.selected)
        .unwrap_or(0);
    let middle = area.width / 2;
    for (i, index) in window(order.len(), at, area.height.into()).enumerate() {
        let y = area.y + i as u16;
        let Some([before, word, after]) = geometry.contexts.get(order[index]) else {
            continue;
        };
        let here = index == at;
        let quiet = if here { theme.word } else { theme.quiet };
        if here {
            put(canvas.buffer, area.x, y, "▸", 1, theme.here);
        }
        let word = truncate(word, (area.width / 3).into());
        let start = area.x + middle.saturating_sub(width(&word) as u16 / 2);
        let room = usize::from(start.saturating_sub(area.x + 3));
        let before = truncate_start(before, room);
        put(
            canvas.buffer,
            start - 1 - width(&before) as u16,
            y,
            &before,
            room,
            quiet,
        );
        let style = if here { theme.here } else { theme.title };
        let used = put(canvas.buffer, start, y, &word, word.len(), style);
        let room = area.right().saturating_sub(start + used + 1).into();
        let after = after.trim_start();
        put(canvas.buffer, start + used + 1, y, after, room, quiet);
    }
}
