//! The proof: every pair whose bound reaches what is wanted is scored.

use std::ops::Range;

use rayon::prelude::*;

use crate::projection::{Best, Pair};
use crate::task::Cancelled;

use super::integers::{PANEL, Panels, Row, STRIP, Strips, Widened};
use super::quantised::{QuantisedA, QuantisedB, Width, shape};
use super::{Blocks, Bounds, Search, widths};

/// Pairs scored between two looks at whether the list is still wanted, at the end of a row.
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
    a: QuantisedA,
    b: QuantisedB,
}

/// What a task works with.
#[derive(Default)]
struct Buffers {
    widened: Widened,
    rows: Vec<[Row; STRIP]>,
    errors: Vec<[i32; PANEL]>,
    masks: Vec<[u64; STRIP]>,
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
        let widths = widths::cheapest(bounds, (of.rows, of.columns), least, blocks.kernel);
        Ok(Self {
            search,
            bounds,
            blocks,
            of,
            seen,
            a: QuantisedA::of_a(&bounds.a, of.rows, &widths, search.cancel)?,
            b: QuantisedB::of_b(&bounds.b, of.columns, &widths, search.cancel)?,
            widths,
        })
    }

    /// Adds those of its pairs that were not seen before.
    fn run(&self, best: &mut Best<Pair>, report: Report<'_>) -> Result<(), Cancelled> {
        let at_once = self.blocks.rows();
        let starts: Vec<usize> = (0..self.of.rows).step_by(at_once).collect();
        let (mut done, mut tasks) = (0, 0);
        // The longest rows alone first: they raise the threshold for all others.
        let (first, others) = starts.split_at(starts.len().min(1));
        for starts_now in first.chunks(1).chain(others.chunks(self.blocks.wave)) {
            done += self.columns_left(starts_now);
            tasks += starts_now.len();
            let found: Vec<Best<Pair>> = starts_now
                .par_iter()
                .map(|&start| self.visit(start..self.of.rows.min(start + at_once)))
                .collect::<Result<_, _>>()?;
            found.into_iter().for_each(|found| best.merge(found));
            self.search.raise(best);
            match self.columns_left(&starts[tasks..]) {
                0 => {}
                left => report(done as f32 / (done + left) as f32, best),
            }
        }
        report(1.0, best);
        Ok(())
    }

    /// The first column that rows from `start` on have not seen.
    fn first_column(&self, start: usize) -> usize {
        match start < self.seen.rows {
            true => self.seen.columns,
            false => 0,
        }
    }

    /// Columns that the tasks which begin at these rows have to look at.
    fn columns_left(&self, starts: &[usize]) -> usize {
        let least = self.search.reached() - self.bounds.slack;
        let columns = |&start: &usize| {
            let reaching = self.bounds.b.reaching(self.bounds.a.norms[start], least);
            let last = reaching.min(self.of.columns);
            last.saturating_sub(self.first_column(start))
        };
        starts.iter().map(columns).sum()
    }

    /// Scores what the bounds of some rows let through.
    fn visit(&self, rows: Range<usize>) -> Result<Best<Pair>, Cancelled> {
        let search = self.search;
        let mut best = Best::at_least(search.want.k, search.reached());
        let mut buffers = Buffers::default();
        let longest = self.bounds.a.norms[rows.start];
        let first = self.first_column(rows.start);
        for start in (first..self.of.columns).step_by(self.blocks.columns()) {
            search.cancel.check()?;
            best.raise(search.reached());
            let least = best.threshold() - self.bounds.slack;
            let product = longest * self.bounds.b.norms[start];
            // Norms fall, so no later column reaches what this one does not.
            if product < least {
                break;
            }
            let columns = start..self.of.columns.min(start + self.blocks.columns());
            let width = self.width(least / product);
            self.mark((&rows, &columns), width, least, &mut buffers);
            self.score_marked((&rows, &columns), &buffers.masks, &mut best)?;
            search.publish(best.threshold());
        }
        Ok(best)
    }

    /// The smallest width for pairs of which none has a smaller share.
    fn width(&self, share: f32) -> usize {
        let narrow = |width: &Width| width.from <= share;
        self.widths.iter().rposition(narrow).unwrap_or(0)
    }

    /// Marks the pairs that may reach `least`.
    fn mark(
        &self,
        (rows, columns): (&Range<usize>, &Range<usize>),
        width: usize,
        least: f32,
        buffers: &mut Buffers,
    ) {
        let shape = shape(&self.widths, width);
        let strips = rows.start / STRIP..rows.end.div_ceil(STRIP);
        let panels = columns.start / PANEL..columns.end.div_ceil(PANEL);
        let Buffers {
            widened,
            rows: of_rows,
            errors,
            masks,
        } = buffers;
        of_rows.clear();
        of_rows.extend(strips.clone().map(|strip| {
            let valid = rows.end - strip * STRIP;
            self.a.rows((strip, valid), width, &self.b, least)
        }));
        errors.clear();
        errors.extend(
            panels
                .clone()
                .map(|panel| self.b.column_errors(panel, width, &self.a)),
        );
        masks.resize(strips.len() * panels.len(), [0; STRIP]);
        let groups = |blocks: &Range<usize>| blocks.start * shape.groups..blocks.end * shape.groups;
        self.blocks.kernel.reaching(
            shape,
            Strips {
                integers: &self.a.integers[groups(&strips)],
                rows: of_rows,
            },
            Panels {
                integers: &self.b.integers[groups(&panels)],
                errors,
                inverse_steps: &self.b.inverse_steps[panels],
            },
            widened,
            masks,
        );
    }

    /// Scores the pairs that are marked.
    fn score_marked(
        &self,
        (rows, columns): (&Range<usize>, &Range<usize>),
        masks: &[[u64; STRIP]],
        best: &mut Best<Pair>,
    ) -> Result<(), Cancelled> {
        let (search, bounds) = (self.search, self.bounds);
        let mut scored = 0;
        let strips = rows.len().div_ceil(STRIP);
        for (panel, masks) in masks.chunks_exact(strips).enumerate() {
            let start = columns.start + panel * PANEL;
            for (row, &mask) in rows.clone().zip(masks.iter().flatten()) {
                let mut mask = mask;
                while mask != 0 {
                    let column = start + mask.trailing_zeros() as usize;
                    mask &= mask - 1;
                    // A panel's last columns may be none.
                    if column < columns.end {
                        let ids = (bounds.a.ids[row], bounds.b.ids[column]);
                        search.offer(ids, bounds.score(row, column, search), best);
                        scored += 1;
                    }
                }
                if scored >= SCORED {
                    search.cancel.check()?;
                    scored = 0;
                }
            }
        }
        Ok(())
    }
}
