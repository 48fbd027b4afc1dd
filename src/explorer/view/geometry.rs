//! The Geometry pane: a measure over the states of one to three models, or the map of a token.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::said::{footer, no_number};
use super::words::message;
use super::{Canvas, map};
use crate::explorer::number::{decimals, score};
use crate::explorer::state::{Compared, State, Target};
use crate::explorer::widget::plot::{Frame, KINDS, Point, Trace, extent, plot};
use crate::explorer::widget::{Line, put, width};
use crate::geometry::Estimate;
use crate::report::{Depth, grouped};

/// Cells of the numbers at the left.
const LABEL_CELLS: u16 = 7;
/// A logarithmic scale shows no value below this.
const LOG_MIN: f64 = 1e-6;

/// Draws the pane.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    canvas.regions.selector_rows = 4;
    if canvas.state.geometry.points {
        map::of_token(canvas, body);
    } else {
        chart(canvas, body);
    }
}

/// The measure, in the form that is shown.
fn title(state: &State) -> String {
    let settings = &state.geometry.settings;
    let token = settings
        .token
        .as_deref()
        .filter(|_| settings.measure.of_token());
    let token = token.map_or_else(String::new, |token| format!(" of “{token}”"));
    let form = if settings.is_corrected() {
        ", corrected"
    } else {
        ""
    };
    format!("{}{token}{form}", settings.measure.title())
}

fn chart(canvas: &mut Canvas, body: Rect) {
    let (state, theme) = (canvas.state, canvas.theme);
    let settings = &state.geometry.settings;
    let compared = state.compared();
    let title = title(state);
    let texts = settings.texts.texts.len();
    let note = format!(
        "{} text{}",
        grouped(texts),
        if texts == 1 { "" } else { "s" }
    );
    let mut panel = canvas.panel(&title, &note, true);
    let footer = footer(state, &compared);
    panel.footer = &footer;
    let inside = panel.draw(body, canvas.buffer);
    let traces: Vec<Trace> = compared
        .iter()
        .enumerate()
        .map(|(kind, model)| {
            let style = theme.lines[kind % theme.lines.len()];
            let style = if model.fresh { style } else { theme.stale };
            trace(state, model, kind, style)
        })
        .collect();
    legend(canvas, inside, &compared);
    let plot_area = Rect::new(
        inside.x + LABEL_CELLS,
        inside.y + 2,
        inside.width.saturating_sub(LABEL_CELLS + 2),
        inside.height.saturating_sub(4),
    );
    let Some(y) = extent(&traces) else {
        let inside = Rect {
            y: inside.y + 2,
            height: inside.height.saturating_sub(2),
            ..inside
        };
        return message(canvas, inside, &no_number(state, &compared));
    };
    let last = match settings.depth {
        Depth::Relative => 1.0,
        Depth::State => {
            let ends = traces.iter().filter_map(|t| t.points.last());
            ends.map(|p| p.x).fold(0.0, f64::max)
        }
    };
    let x = if last > 0.0 { [0.0, last] } else { [-0.5, 0.5] };
    let frame = Frame {
        area: plot_area,
        x,
        y,
    };
    values(canvas, frame);
    let at = cursor(canvas, frame);
    plot(canvas.buffer, frame, &traces);
    states(canvas, frame, at);
}

/// A model's line; on a logarithmic scale of the logarithms.
fn trace(state: &State, model: &Compared, kind: usize, style: Style) -> Trace {
    let settings = &state.geometry.settings;
    let values = model
        .part
        .answer()
        .and_then(|answer| settings.values(answer));
    let values = values.map_or(&[][..], |(_, values)| values);
    let last = values.len().saturating_sub(1).max(1) as f64;
    let scaled = |value: f64| match settings.log {
        true if value < LOG_MIN => f64::NAN,
        true => value.log10(),
        false => value,
    };
    let point = |(at, estimate): (usize, &Option<Estimate>)| Point {
        x: match settings.depth {
            Depth::State => at as f64,
            Depth::Relative => at as f64 / last,
        },
        y: estimate.map_or(f64::NAN, |e| scaled(e.value)),
        band: estimate
            .and_then(|e| e.interval)
            .map(|ends| ends.map(scaled))
            .filter(|ends| ends.iter().all(|end| end.is_finite())),
    };
    Trace {
        points: values.iter().enumerate().map(point).collect(),
        style,
        kind,
    }
}

/// Each model's mark, name and value at the cursor.
fn legend(canvas: &mut Canvas, inside: Rect, compared: &[Compared]) {
    let (state, theme) = (canvas.state, canvas.theme);
    let settings = &state.geometry.settings;
    let mut line = Line::new(canvas.buffer, inside.x + 1, inside.y, inside.right() - 1);
    let here = match settings.depth {
        Depth::State => format!("▸ {}", state_name(state.geometry.state)),
        Depth::Relative => {
            let layers = state.card().map_or(1, |card| card.spec.layers.max(1));
            format!("▸ depth {:.2}", state.geometry.state as f64 / layers as f64)
        }
    };
    line.text(&here, theme.here);
    for (kind, model) in compared.iter().enumerate() {
        let style = theme.lines[kind % theme.lines.len()];
        let (mark, piece) = KINDS[kind % KINDS.len()];
        line.skip(3);
        line.text(&format!("{mark}{piece} "), style);
        let name = model.name.rsplit('/').next().unwrap_or(model.name);
        line.text(name, theme.word);
        let values = model
            .part
            .answer()
            .and_then(|answer| settings.values(answer));
        let values = values.map_or(&[][..], |(_, values)| values);
        let estimate = state
            .state_of(values.len())
            .and_then(|at| values.get(at).copied());
        let Some(estimate) = estimate.flatten() else {
            line.text(" –", theme.quiet);
            continue;
        };
        let style = if model.fresh {
            theme.title
        } else {
            theme.stale
        };
        line.text(&format!(" {}", number(estimate.value)), style);
        if let Some([low, high]) = estimate.interval {
            line.whole(
                &format!(" [{}, {}]", number(low), number(high)),
                theme.quiet,
            );
        }
    }
}

fn state_name(state: usize) -> String {
    match state {
        0 => "embeddings".to_owned(),
        _ => format!("state {state}"),
    }
}

fn number(value: f64) -> String {
    score(value as f32, 3)
}

/// The scale of values at the left.
fn values(canvas: &mut Canvas, frame: Frame) {
    let (log, quiet) = (canvas.state.geometry.settings.log, canvas.theme.quiet);
    let [low, high] = frame.y;
    let rows = frame.area.height.saturating_sub(1);
    let parts = if rows >= 8 { 4 } else { 2 };
    let shown = |value: f64| if log { 10f64.powf(value) } else { value };
    let digits = decimals((shown(high) - shown(low)) as f32).max(2);
    for part in 0..=parts {
        let row = (u32::from(rows) * part / parts) as u16;
        let value = high - (high - low) * f64::from(row) / f64::from(rows.max(1));
        let text = score(shown(value) as f32, digits);
        let x = frame.area.x.saturating_sub(width(&text) as u16 + 1);
        put(
            canvas.buffer,
            x,
            frame.area.y + row,
            &text,
            LABEL_CELLS.into(),
            quiet,
        );
    }
}

/// The line of the cursor, under everything else; returns its column.
fn cursor(canvas: &mut Canvas, frame: Frame) -> Option<u16> {
    let state = canvas.state;
    let layers = state.card().map_or(1, |card| card.spec.layers.max(1));
    let at = match state.geometry.settings.depth {
        Depth::State => state.geometry.state as f64,
        Depth::Relative => state.geometry.state as f64 / layers as f64,
    };
    let (x, _) = frame.cell(at, frame.y[0])?;
    for y in frame.area.top()..frame.area.bottom() {
        put(canvas.buffer, x, y, "┊", 1, canvas.theme.quiet);
    }
    Some(x)
}

/// The states below, as many as have room; a click goes to one.
fn states(canvas: &mut Canvas, frame: Frame, at: Option<u16>) {
    let (state, theme) = (canvas.state, canvas.theme);
    let layers = state.card().map_or(1, |card| card.spec.layers.max(1));
    let y = frame.area.bottom();
    if let Some(x) = at {
        put(canvas.buffer, x, y, "▲", 1, theme.here);
    }
    let last = match state.geometry.settings.depth {
        Depth::State => frame.x[1].max(0.0) as usize,
        Depth::Relative => layers,
    };
    let each = f64::from(frame.area.width) / (last + 1) as f64;
    let mut end = 0;
    for number in 0..=last {
        let (value, label) = match state.geometry.settings.depth {
            Depth::State => (number as f64, number.to_string()),
            Depth::Relative => {
                let depth = number as f64 / last as f64;
                (depth, format!("{depth:.2}"))
            }
        };
        let Some((x, _)) = frame.cell(value, frame.y[0]) else {
            continue;
        };
        let here = Some(x) == at;
        let from = x.saturating_sub(width(&label) as u16 / 2);
        if from >= end || number == 0 {
            let style = if here { theme.here } else { theme.quiet };
            let used = put(canvas.buffer, from, y + 1, &label, 5, style);
            end = from + used + 1;
        }
        if number <= layers {
            let cells = (each as u16).max(1);
            let from = x.saturating_sub(cells / 2);
            let area = Rect::new(from, frame.area.y, cells, frame.area.height + 2);
            canvas.note(area, Target::State(number));
        }
    }
}
