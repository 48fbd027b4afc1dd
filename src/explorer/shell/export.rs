//! Copying and writing what is on screen: a list, all of a view, an address, the command that makes it
//! again.

use std::sync::Arc;

use crate::explorer::board::Shown;
use crate::explorer::effect::Effect;
use crate::explorer::saved_view::Shows;
use crate::explorer::state::{Purpose, State};
use crate::explorer::view::{Export, Exported, Tab, WordLists};
use crate::explorer::views::line;
use crate::query::sheet::command;
use crate::query::{
    Answer, DictionaryAnswer, DictionaryAsk, DictionaryFound, DictionaryQuery, NeuronQuery,
    PairsQuery, Query,
};

/// Why nothing is copied.
const NOTHING: &str = "there is nothing to copy yet";

/// What is exported of the list on top; `None` if there is none that is copied and written.
fn of_list(state: &State) -> Option<Export> {
    state.list_on_top()?.view().export(state)
}

/// Copies the list in focus: a word and its score a line, tabs between.
pub fn copy_list(state: &mut State) -> Vec<Effect> {
    match of_list(state).map(|export| export.what) {
        Some(Exported::Unfinished(why)) => {
            state.say(why);
            return Vec::new();
        }
        Some(what) => return copy_answers(state, what.into_all(), "the list"),
        None => {}
    }
    let (what, lines) = state.tab().lines(state);
    if lines.is_empty() {
        state.say(NOTHING);
        return Vec::new();
    }
    state.say(format!("copied {what}, {} lines", lines.len()));
    vec![Effect::Copy(lines.join("\n") + "\n")]
}

fn copy_answers(state: &mut State, shown: Vec<Shown>, what: &str) -> Vec<Effect> {
    let answers = written(state, &shown);
    if answers.is_empty() {
        state.say(NOTHING);
        return Vec::new();
    }
    state.say(format!("copied {what}"));
    vec![Effect::CopyAnswers(answers)]
}

/// Copies all that the tab shows.
pub fn copy_all(state: &mut State) -> Vec<Effect> {
    let tab = state.tab();
    match tab.export(state).map(|export| export.what) {
        Some(Exported::Answers { all, .. }) => {
            let address = state.address().to_string();
            copy_answers(state, all, &address)
        }
        Some(Exported::Chart) => match tab.chart(state, ".txt") {
            Ok(text) => {
                state.say(match tab.settings(state).shows {
                    Shows::Points => "copied all points",
                    Shows::Lists | Shows::Directions | Shows::Links => "copied all measures",
                });
                vec![Effect::Copy(text)]
            }
            Err(why) => {
                state.say(why);
                Vec::new()
            }
        },
        Some(Exported::Unfinished(why)) => {
            state.say(why);
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// Copies the address, with all that decides what stands there.
pub fn copy_address(state: &mut State) -> Vec<Effect> {
    let view = state.saved_view().to_string();
    state.say(format!("copied {view}"));
    vec![Effect::Copy(view)]
}

/// Copies the command that makes the list in focus again, or a command for each of the lists on top.
pub fn copy_command(state: &mut State) -> Vec<Effect> {
    let commands = match of_list(state) {
        Some(_) => state.list_on_top().map(|id| id.view().commands(state)),
        None => Some(state.tab().commands(state)),
    };
    let commands = commands.unwrap_or_default();
    let Some(first) = commands.first() else {
        state.say(NOTHING);
        return Vec::new();
    };
    state.say(match commands.len() {
        1 => format!("copied: {first}"),
        n => format!("copied {n} commands: {first} …"),
    });
    vec![Effect::Copy(commands.join("\n"))]
}

/// The command that makes the list in focus of a tab of words, with its robustness if that is known.
pub fn command_in_focus<T: Tab + WordLists>(state: &State, tab: &T) -> Vec<String> {
    let (Some(card), Some(mut query)) = (state.card(), tab.focus(state)) else {
        return Vec::new();
    };
    let rows = tab.rows_asked(state, &query);
    match &mut query {
        Query::Neuron(query) => query.k = query.k.min(rows),
        Query::Pairs(query) => query.k = query.k.min(rows),
        Query::Dictionary(query) => {
            if let DictionaryAsk::Direction { k, .. } = &mut query.ask {
                *k = (*k).min(rows);
            }
        }
        _ => {}
    }
    let robust = tab.robustness(state, WordLists::list(tab, state)).is_some();
    let robust = robust && !tab.shows_directions(state);
    let command = command(&card.name, &query, robust);
    command.iter().map(ToString::to_string).collect()
}

/// The commands that make answers again.
pub fn commands_of(state: &State, shown: &[Shown]) -> Vec<String> {
    let Some(card) = state.card() else {
        return Vec::new();
    };
    let command = |shown: &Shown| command(&card.name, &shown.query, false);
    let commands = shown.iter().filter_map(command);
    commands.map(|command| command.to_string()).collect()
}

/// Asks for the file to write to; a count is the number of rows.
pub fn ask_path(state: &mut State, rows: Option<usize>) {
    if let (Some(rows), Some(words)) = (rows, state.tab().words()) {
        words.cursor_mut(state).asked = rows.min(words.most());
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
    let export = of_list(state).or_else(|| state.tab().export(state));
    let Some(Export { name, what }) = export else {
        return;
    };
    let (purpose, extension) = match what {
        Exported::Answers { .. } | Exported::Unfinished(_) => (Purpose::Export, "csv"),
        Exported::Chart => (Purpose::ExportChart, "svg"),
    };
    let name = format!("{model}-{name}{settings}.{extension}");
    line::ask(state, purpose, &name);
}

/// Writes the list on top to a file, or what is in focus in the tab.
pub fn export(state: &mut State, path: &str) -> Vec<Effect> {
    let export = of_list(state).or_else(|| state.tab().export(state));
    let nothing = || "there is nothing to write yet: Enter tries again".to_owned();
    let (shown, why) = match export.map(|export| export.what) {
        Some(Exported::Answers { in_focus, .. }) => (in_focus, nothing()),
        Some(Exported::Unfinished(why)) => (Vec::new(), why),
        Some(Exported::Chart) | None => (Vec::new(), nothing()),
    };
    let answers = written(state, &shown);
    if answers.is_empty() {
        super::ask_again(state, Purpose::Export, path, why);
        return Vec::new();
    }
    vec![Effect::Export {
        path: path.into(),
        answers,
    }]
}

/// Writes the chart or map of the tab to a file.
pub fn export_chart(state: &mut State, path: &str) -> Vec<Effect> {
    match state.tab().chart(state, path) {
        Ok(text) => vec![Effect::Write {
            path: path.into(),
            text,
        }],
        Err(why) => {
            super::ask_again(state, Purpose::ExportChart, path, why);
            Vec::new()
        }
    }
}

/// Those of the answers that are of the place one is at.
pub fn fresh(state: &State, shown: Vec<Shown>) -> Vec<Shown> {
    let asked = |query: &Query| state.wanted.contains(query) || state.idle.contains(query);
    shown.into_iter().filter(|s| asked(&s.query)).collect()
}

/// Answers as they are copied and written: with the number of rows that was asked for.
fn written(state: &State, shown: &[Shown]) -> Vec<(Query, Arc<Answer>)> {
    let fresh = fresh(state, shown.to_vec());
    let cut = |s: &Shown| cut(&s.query, &s.answer, state.tab().rows_asked(state, &s.query));
    fresh.iter().map(cut).collect()
}

/// A list cut to `rows` rows: what the answer would be if that many had been asked for.
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
            let lists = answer.unconditional.iter_mut().flatten();
            lists.for_each(|list| list.truncate(rows));
            (Query::Pairs(query), Arc::new(Answer::Pairs(answer)))
        }
        (Query::Dictionary(query), Answer::Dictionary(answer)) => {
            let (query, answer) = cut_direction(query.clone(), answer.clone(), rows);
            (
                Query::Dictionary(query),
                Arc::new(Answer::Dictionary(answer)),
            )
        }
        _ => (query.clone(), Arc::clone(answer)),
    }
}

/// The columns of a direction, cut to `rows` rows.
fn cut_direction(
    mut query: DictionaryQuery,
    mut answer: DictionaryAnswer,
    rows: usize,
) -> (DictionaryQuery, DictionaryAnswer) {
    if let (DictionaryAsk::Direction { k, .. }, DictionaryFound::Direction(of)) =
        (&mut query.ask, &mut answer.found)
    {
        *k = (*k).min(rows);
        of.columns.iter_mut().for_each(|list| list.truncate(rows));
    }
    (query, answer)
}
