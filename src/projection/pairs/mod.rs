//! The exact best pairs of a form A·Bᵀ, without forming it: most pairs are ruled out by bounds on
//! their norms, most of the rest by their leading coordinates, and what remains is scored in full.
//!
//! The bounds are those of LEMP (Teflioudi et al. 2015, §3–4) and FEXIPRO (Li et al. 2017, §3);
//! every rounding error is added to them, so that the list is the brute-force one, ties by id.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use faer::MatRef;
use rayon::prelude::*;

use crate::checkpoint::Matrix;

use crate::projection::balance::balance;
use crate::projection::kernel::{dot, for_each_that_may_reach, may_reach, norm};
use crate::projection::rows::multiply;
use crate::projection::{Best, End, Pair};

/// Rows of A a task takes.
const BLOCK_A: usize = 128;
/// Rows of B multiplied at a time: the products fill a core's second-level cache, no more.
const BLOCK_B: usize = 1024;
/// Blocks of A between two reports of how far the search is.
const WAVE: usize = 16;
/// The longest rows of either side, multiplied in full first, for a threshold to start from.
const SEED: usize = 4 * BLOCK_A;
/// What scoring one surviving pair costs, in multiplications of one coordinate in a block.
const SURVIVOR_COST: f32 = 6.0;

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

/// The k best of all admitted pairs of rows, by `a[from]·b[to]`, best first; `None` if it was
/// called off. `a`, `b`: `[n, h]`.
pub fn best_pairs(
    a: &Matrix,
    b: &Matrix,
    want: &PairsWanted<'_>,
    wanted: &(dyn Fn() -> bool + Sync),
    report: Report<'_>,
) -> Option<Vec<Pair>> {
    let sign = if want.end == End::Lowest { -1.0 } else { 1.0 };
    let signed = |pairs: Vec<Pair>| -> Vec<Pair> {
        // Adding 0 makes 0 of −0.
        pairs
            .into_iter()
            .map(|p| Pair {
                score: sign * p.score + 0.0,
                ..p
            })
            .collect()
    };
    let search = Search::new(a, b, sign, want, wanted);
    let found = search.run(&mut |done, best| report(done, signed(best)))?;
    Some(signed(found))
}

/// One factor, its passing rows in falling order of their norms.
struct Side {
    ids: Vec<u32>,
    /// As given: what scores are computed from.
    exact: Matrix,
    /// Balanced: what bounds are computed from.
    bounding: Matrix,
    /// Norms of the balanced rows.
    norms: Vec<f32>,
}

struct Search<'a> {
    a: Side,
    b: Side,
    /// No bound is off by more.
    slack: f32,
    want: &'a PairsWanted<'a>,
    wanted: &'a (dyn Fn() -> bool + Sync),
    /// Bits of a score that k pairs are known to reach.
    threshold: AtomicU32,
}

/// Leading coordinates and, as one more, the norm of the rest: `[n, width]` for each side.
struct Heads {
    width: usize,
    a: Vec<f32>,
    b: Vec<f32>,
}

impl<'a> Search<'a> {
    fn new(
        a: &Matrix,
        b: &Matrix,
        sign: f32,
        want: &'a PairsWanted<'a>,
        wanted: &'a (dyn Fn() -> bool + Sync),
    ) -> Self {
        let ids: Vec<u32> = (0..want.passing.len())
            .filter(|&i| want.passing[i])
            .map(|i| i as u32)
            .collect();
        let (a, b) = (gather(a, &ids, sign), gather(b, &ids, 1.0));
        let balance = balance(&a, &b);
        let error = balance
            .as_ref()
            .map_or(0.0, |t| identity_error(&t.left, &t.right));
        let (a, left) = Side::new(a, &ids, balance.as_ref().map(|t| &t.left));
        let (b, right) = Side::new(b, &ids, balance.as_ref().map(|t| &t.right));
        // a·b = a'·b' + slack: what the transformation is short of an inverse, what its two
        // products lose, and what the bound's own product loses; each at its largest.
        let rounding = 4.0 * f32::EPSILON * (a.exact.cols() as f32 + 2.0);
        let (long_a, long_b) = (longest(&a.exact), longest(&b.exact));
        let (lost_a, lost_b) = (rounding * long_a * left, rounding * long_b * right);
        let (norm_a, norm_b) = (a.longest(), b.longest());
        let slack = error * long_a * long_b
            + norm_a * lost_b
            + norm_b * lost_a
            + lost_a * lost_b
            + rounding * (norm_a * norm_b + long_a * long_b)
            + f32::MIN_POSITIVE;
        // Numbers that overflow or are none: no bound holds, every pair is scored.
        let slack = if slack.is_finite() {
            slack
        } else {
            f32::INFINITY
        };
        let threshold = AtomicU32::new(f32::NEG_INFINITY.to_bits());
        Self {
            a,
            b,
            slack,
            want,
            wanted,
            threshold,
        }
    }

    fn run(&self, report: Report<'_>) -> Option<Vec<Pair>> {
        let n = self.a.ids.len();
        let seed = SEED.min(n);
        let full = Heads::new(&self.a, &self.b, self.a.exact.cols());
        let mut best = self.visit(0..seed, 0..seed, &full)?;
        self.raise(&mut best);
        let heads = match self.cheapest_width() {
            Some(width) => Heads::new(&self.a, &self.b, width),
            None => full,
        };
        let starts: Vec<usize> = (0..n).step_by(BLOCK_A).collect();
        for (wave, starts) in starts.chunks(WAVE).enumerate() {
            let found: Vec<Best<Pair>> = starts
                .par_iter()
                .map(|&start| {
                    let from = if start < seed { seed } else { 0 };
                    self.visit(start..n.min(start + BLOCK_A), from..n, &heads)
                })
                .collect::<Option<_>>()?;
            found.into_iter().for_each(|found| best.merge(found));
            self.raise(&mut best);
            let visited = (wave * WAVE + starts.len()) * BLOCK_A;
            report(
                (visited as f32 / n as f32).min(1.0),
                best.clone().into_sorted(),
            );
        }
        Some(best.into_sorted())
    }

    /// Scores what the bounds let through in one rectangle. `None` if it was called off.
    fn visit(&self, rows: Range<usize>, cols: Range<usize>, heads: &Heads) -> Option<Best<Pair>> {
        let mut best = Best::at_least(self.want.k, self.reached());
        let mut bounds = Vec::new();
        if rows.is_empty() {
            return Some(best);
        }
        let w = heads.width;
        let head_a =
            MatRef::from_row_major_slice(&heads.a[rows.start * w..rows.end * w], rows.len(), w);
        for start in cols.clone().step_by(BLOCK_B) {
            (self.wanted)().then_some(())?;
            best.raise(self.reached());
            let least = best.threshold() - self.slack;
            // Norms fall, so no later block reaches what this one does not.
            if self.a.norms[rows.start] * self.b.norms[start] < least {
                break;
            }
            let end = cols.end.min(start + BLOCK_B);
            let head_b = MatRef::from_row_major_slice(&heads.b[start * w..end * w], end - start, w);
            bounds.resize(rows.len() * (end - start), 0.0);
            multiply(head_a, head_b.transpose(), &mut bounds);
            for (i, bounds) in bounds.chunks_exact(end - start).enumerate() {
                let mut least = best.threshold() - self.slack;
                for_each_that_may_reach(bounds, least, |j| {
                    if may_reach(bounds[j], least) {
                        self.score(rows.start + i, start + j, &mut best);
                        least = best.threshold() - self.slack;
                    }
                });
            }
            self.publish(best.threshold());
        }
        Some(best)
    }

    fn score(&self, i: usize, j: usize, best: &mut Best<Pair>) {
        let score = dot(self.a.exact.row(i), self.b.exact.row(j));
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
    fn cheapest_width(&self) -> Option<usize> {
        let h = self.a.exact.cols();
        let least = self.reached() - self.slack;
        let sample = self.sample(least);
        let cost = |width: usize| {
            let passes = |&&(i, j): &&(usize, usize)| self.bound(i, j, width) >= least;
            let share = sample.iter().filter(passes).count() as f32 / sample.len() as f32;
            width as f32 + share * h as f32 * SURVIVOR_COST
        };
        let widths = [9, 17, 25, 33, 49].into_iter().filter(|&width| width < h);
        let costs = widths.map(|width| (cost(width), width));
        let (least_cost, width) = costs.min_by(|a, b| a.0.total_cmp(&b.0))?;
        (least_cost < h as f32).then_some(width)
    }

    /// A pair's bound from its first `width − 1` coordinates and the norms of the rest.
    fn bound(&self, i: usize, j: usize, width: usize) -> f32 {
        let (lead_a, rest_a) = self.a.bounding.row(i).split_at(width - 1);
        let (lead_b, rest_b) = self.b.bounding.row(j).split_at(width - 1);
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

impl Side {
    /// Balances and sorts; with it the norm of the transformation, 0 if there is none.
    fn new(exact: Matrix, ids: &[u32], transformation: Option<&Matrix>) -> (Self, f32) {
        let h = exact.cols();
        let bounding = match transformation {
            Some(t) => times(&exact, t),
            None => exact.clone(),
        };
        let mut order: Vec<(u32, f32)> = (0..ids.len())
            .map(|i| (i as u32, norm(bounding.row(i))))
            .collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        let by_norm = |m: &Matrix| {
            let rows = order.iter().flat_map(|&(i, _)| m.row(i as usize)).copied();
            Matrix::new(order.len(), h, rows.collect())
        };
        let side = Self {
            ids: order.iter().map(|&(i, _)| ids[i as usize]).collect(),
            exact: by_norm(&exact),
            bounding: by_norm(&bounding),
            norms: order.iter().map(|&(_, norm)| norm).collect(),
        };
        let size = transformation.map_or(0.0, |t| norm(t.data()));
        (side, size)
    }

    fn longest(&self) -> f32 {
        self.norms.first().copied().unwrap_or(0.0)
    }

    fn head(&self, width: usize) -> Vec<f32> {
        let h = self.bounding.cols();
        if width >= h {
            return self.bounding.data().to_vec();
        }
        let lead = |row: &[f32]| [&row[..width - 1], &[norm(&row[width - 1..])]].concat();
        (0..self.ids.len())
            .flat_map(|i| lead(self.bounding.row(i)))
            .collect()
    }
}

impl Heads {
    fn new(a: &Side, b: &Side, width: usize) -> Self {
        Self {
            width,
            a: a.head(width),
            b: b.head(width),
        }
    }
}

fn gather(m: &Matrix, ids: &[u32], sign: f32) -> Matrix {
    let rows = ids
        .iter()
        .flat_map(|&i| m.row(i as usize))
        .map(|x| sign * x);
    Matrix::new(ids.len(), m.cols(), rows.collect())
}

fn times(m: &Matrix, t: &Matrix) -> Matrix {
    let mut out = Matrix::zeros(m.rows(), t.cols());
    let (h, w) = (m.cols(), t.cols());
    let t = MatRef::from_row_major_slice(t.data(), h, w);
    out.data_mut()
        .par_chunks_mut((BLOCK_B * w).max(1))
        .enumerate()
        .for_each(|(i, out)| {
            let n = out.len() / w;
            let some = &m.data()[i * BLOCK_B * h..][..n * h];
            multiply(MatRef::from_row_major_slice(some, n, h), t, out);
        });
    out
}

fn longest(m: &Matrix) -> f32 {
    (0..m.rows()).map(|i| norm(m.row(i))).fold(0.0, nan_or_max)
}

/// The larger, or NaN if one is.
fn nan_or_max(a: f32, b: f32) -> f32 {
    if a.is_nan() || a > b { a } else { b }
}

/// ‖left·rightᵀ − I‖, in f64.
fn identity_error(left: &Matrix, right: &Matrix) -> f32 {
    let h = left.rows();
    let entry = |i: usize, j: usize| {
        let sum: f64 = left
            .row(i)
            .iter()
            .zip(right.row(j))
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum();
        sum - f64::from(u8::from(i == j))
    };
    let squares = (0..h * h).map(|at| entry(at / h, at % h).powi(2));
    squares.sum::<f64>().sqrt() as f32
}

#[cfg(test)]
mod tests;
