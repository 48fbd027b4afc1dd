//! What outlives a sitting: the session, read at the start and written at the end.

use super::{Heads, ModelChoice, Opening, Origin, State};
use crate::explorer::action::Pane;
use crate::explorer::session::Session;
use crate::query::Address;

/// Folders that are remembered.
const RECENT_MAX: usize = 12;

impl State {
    /// Takes up a session; `models` are those that can be chosen besides its recent folders.
    pub fn resume(&mut self, session: Session, models: Vec<ModelChoice>) {
        let recent = session.recent_folders.into_iter().map(|name| ModelChoice {
            name,
            origin: Origin::Recent,
        });
        self.models = recent.collect();
        for model in models {
            self.models.retain(|known| known.name != model.name);
            self.models.push(model);
        }
        self.models.sort_by_key(|model| model.origin);
        self.filters = session.filters;
        self.heads.end = session.end;
        if session.pane == Pane::Heads.name() {
            self.pane = Pane::Heads;
        }
        let mut places: Vec<_> = session.neuron.into_iter().chain(session.head).collect();
        if self.pane == Pane::Neurons {
            places.reverse();
        }
        if let Some(name) = session.model {
            self.opening = Some(Opening {
                id: None,
                name,
                then: places,
            });
        }
    }

    /// The places of the panes, the one in front last.
    pub fn places(&self) -> [Address; 2] {
        let neuron = Address::Neuron {
            layer: self.neurons.layer,
            neuron: self.neurons.neuron,
        };
        let head = Address::Head {
            layer: self.heads.layer,
            head: self.heads.head,
            form: Some(Heads::FORMS[self.heads.focus]),
        };
        match self.pane {
            Pane::Neurons => [head, neuron],
            Pane::Heads => [neuron, head],
        }
    }

    /// The session to keep.
    pub fn session(&self) -> Session {
        let places = self.places().map(Some);
        let (neuron, head) = match self.pane {
            Pane::Neurons => (places[1], places[0]),
            Pane::Heads => (places[0], places[1]),
        };
        let recent = self.models.iter().filter(|m| m.origin == Origin::Recent);
        Session {
            model: self.card().map(|card| card.name.clone()),
            pane: self.pane.name().to_owned(),
            neuron,
            head,
            end: self.heads.end,
            recent_folders: recent.map(|m| m.name.clone()).collect(),
            filters: self.filters.clone(),
        }
    }

    /// Notes that a model was opened, as the latest of the recent ones.
    pub fn remember(&mut self, name: &str) {
        let known = self.models.iter().position(|model| model.name == name);
        match known.map(|at| self.models[at].origin) {
            Some(Origin::Bundled | Origin::Hub) => return,
            Some(Origin::Recent) => self.models.retain(|model| model.name != name),
            None => {}
        }
        let recent = |model: &ModelChoice| model.origin == Origin::Recent;
        let bundled = |model: &ModelChoice| model.origin == Origin::Bundled;
        let first = self.models.iter().filter(|m| bundled(m)).count();
        let choice = ModelChoice {
            name: name.to_owned(),
            origin: Origin::Recent,
        };
        self.models.insert(first, choice);
        if self.models.iter().filter(|m| recent(m)).count() > RECENT_MAX {
            self.models.remove(first + RECENT_MAX);
        }
    }
}
