//! What is kept of one state, and what one text adds to it.

use std::borrow::Cow;
use std::ops::Range;

use rayon::prelude::*;

use super::bootstrap::Weights;
use super::pairs::{PairSums, Share, dot, inverse};
use super::plan::{Plan, TextPlan, combined};
use super::spread::{Explained, Spread};
use super::units::Units;

/// Sums over the vectors of one state.
#[derive(Clone, Debug)]
pub(super) struct StateSums {
    /// All vectors.
    pub all: PairSums,
    /// Σ u² by dimension, of unit vectors u.
    pub squares: Vec<f64>,
    /// The token's occurrences, and its mean of each text; none where no token is asked about.
    pub token: Option<TokenSums>,
}

#[derive(Clone, Debug)]
pub(super) struct TokenSums {
    pub occurrences: PairSums,
    pub means: PairSums,
    pub spread: Spread,
    /// Of all positions that count, until the last of them is there and `of_all` is known; none
    /// where there are too few occurrences to compare with it.
    baseline: Option<Spread>,
    pub of_all: Option<Explained>,
}

/// What one text adds.
pub(super) struct TextSums<'a> {
    pub all: Share,
    /// Mean cosine between the text's vectors and their mean.
    pub intra: Option<f64>,
    /// Σ x over the vectors that count.
    sum: Vec<f64>,
    /// Σ |x|².
    lengths: f64,
    /// Σ u² by dimension, of the same at length 1.
    squares: Vec<f64>,
    occurrences: Share,
    mean: Share,
    /// The vectors of the token's occurrences.
    vectors: Vec<f32>,
    /// All of the text's vectors, and which of them count.
    rows: Cow<'a, [f32]>,
    counted: &'a [usize],
}

impl StateSums {
    pub(super) fn new(plan: &Plan) -> Self {
        let width = plan.width;
        Self {
            all: PairSums::new(width),
            squares: vec![0.0; width],
            token: plan.token.then(|| TokenSums {
                occurrences: PairSums::new(width),
                means: PairSums::new(width),
                spread: Spread::new(width),
                baseline: (plan.occurrences() > 1).then(|| Spread::new(width)),
                of_all: None,
            }),
        }
    }

    /// Adds consecutive texts, the first of which has the number `first`.
    pub(super) fn add(&mut self, first: usize, texts: &[TextSums<'_>], weights: &Weights) {
        let shares = |pick: for<'a> fn(&'a TextSums<'_>) -> &'a Share| {
            let numbered = texts.iter().enumerate().map(|(i, t)| (first + i, pick(t)));
            numbered.filter(|(_, s)| s.n > 0.0).collect::<Vec<_>>()
        };
        let all = first == 0 && weights.texts() == texts.len();
        self.all.add(&shares(|t| &t.all), all, weights);
        for text in texts {
            let sums = self.squares.iter_mut().zip(&text.squares);
            sums.for_each(|(s, x)| *s += x);
        }
        if let Some(token) = &mut self.token {
            token
                .occurrences
                .add(&shares(|t| &t.occurrences), all, weights);
            token.means.add(&shares(|t| &t.mean), all, weights);
            for text in texts {
                token.spread.add(text.vectors.clone());
                if let Some(baseline) = &mut token.baseline {
                    baseline.count(text.counted.len(), &text.sum, text.lengths);
                }
            }
        }
    }

    /// What the token's spread is compared with: once the `last` texts are there, it is found from
    /// their vectors where they lie, and nothing is kept; those of others are kept until then.
    /// `near` is for [`Spread::explained_near`].
    pub(super) fn compare(&mut self, texts: &[TextSums<'_>], last: bool, near: &mut Vec<f64>) {
        let width = self.squares.len();
        let Some(token) = &mut self.token else {
            return;
        };
        if last && let Some(baseline) = token.baseline.take() {
            let rows: Vec<&[f32]> = texts.iter().flat_map(|t| t.counted(width)).collect();
            token.of_all = baseline.explained_near(&rows, false, near);
        }
        if let Some(baseline) = &mut token.baseline {
            let kept = texts.par_iter().map(|t| {
                let rows: Vec<&[f32]> = t.counted(width).collect();
                rows.concat()
            });
            let kept: Vec<Vec<f32>> = kept.collect();
            kept.into_iter().for_each(|rows| baseline.keep(rows));
        }
    }

    /// Each dimension's contribution to anisotropy: the mean of u[i]·v[i] over all pairs (Timkey &
    /// van Schijndel 2021). They add up to it.
    pub(super) fn contributions(&self) -> Option<Vec<f64>> {
        let total = &self.all.total;
        let pairs = total.n * (total.n - 1.0);
        let each = total.sum.iter().zip(&self.squares);
        (pairs > 0.5).then(|| each.map(|(s, q)| (s * s - q) / pairs).collect())
    }
}

impl<'a> TextSums<'a> {
    /// The sums of a text with the vectors `rows`, `[positions, width]`.
    pub(super) fn of(plan: &'a Plan, text: &'a TextPlan, state: usize, rows: &'a [f32]) -> Self {
        let width = plan.width;
        let rows = match &plan.left_out[state][..] {
            [] => Cow::Borrowed(rows),
            left_out => Cow::Owned(without(rows, width, left_out)),
        };
        let vector = |pieces: &Range<usize>| combined(&rows, width, pieces, plan.pieces);
        let vectors: Vec<f32> = text.occurrences.iter().flat_map(vector).collect();
        let mut occurrences = Share::new(width);
        vectors.chunks_exact(width).for_each(|x| occurrences.add(x));
        let counted = text
            .counted
            .iter()
            .map(|at| &rows[at * width..(at + 1) * width]);
        let sums = Units::of(&counted.collect::<Vec<_>>(), width);
        // Σ cos(mean, x) = Σu·mean/|mean|.
        let scale = inverse(dot(&sums.sum, &sums.sum).sqrt());
        let n = text.counted.len() as f64;
        Self {
            intra: (n > 0.0).then(|| dot(&sums.units, &sums.sum) * scale / n),
            all: Share {
                sum: sums.units,
                squares: sums.directed as f64,
                n,
            },
            sum: sums.sum,
            lengths: sums.lengths,
            squares: sums.squares,
            occurrences,
            mean: direction_of_mean(&vectors, width),
            vectors,
            rows,
            counted: &text.counted,
        }
    }

    /// The vectors that count.
    fn counted(&self, width: usize) -> impl Iterator<Item = &[f32]> {
        let row = move |at: &usize| &self.rows[at * width..(at + 1) * width];
        self.counted.iter().map(row)
    }
}

/// The mean of vectors, at length 1; nothing of none.
fn direction_of_mean(vectors: &[f32], width: usize) -> Share {
    let mut mean = Share::new(width);
    if vectors.is_empty() {
        return mean;
    }
    for x in vectors.chunks_exact(width) {
        mean.sum
            .iter_mut()
            .zip(x)
            .for_each(|(m, &x)| *m += f64::from(x));
    }
    let length = dot(&mean.sum, &mean.sum).sqrt();
    mean.sum.iter_mut().for_each(|m| *m *= inverse(length));
    mean.squares = if length > 0.0 { 1.0 } else { 0.0 };
    mean.n = 1.0;
    mean
}

/// Rows with zeros in some dimensions.
fn without(rows: &[f32], width: usize, dimensions: &[usize]) -> Vec<f32> {
    let mut rows = rows.to_vec();
    for row in rows.chunks_exact_mut(width) {
        dimensions.iter().for_each(|&i| row[i] = 0.0);
    }
    rows
}
