//! Exporting what is on screen: the proposed name, the rows that are written, the text of charts.

use std::sync::Arc;

use crate::explorer::action::Pane;
use crate::explorer::effect::Effect;
use crate::explorer::state::{
    COLUMN_MAX, Field, Overlay, PAIRS_MAX, Prompt, Purpose, Shown, State,
};
use crate::query::sheet::{MapOf, ModelGeometry, described, geometry_sheet, map_sheet};
use crate::query::{Address, Answer, NeuronQuery, PairsQuery, Part, Query};
use crate::report::{self, Format};
use crate::sheet::filter_options;

/// Asks for the file to write to; with a count for so many rows.
pub(super) fn ask_path(state: &mut State, rows: Option<usize>) {
    if let Some(rows) = rows {
        let most = match state.pane {
            Pane::Heads => PAIRS_MAX,
            Pane::Neurons | Pane::Geometry => COLUMN_MAX,
        };
        state.row_cursor().asked = rows.min(most);
    }
    let Some(card) = state.card() else {
        return;
    };
    let model: String = card
        .name
        .trim_end_matches('/')
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .to_owned();
    let settings = state.saved_view().name_part();
    let settings = settings.replace("-directions", "").replace("-points", "");
    let (purpose, name) = match state.pane {
        _ if listed(state).is_some() => (Purpose::Export, listed_name(state, &settings)),
        _ if state.shows_directions() => {
            let name = format!("{}{settings}.csv", directions_name(state));
            (Purpose::Export, name)
        }
        Pane::Neurons if state.neurons.points => {
            let (address, column) = (state.address(), state.column().name());
            let name = format!("{address}.{column}-map{settings}.svg");
            (Purpose::ExportChart, name)
        }
        Pane::Geometry if state.geometry.points => {
            let token = state.geometry.settings.token.as_deref().unwrap_or_default();
            let name = format!("{token}-{}-map{settings}.svg", state.address());
            (Purpose::ExportChart, name.replace(['/', '\\'], "_"))
        }
        Pane::Neurons => (
            Purpose::Export,
            format!("{}{settings}.csv", state.address()),
        ),
        Pane::Heads => (
            Purpose::Export,
            format!("{}{settings}.csv", form_address(state)),
        ),
        Pane::Geometry => {
            let measure = state.geometry.settings.measure.name();
            (Purpose::ExportChart, format!("{measure}{settings}.svg"))
        }
    };
    state.overlays.push(Overlay::Prompt(Prompt {
        purpose,
        field: Field::proposed(format!("{model}-{name}")),
    }));
}

/// Writes the neuron, or the pair list in focus, to a file.
pub(super) fn export(state: &mut State, path: &str) -> Vec<Effect> {
    let on_top = listed(state);
    let of_pane = on_top.is_none();
    let mut answers = on_top.unwrap_or_else(|| answers(state));
    if of_pane && state.shows_directions() {
        let part = state.part(state.part_in_focus());
        let in_focus = |query: &Query| matches!(query, Query::Directions(q) if q.part == part);
        answers.retain(|(query, _)| in_focus(query));
    } else if of_pane && state.pane == Pane::Heads {
        let form = form_address(state);
        answers.retain(|(query, _)| query.address() == Some(form));
    }
    if answers.is_empty() {
        let why = "there is nothing to write yet: Enter tries again".to_owned();
        super::ask_again(state, Purpose::Export, path, why);
        return Vec::new();
    }
    vec![Effect::Export {
        path: path.into(),
        answers,
    }]
}

/// The answers on screen that are those of the place one is at.
pub(super) fn answers(state: &State) -> Vec<(Query, Arc<Answer>)> {
    let trusts = &state.trusts;
    let shown: Vec<&Shown> = match state.pane {
        _ if state.shows_directions() => state.shown_directions().iter().flatten().collect(),
        Pane::Neurons => state.neuron.iter().chain(&trusts[0]).collect(),
        Pane::Heads => {
            let lists = state.pairs.iter().flatten();
            lists.chain(trusts[1..].iter().flatten()).collect()
        }
        Pane::Geometry => Vec::new(),
    };
    let fresh = shown
        .into_iter()
        .filter(|s| state.wanted.contains(&s.query) || state.idle.contains(&s.query));
    fresh
        .map(|s| cut(&s.query, &s.answer, state.rows_asked(&s.query)))
        .collect()
}

/// A list of so many rows, if it is longer: the same that was answered if so many had been asked for.
fn cut(query: &Query, answer: &Arc<Answer>, rows: usize) -> (Query, Arc<Answer>) {
    match (query, &**answer) {
        (Query::Neuron(query), Answer::Neuron(answer)) if query.k > rows => {
            let query = NeuronQuery {
                k: rows,
                ..query.clone()
            };
            let mut answer = answer.clone();
            answer
                .columns
                .iter_mut()
                .for_each(|list| list.truncate(rows));
            (Query::Neuron(query), Arc::new(Answer::Neuron(answer)))
        }
        (Query::Pairs(query), Answer::Pairs(answer)) if query.k > rows => {
            let query = PairsQuery {
                k: rows,
                ..query.clone()
            };
            let mut answer = answer.clone();
            answer.pairs.truncate(rows);
            let lists = answer.regardless.iter_mut().flatten();
            lists.for_each(|list| list.truncate(rows));
            (Query::Pairs(query), Arc::new(Answer::Pairs(answer)))
        }
        _ => (query.clone(), Arc::clone(answer)),
    }
}

/// The map in front, as a file of that name holds it.
fn map_text(state: &State, path: &str) -> Result<String, String> {
    let map = match state.pane {
        Pane::Neurons => state.column_map(),
        _ => state.context_map(),
    };
    let ((map, _), card) = map
        .filter(|(_, fresh)| *fresh)
        .zip(state.card())
        .ok_or("there are no points yet")?;
    let (title, contexts) = match state.pane {
        Pane::Neurons => (
            format!(
                "{} of {}, {}",
                state.column().name(),
                state.address(),
                state.convention()
            ),
            &[][..],
        ),
        _ => {
            let token = state.geometry.settings.token.as_deref().unwrap_or_default();
            let title = format!("{token} in state {}", state.geometry.state);
            (title, &state.geometry.contexts[..])
        }
    };
    let settings = match state.pane {
        Pane::Neurons => filter_options(&state.filters).join(" "),
        _ => described(&state.geometry.settings.query()),
    };
    let of = MapOf {
        card,
        answer: map,
        title: &title,
        settings: &settings,
        contexts,
    };
    if path.to_lowercase().ends_with(".svg") {
        return report::map_chart(&of).map_err(|error| error.to_string());
    }
    Ok(report::write(&map_sheet(&of), format_of(path)?))
}

fn format_of(path: &str) -> Result<Format, String> {
    Format::of_file(path).ok_or_else(|| {
        format!("{path}: expected a name that ends in .svg, .csv, .json, .md or .txt")
    })
}

/// What the map shows, or what was measured of the models of the chart, as a file of that name
/// holds it.
pub(super) fn geometry_text(state: &State, path: &str) -> Result<String, String> {
    if state.pane == Pane::Neurons || state.geometry.points {
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
    let settings = &state.geometry.settings;
    let (query, chart) = (settings.query(), state.chart());
    if path.to_lowercase().ends_with(".svg") {
        return report::chart(&models, &query, &chart).map_err(|error| error.to_string());
    }
    let sheet = geometry_sheet(&models, &query, &chart);
    Ok(report::write(&sheet, format_of(path)?))
}

/// The answers behind the list on top; `None` if there is none that is copied and written.
pub(super) fn listed(state: &State) -> Option<Vec<(Query, Arc<Answer>)>> {
    let shown: Vec<&Shown> = match state.list_on_top()? {
        Overlay::Find(_) => state.find.found.iter().collect(),
        list @ (Overlay::Interesting(_) | Overlay::HeadMap { .. }) => {
            let by = match matches!(list, Overlay::Interesting(_)) {
                true => state.ranked.by,
                false => state.ranked.heads_by,
            };
            let mut layers: Vec<(usize, &Shown)> = state
                .ranked
                .layers
                .iter()
                .filter_map(|shown| {
                    let Query::Rank(query) = &shown.query else {
                        return None;
                    };
                    (query.by == by).then_some((query.layer, shown))
                })
                .collect();
            layers.sort_by_key(|(layer, _)| *layer);
            layers.into_iter().map(|(_, shown)| shown).collect()
        }
        _ => return None,
    };
    let fresh = shown
        .into_iter()
        .filter(|s| state.wanted.contains(&s.query) || state.idle.contains(&s.query));
    let answers = fresh.map(|s| (s.query.clone(), Arc::clone(&s.answer)));
    Some(answers.collect())
}

/// A name for the list on top.
fn listed_name(state: &State, settings: &str) -> String {
    match state.list_on_top() {
        Some(Overlay::Find(chooser)) => {
            let words = chooser
                .field
                .text()
                .trim()
                .replace(['/', '\\', ' ', '*'], "_");
            format!("{words}{settings}.csv")
        }
        Some(Overlay::HeadMap { .. }) => format!("heads-{}{settings}.csv", state.ranked.heads_by),
        _ if !state.ranks_one_layer() => format!("neurons-{}{settings}.csv", state.ranked.by),
        _ => format!("L{}-{}{settings}.csv", state.neurons.layer, state.ranked.by),
    }
}

/// What the directions in focus are of: `L4.H3.VO`, `L3.ff-in`.
pub(super) fn directions_name(state: &State) -> String {
    match state.part(state.part_in_focus()) {
        Part::Form(_) => form_address(state).to_string(),
        part => format!("L{}.{part}", state.neurons.layer),
    }
}

pub(super) fn form_address(state: &State) -> Address {
    Address::Head {
        layer: state.heads.layer,
        head: state.heads.head,
        form: Some(state.form()),
    }
}
