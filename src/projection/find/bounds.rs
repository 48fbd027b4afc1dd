//! Lower bounds of ranks: how many of a few sampled tokens stand ahead of a given score.

use std::ops::Range;

use faer::MatRef;
use pulp::Arch;

use crate::checkpoint::Matrix;
use crate::projection::batch::slack;
use crate::projection::kernel::{chunks, multiply};
use crate::projection::{ProjectionError, Rows};
use crate::task::{CancelToken, Cancelled};

/// Rows of the samples: a few that every vector is held against, and more for those that are left.
pub(super) const SAMPLES: [usize; 3] = [512, 2048, 8192];
/// Numbers that a sample may hold.
const SAMPLE_MAX: usize = 1 << 23;
/// Rows multiplied at a time.
const BLOCK_ROWS: usize = 512;

/// Rows drawn from those that pass, in samples without a row in common.
#[derive(Debug)]
pub(super) struct RankBounds {
    samples: [Matrix; SAMPLES.len()],
    /// The norm of the longest of all rows, as they count.
    longest: f32,
}

/// How many sampled rows are surely ahead at the two ends of a vector's list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ahead {
    /// With a score above the higher limit.
    pub(super) higher: usize,
    /// With a score below the lower limit.
    pub(super) lower: usize,
}

impl RankBounds {
    /// Draws the samples.
    ///
    /// # Errors
    /// The device fails.
    pub(super) fn of(rows: &Rows, flags: &[bool]) -> Result<Self, ProjectionError> {
        let passing = (0..rows.len() as u32).filter(|&row| flags[row as usize]);
        let mut rng = fastrand::Rng::with_seed(0);
        let mut drawn = rng.choose_multiple(passing, SAMPLES.iter().sum());
        rng.shuffle(&mut drawn);
        let most = SAMPLE_MAX / rows.width().max(1);
        let mut rest = &drawn[..];
        let mut samples = SAMPLES.map(|_| Matrix::zeros(0, rows.width()));
        for (sample, size) in samples.iter_mut().zip(SAMPLES) {
            let (some, others) = rest.split_at(size.min(most).min(rest.len()));
            *sample = rows.pick(some)?;
            rest = others;
        }
        Ok(Self {
            samples,
            longest: rows.longest()?,
        })
    }

    /// Holds some of the vectors (`[n, d_model]`) against a sample; `limits`: for each the higher
    /// and the lower of its limits. What a product could get wrong by rounding is not counted, so a
    /// list has at least so many tokens ahead of a token of that score.
    pub(super) fn ahead(
        &self,
        sample: usize,
        vectors: &Matrix,
        some: Range<usize>,
        limits: impl Fn(usize) -> [f32; 2],
        cancel: CancelToken<'_>,
    ) -> Result<Vec<Ahead>, Cancelled> {
        let (rows, width) = (&self.samples[sample], vectors.cols());
        let data = &vectors.data()[some.start * width..some.end * width];
        let data = MatRef::from_row_major_slice(data, some.len(), width);
        let limits = some.clone().map(|i| {
            // Both the sampled scores and the limits may be off by the slack.
            let margin = 2.0 * slack(vectors.row(i), self.longest);
            let [high, low] = limits(i);
            [high + margin, low - margin]
        });
        let limits: Vec<[f32; 2]> = limits.collect();
        let mut ahead = vec![Ahead::default(); some.len()];
        let mut scores = Vec::new();
        let arch = Arch::new();
        for block in chunks(rows.rows(), BLOCK_ROWS) {
            cancel.check()?;
            scores.resize(some.len() * block.len(), 0.0);
            let rows = &rows.data()[block.start * width..block.end * width];
            let rows = MatRef::from_row_major_slice(rows, block.len(), width);
            multiply(data, rows.transpose(), &mut scores);
            let scores = scores.chunks_exact(block.len());
            for ((ahead, scores), [high, low]) in ahead.iter_mut().zip(scores).zip(&limits) {
                let [higher, lower] = arch.dispatch(|| {
                    scores.iter().fold([0_u32; 2], |[higher, lower], score| {
                        [
                            higher + u32::from(score > high),
                            lower + u32::from(score < low),
                        ]
                    })
                });
                ahead.higher += higher as usize;
                ahead.lower += lower as usize;
            }
        }
        Ok(ahead)
    }

    /// The furthest that two products of a vector with a row may be apart by rounding.
    pub(super) fn slack(&self, vector: &[f32]) -> f32 {
        slack(vector, self.longest)
    }
}
