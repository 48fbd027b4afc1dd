//! How weights are read as words: under which convention, and how far that can be trusted.

use super::{Pane, State};
use crate::explorer::session::KeptConvention;
use crate::query::{
    Answer, Convention, NeuronQuery, PairsQuery, Query, Switch, TRUST_TOP, Trust, TrustAnswer,
    TrustQuery,
};

/// What the figures of the bundled models favour (`Query::FirstConvention`), to show it at once.
const BUNDLED: [(&str, &str); 2] = [("gpt2-pl", "centred+cosine"), ("bert-pl", "centred+cosine")];

impl State {
    /// From now on models that were never read begin under what their figures favour.
    pub fn favour(&mut self) {
        self.favours = true;
        for (name, convention) in BUNDLED {
            if let Ok(convention) = convention.parse() {
                let own = false;
                let kept = KeptConvention { convention, own };
                self.conventions.entry(name.to_owned()).or_insert(kept);
            }
        }
    }

    /// How weights become words: what is wished, as far as the model offers it.
    pub fn convention(&self) -> Convention {
        let wished = self.convention;
        self.card().map_or(wished, |card| wished.offered(card))
    }

    /// What asks for the convention to begin with, as long as nothing is known of it.
    pub fn convention_query(&self) -> Option<Query> {
        let card = self.card()?;
        let known = self.convention_told || self.conventions.contains_key(&card.name);
        let asks = self.favours && !card.remote && !known;
        asks.then_some(Query::FirstConvention)
    }

    /// Keeps the convention for the open model.
    pub fn keep_convention(&mut self, own: bool) {
        let convention = self.convention;
        if let Some(name) = self.card().map(|card| card.name.clone()) {
            let kept = KeptConvention { convention, own };
            self.conventions.insert(name, kept);
        }
    }

    /// The convention of what is in front: directions are of the weights alone.
    pub fn convention_shown(&self) -> Convention {
        let all = self.convention();
        match self.shows_directions() && all.has(Switch::Biases) {
            true => all.flipped(Switch::Biases),
            false => all,
        }
    }

    /// How far the lists on screen can be trusted: all weights of their layers are needed for it.
    pub(super) fn trust_queries(&self) -> Vec<Query> {
        if self.shows_directions() || self.card().is_none_or(|card| card.remote) {
            return Vec::new();
        }
        let trust = match self.pane {
            // Its length does not matter: the same for one that was made longer.
            Pane::Neurons => vec![TrustQuery::Neuron(NeuronQuery {
                k: TRUST_TOP,
                ..self.neuron_query()
            })],
            Pane::Heads => [self.heads.focus, 1 - self.heads.focus]
                .map(|list| PairsQuery {
                    k: TRUST_TOP,
                    ..self.pairs_query(list)
                })
                .map(TrustQuery::Pairs)
                .into(),
            Pane::Geometry => Vec::new(),
        };
        trust.into_iter().map(Query::Trust).collect()
    }

    /// How far a column can be trusted, or the pair list of that number, as far as it is known.
    pub fn trust(&self, list: usize) -> Option<&Trust> {
        let (slot, at) = match self.pane {
            Pane::Neurons => (0, list),
            _ => (1 + list, 0),
        };
        let shown = self.trusts[slot].as_ref()?;
        match &*shown.answer {
            Answer::Trust(TrustAnswer { lists, .. }) if self.idle.contains(&shown.query) => {
                lists.get(at)
            }
            _ => None,
        }
    }

    /// The list in focus: a column's number, or that of a form.
    pub fn list_in_focus(&self) -> usize {
        match self.pane {
            Pane::Neurons => self.neurons.focus,
            _ => self.heads.focus,
        }
    }
}
