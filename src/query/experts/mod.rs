//! The words that call a layer's experts and those that they turn away, by the rows of its router;
//! and of every token the expert that it has first.

mod answering;
mod sheet;

use super::kind::{AnswerKind, AnyListed, NotFinite, QueryKind};
use super::{Address, Answer, Callbacks, Convention, ModelCard, Query, QueryError, Reader};
use crate::checkpoint::Reading;
use crate::projection::Scored;
use crate::vocabulary::Filters;

/// A layer's experts as words. A router's rows differ by what they have in common from what counts:
/// softmax and the choice of the best are the same without it, so each row is read less the mean of
/// all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ExpertsQuery {
    pub layer: usize,
    /// This one alone; all if there is none.
    pub expert: Option<usize>,
    /// Length of each list.
    pub k: usize,
    pub filters: Filters,
    pub convention: Convention,
}

impl ExpertsQuery {
    /// Words of each list where all experts are listed.
    pub const WORDS: usize = 8;

    /// The layer, or the expert.
    pub fn address(&self) -> Address {
        let layer = self.layer;
        match self.expert {
            None => Address::Layer { layer },
            expert => Address::Expert {
                layer,
                expert,
                neuron: None,
            },
        }
    }
}

/// The experts' words.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpertsAnswer {
    pub experts: Vec<ExpertWords>,
    /// For each row of the embedding the expert whose score is highest there.
    pub first: Vec<u32>,
    /// How many rows passed the filters, of how many.
    pub passing: usize,
    pub rows: usize,
}

/// An expert's words.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpertWords {
    pub expert: usize,
    /// How many of the tokens that pass the filters have it first.
    pub first: usize,
    /// Best first.
    pub calls: Vec<Scored>,
    /// The words with the lowest scores; their scores are those of the negated row.
    pub turns_away: Vec<Scored>,
}

impl QueryKind for ExpertsQuery {
    fn filters(&self) -> Option<&Filters> {
        Some(&self.filters)
    }

    fn convention(&self) -> Option<Convention> {
        Some(self.convention)
    }

    fn address(&self) -> Option<Address> {
        Some(self.address())
    }

    fn readings(&self) -> &'static [Reading] {
        &[Reading::Neurons]
    }

    fn check(&self, card: &ModelCard) -> Result<(), String> {
        match card.spec.experts(self.layer) {
            Some(_) => Ok(()),
            None => Err(format!(
                "layer {0} has no experts: `lexiscope neuron` lists its neurons, from L{0}.N0 on",
                self.layer
            )),
        }
    }

    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::Experts(_))
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Experts(reader.experts(self, callbacks)?))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl AnswerKind for ExpertsAnswer {
    fn heap_bytes(&self) -> usize {
        let words = |e: &ExpertWords| size_of_val(&e.calls[..]) + size_of_val(&e.turns_away[..]);
        let lists: usize = self.experts.iter().map(words).sum();
        lists + size_of_val(&self.experts[..]) + size_of_val(&self.first[..])
    }

    fn not_finite(&self) -> Option<NotFinite> {
        let lists = self.experts.iter();
        let scores = lists.flat_map(|e| e.calls.iter().chain(&e.turns_away));
        NotFinite::among("scores of the router", scores.map(|s| f64::from(s.score)))
    }
}
