//! The exact best pairs of a form A·Bᵀ, without forming it: most pairs are ruled out by bounds on
//! their norms, most of the rest by bounds in 8-bit integers on their leading coordinates, and what
//! remains is scored in full.
//!
//! The bounds are those of LEMP (Teflioudi et al. 2015, §3–4) and FEXIPRO (Li et al. 2017, §3–4);
//! every rounding error is added to them, so that the list is the brute-force one, ties by id.

mod bounds;
mod integers;
mod leading;
mod looks;
mod near;
mod one_row;
mod quantised;
mod scouts;
mod side;
mod sweep;
mod tiles;
mod widths;

use std::sync::atomic::{AtomicU32, Ordering};

use candle_core::Device;
use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::balance::balance_factors;
use crate::projection::kernel::{dot, products};
use crate::projection::{Best, End, Pair, ProjectionError, Ranked};
use crate::task::{CancelToken, Cancelled};

use bounds::Bounds;
pub use integers::Kernel as PairKernel;
use integers::{Kernel, PANEL, STRIP};
pub use near::{NearProduct, NearRows, standing_out};
use sweep::sweep;
use tiles::Tiles;

/// How the search is cut up; the list does not depend on it.
#[derive(Clone, Copy, Debug)]
struct Blocks {
    /// Strips of A's rows a task takes.
    strips: usize,
    /// Panels of B's rows multiplied at a time.
    panels: usize,
    /// Such steps that a task takes.
    slab: usize,
    /// Blocks of A's rows between two reports of how far the search is.
    wave: usize,
    /// Rows for which scouts make a pass over a factor.
    scout: usize,
    /// Rows from which on scouts look at leading coordinates.
    leading: usize,
    /// A part of the rows that is looked at before the others has at least as many.
    corner: usize,
    kernel: Kernel,
}

impl Blocks {
    /// As is best for a kernel.
    fn of(kernel: Kernel) -> Self {
        let (strips, panels) = kernel.block();
        Self {
            strips,
            panels,
            slab: 64,
            wave: 4,
            scout: 8192,
            leading: 100_000,
            corner: 4096,
            kernel,
        }
    }

    /// Rows of A a task takes.
    fn rows(&self) -> usize {
        self.strips * STRIP
    }

    /// Rows of B multiplied at a time.
    fn columns(&self) -> usize {
        self.panels * PANEL
    }
}

impl Default for Blocks {
    fn default() -> Self {
        Self::of(Kernel::detected())
    }
}

/// The share that is done when scouts are through.
const SCOUTED: f32 = f32::MIN_POSITIVE;

/// Rows of A scored in full between two looks at whether the list is still wanted, where no bound
/// holds.
const SCORED_ROWS: usize = 16;

/// What is looked for.
pub struct PairsWanted<'a> {
    pub k: usize,
    pub end: End,
    /// One flag a row; a pair passes if both its rows do.
    pub passing: &'a [bool],
    /// Judges the two rows together.
    pub admits: &'a (dyn Fn(u32, u32) -> bool + Sync),
}

/// How far a search is: the share that is done, and the best so far. More than 0 is done as soon as
/// scouts are through, and what follows is the proof.
pub type Report<'a> = &'a mut dyn FnMut(f32, Vec<Pair>);

/// The k best of all admitted pairs of rows, by `a[from]·b[to]`, best first. `a`, `b`: `[n, h]`.
pub fn best_pairs(
    a: &Matrix,
    b: &Matrix,
    want: &PairsWanted<'_>,
    cancel: CancelToken<'_>,
    report: Report<'_>,
) -> Result<Vec<Pair>, Cancelled> {
    Search::new((a, b), want, cancel).on_host(Blocks::default(), report)
}

/// [`best_pairs`] with bounds by a kernel of this machine that need not be the fastest.
///
/// # Errors
/// The token is cancelled.
pub fn best_pairs_by(
    kernel: PairKernel,
    (a, b): (&Matrix, &Matrix),
    want: &PairsWanted<'_>,
    cancel: CancelToken<'_>,
    report: Report<'_>,
) -> Result<Vec<Pair>, Cancelled> {
    Search::new((a, b), want, cancel).on_host(Blocks::of(kernel), report)
}

/// [`best_pairs`], the same list to the last bit, with the bounds computed on `device`. `known`: the
/// list so far of the same search when it was cancelled, which then goes on from there, or none.
///
/// # Errors
/// The device fails, or its products are off by more than f32's rounding.
pub fn best_pairs_on(
    device: &Device,
    (a, b): (&Matrix, &Matrix),
    want: &PairsWanted<'_>,
    known: &[Pair],
    cancel: CancelToken<'_>,
    report: Report<'_>,
) -> Result<Vec<Pair>, ProjectionError> {
    let mut search = Search::new((a, b), want, cancel);
    search.known = known;
    match device.is_cpu() {
        true => Ok(search.on_host(Blocks::default(), report)?),
        false => search.on_device((Blocks::default(), Tiles::default()), device, report),
    }
}

/// Pairs that are among the best of a few full rows and columns: most of [`best_pairs`], often all of
/// them, without proof and at a small share of the cost.
///
/// # Errors
/// The token is cancelled.
pub fn likely_pairs(
    a: &Matrix,
    b: &Matrix,
    want: &PairsWanted<'_>,
    cancel: CancelToken<'_>,
) -> Result<Vec<Pair>, Cancelled> {
    likely_pairs_while(a, b, want, cancel, &mut |_| true)
}

/// [`likely_pairs`], of no more rows and columns once `go_on` says so of what is found.
///
/// # Errors
/// The token is cancelled.
pub fn likely_pairs_while(
    a: &Matrix,
    b: &Matrix,
    want: &PairsWanted<'_>,
    cancel: CancelToken<'_>,
    go_on: &mut dyn FnMut(&[Pair]) -> bool,
) -> Result<Vec<Pair>, Cancelled> {
    let search = Search::new((a, b), want, cancel);
    let found = search.scout(Blocks::default().scout, scouts::PASSES, go_on)?;
    Ok(search.signed(found))
}

/// `a[from]·b[to]` of some pairs, each with what `more` says of it.
///
/// # Errors
/// The token is cancelled.
pub fn scores_of(
    (a, b): (&Matrix, &Matrix),
    pairs: &[(u32, u32)],
    more: &(dyn Fn(u32, u32) -> f32 + Sync),
    cancel: CancelToken<'_>,
) -> Result<Vec<f32>, Cancelled> {
    /// Pairs a task takes.
    const SOME_PAIRS: usize = 4096;
    let mut scores = vec![0.0; pairs.len()];
    let tasks = scores.par_chunks_mut(SOME_PAIRS);
    tasks
        .zip(pairs.par_chunks(SOME_PAIRS))
        .try_for_each(|(scores, pairs)| {
            cancel.check()?;
            for (score, &(from, to)) in scores.iter_mut().zip(pairs) {
                *score = dot(a.row(from as usize), b.row(to as usize)) + more(from, to);
            }
            Ok(())
        })?;
    Ok(scores)
}

struct Search<'a> {
    /// As given, all their rows in their own order: what scores are computed from. A copy of the few
    /// rows that are scored is not worth its memory.
    a: &'a Matrix,
    b: &'a Matrix,
    /// The rows that pass.
    ids: Vec<u32>,
    /// −1 for the lowest: of the negated scores these are the highest.
    sign: f32,
    want: &'a PairsWanted<'a>,
    cancel: CancelToken<'a>,
    /// Pairs that were found before it began: k of them, or none.
    known: &'a [Pair],
    /// Bits of a score that k pairs are known to reach.
    threshold: AtomicU32,
}

impl<'a> Search<'a> {
    fn new(
        (a, b): (&'a Matrix, &'a Matrix),
        want: &'a PairsWanted<'a>,
        cancel: CancelToken<'a>,
    ) -> Self {
        let ids = 0..want.passing.len() as u32;
        Self {
            a,
            b,
            ids: ids.filter(|&id| want.passing[id as usize]).collect(),
            sign: if want.end == End::Lowest { -1.0 } else { 1.0 },
            want,
            cancel,
            known: &[],
            threshold: AtomicU32::new(f32::NEG_INFINITY.to_bits()),
        }
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
        let (scouted, bounds) = self.prepared(blocks, report)?;
        self.with_bounds(&bounds, blocks, &scouted, report)
    }

    /// What scouts find, and what the proof is by.
    fn prepared(
        &self,
        blocks: Blocks,
        report: Report<'_>,
    ) -> Result<(Best<Pair>, Bounds<'a>), Cancelled> {
        let balance = balance_factors(self.a, self.b, &self.ids, self.cancel)?;
        let looks = self.ids.len() >= blocks.leading && self.a.cols() >= leading::COORDINATES;
        let scouted = match &balance {
            _ if !self.known.is_empty() => self.known_before(report),
            Some(balance) if looks => self.look_at_leading(balance, blocks.kernel, report)?,
            Some(_) | None => {
                let mut show = |found: &[Pair]| {
                    report(0.0, found.to_vec());
                    true
                };
                self.scout(blocks.scout, scouts::PASSES, &mut show)?
            }
        };
        report(SCOUTED, self.signed(scouted.clone()));
        Ok((scouted, Bounds::new(self, balance)?))
    }

    /// The pairs that were known before the search began, which raise the threshold.
    fn known_before(&self, report: Report<'_>) -> Best<Pair> {
        let mut best = Best::new(self.want.k);
        for pair in self.known {
            best.offer(Pair {
                score: self.sign * pair.score,
                ..*pair
            });
        }
        self.raise(&mut best);
        report(0.0, self.signed(best.clone()));
        best
    }

    /// The list by bounds of the processor. `scouted`: pairs that are known.
    fn with_bounds(
        &self,
        bounds: &Bounds<'_>,
        blocks: Blocks,
        scouted: &Best<Pair>,
        report: Report<'_>,
    ) -> Result<Vec<Pair>, Cancelled> {
        if bounds.slack.is_infinite() || self.a.cols() == 0 {
            return self.score_all(report);
        }
        let mut report = |done, best: &Best<Pair>| {
            report(done, self.signed(self.joined(best.clone(), scouted)));
        };
        Ok(self.signed(sweep(self, bounds, blocks, &mut report)?))
    }

    /// What was found so far with what was known before.
    fn joined(&self, found: Best<Pair>, known: &Best<Pair>) -> Best<Pair> {
        let mut all = found.into_sorted();
        all.extend(known.clone().into_sorted());
        all.sort_unstable_by_key(Ranked::key);
        all.dedup_by_key(|pair| pair.key());
        let mut best = Best::new(self.want.k);
        all.into_iter().for_each(|pair| best.offer(pair));
        best
    }

    /// The list by scoring every pair, where numbers overflow or are none.
    fn score_all(&self, report: Report<'_>) -> Result<Vec<Pair>, Cancelled> {
        let mut best = Best::new(self.want.k);
        let h = self.a.cols();
        let wave = SCORED_ROWS * rayon::current_num_threads();
        for (i, rows) in self.ids.chunks(wave).enumerate() {
            let found = rows
                .par_iter()
                .map(|&from| {
                    self.cancel.check()?;
                    let mut best = Best::at_least(self.want.k, self.reached());
                    let mut score = [0.0];
                    for &to in &self.ids {
                        let row = self.a.row(from as usize);
                        products(row, self.b.row(to as usize), h, &mut score);
                        self.offer((from, to), self.sign * score[0], &mut best);
                    }
                    self.publish(best.threshold());
                    Ok(best)
                })
                .collect::<Result<Vec<_>, Cancelled>>()?;
            found.into_iter().for_each(|found| best.merge(found));
            self.raise(&mut best);
            let done = i * wave + rows.len();
            report(
                done as f32 / self.ids.len() as f32,
                self.signed(best.clone()),
            );
        }
        Ok(self.signed(best))
    }

    /// Takes a pair in if it passes and is, so far, among the best. `score`: times the sign.
    fn offer(&self, (from, to): (u32, u32), score: f32, best: &mut Best<Pair>) {
        if best.admits(score) && (self.want.admits)(from, to) {
            best.offer(Pair { from, to, score });
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
}

#[cfg(test)]
mod tests;
