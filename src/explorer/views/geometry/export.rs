//! The chart and the map as text: to be copied, and written to files.

use crate::explorer::state::State;
use crate::explorer::views::points;
use crate::geometry::Estimate;
use crate::query::sheet::{MapOf, ModelGeometry, geometry_sheet};
use crate::report;

/// The values of the measure: one line per state, one column per model.
pub fn table(state: &State) -> Vec<String> {
    let settings = &state.views.geometry.settings;
    let compared = state.compared();
    let columns: Vec<(&str, Vec<String>)> = compared
        .iter()
        .filter(|model| model.fresh)
        .filter_map(|model| {
            let (_, values) = settings.values(model.part.answer()?)?;
            let number = |e: &Option<Estimate>| e.map_or_else(String::new, |e| e.value.to_string());
            Some((model.name, values.iter().map(number).collect()))
        })
        .collect();
    let states = columns.iter().map(|(_, values)| values.len()).max();
    let Some(states) = states else {
        return Vec::new();
    };
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let head = format!("state\t{}", names.join("\t"));
    let row = |at: usize| {
        let cells = columns.iter();
        let cells = cells.map(|(_, values)| values.get(at).map_or("", String::as_str));
        format!("{at}\t{}", cells.collect::<Vec<_>>().join("\t"))
    };
    std::iter::once(head).chain((0..states).map(row)).collect()
}

/// What the map shows, or what was measured of the models of the chart, as a file of that name
/// holds it.
pub fn text(state: &State, path: &str) -> Result<String, String> {
    if state.views.geometry.points {
        return map_text(state, path);
    }
    let compared = state.compared();
    let models: Vec<ModelGeometry<'_>> = compared
        .iter()
        .filter(|model| model.fresh)
        .filter_map(|model| {
            Some(ModelGeometry {
                card: model.card?,
                answer: model.part.answer()?,
                timings: None,
            })
        })
        .collect();
    if models.is_empty() {
        return Err("nothing is measured yet".to_owned());
    }
    let settings = &state.views.geometry.settings;
    let (query, chart) = (settings.query(), state.chart());
    if path.to_lowercase().ends_with(".svg") {
        return report::chart(&models, &query, &chart).map_err(|error| error.to_string());
    }
    let format = points::format_of(path)?;
    let sheet = geometry_sheet(&models, &query, &chart);
    Ok(report::write(&sheet, format))
}

fn map_text(state: &State, path: &str) -> Result<String, String> {
    let map = state.context_map().filter(|(_, fresh)| *fresh);
    let map = map.zip(state.card()).zip(state.context_query());
    let (((map, _), card), query) = map.ok_or(points::NONE)?;
    points::text(&MapOf::occurrences(card, &query, map), path)
}
