//! The exact best pairs of a form A·Bᵀ, without forming it: most pairs are ruled out by bounds on
//! their norms, most of the rest by their leading coordinates, and what remains is scored in full.
//!
//! The bounds are those of LEMP (Teflioudi et al. 2015, §3–4) and FEXIPRO (Li et al. 2017, §3);
//! every rounding error is added to them, so that the list is the brute-force one, ties by id.

mod scouts;
mod side;
mod tiles;

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use candle_core::Device;
use pulp::Arch;
use rayon::prelude::*;

use crate::checkpoint::Matrix;

use crate::projection::balance::balance_factors;
use crate::projection::kernel::multiply;
use crate::projection::kernel::{dot, for_each_that_may_reach, may_reach, norm};
use crate::projection::{Best, End, Pair, ProjectionError};
use crate::task::{CancelToken, Cancelled};

use side::{LeadingBlocks, Side, identity_error};
use tiles::Tiles;

/// How the search is cut up; the list does not depend on it.
#[derive(Clone, Copy, Debug)]
struct Blocks {
    /// Rows of A a task takes.
    a: usize,
    /// Rows of B multiplied at a time: the products fill a core's second-level cache, no more.
    b: usize,
    /// Blocks of A between two reports of how far the search is.
    wave: usize,
    /// Blocks of A whose rows, the longest, are multiplied in full with as many of B first, for a
    /// threshold to start from.
    seed: usize,
    /// Rows for which scouts make a pass over a factor.
    scout: usize,
}

impl Default for Blocks {
    fn default() -> Self {
        Self {
            a: 128,
            b: 1024,
            wave: 16,
            seed: 4,
            scout: 8192,
        }
    }
}

/// What scoring one surviving pair costs, in multiplications of one coordinate in a block.
const SURVIVOR_COST: f32 = 6.0;

/// Pairs scored between two looks at whether the list is still wanted, at the end of a row.
const SCORED: usize = 4096;

/// What is looked for.
pub struct PairsWanted<'a> {
    pub k: usize,
    pub end: End,
    /// One flag a row; a pair passes if both its rows do.
    pub passing: &'a [bool],
    /// Judges the two rows together.
    pub admits: &'a (dyn Fn(u32, u32) -> bool + Sync),
}

/// How far a search is: the share that is done, and the best so far.
pub type Report<'a> = &'a mut dyn FnMut(f32, Vec<Pair>);

/// The k best of all admitted pairs of rows, by `a[from]·b[to]`, best first. `a`, `b`: `[n, h]`.
pub fn best_pairs(
    a: &Matrix,
    b: &Matrix,
    want: &PairsWanted<'_>,
    cancel: CancelToken<'_>,
    report: Report<'_>,
) -> Result<Vec<Pair>, Cancelled> {
    Search::new((a, b), want, cancel)?.on_host(Blocks::default(), report)
}

/// [`best_pairs`], the same list to the last bit, with the bounds computed on `device`.
///
/// # Errors
/// The device fails, or its products are off by more than f32's rounding.
pub fn best_pairs_on(
    device: &Device,
    a: &Matrix,
    b: &Matrix,
    want: &PairsWanted<'_>,
    cancel: CancelToken<'_>,
    report: Report<'_>,
) -> Result<Vec<Pair>, ProjectionError> {
    let search = Search::new((a, b), want, cancel)?;
    if device.is_cpu() || !search.bounds_hold() {
        return Ok(search.on_host(Blocks::default(), report)?);
    }
    search.on_device(Tiles::default(), device, report)
}

struct Search<'a> {
    a: Side<'a>,
    b: Side<'a>,
    /// No bound is off by more.
    slack: f32,
    /// −1 for the lowest: of the negated scores these are the highest.
    sign: f32,
    want: &'a PairsWanted<'a>,
    cancel: CancelToken<'a>,
    /// Bits of a score that k pairs are known to reach.
    threshold: AtomicU32,
}

/// What no bound is off by: each side with the norm of its transformation (0 if there is none),
/// and what these two are short of being inverse.
fn slack((a, left): (&Side<'_>, f32), (b, right): (&Side<'_>, f32), error: f32) -> f32 {
    // a·b = a'·b' + slack: what the transformation is short of an inverse, what its two products
    // lose, and what the bound's own product loses; each at its largest.
    let rounding = 4.0 * f32::EPSILON * (a.given.cols() as f32 + 2.0);
    let (long_a, long_b) = (a.longest_exact, b.longest_exact);
    let (lost_a, lost_b) = (rounding * long_a * left, rounding * long_b * right);
    let (norm_a, norm_b) = (a.longest(), b.longest());
    let slack = error * long_a * long_b
        + norm_a * lost_b
        + norm_b * lost_a
        + lost_a * lost_b
        + rounding * (norm_a * norm_b + long_a * long_b)
        + (a.given.cols() as f32 + 2.0) * f32::MIN_POSITIVE;
    // Numbers that overflow or are none: no bound holds, every pair is scored.
    if slack.is_finite() {
        slack
    } else {
        f32::INFINITY
    }
}

impl<'a> Search<'a> {
    fn new(
        (given_a, given_b): (&'a Matrix, &'a Matrix),
        want: &'a PairsWanted<'a>,
        cancel: CancelToken<'a>,
    ) -> Result<Self, Cancelled> {
        let sign = if want.end == End::Lowest { -1.0 } else { 1.0 };
        let ids: Vec<u32> = (0..want.passing.len())
            .filter(|&i| want.passing[i])
            .map(|i| i as u32)
            .collect();
        let balanced = balance_factors(given_a, given_b, &ids, cancel)?;
        let (left, right) = balanced.as_ref().map(|t| (&t.left, &t.right)).unzip();
        let error = left
            .zip(right)
            .map_or(0.0, |(left, right)| identity_error(left, right));
        // One after the other, each on all threads: what one leaves is gone when the other begins.
        let a = Side::new(given_a, &ids, sign, left, cancel)?;
        let b = Side::new(given_b, &ids, 1.0, right, cancel)?;
        cancel.check()?;
        let size = |t: Option<&Matrix>| t.map_or(0.0, |t| norm(t.data()));
        let slack = slack((&a, size(left)), (&b, size(right)), error);
        Ok(Self {
            a,
            b,
            slack,
            sign,
            want,
            cancel,
            threshold: AtomicU32::new(f32::NEG_INFINITY.to_bits()),
        })
    }

    /// A list of the search as one of scores.
    fn signed(&self, best: Best<Pair>) -> Vec<Pair> {
        let signed = |p: Pair| Pair {
            // Adding 0 makes 0 of −0.
            score: self.sign * p.score + 0.0,
            ..p
        };
        best.into_sorted().into_iter().map(signed).collect()
    }

    fn on_host(&self, blocks: Blocks, report: Report<'_>) -> Result<Vec<Pair>, Cancelled> {
        let n = self.a.ids.len();
        let Blocks { a, wave, seed, .. } = blocks;
        let seed = (seed * a).min(n);
        self.scout(blocks.scout)?;
        let whole = LeadingBlocks::whole(&self.a);
        let mut best = self.visit(0..seed, 0..seed, blocks.b, &whole)?;
        self.raise(&mut best);
        let leading = match self.cheapest_coordinates() {
            Some(count) => LeadingBlocks::new(&self.a, &self.b, count, self.cancel)?,
            None => whole,
        };
        self.cancel.check()?;
        let starts: Vec<usize> = (0..n).step_by(a).collect();
        for (i, starts) in starts.chunks(wave).enumerate() {
            let found: Vec<Best<Pair>> = starts
                .par_iter()
                .map(|&start| {
                    let from = if start < seed { seed } else { 0 };
                    self.visit(start..n.min(start + a), from..n, blocks.b, &leading)
                })
                .collect::<Result<_, _>>()?;
            found.into_iter().for_each(|found| best.merge(found));
            self.raise(&mut best);
            let visited = (i * wave + starts.len()) * a;
            report(
                (visited as f32 / n as f32).min(1.0),
                self.signed(best.clone()),
            );
        }
        Ok(self.signed(best))
    }

    /// Scores what the bounds let through in one rectangle, `at_once` columns at a time.
    fn visit(
        &self,
        rows: Range<usize>,
        cols: Range<usize>,
        at_once: usize,
        leading: &LeadingBlocks,
    ) -> Result<Best<Pair>, Cancelled> {
        let mut best = Best::at_least(self.want.k, self.reached());
        let mut bounds = Vec::new();
        if rows.is_empty() {
            return Ok(best);
        }
        let arch = Arch::new();
        let count = leading.coordinates;
        let lead_a = self.a.leading(rows.clone(), count);
        for start in cols.clone().step_by(at_once) {
            self.cancel.check()?;
            best.raise(self.reached());
            let least = best.threshold() - self.slack;
            // Norms fall, so no later block reaches what this one does not.
            if self.a.norms[rows.start] * self.b.norms[start] < least {
                break;
            }
            let end = cols.end.min(start + at_once);
            let lead_b = self.b.leading(start..end, count);
            bounds.resize(rows.len() * (end - start), 0.0);
            multiply(lead_a, lead_b.transpose(), &mut bounds);
            let mut scored = 0;
            for (i, bounds) in bounds.chunks_exact_mut(end - start).enumerate() {
                if let Some([of_a, of_b]) = &leading.rest {
                    let (rest, others) = (of_a[rows.start + i], &of_b[start..end]);
                    arch.dispatch(|| add_scaled(bounds, rest, others));
                }
                let bounds = &*bounds;
                let mut least = best.threshold() - self.slack;
                for_each_that_may_reach(bounds, least, |j| {
                    if may_reach(bounds[j], least) {
                        let (i, j) = (rows.start + i, start + j);
                        let score = self.score_of(i, j);
                        self.offer((i, j), score, &mut best);
                        least = best.threshold() - self.slack;
                        scored += 1;
                    }
                });
                if scored >= SCORED {
                    self.cancel.check()?;
                    scored = 0;
                }
            }
            self.publish(best.threshold());
        }
        Ok(best)
    }

    /// The score of a pair, from the numbers as they were given.
    fn score_of(&self, i: usize, j: usize) -> f32 {
        self.sign * dot(self.a.exact(i), self.b.exact(j))
    }

    fn offer(&self, (i, j): (usize, usize), score: f32, best: &mut Best<Pair>) {
        let pair = Pair {
            from: self.a.ids[i],
            to: self.b.ids[j],
            score,
        };
        if best.admits(score) && (self.want.admits)(pair.from, pair.to) {
            best.offer(pair);
        }
    }

    fn reached(&self) -> f32 {
        f32::from_bits(self.threshold.load(Ordering::Relaxed))
    }

    fn publish(&self, threshold: f32) {
        let higher = |bits| (f32::from_bits(bits) < threshold).then_some(threshold.to_bits());
        // An error means that another task has published more.
        let _ = self
            .threshold
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, higher);
    }

    fn raise(&self, best: &mut Best<Pair>) {
        best.prune();
        self.publish(best.threshold());
    }

    /// The number of leading coordinates that costs least, tried on a sample of the pairs that
    /// norms alone do not rule out; `None` if all coordinates do.
    fn cheapest_coordinates(&self) -> Option<usize> {
        let h = self.a.given.cols();
        let least = self.reached() - self.slack;
        let sample = self.sample(least);
        let cost = |count: usize| {
            let passes = |&&(i, j): &&(usize, usize)| self.bound(i, j, count) >= least;
            let share = sample.iter().filter(passes).count() as f32 / sample.len() as f32;
            (count + 1) as f32 + share * h as f32 * SURVIVOR_COST
        };
        let counts = [8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192].into_iter();
        let counts = counts.filter(|&count| count + 1 < h);
        let counts = counts.take_while(|_| !self.cancel.is_cancelled());
        let costs = counts.map(|count| (cost(count), count));
        let (least_cost, count) = costs.min_by(|a, b| a.0.total_cmp(&b.0))?;
        (least_cost < h as f32).then_some(count)
    }

    /// A pair's bound from its first coordinates and the norms of the rest.
    fn bound(&self, i: usize, j: usize, coordinates: usize) -> f32 {
        let (lead_a, rest_a) = self.a.bounding.row(i).split_at(coordinates);
        let (lead_b, rest_b) = self.b.bounding.row(j).split_at(coordinates);
        dot(lead_a, lead_b) + norm(rest_a) * norm(rest_b)
    }

    /// Pairs spread over those whose norms reach `least`.
    fn sample(&self, least: f32) -> Vec<(usize, usize)> {
        const SIDE: usize = 64;
        let spread = |len: usize| (0..len).step_by((len / SIDE).max(1));
        let reach = |i: usize| {
            self.b
                .norms
                .partition_point(|b| self.a.norms[i] * b >= least)
        };
        let rows = self
            .a
            .norms
            .partition_point(|a| a * self.b.longest() >= least);
        spread(rows)
            .flat_map(|i| spread(reach(i)).map(move |j| (i, j)))
            .collect()
    }
}

/// Adds numbers, each times `by`.
#[inline(always)]
fn add_scaled(sums: &mut [f32], by: f32, numbers: &[f32]) {
    sums.iter_mut()
        .zip(numbers)
        .for_each(|(sum, x)| *sum += by * x);
}

#[cfg(test)]
mod tests;
