//! Robustness of a list: what stays of it under other conventions, and how far its best score lies
//! above the best scores of random vectors like this layer's.

mod answering;
mod few_tokens;
mod null_distribution;
mod random_directions;
pub(super) mod sheet;

use super::convention::Switch;
use super::kind::{AnswerKind, NotFinite, QueryKind};
use super::{
    Address, Answer, Callbacks, Convention, ModelCard, NeuronQuery, PairsQuery, Query, QueryError,
    Reader,
};
use crate::checkpoint::Reading;
use crate::vocabulary::Filters;

pub(super) use answering::kept;
pub(super) use null_distribution::{NullDistributions, side, standard};
pub(super) use random_directions::RandomDirections;
pub use sheet::interval;

/// Entries of a list that are compared: of a list of all that passes at most half of it, as all
/// of it is in every other order too.
pub const ROBUSTNESS_TOP: usize = 30;
/// Where fewer could be compared nothing is said: a share of so few entries is no figure.
pub const ROBUSTNESS_LEAST: usize = 10;
/// Random directions that a neuron is held against.
pub const RANDOM_DIRECTIONS: usize = 64;
/// Random forms that a head is held against in the end; each is a search over pairs.
pub const RANDOM_FORMS: usize = 64;
/// Random forms after which a first figure is told.
pub const RANDOM_FORMS_FIRST: usize = 8;
/// Standard errors on either side of a score between which it lies in 19 of 20 cases.
const TWO_SIDED_95: f32 = 1.96;

/// Which list, by the query that it answers; its length does not matter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RobustnessQuery {
    /// The four columns of a neuron.
    Neuron(NeuronQuery),
    /// A head's pairs.
    Pairs(PairsQuery),
}

impl RobustnessQuery {
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

/// The robustness of one list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Robustness {
    /// How many of the list's best entries are compared: [`ROBUSTNESS_TOP`], or half of what passes.
    pub top: usize,
    /// For every other convention one switch away the share of these entries that are among as
    /// many best there too. Those that cannot change a list's order are left out, and all of them
    /// where the list has fewer than [`ROBUSTNESS_LEAST`] entries.
    pub kept: Vec<(Switch, f32)>,
    /// How far the best score lies above chance. `None` until it is known, or where there is no
    /// telling.
    pub z: Option<ZScore>,
}

/// By how many standard deviations a list's best score lies above the mean of the best scores of
/// random directions, or forms, all at one length. Directions are drawn from a normal distribution
/// with mean and covariance of the layer's own vectors; forms from random orthogonal mixtures of the
/// vectors of the layer's own heads, and judged by their best pair among at most 8,192 of the
/// tokens that pass, drawn once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ZScore {
    pub value: f32,
    /// How many random directions or forms it was held against.
    pub draws: usize,
}

impl ZScore {
    /// The 95 % interval at this number of draws: mean and deviation of the null are estimated,
    /// with the standard error √(1/n + z²/(2(n − 1))).
    pub fn interval(self) -> (f32, f32) {
        let n = self.draws as f32;
        let error = (1.0 / n + self.value.powi(2) / (2.0 * (n - 1.0))).sqrt();
        let [low, high] = [-1.0, 1.0].map(|side| self.value + side * TWO_SIDED_95 * error);
        (low, high)
    }
}

impl Robustness {
    /// The least and the largest share that is kept.
    pub fn range(&self) -> Option<(f32, f32)> {
        let shares = self.kept.iter().map(|(_, share)| (*share, *share));
        shares.reduce(|(low, high), (share, _)| (low.min(share), high.max(share)))
    }

    /// How many of the compared entries a share is.
    pub fn count(&self, share: f32) -> usize {
        (share * self.top as f32).round() as usize
    }
}

/// The robustness of each list: of a neuron's columns in their order, or of the one pair list.
#[derive(Clone, Debug, PartialEq)]
pub struct RobustnessAnswer {
    pub lists: Vec<Robustness>,
    /// Share that is done, 0 to 1.
    pub done: f32,
}

impl RobustnessQuery {
    /// The query whose list it is about.
    fn list(&self) -> &dyn QueryKind {
        match self {
            Self::Neuron(query) => query,
            Self::Pairs(query) => query,
        }
    }
}

impl QueryKind for RobustnessQuery {
    fn filters(&self) -> Option<&Filters> {
        self.list().filters()
    }

    fn convention(&self) -> Option<Convention> {
        self.list().convention()
    }

    fn address(&self) -> Option<Address> {
        self.list().address()
    }

    fn readings(&self) -> &'static [Reading] {
        self.list().readings()
    }

    fn needs_all_weights(&self) -> bool {
        true
    }

    fn needs_output(&self) -> bool {
        self.list().needs_output()
    }

    fn check(&self, card: &ModelCard) -> Result<(), String> {
        match self {
            // The other input has its own lists, and their robustness.
            Self::Neuron(_) => Ok(()),
            Self::Pairs(query) => query.check(card),
        }
    }

    fn shares_place(&self, other: &Query) -> bool {
        match (self, other) {
            (Self::Neuron(_), Query::Robustness(Self::Neuron(_))) => true,
            (Self::Pairs(own), Query::Robustness(Self::Pairs(other))) => own.form == other.form,
            _ => false,
        }
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Robustness(reader.robustness(self, callbacks)?))
    }
}

impl AnswerKind for RobustnessAnswer {
    fn heap_bytes(&self) -> usize {
        self.lists.iter().map(|t| size_of_val(&t.kept[..])).sum()
    }

    /// Nothing is said where it cannot be told.
    fn not_finite(&self) -> Option<NotFinite> {
        None
    }
}
