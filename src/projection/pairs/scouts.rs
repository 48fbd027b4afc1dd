//! Scouts: a few full rows and columns of the products, in turns. The best pairs share few rows, so
//! that these have nearly all of them long before the search has proven that there are no others;
//! what they find is a threshold for it to start from.

use faer::MatRef;
use rayon::prelude::*;

use crate::projection::kernel::{for_each_that_may_reach, may_reach, multiply, products};
use crate::projection::{Best, Pair, Scored};
use crate::task::{CancelToken, Cancelled};

use super::Search;
use super::side::Side;

/// Rows whose products with the whole other side are looked at in one pass.
const ABREAST: usize = 16;
/// Passes at most.
const PASSES: usize = 24;
/// Rows of the other side multiplied at a time.
const SOME_ROWS: usize = 1024;
/// Rows that the other side favours on the whole, which scouts begin with.
const FAVOURED: usize = 64;

/// The row that scores highest with one that was looked along.
#[derive(Clone, Copy)]
struct Partner {
    row: usize,
    bound: f32,
}

impl Search<'_> {
    /// Raises the threshold to what k pairs of some rows and columns reach, in a pass for every
    /// `rows_a_pass` rows.
    pub(super) fn scout(&self, rows_a_pass: usize) -> Result<(), Cancelled> {
        let n = self.a.ids.len();
        let passes = (n / rows_a_pass.max(1)).min(PASSES);
        if passes == 0 || self.slack.is_infinite() || self.a.given.cols() == 0 {
            return Ok(());
        }
        let favoured = [
            favoured(&self.a, &self.b, self.cancel)?,
            favoured(&self.b, &self.a, self.cancel)?,
        ];
        let mut rng = fastrand::Rng::with_seed(0);
        let mut best = Best::new(self.want.k);
        // No pair is offered twice: one of a row and a column that were both looked along counts for
        // the first of them.
        let mut looked: [Vec<usize>; 2] = Default::default();
        let mut next = Vec::new();
        for side in [0, 1].into_iter().cycle().take(passes) {
            let random = std::iter::repeat_with(|| rng.usize(..n)).take(2 * ABREAST);
            let longest = 0..n.min(ABREAST / 4);
            let candidates = next.drain(..).chain(longest);
            let candidates = candidates.chain(favoured[side].iter().copied());
            let mut picked: Vec<usize> = Vec::with_capacity(ABREAST);
            for row in candidates.chain(random) {
                let new = !looked[side].contains(&row) && !picked.contains(&row);
                if new && picked.len() < ABREAST {
                    picked.push(row);
                }
            }
            next = self.look_along(side, &picked, &looked[1 - side], &mut best)?;
            looked[side].extend(picked);
            self.raise(&mut best);
        }
        Ok(())
    }

    /// Offers the pairs of some rows of a side (0 or 1) with all of the other but those that were
    /// `looked` along; the row that each scores highest with.
    fn look_along(
        &self,
        side: usize,
        picked: &[usize],
        looked: &[usize],
        best: &mut Best<Pair>,
    ) -> Result<Vec<usize>, Cancelled> {
        let (of, other) = match side {
            0 => (&self.a, &self.b),
            _ => (&self.b, &self.a),
        };
        let h = of.bounding.cols();
        let rows = picked.iter().flat_map(|&row| of.bounding.row(row));
        let rows: Vec<f32> = rows.copied().collect();
        let none = vec![
            Partner {
                row: 0,
                bound: f32::NEG_INFINITY
            };
            picked.len()
        ];
        let empty = || Best::at_least(self.want.k, self.reached());
        let some = other.bounding.data().par_chunks(SOME_ROWS * h).enumerate();
        let (found, partners) = some
            .map(|(i, some)| {
                self.cancel.check()?;
                let (start, len) = (i * SOME_ROWS, some.len() / h);
                let mut bounds = vec![0.0; picked.len() * len];
                let factor = MatRef::from_row_major_slice(some, len, h);
                let vectors = MatRef::from_row_major_slice(&rows, picked.len(), h);
                multiply(vectors, factor.transpose(), &mut bounds);
                let (mut found, mut partners) = (empty(), none.clone());
                let each = picked.iter().zip(bounds.chunks_exact(len));
                for ((&row, bounds), partner) in each.zip(&mut partners) {
                    let mut least = found.threshold() - self.slack;
                    for_each_that_may_reach(bounds, least, |at| {
                        let to = start + at;
                        if may_reach(bounds[at], least) && !looked.contains(&to) {
                            let pair = if side == 0 { (row, to) } else { (to, row) };
                            self.offer(pair, self.score_of(pair.0, pair.1), &mut found);
                            least = found.threshold() - self.slack;
                        }
                    });
                    for (at, &bound) in bounds.iter().enumerate() {
                        if bound > partner.bound {
                            let row = start + at;
                            *partner = Partner { row, bound };
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
                    both.filter(|(a, b)| b.bound > a.bound)
                        .for_each(|(a, b)| *a = b);
                    Ok(a)
                },
            )?;
        best.merge(found);
        Ok(partners.into_iter().map(|partner| partner.row).collect())
    }
}

/// The rows of a side that score highest with the mean of the other.
fn favoured(
    of: &Side<'_>,
    by: &Side<'_>,
    cancel: CancelToken<'_>,
) -> Result<Vec<usize>, Cancelled> {
    let h = by.bounding.cols();
    let sum = by
        .bounding
        .data()
        .par_chunks(SOME_ROWS * h)
        .map(|some| {
            cancel.check()?;
            let mut sum = vec![0.0; h];
            for row in some.chunks_exact(h) {
                sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
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
    let some = of.bounding.data().par_chunks(SOME_ROWS * h).enumerate();
    let best = some
        .map(|(i, some)| {
            cancel.check()?;
            let mut scores = vec![0.0; some.len() / h];
            products(some, &sum, h, &mut scores);
            let mut best = Best::new(FAVOURED);
            for (at, &score) in scores.iter().enumerate() {
                let id = (i * SOME_ROWS + at) as u32;
                best.offer(Scored { id, score });
            }
            Ok(best)
        })
        .try_reduce(
            || Best::new(FAVOURED),
            |mut a, b| {
                a.merge(b);
                Ok(a)
            },
        )?;
    Ok(best.into_sorted().iter().map(|s| s.id as usize).collect())
}
