//! Mean cosine over all pairs, from sums: of unit vectors u, (|Σu|² − Σ|u|²) / (n(n−1)); the
//! same for every bootstrap sample of the texts that they come from.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};

use super::bootstrap::{SAMPLES, Weights};

/// What one text brings: the sum of its unit vectors, their squared lengths and their number.
#[derive(Clone, Debug, Default)]
pub(super) struct Share {
    pub sum: Vec<f64>,
    pub squares: f64,
    pub n: f64,
}

impl Share {
    pub(super) fn new(width: usize) -> Self {
        Self {
            sum: vec![0.0; width],
            ..Self::default()
        }
    }

    /// Adds `x` at length 1. A vector of zeros has no direction: it is like no other.
    pub(super) fn add(&mut self, x: &[f32]) {
        let scale = inverse(length(x));
        for (s, &x) in self.sum.iter_mut().zip(x) {
            *s += f64::from(x) * scale;
        }
        self.squares += if scale > 0.0 { 1.0 } else { 0.0 };
        self.n += 1.0;
    }

    /// Mean cosine over the pairs within it.
    pub(super) fn mean_cosine(&self) -> Option<f64> {
        ratio(
            dot(&self.sum, &self.sum) - self.squares,
            self.n * (self.n - 1.0),
        )
    }
}

/// Sums over all texts, and over each sample.
#[derive(Clone, Debug)]
pub(super) struct PairSums {
    pub total: Share,
    /// `[samples, width]`: Σ w·S, with w how often a sample holds a text and S its sum. Empty
    /// while there is none, and where `across` says all.
    sums: Vec<f64>,
    /// By sample: |Σ w·S|² of all texts, where they came together.
    across: Vec<f64>,
    /// By sample: what the texts bring apart from `sums`.
    samples: Vec<Sample>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    /// Σ w(|S|² − squares): pairs within a text.
    within: f64,
    /// Σ w²|S|²: a text with its own copies, which are no pairs.
    copies: f64,
    /// Σ w·n(n−1), Σ w·n and Σ w²n²: the same for the number of pairs.
    pairs_within: f64,
    n: f64,
    n_copies: f64,
}

impl PairSums {
    pub(super) fn new(width: usize) -> Self {
        Self {
            total: Share::new(width),
            sums: Vec::new(),
            across: Vec::new(),
            samples: vec![Sample::default(); SAMPLES],
        }
    }

    /// Adds texts, each with its number among all; whether these are `all` that there are.
    pub(super) fn add(&mut self, shares: &[(usize, &Share)], all: bool, weights: &Weights) {
        let width = self.total.sum.len();
        let mut rows = Vec::with_capacity(shares.len() * width);
        for (_, share) in shares {
            rows.extend_from_slice(&share.sum);
            let total = self.total.sum.iter_mut().zip(&share.sum);
            total.for_each(|(t, s)| *t += s);
            self.total.squares += share.squares;
            self.total.n += share.n;
        }
        let lengths: Vec<f64> = shares.iter().map(|(_, s)| dot(&s.sum, &s.sum)).collect();
        let mut drawn = Vec::with_capacity(SAMPLES * shares.len());
        for (sample, sums) in self.samples.iter_mut().enumerate() {
            for ((text, share), length) in shares.iter().zip(&lengths) {
                let w = weights.of(sample, *text);
                drawn.push(w);
                sums.within += w * (length - share.squares);
                sums.copies += w * w * length;
                sums.pairs_within += w * share.n * (share.n - 1.0);
                sums.n += w * share.n;
                sums.n_copies += w * w * share.n * share.n;
            }
        }
        let drawn = MatRef::from_row_major_slice(&drawn, SAMPLES, shares.len());
        let rows = MatRef::from_row_major_slice(&rows, shares.len(), width);
        // The texts' own products are fewer than the samples' sums, if there are few texts.
        if all && shares.len() * (SAMPLES + width) < SAMPLES * width {
            self.across = squares(drawn, rows);
            return;
        }
        self.sums.resize(SAMPLES * width, 0.0);
        let sums = MatMut::from_row_major_slice_mut(&mut self.sums, SAMPLES, width);
        matmul(sums, Accum::Add, drawn, rows, 1.0, Par::rayon(0));
    }

    /// Mean cosine over all pairs.
    pub(super) fn mean_cosine(&self) -> Option<f64> {
        self.total.mean_cosine()
    }

    /// The same in every sample; pairs of a text with its own copy left out.
    pub(super) fn in_samples(&self) -> Vec<Option<f64>> {
        let width = self.total.sum.len().max(1);
        let square = |sum: &[f64]| dot(sum, sum);
        let across: Vec<f64> = match self.across.is_empty() {
            true => self.sums.chunks_exact(width).map(square).collect(),
            false => self.across.clone(),
        };
        // Without any text, every sample holds nothing.
        let across = across.into_iter().chain(std::iter::repeat(0.0));
        across
            .zip(&self.samples)
            .map(|(across, s)| {
                let pairs = s.pairs_within + s.n * s.n - s.n_copies;
                ratio(s.within + across - s.copies, pairs)
            })
            .collect()
    }
}

/// For each row w of `drawn`, `[samples, n]`, |wᵀ·rows|², `rows` `[n, width]`: from the products of
/// the rows.
fn squares(drawn: MatRef<'_, f64>, rows: MatRef<'_, f64>) -> Vec<f64> {
    let n = rows.nrows();
    let mut gram = Mat::zeros(n, n);
    let mut weighed = Mat::zeros(n, drawn.nrows());
    let (replace, par) = (Accum::Replace, Par::rayon(0));
    matmul(gram.as_mut(), replace, rows, rows.transpose(), 1.0, par);
    matmul(
        weighed.as_mut(),
        replace,
        &gram,
        drawn.transpose(),
        1.0,
        par,
    );
    let square = |sample: usize| {
        (0..n)
            .map(|i| drawn[(sample, i)] * weighed[(i, sample)])
            .sum()
    };
    (0..drawn.nrows()).map(square).collect()
}

pub(super) fn ratio(a: f64, b: f64) -> Option<f64> {
    (b > 0.5).then(|| a / b)
}

/// Eight sums side by side, which the processor adds at once.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8
        .remainder()
        .iter()
        .zip(b8.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a8.zip(b8) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// A vector's length.
pub(super) fn length(x: &[f32]) -> f64 {
    let mut sums = [0.0; 8];
    let x8 = x.chunks_exact(8);
    let square = |x: f32| f64::from(x) * f64::from(x);
    let rest: f64 = x8.remainder().iter().map(|&x| square(x)).sum();
    for x in x8 {
        for i in 0..8 {
            sums[i] += square(x[i]);
        }
    }
    (sums.iter().sum::<f64>() + rest).sqrt()
}

/// 1/length; 0 for a length of 0.
pub(super) fn inverse(length: f64) -> f64 {
    if length > 0.0 { 1.0 / length } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_the_same_of_texts_together_and_one_after_another() {
        let mut rng = fastrand::Rng::with_seed(4);
        let (texts, width) = (9, 21);
        let share = |_| {
            let mut share = Share::new(width);
            for _ in 0..rng.usize(1..5) {
                let x: Vec<f32> = (0..width).map(|_| rng.f32() - 0.3).collect();
                share.add(&x);
            }
            share
        };
        let shares: Vec<Share> = (0..texts).map(share).collect();
        let numbered: Vec<(usize, &Share)> = shares.iter().enumerate().collect();
        let weights = Weights::draw(texts, 5);
        let mut together = PairSums::new(width);
        together.add(&numbered, true, &weights);
        assert!(together.sums.is_empty());
        let mut one_by_one = PairSums::new(width);
        for text in numbered.chunks(1) {
            one_by_one.add(text, false, &weights);
        }
        let samples = together.in_samples().into_iter();
        for (together, alone) in samples.zip(one_by_one.in_samples()) {
            let (together, alone) = (together.unwrap(), alone.unwrap());
            assert!((together - alone).abs() < 1e-12, "{together} {alone}");
        }
    }
}
