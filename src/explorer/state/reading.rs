//! Under which convention weights are read as words.

use super::State;
use crate::explorer::session::KeptConvention;
use crate::query::{Convention, FIRST_CONVENTION_RULE, Query, Switch};

/// What the figures of the bundled models favour (`Query::FirstConvention`), to show it at once.
const BUNDLED: [(&str, &str); 2] = [("gpt2-pl", "cosine"), ("bert-pl", "raw")];

impl State {
    /// From now on models that were never read begin under what their figures favour.
    pub fn favour(&mut self) {
        self.favours = true;
        for (name, convention) in BUNDLED {
            if let Ok(convention) = convention.parse() {
                let kept = KeptConvention {
                    convention,
                    own: false,
                    rule: FIRST_CONVENTION_RULE,
                };
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
        let query = (self.favours && !known).then_some(Query::FirstConvention);
        query.filter(|query| self.is_worth_asking(query))
    }

    /// Keeps the convention for the open model.
    pub fn keep_convention(&mut self, own: bool) {
        let convention = self.convention;
        if let Some(name) = self.card().map(|card| card.name.clone()) {
            let kept = KeptConvention {
                convention,
                own,
                rule: FIRST_CONVENTION_RULE,
            };
            self.conventions.insert(name, kept);
        }
    }

    /// The convention of what is in front: directions are of the weights alone.
    pub fn convention_shown(&self) -> Convention {
        let all = self.convention();
        let directions = self.tab().words().is_some_and(|w| w.shows_directions(self));
        match directions && all.has(Switch::Biases) {
            true => all.flipped(Switch::Biases),
            false => all,
        }
    }
}
