//! A map of points as an SVG picture.

use plotters::prelude::*;

use crate::outside::escape;
use crate::query::Pointed;
use crate::query::sheet::MapOf;

use super::ChartError;
use super::chart::with_description;

/// Pixels, as of a chart.
const SIZE: (u32, u32) = (760, 560);

/// The points as an SVG document: each with its token, or with the number of its text.
///
/// # Errors
/// The picture cannot be drawn.
pub fn map_chart(of: &MapOf<'_>) -> Result<String, ChartError> {
    let mut svg = String::new();
    draw(&mut svg, of).map_err(|e| ChartError::Drawing(e.to_string()))?;
    let title = format!("{}: {}, {}", of.card.name, of.title, of.settings);
    Ok(with_description(&svg, &title, "") + "\n")
}

fn draw(svg: &mut String, of: &MapOf<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let points = &of.answer.points;
    let ends = |axis: usize| {
        let values = points.iter().map(|p| p.at[axis]).filter(|x| x.is_finite());
        let [low, high] = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| {
            [low.min(x), high.max(x)]
        });
        let room = ((high - low) / 12.0).max(1e-6);
        low - room..high + room
    };
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .margin(14)
        .caption(
            escape::line(&format!("{}: {}", of.card.name, of.title)),
            ("sans-serif", 18),
        )
        .x_label_area_size(48)
        .y_label_area_size(70)
        .build_cartesian_2d(ends(0), ends(1))?;
    let [first, second] = of.answer.explained.map(|share| 100.0 * share);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(0xe4, 0xe4, 0xe4))
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 17))
        .x_desc(format!("first component ({first:.0} % of the variance)"))
        .y_desc(format!("second component ({second:.0} %)"))
        .draw()?;
    let colour = RGBColor(0x00, 0x72, 0xb2);
    chart.draw_series(points.iter().enumerate().map(|(at, point)| {
        let name = match &point.what {
            Pointed::Row { .. } => of.words(at)[1].clone(),
            Pointed::Occurrence { text, .. } => text.to_string(),
        };
        EmptyElement::at((point.at[0], point.at[1]))
            + Circle::new((0, 0), 3, colour.filled())
            + Text::new(name, (6, -6), ("sans-serif", 13))
    }))?;
    root.present()?;
    Ok(())
}
