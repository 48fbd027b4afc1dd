//! Undertrained tokens, found from the embedding alone: training pushes the rows of all tokens
//! that it does not see the same way, so they lie together.
//!
//! After Land and Bartolo 2024, *Fishing for Magikarp* (arXiv 2405.05417): cosines to the mean of
//! rows that cannot have been trained, what all rows share taken off. They take off the first
//! principal component, here it is the mean; here the mean is then taken again, of all rows near
//! it, as there may be one such row only; they try the most likely two percent in prompts, here
//! the threshold is the valley between the two heaps that the cosines make, and without a valley
//! there is no answer.

use std::ops::Range;

use super::kernel::{dot, norm};
use super::{ProjectionError, Rows};

/// What the embedding says of its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Undertrained {
    /// A flag a row.
    pub flags: Vec<bool>,
    /// Cosines from which on a row counts as undertrained.
    pub threshold: f32,
}

/// Cosine from which on a row counts as near.
const NEAR: f32 = 0.5;

/// The undertrained of `rows` by their likeness to those of `unseen` (ids in rising order), which
/// cannot have been trained. The inner `None`: it cannot be told, for want of such rows or of a
/// heap around them. The outer one: it was called off.
///
/// # Errors
/// The device fails.
pub fn undertrained(
    rows: &Rows,
    unseen: &[u32],
    wanted: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Option<Undertrained>>, ProjectionError> {
    if unseen.is_empty() {
        return Ok(Some(None));
    }
    let Some(mean) = mean(rows, wanted)? else {
        return Ok(None);
    };
    let Some(first) = cosines(rows, &mean, unseen, wanted)? else {
        return Ok(None);
    };
    if median_of(unseen, &first).is_some_and(|own| own < NEAR) {
        return Ok(Some(None));
    }
    let near = |id: &u32| first[*id as usize] >= NEAR || unseen.binary_search(id).is_ok();
    let group: Vec<u32> = (0..rows.len() as u32).filter(near).collect();
    let Some(cosines) = cosines(rows, &mean, &group, wanted)? else {
        return Ok(None);
    };
    let threshold = valley(&cosines);
    let apart = |&at: &f32| median_of(unseen, &cosines).is_some_and(|own| own >= at);
    Ok(Some(threshold.filter(apart).map(|threshold| {
        let flags = cosines.iter().map(|&cosine| cosine >= threshold).collect();
        Undertrained { flags, threshold }
    })))
}

fn mean(
    rows: &Rows,
    wanted: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Vec<f32>>, ProjectionError> {
    let sums = rows.by_chunk(wanted, |_, chunk| {
        sum(rows.width(), chunk.chunks_exact(rows.width()))
    });
    let mean = |sums: Vec<Vec<f64>>| {
        let mut all = vec![0.0; rows.width()];
        for sum in sums {
            all.iter_mut().zip(sum).for_each(|(all, x)| *all += x);
        }
        all.iter().map(|x| (x / rows.len() as f64) as f32).collect()
    };
    Ok(sums?.map(mean))
}

/// The cosine of each row, the mean taken off, with the mean direction of the `group` (ids in
/// rising order); of one that belongs to it with that of the others, NaN if there is no other.
fn cosines(
    rows: &Rows,
    mean: &[f32],
    group: &[u32],
    wanted: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Vec<f32>>, ProjectionError> {
    let width = mean.len();
    let units = rows.by_chunk(wanted, |range: Range<usize>, chunk| {
        let first = group.partition_point(|&id| (id as usize) < range.start);
        let here = group[first..].iter().map(|&id| id as usize);
        let here = here.take_while(|&id| id < range.end);
        let row = |id: usize| &chunk[(id - range.start) * width..][..width];
        here.map(|id| unit(row(id), mean)).collect::<Vec<_>>()
    })?;
    let Some(units) = units else { return Ok(None) };
    let towards = sum(width, units.iter().flatten().map(Vec::as_slice));
    let towards: Vec<f32> = towards.iter().map(|&x| x as f32).collect();
    let length = norm(&towards);
    let found = rows.by_chunk(wanted, |range: Range<usize>, chunk| {
        let cosine = |(id, row): (usize, &[f32])| {
            let unit = unit(row, mean);
            if group.binary_search(&(id as u32)).is_err() {
                return dot(&unit, &towards) / length;
            }
            if group.len() == 1 {
                return f32::NAN;
            }
            let others: Vec<f32> = towards.iter().zip(&unit).map(|(x, own)| x - own).collect();
            dot(&unit, &others) / norm(&others)
        };
        range
            .zip(chunk.chunks_exact(width))
            .map(cosine)
            .collect::<Vec<_>>()
    })?;
    Ok(found.map(|found| found.concat()))
}

fn sum<'a>(width: usize, rows: impl Iterator<Item = &'a [f32]>) -> Vec<f64> {
    let mut sum = vec![0.0; width];
    for row in rows {
        sum.iter_mut()
            .zip(row)
            .for_each(|(sum, &x)| *sum += f64::from(x));
    }
    sum
}

/// A row without the mean, its length 1; NaN where there is nothing left.
fn unit(row: &[f32], mean: &[f32]) -> Vec<f32> {
    let mut row: Vec<f32> = row.iter().zip(mean).map(|(x, mean)| x - mean).collect();
    let length = norm(&row);
    row.iter_mut().for_each(|x| *x /= length);
    row
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
fn valley(cosines: &[f32]) -> Option<f32> {
    let mut counts = [0.0f32; BINS];
    for cosine in cosines.iter().filter(|cosine| !cosine.is_nan()) {
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
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::checkpoint::Matrix;

    const WIDTH: usize = 48;

    /// `rows` rows around an origin of their own; those of `planted` near one direction.
    fn embedding(rows: usize, planted: impl Fn(usize) -> bool) -> Rows {
        let mut rng = fastrand::Rng::with_seed(7);
        let mut bell = || (0..6).map(|_| rng.f32() - 0.5).sum::<f32>();
        let direction: Vec<f32> = (0..WIDTH).map(|_| 2.0 * bell()).collect();
        let mut data = Vec::with_capacity(rows * WIDTH);
        for row in 0..rows {
            let (share, spread) = if planted(row) { (1.0, 0.3) } else { (0.0, 1.0) };
            data.extend(direction.iter().map(|x| 3.0 + share * x + spread * bell()));
        }
        Rows::new(Matrix::new(rows, WIDTH, data), &Device::Cpu).unwrap()
    }

    fn found(rows: &Rows, unseen: &[u32]) -> Option<Vec<usize>> {
        let found = undertrained(rows, unseen, &|| true).unwrap().unwrap()?;
        Some((0..rows.len()).filter(|&id| found.flags[id]).collect())
    }

    #[test]
    fn finds_a_planted_heap_exactly() {
        let planted = |row: usize| row % 31 == 5 || row < 4;
        let rows = embedding(1_500, planted);
        let expected: Vec<usize> = (0..1_500).filter(|&row| planted(row)).collect();
        for unseen in [&[0, 1, 2, 3][..], &[2]] {
            assert_eq!(found(&rows, unseen).as_ref(), Some(&expected), "{unseen:?}");
        }
    }

    #[test]
    fn finds_nothing_where_nothing_lies_together() {
        let rows = embedding(1_500, |_| false);
        assert_eq!(found(&rows, &[0, 1, 2, 3, 4, 5]), None);
        assert_eq!(found(&rows, &[9]), None);
        assert_eq!(found(&rows, &[]), None);
    }

    #[test]
    fn rows_that_cannot_be_seen_and_lie_elsewhere_tell_nothing() {
        let rows = embedding(1_500, |row| row % 31 == 5);
        assert_eq!(found(&rows, &[0, 1, 2, 3]), None);
    }

    #[test]
    fn calling_off_is_not_an_answer() {
        let rows = embedding(600, |row| row < 20);
        assert_eq!(undertrained(&rows, &[0, 1], &|| false).unwrap(), None);
    }
}
