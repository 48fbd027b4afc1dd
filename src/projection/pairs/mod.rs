//! The exact best pairs of a form A·Bᵀ, without forming it: most pairs are ruled out by bounds on
//! their norms, most of the rest by bounds in 8-bit integers on their leading coordinates, and what
//! remains is scored in full.
//!
//! The bounds are those of LEMP (Teflioudi et al. 2015, §3–4) and FEXIPRO (Li et al. 2017, §3–4);
//! every rounding error is added to them, so that the list is the brute-force one, ties by id.

mod bounds;
mod factor;
mod integers;
mod leading;
mod looks;
mod near;
mod one_row;
mod quantised;
mod scouts;
mod search;
mod side;
mod sweep;
mod tiles;
mod widths;

use candle_core::Device;
use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::balance::{Balance, balance_factors};
use crate::projection::kernel::{dot, products};
use crate::projection::{Best, End, Pair, ProjectionError};
use crate::task::{CancelToken, Cancelled};

use bounds::Bounds;
use factor::Factors;
pub use factor::{Factor, FactorProduct};
pub use integers::Kernel as PairKernel;
use integers::{Kernel, PANEL, STRIP};
pub use near::{NearProduct, NearRows, standing_out};
use search::Search;
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
            leading: LOOKED_AT,
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

/// Rows that pass from which on scouts look at leading coordinates.
const LOOKED_AT: usize = 100_000;

/// The share that is done when scouts are through.
const SCOUTED: f32 = f32::MIN_POSITIVE;

/// Rows of a factor that its shape is taken from, at most: more of them make bounds no better.
const SHAPED: usize = 1 << 12;

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

/// Whether a search over so many rows that pass, `h` numbers each, needs no factors that are multiplied
/// out: else its scouts look along whole rows of them.
pub fn searches_products(passing: usize, h: usize) -> bool {
    passing >= LOOKED_AT && h >= leading::COORDINATES
}

/// The k best of all admitted pairs of rows, by `a[from]·b[to]`, best first. `a`, `b`: `[n, h]`.
pub fn best_pairs(
    a: &Matrix,
    b: &Matrix,
    want: &PairsWanted<'_>,
    cancel: CancelToken<'_>,
    report: Report<'_>,
) -> Result<Vec<Pair>, Cancelled> {
    Search::new((a.into(), b.into()), want, cancel).on_host(Blocks::default(), report)
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
    Search::new((a.into(), b.into()), want, cancel).on_host(Blocks::of(kernel), report)
}

/// [`best_pairs`], the same list to the last bit, with the bounds computed on `device`. `known`: the
/// list so far of the same search when it was cancelled, which then goes on from there, or none.
///
/// # Errors
/// The device fails, or its products are off by more than f32's rounding.
pub fn best_pairs_on(
    device: &Device,
    (a, b): (Factor<'_>, Factor<'_>),
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
    let search = Search::new((a.into(), b.into()), want, cancel);
    let found = search.scout(
        Factors { a, b },
        Blocks::default().scout,
        scouts::PASSES,
        go_on,
    )?;
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

/// What the proof is by.
struct Prepared<'a> {
    bounds: Bounds<'a>,
    /// What scouts found, if any did.
    scouted: Option<Best<Pair>>,
}

impl<'a> Search<'a> {
    fn on_host(&self, blocks: Blocks, report: Report<'_>) -> Result<Vec<Pair>, Cancelled> {
        let Some(Prepared { bounds, scouted }) = self.prepared(blocks, report)? else {
            return self.multiplied_out(|search| search.on_host(blocks, report));
        };
        let scouted = self.scouted(scouted, &bounds, blocks, report)?;
        self.proven(&bounds, blocks, &scouted, report)
    }

    /// What scouts find, if it is not known.
    fn scouted(
        &self,
        known: Option<Best<Pair>>,
        bounds: &Bounds<'_>,
        blocks: Blocks,
        report: Report<'_>,
    ) -> Result<Best<Pair>, Cancelled> {
        let scouted = match known {
            Some(known) => known,
            None => self.look_at_leading(bounds, blocks.kernel, report)?,
        };
        report(SCOUTED, self.signed(scouted.clone()));
        Ok(scouted)
    }

    /// The bounds, and what scouts find who need none; `None` where the factors have to be multiplied
    /// out for them.
    fn prepared(
        &self,
        blocks: Blocks,
        report: Report<'_>,
    ) -> Result<Option<Prepared<'a>>, Cancelled> {
        let balance = self.balance()?;
        let looks = self.ids.len() >= blocks.leading && self.a.width() >= leading::COORDINATES;
        let looks = looks && balance.is_some();
        let scouted = match self.whole() {
            _ if !self.known.is_empty() => Some(self.known_before(report)),
            _ if looks => None,
            Some(factors) => {
                let mut show = |found: &[Pair]| {
                    report(0.0, found.to_vec());
                    true
                };
                Some(self.scout(factors, blocks.scout, scouts::PASSES, &mut show)?)
            }
            None => return Ok(None),
        };
        let bounds = Bounds::new(self, balance.as_ref())?;
        let scouted = match (bounds.slack.is_finite(), self.whole()) {
            (true, _) => scouted,
            (false, Some(_)) => Some(scouted.unwrap_or_else(|| Best::new(self.want.k))),
            (false, None) => return Ok(None),
        };
        Ok(Some(Prepared { bounds, scouted }))
    }

    /// Transformations by which norms say most, from some of the rows.
    fn balance(&self) -> Result<Option<Balance>, Cancelled> {
        let every = self.ids.len().div_ceil(SHAPED).max(1);
        let ids: Vec<u32> = self.ids.iter().copied().step_by(every).collect();
        let some = |factor: &Factor<'_>| {
            let mut rows = Vec::with_capacity(ids.len() * factor.width());
            for ids in ids.chunks(factor::TASK_ROWS) {
                self.cancel.check()?;
                rows.extend(factor.picked(ids).into_data());
            }
            Ok(Matrix::new(ids.len(), factor.width(), rows))
        };
        let (a, b) = rayon::join(|| some(&self.a), || some(&self.b));
        balance_factors(&a?, &b?, self.cancel)
    }

    /// The list by bounds of the processor. `scouted`: pairs that are known.
    fn proven(
        &self,
        bounds: &Bounds<'_>,
        blocks: Blocks,
        scouted: &Best<Pair>,
        report: Report<'_>,
    ) -> Result<Vec<Pair>, Cancelled> {
        let whole = self.whole();
        if let Some(factors) = whole.filter(|of| bounds.slack.is_infinite() || of.a.cols() == 0) {
            return self.score_all(factors, report);
        }
        let mut report = |done, best: &Best<Pair>| {
            report(done, self.signed(self.joined(best.clone(), scouted)));
        };
        Ok(self.signed(sweep(self, bounds, blocks, &mut report)?))
    }

    /// The list by scoring every pair, where numbers overflow or are none.
    fn score_all(
        &self,
        Factors { a, b }: Factors<'_>,
        report: Report<'_>,
    ) -> Result<Vec<Pair>, Cancelled> {
        let mut best = Best::new(self.want.k);
        let h = a.cols();
        let wave = SCORED_ROWS * rayon::current_num_threads();
        for (i, rows) in self.ids.chunks(wave).enumerate() {
            let found = rows
                .par_iter()
                .map(|&from| {
                    self.cancel.check()?;
                    let mut best = Best::at_least(self.want.k, self.reached());
                    let mut score = [0.0];
                    for &to in &self.ids {
                        products(a.row(from as usize), b.row(to as usize), h, &mut score);
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
}

#[cfg(test)]
mod tests;
