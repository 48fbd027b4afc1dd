//! Many vectors at once: the rows are multiplied in blocks at the processor's full rate, both ends
//! are selected while a block's products are warm, and what may be among the best is scored again
//! by the exact kernel, so that lists and scores are those of one vector alone.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use faer::MatRef;
use pulp::Arch;
use rayon::prelude::*;

use crate::checkpoint::{Matrix, StoredMatrix};
use crate::task::{CancelToken, Cancelled};

use super::BothEnds;
use super::kernel::{chunks, multiply, norm, products_of};
use super::row_transform::RowTransform;
use super::select::{Passing, Scored};

/// Vectors from which on the blocked product pays.
pub(super) const LEAST: usize = 32;
/// Rows multiplied at a time.
const BLOCK_ROWS: usize = 512;
/// Shares of the rows for each thread, one after another.
const SHARES: usize = 8;
/// A vector with more candidates than this has mostly equal scores: it is left to the kernel.
const MOST: usize = 1 << 13;

/// Rows on the processor, and how they count.
#[derive(Clone, Copy)]
pub(super) struct TransformedRows<'a> {
    pub(super) rows: &'a StoredMatrix,
    pub(super) transform: &'a RowTransform,
    /// The norm of the longest.
    pub(super) longest: f32,
}

impl TransformedRows<'_> {
    /// A row's exact score.
    pub(super) fn score(
        &self,
        row: usize,
        (vector, shift): (&[f32], f32),
        buffer: &mut Vec<f32>,
    ) -> f32 {
        let mut product = [0.0];
        products_of((self.rows, row..row + 1), vector, buffer, &mut product);
        self.transform.score(row, product[0], shift)
    }
}

/// As `Rows::offer_scores` for `LEAST` vectors or more.
pub(super) fn offer(
    counted: TransformedRows<'_>,
    vectors: &Matrix,
    passing: Passing<'_>,
    ends: &mut [BothEnds],
    cancel: CancelToken<'_>,
) -> Result<(), Cancelled> {
    let TransformedRows { rows, longest, .. } = counted;
    let shifts = counted.transform.shifts(vectors);
    let fresh: Vec<Candidates> = ends
        .iter()
        .enumerate()
        .map(|(j, ends)| Candidates::new(ends.highest.k(), slack(vectors.row(j), longest)))
        .collect();
    let blocks: Vec<Range<usize>> = chunks(rows.rows(), BLOCK_ROWS).collect();
    let share = blocks.len().div_ceil(SHARES * rayon::current_num_threads());
    // What is out by the rows of one share is out among all.
    let least = Mutex::new(vec![Least::default(); ends.len()]);
    let known = || least.lock().unwrap_or_else(PoisonError::into_inner);
    let found = blocks
        .par_chunks(share.max(1))
        .map(|blocks| {
            let mut found = fresh.clone();
            let least = known().clone();
            let each = found.iter_mut().zip(least);
            each.for_each(|(found, least)| found.raise(least));
            let mut scratch = Scratch::default();
            for block in blocks {
                cancel.check()?;
                let scores = multiplied(counted, block.clone(), (vectors, &shifts), &mut scratch);
                gather(block, scores, passing.flags, &mut found);
            }
            let pruned = found.iter_mut().map(Candidates::pruned);
            let pruned: Vec<Least> = pruned.collect();
            let mut known = known();
            let each = known.iter_mut().zip(pruned);
            each.for_each(|(known, least)| *known = known.higher(least));
            Ok(found)
        })
        .try_reduce_with(|mut a, b| {
            a.iter_mut().zip(b).for_each(|(a, b)| a.merge(b));
            Ok(a)
        });
    let Some(found) = found.transpose()? else {
        return Ok(());
    };
    ends.par_iter_mut()
        .zip(found)
        .enumerate()
        .try_for_each(|(j, (ends, found))| {
            cancel.check()?;
            rescore(counted, (vectors.row(j), shifts[j]), passing, found, ends);
            Ok(())
        })
}

/// The norm of the longest row as it counts, or more; NaN if one is.
pub(super) fn longest(rows: &StoredMatrix, transform: &RowTransform) -> f32 {
    (0..rows.rows())
        .into_par_iter()
        .map_init(Vec::new, |buffer, i| {
            transform.longest(i, rows.widened(i..i + 1, buffer))
        })
        .reduce(|| 0.0, longer)
}

/// The larger of two lengths; NaN if one is.
pub(super) fn longer(a: f32, b: f32) -> f32 {
    if a.is_nan() || a > b { a } else { b }
}

/// The furthest that the scores of a product in any order of summation are from the kernel's:
/// each is within width·u of the exact one, relative to the product of the norms (Higham 2002,
/// §3.1), where u is half of epsilon; here four times the sum of both. Infinite if there is no
/// telling.
pub(super) fn slack(vector: &[f32], longest: f32) -> f32 {
    let terms = vector.len() as f32 + 2.0;
    let slack = 4.0 * terms * (f32::EPSILON * norm(vector) * longest + f32::MIN_POSITIVE);
    if slack.is_finite() {
        slack
    } else {
        f32::INFINITY
    }
}

/// What a thread computes a block's scores in.
#[derive(Default)]
pub(super) struct Scratch {
    scores: Vec<f32>,
    rows: Vec<f32>,
}

/// The scores of a block of rows, up to the slack: those of one vector after those of another.
pub(super) fn multiplied<'s>(
    counted: TransformedRows<'_>,
    block: Range<usize>,
    (vectors, shifts): (&Matrix, &[f32]),
    Scratch { scores, rows }: &'s mut Scratch,
) -> &'s mut [f32] {
    let width = counted.rows.cols();
    scores.resize(block.len() * vectors.rows(), 0.0);
    let some = counted.rows.widened(block.clone(), rows);
    multiply(
        MatRef::from_row_major_slice(vectors.data(), vectors.rows(), width),
        MatRef::from_row_major_slice(some, block.len(), width).transpose(),
        scores,
    );
    counted.transform.by_vector(block, scores, shifts);
    scores
}

/// Takes in what may be among the best of a block.
fn gather(block: &Range<usize>, scores: &[f32], flags: &[bool], found: &mut [Candidates]) {
    let arch = Arch::new();
    for (found, scores) in found.iter_mut().zip(scores.chunks_exact(block.len())) {
        found.take(arch, scores, block.start, flags);
    }
}

/// The exact scores of one vector's candidates, offered to its ends.
fn rescore(
    counted: TransformedRows<'_>,
    (vector, shift): (&[f32], f32),
    passing: Passing<'_>,
    found: Candidates,
    ends: &mut BothEnds,
) {
    let (rows, mut buffer) = (counted.rows, Vec::new());
    if !found.overflows() {
        for row in found.rows() {
            let score = counted.score(row as usize, (vector, shift), &mut buffer);
            ends.offer(passing.first_id + row, score);
        }
        return;
    }
    let mut scores = vec![0.0; rows.rows()];
    products_of((rows, 0..rows.rows()), vector, &mut buffer, &mut scores);
    for (row, product) in scores.into_iter().enumerate() {
        if passing.flags[row] {
            let score = counted.transform.score(row, product, shift);
            ends.offer(passing.first_id + row as u32, score);
        }
    }
}

/// Rows that may be among the k highest or lowest of one vector, by scores that are off by at
/// most `slack`.
///
/// If t is the k-th best such score, k rows have exact scores of t − slack or more, so a row among
/// the exact best has one too, and here t − 2·slack or more.
#[derive(Clone)]
struct Candidates {
    highest: Side,
    lowest: Side,
    slack: f32,
}

/// Scores of a vector's two ends below which rows are out.
#[derive(Clone, Copy)]
struct Least {
    highest: f32,
    lowest: f32,
}

impl Default for Least {
    fn default() -> Self {
        Self {
            highest: f32::NEG_INFINITY,
            lowest: f32::NEG_INFINITY,
        }
    }
}

impl Least {
    fn higher(self, other: Self) -> Self {
        Self {
            highest: self.highest.max(other.highest),
            lowest: self.lowest.max(other.lowest),
        }
    }
}

/// One end; the lowest with its scores negated.
#[derive(Clone)]
pub(super) struct Side {
    k: usize,
    pub(super) kept: Vec<Scored>,
    /// Scores below this are out.
    pub(super) least: f32,
    /// The length at which it is next worth throwing away.
    full: usize,
}

impl Candidates {
    fn new(k: usize, slack: f32) -> Self {
        let side = Side::new(k);
        Self {
            highest: side.clone(),
            lowest: side,
            slack,
        }
    }

    /// `scores`: those of the rows from `first` on.
    fn take(&mut self, arch: Arch, scores: &[f32], first: usize, flags: &[bool]) {
        /// Scores that are judged together before any is looked at alone.
        const GROUP: usize = 64;
        if self.overflows() {
            return;
        }
        for (g, group) in scores.chunks(GROUP).enumerate() {
            let (high, low) = (self.highest.least, -self.lowest.least);
            let neither = |all: bool, &x: &f32| all & (x < high) & (x > low);
            if arch.dispatch(|| group.iter().fold(true, neither)) {
                continue;
            }
            for (i, &score) in group.iter().enumerate() {
                let row = first + g * GROUP + i;
                if (score >= self.highest.least || score <= -self.lowest.least) && flags[row] {
                    self.highest.offer(row as u32, score, self.slack);
                    self.lowest.offer(row as u32, -score, self.slack);
                }
            }
        }
    }

    /// Leaves out what is out by other rows.
    fn raise(&mut self, least: Least) {
        let own = Least {
            highest: self.highest.least,
            lowest: self.lowest.least,
        };
        let least = own.higher(least);
        (self.highest.least, self.lowest.least) = (least.highest, least.lowest);
    }

    /// What is out by these rows.
    fn pruned(&mut self) -> Least {
        // Of those that were too many not all are here.
        if !self.overflows() {
            self.highest.prune(self.slack);
            self.lowest.prune(self.slack);
        }
        Least {
            highest: self.highest.least,
            lowest: self.lowest.least,
        }
    }

    fn merge(&mut self, other: Self) {
        for (side, other) in [
            (&mut self.highest, other.highest),
            (&mut self.lowest, other.lowest),
        ] {
            for Scored { id, score } in other.kept {
                side.offer(id, score, self.slack);
            }
        }
    }

    fn overflows(&self) -> bool {
        let most = MOST + 4 * self.highest.k;
        self.slack.is_infinite() || self.highest.kept.len() > most || self.lowest.kept.len() > most
    }

    /// The rows, each once.
    fn rows(mut self) -> Vec<u32> {
        self.highest.prune(self.slack);
        self.lowest.prune(self.slack);
        let kept = [self.highest.kept, self.lowest.kept].concat();
        let mut rows: Vec<u32> = kept.iter().map(|s| s.id).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }
}

impl Side {
    pub(super) fn new(k: usize) -> Self {
        Self {
            k,
            kept: Vec::new(),
            least: f32::NEG_INFINITY,
            full: 4 * k.max(16),
        }
    }

    pub(super) fn offer(&mut self, id: u32, score: f32, slack: f32) {
        if self.k > 0 && score >= self.least {
            self.kept.push(Scored { id, score });
            if self.kept.len() >= self.full {
                self.prune(slack);
                // What stays may be more than k, where many scores are within the slack.
                self.full = (2 * self.kept.len()).max(4 * self.k.max(16));
            }
        }
    }

    pub(super) fn prune(&mut self, slack: f32) {
        if self.k == 0 || self.kept.len() < self.k {
            return;
        }
        let falling = |a: &Scored, b: &Scored| b.score.total_cmp(&a.score);
        let (_, last, _) = self.kept.select_nth_unstable_by(self.k - 1, falling);
        let least = last.score - 2.0 * slack;
        // Rounded down, or the difference might be one step too high.
        self.least = self.least.max(least.next_down());
        self.kept.retain(|s| s.score >= self.least);
    }
}

#[cfg(test)]
mod tests;
