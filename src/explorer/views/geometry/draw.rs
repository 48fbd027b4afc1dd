//! The Geometry pane: a measure over the states of one to three models, or the map of a token.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::Compared;
use super::status_line::{footer, no_number};
use crate::explorer::number::score;
use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::message;
use crate::explorer::state::{State, Target};
use crate::explorer::views::points;
use crate::explorer::widget::plot::{Frame, KINDS, Point, Trace, extent, plot};
use crate::explorer::widget::{Line, Ticks, log_ticks, put, ticks, width};
use crate::geometry::Estimate;
use crate::query::Address;
use crate::query::sheet::Depth;
use crate::sheet::grouped;

/// Cells of the numbers at the left.
const LABEL_CELLS: u16 = 7;
/// A logarithmic scale shows no value below this.
const LOG_MIN: f64 = 1e-6;

/// Draws the pane.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    canvas.regions.selector_rows = 4;
    if canvas.state.views.geometry.points {
        points::of_token(canvas, body);
    } else {
        chart(canvas, body);
    }
}

/// The measure, in the form that is shown.
fn title(state: &State) -> String {
    let settings = &state.views.geometry.settings;
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
    let settings = &state.views.geometry.settings;
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
    let settings = &state.views.geometry.settings;
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
    let settings = &state.views.geometry.settings;
    let mut line = Line::new(canvas.buffer, inside.x + 1, inside.y, inside.right() - 1);
    let here = match settings.depth {
        Depth::State => format!("▸ {}", state_name(state.views.geometry.state)),
        Depth::Relative => {
            let layers = state.card().map_or(1, |card| card.spec.passes.len().max(1));
            format!(
                "▸ depth {:.2}",
                state.views.geometry.state as f64 / layers as f64
            )
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

/// The scale of values at the left, in even steps.
fn values(canvas: &mut Canvas, frame: Frame) {
    let (log, quiet) = (canvas.state.views.geometry.settings.log, canvas.theme.quiet);
    let [low, high] = frame.y;
    let most = usize::from(frame.area.height / 3).max(2);
    let marks: Vec<(f64, String)> = match log {
        true => log_ticks(low, high, most)
            .into_iter()
            .map(|value| {
                let digits = (-value.log10().floor()).max(0.0) as usize;
                (value.log10(), score(value as f32, digits))
            })
            .collect(),
        false => {
            let Ticks { values, decimals } = ticks(low, high, most);
            let mark = |value: f64| (value, score(value as f32, decimals));
            values.into_iter().map(mark).collect()
        }
    };
    for (value, text) in marks {
        let Some((_, y)) = frame.cell(frame.x[0], value) else {
            continue;
        };
        let x = frame.area.x.saturating_sub(width(&text) as u16 + 1);
        put(canvas.buffer, x, y, &text, LABEL_CELLS.into(), quiet);
    }
}

/// The line of the cursor, under everything else; returns its column.
fn cursor(canvas: &mut Canvas, frame: Frame) -> Option<u16> {
    let state = canvas.state;
    let layers = state.card().map_or(1, |card| card.spec.passes.len().max(1));
    let at = match state.views.geometry.settings.depth {
        Depth::State => state.views.geometry.state as f64,
        Depth::Relative => state.views.geometry.state as f64 / layers as f64,
    };
    let (x, _) = frame.cell(at, frame.y[0])?;
    for y in frame.area.top()..frame.area.bottom() {
        put(canvas.buffer, x, y, "┊", 1, canvas.theme.quiet);
    }
    Some(x)
}

/// The states below in even steps, as many as have room; a click goes to one.
fn states(canvas: &mut Canvas, frame: Frame, at: Option<u16>) {
    let (state, theme) = (canvas.state, canvas.theme);
    let layers = state.card().map_or(1, |card| card.spec.passes.len().max(1));
    let y = frame.area.bottom();
    if let Some(x) = at {
        put(canvas.buffer, x, y, "▲", 1, theme.here);
    }
    let depth = state.views.geometry.settings.depth;
    let last = match depth {
        Depth::Relative => 1.0,
        Depth::State => frame.x[1].max(0.0),
    };
    // A label and a space each.
    let cells = match depth {
        Depth::Relative => 5,
        Depth::State => (last as usize).to_string().len() + 1,
    };
    let most = (usize::from(frame.area.width) / cells).max(2);
    // Of states only whole numbers are any.
    let most = match depth {
        Depth::Relative => most,
        Depth::State => most.min(last as usize + 1),
    };
    let Ticks {
        mut values,
        decimals,
    } = ticks(0.0, last, most);
    if values.is_empty() {
        values.push(0.0);
    }
    for value in values {
        let Some((x, _)) = frame.cell(value, frame.y[0]) else {
            continue;
        };
        let label = format!("{value:.decimals$}");
        let style = match Some(x) == at {
            true => theme.here,
            false => theme.quiet,
        };
        let from = x.saturating_sub(width(&label) as u16 / 2);
        put(canvas.buffer, from, y + 1, &label, width(&label), style);
    }
    let each = f64::from(frame.area.width) / (layers + 1) as f64;
    for number in 0..=layers {
        let value = match depth {
            Depth::State => number as f64,
            Depth::Relative => number as f64 / layers as f64,
        };
        let Some((x, _)) = frame.cell(value, frame.y[0]) else {
            continue;
        };
        let cells = (each as u16).max(1);
        let from = x.saturating_sub(cells / 2);
        let area = Rect::new(from, frame.area.y, cells, frame.area.height + 2);
        canvas.note(area, Target::Place(Address::State { state: number }));
    }
}
