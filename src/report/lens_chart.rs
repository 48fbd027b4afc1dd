//! What a lens changes, layer by layer, as an SVG chart: what of the lists stays, and whether words stand
//! out more.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::outside::escape;
use crate::query::sheet::lens_effect_command;
use crate::query::{LensEffect, LensEffectPlan, ModelCard};

use super::ChartError;
use super::chart::{COLOURS, with_description};

/// Pixels of both panels together; below them stands what was measured.
const SIZE: (u32, u32) = (760, HEIGHT + 22);
const HEIGHT: u32 = 560;

/// A line of a panel.
struct EffectLine {
    name: &'static str,
    colour: usize,
    points: Vec<(f64, f64)>,
}

/// The share of the best words that stays, and the kurtosis of the scores without and with the lens.
///
/// # Errors
/// The picture cannot be drawn.
pub fn lens_chart(
    card: &ModelCard,
    plan: &LensEffectPlan,
    effect: &LensEffect,
) -> Result<String, ChartError> {
    let lens = card
        .lens
        .as_ref()
        .map_or_else(String::new, |lens| lens.said());
    let caption = escape::line(&format!("{} · lens {lens}", card.name)).into_owned();
    let mut svg = String::new();
    let drawn = draw(&mut svg, effect, &caption);
    drawn.map_err(|error| ChartError::Drawing(error.to_string()))?;
    let mut command = lens_effect_command(&card.name, plan);
    if let Some(lens) = &card.lens {
        command.option("--lens", &lens.path);
    }
    let shows = format!("what a fitted lens changes in each layer's V lists: {caption}");
    Ok(with_description(&svg, &shows, &command.in_format("svg")) + "\n")
}

fn draw(
    svg: &mut String,
    effect: &LensEffect,
    caption: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let line = |name, colour, of: fn(&crate::query::LayerLensEffect) -> f64| EffectLine {
        name,
        colour,
        points: effect
            .layers
            .iter()
            .map(|l| (l.layer as f64, of(l)))
            .collect(),
    };
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (charts, lower) = root.split_vertically(HEIGHT);
    let quiet = ("sans-serif", 13)
        .into_font()
        .color(&RGBColor(0x50, 0x50, 0x50));
    lower.draw(&Text::new(caption, (14, 2), quiet))?;
    let (upper, below) = charts.split_vertically(HEIGHT / 2);
    let stays = [line("10 best of V that stay, %", 0, |l| 100.0 * l.overlap)];
    panel(&upper, &stays, "stay, %", Some(100.0))?;
    let kurtosis = [
        line("without the lens", 1, |l| l.kurtosis.without),
        line("through the lens", 2, |l| l.kurtosis.with),
    ];
    panel(&below, &kurtosis, "median kurtosis", None)?;
    root.present()?;
    Ok(())
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    lines: &[EffectLine],
    title: &str,
    most: Option<f64>,
) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let highest = points().fold(0.0f64, |most, point| most.max(point.1));
    let last = points().fold(1.0f64, |last, point| last.max(point.0));
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(64)
        .build_cartesian_2d(0.0..last, 0.0..most.unwrap_or(1.15 * highest).max(1e-3))?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(0xe4, 0xe4, 0xe4))
        .axis_style(BLACK)
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 16))
        .x_desc("layer")
        .y_desc(title)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .draw()?;
    for line in lines {
        let colour = COLOURS[line.colour];
        let drawn = LineSeries::new(line.points.clone(), colour.stroke_width(2)).point_size(3);
        let series = chart.draw_series(drawn)?;
        series
            .label(line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(0xb0, 0xb0, 0xb0))
        .label_font(("sans-serif", 14))
        .draw()?;
    Ok(())
}
