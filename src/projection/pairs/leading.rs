//! Scouts over leading coordinates: where the best pairs share their rows with no others, looking along
//! a few full rows does not find them. Of nearly all of them one row is among the longest and a good
//! part of the product is in the leading coordinates, so all pairs of the longest rows are judged by
//! these alone, and scored where they promise most.

use faer::MatRef;
use pulp::Arch;
use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::balance::Balance;
use crate::projection::kernel::{dot, multiply, norm};
use crate::projection::{Best, Pair};
use crate::task::Cancelled;

use super::Search;
use super::integers::{
    Columns, GROUP, Integers, Kernel, MOST_GROUPS, Marked, PANEL, Panels, Row, STRIP, Strips,
    Widened, marked, offset,
};
use super::one_row::{MOST_STEPS, largest, quantise};
use super::side::TASK_ROWS;

/// Leading coordinates that rows have here.
pub(super) const COORDINATES: usize = 96;
const QUADS: usize = COORDINATES / GROUP;
/// Longest rows of each side, by these coordinates, that are looked at with all of the other.
const LONGEST: usize = 3072;
/// Those that are looked at with as many.
const LONG: usize = 16_384;
/// Pairs that are judged for the sample of their products: rows, columns.
const SAMPLED: [usize; 2] = [128, 2048];

/// What some of the leading coordinates are asked.
#[derive(Clone, Copy)]
struct Judged {
    quads: usize,
    /// What they must have of the product that is wanted: nearly all best pairs have more.
    share: f32,
    /// Share of all pairs that is let through at most.
    most: f32,
}

/// What is cheap to ask of all pairs.
const FIRST: Judged = Judged {
    quads: 8,
    share: 0.2,
    most: 1e-2,
};
/// What is asked of those that it lets through before they are scored.
const SECOND: Judged = Judged {
    quads: QUADS,
    share: 0.5,
    most: 3e-4,
};

/// The leading coordinates of a row.
#[derive(Clone, Copy, Default)]
struct LeadingRow {
    id: u32,
    norm: f32,
    inverse_step: f32,
    quads: [[i8; GROUP]; QUADS],
}

/// Products of the longest rows of one side with rows of the other.
struct Look<'s> {
    search: &'s Search<'s>,
    kernel: Kernel,
    longest: &'s [LeadingRow],
    others: &'s [LeadingRow],
    /// Whether the longest rows are A's.
    of_a: bool,
}

impl Search<'_> {
    /// The pairs that are `known` with those that leading coordinates lead to; these raise the threshold.
    pub(super) fn look_at_leading(
        &self,
        balance: &Balance,
        kernel: Kernel,
        known: &Best<Pair>,
    ) -> Result<Best<Pair>, Cancelled> {
        let a = self.leading(self.a, self.sign, &balance.left)?;
        let b = self.leading(self.b, 1.0, &balance.right)?;
        let first = |rows: &[LeadingRow], most: usize| rows.len().min(most);
        // No pair is looked at twice.
        let (longest_a, other_a) = a.split_at(first(&a, LONGEST));
        let (longest_b, other_b) = b.split_at(first(&b, LONGEST));
        let long_a = &other_a[..first(other_a, LONG - LONGEST)];
        let long_b = &other_b[..first(other_b, LONG - LONGEST)];
        let looks = [
            (longest_a, &b[..], true),
            (longest_b, other_a, false),
            (long_a, long_b, true),
        ];
        let mut found = Best::at_least(self.want.k, self.reached());
        for (longest, others, of_a) in looks {
            let look = Look {
                search: self,
                kernel,
                longest,
                others,
                of_a,
            };
            found.merge(look.found()?);
        }
        let mut best = self.joined(found, known);
        self.raise(&mut best);
        Ok(best)
    }

    /// The rows of a factor, those of the longest leading coordinates first.
    fn leading(
        &self,
        given: &Matrix,
        sign: f32,
        transformation: &Matrix,
    ) -> Result<Vec<LeadingRow>, Cancelled> {
        let h = given.cols();
        let map = MatRef::from_row_major_slice(transformation.data(), h, h);
        let map = map.subcols(0, COORDINATES);
        let mut rows = vec![LeadingRow::default(); self.ids.len()];
        let tasks = rows.par_chunks_mut(TASK_ROWS);
        tasks
            .zip(self.ids.par_chunks(TASK_ROWS))
            .try_for_each(|(rows, ids)| {
                self.cancel.check()?;
                let mut some = Vec::with_capacity(ids.len() * h);
                for &id in ids {
                    some.extend(given.row(id as usize).iter().map(|x| sign * x));
                }
                let mut leading = vec![0.0; ids.len() * COORDINATES];
                multiply(
                    MatRef::from_row_major_slice(&some, ids.len(), h),
                    map,
                    &mut leading,
                );
                let each = ids.iter().zip(leading.chunks_exact(COORDINATES));
                for (row, (&id, leading)) in rows.iter_mut().zip(each) {
                    *row = LeadingRow::new(id, leading);
                }
                Ok(())
            })?;
        rows.par_sort_unstable_by(|a, b| b.norm.total_cmp(&a.norm).then(a.id.cmp(&b.id)));
        Ok(rows)
    }
}

impl LeadingRow {
    fn new(id: u32, row: &[f32]) -> Self {
        let arch = Arch::new();
        let largest = arch.dispatch(|| largest(row));
        let inverse_step = 1.0 / (largest / MOST_STEPS).max(f32::MIN_POSITIVE);
        let mut quads = [[0; GROUP]; QUADS];
        arch.dispatch(|| quantise(row, inverse_step, quads.as_flattened_mut()));
        Self {
            id,
            norm: norm(row),
            inverse_step,
            quads,
        }
    }

    /// Of the integers that are asked.
    fn sum(&self, of: Judged) -> f32 {
        let asked = self.quads[..of.quads].as_flattened().iter();
        asked.map(|&x| i32::from(x)).sum::<i32>() as f32
    }

    /// The product of the coordinates that are asked, about.
    fn product(&self, other: &Self, of: Judged) -> f32 {
        let (a, b) = (
            self.quads[..of.quads].as_flattened(),
            other.quads.as_flattened(),
        );
        let each = a.iter().zip(b);
        let sum: i32 = each.map(|(&a, &b)| i32::from(a) * i32::from(b)).sum();
        sum as f32 / self.inverse_step / other.inverse_step
    }
}

impl Look<'_> {
    /// The best of the pairs that are scored.
    fn found(&self) -> Result<Best<Pair>, Cancelled> {
        let search = self.search;
        let groups = FIRST.quads * self.kernel.groups_per_quad();
        let strips = self.longest.len().div_ceil(STRIP);
        let mut packed = vec![[0; STRIP]; strips * groups];
        for (at, of) in self.longest.iter().enumerate() {
            let packed = &mut packed[at / STRIP * groups..][..groups];
            let quads = of.quads[..FIRST.quads].iter().copied();
            self.kernel.pack(quads, at % STRIP, packed);
        }
        let mut first = self.compared(FIRST);
        first.resize(strips * STRIP, Row::NONE);
        let strips = Strips {
            groups: &packed,
            rows: first.as_chunks().0,
        };
        let quads: Vec<_> = self.longest.iter().flat_map(|row| row.quads).collect();
        let longest = Integers {
            quads: &quads,
            per_row: QUADS,
        };
        let second = (longest, &self.compared(SECOND)[..]);
        let empty = || Best::at_least(search.want.k, search.reached());
        self.others
            .par_chunks(PANEL)
            .map_init(Buffers::default, |buffers, panel| {
                search.cancel.check()?;
                self.mark(strips, second, panel, buffers);
                let mut best = empty();
                for pair in &buffers.marked {
                    let (long, other) = (&self.longest[pair.row()], &panel[pair.column()]);
                    let (from, to) = match self.of_a {
                        true => (long.id, other.id),
                        false => (other.id, long.id),
                    };
                    let (a, b) = (search.a.row(from as usize), search.b.row(to as usize));
                    search.offer((from, to), search.sign * dot(a, b), &mut best);
                }
                search.publish(best.threshold());
                Ok(best)
            })
            .try_reduce(empty, |mut a, b| {
                a.merge(b);
                Ok(a)
            })
    }

    /// What the longest rows are compared by.
    fn compared(&self, by: Judged) -> Vec<Row> {
        let least = self.least(by);
        let row = |of: &LeadingRow| Row::new(least * of.inverse_step, of.sum(by), 0.0);
        self.longest.iter().map(row).collect()
    }

    /// What the coordinates that are asked must have.
    fn least(&self, of: Judged) -> f32 {
        let [longest, others] = [self.longest, self.others];
        let spread = |rows: &[LeadingRow], most: usize| rows.len().div_ceil(most).max(1);
        let sample = longest.iter().step_by(spread(longest, SAMPLED[0]));
        let mut products: Vec<f32> = sample
            .flat_map(|long| {
                let some = others.iter().step_by(spread(others, SAMPLED[1]));
                some.map(|other| long.product(other, of))
            })
            .collect();
        let wanted = of.share * self.search.reached();
        let last = (products.len() as f32 * of.most) as usize;
        if last >= products.len() {
            return wanted;
        }
        let (_, least, _) = products.select_nth_unstable_by(last, |a, b| b.total_cmp(a));
        wanted.max(*least)
    }

    /// Marks the pairs of the longest rows with a panel that are to be scored.
    fn mark(
        &self,
        strips: Strips<'_>,
        second: (Integers<'_, i8>, &[Row]),
        panel: &[LeadingRow],
        buffers: &mut Buffers,
    ) {
        let mut packed = [[0; PANEL]; FIRST.quads * MOST_GROUPS];
        let packed = &mut packed[..FIRST.quads * self.kernel.groups_per_quad()];
        let mut columns = Columns {
            errors: [0; PANEL],
            inverse_steps: [1.0; PANEL],
        };
        let Buffers {
            widened,
            masks,
            marked: pairs,
            quads,
        } = buffers;
        quads.clear();
        for (place, of) in panel.iter().enumerate() {
            quads.extend(of.quads.map(|quad| quad.map(offset)));
            let first = quads[place * QUADS..][..FIRST.quads].iter().copied();
            self.kernel.pack(first, place, packed);
            columns.inverse_steps[place] = of.inverse_step;
        }
        masks.resize(strips.rows.len(), [0; STRIP]);
        let panels = Panels {
            groups: packed,
            columns: std::slice::from_ref(&columns),
        };
        self.kernel.reaching(strips, panels, widened, masks);
        marked(masks, panel.len(), pairs);
        let others = Integers {
            quads,
            per_row: QUADS,
        };
        self.kernel.refine(second, (others, &columns), pairs);
    }
}

/// What a thread works with.
#[derive(Default)]
struct Buffers {
    widened: Widened,
    masks: Vec<[u64; STRIP]>,
    marked: Vec<Marked>,
    quads: Vec<[u8; GROUP]>,
}
