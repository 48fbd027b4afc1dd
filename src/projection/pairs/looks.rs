//! Scouts over leading coordinates: where the best pairs share their rows with no others, looking along
//! a few full rows does not find them. But of nearly all of them the product of the two rows' norms, by
//! their leading coordinates, is among the highest few hundredths. So pairs are looked at in the order
//! of that product: judged by the leading coordinates alone, then by all in 8-bit integers, and scored
//! where these promise most.

mod promising;

use rayon::prelude::*;

use crate::projection::{Best, Pair};
use crate::task::Cancelled;

use super::integers::{
    self, Columns, Kernel, Marked, PANEL, PanelGroup, Panels, Row, STRIP, StripGroup, Strips,
    Widened, marked,
};
use super::leading::{Leading, PACKED_QUADS, QUADS};
use super::{Bounds, Report, Search};
use promising::{Places, merged};

/// Looks, one after the other: the longer the rows, the more of their pairs are let through, as the list
/// has most of these.
const LOOKS: [Looked; 4] = [
    Looked {
        share: 0.004,
        first: 2e-2,
        second: 5e-4,
    },
    Looked {
        share: 0.016,
        first: 2e-2,
        second: 6e-4,
    },
    Looked {
        share: 0.04,
        first: 6e-3,
        second: 2e-4,
    },
    Looked {
        share: 0.065,
        first: 4e-3,
        second: 1e-4,
    },
];
/// What is let through of the pairs of a few rows with all of the other side.
const ALONG: Looked = Looked {
    share: 1.0,
    first: 0.1,
    second: 2e-3,
};
/// Pairs whose rows are looked along.
const FOLLOWED: usize = 64;
/// Rows of A and panels of B that a task takes.
const ROWS: usize = 64 * STRIP;
const TASK_PANELS: usize = 128;
/// Norms from one of which on the next is taken to count pairs by.
const COUNTED: usize = 64;
/// Pairs that are judged for the sample of their products, about, and the rows that they are of.
const SAMPLED: usize = 1 << 15;
const SAMPLED_ROWS: usize = 512;

/// Pairs that are looked at together.
#[derive(Clone, Copy)]
struct Looked {
    /// Share of all pairs that are in this look or one before.
    share: f64,
    /// Shares of the look's pairs that are let through at most, by [`FIRST`] and by [`SECOND`].
    first: f32,
    second: f32,
}

/// What some of the leading coordinates are asked.
#[derive(Clone, Copy)]
struct Judged {
    quads: usize,
    /// What they must have of the product that is wanted: nearly all best pairs have more.
    share: f32,
}

/// What is cheap to ask of all pairs.
const FIRST: Judged = Judged {
    quads: PACKED_QUADS,
    share: 0.25,
};
/// What is asked of those that it lets through before all integers are multiplied.
const SECOND: Judged = Judged {
    quads: QUADS,
    share: 0.6,
};

/// Rows of both sides.
#[derive(Clone, Copy)]
struct Sides<'s> {
    search: &'s Search<'s>,
    bounds: &'s Bounds<'s>,
    kernel: Kernel,
    a: &'s Leading<i8>,
    b: &'s Leading<u8>,
    /// What is judged first of B's rows.
    packed: &'s [PanelGroup],
}

/// Some rows of A with some panels of B.
#[derive(Clone, Copy)]
struct Task {
    row: usize,
    panels: (usize, usize),
}

/// What is asked of the pairs of one look at least.
#[derive(Clone, Copy)]
struct Least {
    first: f32,
    second: f32,
}

impl Search<'_> {
    /// The best of the rows with themselves and of the pairs that leading coordinates lead to; these raise
    /// the threshold.
    pub(super) fn look_at_leading(
        &self,
        bounds: &Bounds<'_>,
        kernel: Kernel,
        report: Report<'_>,
    ) -> Result<Best<Pair>, Cancelled> {
        let (a, b) = (
            Leading::new(&bounds.a.integers),
            Leading::new(&bounds.b.integers),
        );
        let packed = b.packed(kernel);
        let sides = Sides {
            search: self,
            bounds,
            kernel,
            a: &a,
            b: &b,
            packed: &packed,
        };
        let places = Places::of(bounds, self.want.passing.len());
        let mut best = sides.with_themselves(&places)?;
        self.raise(&mut best);
        report(0.0, self.signed(best.clone()));
        let mut seen = sides.none_seen();
        for looked in LOOKS {
            let product = sides.product_of(looked.share);
            let found = sides.look(looked, product, &mut seen)?;
            // Some of these pairs are known.
            best = self.joined(found, &best);
            self.raise(&mut best);
            report(0.0, self.signed(best.clone()));
            best = sides.along(best, &places)?;
            self.raise(&mut best);
            report(0.0, self.signed(best.clone()));
        }
        Ok(best)
    }
}

impl Sides<'_> {
    /// The product of norms that a share of all pairs reaches, about.
    fn product_of(&self, share: f64) -> f32 {
        let [a, b] = [&self.a.norms, &self.b.norms]
            .map(|norms| -> Vec<f32> { norms.iter().step_by(COUNTED).copied().collect() });
        let wanted = (share * a.len() as f64 * b.len() as f64) as usize;
        let reaching = |product: f32| {
            let mut columns = b.len();
            let rows = a.iter().map(|norm| {
                while columns > 0 && norm * b[columns - 1] < product {
                    columns -= 1;
                }
                columns
            });
            rows.sum::<usize>()
        };
        let longest = |norms: &[f32]| norms.first().copied().unwrap_or(0.0);
        let (mut low, mut high) = (0.0, longest(&a) * longest(&b));
        for _ in 0..f32::MANTISSA_DIGITS {
            let middle = (low + high) / 2.0;
            match reaching(middle) > wanted {
                true => low = middle,
                false => high = middle,
            }
        }
        high
    }

    /// The `best` so far, with those of the pairs of their rows and all of the other side that promise most.
    fn along(&self, best: Best<Pair>, places: &Places) -> Result<Best<Pair>, Cancelled> {
        let list = best.clone().into_sorted();
        let rows = |row: &dyn Fn(&Pair) -> u32| {
            let mut rows: Vec<u32> = list.iter().take(FOLLOWED).map(row).collect();
            rows.sort_unstable();
            rows
        };
        let (a, b) = (
            self.a.of(&rows(&|pair| places.a[pair.from as usize])),
            self.b.of(&rows(&|pair| places.b[pair.to as usize])),
        );
        let packed = b.packed(self.kernel);
        let rows = Sides { a: &a, ..*self };
        let columns = Sides {
            b: &b,
            packed: &packed,
            ..*self
        };
        let found = rows.look(ALONG, 0.0, &mut rows.none_seen())?;
        let best = self.search.joined(found, &best);
        let found = columns.look(ALONG, 0.0, &mut columns.none_seen())?;
        Ok(self.search.joined(found, &best))
    }

    fn none_seen(&self) -> Vec<usize> {
        vec![0; self.a.rows.len().div_ceil(ROWS)]
    }

    /// The best of those pairs whose norms have a product of at least this and that were not `seen`: of
    /// each block of A's rows the panels that were.
    fn look(
        &self,
        looked: Looked,
        product: f32,
        seen: &mut [usize],
    ) -> Result<Best<Pair>, Cancelled> {
        let mut tasks = Vec::new();
        for (block, seen) in seen.iter_mut().enumerate() {
            let row = block * ROWS;
            let panels = self.b.reaching(self.a.norms[row], product).div_ceil(PANEL);
            for from in (*seen..panels).step_by(TASK_PANELS) {
                let panels = (from, panels.min(from + TASK_PANELS));
                tasks.push(Task { row, panels });
            }
            *seen = panels.max(*seen);
        }
        let search = self.search;
        search.cancel.check()?;
        let least = Least {
            first: self.least((FIRST, looked.first), product),
            second: self.least((SECOND, looked.second), product),
        };
        let likely = tasks
            .into_par_iter()
            .map_init(Buffers::default, |buffers, task| {
                self.visit(task, least, buffers)
            })
            .try_reduce(|| self.likely(), merged)?;
        Ok(self.scored(likely))
    }

    /// What the coordinates that are asked have in but a share of the pairs whose norms have this product.
    fn least(&self, (of, share): (Judged, f32), product: f32) -> f32 {
        let n = self.a.rows.len();
        let rows = (0..n).step_by(n.div_ceil(SAMPLED_ROWS).max(1));
        let rows = rows.map(|row| (row, self.b.reaching(self.a.norms[row], product)));
        let rows: Vec<(usize, usize)> = rows.take_while(|(_, columns)| *columns > 0).collect();
        let all: usize = rows.iter().map(|(_, columns)| columns).sum();
        let every = all.div_ceil(SAMPLED).max(1);
        let products = rows.into_par_iter().flat_map_iter(|(row, columns)| {
            let columns = (row % every..columns).step_by(every);
            columns.map(move |column| self.product(row, column, of))
        });
        let mut products: Vec<f32> = products.collect();
        let last = (products.len() as f32 * share) as usize;
        if last >= products.len() {
            return f32::NEG_INFINITY;
        }
        *products
            .select_nth_unstable_by(last, |a, b| b.total_cmp(a))
            .1
    }

    /// The product of the coordinates that are asked, about.
    fn product(&self, row: usize, column: usize, of: Judged) -> f32 {
        let a = self.a.row(row, of.quads).as_flattened().iter();
        let b = self.b.row(column, of.quads).as_flattened().iter();
        let b = b.map(|&b| i32::from(b) - integers::OFFSET);
        let sum: i32 = a.zip(b).map(|(&a, b)| i32::from(a) * b).sum();
        sum as f32 / self.a.inverse_steps[row] / self.b.inverse_steps[column]
    }

    /// Those pairs of a task that promise most.
    fn visit(
        &self,
        task: Task,
        least: Least,
        buffers: &mut Buffers,
    ) -> Result<Best<Pair>, Cancelled> {
        let Self {
            search,
            kernel,
            a,
            b,
            ..
        } = self;
        let rows = ROWS.min(a.rows.len() - task.row);
        let reached = search.reached();
        let compared = |row: usize, of: Judged, least: f32| {
            let row = task.row + row;
            let least = least.max(of.share * reached);
            Row::new(least * a.inverse_steps[row], a.sum(row, of.quads), 0.0, 0.0)
        };
        let strips = rows.div_ceil(STRIP);
        let groups = PACKED_QUADS * kernel.groups_per_quad();
        buffers.strips.clear();
        buffers.strips.resize(strips * groups, [0; STRIP]);
        a.pack(*kernel, task.row..task.row + rows, &mut buffers.strips);
        buffers.first.clear();
        buffers
            .first
            .extend((0..rows).map(|row| compared(row, FIRST, least.first)));
        buffers.first.resize(strips * STRIP, Row::NONE);
        buffers.second.clear();
        buffers
            .second
            .extend((0..rows).map(|row| compared(row, SECOND, least.second)));
        buffers.masks.resize(strips, [0; STRIP]);
        let mut likely = self.likely();
        for panel in task.panels.0..task.panels.1 {
            search.cancel.check()?;
            let from = panel * PANEL;
            let valid = PANEL.min(b.rows.len() - from);
            let mut columns = Columns::default();
            columns.inverse_steps[..valid].copy_from_slice(&b.inverse_steps[from..][..valid]);
            let strips = Strips {
                groups: &buffers.strips,
                rows: buffers.first.as_chunks().0,
            };
            let panels = Panels {
                groups: &self.packed[panel * groups..][..groups],
                columns: std::slice::from_ref(&columns),
            };
            kernel.reaching(strips, panels, &mut buffers.widened, &mut buffers.masks);
            marked(&buffers.masks, valid, &mut buffers.marked);
            kernel.refine(
                (a.integers(task.row), &buffers.second),
                (b.integers(from), &columns),
                &mut buffers.marked,
            );
            for pair in &buffers.marked {
                let (row, column) = (a.rows[task.row + pair.row()], b.rows[from + pair.column()]);
                let ids = self.bounds.ids(row as usize, column as usize);
                search.offer(ids, self.by_integers((row, column)), &mut likely);
            }
        }
        Ok(likely)
    }
}

/// What a thread works with.
#[derive(Default)]
struct Buffers {
    widened: Widened,
    strips: Vec<StripGroup>,
    first: Vec<Row>,
    second: Vec<Row>,
    masks: Vec<[u64; STRIP]>,
    marked: Vec<Marked>,
}
