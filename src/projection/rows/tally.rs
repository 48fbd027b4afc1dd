//! What is counted of one state's logits while they go by in blocks: the best, sums of exponentials,
//! and how many lie above wanted tokens.

use pulp::{Simd, WithSimd};

use crate::projection::batch::Side;
use crate::transformer::exp;

/// What is counted of a vector's logits so far.
#[derive(Clone)]
pub(super) struct Tally {
    pub best: Side,
    /// The largest logit, Σ exp(x − largest), and Σ exp(x − largest)·(x − largest).
    pub largest: f32,
    pub sum: f64,
    pub weighted: f64,
    /// Of the reference's largest so far, Σ exp(r − largest r)·x.
    pub of_reference: f32,
    pub cross: f64,
    /// For each wanted token how many logits are surely above it, and which may be.
    pub above: Vec<usize>,
    pub unsure: Vec<Vec<u32>>,
}

/// Sums of exponentials relative to the largest.
pub(super) struct Sums {
    pub largest: f32,
    pub sum: f64,
    pub weighted: f64,
}

/// Numbers that are summed side by side.
const LANES: usize = 16;

/// The [`Sums`] of some logits, for the widest registers that the processor has. A closure would not
/// be: it is too long to become part of what is compiled for them.
pub(super) struct SumsOf<'a>(pub &'a [f32]);

impl WithSimd for SumsOf<'_> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Sums {
        Sums::of(self.0)
    }
}

/// The largest of some logits, and exp(x − largest) of each; as [`SumsOf`].
pub(super) struct WeightsOf<'a>(pub &'a [f32]);

impl WithSimd for WeightsOf<'_> {
    type Output = (f32, Vec<f32>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (f32, Vec<f32>) {
        let largest = largest(self.0);
        let mut weights = self.0.to_vec();
        weights.iter_mut().for_each(|x| *x = exp(*x - largest));
        (largest, weights)
    }
}

/// Σ weight·x, in f64.
pub(super) struct Crossed<'a>(pub &'a [f32], pub &'a [f32]);

impl WithSimd for Crossed<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let (weights, of_rest) = self.0.as_chunks::<LANES>();
        let (logits, rest) = self.1.as_chunks::<LANES>();
        let mut sums = [0f64; LANES];
        for (weights, logits) in weights.iter().zip(logits) {
            for i in 0..LANES {
                sums[i] += f64::from(weights[i]) * f64::from(logits[i]);
            }
        }
        let rest = of_rest.iter().zip(rest);
        let rest: f64 = rest.map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
        sums.iter().sum::<f64>() + rest
    }
}

impl Sums {
    #[inline(always)]
    fn of(logits: &[f32]) -> Self {
        let largest = largest(logits);
        let (mut sum, mut weighted) = ([0f32; LANES], [0f32; LANES]);
        let (lanes, rest) = logits.as_chunks::<LANES>();
        for lane in lanes {
            for i in 0..LANES {
                let x = lane[i] - largest;
                let e = exp(x);
                sum[i] += e;
                weighted[i] += e * x;
            }
        }
        for (i, x) in rest.iter().enumerate() {
            let e = exp(x - largest);
            sum[i] += e;
            weighted[i] += e * (x - largest);
        }
        let all = |lanes: [f32; LANES]| lanes.into_iter().map(f64::from).sum();
        Self {
            largest,
            sum: all(sum),
            weighted: all(weighted),
        }
    }
}

/// The largest of some numbers; NaN if one is.
#[inline(always)]
fn largest(logits: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if a.is_nan() || a > b { a } else { b };
    let (lanes, rest) = logits.as_chunks::<LANES>();
    let mut most = [f32::NEG_INFINITY; LANES];
    for lane in lanes {
        for i in 0..LANES {
            most[i] = larger(most[i], lane[i]);
        }
    }
    let rest = rest.iter().copied();
    most.into_iter().chain(rest).fold(f32::NEG_INFINITY, larger)
}

impl Tally {
    pub(super) fn log_sum(&self) -> f64 {
        f64::from(self.largest) + self.sum.ln()
    }

    pub(super) fn add(&mut self, other: &Sums) {
        if other.sum == 0.0 {
            return;
        }
        if other.largest > self.largest || other.largest.is_nan() {
            (self.sum, self.weighted) =
                moved((self.sum, self.weighted), self.largest, other.largest);
            self.largest = other.largest;
        }
        let (sum, weighted) = moved((other.sum, other.weighted), other.largest, self.largest);
        self.sum += sum;
        self.weighted += weighted;
    }

    pub(super) fn add_cross(&mut self, largest: f32, cross: f64) {
        if largest == f32::NEG_INFINITY {
            return;
        }
        let scale = |from: f32, to: f32| (f64::from(from) - f64::from(to)).exp();
        if largest > self.of_reference {
            self.cross *= scale(self.of_reference, largest);
            self.of_reference = largest;
        }
        self.cross += cross * scale(largest, self.of_reference);
    }
}

/// Sums relative to `from` as sums relative to `to`, which is no smaller.
fn moved((sum, weighted): (f64, f64), from: f32, to: f32) -> (f64, f64) {
    if sum == 0.0 {
        return (0.0, 0.0);
    }
    let apart = f64::from(from) - f64::from(to);
    let scale = apart.exp();
    (sum * scale, (weighted + sum * apart) * scale)
}
