//! What an answer is called that is on screen while another one is computed: by its own place and
//! settings, never by those of the place one is at.

use super::State;
use crate::explorer::board::Shown;
use crate::projection::End;
use crate::query::{Address, Query, TokenChoice};

impl State {
    /// What is on screen, if it is not what is asked for now: `L4.H2.VO, lowest, gain …`.
    pub fn stale_label(&self, shown: Option<&Shown>) -> Option<String> {
        let query = &shown?.query;
        if self.wants_list(query) {
            return None;
        }
        let mut parts: Vec<String> = Vec::new();
        match query {
            Query::ContextMap(query) => {
                let token = match &query.token {
                    TokenChoice::Word(word) => format!("“{word}”"),
                    TokenChoice::Id(id) => format!("token {id}"),
                };
                parts.push(format!("{token} in state {}", query.state));
            }
            Query::NeuronMap(query) => {
                let (layer, neuron) = (query.layer, query.neuron);
                let address = self.named(Address::Neuron { layer, neuron });
                parts.push(format!("{} of {address}", query.column));
            }
            _ => parts.extend(
                query
                    .address()
                    .map(|address| self.named(address).to_string()),
            ),
        }
        if let Query::Pairs(query) = query {
            if query.distance > 0 {
                parts.push(format!("Δ{}", query.distance));
            }
            if query.end == End::Lowest {
                parts.push("▼ lowest".to_owned());
            }
        }
        let convention = query.convention().filter(|c| *c != self.convention_shown());
        parts.extend(convention.map(|convention| convention.name()));
        Some(format!("{} …", parts.join(", ")))
    }
}
