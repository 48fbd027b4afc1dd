//! The evidence of a model's neurons, layer by layer, as an SVG chart.

use plotters::prelude::*;

use crate::outside::escape;
use crate::query::{EvidenceAnswer, EvidenceQuery, Listed, ModelCard, NeuronEvidence};

use super::ChartError;
use super::chart::{COLOURS, marker, with_description};

/// Pixels, as of other charts; below the chart stands what was measured.
const SIZE: (u32, u32) = (760, HEIGHT + 22);
const HEIGHT: u32 = 460;

/// A line of the chart.
struct Series {
    name: &'static str,
    colour: usize,
    /// Of what holds of all positions: thin.
    base: bool,
    points: Vec<(f64, f64)>,
}

/// Mean precision of K and agreement of V by layer, with their bases, in percent.
///
/// # Errors
/// The picture cannot be drawn.
pub fn evidence_chart(
    card: &ModelCard,
    query: &EvidenceQuery,
    answer: &EvidenceAnswer,
) -> Result<String, ChartError> {
    let series = |name, colour, base, of: fn(&NeuronEvidence) -> Option<f64>| Series {
        name,
        colour,
        base,
        points: (0..)
            .zip(&answer.layers)
            .filter_map(|(at, layer)| Some((f64::from(at), 100.0 * layer.mean(of)?)))
            .collect(),
    };
    let all = [
        series("precision of K at 10", 0, false, |n| Some(n.precision)),
        series("all positions", 0, true, |n| Some(n.precision_base)),
        series("agreement of V at 10", 1, false, |n| n.agreement),
        series("all positions", 1, true, |n| n.agreement_base),
    ];
    let all = all.into_iter().filter(|series| !series.points.is_empty());
    let all: Vec<Series> = all.collect();
    let caption = format!("{} · {}", card.name, query.described());
    let caption = escape::line(&caption).into_owned();
    let mut svg = String::new();
    let drawn = draw(&mut svg, &all, &caption, answer.layers.len());
    drawn.map_err(|e| ChartError::Drawing(e.to_string()))?;
    let command = query.command(&card.name, false).in_format("svg");
    let shows = format!("precision of K and agreement of V by layer: {caption}");
    Ok(with_description(&svg, &shows, &command) + "\n")
}

fn draw(
    svg: &mut String,
    all: &[Series],
    caption: &str,
    layers: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (upper, lower) = root.split_vertically(HEIGHT);
    let quiet = ("sans-serif", 13)
        .into_font()
        .color(&RGBColor(0x50, 0x50, 0x50));
    lower.draw(&Text::new(caption, (14, 2), quiet))?;
    let points = all.iter().flat_map(|series| &series.points);
    let most = points.fold(0.0f64, |most, point| most.max(point.1));
    let mut chart = ChartBuilder::on(&upper)
        .margin(14)
        .x_label_area_size(48)
        .y_label_area_size(70)
        .build_cartesian_2d(
            0.0..layers.saturating_sub(1).max(1) as f64,
            0.0..(1.15 * most).max(1e-3),
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(0xe4, 0xe4, 0xe4))
        .axis_style(BLACK)
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 17))
        .x_desc("layer")
        .y_desc("mean over the layer's neurons, %")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .draw()?;
    for series in all {
        let colour = COLOURS[series.colour];
        let width = if series.base { 1 } else { 2 };
        let mark = if series.base { 2 } else { 0 };
        let line = LineSeries::new(series.points.clone(), colour.stroke_width(width));
        let line = chart.draw_series(line)?;
        line.label(series.name).legend(move |(x, y)| {
            let bar = PathElement::new([(0, 0), (22, 0)], colour.stroke_width(width));
            EmptyElement::at((x, y)) + bar + marker(mark, (11, 0), colour)
        });
        let marks = series.points.iter();
        chart.draw_series(marks.map(|&point| marker(mark, point, colour)))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(0xb0, 0xb0, 0xb0))
        .label_font(("sans-serif", 16))
        .draw()?;
    root.present()?;
    Ok(())
}
