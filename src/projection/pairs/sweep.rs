//! The proof: every pair whose bound reaches what is wanted is scored.

use std::ops::Range;

use rayon::prelude::*;

use crate::projection::{Best, Pair};
use crate::task::Cancelled;

use super::integers::{
    Columns, Marked, PANEL, PanelGroup, Panels, Row, STRIP, StripGroup, Strips, Widened, marked,
};
use super::quantised::{Measures, Width};
use super::{Blocks, Bounds, Search, widths};

/// Pairs scored between two looks at whether the list is still wanted.
const SCORED: usize = 4096;

/// Parts of the rows of each side that are looked at one after the other, each with the ones before.
const PARTS: [usize; 3] = [16, 4, 1];

/// Takes the share that is done and the best so far.
type Report<'a> = &'a mut dyn FnMut(f32, &Best<Pair>);

/// The rows and columns, the longest, of a part of the pairs.
#[derive(Clone, Copy, Debug, Default)]
struct Corner {
    rows: usize,
    columns: usize,
}

struct Sweep<'s> {
    search: &'s Search<'s>,
    bounds: &'s Bounds<'s>,
    blocks: Blocks,
    /// Those that may reach what is wanted.
    of: Corner,
    /// What was looked at before, whole tasks and whole steps of them.
    seen: Corner,
    widths: Vec<Width>,
    /// What rows and columns are compared by.
    a: Measures,
    b: Measures,
}

/// Pairs that one thread looks at.
#[derive(Clone, Debug)]
struct Task {
    rows: Range<usize>,
    columns: Range<usize>,
}

/// What a task works with.
#[derive(Default)]
struct Buffers {
    widened: Widened,
    strips: Vec<StripGroup>,
    /// What rows are compared by, by what is packed and by all of their integers.
    first: Vec<[Row; STRIP]>,
    second: Vec<Row>,
    /// What these are of.
    of: Option<RowsOf>,
    panels: Vec<PanelGroup>,
    columns: Vec<Columns>,
    masks: Vec<[u64; STRIP]>,
    marked: Vec<Marked>,
    /// Pairs that are to be scored.
    pairs: Vec<(u32, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct RowsOf {
    width: usize,
    least: f32,
}

/// The k best of all pairs: first of the longest rows, which have most of them, so that all others
/// are compared with a threshold that is nearly the last.
pub(super) fn sweep(
    search: &Search<'_>,
    bounds: &Bounds<'_>,
    blocks: Blocks,
    report: Report<'_>,
) -> Result<Best<Pair>, Cancelled> {
    let n = search.ids.len();
    let mut best = Best::new(search.want.k);
    let mut seen = Corner::default();
    for part in PARTS {
        let whole = |block: usize| n / part / block * block;
        let corner = match part {
            1 => Corner {
                rows: n,
                columns: n,
            },
            _ if n / part < blocks.corner => continue,
            _ => Corner {
                rows: whole(blocks.rows()),
                columns: whole(blocks.columns()),
            },
        };
        let sweep = Sweep::new(search, bounds, blocks, (corner, seen))?;
        // Of a corner's pairs the share is next to nothing.
        sweep.run(&mut best, &mut |done, best| {
            report(if part == 1 { done } else { 0.0 }, best);
        })?;
        seen = corner;
    }
    Ok(best)
}

impl<'s> Sweep<'s> {
    fn new(
        search: &'s Search<'s>,
        bounds: &'s Bounds<'s>,
        blocks: Blocks,
        (of, seen): (Corner, Corner),
    ) -> Result<Self, Cancelled> {
        let least = search.reached() - bounds.slack;
        let of = Corner {
            rows: of.rows.min(bounds.a.reaching(bounds.b.longest(), least)),
            columns: of.columns.min(bounds.b.reaching(bounds.a.longest(), least)),
        };
        let widths = widths::cheapest(
            bounds,
            (search.a.width(), search.a.kept()),
            (of.rows, of.columns),
            least,
            blocks.kernel,
            search.cancel,
        )?;
        Ok(Self {
            search,
            bounds,
            blocks,
            of,
            seen,
            a: bounds
                .a
                .integers
                .measures(of.rows, &widths, search.cancel)?,
            b: bounds
                .b
                .integers
                .measures(of.columns, &widths, search.cancel)?,
            widths,
        })
    }

    /// Adds those of its pairs that were not seen before.
    fn run(&self, best: &mut Best<Pair>, report: Report<'_>) -> Result<(), Cancelled> {
        let starts: Vec<usize> = (0..self.of.rows).step_by(self.blocks.rows()).collect();
        let (mut done, mut begun) = (0, 0);
        // The longest rows alone first: they raise the threshold for all others.
        let (first, others) = starts.split_at(starts.len().min(1));
        for starts_now in first.chunks(1).chain(others.chunks(self.blocks.wave)) {
            done += self.columns_left(starts_now);
            begun += starts_now.len();
            let tasks: Vec<Task> = starts_now.iter().flat_map(|&row| self.tasks(row)).collect();
            let found: Vec<Best<Pair>> = tasks
                .into_par_iter()
                .map(|task| self.visit(task))
                .collect::<Result<_, _>>()?;
            found.into_iter().for_each(|found| best.merge(found));
            self.search.raise(best);
            match self.columns_left(&starts[begun..]) {
                0 => {}
                left => report(done as f32 / (done + left) as f32, best),
            }
        }
        report(1.0, best);
        Ok(())
    }

    /// What is to be done for the rows that a task takes from `start` on.
    fn tasks(&self, start: usize) -> impl Iterator<Item = Task> {
        let rows = start..self.of.rows.min(start + self.blocks.rows());
        let columns = self.first_column(start)..self.reaching(start);
        let at_once = self.blocks.slab * self.blocks.columns();
        columns.clone().step_by(at_once).map(move |start| Task {
            rows: rows.clone(),
            columns: start..columns.end.min(start + at_once),
        })
    }

    /// The first column that rows from `start` on have not seen.
    fn first_column(&self, start: usize) -> usize {
        match start < self.seen.rows {
            true => self.seen.columns,
            false => 0,
        }
    }

    /// Columns that reach, with the row `start`, what is wanted.
    fn reaching(&self, start: usize) -> usize {
        let least = self.search.reached() - self.bounds.slack;
        let reaching = self.bounds.b.reaching(self.bounds.a.norms[start], least);
        reaching.min(self.of.columns)
    }

    /// Columns that the tasks which begin at these rows have to look at.
    fn columns_left(&self, starts: &[usize]) -> usize {
        let columns = |&start: &usize| {
            let last = self.reaching(start);
            last.saturating_sub(self.first_column(start))
        };
        starts.iter().map(columns).sum()
    }

    /// Scores what the bounds of some pairs let through.
    fn visit(&self, Task { rows, columns }: Task) -> Result<Best<Pair>, Cancelled> {
        let (search, bounds) = (self.search, self.bounds);
        let (a, b) = (&bounds.a.integers, &bounds.b.integers);
        let mut best = Best::at_least(search.want.k, search.reached());
        let mut buffers = Buffers::default();
        let longest = bounds.a.norms[rows.start];
        // Rows that are multiplied out already are scored at once, which raises the threshold.
        let at_once = if search.whole().is_some() { 1 } else { SCORED };
        for start in columns.clone().step_by(self.blocks.columns()) {
            search.cancel.check()?;
            best.raise(search.reached());
            let least = best.threshold() - bounds.slack;
            let product = longest * bounds.b.norms[start];
            // Norms fall, so no later column reaches what this one does not.
            if product < least {
                break;
            }
            let columns = start..columns.end.min(start + self.blocks.columns());
            let width = self.width(least / product);
            self.mark((&rows, &columns), RowsOf { width, least }, &mut buffers);
            let strips = buffers.first.len();
            for (at, panel) in panels(&columns).enumerate() {
                let masks = &buffers.masks[at * strips..(at + 1) * strips];
                marked(masks, panel.len(), &mut buffers.marked);
                if width > 0 {
                    self.blocks.kernel.refine(
                        (a.integers(rows.start), &buffers.second),
                        (
                            b.integers(panel.start),
                            &b.compared((panel.clone(), 0), (&self.b, &self.a)),
                        ),
                        &mut buffers.marked,
                    );
                }
                let ids = |pair: &Marked| {
                    bounds.ids(rows.start + pair.row(), panel.start + pair.column())
                };
                buffers.pairs.extend(buffers.marked.iter().map(ids));
                if buffers.pairs.len() >= at_once {
                    self.score(&mut buffers.pairs, &mut best)?;
                }
            }
            search.publish(best.threshold());
        }
        self.score(&mut buffers.pairs, &mut best)?;
        Ok(best)
    }

    /// The smallest width for pairs of which none has a smaller share.
    fn width(&self, share: f32) -> usize {
        let narrow = |width: &Width| width.from <= share;
        self.widths.iter().rposition(narrow).unwrap_or(0)
    }

    /// Marks the pairs that may reach what is wanted.
    fn mark(
        &self,
        (rows, columns): (&Range<usize>, &Range<usize>),
        of: RowsOf,
        buffers: &mut Buffers,
    ) {
        let RowsOf { width, least } = of;
        let kernel = self.blocks.kernel;
        let (a, b) = (&self.bounds.a.integers, &self.bounds.b.integers);
        let coordinates = self.widths[width].coordinates;
        if buffers.of.is_none_or(|of| of.width != width) {
            a.pack(kernel, rows.clone(), coordinates, &mut buffers.strips);
        }
        if buffers.of != Some(of) {
            let row = |row, width| a.compared((row, width), (&self.a, &self.b), least);
            buffers.first.clear();
            buffers
                .first
                .extend(rows.clone().step_by(STRIP).map(|start| {
                    std::array::from_fn(|at| match start + at {
                        valid if valid < rows.end => row(valid, width),
                        _ => Row::NONE,
                    })
                }));
            buffers.second.clear();
            buffers.second.extend(rows.clone().map(|at| row(at, 0)));
            buffers.of = Some(of);
        }
        b.pack(kernel, columns.clone(), coordinates, &mut buffers.panels);
        let compared = |panel| b.compared((panel, width), (&self.b, &self.a));
        buffers.columns.clear();
        buffers.columns.extend(panels(columns).map(compared));
        let count = buffers.first.len() * buffers.columns.len();
        buffers.masks.resize(count, [0; STRIP]);
        kernel.reaching(
            Strips {
                groups: &buffers.strips,
                rows: &buffers.first,
            },
            Panels {
                groups: &buffers.panels,
                columns: &buffers.columns,
            },
            &mut buffers.widened,
            &mut buffers.masks,
        );
    }

    /// Scores pairs, of which none is left.
    fn score(&self, pairs: &mut Vec<(u32, u32)>, best: &mut Best<Pair>) -> Result<(), Cancelled> {
        for pairs in pairs.chunks(SCORED) {
            self.search.cancel.check()?;
            let scored = pairs.iter().zip(self.search.scores(pairs));
            scored.for_each(|(&ids, score)| self.search.offer(ids, score, best));
        }
        pairs.clear();
        Ok(())
    }
}

/// The columns of each panel.
fn panels(columns: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = columns.end;
    let starts = columns.clone().step_by(PANEL);
    starts.map(move |start| start..end.min(start + PANEL))
}
