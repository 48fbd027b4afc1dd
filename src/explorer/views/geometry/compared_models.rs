//! Further models of the chart: added, opened when the chart is seen, asked, removed.

use super::ComparedModel;
use crate::explorer::action::TabId;
use crate::explorer::board::Shown;
use crate::explorer::effect::{Beside, Effect};
use crate::explorer::shell;
use crate::explorer::state::{Model, State};
use crate::query::Query;
use crate::worker::Event;

/// Lines that can still be told from one another, less the open model's.
const BESIDE_MAX: usize = 2;

/// Whether one more model can be added; says why not.
pub fn has_room(state: &mut State) -> bool {
    let room = state.views.geometry.beside.len() < BESIDE_MAX;
    if !room {
        state.say("there are three models in the chart: Del removes the last");
    }
    room
}

/// Adds a model, which is opened when the chart is in front.
pub fn add(state: &mut State, name: String) {
    let there = state.views.geometry.beside.iter().any(|c| c.name == name);
    if there || state.card().is_some_and(|card| card.name == name) {
        return state.say(format!("{name} is in the chart already"));
    }
    let geometry = &mut state.views.geometry;
    geometry.stopped = false;
    geometry.points = false;
    geometry.next_key += 1;
    let companion = ComparedModel::named(geometry.next_key, name);
    geometry.beside.push(companion);
}

/// Removes the model that was added last.
pub fn remove(state: &mut State) -> Vec<Effect> {
    match state.views.geometry.beside.pop() {
        Some(companion) => {
            state.say(format!("{} is no longer in the chart", companion.name));
            close(&companion)
        }
        None => {
            state.say("only the open model is in the chart: + adds another");
            Vec::new()
        }
    }
}

fn close(companion: &ComparedModel) -> Vec<Effect> {
    let asked = companion.asked.then_some(Beside::Close);
    asked
        .map(|close| Effect::Beside(companion.key, close))
        .into_iter()
        .collect()
}

/// Opens companions when the chart is in front, and asks them for what it needs.
pub fn settle(state: &mut State, effects: &mut Vec<Effect>) {
    let geometry = &mut state.views.geometry;
    let front = state.tab == TabId::Geometry && state.model.is_some();
    let asks = front && !geometry.points && !geometry.stopped && !geometry.lacks_language();
    let asked = Query::Geometry(geometry.settings.query());
    for companion in &mut geometry.beside {
        if front && !companion.asked {
            companion.asked = true;
            let open = Beside::Open(companion.name.clone());
            effects.push(Effect::Beside(companion.key, open));
        }
        let needs: Vec<Query> = asks.then(|| asked.clone()).into_iter().collect();
        if companion.open.is_some() && needs != companion.wanted {
            companion.wanted.clone_from(&needs);
            (companion.failed, companion.part.done) = (None, None);
            effects.push(Effect::Beside(companion.key, Beside::Want(needs)));
        }
    }
}

/// A companion's worker tells something.
pub fn beside(state: &mut State, key: u64, event: Event) -> Vec<Effect> {
    let mut effects = Vec::new();
    let beside = &mut state.views.geometry.beside;
    let Some(at) = beside.iter().position(|c| c.key == key) else {
        return effects;
    };
    let companion = &mut beside[at];
    match event {
        Event::Opened { id, card } => companion.open = Some(Model { id, card }),
        Event::NotOpened { name, message, .. } => {
            let companion = beside.remove(at);
            effects = close(&companion);
            state.fail(shell::with_name(&name, message));
        }
        Event::Answered {
            query,
            answer,
            took,
            ..
        } if companion.wanted.contains(&query) => companion.part.take(Shown {
            query,
            answer,
            took,
        }),
        Event::Failed { query, message, .. } if companion.wanted.contains(&query) => {
            companion.failed = Some(message.clone());
            companion.part.done = None;
            state.fail(message);
        }
        Event::Answered { .. } | Event::Failed { .. } | Event::Fetching { .. } => {}
    }
    shell::settle(state, effects)
}
