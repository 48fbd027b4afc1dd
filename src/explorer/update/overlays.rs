//! What lies on top: opened, moved in, accepted, left.

use super::{
    beside, bookmarks, export, filters, find, geometry, head_map, hub, navigate, rows, views,
};
use crate::explorer::action::{Action, Motion};
use crate::explorer::effect::{BookmarkChange, Effect};
use crate::explorer::saved_view::SavedView;
use crate::explorer::state::{
    Choice, Chooser, Field, Found, Opening, Overlay, Prompt, Purpose, State,
};
use crate::geometry::Language;
use crate::query::Address;

/// Puts a menu or a list on top.
pub(super) fn open(state: &mut State, action: Action) -> Vec<Effect> {
    let chooser = Chooser::default();
    if action == Action::OpenLegend {
        // Of what the help covers, not of the help.
        let help = |overlay: &Overlay| matches!(overlay, Overlay::Commands { .. });
        state.overlays.retain(|overlay| !help(overlay));
    }
    state.overlays.push(match action {
        Action::OpenLegend => Overlay::Legend(0),
        Action::OpenFilters => Overlay::Filters,
        Action::OpenConventions => Overlay::Conventions,
        Action::OpenBookmarks => Overlay::Bookmarks(chooser),
        Action::OpenModels => Overlay::Models {
            beside: false,
            chooser: match state.chosen_in.take() {
                Some(Overlay::Models { chooser, .. }) => Chooser {
                    field: Field::proposed(chooser.field.text()),
                    ..Chooser::default()
                },
                _ => chooser,
            },
        },
        _ => Overlay::Commands {
            help: action == Action::OpenHelp,
            chooser,
        },
    });
    match action {
        Action::OpenBookmarks => vec![Effect::Bookmark(BookmarkChange::Refresh)],
        _ => Vec::new(),
    }
}

/// Moves in the list on top, around its end by single steps.
pub(super) fn select(state: &mut State, motion: Motion) {
    if head_map::step(state, motion) || scroll_legend(state, motion) {
        return;
    }
    if let (Motion::HalfUp, Some(field)) = (motion, state.field())
        && !field.text().is_empty()
    {
        // As in every line that is typed.
        *field = Field::default();
        return;
    }
    let len = state.choices().len();
    let page = state.regions.choice_rows.max(1);
    let Some(selected) = state.overlays.last_mut().and_then(Overlay::selected) else {
        return;
    };
    let last = len.saturating_sub(1);
    let at = (*selected).min(last);
    *selected = match motion {
        Motion::Up if at == 0 => last,
        Motion::Down if at == last => 0,
        Motion::Up | Motion::Left => at.saturating_sub(1),
        Motion::Down | Motion::Right => (at + 1).min(last),
        Motion::PageUp | Motion::HalfUp => at.saturating_sub(page),
        Motion::PageDown | Motion::HalfDown => (at + page).min(last),
        Motion::First => 0,
        Motion::Last => last,
    };
}

/// Moves the legend, if it is on top; false if it is not.
fn scroll_legend(state: &mut State, motion: Motion) -> bool {
    let page = state.regions.choice_rows.max(1);
    let last = state.regions.legend_rows.saturating_sub(page);
    let Some(Overlay::Legend(first)) = state.overlays.last_mut() else {
        return false;
    };
    *first = match motion {
        Motion::Up | Motion::Left => first.saturating_sub(1),
        Motion::Down | Motion::Right => *first + 1,
        Motion::PageUp | Motion::HalfUp => first.saturating_sub(page),
        Motion::PageDown | Motion::HalfDown => *first + page,
        Motion::First => 0,
        Motion::Last => last,
    };
    *first = (*first).min(last);
    true
}

/// Enter: runs, goes, opens or keeps what is on top.
pub(super) fn accept(state: &mut State) -> Vec<Effect> {
    if let Some(Overlay::Prompt(prompt)) = state.overlays.last() {
        let prompt = prompt.clone();
        return prompted(state, prompt);
    }
    if let Some(&Overlay::HeadMap { layer, head }) = state.overlays.last() {
        head_map::go(state, layer, head);
        return Vec::new();
    }
    match state.overlays.last_mut().and_then(Overlay::selected) {
        Some(&mut selected) => choose(state, selected),
        None => {
            state.say("there is nothing to take here");
            Vec::new()
        }
    }
}

/// Takes a row of the list on top.
pub(super) fn choose(state: &mut State, row: usize) -> Vec<Effect> {
    let choices = state.choices();
    match choices.get(row) {
        None if matches!(state.overlays.last(), Some(Overlay::Ways(_))) => Vec::new(),
        None => {
            let why = match state.overlays.last() {
                Some(Overlay::Find(_)) => state.find_status(),
                _ => None,
            };
            match typed_view(state) {
                Some(error) => state.fail(error),
                None => {
                    let nothing = "nothing here has all of what is typed";
                    state.say(why.unwrap_or_else(|| nothing.to_owned()));
                }
            }
            Vec::new()
        }
        Some(Choice::Go(view)) => {
            let view = view.clone();
            let Some(effects) = views::go(state, view) else {
                return Vec::new();
            };
            state.overlays.pop();
            effects
        }
        Some(&Choice::Found(found)) => {
            let (Found { stand, address, .. }, hit) = (found, *found.hit);
            if navigate::go(state, address) {
                find::keep(state);
                state.overlays.pop();
                rows::lead_to(state, stand, &hit);
            }
            Vec::new()
        }
        Some(&Choice::Neuron { layer, neuron }) => {
            let neuron = neuron.item;
            if navigate::go(state, Address::Neuron { layer, neuron }) {
                state.overlays.pop();
            }
            Vec::new()
        }
        Some(&Choice::Head { layer, head }) => {
            let head = head.item;
            head_map::go(state, layer, head);
            Vec::new()
        }
        Some(Choice::Run(command)) => {
            let action = command.action;
            state.overlays.pop();
            super::act(state, action)
        }
        Some(Choice::Bookmark(mark)) => {
            let view = mark.target();
            let Some(effects) = views::go(state, view) else {
                return Vec::new();
            };
            state.overlays.pop();
            effects
        }
        Some(Choice::Model(model)) => {
            let name = model.name.clone();
            take_model(state, name)
        }
        Some(&Choice::Way { by_tensor }) => hub::take(state, by_tensor),
        Some(Choice::Typed(typed)) => {
            let name = (*typed).to_owned();
            take_model(state, name)
        }
    }
}

/// Why what is typed in the palette is no view, if it looks like one.
fn typed_view(state: &State) -> Option<String> {
    let Some(Overlay::Commands { chooser, .. }) = state.overlays.last() else {
        return None;
    };
    let typed = chooser.field.text();
    let looks = typed.contains(" --") || typed.trim_start().starts_with("lexiscope ");
    let error = typed.parse::<SavedView>().err().filter(|_| looks);
    error.map(|error| error.to_string())
}

/// A model was chosen, to be opened or to be set beside the open one.
fn take_model(state: &mut State, name: String) -> Vec<Effect> {
    if let Some(Overlay::Models { beside: true, .. }) = state.overlays.last() {
        state.overlays.pop();
        beside::add(state, name);
        return Vec::new();
    }
    open_model(state, name, Vec::new())
}

/// Begins to open a model; with `then` empty it is opened where one was in it.
pub(super) fn open_model(state: &mut State, name: String, then: Vec<SavedView>) -> Vec<Effect> {
    state.chosen_in = state.overlays.pop();
    state.overlays.clear();
    state.opening = Some(Opening::new(name.clone(), then));
    vec![Effect::Open(name)]
}

/// Enter in a prompt.
fn prompted(state: &mut State, Prompt { purpose, field }: Prompt) -> Vec<Effect> {
    let typed = field.text().trim().to_owned();
    let needed = matches!(
        purpose,
        Purpose::WordsFile | Purpose::Text | Purpose::Export | Purpose::ExportChart
    );
    if needed && typed.is_empty() {
        state.say(format!(
            "nothing is typed ({}); Esc leaves",
            purpose.advice()
        ));
        return Vec::new();
    }
    if purpose == Purpose::Token && !geometry::typed_token(state, &typed) {
        return Vec::new();
    }
    state.overlays.pop();
    match purpose {
        Purpose::Contains | Purpose::Token => Vec::new(),
        Purpose::WordsFile => vec![Effect::ReadWords(typed.into())],
        Purpose::Text => match typed.strip_prefix('@') {
            Some(path) => vec![Effect::ReadText(path.trim().into())],
            None => {
                filters::typed_text(state, &typed);
                Vec::new()
            }
        },
        Purpose::Note { mark, id } => bookmarks::noted(state, *mark, id, &typed),
        Purpose::Export => export::export(state, &typed),
        Purpose::ExportChart => geometry::export(state, &typed),
        Purpose::Texts => match typed.strip_prefix('@').map(str::trim) {
            Some(name) if let Some(language) = Language::named(name) => {
                geometry::bundled_texts(state, language);
                Vec::new()
            }
            Some(path) => vec![Effect::ReadTexts(path.trim().into())],
            None => {
                geometry::typed_texts(state, &typed);
                Vec::new()
            }
        },
    }
}

/// Asks again for what could not be done with what was typed, and says why.
pub fn ask_again(state: &mut State, purpose: Purpose, typed: &str, why: String) {
    let field = Field::with(typed);
    state
        .overlays
        .push(Overlay::Prompt(Prompt { purpose, field }));
    state.fail(why);
}

/// Esc: leaves what is on top, else stops opening a model.
pub(super) fn cancel(state: &mut State) -> Vec<Effect> {
    match state.overlays.pop() {
        Some(Overlay::Prompt(prompt)) if prompt.purpose == Purpose::Contains => {
            state.filters.contains.clear();
            filters::changed(state);
        }
        Some(Overlay::Ways(_)) => return vec![Effect::StopFetch],
        Some(_) => {}
        None => {
            if let Some(opening) = &state.opening {
                let stopped = format!("no longer opening {}", opening.name);
                return stop_opening(state, stopped);
            }
            if geometry::cancel(state) {
                return Vec::new();
            }
            if state.marked.take().is_some() {
                state.say("no word is marked any more");
            } else if !state.filters.contains.is_empty() {
                state.filters.contains.clear();
                filters::changed(state);
            } else {
                state.say("there is nothing to leave · q quits");
            }
        }
    }
    Vec::new()
}

/// Opening the model that was there stops the opening of another: the worker does only the last.
fn stop_opening(state: &mut State, stopped: String) -> Vec<Effect> {
    let came = state.opening.as_ref().is_some_and(|o| o.transfer.is_some());
    if came {
        // It is not with the worker yet, which has nothing to stop.
        state.opening = None;
        back_to_history(state);
        state.say(format!("{stopped}: what has arrived is kept"));
        return vec![Effect::StopFetch];
    }
    let Some(name) = state.card().map(|card| card.name.clone()) else {
        state.say("no other model is open yet: o chooses another, q quits");
        return Vec::new();
    };
    let views = state.views();
    let effects = open_model(state, name, views);
    state.say(stopped);
    effects
}

/// The way to a place of another model was given up: the history stands where one is.
pub(super) fn back_to_history(state: &mut State) {
    if state.model.is_some() {
        let view = state.saved_view();
        state.history.return_to(&view);
    }
}
