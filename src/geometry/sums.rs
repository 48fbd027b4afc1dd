//! What is kept of one state, and what one text adds to it.

use std::ops::Range;

use super::bootstrap::Weights;
use super::pairs::{PairSums, Share, dot, inverse, length};
use super::plan::{Plan, TextPlan, combined};
use super::spread::Spread;

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
    /// Of all positions that count.
    pub baseline: Spread,
}

/// What one text adds.
pub(super) struct TextSums {
    pub all: Share,
    /// Mean cosine between the text's vectors and their mean.
    pub intra: Option<f64>,
    squares: Vec<f64>,
    occurrences: Share,
    mean: Share,
    /// The vectors of the token's occurrences, and of all positions that count if a token is asked
    /// about.
    vectors: Vec<f32>,
    counted: Vec<f32>,
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
                spread: Spread::new(width, plan.occurrences()),
                baseline: Spread::new(width, plan.counted()),
            }),
        }
    }

    /// Adds consecutive texts, the first of which has the number `first`.
    pub(super) fn add(&mut self, first: usize, texts: &[TextSums], weights: &Weights) {
        let shares = |pick: fn(&TextSums) -> &Share| {
            let numbered = texts.iter().enumerate().map(|(i, t)| (first + i, pick(t)));
            numbered.filter(|(_, s)| s.n > 0.0).collect::<Vec<_>>()
        };
        self.all.add(&shares(|t| &t.all), weights);
        for text in texts {
            let sums = self.squares.iter_mut().zip(&text.squares);
            sums.for_each(|(s, x)| *s += x);
        }
        if let Some(token) = &mut self.token {
            token.occurrences.add(&shares(|t| &t.occurrences), weights);
            token.means.add(&shares(|t| &t.mean), weights);
            for text in texts {
                token.spread.add(&text.vectors);
                token.baseline.add(&text.counted);
            }
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

impl TextSums {
    /// The sums of a text with the vectors `rows`, `[positions, width]`.
    pub(super) fn of(plan: &Plan, text: &TextPlan, state: usize, rows: &[f32]) -> Self {
        let width = plan.width;
        let left_out = &plan.left_out[state];
        let kept;
        let rows = if left_out.is_empty() {
            rows
        } else {
            kept = without(rows, width, left_out);
            &kept
        };
        let row = |at: usize| &rows[at * width..(at + 1) * width];
        let (mut all, mut squares) = (Share::new(width), vec![0.0; width]);
        let mut sum = vec![0.0; width];
        for &at in &text.counted {
            let x = row(at);
            let scale = inverse(length(x));
            all.add_scaled(x, scale);
            for ((sum, square), &x) in sum.iter_mut().zip(&mut squares).zip(x) {
                let x = f64::from(x);
                *sum += x;
                *square += (x * scale) * (x * scale);
            }
        }
        // Σ cos(mean, x) = Σu·mean/|mean|.
        let scale = inverse(dot(&sum, &sum).sqrt());
        let intra = (all.n > 0.0).then(|| dot(&all.sum, &sum) * scale / all.n);
        let vector = |pieces: &Range<usize>| combined(rows, width, pieces, plan.pieces);
        let vectors: Vec<f32> = text.occurrences.iter().flat_map(vector).collect();
        let mut occurrences = Share::new(width);
        vectors.chunks_exact(width).for_each(|x| occurrences.add(x));
        let counted = if plan.token { &text.counted[..] } else { &[] };
        Self {
            all,
            intra,
            squares,
            occurrences,
            mean: direction_of_mean(&vectors, width),
            vectors,
            counted: rows_at(rows, width, counted),
        }
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

fn rows_at(rows: &[f32], width: usize, places: &[usize]) -> Vec<f32> {
    let mut found = Vec::with_capacity(places.len() * width);
    for at in places {
        found.extend_from_slice(&rows[at * width..(at + 1) * width]);
    }
    found
}

/// Rows with zeros in some dimensions.
fn without(rows: &[f32], width: usize, dimensions: &[usize]) -> Vec<f32> {
    let mut rows = rows.to_vec();
    for row in rows.chunks_exact_mut(width) {
        dimensions.iter().for_each(|&i| row[i] = 0.0);
    }
    rows
}
