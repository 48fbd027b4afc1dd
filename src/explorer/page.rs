//! What the explorer would show first, as text: for pipes and screen readers.

use std::time::Duration;

use anyhow::{Context, Result};

use super::files::full_name;
use super::opening::Opener;
use super::run::begin;
use super::setup::Setup;
use super::shell;
use super::state::State;
use crate::checkpoint::Location;
use crate::outside::escape;
use crate::query::sheet::{ModelGeometry, geometry_sheet, sheet};
use crate::query::{Answer, Answering, Callbacks, GeometryQuery, ModelCard, Query, QueryError};
use crate::report::{self, Format};
use crate::vocabulary::Filters;
use crate::worker::{Event, ModelId};

/// The lists of the place where the explorer would begin, each under its address. `locate` finds
/// the model, or brings it.
///
/// # Errors
/// The model cannot be opened or has no such place.
pub fn page(setup: &Setup, locate: impl FnOnce(&str) -> Result<Location>) -> Result<String> {
    let (mut state, _) = begin(setup);
    let opening = state
        .opening
        .as_ref()
        .context("there is no model to open")?;
    let location = locate(&full_name(&opening.name))?;
    let mut reader = Opener::new(&state, setup).open(&location)?;
    let card = reader.card();
    shell::opening(&mut state, ModelId(1));
    shell::event(
        &mut state,
        Event::Opened {
            id: ModelId(1),
            card: card.clone(),
        },
    );
    // A page is the same on every machine: it does not wait for what can be found in time.
    state.first_look = false;
    if let Some(at) = &setup.at {
        // A place that the model does not have is a fault here, not a notice.
        card.check(at.address)?;
    }
    let mut page = String::new();
    let card = reader.marked_card(Callbacks::none())?;
    if let Some(query) = state.convention_query()
        && let Answer::FirstConvention(answer) = reader.answer(&query, Callbacks::none())?
    {
        shell::first_convention(&mut state, &answer, Duration::ZERO);
    }
    if state.needs().contains(&Query::TextLanguage)
        && let Answer::TextLanguage(language) =
            reader.answer(&Query::TextLanguage, Callbacks::none())?
    {
        shell::fit(&mut state, language);
    }
    for query in state.needs() {
        if let Query::Geometry(asked) = &query {
            page += &measured(&mut *reader, asked, &state)?;
        }
        let Some(address) = query.address() else {
            continue;
        };
        let answer = reader.answer(&query, Callbacks::none())?;
        if let Some(sheet) = sheet(&card, &query, &answer, None) {
            page += &title(&card, &query, &address.to_string());
            page += &report::write(&sheet, Format::Table);
        }
    }
    Ok(page)
}

/// What the Geometry pane would measure of the open model.
fn measured(reader: &mut dyn Answering, asked: &GeometryQuery, state: &State) -> Result<String> {
    let answer = reader.answer(&Query::Geometry(asked.clone()), Callbacks::none())?;
    let Answer::Geometry(answer) = answer else {
        return Err(QueryError::WrongAnswer.into());
    };
    let card = reader.card();
    let model = ModelGeometry {
        card: &card,
        answer: &answer,
        timings: None,
    };
    let chart = state.chart();
    Ok(report::write(
        &geometry_sheet(&[model], asked, &chart),
        Format::Table,
    ))
}

/// `gpt2-pl  L3.N103  ascii`, on a line of its own with a line between it and what was before.
fn title(card: &ModelCard, query: &Query, address: &str) -> String {
    let filters = query.filters().map(Filters::describe).unwrap_or_default();
    let named = |(name, value): &(&str, String)| {
        if value == "true" {
            (*name).to_owned()
        } else {
            format!("{name} {value}")
        }
    };
    let filters: Vec<String> = filters.iter().map(named).collect();
    let line = format!("{}  {address}  {}", card.name, filters.join(" · "));
    escape::line(&line).trim_end().to_owned() + "\n\n"
}
