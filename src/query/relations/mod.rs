//! How far heads map words to others that stand in a relation to them, by MAPS (Elhelo and Geva 2024,
//! "Inferring Functionality of Attention Heads from their Parameters", arXiv 2412.11965).
//!
//! The score of a head for a relation is the share of its pairs (s, t) whose target t is among the k
//! best tokens of the source's row of VO, `E_in[s]·W_V·W_O·E_outᵀ`; it *suppresses* the relation by the
//! share whose target is among the k best of the same row negated. As in MAPS a word is the token that
//! it is behind a space (`ĠParis`), pairs of which a word is several tokens are left out, and k is 10
//! (MAPS takes 25 for Llama 3's larger vocabulary, and 1 for relations that copy). Where the paper puts
//! embeddings through the first feed-forward block before later layers read them, rows are read as the
//! convention says here; its `fold_ln` is the convention `gain`. Beside each score stands *chance*: the
//! mean share of the relation's other targets, none of the source's own, that are among the same k.

mod answering;
mod bundled;
mod sheet;
mod words;

use std::sync::Arc;

use super::kind::{AnswerKind, AnyListed, NotFinite, QueryKind};
use super::{Answer, Callbacks, Convention, ModelCard, QueryError, Reader, Switch};
use crate::checkpoint::Reading;
use crate::vocabulary::Filters;

pub(super) use answering::Wanted;
pub use bundled::BundledRelation;
pub use words::{Relation, RelationError, RelationPairs, WordPair};

/// Asks for every head's scores for some relations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RelationsQuery {
    pub relations: Arc<[Relation]>,
    /// How many of a source's best tokens count.
    pub k: usize,
    /// Heads that are shown for a relation; all are in CSV and JSON.
    pub count: usize,
    /// Which tokens can be among the best.
    pub filters: Filters,
    pub convention: Convention,
}

impl RelationsQuery {
    /// Of a source's best tokens, unless something else is said.
    pub const K: usize = 10;
}

/// The scores of all heads.
#[derive(Clone, Debug, PartialEq)]
pub struct RelationsAnswer {
    pub relations: Vec<RelationPairs>,
    pub heads: Vec<HeadRelations>,
    /// Share of the heads looked at, 0 to 1.
    pub done: f32,
}

/// A head's scores, one for each relation.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadRelations {
    pub layer: usize,
    pub head: usize,
    pub scores: Vec<RelationScore>,
}

/// A head's scores for a relation, both ways.
#[derive(Clone, Debug, PartialEq)]
pub struct RelationScore {
    pub promotes: RelationShare,
    /// By the row negated.
    pub suppresses: RelationShare,
}

/// The pairs whose target is among its source's best.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RelationShare {
    /// Of all pairs; `None` of a relation without any.
    pub score: Option<f32>,
    /// What other targets of the relation reach; `None` where a relation has no others.
    pub chance: Option<f32>,
    pub hits: Vec<RelationHit>,
}

/// A pair whose target is among its source's best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelationHit {
    /// The pair's number in its relation.
    pub pair: usize,
    /// The target's place in the list, from 1.
    pub rank: usize,
}

impl QueryKind for RelationsQuery {
    fn filters(&self) -> Option<&Filters> {
        Some(&self.filters)
    }

    fn convention(&self) -> Option<Convention> {
        Some(self.convention)
    }

    fn readings(&self) -> &'static [Reading] {
        &[Reading::Vo]
    }

    fn needs_all_weights(&self) -> bool {
        true
    }

    fn needs_output(&self) -> bool {
        true
    }

    fn check(&self, _: &ModelCard) -> Result<(), String> {
        match self.convention.has(Switch::Biases) {
            true => Err("relations are of the weights alone: give no biases".to_owned()),
            false => Ok(()),
        }
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Relations(reader.relations(self, callbacks)?))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl AnswerKind for RelationsAnswer {
    fn heap_bytes(&self) -> usize {
        let of = |score: &RelationScore| {
            size_of::<RelationScore>()
                + size_of_val(&score.promotes.hits[..])
                + size_of_val(&score.suppresses.hits[..])
        };
        let scores = self.heads.iter().flat_map(|head| &head.scores);
        scores.map(of).sum()
    }

    /// Its numbers are shares of counts.
    fn not_finite(&self) -> Option<NotFinite> {
        None
    }
}
