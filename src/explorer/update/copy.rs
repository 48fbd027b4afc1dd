//! Copying and exporting what is on screen.

use std::sync::Arc;

use super::geometry;
use crate::explorer::action::Pane;
use crate::explorer::effect::Effect;
use crate::explorer::state::{Field, Overlay, Prompt, Purpose, Shown, State};
use crate::projection::Scored;
use crate::query::{Address, Answer, ModelCard, Part, Query};
use crate::report::{self, Format, MapOf, ModelGeometry};

/// Copies the list in focus: a word and its score a line, tabs between.
pub(super) fn list(state: &mut State) -> Vec<Effect> {
    let Some(card) = state.card() else {
        return Vec::new();
    };
    if let Some(answers) = listed(state) {
        return copy_listed(state, answers);
    }
    let word = |id| card.vocabulary.text(id);
    let (what, lines): (_, Vec<String>) = match state.pane {
        _ if state.shows_directions() => (directions_name(state), directions(state, card)),
        Pane::Neurons => {
            let rows = state.columns().filter(|(_, fresh)| *fresh);
            let column = rows.map(|(answer, _)| &answer.columns[state.neurons.focus][..]);
            let line = |row: &crate::projection::Scored| format!("{}\t{}", word(row.id), row.score);
            let lines = column.unwrap_or_default().iter().map(line).collect();
            let column = state.column_title(state.column());
            (format!("{column} of {}", state.address()), lines)
        }
        Pane::Heads => {
            let list = state
                .pair_list(state.heads.focus)
                .filter(|(_, fresh, _)| *fresh);
            let pairs = list.map(|(answer, ..)| &answer.pairs[..]);
            let line = |pair: &crate::projection::Pair| {
                format!("{}\t{}\t{}", word(pair.from), word(pair.to), pair.score)
            };
            let lines = pairs.unwrap_or_default().iter().map(line).collect();
            (form_address(state).to_string(), lines)
        }
        Pane::Geometry => {
            let title = state.geometry.settings.measure.title();
            (title.to_owned(), geometry::table(state))
        }
    };
    if lines.is_empty() {
        state.say("there is nothing to copy yet");
        return Vec::new();
    }
    state.say(format!("copied {what}, {} lines", lines.len()));
    vec![Effect::Copy(lines.join("\n") + "\n")]
}

/// What the directions in focus are of: `L4.H3.VO`, `L3.ff-in`.
fn directions_name(state: &State) -> String {
    match state.part(state.part_in_focus()) {
        Part::Form(_) => form_address(state).to_string(),
        part => format!("L{}.{part}", state.neurons.layer),
    }
}

/// An end of a direction a line: its number, its size, its sign, and the words of both sides.
fn directions(state: &State, card: &ModelCard) -> Vec<String> {
    let list = state.part_in_focus();
    let Some((answer, true)) = state.direction_list(list) else {
        return Vec::new();
    };
    let of_head = matches!(state.part(list), Part::Form(_));
    let neurons = |list: &[Scored]| {
        let neurons: Vec<_> = list.iter().map(|s| format!("N{}", s.id)).collect();
        neurons.join(" ")
    };
    let words = |list: &[Scored]| {
        let words: Vec<_> = list.iter().map(|s| card.vocabulary.text(s.id)).collect();
        words.join(" ")
    };
    let directions = answer.directions.iter().enumerate();
    directions
        .flat_map(|(i, d)| {
            ["+", "−"].into_iter().enumerate().map(move |(end, sign)| {
                let left = words(&d.left[end]);
                let right = match of_head {
                    true => words(&d.right[end]),
                    false => neurons(&d.right[end]),
                };
                format!("{i}\t{}\t{sign}\t{left}\t{right}", d.value)
            })
        })
        .collect()
}

/// The answers behind the list on top; `None` if there is none that is copied and written.
fn listed(state: &State) -> Option<Vec<(Query, Arc<Answer>)>> {
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
fn listed_name(state: &State) -> String {
    match state.list_on_top() {
        Some(Overlay::Find(chooser)) => {
            let words = chooser
                .field
                .text()
                .trim()
                .replace(['/', '\\', ' ', '*'], "_");
            format!("{words}.csv")
        }
        Some(Overlay::HeadMap { .. }) => format!("heads-{}.csv", state.ranked.heads_by),
        _ if !state.ranks_one_layer() => format!("neurons-{}.csv", state.ranked.by),
        _ => format!("L{}-{}.csv", state.neurons.layer, state.ranked.by),
    }
}

fn copy_listed(state: &mut State, answers: Vec<(Query, Arc<Answer>)>) -> Vec<Effect> {
    if answers.is_empty() {
        state.say("there is nothing to copy yet");
        return Vec::new();
    }
    state.say("copied the list");
    vec![Effect::CopyAnswers(answers)]
}

/// Copies all that the pane shows.
pub(super) fn pane(state: &mut State) -> Vec<Effect> {
    let points = state.pane == Pane::Neurons && state.neurons.points;
    if state.pane == Pane::Geometry || points {
        return match geometry_text(state, ".txt") {
            Ok(text) => {
                let points = points || state.geometry.points;
                state.say(if points {
                    "copied all points"
                } else {
                    "copied all measures"
                });
                vec![Effect::Copy(text)]
            }
            Err(why) => {
                state.say(why);
                Vec::new()
            }
        };
    }
    let answers = answers(state);
    if answers.is_empty() {
        state.say("there is nothing to copy yet");
        return Vec::new();
    }
    state.say(format!("copied {}", state.address()));
    vec![Effect::CopyAnswers(answers)]
}

/// Copies the address.
pub(super) fn address(state: &mut State) -> Vec<Effect> {
    let address = state.address().to_string();
    state.say(format!("copied {address}"));
    vec![Effect::Copy(address)]
}

/// Asks for the file to write to.
pub(super) fn ask_path(state: &mut State) {
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
    let (purpose, name) = match state.pane {
        _ if listed(state).is_some() => (Purpose::Export, listed_name(state)),
        _ if state.shows_directions() => {
            (Purpose::Export, format!("{}.csv", directions_name(state)))
        }
        Pane::Neurons if state.neurons.points => {
            let name = format!("{}.{}-map.svg", state.address(), state.column().name());
            (Purpose::ExportChart, name)
        }
        Pane::Geometry if state.geometry.points => {
            let token = state.geometry.settings.token.as_deref().unwrap_or_default();
            let name = format!("{token}-{}-map.svg", state.address());
            (Purpose::ExportChart, name.replace(['/', '\\'], "_"))
        }
        Pane::Neurons => (Purpose::Export, format!("{}.csv", state.address())),
        Pane::Heads => (Purpose::Export, format!("{}.csv", form_address(state))),
        Pane::Geometry => {
            let measure = state.geometry.settings.measure.name();
            (Purpose::ExportChart, format!("{measure}.svg"))
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
        state.fail("there is nothing to write yet");
        return Vec::new();
    }
    vec![Effect::Export {
        path: path.into(),
        answers,
    }]
}

/// The answers on screen that are those of the place one is at.
fn answers(state: &State) -> Vec<(Query, Arc<Answer>)> {
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
        .map(|s| (s.query.clone(), Arc::clone(&s.answer)))
        .collect()
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
    let of = MapOf {
        card,
        answer: map,
        title: &title,
        contexts,
    };
    if path.to_lowercase().ends_with(".svg") {
        return report::map_chart(&of).map_err(|error| error.to_string());
    }
    Ok(report::map(&of, format_of(path)?))
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
    let corrected = settings.is_corrected();
    if path.to_lowercase().ends_with(".svg") {
        let chart = report::Chart {
            measure: settings.measure,
            corrected,
            depth: settings.depth,
            log: settings.log,
        };
        return report::chart(&models, &chart).map_err(|error| error.to_string());
    }
    let format = format_of(path)?;
    let query = settings.query();
    Ok(report::geometry(&models, &query, corrected, format))
}

fn form_address(state: &State) -> Address {
    Address::Head {
        layer: state.heads.layer,
        head: state.heads.head,
        form: Some(state.form()),
    }
}
