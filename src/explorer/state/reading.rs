//! How weights are read as words: under which convention, and how far that can be trusted.

use super::{Pane, State};
use crate::query::{Answer, Convention, Query, Trust, TrustAnswer, TrustQuery};

impl State {
    /// How weights become words: what is wished, as far as the model offers it.
    pub fn convention(&self) -> Convention {
        let wished = self.convention;
        self.card().map_or(wished, |card| wished.offered(card))
    }

    /// How far what is asked for can be trusted, to be found out once there is time: it needs all
    /// weights of a layer.
    pub(super) fn trust_queries(&self, asked: &[Query]) -> Vec<Query> {
        if self.card().is_none_or(|card| card.remote) {
            return Vec::new();
        }
        let trust = |query: &Query| match query {
            Query::Neuron(query) => Some(TrustQuery::Neuron(query.clone())),
            Query::Pairs(query) => Some(TrustQuery::Pairs(query.clone())),
            _ => None,
        };
        asked.iter().filter_map(trust).map(Query::Trust).collect()
    }

    /// How far a column can be trusted, or the pair list of that number, as far as it is known.
    pub fn trust(&self, list: usize) -> Option<&Trust> {
        let (slot, at) = match self.pane {
            Pane::Neurons => (0, list),
            _ => (1 + list, 0),
        };
        let shown = self.trusts[slot].as_ref()?;
        match &*shown.answer {
            Answer::Trust(TrustAnswer { lists, .. }) if self.wanted.contains(&shown.query) => {
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
