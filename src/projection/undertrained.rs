//! Undertrained tokens, found from the embedding alone: training pushes the rows of all tokens
//! that it does not see the same way, so they lie together.
//!
//! After Land and Bartolo 2024, *Fishing for Magikarp* (arXiv 2405.05417, §2.2 and §3): cosines to
//! the mean of rows that cannot have been trained, what all rows share taken off. They take off the
//! first principal component, here it is the mean. They try the most likely two percent in prompts;
//! here the threshold is the valley between the two heaps that the cosines make, and without a
//! valley there is no answer. Rows that cannot have been trained may lie in several heaps (Gemma 3
//! has two): each is looked for in turn.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::kernel::{dot, norm};
use super::{ProjectionError, Rows};
use crate::task::CancelToken;

/// Rows from which a search for undertrained ones starts, as ids in rising order.
#[derive(Clone, Copy, Debug)]
pub struct Seeds<'a> {
    /// Rows that cannot have been trained: always flagged once a heap is found around them.
    pub unseen: &'a [u32],
    /// Rows of added and special tokens, which may not have been trained: those of them that are
    /// nearly equal to several others were not.
    pub special: &'a [u32],
}

/// Cosine from which on a row counts as near.
const NEAR: f32 = 0.5;
/// Cosine from which on two rows count as nearly equal: trained rows are not.
const NEARLY_EQUAL: f32 = 0.98;
/// Nearly equal rows that make a group, and seeds that give a direction by themselves.
const GROUP: usize = 4;
/// Special tokens beyond this number are not compared with one another.
const SPECIAL_MAX: usize = 4096;
/// Heaps that are looked for.
const HEAPS: usize = 4;

/// The undertrained of `rows` by their likeness to `seeds`, one flag per row. `None`: it cannot be told, for
/// want of such rows or of a heap around them.
///
/// # Errors
/// The device fails, or the token is cancelled.
pub fn undertrained(
    rows: &Rows,
    seeds: Seeds<'_>,
    cancel: CancelToken<'_>,
) -> Result<Option<Vec<bool>>, ProjectionError> {
    let mean = mean(rows, cancel)?;
    let mut unseen = seeds.unseen.to_vec();
    unseen.extend(nearly_equal(rows, &mean, seeds.special)?);
    unseen.sort_unstable();
    unseen.dedup();
    let (mut flags, mut heaps) = (vec![false; rows.len()], 0);
    let mut left = unseen.clone();
    // A heap of its own needs more than a stray seed or two, the first one excepted: one row of
    // padding may be all that is known to be untrained.
    while !left.is_empty() && heaps < HEAPS && (heaps == 0 || left.len() >= GROUP) {
        let heap = heap(rows, &mean, &left, &flags, cancel)?;
        let Some((cosines, threshold)) = heap else {
            break;
        };
        for (flag, cosine) in flags.iter_mut().zip(&cosines) {
            *flag |= *cosine >= threshold;
        }
        heaps += 1;
        left.retain(|&id| !flags[id as usize]);
    }
    if heaps == 0 {
        return Ok(None);
    }
    for id in unseen {
        flags[id as usize] = true;
    }
    Ok(Some(flags))
}

/// Those of `special` whose rows, the mean taken off, are nearly equal to at least three others'.
fn nearly_equal(rows: &Rows, mean: &[f32], special: &[u32]) -> Result<Vec<u32>, ProjectionError> {
    if !(GROUP..=SPECIAL_MAX).contains(&special.len()) {
        return Ok(Vec::new());
    }
    let picked = rows.pick(special)?;
    let units: Vec<Vec<f32>> = (0..picked.rows())
        .map(|i| unit(picked.row(i), mean))
        .collect();
    let alike = |one: &Vec<f32>| {
        let equal = units.iter().filter(|other| dot(one, other) >= NEARLY_EQUAL);
        equal.take(GROUP).count() == GROUP
    };
    let numbered = special.iter().zip(&units);
    let found = numbered.filter(|(_, one)| alike(one)).map(|(&id, _)| id);
    Ok(found.collect())
}

/// Cosines, one a row, and the one from which on a row belongs to the heap.
type Heap = (Vec<f32>, f32);

/// The heap that some seeds lie in, among the rows that belong to none yet. `None`: they lie in none.
fn heap(
    rows: &Rows,
    mean: &[f32],
    seeds: &[u32],
    flagged: &[bool],
    cancel: CancelToken<'_>,
) -> Result<Option<Heap>, ProjectionError> {
    let mut found = cosines(rows, mean, seeds, cancel)?;
    if median_of(seeds, &found).is_some_and(|own| own < NEAR) {
        return Ok(None);
    }
    // Few seeds are one draw of their heap's direction: what lies near them gives a better one.
    if seeds.len() < GROUP {
        let near = |id: &u32| found[*id as usize] >= NEAR || seeds.binary_search(id).is_ok();
        let group: Vec<u32> = (0..rows.len() as u32).filter(near).collect();
        found = cosines(rows, mean, &group, cancel)?;
    }
    let free = found.iter().zip(flagged).filter(|&(_, &flagged)| !flagged);
    let threshold = valley(free.map(|(&cosine, _)| cosine));
    let own = median_of(seeds, &found);
    let apart = |&at: &f32| own.is_some_and(|own| own >= at);
    Ok(threshold.filter(apart).map(|at| (found, at)))
}

fn mean(rows: &Rows, cancel: CancelToken<'_>) -> Result<Vec<f32>, ProjectionError> {
    let sums = rows.chunked(cancel, |_, chunk| sum(rows.width(), chunk))?;
    let mut all = vec![0.0; rows.width()];
    for sum in sums {
        all.iter_mut().zip(sum).for_each(|(all, x)| *all += x);
    }
    Ok(all.iter().map(|x| (x / rows.len() as f64) as f32).collect())
}

/// The cosine of each row, the mean taken off, with the mean direction of the `group` (ids in
/// rising order); of one that belongs to it with that of the others, NaN if there is no other.
fn cosines(
    rows: &Rows,
    mean: &[f32],
    group: &[u32],
    cancel: CancelToken<'_>,
) -> Result<Vec<f32>, ProjectionError> {
    let width = mean.len();
    let units = rows.chunked(cancel, |range: Range<usize>, chunk| {
        let first = group.partition_point(|&id| (id as usize) < range.start);
        let here = group[first..].iter().map(|&id| id as usize);
        let here = here.take_while(|&id| id < range.end);
        let row = |id: usize| &chunk[(id - range.start) * width..][..width];
        here.map(|id| unit(row(id), mean)).collect::<Vec<_>>()
    })?;
    let towards = sum(width, &units.concat().concat());
    let towards: Vec<f32> = towards.iter().map(|&x| x as f32).collect();
    let length = norm(&towards);
    let found = rows.chunked(cancel, |range: Range<usize>, chunk| {
        let mut centred = vec![0.0; width];
        let mut cosine = |(id, row): (usize, &[f32])| {
            if group.binary_search(&(id as u32)).is_err() {
                let (square, product) = Arch::new().dispatch(Centred {
                    row,
                    mean,
                    towards: &towards,
                });
                return product / square.sqrt() / length;
            }
            if group.len() == 1 {
                return f32::NAN;
            }
            let own = centre(row, mean, &mut centred);
            let others = towards.iter().zip(&centred).map(|(all, x)| all - x / own);
            let others: Vec<f32> = others.collect();
            dot(&centred, &others) / own / norm(&others)
        };
        let numbered = range.zip(chunk.chunks_exact(width));
        numbered.map(&mut cosine).collect::<Vec<_>>()
    })?;
    Ok(found.concat())
}

/// The sum of rows, one after another.
fn sum(width: usize, rows: &[f32]) -> Vec<f64> {
    let mut sums = vec![0.0; width];
    Arch::new().dispatch(AddRows {
        rows,
        sums: &mut sums,
    });
    sums
}

struct AddRows<'a> {
    rows: &'a [f32],
    sums: &'a mut [f64],
}

impl WithSimd for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for row in self.rows.chunks_exact(self.sums.len().max(1)) {
            let terms = self.sums.iter_mut().zip(row);
            terms.for_each(|(sum, &x)| *sum += f64::from(x));
        }
    }
}

/// Of a row without the mean: the square of its length, and its product with a direction.
struct Centred<'a> {
    row: &'a [f32],
    mean: &'a [f32],
    towards: &'a [f32],
}

impl WithSimd for Centred<'_> {
    type Output = (f32, f32);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (f32, f32) {
        /// Sums that each result is split into, so that no addition waits for the one before.
        const SUMS: usize = 4;
        let zeros = [simd.splat_f32s(0.0); SUMS];
        let (mut squares, mut products) = (zeros, zeros);
        let [row, mean, towards] = [self.row, self.mean, self.towards].map(S::as_simd_f32s);
        for ((row, mean), towards) in
            (row.0.chunks(SUMS).zip(mean.0.chunks(SUMS))).zip(towards.0.chunks(SUMS))
        {
            let sums = squares.iter_mut().zip(&mut products);
            let numbers = row.iter().zip(mean).zip(towards);
            for ((square, product), ((x, mean), towards)) in sums.zip(numbers) {
                let x = simd.sub_f32s(*x, *mean);
                *square = simd.mul_add_f32s(x, x, *square);
                *product = simd.mul_add_f32s(x, *towards, *product);
            }
        }
        let all = |sums: [S::f32s; SUMS]| sums.map(|sum| simd.reduce_sum_f32s(sum)).iter().sum();
        let (mut square, mut product): (f32, f32) = (all(squares), all(products));
        for ((x, mean), towards) in row.1.iter().zip(mean.1).zip(towards.1) {
            let x = x - mean;
            square += x * x;
            product += x * towards;
        }
        (square, product)
    }
}

/// A row without the mean, its length 1; NaN where there is nothing left.
fn unit(row: &[f32], mean: &[f32]) -> Vec<f32> {
    let mut centred = vec![0.0; row.len()];
    let length = centre(row, mean, &mut centred);
    centred.iter_mut().for_each(|x| *x /= length);
    centred
}

/// Takes the mean off a row; returns the length of what is left.
fn centre(row: &[f32], mean: &[f32], centred: &mut [f32]) -> f32 {
    for ((centred, x), mean) in centred.iter_mut().zip(row).zip(mean) {
        *centred = x - mean;
    }
    dot(centred, centred).sqrt()
}

/// The median of some rows' cosines, of those that are numbers.
fn median_of(ids: &[u32], cosines: &[f32]) -> Option<f32> {
    let mut own: Vec<f32> = ids.iter().map(|&id| cosines[id as usize]).collect();
    own.retain(|cosine| !cosine.is_nan());
    own.sort_unstable_by(f32::total_cmp);
    own.get(own.len() / 2).copied()
}

/// Bins of the histogram of cosines.
const BINS: usize = 40;

/// The lowest place above the main heap from which the smoothed histogram rises again, by more
/// than chance would have it.
fn valley(cosines: impl Iterator<Item = f32>) -> Option<f32> {
    let mut counts = [0.0f32; BINS];
    for cosine in cosines.filter(|cosine| !cosine.is_nan()) {
        let bin = ((cosine + 1.0) / 2.0 * BINS as f32) as usize;
        counts[bin.min(BINS - 1)] += 1.0;
    }
    let count = |at: Option<usize>| at.and_then(|at| counts.get(at)).copied().unwrap_or(0.0);
    let smooth = |i: usize| (count(i.checked_sub(1)) + 2.0 * counts[i] + count(Some(i + 1))) / 4.0;
    let smooth: Vec<f32> = (0..BINS).map(smooth).collect();
    let main = (0..BINS).max_by(|&a, &b| smooth[a].total_cmp(&smooth[b]))?;
    // A valley may be flat: it is cut in its middle.
    let (mut first, mut last) = (main, main);
    for at in main + 1..BINS {
        let lowest = smooth[first];
        if smooth[at] < lowest {
            first = at;
        }
        if smooth[at] <= lowest {
            last = at;
        } else if smooth[at] > 1.25 * lowest + 2.0 * lowest.sqrt() + 2.0 {
            let middle = (first + last + 1) as f32 / 2.0;
            return Some(middle / BINS as f32 * 2.0 - 1.0);
        }
    }
    None
}

#[cfg(test)]
mod tests;
