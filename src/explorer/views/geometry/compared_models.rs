//! Further models of the chart: added, opened when the chart is seen, asked, removed.

use super::ComparedModel;
use crate::explorer::action::TabId;
use crate::explorer::board::Shown;
use crate::explorer::effect::{ComparedEffect, Effect};
use crate::explorer::shell;
use crate::explorer::state::{Model, State};
use crate::query::Query;
use crate::worker::Event;

/// Lines that can still be told from one another, less the open model's.
const BESIDE_MAX: usize = 2;

/// Whether one more model can be added; says why not.
pub fn has_room(state: &mut State) -> bool {
    let room = state.views.geometry.compared_models.len() < BESIDE_MAX;
    if !room {
        state.say("there are three models in the chart: Del removes the last");
    }
    room
}

/// Adds a model, which is opened when the chart is in front.
pub fn add(state: &mut State, name: String) {
    let there = state
        .views
        .geometry
        .compared_models
        .iter()
        .any(|c| c.name == name);
    if there || state.card().is_some_and(|card| card.name == name) {
        return state.say(format!("{name} is in the chart already"));
    }
    let geometry = &mut state.views.geometry;
    geometry.stopped = false;
    geometry.points = false;
    geometry.next_key += 1;
    let model = ComparedModel::named(geometry.next_key, name);
    geometry.compared_models.push(model);
}

/// Removes the model that was added last.
pub fn remove(state: &mut State) -> Vec<Effect> {
    match state.views.geometry.compared_models.pop() {
        Some(model) => {
            state.say(format!("{} is no longer in the chart", model.name));
            close(&model)
        }
        None => {
            state.say("only the open model is in the chart: + adds another");
            Vec::new()
        }
    }
}

fn close(model: &ComparedModel) -> Vec<Effect> {
    let asked = model.asked.then_some(ComparedEffect::Close);
    asked
        .map(|close| Effect::Compared(model.key, close))
        .into_iter()
        .collect()
}

/// Opens the compared models when the chart is in front, and asks them for what it needs.
pub fn settle(state: &mut State, effects: &mut Vec<Effect>) {
    let geometry = &mut state.views.geometry;
    let front = state.tab == TabId::Geometry && state.model.is_some();
    let asks = front && !geometry.points && !geometry.stopped && !geometry.lacks_language();
    let asked = Query::Geometry(geometry.settings.query());
    for model in &mut geometry.compared_models {
        if front && !model.asked {
            model.asked = true;
            let open = ComparedEffect::Open(model.name.clone());
            effects.push(Effect::Compared(model.key, open));
        }
        let needs: Vec<Query> = asks.then(|| asked.clone()).into_iter().collect();
        if model.open.is_some() && needs != model.wanted {
            model.wanted.clone_from(&needs);
            (model.failed, model.part.done) = (None, None);
            effects.push(Effect::Compared(model.key, ComparedEffect::Want(needs)));
        }
    }
}

/// The worker of a compared model reports.
pub fn compared(state: &mut State, key: u64, event: Event) -> Vec<Effect> {
    let mut effects = Vec::new();
    let compared = &mut state.views.geometry.compared_models;
    let Some(at) = compared.iter().position(|c| c.key == key) else {
        return effects;
    };
    let model = &mut compared[at];
    match event {
        Event::Opened { id, card } => model.open = Some(Model { id, card }),
        Event::NotOpened { name, message, .. } => {
            let model = compared.remove(at);
            effects = close(&model);
            state.fail(shell::with_name(&name, message));
        }
        Event::Answered {
            query,
            answer,
            took,
            ..
        } if model.wanted.contains(&query) => model.part.take(Shown {
            query,
            answer,
            took,
        }),
        Event::Failed { query, message, .. } if model.wanted.contains(&query) => {
            model.failed = Some(message.clone());
            model.part.done = None;
            state.fail(message);
        }
        Event::Answered { .. } | Event::Failed { .. } | Event::Fetching { .. } => {}
    }
    shell::settle(state, effects)
}
