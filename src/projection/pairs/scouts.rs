//! Scouts: rows with themselves, then a few full rows and columns of the products, in turns. The best
//! pairs share few rows, so that these have nearly all of them long before the search has proven that
//! there are no others; what they find is a threshold for it to start from, and a list to show
//! meanwhile.

use faer::MatRef;
use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::kernel::{dot, for_each_that_may_reach, may_reach, multiply, products};
use crate::projection::{Best, Pair, Scored};
use crate::task::Cancelled;

use super::Search;
use super::factor::Factors;

/// Rows whose products with the whole other side are looked at in one pass.
const ABREAST: usize = 16;
/// Passes at most.
pub(super) const PASSES: usize = 24;
/// Passes one after the other that find nothing new: then others will not either.
const IDLE: usize = 6;
/// Passes over factors of fewer rows: without any nothing is known to choose bounds by.
const FEWEST: usize = 4;
/// Rows for which each of those is made.
const FEW_ROWS: usize = 512;
/// Rows of the other side multiplied at a time.
const SOME_ROWS: usize = 1024;
/// Rows that the other side favours on the whole, which scouts begin with.
const FAVOURED: usize = 64;

/// The row that scores highest with one that was looked along.
#[derive(Clone, Copy)]
struct Partner {
    row: usize,
    score: f32,
}

/// Rows of one side that scouts look along first, the best first.
struct Promising {
    /// By their product with the other side's mean.
    favoured: Vec<usize>,
    longest: Vec<usize>,
}

impl Search<'_> {
    /// Raises the threshold to what k pairs of some rows and columns reach, in a pass for every
    /// `rows_a_pass` rows, but `most`, or in a few, as long as `go_on` says so of what is found; these
    /// pairs.
    pub(super) fn scout(
        &self,
        factors: Factors<'_>,
        rows_a_pass: usize,
        most: usize,
        go_on: &mut dyn FnMut(&[Pair]) -> bool,
    ) -> Result<Best<Pair>, Cancelled> {
        let n = self.ids.len();
        let fewest = (n / FEW_ROWS).min(FEWEST);
        let passes = (n / rows_a_pass.max(1)).min(most).max(fewest);
        if passes == 0 || factors.a.cols() == 0 {
            return Ok(Best::new(self.want.k));
        }
        let mut best = self.with_themselves(factors)?;
        self.raise(&mut best);
        let promising = [
            self.promising(factors.a, factors.b)?,
            self.promising(factors.b, factors.a)?,
        ];
        let mut rng = fastrand::Rng::with_seed(0);
        // No pair is offered twice: one of a row with itself was offered, and one of a row and a column
        // that were both looked along counts for the first of them.
        let mut looked: [Vec<usize>; 2] = Default::default();
        let mut next = Vec::new();
        let (mut list, mut idle) = (Vec::new(), 0);
        for side in [0, 1].into_iter().cycle().take(passes) {
            let picked = self.pick(
                side,
                &looked[side],
                (&best, &next),
                &promising[side],
                &mut rng,
            );
            next = self.look_along(factors, (side, &picked), &looked[1 - side], &mut best)?;
            looked[side].extend(picked);
            self.raise(&mut best);
            let found = self.signed(best.clone());
            idle = if found == list { idle + 1 } else { 0 };
            if !go_on(&found) || idle == IDLE {
                break;
            }
            list = found;
        }
        Ok(best)
    }

    /// The best pairs of rows with the same on the other side: in many heads most of the list.
    fn with_themselves(&self, Factors { a, b }: Factors<'_>) -> Result<Best<Pair>, Cancelled> {
        let empty = || Best::new(self.want.k);
        let some = self.ids.par_chunks(SOME_ROWS);
        some.map(|ids| {
            self.cancel.check()?;
            let mut best = empty();
            for &id in ids {
                let score = dot(a.row(id as usize), b.row(id as usize));
                self.offer((id, id), self.sign * score, &mut best);
            }
            Ok(best)
        })
        .try_reduce(empty, |mut a, b| {
            a.merge(b);
            Ok(a)
        })
    }

    /// Rows of a side to look along next: those of the best pairs so far, then those that score
    /// highest with the rows of the last pass, then promising ones and some at random.
    fn pick(
        &self,
        side: usize,
        looked: &[usize],
        (best, partners): (&Best<Pair>, &[usize]),
        promising: &Promising,
        rng: &mut fastrand::Rng,
    ) -> Vec<usize> {
        let mut picked = Vec::with_capacity(ABREAST);
        let mut take = |rows: &mut dyn Iterator<Item = usize>, most: usize| {
            for row in rows {
                if picked.len() >= most {
                    break;
                }
                if !looked.contains(&row) && !picked.contains(&row) {
                    picked.push(row);
                }
            }
        };
        let list = best.clone().into_sorted().into_iter();
        let mut of_list = list.map(|pair| [pair.from, pair.to][side] as usize);
        take(&mut of_list, ABREAST / 2);
        take(&mut partners.iter().copied(), ABREAST * 3 / 4);
        take(&mut promising.longest.iter().copied(), ABREAST);
        take(&mut promising.favoured.iter().copied(), ABREAST);
        let mut random = || self.ids[rng.usize(..self.ids.len())] as usize;
        take(&mut (0..2 * ABREAST).map(|_| random()), ABREAST);
        picked
    }

    /// Offers the pairs of some rows of a side (0 or 1) with all of the other but themselves and those
    /// that were `looked` along; the row that each scores highest with.
    fn look_along(
        &self,
        Factors { a, b }: Factors<'_>,
        (side, picked): (usize, &[usize]),
        looked: &[usize],
        best: &mut Best<Pair>,
    ) -> Result<Vec<usize>, Cancelled> {
        let (of, other) = if side == 0 { (a, b) } else { (b, a) };
        let h = of.cols();
        let rows = picked.iter().flat_map(|&row| of.row(row));
        let rows: Vec<f32> = rows.map(|x| self.sign * x).collect();
        let none = Partner {
            row: self.ids[0] as usize,
            score: f32::NEG_INFINITY,
        };
        let none = vec![none; picked.len()];
        let empty = || Best::at_least(self.want.k, self.reached());
        let some = other.data().par_chunks(SOME_ROWS * h).enumerate();
        let (found, partners) = some
            .map(|(i, some)| {
                self.cancel.check()?;
                let (start, len) = (i * SOME_ROWS, some.len() / h);
                let mut scores = vec![0.0; picked.len() * len];
                let factor = MatRef::from_row_major_slice(some, len, h);
                let vectors = MatRef::from_row_major_slice(&rows, picked.len(), h);
                multiply(vectors, factor.transpose(), &mut scores);
                let (mut found, mut partners) = (empty(), none.clone());
                let each = picked.iter().zip(scores.chunks_exact(len));
                for ((&row, scores), partner) in each.zip(&mut partners) {
                    let mut least = found.threshold();
                    for_each_that_may_reach(scores, least, |at| {
                        let to = start + at;
                        let may = may_reach(scores[at], least) && self.want.passing[to];
                        if may && to != row && !looked.contains(&to) {
                            let (from, to) = if side == 0 { (row, to) } else { (to, row) };
                            // Rounded as everywhere else.
                            let score = self.sign * dot(a.row(from), b.row(to));
                            self.offer((from as u32, to as u32), score, &mut found);
                            least = found.threshold();
                        }
                    });
                    for (at, &score) in scores.iter().enumerate() {
                        if score > partner.score && self.want.passing[start + at] {
                            let row = start + at;
                            *partner = Partner { row, score };
                        }
                    }
                }
                self.publish(found.threshold());
                Ok((found, partners))
            })
            .try_reduce(
                || (empty(), none.clone()),
                |mut a, b| {
                    a.0.merge(b.0);
                    let both = a.1.iter_mut().zip(b.1);
                    both.filter(|(a, b)| b.score > a.score)
                        .for_each(|(a, b)| *a = b);
                    Ok(a)
                },
            )?;
        best.merge(found);
        Ok(partners.into_iter().map(|partner| partner.row).collect())
    }

    /// The rows of a side that score highest with the mean of the other, and its longest.
    fn promising(&self, of: &Matrix, by: &Matrix) -> Result<Promising, Cancelled> {
        let h = by.cols();
        let some = by.data().par_chunks(SOME_ROWS * h).enumerate();
        let passing = |i: usize, at: usize| self.want.passing[i * SOME_ROWS + at];
        let sum = some
            .map(|(i, some)| {
                self.cancel.check()?;
                let mut sum = vec![0.0; h];
                let rows = some.chunks_exact(h).enumerate();
                for (_, row) in rows.filter(|(at, _)| passing(i, *at)) {
                    sum.iter_mut()
                        .zip(row)
                        .for_each(|(sum, x)| *sum += self.sign * x);
                }
                Ok(sum)
            })
            .try_reduce(
                || vec![0.0; h],
                |mut a, b| {
                    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                    Ok(a)
                },
            )?;
        let none = || [FAVOURED, ABREAST / 4].map(Best::new);
        let some = of.data().par_chunks(SOME_ROWS * h).enumerate();
        let best = some
            .map(|(i, some)| {
                self.cancel.check()?;
                let mut scores = vec![0.0; some.len() / h];
                products(some, &sum, h, &mut scores);
                let mut best = none();
                for (at, row) in some.chunks_exact(h).enumerate() {
                    if passing(i, at) {
                        let id = (i * SOME_ROWS + at) as u32;
                        let each = [scores[at], dot(row, row)].into_iter().zip(&mut best);
                        each.for_each(|(score, best)| best.offer(Scored { id, score }));
                    }
                }
                Ok(best)
            })
            .try_reduce(none, |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| a.merge(b));
                Ok(a)
            })?;
        let rows = |best: Best<Scored>| best.into_sorted().iter().map(|s| s.id as usize).collect();
        let [favoured, longest] = best;
        Ok(Promising {
            favoured: rows(favoured),
            longest: rows(longest),
        })
    }
}
