//! Exact selection: the k best of many scores, ties to the smaller id, never a NaN.

use serde::{Deserialize, Serialize};

/// Which end of the scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    #[default]
    Highest,
    Lowest,
}

/// A row of the embedding with its score. Ids from the vocabulary's size upwards are positions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    pub id: u32,
    pub score: f32,
}

/// A pair of rows with the form's value there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    pub from: u32,
    pub to: u32,
    pub score: f32,
}
