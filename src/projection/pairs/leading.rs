//! Scouts over leading coordinates: where the best pairs share their rows with no others, looking along
//! a few full rows does not find them. Of nearly all of them a good part of the product is in the
//! leading coordinates, and one row is among the longest or among those that score highest with the
//! longest of the other side: partners of like rows are alike. So all pairs of such rows are judged by
//! the leading coordinates alone, and scored where they promise most.

use faer::MatRef;
use pulp::Arch;
use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::balance::Balance;
use crate::projection::kernel::{dot, multiply, norm};
use crate::projection::{Best, Pair};
use crate::task::Cancelled;

use super::integers::{
    Columns, GROUP, Integers, Kernel, MOST_GROUPS, Marked, PANEL, Panels, Row, STRIP, Strips,
    Widened, marked, offset,
};
use super::one_row::{MOST_STEPS, largest, quantise};
use super::side::TASK_ROWS;
use super::{Report, Search};

/// Leading coordinates that rows have here.
pub(super) const COORDINATES: usize = 96;
const QUADS: usize = COORDINATES / GROUP;
/// Longest rows of each side, by these coordinates, that are looked at with all of the other.
const LONGEST: usize = 2048;
/// Rows behind them that promise most, looked at with as many.
const PROMISING: usize = 16_384;
/// Those of them that are looked at with all of the other side.
const MOST_PROMISING: usize = 2048;
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

/// Products of some rows of one side with rows of the other.
struct Look<'s> {
    search: &'s Search<'s>,
    kernel: Kernel,
    rows: &'s [LeadingRow],
    others: &'s [LeadingRow],
    /// Whether the rows are A's.
    of_a: bool,
}

impl Search<'_> {
    /// The pairs that are `known` with those that leading coordinates lead to; these raise the threshold.
    pub(super) fn look_at_leading(
        &self,
        balance: &Balance,
        kernel: Kernel,
        known: Best<Pair>,
        report: Report<'_>,
    ) -> Result<Best<Pair>, Cancelled> {
        let a = self.leading(self.a, self.sign, &balance.left)?;
        let b = self.leading(self.b, 1.0, &balance.right)?;
        let mut best = known;
        let mut look = |rows: &[LeadingRow], others: &[LeadingRow], of_a| {
            let look = Look {
                search: self,
                kernel,
                rows,
                others,
                of_a,
            };
            let (found, highest) = look.found()?;
            // Some pairs are looked at twice, but not in one look.
            best = self.joined(found, &best);
            self.raise(&mut best);
            report(0.0, self.signed(best.clone()));
            Ok(highest)
        };
        let highest_of_b = look(first(&a, LONGEST), &b, true)?;
        let highest_of_a = look(first(&b, LONGEST), &a, false)?;
        let promising_a = promising(&a, &highest_of_a);
        let promising_b = promising(&b, &highest_of_b);
        look(&promising_a, &promising_b, true)?;
        look(first(&promising_a, MOST_PROMISING), &b, true)?;
        look(first(&promising_b, MOST_PROMISING), &a, false)?;
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

/// The first rows, at most so many.
fn first(rows: &[LeadingRow], most: usize) -> &[LeadingRow] {
    &rows[..rows.len().min(most)]
}

/// Of the rows behind the longest those with the highest scores, then the longest. `highest`: of each
/// row the highest score with the other side's longest.
fn promising(rows: &[LeadingRow], highest: &[f32]) -> Vec<LeadingRow> {
    let mut order: Vec<usize> = (LONGEST.min(rows.len())..rows.len()).collect();
    order.par_sort_unstable_by(|&i, &j| highest[j].total_cmp(&highest[i]).then(i.cmp(&j)));
    order.truncate(PROMISING);
    order.into_iter().map(|i| rows[i]).collect()
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
    /// The best of the pairs that are scored, and of each other row its highest score, −∞ where none
    /// is scored.
    fn found(&self) -> Result<(Best<Pair>, Vec<f32>), Cancelled> {
        let search = self.search;
        let groups = FIRST.quads * self.kernel.groups_per_quad();
        let strips = self.rows.len().div_ceil(STRIP);
        let mut packed = vec![[0; STRIP]; strips * groups];
        for (at, of) in self.rows.iter().enumerate() {
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
        let quads: Vec<_> = self.rows.iter().flat_map(|row| row.quads).collect();
        let integers = Integers {
            quads: &quads,
            per_row: QUADS,
        };
        let second = (integers, &self.compared(SECOND)[..]);
        let empty = || Best::at_least(search.want.k, search.reached());
        let mut highest = vec![f32::NEG_INFINITY; self.others.len()];
        let panels = self.others.par_chunks(PANEL);
        let found = panels
            .zip(highest.par_chunks_mut(PANEL))
            .map_init(Buffers::default, |buffers, (panel, highest)| {
                search.cancel.check()?;
                self.mark(strips, second, panel, buffers);
                let mut best = empty();
                for pair in &buffers.marked {
                    let (row, other) = (&self.rows[pair.row()], &panel[pair.column()]);
                    let (from, to) = match self.of_a {
                        true => (row.id, other.id),
                        false => (other.id, row.id),
                    };
                    let (a, b) = (search.a.row(from as usize), search.b.row(to as usize));
                    let score = search.sign * dot(a, b);
                    search.offer((from, to), score, &mut best);
                    highest[pair.column()] = highest[pair.column()].max(score);
                }
                search.publish(best.threshold());
                Ok(best)
            })
            .try_reduce(empty, |mut a, b| {
                a.merge(b);
                Ok(a)
            })?;
        Ok((found, highest))
    }

    /// What the rows are compared by.
    fn compared(&self, by: Judged) -> Vec<Row> {
        let least = self.least(by);
        let row = |of: &LeadingRow| Row::new(least * of.inverse_step, of.sum(by), 0.0);
        self.rows.iter().map(row).collect()
    }

    /// What the coordinates that are asked must have.
    fn least(&self, of: Judged) -> f32 {
        let [rows, others] = [self.rows, self.others];
        let spread = |rows: &[LeadingRow], most: usize| rows.len().div_ceil(most).max(1);
        let sample = rows.iter().step_by(spread(rows, SAMPLED[0]));
        let mut products: Vec<f32> = sample
            .flat_map(|row| {
                let some = others.iter().step_by(spread(others, SAMPLED[1]));
                some.map(|other| row.product(other, of))
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

    /// Marks the pairs of the rows with a panel that are to be scored.
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
