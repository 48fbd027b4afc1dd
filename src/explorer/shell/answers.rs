//! What the worker tells: models and answers.

use std::sync::Arc;
use std::time::Duration;

use super::{navigate, saved, stack};
use crate::checkpoint::Bundle;
use crate::explorer::board::Shown;
use crate::explorer::effect::Effect;
use crate::explorer::state::{Model, Notice, Opening, State};
use crate::explorer::views;
use crate::query::{Answer, Convention, ModelCard};
use crate::worker::{Event, ModelId};

/// The worker has begun to open a model.
pub fn opening(state: &mut State, id: ModelId) {
    if let Some(opening) = &mut state.opening {
        opening.id = Some(id);
        opening.transfer = None;
    }
}

/// The model asked for cannot be opened. Without one before it, the bundled one takes its place,
/// or the program ends if it was started for this one.
pub fn not_opening(state: &mut State, message: String) -> Vec<Effect> {
    let failed = state.opening.take();
    if state.model.is_some() {
        // What was typed for it is proposed when another is chosen; nothing comes up in front of
        // somebody who goes on with the model at hand.
        state.fail(message);
        stack::back_to_history(state);
        return Vec::new();
    }
    let name = Bundle::all()[0].name;
    if state.strict || failed.is_none_or(|opening| opening.name == name) {
        return vec![Effect::GiveUp(message)];
    }
    state.fail(format!("{message}; this is {name}"));
    state.opening = Some(Opening::new(name.to_owned(), Vec::new()));
    vec![Effect::Open(name.to_owned())]
}

/// The worker tells something. What is no longer wanted is ignored.
pub fn event(state: &mut State, event: Event) -> Vec<Effect> {
    let current = state.model.as_ref().map(|model| model.id);
    let mut effects = Vec::new();
    match event {
        Event::Opened { id, card } => effects = opened(state, id, card),
        Event::NotOpened { id, name, message } => {
            if state.opening.as_ref().is_some_and(|o| o.id == Some(id)) {
                return not_opening(state, with_name(&name, message));
            }
        }
        Event::Answered {
            id,
            query,
            answer,
            took,
        } => {
            let asked = state.wanted.contains(&query) || state.idle.contains(&query);
            if Some(id) == current && asked {
                let shown = Shown {
                    query,
                    answer,
                    took,
                };
                answered(state, shown);
            }
        }
        Event::Fetching {
            id,
            query,
            progress,
        } => {
            if Some(id) == current && state.wanted.contains(&query) {
                state.fetching = (progress.done() < progress.total()).then_some(progress);
            }
        }
        Event::Failed { id, query, message } => {
            if Some(id) == current && state.wanted.contains(&query) {
                let said = views::all()
                    .filter(|view| view.failed(state, &query))
                    .count();
                if said == 0 {
                    state.fail(&message);
                }
                state.board.fail(query, message);
            }
        }
    }
    super::settle(state, effects)
}

/// The message, which names the model if it does not already.
pub fn with_name(name: &str, message: String) -> String {
    if message.contains(name) {
        message
    } else {
        format!("{name}: {message}")
    }
}

fn opened(state: &mut State, id: ModelId, card: Arc<ModelCard>) -> Vec<Effect> {
    let Some(opening) = state.opening.take_if(|o| o.id == Some(id)) else {
        return Vec::new();
    };
    let before = state.card().map(|card| card.name.clone());
    let again = before.as_ref() == Some(&card.name);
    if let Some(before) = before.clone().filter(|_| !again) {
        state.places.insert(before.clone(), state.by_tab().into());
        state.previous = Some(before);
    }
    if card.remote {
        state.in_parts.insert(card.name.clone());
    }
    state.board.clear();
    (state.touched, state.convention_told) = (false, false);
    state.since_lists = Duration::ZERO;
    state.marked = None;
    state.wanted.clear();
    state.idle.clear();
    let mut bundled = Bundle::all().iter();
    let known =
        bundled.any(|bundle| bundle.name == card.name) || state.places.contains_key(&card.name);
    state.first_look = opening.then.is_empty() && !known && !card.remote;
    navigate::to_top(state);
    state.remember(&card.name);
    if let Some(notice) = card.notices.first() {
        state.say(notice);
    } else if before.is_some() && !again {
        state.say(format!("{} is open", card.name));
    } else if matches!(&state.notice, Some(Notice::Error(said)) if said.contains("not open yet")) {
        state.notice = None;
    }
    if !again {
        let kept = state.conventions.get(&card.name);
        state.convention = match (kept, &before) {
            (Some(kept), _) => kept.convention,
            (None, Some(_)) => Convention::RAW,
            // The one that the session was left with.
            (None, None) => state.convention,
        };
    }
    let known = state.places.get(&card.name).cloned();
    state.model = Some(Model { id, card });
    let mut effects = Vec::new();
    views::all().for_each(|view| view.opened(state));
    // Where one was in it, in the tab that is in front.
    let tab = state.tab;
    for address in known.unwrap_or_default() {
        // A model that is another one by now may not have the place any more.
        if navigate::check(state, address, None).is_ok() {
            navigate::place(state, address);
        }
    }
    state.tab = tab;
    for view in opening.then {
        match saved::restore(state, &view) {
            Ok(more) => effects.extend(more),
            Err(why) => state.fail(why),
        }
    }
    navigate::remember(state, false);
    effects
}

fn answered(state: &mut State, shown: Shown) {
    if let (Answer::Undertrained(found), Some(model)) = (&*shown.answer, &mut state.model) {
        Arc::make_mut(&mut model.card).undertrained = found.clone();
    }
    views::all().for_each(|view| view.answering(state, &shown));
    state.board.put(shown.clone());
    views::all().for_each(|view| view.answered(state, &shown));
}
