//! What a model does not answer, and why: places that it does not have, choices of its
//! configuration that are not known, what its file does not hold.

use crate::checkpoint::{OutputEmbedding, Reading};
use crate::transformer::{Form, Input};

use super::contextual::NeuronMapQuery;
use super::{
    Address, Column, Convention, Interest, ModelCard, NeuronQuery, PairsQuery, Part, Query,
    QueryError, Switch, TrustQuery,
};

/// Why what is written cannot be read of some files.
pub const NO_HEAD: &str = "config.json says that the embeddings are not tied, and the file has no \
     language-model head: V and VO cannot be read, K and QK can";

impl ModelCard {
    /// Whether its neurons have a gate, and so two inputs.
    pub fn gated(&self) -> bool {
        self.family.ff_gate.is_some()
    }

    /// Whether the model has what a query asks about.
    ///
    /// # Errors
    /// As [`ModelCard::check`]; or it has no gate, or no distance.
    pub(super) fn check_query(&self, query: &Query) -> Result<(), QueryError> {
        query
            .address()
            .map_or(Ok(()), |address| self.check(address))?;
        let without = |what: &str| {
            Err(QueryError::Nothing {
                model: self.name.clone(),
                what: what.to_owned(),
            })
        };
        if let Some(convention) = query.convention() {
            self.check_convention(convention)?;
        }
        for &reading in query.readings() {
            if let Some(choice) = self.spec.unknown_for(reading) {
                return without(&format!(
                    "config.json: unknown `{}` {}: expected {}; {reading} cannot be read under it",
                    choice.key, choice.got, choice.expected
                ));
            }
        }
        if query.needs_output() && !self.has_output(query.convention().unwrap_or_default()) {
            return without(NO_HEAD);
        }
        match query {
            Query::Neuron(NeuronQuery { input, .. })
            | Query::NeuronMap(NeuronMapQuery { input, .. })
                if *input != Input::default() && !self.gated() =>
            {
                without("a neuron has one input here, no gate: leave the key as it is")
            }
            Query::Directions(query) if query.convention.has(Switch::Biases) => {
                without("directions are of the weights alone: give no biases")
            }
            Query::Pairs(query) | Query::Trust(TrustQuery::Pairs(query)) if query.distance > 0 => {
                match self.farther(query) {
                    None => Ok(()),
                    Some(why) => without(&why),
                }
            }
            _ => Ok(()),
        }
    }

    /// Why there are no pairs at a query's distance, if there are none.
    fn farther(&self, query: &PairsQuery) -> Option<String> {
        if query.form == Form::Vo {
            return Some("VO is the same at every distance: give none".to_owned());
        }
        if !self.spec.rotary {
            let why = "positions are not rotary here, QK is the same at every distance: give none";
            return Some(why.to_owned());
        }
        let (reach, context) = (self.reach(query.layer), self.spec.context);
        (query.distance > reach).then(|| {
            let why = match reach + 1 < context {
                true => format!("layer {} looks through a window", query.layer),
                false => format!("the model has {context} positions"),
            };
            format!(
                "expected a distance of 0 to {reach}, got {}: {why}",
                query.distance
            )
        })
    }

    /// How far behind a query a key can lie that a layer still sees.
    pub fn reach(&self, layer: usize) -> usize {
        self.spec.reach.get(layer).copied().unwrap_or_default()
    }

    /// Whether what is written can be projected: there is an output embedding, or a convention puts
    /// the input embedding in its place.
    pub fn has_output(&self, convention: Convention) -> bool {
        self.spec.output != OutputEmbedding::Missing || convention.has(Switch::Input)
    }

    /// Whether the model can be read under a convention.
    ///
    /// # Errors
    /// It cannot: which switch it does not offer, and why.
    pub fn check_convention(&self, convention: Convention) -> Result<(), QueryError> {
        for switch in convention.switches() {
            if let Err(why) = self.offers(switch) {
                return Err(QueryError::Nothing {
                    model: self.name.clone(),
                    what: format!("the convention {switch} is not offered: {why}; leave it out"),
                });
            }
        }
        Ok(())
    }

    /// Whether the model has such a place.
    ///
    /// # Errors
    /// It has not; the message says what it has.
    pub fn check(&self, address: Address) -> Result<(), QueryError> {
        let layer = ("layer", address.layer(), self.spec.layers);
        let inside = match address {
            Address::Layer { .. } => layer,
            Address::Neuron { neuron, .. } => ("neuron", neuron, self.spec.neurons),
            Address::Head { head, .. } => ("head", head, self.spec.heads),
            Address::State { state } => ("state", state, self.spec.layers + 1),
        };
        let of_state = matches!(address, Address::State { .. });
        match [(!of_state).then_some(layer), Some(inside)]
            .into_iter()
            .flatten()
            .find(|(_, got, count)| got >= count)
        {
            None => Ok(()),
            Some((what, got, count)) => {
                let model = self.name.clone();
                Err(QueryError::OutOfRange {
                    what,
                    got,
                    last: count.saturating_sub(1),
                    model,
                })
            }
        }
    }
}

impl Query {
    /// What of the model it reads, as far as the configuration can change its numbers. The forward
    /// pass says so itself.
    fn readings(&self) -> &'static [Reading] {
        let of_form = |form, distance| match (form, distance) {
            (Form::Vo, _) => &[Reading::Vo][..],
            (Form::Qk, 0) => &[Reading::Qk],
            (Form::Qk, _) => &[Reading::Qk, Reading::Distance],
        };
        match self {
            Self::Neuron(_) | Self::NeuronMap(_) | Self::ValueNorms => &[Reading::Neurons],
            Self::Trust(TrustQuery::Neuron(_)) => &[Reading::Neurons],
            Self::Pairs(query) | Self::Trust(TrustQuery::Pairs(query)) => {
                of_form(query.form, query.distance)
            }
            Self::Directions(query) => match query.part {
                Part::Form(form) => of_form(form, 0),
                Part::FfIn | Part::FfGate | Part::FfUp | Part::FfOut => &[Reading::Neurons],
            },
            Self::Find(query) if query.heads => &[Reading::Neurons, Reading::Vo, Reading::Qk],
            Self::Find(_) => &[Reading::Neurons],
            Self::Rank(query) => query
                .by
                .form()
                .map_or(&[Reading::Neurons], |f| of_form(f, 0)),
            // Of what can be read of the model.
            Self::FirstConvention
            | Self::TextLanguage
            | Self::Undertrained
            | Self::Geometry(_)
            | Self::ContextMap(_) => &[],
        }
    }

    /// Whether nothing is left of its answer without an output embedding.
    fn needs_output(&self) -> bool {
        match self {
            Self::Pairs(query) | Self::Trust(TrustQuery::Pairs(query)) => query.form == Form::Vo,
            Self::Directions(query) => {
                matches!(query.part, Part::Form(Form::Vo) | Part::FfOut)
            }
            Self::Rank(query) => query.by == Interest::Overlap || query.by.form() == Some(Form::Vo),
            Self::NeuronMap(query) => matches!(query.column, Column::V | Column::MinusV),
            Self::Neuron(_)
            | Self::Find(_)
            | Self::Trust(TrustQuery::Neuron(_))
            | Self::ValueNorms
            | Self::Undertrained
            | Self::FirstConvention
            | Self::TextLanguage
            | Self::Geometry(_)
            | Self::ContextMap(_) => false,
        }
    }

    /// The same under another convention, if it may name one.
    #[must_use]
    pub fn under(mut self, convention: Convention) -> Self {
        let named = match &mut self {
            Self::Neuron(query) => &mut query.convention,
            Self::Pairs(query) => &mut query.convention,
            Self::NeuronMap(query) => &mut query.convention,
            Self::Directions(query) => &mut query.convention,
            Self::Find(query) => &mut query.convention,
            Self::Trust(TrustQuery::Neuron(query)) => &mut query.convention,
            Self::Trust(TrustQuery::Pairs(query)) => &mut query.convention,
            Self::Rank(query) => &mut query.convention,
            Self::ValueNorms
            | Self::Undertrained
            | Self::FirstConvention
            | Self::TextLanguage
            | Self::Geometry(_)
            | Self::ContextMap(_) => return self,
        };
        *named = convention;
        self
    }
}
