//! One measure of several models as an SVG chart, fit for a paper.

use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;
use thiserror::Error;

use crate::geometry::Curve;
use crate::outside::escape;
use crate::query::GeometryQuery;

use crate::query::sheet::{Depth, GeometryChart, ModelGeometry, described, geometry_command};
use crate::sheet::VERSION;

/// Pixels; half of an A4 page's text width at twice the size.
const SIZE: (u32, u32) = (760, HEIGHT + 22);
/// Of the chart alone; below it stands what was measured.
const HEIGHT: u32 = 460;

/// Colours that most kinds of colour blindness tell apart (Okabe & Ito).
pub(super) const COLOURS: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0xe6, 0x9f, 0x00),
];

/// Why there is no chart.
#[derive(Debug, Error)]
pub enum ChartError {
    #[error("no chart: {0}")]
    Nothing(String),
    #[error(
        "no chart on a logarithmic scale: expected values above 0, got {0:.4}; leave out --log"
    )]
    NotPositive(f64),
    #[error("the chart could not be drawn: {0}")]
    Drawing(String),
}

/// A model's line: its points, and the band of its intervals where it has them.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
    band: Vec<(f64, [f64; 2])>,
}

/// The chart of some models' answers to one query, an SVG document. What was measured and how stands
/// below it, and with the command in its description.
///
/// # Errors
/// No model with a value of this measure; values that a logarithmic scale cannot show.
pub fn chart(
    models: &[ModelGeometry<'_>],
    query: &GeometryQuery,
    chart: &GeometryChart,
) -> Result<String, ChartError> {
    let lines: Vec<Line> = models
        .iter()
        .filter_map(|of| {
            let curve = of.answer.curve(chart.measure)?;
            Some(line(&escape::line(&of.card.name), curve, chart))
        })
        .filter(|line| !line.points.is_empty())
        .collect();
    if lines.is_empty() {
        let curves = models
            .iter()
            .filter_map(|of| of.answer.curve(chart.measure));
        let why = curves.filter_map(|c| c.missing.clone()).next();
        let title = chart.measure.title();
        return Err(ChartError::Nothing(match why {
            Some(why) => format!("{title}: {why}"),
            None if chart.measure.of_token() => format!("{title} is of a token; give --token"),
            None => format!("{title} has no corrected form; leave out --corrected"),
        }));
    }
    let depth = match chart.depth {
        Depth::Relative => 1.0,
        Depth::State => lines
            .iter()
            .flat_map(|l| &l.points)
            .fold(1.0, |m, p| p.0.max(m)),
    };
    let [low, high] = extent(&lines);
    let caption = escape::line(&described(query)).into_owned();
    let names: Vec<&str> = models.iter().map(|of| &*of.card.name).collect();
    let command = geometry_command(&names, query, chart).in_format("svg");
    let mut svg = String::new();
    let drawn = if chart.log {
        if low <= 0.0 {
            return Err(ChartError::NotPositive(low));
        }
        draw(
            &mut svg,
            &lines,
            (chart, &caption),
            depth,
            (low / 1.1..high * 1.1).log_scale(),
        )
    } else {
        let room = 0.05 * (high - low).max(0.02);
        draw(
            &mut svg,
            &lines,
            (chart, &caption),
            depth,
            low - room..high + room,
        )
    };
    drawn.map_err(|e| ChartError::Drawing(e.to_string()))?;
    let title = format!("{}: {caption}", chart.measure.title());
    Ok(with_description(&svg, &title, &command) + "\n")
}

/// The document with a description: what it shows, the version of the program, and the command that
/// draws it again, if there is one.
pub(super) fn with_description(svg: &str, shows: &str, command: &str) -> String {
    let text = format!("{shows} · lexiscope {VERSION}\n{command}");
    let escaped = escape::lines(text.trim_end())
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    // The first child of the root, as the standard asks.
    match svg.split_once('>') {
        Some((root, rest)) => format!("{root}>\n<desc>{escaped}</desc>{rest}"),
        None => svg.to_owned(),
    }
}

fn line(name: &str, curve: &Curve, chart: &GeometryChart) -> Line {
    let values = match chart.corrected {
        true => &curve.corrected,
        false => &curve.raw,
    };
    let last = values.len().saturating_sub(1).max(1) as f64;
    let at = |state: usize| match chart.depth {
        Depth::Relative => state as f64 / last,
        Depth::State => state as f64,
    };
    let there = || {
        let states = values.iter().enumerate();
        states.filter_map(|(state, e)| e.map(|e| (at(state), e)))
    };
    Line {
        name: name.to_owned(),
        points: there().map(|(x, e)| (x, e.value)).collect(),
        band: there()
            .filter_map(|(x, e)| Some((x, e.interval?)))
            .collect(),
    }
}

/// The lowest and the highest value, bands included.
fn extent(lines: &[Line]) -> [f64; 2] {
    let points = lines.iter().flat_map(|l| l.points.iter().map(|p| p.1));
    let bands = lines.iter().flat_map(|l| l.band.iter().flat_map(|b| b.1));
    let all = points.chain(bands);
    all.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], y| {
        [low.min(y), high.max(y)]
    })
}

fn draw<Y>(
    svg: &mut String,
    lines: &[Line],
    (of, caption): (&GeometryChart, &str),
    depth: f64,
    values: Y,
) -> Result<(), Box<dyn std::error::Error>>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (upper, lower) = root.split_vertically(HEIGHT);
    let quiet = ("sans-serif", 13)
        .into_font()
        .color(&RGBColor(0x50, 0x50, 0x50));
    lower.draw(&Text::new(caption, (14, 2), quiet))?;
    let mut chart = ChartBuilder::on(&upper)
        .margin(14)
        .x_label_area_size(48)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..depth, values)?;
    let relation = if of.corrected { ", corrected" } else { "" };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(0xe4, 0xe4, 0xe4))
        .axis_style(BLACK)
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 17))
        .x_desc(match of.depth {
            Depth::Relative => "relative depth",
            Depth::State => "state",
        })
        .y_desc(format!("{}{relation}", of.measure.title()))
        .x_label_formatter(&|x| match of.depth {
            Depth::Relative => format!("{x:.1}"),
            Depth::State => format!("{x:.0}"),
        })
        .draw()?;
    for (at, line) in lines.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let above = line.band.iter().map(|&(x, [_, high])| (x, high));
        let below = line.band.iter().rev().map(|&(x, [low, _])| (x, low));
        let around: Vec<(f64, f64)> = above.chain(below).collect();
        chart.draw_series([Polygon::new(around, colour.mix(0.15).filled())])?;
        chart
            .draw_series(LineSeries::new(line.points.clone(), colour.stroke_width(2)))?
            .label(&line.name)
            .legend(move |(x, y)| {
                let bar = PathElement::new([(0, 0), (22, 0)], colour.stroke_width(2));
                EmptyElement::at((x, y)) + bar + marker(at, (11, 0), colour)
            });
        let markers = line.points.iter().map(|&point| marker(at, point, colour));
        chart.draw_series(markers)?;
    }
    chart
        .configure_series_labels()
        .position(emptiest_corner(lines, depth, of.log))
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(0xb0, 0xb0, 0xb0))
        .label_font(("sans-serif", 16))
        .draw()?;
    root.present()?;
    Ok(())
}

/// Where the legend hides the fewest points.
fn emptiest_corner(lines: &[Line], depth: f64, log: bool) -> SeriesLabelPosition {
    use SeriesLabelPosition::{LowerLeft, LowerRight, UpperLeft, UpperRight};
    let scaled = |y: f64| if log { y.ln() } else { y };
    let [low, high] = extent(lines).map(scaled);
    let points = || lines.iter().flat_map(|l| &l.points);
    let within = |right: bool, upper: bool| {
        let inside = |&&(x, y): &&(f64, f64)| {
            (x / depth > 0.6) == right && ((scaled(y) - low) / (high - low) > 0.6) == upper
        };
        points().filter(inside).count()
    };
    let corners = [
        (within(true, true), UpperRight),
        (within(true, false), LowerRight),
        (within(false, true), UpperLeft),
        (within(false, false), LowerLeft),
    ];
    let fewest = corners.into_iter().min_by_key(|(points, _)| *points);
    fewest.map_or(UpperRight, |(_, corner)| corner)
}

/// A mark of its own for each line, for print without colour: full, hollow, small.
pub(super) fn marker<C>(line: usize, at: C, colour: RGBColor) -> Circle<C, i32> {
    match line % 3 {
        0 => Circle::new(at, 4, colour.filled()),
        1 => Circle::new(at, 4, colour.stroke_width(2)),
        _ => Circle::new(at, 2, colour.filled()),
    }
}
