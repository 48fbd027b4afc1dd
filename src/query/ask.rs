//! Queries and answers, as plain values: a query is its own identity, for caches and for telling
//! a late answer from a wanted one.

use std::fmt;
use std::sync::Arc;

use crate::checkpoint::{Family, Spec};
use crate::geometry::Language;
use crate::projection::{End, Pair, Scored};
use crate::sheet::TokenNames;
use crate::transformer::{Form, Input};
use crate::vocabulary::{Filters, Undertrained, Vocabulary};

use super::contextual::{
    ContextMapQuery, GeometryAnswer, GeometryQuery, MapAnswer, NeuronMapQuery,
};
use super::convention::Convention;
use super::{
    Address, DirectionsAnswer, DirectionsQuery, FindAnswer, FindQuery, FirstConventionAnswer,
    RankAnswer, RankQuery, TrustAnswer, TrustQuery,
};

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
    /// Which of its tokens are undertrained, for the marks in lists; see
    /// [`Answering::marked_card`](super::Answering::marked_card). `None`: the embedding does not
    /// tell, or was not asked.
    pub undertrained: Option<Arc<Undertrained>>,
}

impl ModelCard {
    /// The names of its tokens in lists.
    pub fn token_names(&self) -> TokenNames {
        TokenNames::of(&self.vocabulary, self.undertrained.as_ref())
    }

    /// Whether a token is known to be undertrained; no position is.
    pub fn is_undertrained(&self, id: u32) -> bool {
        let known = self.undertrained.as_ref();
        known.is_some_and(|undertrained| undertrained.contains(id))
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
    /// Which tokens are undertrained.
    Undertrained,
    /// Which convention the model is best read under at first.
    FirstConvention,
    /// Which language's bundled texts fit the model.
    TextLanguage,
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
    /// Whether an answer to the other query may stand where this one's will stand, until it comes:
    /// the same list of another place, or under other settings.
    pub fn shares_place(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Pairs(a), Self::Pairs(b)) => a.form == b.form,
            (Self::Directions(a), Self::Directions(b)) => {
                a.part == b.part || a.part.is_of_keys() && b.part.is_of_keys()
            }
            (Self::Trust(TrustQuery::Pairs(a)), Self::Trust(TrustQuery::Pairs(b))) => {
                a.form == b.form
            }
            (Self::Trust(TrustQuery::Neuron(_)), Self::Trust(TrustQuery::Neuron(_)))
            | (Self::Neuron(_), Self::Neuron(_))
            | (Self::Find(_), Self::Find(_))
            | (Self::ValueNorms, Self::ValueNorms)
            | (Self::Undertrained, Self::Undertrained)
            | (Self::FirstConvention, Self::FirstConvention)
            | (Self::TextLanguage, Self::TextLanguage)
            | (Self::Geometry(_), Self::Geometry(_))
            | (Self::ContextMap(_), Self::ContextMap(_))
            | (Self::NeuronMap(_), Self::NeuronMap(_)) => true,
            _ => false,
        }
    }

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
            | Self::TextLanguage
            | Self::Geometry(_)
            | Self::ContextMap(_)
            | Self::NeuronMap(_) => None,
        }
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
            | Self::TextLanguage
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
            | Self::TextLanguage
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Column {
    #[default]
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
    /// `None` if the embedding does not tell.
    Undertrained(Option<Arc<Undertrained>>),
    FirstConvention(FirstConventionAnswer),
    TextLanguage(Language),
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
