//! How far a list can be trusted: what stays of it under other conventions, and how far its best
//! score lies above what chance makes with vectors like this layer's.

use super::convention::Switch;
use super::{Address, NeuronQuery, PairsQuery, Query};

/// Entries of a list that are compared.
pub const TRUST_TOP: usize = 30;
/// Random directions that a neuron is held against.
pub const RANDOM_DIRECTIONS: usize = 64;
/// Random forms that a head is held against; each is a search over pairs.
pub const RANDOM_FORMS: usize = 16;

/// Which list, by the query that it answers; its length does not matter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TrustQuery {
    /// The four columns of a neuron.
    Neuron(NeuronQuery),
    /// A head's pairs.
    Pairs(PairsQuery),
}

impl TrustQuery {
    /// Whether it is about the list that answers a query, however long that is.
    pub fn is_about(&self, list: &Query) -> bool {
        match (self, list) {
            (Self::Neuron(own), Query::Neuron(list)) => {
                *list
                    == NeuronQuery {
                        k: list.k,
                        ..own.clone()
                    }
            }
            (Self::Pairs(own), Query::Pairs(list)) => {
                *list
                    == PairsQuery {
                        k: list.k,
                        ..own.clone()
                    }
            }
            (Self::Neuron(_) | Self::Pairs(_), _) => false,
        }
    }

    /// The place of the list.
    pub fn address(&self) -> Address {
        match self {
            Self::Neuron(query) => query.address(),
            Self::Pairs(query) => query.address(),
        }
    }
}

/// What is to be said of one list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trust {
    /// For every other convention one switch away the share of the list's
    /// [best entries](TRUST_TOP) that are among the best there too. Those that cannot change a
    /// list's order are left out.
    pub kept: Vec<(Switch, f32)>,
    /// How many standard deviations the best score lies above the mean of the best scores of
    /// random directions, or forms, all at one length: drawn from a normal distribution with
    /// mean and covariance of the layer's own vectors. Forms are judged by their best pair among
    /// at most 8,192 of the tokens that pass, drawn once. `None` until it is known, or where there
    /// is no telling.
    pub z: Option<f32>,
}

impl Trust {
    /// The least and the largest share that is kept.
    pub fn range(&self) -> Option<(f32, f32)> {
        let shares = self.kept.iter().map(|(_, share)| (*share, *share));
        shares.reduce(|(low, high), (share, _)| (low.min(share), high.max(share)))
    }
}

/// What is to be said of each list: of a neuron's columns in their order, or of the one pair list.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustAnswer {
    pub lists: Vec<Trust>,
    /// Share that is done, 0 to 1.
    pub done: f32,
}
