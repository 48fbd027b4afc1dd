//! How the scores of vectors are distributed over the rows, without the scores: sums of their powers.

use std::ops::Range;

use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::task::{CancelToken, Cancelled};

use super::batch::{Scratch, TransformedRows, multiplied};
use super::kernel::chunks;

/// Rows multiplied at a time.
const BLOCK_ROWS: usize = 512;

/// Sums of the powers of one vector's scores at the passing rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScoreSums {
    pub count: usize,
    /// Σ x, Σ x², Σ x³, Σ x⁴.
    powers: [f64; 4],
}

impl ScoreSums {
    /// Takes in some scores.
    pub fn add(&mut self, scores: impl Iterator<Item = f32>) {
        for score in scores {
            let x = f64::from(score);
            let square = x * x;
            self.count += 1;
            for (sum, power) in self
                .powers
                .iter_mut()
                .zip([x, square, square * x, square * square])
            {
                *sum += power;
            }
        }
    }

    fn merge(mut self, other: Self) -> Self {
        self.count += other.count;
        self.powers
            .iter_mut()
            .zip(other.powers)
            .for_each(|(a, b)| *a += b);
        self
    }

    /// E\[xⁿ\] for n from 1 to 4.
    fn moments(&self) -> [f64; 4] {
        self.powers.map(|sum| sum / self.count as f64)
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.moments()[0]
    }

    /// The standard deviation, of all and not of a sample.
    pub fn deviation(&self) -> f64 {
        let [mean, square, ..] = self.moments();
        (square - mean * mean).max(0.0).sqrt()
    }

    /// E\[(x − mean)⁴\] over the square of the variance: 3 of a normal distribution. NaN if all
    /// scores are equal, or there are none.
    pub fn kurtosis(&self) -> f64 {
        let [m, second, third, fourth] = self.moments();
        let central = fourth - 4.0 * m * third + 6.0 * m * m * second - 3.0 * m.powi(4);
        let variance = second - m * m;
        // What the subtraction leaves of equal scores is rounding.
        match variance > 1e-10 * second {
            true => central / (variance * variance),
            false => f64::NAN,
        }
    }
}

/// As [`super::Rows::score_sums`], of rows on the processor.
pub(super) fn score_sums(
    counted: TransformedRows<'_>,
    vectors: &Matrix,
    flags: &[bool],
    cancel: CancelToken<'_>,
) -> Result<Vec<ScoreSums>, Cancelled> {
    let shifts = counted.transform.shifts(vectors);
    let none = || vec![ScoreSums::default(); vectors.rows()];
    let blocks: Vec<Range<usize>> = chunks(counted.rows.rows(), BLOCK_ROWS).collect();
    let of_block = |scratch: &mut Scratch, block: &Range<usize>| {
        cancel.check()?;
        let scores = multiplied(counted, block.clone(), (vectors, &shifts), scratch);
        let mut sums = none();
        for (sums, scores) in sums.iter_mut().zip(scores.chunks_exact(block.len())) {
            let passing = scores.iter().zip(&flags[block.clone()]);
            sums.add(
                passing
                    .filter(|(_, passes)| **passes)
                    .map(|(score, _)| *score),
            );
        }
        Ok(sums)
    };
    // In the order of the blocks, so that the sums are the same every time.
    let found: Result<Vec<Vec<ScoreSums>>, Cancelled> = blocks
        .par_iter()
        .map_init(Scratch::default, of_block)
        .collect();
    let merged = found?.into_iter().fold(none(), |a, b| {
        a.into_iter().zip(b).map(|(a, b)| a.merge(b)).collect()
    });
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(scores: &[f32]) -> ScoreSums {
        let mut sums = ScoreSums::default();
        sums.add(scores.iter().copied());
        sums
    }

    #[test]
    fn kurtosis_of_known_distributions() {
        // Two equal values: 1. One outlier of n: (n² − 3n + 3)/(n − 1), at any place and scale.
        assert!((sums(&[-1.0, 1.0]).kurtosis() - 1.0).abs() < 1e-12);
        let mut scores = vec![5.0f32; 100];
        scores[17] = 7.5;
        let expected = (100.0f64 * 100.0 - 300.0 + 3.0) / 99.0;
        let found = sums(&scores);
        assert!((found.kurtosis() - expected).abs() < 1e-6 * expected);
        assert!((found.mean() - 5.025).abs() < 1e-12);
        assert!((found.deviation() - 2.5 * (0.01f64 * 0.99).sqrt()).abs() < 1e-9);
        let uniform: Vec<f32> = (0..=1000).map(|i| i as f32).collect();
        let n = 1001.0f64;
        let expected = 3.0 - 1.2 * (n * n + 1.0) / (n * n - 1.0);
        assert!((sums(&uniform).kurtosis() - expected).abs() < 1e-9);
        assert!(sums(&[3.0; 8]).kurtosis().is_nan());
        assert!(sums(&[]).kurtosis().is_nan());
    }
}
