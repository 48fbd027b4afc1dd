//! Heads' scores for relations as an SVG picture: a map of heads, layer × head, for each relation.

use plotters::prelude::*;

use crate::outside::escape;
use crate::query::{Listed, ModelCard, RelationsAnswer, RelationsQuery};

use super::ChartError;
use super::chart::with_description;

/// Maps side by side.
const ACROSS: usize = 4;
/// Pixels of a map with its title and its numbers.
const MAP: (u32, u32) = (240, 240);
/// Pixels below the maps, for what was measured.
const FOOT: u32 = 24;
/// The colour of the highest score of all.
const FULL: RGBColor = RGBColor(0x00, 0x4c, 0x8c);

/// The scores, an SVG document: white is 0, and the darkest shade the highest of all maps.
///
/// # Errors
/// The picture cannot be drawn.
pub fn relations_chart(
    card: &ModelCard,
    query: &RelationsQuery,
    answer: &RelationsAnswer,
) -> Result<String, ChartError> {
    let mut svg = String::new();
    let settings = format!(
        "{} · MAPS, {} best of VO · {}",
        card.name, query.k, query.convention
    );
    let settings = escape::line(&settings).into_owned();
    let drawn = draw(&mut svg, card, answer, &settings);
    drawn.map_err(|error| ChartError::Drawing(error.to_string()))?;
    let command = query.command(&card.name, false);
    let command = command.in_format("svg");
    let shows = format!("share of a relation's pairs that a head maps: {settings}");
    Ok(with_description(&svg, &shows, &command) + "\n")
}

fn draw(
    svg: &mut String,
    card: &ModelCard,
    answer: &RelationsAnswer,
    settings: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let maps = answer.relations.len();
    let across = maps.clamp(1, ACROSS);
    let down = maps.div_ceil(across).max(1);
    let size = (MAP.0 * across as u32, MAP.1 * down as u32 + FOOT);
    let root = SVGBackend::with_string(svg, size).into_drawing_area();
    root.fill(&WHITE)?;
    let (upper, lower) = root.split_vertically(MAP.1 * down as u32);
    let most = answer
        .heads
        .iter()
        .flat_map(|head| &head.scores)
        .filter_map(|score| score.promotes.score)
        .fold(0.0, f32::max);
    let quiet = ("sans-serif", 13)
        .into_font()
        .color(&RGBColor(0x50, 0x50, 0x50));
    let foot = format!("{settings} · darkest: {most:.2}");
    lower.draw(&Text::new(foot, (14, 4), quiet))?;
    let areas = upper.split_evenly((down, across));
    for ((at, relation), area) in answer.relations.iter().enumerate().zip(&areas) {
        let title = format!("{} ({})", relation.name, relation.pairs.len());
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .caption(escape::line(&title), ("sans-serif", 15))
            .x_label_area_size(18)
            .y_label_area_size(24)
            .build_cartesian_2d(0..card.spec.heads, card.spec.layers..0)?;
        chart
            .configure_mesh()
            .disable_mesh()
            .axis_style(RGBColor(0xb0, 0xb0, 0xb0))
            .label_style(("sans-serif", 11))
            .x_labels(5)
            .y_labels(8)
            .draw()?;
        let cells = answer.heads.iter().filter_map(|head| {
            let score = head.scores.get(at)?.promotes.score?;
            let shade = f64::from(score / most.max(f32::MIN_POSITIVE));
            let (x, y) = (head.head, head.layer);
            Some(Rectangle::new(
                [(x, y), (x + 1, y + 1)],
                FULL.mix(shade).filled(),
            ))
        });
        chart.draw_series(cells)?;
    }
    root.present()?;
    Ok(())
}
