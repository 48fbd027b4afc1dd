//! Queries and answers, as plain values: a query is its own identity, for caches and for telling
//! a late answer from a wanted one.

use std::fmt;
use std::sync::Arc;

use crate::checkpoint::{Family, OutputEmbedding, Reading, Spec};
use crate::projection::{End, Pair, Scored};
use crate::transformer::{Form, Input};
use crate::vocabulary::{Filters, Vocabulary};

use super::contextual::{
    ContextMapQuery, GeometryAnswer, GeometryQuery, MapAnswer, NeuronMapQuery,
};
use super::convention::{Convention, Switch};
use super::{
    Address, DirectionsAnswer, DirectionsQuery, FindAnswer, FindQuery, FirstConventionAnswer,
    Interest, Part, QueryError, RankAnswer, RankQuery, TrustAnswer, TrustQuery,
};

/// Why what is written cannot be read of some files.
pub const NO_HEAD: &str = "config.json says that the embeddings are not tied, and the file has no \
     language-model head: V and VO cannot be read, K and QK can";

/// What is known of an opened model, shared by whoever shows it.
#[derive(Clone)]
pub struct ModelCard {
    /// As the user named it: `gpt2-pl`, a folder, or a hub id.
    pub name: String,
    pub family: &'static Family,
    pub spec: Spec,
    pub vocabulary: Arc<Vocabulary>,
    /// Where products are computed: `cpu`, `cuda:0`.
    pub device: String,
    /// The weights stay on the hub: what needs all of them is not offered.
    pub remote: bool,
    /// Whether its neurons or heads have biases.
    pub biased: bool,
    /// Why it cannot be run on texts, if it cannot.
    pub not_run: Option<String>,
    /// What the user should know about how it was opened, a sentence each.
    pub notices: Vec<String>,
}

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

/// What can be asked of a model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    Neuron(NeuronQuery),
    Pairs(PairsQuery),
    /// The singular directions of a matrix.
    Directions(DirectionsQuery),
    /// Where words stand.
    Find(FindQuery),
    /// For every layer, the mean norm of its value vectors.
    ValueNorms,
    /// Which tokens are undertrained: the vocabulary is told.
    Undertrained,
    /// Which convention the model is best read under at first.
    FirstConvention,
    /// What is measured of the states of texts.
    Geometry(GeometryQuery),
    /// A token's occurrences as points.
    ContextMap(ContextMapQuery),
    /// The best tokens of a neuron's column as points.
    NeuronMap(NeuronMapQuery),
    /// The most interesting neurons of a layer.
    Rank(RankQuery),
    /// How far a list can be trusted.
    Trust(TrustQuery),
}

/// The four columns of a neuron.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NeuronQuery {
    pub layer: usize,
    pub neuron: usize,
    /// Of a gated neuron, which input is the key. Of any other, the first.
    pub input: Input,
    /// Length of each column.
    pub k: usize,
    pub filters: Filters,
    pub convention: Convention,
}

/// A pair list of a head.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PairsQuery {
    pub form: Form,
    pub layer: usize,
    pub head: usize,
    /// QK with rotary positions: how many positions the key lies behind the query. Else 0.
    pub distance: usize,
    pub end: End,
    /// Length of the list.
    pub k: usize,
    pub filters: Filters,
    pub convention: Convention,
}

impl Query {
    /// The filters of its list, if it asks for one.
    pub fn filters(&self) -> Option<&Filters> {
        match self {
            Self::Neuron(query) => Some(&query.filters),
            Self::Pairs(query) => Some(&query.filters),
            Self::Directions(query) => Some(&query.filters),
            Self::Find(query) => Some(&query.filters),
            Self::Rank(query) => Some(&query.filters),
            Self::Trust(TrustQuery::Neuron(query)) => Some(&query.filters),
            Self::Trust(TrustQuery::Pairs(query)) => Some(&query.filters),
            Self::ValueNorms
            | Self::Undertrained
            | Self::FirstConvention
            | Self::Geometry(_)
            | Self::ContextMap(_)
            | Self::NeuronMap(_) => None,
        }
    }

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
            | Self::Geometry(_)
            | Self::ContextMap(_) => return self,
        };
        *named = convention;
        self
    }

    /// The convention that it names, if it may name one.
    pub fn convention(&self) -> Option<Convention> {
        match self {
            Self::Neuron(query) => Some(query.convention),
            Self::Pairs(query) => Some(query.convention),
            Self::NeuronMap(query) => Some(query.convention),
            Self::Directions(query) => Some(query.convention),
            Self::Find(query) => Some(query.convention),
            Self::Trust(TrustQuery::Neuron(query)) => Some(query.convention),
            Self::Trust(TrustQuery::Pairs(query)) => Some(query.convention),
            Self::Rank(query) => Some(query.convention),
            Self::ValueNorms
            | Self::Undertrained
            | Self::FirstConvention
            | Self::Geometry(_)
            | Self::ContextMap(_) => None,
        }
    }

    /// The place that is asked about.
    pub fn address(&self) -> Option<Address> {
        match self {
            Self::Neuron(q) => Some(q.address()),
            Self::Pairs(q) => Some(q.address()),
            Self::Trust(q) => Some(q.address()),
            Self::Rank(q) => Some(Address::Layer { layer: q.layer }),
            Self::NeuronMap(q) => Some(Address::Neuron {
                layer: q.layer,
                neuron: q.neuron,
            }),
            Self::Directions(q) => Some(q.address()),
            Self::ValueNorms
            | Self::Undertrained
            | Self::FirstConvention
            | Self::Geometry(_)
            | Self::ContextMap(_)
            | Self::Find(_) => None,
        }
    }
}

impl NeuronQuery {
    /// The neuron.
    pub fn address(&self) -> Address {
        Address::Neuron {
            layer: self.layer,
            neuron: self.neuron,
        }
    }
}

impl PairsQuery {
    /// The head and its form.
    pub fn address(&self) -> Address {
        Address::Head {
            layer: self.layer,
            head: self.head,
            form: Some(self.form),
        }
    }
}

/// One of a neuron's four columns. The negative ones are the low ends of the same scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Column {
    K,
    V,
    MinusK,
    MinusV,
}

impl Column {
    /// In the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::K, Self::V, Self::MinusK, Self::MinusV];

    /// The name in JSON and CSV: `K`, `V`, `-K`, `-V`.
    pub fn name(self) -> &'static str {
        match self {
            Self::K => "K",
            Self::V => "V",
            Self::MinusK => "-K",
            Self::MinusV => "-V",
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::K => "K",
            Self::V => "V",
            Self::MinusK => "−K",
            Self::MinusV => "−V",
        })
    }
}

/// What comes back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Neuron(NeuronAnswer),
    Pairs(PairsAnswer),
    Directions(DirectionsAnswer),
    Find(FindAnswer),
    /// Mean norm of the value vectors, a layer each.
    ValueNorms(Vec<f32>),
    /// How many tokens are undertrained; `None` if the embedding does not tell.
    Undertrained(Option<usize>),
    FirstConvention(FirstConventionAnswer),
    Geometry(GeometryAnswer),
    /// Of both kinds of map.
    Map(MapAnswer),
    Rank(RankAnswer),
    Trust(TrustAnswer),
}

/// A neuron's columns.
#[derive(Clone, Debug, PartialEq)]
pub struct NeuronAnswer {
    /// In the order of [`Column::ALL`], best first. In the negative columns the score is that of
    /// the negated vector.
    pub columns: [Vec<Scored>; 4],
    /// What was added to the scores of the key, where the convention says so.
    pub bias: Option<f32>,
    /// How many rows passed the filters, of how many.
    pub passing: usize,
    pub rows: usize,
}

/// A head's pair list, finished or so far.
#[derive(Clone, Debug, PartialEq)]
pub struct PairsAnswer {
    /// Best first; for the lowest end, most negative first.
    pub pairs: Vec<Pair>,
    /// With the biases of the left side added, what they bring to every token on the right
    /// whatever the left one is, best and lowest first: of QK what is attended to whatever asks,
    /// of VO what is written whatever is read.
    pub regardless: Option<[Vec<Scored>; 2]>,
    /// How many rows passed the filters on each side.
    pub passing: usize,
    pub rows: usize,
    /// Share of the search that is done, 0 to 1.
    pub done: f32,
    /// True when no better pair can exist.
    pub exact: bool,
}
