//! What is to be measured in which text: positions that count, occurrences of the token, and the
//! random positions that its explainable variance is compared with.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// How the pieces of one occurrence become one vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pieces {
    #[default]
    Mean,
    First,
    Last,
}

/// One text: its positions are counted from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextPlan {
    /// Positions that count, ascending.
    pub(super) counted: Vec<usize>,
    /// The token's occurrences.
    pub(super) occurrences: Vec<Range<usize>>,
    /// Among the counted, those that were drawn at random.
    pub(super) drawn: Vec<usize>,
}

impl TextPlan {
    /// `counted`: the positions that count, ascending.
    pub fn new(counted: Vec<usize>, occurrences: Vec<Range<usize>>) -> Self {
        Self {
            counted,
            occurrences,
            drawn: Vec::new(),
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
    pub(super) pieces: Pieces,
    /// Whether a token is asked about.
    pub(super) token: bool,
    /// Dimensions that are left out, by state.
    pub(super) left_out: Vec<Vec<usize>>,
}

/// More random positions tell no more.
const DRAWN_MAX: usize = 1000;

impl Plan {
    /// A plan for states `[positions, width]`. `seed` settles which random positions are drawn:
    /// as many as there are occurrences, each position at most once.
    pub fn new(
        [states, width]: [usize; 2],
        texts: Vec<TextPlan>,
        token: bool,
        pieces: Pieces,
        seed: u64,
    ) -> Self {
        let mut texts = texts;
        let occurrences: usize = texts.iter().map(|t| t.occurrences.len()).sum();
        let all = texts.iter().enumerate();
        let mut places: Vec<(usize, usize)> = all
            .flat_map(|(text, plan)| plan.counted.iter().map(move |&at| (text, at)))
            .collect();
        let n = occurrences.min(DRAWN_MAX).min(places.len());
        let mut rng = fastrand::Rng::with_seed(seed);
        for i in 0..n {
            let other = rng.usize(i..places.len());
            places.swap(i, other);
        }
        for &(text, at) in &places[..n] {
            texts[text].drawn.push(at);
        }
        Self {
            width,
            states,
            texts,
            pieces,
            token,
            left_out: vec![Vec::new(); states],
        }
    }

    /// The same, but without these dimensions of each state.
    pub fn without(mut self, dimensions: Vec<Vec<usize>>) -> Self {
        debug_assert_eq!(dimensions.len(), self.states);
        self.left_out = dimensions;
        self
    }
}

/// The vector of an occurrence: rows `[positions, width]` of its text, put together.
pub fn combined(rows: &[f32], width: usize, pieces: &Range<usize>, how: Pieces) -> Vec<f32> {
    let row = |at: usize| &rows[at * width..(at + 1) * width];
    match how {
        Pieces::First => row(pieces.start).to_vec(),
        Pieces::Last => row(pieces.end - 1).to_vec(),
        Pieces::Mean => {
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
