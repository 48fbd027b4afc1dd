//! Where words stand in a model: the question, and what comes back.

mod answering;
mod sheet;

use crate::projection::{Hit, RankBy, Role};
use crate::transformer::{Form, Input};
use crate::vocabulary::Filters;

use super::kind::{AnswerKind, AnyListed, NotFinite, QueryKind};
use super::{Address, Answer, Callbacks, Convention, Query, QueryError, Reader};
use crate::checkpoint::Reading;

/// How many of the tokens that match are looked for at most.
pub const TOKENS_MAX: usize = 32;

/// Where tokens stand: in which keys and values, in which heads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FindQuery {
    /// Words, beginnings (`dom*`) and expressions (`/owa$/`).
    pub words: Vec<String>,
    pub by: RankBy,
    /// Which input of gated neurons is their key.
    pub input: Input,
    /// Places in each group.
    pub k: usize,
    /// Whether heads are looked through too, which takes longer.
    pub heads: bool,
    /// How many first words come with each of the best neurons of a kind; 0 for none.
    pub gist: usize,
    /// Which tokens count, here and in ranks and partners. Those of pairs make no difference.
    pub filters: Filters,
    /// How weights become words, as in neurons' lists and heads' pairs.
    pub convention: Convention,
}

/// Where they stand, finished or so far.
#[derive(Clone, Debug, PartialEq)]
pub struct FindAnswer {
    /// The tokens that are looked for, at most [`TOKENS_MAX`].
    pub tokens: Vec<u32>,
    /// How many match.
    pub matched: usize,
    /// One for each [`Role`], in its order; without heads the first four.
    pub groups: Vec<RoleHits>,
    /// How many neurons of each kind are ranked: by rank all that were looked through, each with its
    /// rank or a bound that keeps it from the list; else those that are shown.
    pub counted: usize,
    /// Share of the search that is done, 0 to 1.
    pub done: f32,
    /// True when no better place can exist; false for as long as the search goes on, and where
    /// scores of some neurons overflow, so that they have no rank.
    pub exact: bool,
}

/// The places of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleHits {
    pub role: Role,
    /// Best first.
    pub hits: Vec<Hit>,
    /// For each hit the first words of the list it is in, where they were asked for.
    pub gists: Vec<Vec<u32>>,
    /// For each layer that was looked through, the best score, or by cosine and by rank the best
    /// cosine.
    pub by_layer: Vec<f32>,
}

impl FindAnswer {
    /// What it holds beside itself.
    pub fn heap_bytes(&self) -> usize {
        let words = |words: &Vec<u32>| size_of::<Vec<u32>>() + size_of_val(&words[..]);
        let group = |g: &RoleHits| {
            let gists = g.gists.iter().map(words).sum::<usize>();
            size_of::<RoleHits>() + size_of_val(&g.hits[..]) + gists + 4 * g.by_layer.len()
        };
        size_of_val(&self.tokens[..]) + self.groups.iter().map(group).sum::<usize>()
    }
}

impl RoleHits {
    /// Where a hit is.
    pub fn address(&self, hit: &Hit) -> Address {
        let (layer, index) = (hit.layer, hit.index);
        let form = match self.role {
            Role::From | Role::To => Form::Vo,
            Role::Query | Role::Key => Form::Qk,
            _ => {
                let neuron = index;
                return Address::Neuron { layer, neuron };
            }
        };
        Address::Head {
            layer,
            head: index,
            form: Some(form),
        }
    }

    /// For each of `layers` how many of the hits lie there.
    pub fn histogram(&self, layers: usize) -> Vec<usize> {
        let mut counts = vec![0; layers];
        for hit in &self.hits {
            counts[hit.layer] += 1;
        }
        counts
    }
}

impl QueryKind for FindQuery {
    fn filters(&self) -> Option<&Filters> {
        Some(&self.filters)
    }

    fn convention(&self) -> Option<Convention> {
        Some(self.convention)
    }

    fn readings(&self) -> &'static [Reading] {
        match self.heads {
            true => &[Reading::Neurons, Reading::Vo, Reading::Qk],
            false => &[Reading::Neurons],
        }
    }

    fn needs_all_weights(&self) -> bool {
        true
    }

    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::Find(_))
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Find(reader.find(self, callbacks)?))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl AnswerKind for FindAnswer {
    fn heap_bytes(&self) -> usize {
        self.heap_bytes()
    }

    fn not_finite(&self) -> Option<NotFinite> {
        let hits = self.groups.iter().flat_map(|group| &group.hits);
        let numbers = hits.flat_map(|hit| [hit.score, hit.cosine]);
        // Of a layer without neurons nothing was found.
        let neurons = self.groups.iter().filter(|g| !g.role.is_of_heads());
        let layers = neurons.flat_map(|group| group.by_layer.iter().copied());
        let layers = layers.filter(|&best| best != f32::NEG_INFINITY);
        let numbers = numbers.chain(layers).map(f64::from);
        NotFinite::among("scores of what was found", numbers)
    }
}
