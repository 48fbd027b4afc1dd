//! The search on a device: it multiplies blocks of the bounding factors and reduces them to the
//! highest bound of every few columns; only these come back, and where one may matter, the row's
//! pairs with those columns are scored by the processor as everywhere.

use std::ops::Range;

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::kernel::{for_each_that_may_reach, products};
use crate::projection::{Best, Pair, ProjectionError};

use super::{Blocks, Bounds, Prepared, Report, Search};

/// How the bounds are cut up on a device; the list does not depend on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiles {
    /// Rows of A multiplied at a time.
    pub(super) rows: usize,
    /// Rows of B that share one maximum.
    pub(super) width: usize,
    /// Maxima of a row computed at a time.
    pub(super) across: usize,
}

impl Default for Tiles {
    /// 128 MB of products at a time, and milliseconds even on a small GPU.
    fn default() -> Self {
        Self {
            rows: 1024,
            width: 256,
            across: 128,
        }
    }
}

/// One row of A with a few of B: what one maximum stands for.
struct Tile {
    /// The highest bound in it, as the device has it.
    highest: f32,
    row: usize,
    columns: Range<usize>,
}

/// Tiles scored between two looks at the threshold and at whether the list is still wanted: a
/// millisecond or so.
const WAVE: usize = 128;
/// Of these, as many as a task takes.
const TASK: usize = 8;

impl Search<'_> {
    /// As `on_host`, with the bounds from a device, where [they hold](Bounds::hold_on_devices).
    pub(super) fn on_device(
        &self,
        (blocks, tiles): (Blocks, Tiles),
        device: &Device,
        report: Report<'_>,
    ) -> Result<Vec<Pair>, ProjectionError> {
        let Some(Prepared { bounds, scouted }) = self.prepared(blocks, report)? else {
            return self.multiplied_out(|search| search.on_device((blocks, tiles), device, report));
        };
        let scouted = self.scouted(scouted, &bounds, blocks, report)?;
        if !bounds.hold_on_devices() {
            return Ok(self.proven(&bounds, blocks, &scouted, report)?);
        }
        let rows = [
            bounds.a.all_balanced(self.cancel)?,
            bounds.b.all_balanced(self.cancel)?,
        ];
        let a = upload(&rows[0], 1, device)?;
        let b = upload(&rows[1], tiles.width, device)?;
        let tiled = Tiled {
            search: self,
            bounds: &bounds,
            rows: &rows,
            tiles,
        };
        tiled.run((&a, &b), &scouted, report)
    }
}

/// A search by bounds of a device.
struct Tiled<'s> {
    search: &'s Search<'s>,
    bounds: &'s Bounds<'s>,
    /// All balanced rows of A and of B.
    rows: &'s [Matrix; 2],
    tiles: Tiles,
}

impl Tiled<'_> {
    /// `a`, `b`: the bounding rows, b's a whole number of tiles.
    fn run(
        &self,
        (a, b): (&Tensor, &Tensor),
        scouted: &Best<Pair>,
        report: Report<'_>,
    ) -> Result<Vec<Pair>, ProjectionError> {
        let Self {
            search,
            bounds,
            tiles,
            ..
        } = *self;
        let n = search.ids.len();
        let mut best = Best::new(search.want.k);
        for start in (0..n).step_by(tiles.rows) {
            let rows = start..n.min(start + tiles.rows);
            // Norms fall, so no column from there on reaches what is wanted.
            let columns = bounds.b.reaching(bounds.a.norms[start], self.least());
            let count = columns.div_ceil(tiles.width);
            for first in (0..count).step_by(tiles.across) {
                self.search.cancel.check()?;
                let across = first..count.min(first + tiles.across);
                let maxima = maxima((a, &rows), (b, &across), tiles.width)?;
                let found = self.that_may_matter(&maxima, rows.start, &across);
                self.score(&found, &mut best)?;
            }
            let list = search.joined(best.clone(), scouted);
            report(rows.end as f32 / n as f32, search.signed(list));
        }
        Ok(search.signed(best))
    }

    /// What a bound must reach.
    fn least(&self) -> f32 {
        self.search.reached() - self.bounds.slack
    }

    /// The tiles whose highest bound reaches what is wanted, the highest first. `maxima`: those of
    /// the rows from `first` on, one for each tile `across`.
    fn that_may_matter(&self, maxima: &[f32], first: usize, across: &Range<usize>) -> Vec<Tile> {
        let width = self.tiles.width;
        let mut found = Vec::new();
        for_each_that_may_reach(maxima, self.least(), |at| {
            let start = (across.start + at % across.len()) * width;
            found.push(Tile {
                highest: maxima[at],
                row: first + at / across.len(),
                columns: start..self.search.ids.len().min(start + width),
            });
        });
        found.sort_unstable_by(|a, b| b.highest.total_cmp(&a.highest));
        found
    }

    /// Scores tiles, given with the highest first, until none can matter.
    fn score(&self, tiles: &[Tile], best: &mut Best<Pair>) -> Result<(), ProjectionError> {
        for wave in tiles.chunks(WAVE) {
            if wave[0].highest < self.least() {
                break;
            }
            self.search.cancel.check()?;
            let scored = wave.par_chunks(TASK).map(|tiles| {
                let mut best = Best::at_least(self.search.want.k, self.search.reached());
                let mut numbers = Vec::new();
                if let Some(first) = tiles.first() {
                    self.check(first, &mut numbers)?;
                }
                for tile in tiles {
                    self.score_one(tile, &mut numbers, &mut best);
                }
                Ok(best)
            });
            for found in scored.collect::<Result<Vec<_>, ProjectionError>>()? {
                best.merge(found);
            }
            self.search.raise(best);
        }
        Ok(())
    }

    fn score_one(&self, tile: &Tile, scores: &mut Vec<f32>, best: &mut Best<Pair>) {
        scores.clear();
        let pairs = tile.columns.clone().map(|j| self.bounds.ids(tile.row, j));
        scores.extend(self.search.scores(&pairs.collect::<Vec<_>>()));
        for_each_that_may_reach(scores, best.threshold(), |j| {
            let pair = self.bounds.ids(tile.row, tile.columns.start + j);
            self.search.offer(pair, scores[j], best);
        });
    }

    /// A device that rounds more coarsely than f32 (as TF32, where that is forced upon it) would
    /// hide pairs: what it says of a tile is compared with what the processor says.
    ///
    /// Products summed in any order are within h·u of the exact one, relative to the product of
    /// the norms (Higham 2002, §3.1), where u is half of epsilon: twice that apart at most.
    fn check(&self, tile: &Tile, bounds: &mut Vec<f32>) -> Result<(), ProjectionError> {
        let [a, b] = self.rows;
        tile.products((a, b), bounds);
        let here = bounds.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
        let longest = self.bounds.a.norms[tile.row] * self.bounds.b.norms[tile.columns.start];
        let terms = a.cols() as f32 + 2.0;
        if (here - tile.highest).abs() <= terms * (f32::EPSILON * longest + f32::MIN_POSITIVE) {
            return Ok(());
        }
        Err(ProjectionError::Device(format!(
            "expected products as exact as f32, got {} for {here}; use --device cpu",
            tile.highest
        )))
    }
}

impl Tile {
    fn products(&self, (a, b): (&Matrix, &Matrix), out: &mut Vec<f32>) {
        let (h, columns) = (a.cols(), &self.columns);
        out.resize(columns.len(), 0.0);
        let rows = &b.data()[columns.start * h..columns.end * h];
        products(rows, a.row(self.row), h, out);
    }
}

/// The highest bound of each row with each tile `across`, row by row.
fn maxima(
    (a, rows): (&Tensor, &Range<usize>),
    (b, across): (&Tensor, &Range<usize>),
    width: usize,
) -> Result<Vec<f32>, ProjectionError> {
    let b = b.narrow(0, across.start * width, across.len() * width)?;
    let bounds = a.narrow(0, rows.start, rows.len())?.matmul(&b.t()?)?;
    let tiles = bounds.reshape((rows.len(), across.len(), width))?;
    Ok(tiles.max(2)?.flatten_all()?.to_vec1()?)
}

/// A matrix on a device, its last row repeated until the rows are a multiple of `times`: what is
/// there already changes no maximum.
fn upload(matrix: &Matrix, times: usize, device: &Device) -> Result<Tensor, ProjectionError> {
    let (rows, h) = (matrix.rows(), matrix.cols());
    let tensor = Tensor::from_slice(matrix.data(), (rows, h), device)?;
    let missing = rows.next_multiple_of(times) - rows;
    if missing == 0 {
        return Ok(tensor);
    }
    let last = tensor.narrow(0, rows - 1, 1)?.broadcast_as((missing, h))?;
    Ok(Tensor::cat(&[&tensor, &last.contiguous()?], 0)?)
}

#[cfg(test)]
mod tests;
