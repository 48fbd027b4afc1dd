//! What is to be measured in which text: positions that count, and occurrences of the token.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// How the pieces of one occurrence become one vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subwords {
    #[default]
    Mean,
    First,
    Last,
}

impl Subwords {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mean, Self::First, Self::Last];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::First => "first",
            Self::Last => "last",
        }
    }
}

/// One text: its positions are counted from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextPlan {
    /// Positions that count, ascending.
    pub(super) counted: Vec<usize>,
    /// The token's occurrences.
    pub(super) occurrences: Vec<Range<usize>>,
}

impl TextPlan {
    /// `counted`: the positions that count, ascending.
    pub fn new(counted: Vec<usize>, occurrences: Vec<Range<usize>>) -> Self {
        Self {
            counted,
            occurrences,
        }
    }

    /// The token's occurrences.
    pub fn occurrences(&self) -> &[Range<usize>] {
        &self.occurrences
    }
}

/// All texts, in the order in which they are run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) width: usize,
    pub(super) states: usize,
    pub(super) texts: Vec<TextPlan>,
    pub(super) pieces: Subwords,
    /// Whether a token is asked about.
    pub(super) token: bool,
    /// Dimensions that are left out, by state.
    pub(super) left_out: Vec<Vec<usize>>,
}

/// How many states a model has, and the numbers of each.
#[derive(Clone, Copy, Debug)]
pub struct StateSizes {
    pub states: usize,
    pub width: usize,
}

impl Plan {
    /// A plan for states `[positions, width]`.
    pub fn new(
        StateSizes { states, width }: StateSizes,
        texts: Vec<TextPlan>,
        token: bool,
        pieces: Subwords,
    ) -> Self {
        Self {
            width,
            states,
            texts,
            pieces,
            token,
            left_out: vec![Vec::new(); states],
        }
    }

    /// How many occurrences the token has.
    pub(super) fn occurrences(&self) -> usize {
        self.texts.iter().map(|t| t.occurrences.len()).sum()
    }

    /// How many positions count.
    pub(super) fn counted(&self) -> usize {
        self.texts.iter().map(|t| t.counted.len()).sum()
    }

    /// The same, but without these dimensions of each state.
    pub fn without(mut self, dimensions: Vec<Vec<usize>>) -> Self {
        debug_assert_eq!(dimensions.len(), self.states);
        self.left_out = dimensions;
        self
    }
}

/// The vector of an occurrence: rows `[positions, width]` of its text, put together.
pub fn combined(rows: &[f32], width: usize, pieces: &Range<usize>, how: Subwords) -> Vec<f32> {
    let row = |at: usize| &rows[at * width..(at + 1) * width];
    match how {
        Subwords::First => row(pieces.start).to_vec(),
        Subwords::Last => row(pieces.end - 1).to_vec(),
        Subwords::Mean => {
            let mut sum = row(pieces.start).to_vec();
            for at in pieces.start + 1..pieces.end {
                sum.iter_mut().zip(row(at)).for_each(|(s, x)| *s += x);
            }
            let n = pieces.len() as f32;
            sum.iter_mut().for_each(|s| *s /= n);
            sum
        }
    }
}
