//! Where words stand in a model: the exact best of all keys, values and heads for a few tokens,
//! layer by layer. Nothing is kept of a layer but what may be among the best.

mod heads;
mod neurons;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::checkpoint::Matrix;

use super::kernel::norm;
use super::{Best, Ranked};

pub use heads::{HeadSide, head_sides};
pub use neurons::{LayerScores, layer_scores};

/// What the best are the best by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The inner product.
    #[default]
    Score,
    /// The inner product of the two at length 1.
    Cosine,
    /// The token's place in the vector's own list, among the vectors that are best by cosine.
    Rank,
}

impl By {
    /// In the order in which they are stepped through.
    pub const ALL: [Self; 3] = [Self::Score, Self::Cosine, Self::Rank];

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
pub enum Stand {
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

impl Stand {
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

impl fmt::Display for Stand {
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
    /// How many tokens are not behind it in the vector's own list, itself included; of neurons,
    /// once it is counted.
    pub rank: Option<usize>,
    /// Of a head the token at the other side of the pair.
    pub partner: Option<u32>,
    /// What it is ranked by; the higher the better.
    pub by: f32,
}

impl Hit {
    /// Gives a vector's exact score and the token's rank in its list; `by` is what hits are now
    /// ordered by.
    pub fn counted(&mut self, score: f32, rank: usize, by: By) {
        self.score = score;
        self.rank = Some(rank);
        self.by = match by {
            By::Score => score,
            By::Cosine => self.cosine,
            // Ties, as there are many, go to the higher cosine, which is at most 1.
            By::Rank => self.cosine.mul_add(0.25, -(rank as f32)),
        };
    }
}

impl Ranked for Hit {
    #[expect(
        clippy::misnamed_getters,
        reason = "what is asked decides, not always the score"
    )]
    fn score(&self) -> f32 {
        self.by
    }

    fn key(&self) -> u64 {
        (self.layer as u64) << 32 | self.index as u64
    }
}

/// The best places of one kind, and the best score or cosine of every layer that was seen.
#[derive(Clone, Debug)]
pub struct Places {
    pub stand: Stand,
    pub best: Best<Hit>,
    pub by_layer: Vec<f32>,
}

impl Places {
    /// Nothing seen yet.
    pub fn new(stand: Stand, k: usize) -> Self {
        Self {
            stand,
            best: Best::new(k),
            by_layer: Vec::new(),
        }
    }

    fn offer(&mut self, hit: Hit) {
        while self.by_layer.len() <= hit.layer {
            self.by_layer.push(f32::NEG_INFINITY);
        }
        let layer = &mut self.by_layer[hit.layer];
        *layer = layer.max(hit.by);
        if self.best.admits(hit.by) {
            self.best.offer(hit);
        }
    }
}

#[cfg(test)]
mod tests;
