//! Where words stand in a model: the exact best of all keys, values and heads for a few tokens,
//! layer by layer. Nothing is kept of a layer but what may be among the best.

mod bounds;
mod heads;
mod neurons;
mod ranked;
mod top;

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::checkpoint::Matrix;

use super::kernel::norm;

pub use heads::{BiasedForm, HeadSide, head_sides};
pub use neurons::{LayerScores, layer_scores};
pub use ranked::{RankSearch, RankedWanted, VectorChunk};
pub use top::TopHits;

/// What the best are the best by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RankBy {
    /// The token's rank in the vector's own list, counted for every neuron; heads, whose lists are
    /// of pairs, by the score of the token's best pair.
    #[default]
    Rank,
    /// The inner product.
    Score,
    /// The inner product of the two at length 1.
    Cosine,
}

impl RankBy {
    /// In the order in which they are stepped through.
    pub const ALL: [Self; 3] = [Self::Rank, Self::Score, Self::Cosine];

    /// `score`, `cosine`, `rank`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Cosine => "cosine",
            Self::Rank => "rank",
        }
    }
}

/// The eight places where a token can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    K,
    V,
    MinusK,
    MinusV,
    /// What a head's VO reads.
    From,
    /// What a head's VO writes.
    To,
    Query,
    Key,
}

impl Role {
    /// In the order in which they are shown: of neurons, then of heads.
    pub const ALL: [Self; 8] = [
        Self::K,
        Self::V,
        Self::MinusK,
        Self::MinusV,
        Self::From,
        Self::To,
        Self::Query,
        Self::Key,
    ];

    /// Whether it is of heads.
    pub fn is_of_heads(self) -> bool {
        matches!(self, Self::From | Self::To | Self::Query | Self::Key)
    }

    /// Whether the output embedding has a part in it.
    pub fn is_of_output(self) -> bool {
        matches!(self, Self::V | Self::MinusV | Self::From | Self::To)
    }

    /// The name in JSON and CSV.
    pub fn name(self) -> &'static str {
        match self {
            Self::K => "K",
            Self::V => "V",
            Self::MinusK => "-K",
            Self::MinusV => "-V",
            Self::From => "VO.from",
            Self::To => "VO.to",
            Self::Query => "QK.query",
            Self::Key => "QK.key",
        }
    }

    /// What a vector there does with the token.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::K => "fires on it",
            Self::V => "promotes it",
            Self::MinusK => "fires against it",
            Self::MinusV => "suppresses it",
            Self::From => "reads it",
            Self::To => "writes it",
            Self::Query => "asks as it",
            Self::Key => "attends to it",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MinusK => "−K",
            Self::MinusV => "−V",
            _ => self.name(),
        })
    }
}

/// The tokens that are looked for, with their embeddings.
#[derive(Debug)]
pub struct Targets {
    pub ids: Vec<u32>,
    /// `[m, width]`.
    pub vectors: Matrix,
    norms: Vec<f32>,
}

impl Targets {
    /// `vectors`: the embeddings of `ids`.
    pub fn new(ids: Vec<u32>, vectors: Matrix) -> Self {
        let norms = (0..vectors.rows()).map(|i| norm(vectors.row(i))).collect();
        Self {
            ids,
            vectors,
            norms,
        }
    }
}

/// A place where a token stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    pub layer: usize,
    /// The neuron or head.
    pub index: usize,
    /// Of the tokens looked for the one that is best there.
    pub token: u32,
    pub score: f32,
    pub cosine: f32,
    /// Its place in the vector's own list, from 1: one more than the number of passing tokens with
    /// a higher score, or with the same score and a smaller id. Of neurons, once it is counted.
    pub rank: Option<usize>,
    /// Of a head the token at the other side of the pair.
    pub partner: Option<u32>,
    /// What it is ordered by; the higher the better. By rank that is the rank's negative.
    pub by: f32,
}

impl Hit {
    /// Of a vector of which nothing is known.
    fn at(layer: usize, index: usize) -> Self {
        Self {
            layer,
            index,
            token: 0,
            score: 0.0,
            cosine: 0.0,
            rank: None,
            partner: None,
            by: 0.0,
        }
    }

    /// Gives a vector's exact score and the token's rank in its list; `by` is what hits are now
    /// ordered by.
    pub fn counted(&mut self, score: f32, rank: usize, by: RankBy) {
        self.score = score;
        self.rank = Some(rank);
        self.by = match by {
            RankBy::Rank => -(rank as f32),
            RankBy::Score => score,
            RankBy::Cosine => self.cosine,
        };
    }

    /// Best first; equal ones by cosine, then by layer and number.
    fn order(&self, other: &Self) -> Ordering {
        let falling = |a: f32, b: f32| b.partial_cmp(&a).unwrap_or(Ordering::Equal);
        falling(self.by, other.by)
            .then_with(|| falling(self.cosine, other.cosine))
            .then_with(|| (self.layer, self.index).cmp(&(other.layer, other.index)))
    }
}

#[cfg(test)]
mod tests;
