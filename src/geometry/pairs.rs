//! Mean cosine over all pairs, from sums: of unit vectors u, (|Σu|² − Σ|u|²) / (n(n−1)); the
//! same for every bootstrap sample of the texts that they come from.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

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
    /// `[samples, width]`: Σ w·S, with w how often a sample holds a text and S its sum.
    sums: Vec<f64>,
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
            sums: vec![0.0; SAMPLES * width],
            samples: vec![Sample::default(); SAMPLES],
        }
    }

    /// Adds texts, each with its number among all.
    pub(super) fn add(&mut self, shares: &[(usize, &Share)], weights: &Weights) {
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
        matmul(
            MatMut::from_row_major_slice_mut(&mut self.sums, SAMPLES, width),
            Accum::Add,
            MatRef::from_row_major_slice(&drawn, SAMPLES, shares.len()),
            MatRef::from_row_major_slice(&rows, shares.len(), width),
            1.0,
            Par::rayon(0),
        );
    }

    /// Mean cosine over all pairs.
    pub(super) fn mean_cosine(&self) -> Option<f64> {
        self.total.mean_cosine()
    }

    /// The same in every sample; pairs of a text with its own copy left out.
    pub(super) fn in_samples(&self) -> Vec<Option<f64>> {
        let sums = self.sums.chunks_exact(self.total.sum.len().max(1));
        sums.zip(&self.samples)
            .map(|(sum, s)| {
                let across = dot(sum, sum) - s.copies;
                let pairs = s.pairs_within + s.n * s.n - s.n_copies;
                ratio(s.within + across, pairs)
            })
            .collect()
    }
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
