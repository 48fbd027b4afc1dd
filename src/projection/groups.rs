//! Pairs of rows within groups, of which there are few.

use rayon::prelude::*;

use super::PairsWanted;
use super::kernel::{dot, may_reach};
use crate::checkpoint::Matrix;
use crate::task::{CancelToken, Cancelled};

/// Groups a task takes.
const GROUPS: usize = 256;

/// How many pairs `a[from]·b[to]` within the groups of rows are admitted and may reach `least`, each
/// with what is to be added to its score, `more`.
///
/// # Errors
/// The token is cancelled.
pub fn reaching_within(
    (a, b): (&Matrix, &Matrix),
    groups: &[Vec<u32>],
    (least, more): (f32, &(dyn Fn(u32, u32) -> f32 + Sync)),
    want: &PairsWanted<'_>,
    cancel: CancelToken<'_>,
) -> Result<usize, Cancelled> {
    let reaches = |from: u32, to: u32| {
        let score = dot(a.row(from as usize), b.row(to as usize));
        may_reach(score + more(from, to), least) && (want.admits)(from, to)
    };
    let some = groups.par_chunks(GROUPS).map(|groups| {
        cancel.check()?;
        let of_group = |group: &Vec<u32>| {
            let pairs = group
                .iter()
                .flat_map(|&a| group.iter().map(move |&b| (a, b)));
            pairs.filter(|&(a, b)| reaches(a, b)).count()
        };
        Ok(groups.iter().map(of_group).sum::<usize>())
    });
    some.try_reduce(|| 0, |a, b| Ok(a + b))
}
