//! What the worker tells: models and answers.

use std::sync::Arc;
use std::time::Duration;

use super::{filters, find, geometry, navigate, overlays, views};
use crate::explorer::effect::Effect;
use crate::explorer::state::{Heads, Model, Notice, Opening, Part, Shown, State};
use crate::query::{self, Answer, Convention, ModelCard, Query, TrustQuery};
use crate::worker::{Event, ModelId};

/// Places worth seeing first, of the bundled models: layer and neuron, layer and head. The neuron of
/// gpt2-pl fires on beginnings of verbs and promotes their endings; its head answers adjectives and
/// pronouns with verbs of their gender.
const WORTH_SEEING: [(&str, [usize; 2], [usize; 2]); 2] =
    [("gpt2-pl", [0, 302], [5, 4]), ("bert-pl", [3, 297], [3, 0])];

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
        overlays::back_to_history(state);
        return Vec::new();
    }
    let name = WORTH_SEEING[0].0;
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
                state.fetching = (progress.done() < progress.size()).then_some(progress);
            }
        }
        Event::Failed { id, query, message } => {
            if Some(id) == current && state.wanted.contains(&query) {
                // What is being typed is seldom a word yet: the list says so, not the status line.
                if matches!(query, Query::Find(_)) {
                    state.find.found = None;
                } else {
                    state.fail(&message);
                }
                state.failed.retain(|(failed, _)| *failed != query);
                if matches!(query, Query::Geometry(_)) {
                    state.geometry.part.done = None;
                }
                state.failed.push((query, message));
            }
        }
    }
    super::settle(state, effects)
}

/// The message, which names the model if it does not already.
pub(super) fn with_name(name: &str, message: String) -> String {
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
        state.places.insert(before.clone(), state.by_pane().into());
        state.previous = Some(before);
    }
    state.chosen_in = None;
    if card.remote {
        state.in_parts.insert(card.name.clone());
    }
    state.neuron = None;
    state.pairs = [None, None];
    state.directions = [None, None];
    state.layer_directions = [None, None];
    state.find.found = None;
    state.trusts = [None, None, None];
    state.norms = None;
    state.column_points = None;
    state.ranked.opened = false;
    state.ranked.layers.clear();
    state.marked = None;
    state.tells_undertrained = None;
    state.geometry.part = Part::default();
    state.geometry.map = None;
    state.geometry.contexts.clear();
    state.geometry.state = card.spec.layers;
    state.geometry.language = None;
    (state.touched, state.convention_told) = (false, false);
    state.since_lists = Duration::ZERO;
    state.seen.clear();
    state.wanted.clear();
    state.idle.clear();
    let (neuron, head) = worth_seeing(&card);
    [state.neurons.layer, state.neurons.neuron] = neuron;
    [state.heads.layer, state.heads.head] = head;
    let known = WORTH_SEEING.iter().any(|(name, ..)| *name == card.name)
        || state.places.contains_key(&card.name);
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
    // Where one was in it, in the pane that is in front.
    let pane = state.pane;
    for address in known.unwrap_or_default() {
        // A model that is another one by now may not have the place any more.
        if navigate::check(state, address).is_ok() {
            navigate::place(state, address);
        }
    }
    state.pane = pane;
    for view in opening.then {
        match views::restore(state, &view) {
            Ok(more) => effects.extend(more),
            Err(why) => state.fail(why),
        }
    }
    navigate::remember(state, false);
    effects
}

/// A neuron and a head to begin with: known ones, else the first of the middle layer.
fn worth_seeing(card: &ModelCard) -> ([usize; 2], [usize; 2]) {
    let middle = [card.spec.layers / 2, 0];
    let mut known = WORTH_SEEING.iter().filter(|(name, ..)| *name == card.name);
    known
        .next()
        .map_or((middle, middle), |&(_, neuron, head)| (neuron, head))
}

fn answered(state: &mut State, shown: Shown) {
    match (&shown.query, &*shown.answer) {
        (Query::Pairs(query), Answer::Pairs(answer)) => {
            let list = usize::from(query.form == Heads::FORMS[1]);
            if let Some(best) = answer.pairs.first() {
                let seen = state.seen.entry((query.layer, query.head)).or_default();
                seen[list] = Some(best.score);
            }
            state.pairs[list] = Some(shown);
        }
        (Query::Directions(query), Answer::Directions(_)) => match query.part {
            query::Part::Form(form) => {
                state.directions[usize::from(form == Heads::FORMS[1])] = Some(shown);
            }
            part => {
                let list = usize::from(part == query::Part::FfOut);
                state.layer_directions[list] = Some(shown);
            }
        },
        (Query::Trust(TrustQuery::Neuron(_)), _) => state.trusts[0] = Some(shown),
        (Query::Trust(TrustQuery::Pairs(query)), _) => {
            let list = usize::from(query.form == Heads::FORMS[1]);
            state.trusts[1 + list] = Some(shown);
        }
        (Query::Find(_), Answer::Find(_)) => find::take(state, shown),
        (Query::Neuron(_), _) => state.neuron = Some(shown),
        (Query::Rank(_), Answer::Rank(_)) => match state.first_place(&shown) {
            Some(address) => {
                state.first_look = false;
                navigate::visit(state, address);
                let view = state.saved_view();
                state.history.replace(view);
            }
            None => state.take_ranking(shown),
        },
        (Query::Undertrained, Answer::Undertrained(found)) => {
            state.tells_undertrained = Some(found.is_some());
            state.since_lists = shown.took;
        }
        (Query::FirstConvention, Answer::FirstConvention(answer)) => {
            let shown_for = state.since_lists + shown.took;
            filters::first_convention(state, answer, shown_for);
        }
        (Query::TextLanguage, Answer::TextLanguage(language)) => {
            geometry::fit(state, *language);
        }
        (Query::ValueNorms, _) => state.norms = Some(shown.answer),
        (Query::Geometry(_), _) => state.geometry.part.take(shown),
        (Query::ContextMap(_), Answer::Map(_)) => {
            state.geometry.map = Some(shown);
            geometry::contexts(state);
        }
        (Query::NeuronMap(_), Answer::Map(_)) => {
            state.column_points = Some(shown);
            state.neurons.selected = 0;
        }
        _ => {}
    }
}
