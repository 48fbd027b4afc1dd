//! What the worker tells: models and answers.

use std::sync::Arc;

use super::navigate;
use crate::explorer::effect::Effect;
use crate::explorer::state::{Heads, History, Model, Neurons, Shown, State};
use crate::query::{Answer, ModelCard, Query};
use crate::worker::{Event, ModelId};

/// Neurons worth seeing first, of the bundled models.
const WORTH_SEEING: [(&str, usize, usize); 2] = [("gpt2-pl", 3, 103), ("bert-pl", 3, 0)];

/// The worker has begun to open a model.
pub fn opening(state: &mut State, id: ModelId) {
    if let Some(opening) = &mut state.opening {
        opening.id = Some(id);
    }
}

/// The model asked for cannot even be begun with.
pub fn not_opening(state: &mut State, message: String) {
    state.opening = None;
    state.fail(message);
}

/// The worker tells something. What is no longer wanted is ignored.
pub fn event(state: &mut State, event: Event) -> Vec<Effect> {
    let current = state.model.as_ref().map(|model| model.id);
    match event {
        Event::Opened { id, card } => opened(state, id, card),
        Event::NotOpened { id, name, message } => {
            if state.opening.as_ref().is_some_and(|o| o.id == Some(id)) {
                not_opening(state, format!("{name}: {message}"));
            }
        }
        Event::Answered {
            id,
            query,
            answer,
            took,
        } => {
            if Some(id) == current && state.wanted.contains(&query) {
                let shown = Shown {
                    query,
                    answer,
                    took,
                };
                answered(state, shown);
            }
        }
        Event::Failed { id, query, message } => {
            if Some(id) == current && state.wanted.contains(&query) {
                state.fail(message);
            }
        }
    }
    super::settle(state, Vec::new())
}

fn opened(state: &mut State, id: ModelId, card: Arc<ModelCard>) {
    let Some(opening) = state.opening.take_if(|o| o.id == Some(id)) else {
        return;
    };
    let first = state.model.is_none();
    state.neuron = None;
    state.pairs = [None, None];
    state.norms = None;
    state.seen.clear();
    state.wanted.clear();
    let layers = card.spec.layers.saturating_sub(1);
    let (layer, neuron) = worth_seeing(&card);
    state.neurons = Neurons {
        layer,
        neuron,
        ..state.neurons
    };
    state.heads = Heads {
        layer: state.heads.layer.min(layers),
        head: state.heads.head.min(card.spec.heads.saturating_sub(1)),
        ..state.heads
    };
    navigate::to_top(state);
    if let Some(notice) = card.notices.first() {
        state.say(notice);
    } else if !first {
        state.say(format!("{} is open", card.name));
    }
    state.model = Some(Model { id, card });
    state.history = History::new(state.address());
    if let Some(address) = opening.then
        && navigate::go(state, address)
    {
        state.history = History::new(state.address());
    }
}

/// A neuron to begin with: a known one, else the first of the middle layer.
fn worth_seeing(card: &ModelCard) -> (usize, usize) {
    let known = WORTH_SEEING.iter().find(|(name, ..)| *name == card.name);
    let (layer, neuron) = known.map_or((card.spec.layers / 2, 0), |&(_, l, n)| (l, n));
    (
        layer.min(card.spec.layers.saturating_sub(1)),
        neuron.min(card.spec.neurons.saturating_sub(1)),
    )
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
        (Query::Neuron(_), _) => state.neuron = Some(shown),
        (Query::ValueNorms, _) => state.norms = Some(shown.answer),
        (Query::Pairs(_), _) => {}
    }
}
