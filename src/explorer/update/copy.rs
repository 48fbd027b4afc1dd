//! Copying what is on screen, its address, and the command that makes it again.

use std::sync::Arc;

use super::export::{answers, directions_name, form_address, geometry_text, listed};
use super::geometry;
use crate::explorer::action::Pane;
use crate::explorer::effect::Effect;
use crate::explorer::state::{Overlay, State};
use crate::projection::Scored;
use crate::query::sheet::{self, command as command_line, rank_command};
use crate::query::{Answer, ModelCard, Part, Query};
use crate::sheet::{CommandLine, with_boundary};

/// Copies the list in focus: a word and its score a line, tabs between.
pub(super) fn list(state: &mut State) -> Vec<Effect> {
    let Some(card) = state.card() else {
        return Vec::new();
    };
    if let Some(answers) = listed(state) {
        return copy_listed(state, answers);
    }
    let word = |id| with_boundary(&card.vocabulary, id);
    let (what, lines): (_, Vec<String>) = match state.pane {
        _ if state.shows_directions() => (directions_name(state), directions(state, card)),
        Pane::Neurons => {
            let rows = state.columns().filter(|(_, fresh)| *fresh);
            let column = rows.map(|(answer, _)| &answer.columns[state.neurons.focus][..]);
            let line = |row: &crate::projection::Scored| format!("{}\t{}", word(row.id), row.score);
            let rows = state.rows_asked(&state.query_in_focus());
            let column = column.unwrap_or_default().iter().take(rows);
            let lines = column.map(line).collect();
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
            let rows = state.rows_asked(&state.query_in_focus());
            let pairs = pairs.unwrap_or_default().iter().take(rows);
            let lines = pairs.map(line).collect();
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
        let words: Vec<_> = list
            .iter()
            .map(|s| with_boundary(&card.vocabulary, s.id))
            .collect();
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

/// Copies the address, with all that decides what stands there.
pub(super) fn address(state: &mut State) -> Vec<Effect> {
    let view = state.saved_view().to_string();
    state.say(format!("copied {view}"));
    vec![Effect::Copy(view)]
}

/// Copies the command that makes the list in focus again, or a command for each of the lists on top.
pub(super) fn command(state: &mut State) -> Vec<Effect> {
    let commands = commands(state);
    let Some(first) = commands.first() else {
        state.say("no command makes this: points are of the explorer alone");
        return Vec::new();
    };
    state.say(match commands.len() {
        1 => format!("copied: {first}"),
        n => format!("copied {n} commands: {first} …"),
    });
    vec![Effect::Copy(commands.join("\n"))]
}

fn commands(state: &State) -> Vec<String> {
    let Some(card) = state.card() else {
        return Vec::new();
    };
    if let Some(answers) = listed(state) {
        if let (Some(Overlay::Interesting(_)), false, Some((Query::Rank(query), _))) = (
            state.list_on_top(),
            state.ranks_one_layer(),
            answers.first(),
        ) {
            return vec![rank_command(&card.name, query, query.count).to_string()];
        }
        let commands = answers.iter();
        return commands
            .filter_map(|(query, _)| command_line(&card.name, query, false))
            .map(|command| command.to_string())
            .collect();
    }
    let points = match state.pane {
        Pane::Neurons => state.neurons.points,
        Pane::Heads => false,
        Pane::Geometry => state.geometry.points,
    };
    if points {
        return Vec::new();
    }
    if state.pane == Pane::Geometry {
        return vec![geometry_command(state).to_string()];
    }
    let mut query = state.query_in_focus();
    let rows = state.rows_asked(&query);
    match &mut query {
        Query::Neuron(query) => query.k = query.k.min(rows),
        Query::Pairs(query) => query.k = query.k.min(rows),
        _ => {}
    }
    let trusted = !state.shows_directions() && state.trust(state.list_in_focus()).is_some();
    let command = command_line(&card.name, &query, trusted);
    command.iter().map(ToString::to_string).collect()
}

/// The command that measures what the chart shows.
fn geometry_command(state: &State) -> CommandLine {
    let compared = state.compared();
    let models: Vec<&str> = compared.iter().map(|model| model.name).collect();
    let query = state.geometry.settings.query();
    sheet::geometry_command(&models, &query, &state.chart())
}
