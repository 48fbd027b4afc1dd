//! Lines over an axis: runs of finite values, their bands, marks at the points.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{Dots, put};

/// A point of a trace, and its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    /// Not finite where there is no value.
    pub y: f64,
    pub band: Option<[f64; 2]>,
}

/// One line.
pub struct Trace {
    /// By ascending x.
    pub points: Vec<Point>,
    pub style: Style,
    /// Its place among the lines, which settles its marks and dashes.
    pub kind: usize,
}

/// What tells lines apart without colour: a mark at each point, and a piece of the line.
pub const KINDS: [(&str, &str); 3] = [("●", "──"), ("◆", "╌╌"), ("○", "┈┈")];
/// Dots that are drawn and left out, one after the other.
const DASHES: [(usize, usize); 3] = [(1, 0), (4, 3), (1, 3)];
/// Cells that each mark needs; with less room there are none.
const MARK_CELLS: f64 = 2.0;

/// The values of a plot and the cells where they lie.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub area: Rect,
    pub x: [f64; 2],
    pub y: [f64; 2],
}

impl Frame {
    /// The cell of a value.
    pub fn cell(&self, x: f64, y: f64) -> Option<(u16, u16)> {
        let [columns, rows] = [self.area.width, self.area.height].map(usize::from);
        let (x, y) = self.place(x, y, [columns, rows])?;
        Some((self.area.x + x as u16, self.area.y + y as u16))
    }

    /// The column and row of a value on a grid of cells or dots.
    pub fn place(&self, x: f64, y: f64, [columns, rows]: [usize; 2]) -> Option<(usize, usize)> {
        let share = |v: f64, [low, high]: [f64; 2]| (v - low) / (high - low);
        let (x, y) = (share(x, self.x), 1.0 - share(y, self.y));
        let inside = |v: f64| (-1e-9..=1.0 + 1e-9).contains(&v);
        let place = |v: f64, n: usize| (v * n.saturating_sub(1) as f64).round() as usize;
        (inside(x) && inside(y) && columns > 0 && rows > 0)
            .then(|| (place(x, columns), place(y, rows)))
    }
}

/// The runs of points between values that are not finite.
pub fn runs(points: &[Point]) -> impl Iterator<Item = &[Point]> {
    let there = |p: &Point| p.y.is_finite();
    points
        .chunk_by(move |a, b| there(a) == there(b))
        .filter(move |run| there(&run[0]))
}

/// The extent of all finite values and their bands, never empty: a single value has room around
/// it. None without a value.
pub fn extent<'a>(traces: impl IntoIterator<Item = &'a Trace>) -> Option<[f64; 2]> {
    let points = traces.into_iter().flat_map(|trace| &trace.points);
    let all = points.flat_map(|p| [Some(p.y), p.band.map(|b| b[0]), p.band.map(|b| b[1])]);
    let all = all.flatten().filter(|v| v.is_finite());
    let ends = all.fold(None, |ends: Option<[f64; 2]>, v| {
        let [low, high] = ends.unwrap_or([v, v]);
        Some([low.min(v), high.max(v)])
    });
    ends.map(|[low, high]| match high - low {
        0.0 => [
            low - low.abs().max(0.1) / 10.0,
            high + high.abs().max(0.1) / 10.0,
        ],
        room => [low - room / 20.0, high + room / 20.0],
    })
}

/// Draws the bands, then the lines, then the marks: what is drawn later hides what is below.
pub fn plot(buffer: &mut Buffer, frame: Frame, traces: &[Trace]) {
    for trace in traces {
        band(buffer, frame, trace);
    }
    for trace in traces {
        line(buffer, frame, trace);
    }
    for trace in traces {
        let cells = f64::from(frame.area.width) / trace.points.len().max(1) as f64;
        let mark = KINDS[trace.kind % KINDS.len()].0;
        for point in trace.points.iter().filter(|_| cells >= MARK_CELLS) {
            if let Some((x, y)) = frame.cell(point.x, point.y).filter(|_| point.y.is_finite()) {
                put(buffer, x, y, mark, 1, trace.style);
            }
        }
    }
}

/// The value at `x`, between the points of a run.
fn between(run: &[Point], x: f64, value: impl Fn(&Point) -> Option<f64>) -> Option<f64> {
    let next = run.iter().position(|p| p.x >= x)?;
    let (a, b) = (&run[next.saturating_sub(1)], &run[next]);
    let share = if b.x > a.x {
        (x - a.x) / (b.x - a.x)
    } else {
        0.0
    };
    (x >= a.x).then_some(())?;
    Some(value(a)? + share * (value(b)? - value(a)?))
}

/// For each column of dots, the x of its middle.
fn columns(frame: Frame, count: usize) -> impl Iterator<Item = (usize, f64)> {
    let [low, high] = frame.x;
    let step = (high - low) / count.saturating_sub(1).max(1) as f64;
    (0..count).map(move |column| (column, low + step * column as f64))
}

fn band(buffer: &mut Buffer, frame: Frame, trace: &Trace) {
    let mut dots = Dots::new(frame.area);
    let [width, height] = dots.size();
    let clamped = |y: f64| y.clamp(frame.y[0], frame.y[1]);
    for run in runs(&trace.points) {
        // Every second dot of every second column: a band, not a line.
        for (column, x) in columns(frame, width).filter(|(column, _)| column % 2 == 0) {
            let low = between(run, x, |p| p.band.map(|b| b[0]));
            let high = between(run, x, |p| p.band.map(|b| b[1]));
            let Some((low, high)) = low.zip(high) else {
                continue;
            };
            let top = frame.place(x, clamped(high), [width, height]);
            let bottom = frame.place(x, clamped(low), [width, height]);
            if let Some(((_, top), (_, bottom))) = top.zip(bottom) {
                let shift = column / 2 % 2;
                (top..=bottom)
                    .filter(|y| y % 2 == shift)
                    .for_each(|y| dots.set(column, y));
            }
        }
    }
    dots.draw(buffer, trace.style.add_modifier(Modifier::DIM));
}

fn line(buffer: &mut Buffer, frame: Frame, trace: &Trace) {
    let mut dots = Dots::new(frame.area);
    let size = dots.size();
    let (drawn, left_out) = DASHES[trace.kind % DASHES.len()];
    for run in runs(&trace.points) {
        let mut before: Option<usize> = None;
        for (column, x) in columns(frame, size[0]) {
            let y = between(run, x, |p| Some(p.y));
            let Some((_, y)) = y.and_then(|y| frame.place(x, y, size)) else {
                before = None;
                continue;
            };
            // A steep piece goes through all the rows from the column before.
            let from = before.map_or(y, |b| {
                if b < y {
                    b + 1
                } else {
                    b.saturating_sub(1).max(y)
                }
            });
            before = Some(y);
            if column % (drawn + left_out) < drawn {
                (from.min(y)..=from.max(y)).for_each(|y| dots.set(column, y));
            }
        }
        if let [only] = run
            && let Some((x, y)) = frame.place(only.x, only.y, size)
        {
            dots.set(x, y);
        }
    }
    dots.draw(buffer, trace.style);
}

#[cfg(test)]
mod tests;
