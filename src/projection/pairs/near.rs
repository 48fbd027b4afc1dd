//! Products of many rows with thin weights in 8-bit integers, at several times the rate of f32, and how
//! far they may be off: enough to rule out what comes nowhere near.
//!
//! A matrix W counts as Ŵ, whose columns are whole multiples of a step each, a row e likewise as ê: the
//! row of products is off by at most `‖e − ê‖·σ(W) + ‖ê‖·σ(W − Ŵ)`, where σ is the largest singular
//! value.

use faer::MatRef;
use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::kernel::{multiply, norm};
use crate::projection::{Best, ProjectionError, Rows, Scored};
use crate::task::{CancelToken, Cancelled};

use super::integers::{GROUP, Kernel, OFFSET, PANEL, PanelGroup, STRIP, StripGroup, offset};
use super::one_row::{LEAST_STEP, MOST_STEPS, largest, quantise};

/// Widest rows whose sums fit 32 bits.
const WIDEST: usize = 1 << 16;
/// Pairs of a kind that say how well it does.
const LOOKED_AT: usize = 10;
/// Rows multiplied at a time for them.
const SOME_ROWS: usize = 64;
/// Half of f32's epsilon.
const UNIT: f32 = f32::EPSILON / 2.0;

/// What is known of a row of integers.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// What the integers are multiplied with.
    size: f32,
    /// Of the integers.
    sum: i32,
    /// Norms of the row itself and of what rounding to whole multiples loses.
    norm: f32,
    lost: f32,
}

/// Rows in 8-bit integers, `[n, width]`.
pub struct NearRows {
    /// As many rows each, but for the last.
    parts: Vec<Part>,
    width: usize,
    kernel: Kernel,
}

/// Some of the rows, packed.
struct Part {
    strips: Vec<StripGroup>,
    steps: Vec<Step>,
}

/// Thin weights in 8-bit integers, `[width, h]`.
struct NearWeights {
    panels: Vec<PanelGroup>,
    /// What each column's integers are multiplied with.
    sizes: Vec<f32>,
    /// Frobenius norm.
    norm: f32,
    /// Largest singular values of the weights and of what rounding loses of them, at most.
    stretch: f32,
    lost_stretch: f32,
}

/// A product with thin weights, `[n, h]`.
pub struct NearProduct {
    pub product: Matrix,
    /// The norm of each of its rows, at most.
    norms: Vec<f32>,
    /// How far each of its rows lies, as a vector, from that of the product in f32, at most.
    off: Vec<f32>,
}

impl NearProduct {
    /// How far the product of one of its rows with one of another's, both computed in f32, lies from
    /// that of the same rows of the products in f32, at most.
    pub fn off_by(&self, row: u32, other: &Self, column: u32) -> f32 {
        let (i, j) = (row as usize, column as usize);
        let (norm_a, norm_b) = (self.norms[i] + self.off[i], other.norms[j] + other.off[j]);
        let rounding = (self.product.cols() as f32 + 4.0) * 2.0 * UNIT;
        let off = self.off[i] * norm_b + norm_a * other.off[j] + 2.0 * rounding * norm_a * norm_b;
        // What this sum itself loses.
        off * (1.0 + 16.0 * f32::EPSILON) + f32::MIN_POSITIVE
    }

    /// The product of some `rows` (`[m, width]`) with thin weights in f32, on the calling thread.
    pub fn of_some(rows: &Matrix, w: &Matrix) -> Self {
        let norm_w = norm(w.data());
        let product = crate::projection::product(rows, w);
        let each = 0..rows.rows();
        let off = |i| in_f32(rows.cols(), norm(rows.row(i)) * norm_w) * 1.001;
        Self {
            norms: each.clone().map(|i| length(product.row(i))).collect(),
            off: each.map(off).collect(),
            product,
        }
    }
}

/// How far two products of rows with weights in f32, summed in whatever order, may lie apart. `norms`: the product of
/// their norms.
fn in_f32(width: usize, norms: f32) -> f32 {
    (2.0 * width as f32 + 16.0) * UNIT * norms
}

/// The norm of a row, or a little more.
fn length(row: &[f32]) -> f32 {
    const LANES: usize = 8;
    let (eights, rest) = row.as_chunks::<LANES>();
    let mut sums = [0f32; LANES];
    for eight in eights {
        let each = sums.iter_mut().zip(eight);
        each.for_each(|(sum, x)| *sum += x * x);
    }
    let rest: f32 = rest.iter().map(|x| x * x).sum();
    // The squares of numbers below 1e-19 vanish.
    (sums.iter().sum::<f32>() + rest).sqrt() * 1.0001 + 1e-18 * row.len() as f32
}

impl NearRows {
    /// Bytes that rows of a width take.
    pub fn bytes(rows: usize, width: usize) -> u64 {
        // As 16-bit integers where there are no products of 8-bit ones.
        let bytes = match Kernel::detected().groups_per_quad() {
            1 => width.next_multiple_of(GROUP),
            _ => 2 * width.next_multiple_of(GROUP),
        };
        (rows * (bytes + size_of::<Step>())) as u64
    }

    /// Rows as they are stored; `None` where the processor has no fast product of such integers, or
    /// rows count otherwise than they are stored.
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    pub fn of(rows: &Rows, cancel: CancelToken<'_>) -> Result<Option<Self>, ProjectionError> {
        let (kernel, width) = (Kernel::detected(), rows.width());
        let fits = (1..=WIDEST).contains(&width) && rows.count_as_stored();
        if kernel == Kernel::Plain || !fits {
            return Ok(None);
        }
        let groups = width.div_ceil(GROUP) * kernel.groups_per_quad();
        let parts = rows.chunked(cancel, |range, some| {
            let mut strips = vec![[0; STRIP]; range.len().div_ceil(STRIP) * groups];
            let mut integers = vec![[0; GROUP]; width.div_ceil(GROUP)];
            let rows = some.chunks_exact(width).enumerate();
            let steps = rows.map(|(at, row)| {
                let step = quantised(row, &mut integers);
                let strip = &mut strips[at / STRIP * groups..][..groups];
                kernel.pack(integers.iter().copied(), at % STRIP, strip);
                step
            });
            let steps = steps.collect();
            Part { strips, steps }
        })?;
        Ok(Some(Self {
            parts,
            width,
            kernel,
        }))
    }

    /// The product with thin weights `w`, `[width, h]`, in the memory of another that is not wanted
    /// any more, if it has its shape.
    ///
    /// # Errors
    /// The token is cancelled.
    pub fn times(
        &self,
        w: &Matrix,
        memory: Option<NearProduct>,
        cancel: CancelToken<'_>,
    ) -> Result<NearProduct, Cancelled> {
        let rows = self.parts.iter().map(|part| part.steps.len()).sum();
        let at_once = self.parts.first().map_or(1, |part| part.steps.len().max(1));
        let h = w.cols();
        let w = NearWeights::new(w, self.kernel);
        let shape = |of: &Matrix| [of.rows(), of.cols()];
        let memory = memory.filter(|memory| shape(&memory.product) == [rows, h]);
        let mut found = memory.unwrap_or_else(|| NearProduct {
            product: Matrix::zeros(rows, h),
            norms: vec![0.0; rows],
            off: vec![0.0; rows],
        });
        let NearProduct {
            product,
            norms,
            off,
        } = &mut found;
        let tasks = product.data_mut().par_chunks_mut((at_once * h).max(1));
        let tasks = tasks.zip(norms.par_chunks_mut(at_once));
        let tasks = tasks.zip(off.par_chunks_mut(at_once)).zip(&self.parts);
        tasks.try_for_each(|(((out, norms), off), part)| {
            cancel.check()?;
            self.multiply(part, &w, out);
            let rows = part.steps.iter().zip(out.chunks_exact(h.max(1)));
            for ((step, row), (own, off)) in rows.zip(norms.iter_mut().zip(off)) {
                *own = length(row);
                // The product in f32 rounds too, in whatever order it sums; as does this one.
                let rounding = in_f32(self.width, step.norm * w.norm);
                let integers = step.lost * w.stretch + (step.norm + step.lost) * w.lost_stretch;
                *off = (integers + rounding) * 1.001;
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Some rows times panels of columns, into `out`.
    fn multiply(&self, part: &Part, w: &NearWeights, out: &mut [f32]) {
        let h = w.sizes.len();
        let groups = self.width.div_ceil(GROUP) * self.kernel.groups_per_quad();
        let strips = part.strips.chunks_exact(groups);
        let strips = strips.zip(part.steps.chunks(STRIP));
        for ((strip, steps), out) in strips.zip(out.chunks_mut((STRIP * h).max(1))) {
            let panels = w.panels.chunks_exact(groups).zip(w.sizes.chunks(PANEL));
            for (at, (panel, sizes)) in panels.enumerate() {
                let products = self.kernel.products(strip, panel);
                let rows = steps.iter().zip(&products).zip(out.chunks_exact_mut(h));
                for ((step, products), out) in rows {
                    let more = OFFSET * step.sum;
                    let out = &mut out[at * PANEL..][..sizes.len()];
                    let each = out.iter_mut().zip(products).zip(sizes);
                    each.for_each(|((out, product), size)| {
                        *out = (product - more) as f32 * (step.size * size);
                    });
                }
            }
        }
    }
}

impl NearWeights {
    fn new(w: &Matrix, kernel: Kernel) -> Self {
        let (width, h) = (w.rows(), w.cols());
        let columns = w.transposed();
        let groups = width.div_ceil(GROUP) * kernel.groups_per_quad();
        let mut panels = vec![[0; PANEL]; h.div_ceil(PANEL) * groups];
        let mut integers = vec![[0; GROUP]; width.div_ceil(GROUP)];
        let (mut sizes, mut lost) = (Vec::with_capacity(h), Matrix::zeros(h, width));
        for (at, lost) in lost.data_mut().chunks_exact_mut(width.max(1)).enumerate() {
            let column = columns.row(at);
            let size = quantised(column, &mut integers).size;
            let each = lost.iter_mut().zip(column).zip(integers.as_flattened());
            each.for_each(|((lost, x), &n)| *lost = x - size * f32::from(n));
            let panel = &mut panels[at / PANEL * groups..][..groups];
            let quads = integers.iter().map(|quad| quad.map(offset));
            kernel.pack(quads, at % PANEL, panel);
            sizes.push(size);
        }
        Self {
            panels,
            sizes,
            norm: norm(w.data()),
            stretch: stretch(&columns),
            // What is lost is itself rounded, by up to a hundred-thousandth of it.
            lost_stretch: stretch(&lost) * 1.001 + UNIT * norm(w.data()),
        }
    }
}

/// The largest singular value of a matrix, or somewhat more: λ ≤ tr(G⁸)^(1/8) for the largest
/// eigenvalue λ of G = W·Wᵀ. `rows`: of W, few and long.
pub(super) fn stretch(rows: &Matrix) -> f32 {
    let (h, width) = (rows.rows(), rows.cols());
    let whole = norm(rows.data());
    if whole == 0.0 || !whole.is_finite() {
        return whole;
    }
    // At length 1, so that no power overflows.
    let scaled: Vec<f32> = rows.data().iter().map(|x| x / whole).collect();
    let scaled = MatRef::from_row_major_slice(&scaled, h, width);
    let (mut power, mut square) = (vec![0.0; h * h], vec![0.0; h * h]);
    multiply(scaled, scaled.transpose(), &mut power);
    for _ in 0..2 {
        let root = MatRef::from_row_major_slice(&power, h, h);
        multiply(root, root, &mut square);
        power.copy_from_slice(&square);
    }
    // The trace of a square is the sum of the squares of its root's numbers. What rounding takes: of
    // the Gram matrix at most `width` units, as its trace is 1; of each square `h` units of
    // ‖root‖² ≤ h·λ².
    let rounding = 1.0 + 4.0 * (h * h) as f32 * UNIT;
    let eigenvalue = norm(&power).powf(0.25) * rounding * 1.001 + 2.0 * width as f32 * UNIT;
    whole * eigenvalue.sqrt().min(1.0)
}

/// A row as integers, zeros behind its last.
fn quantised(row: &[f32], integers: &mut [[i8; GROUP]]) -> Step {
    let inverse = 1.0 / (largest(row) / MOST_STEPS).max(LEAST_STEP);
    let integers = integers.as_flattened_mut();
    integers[row.len()..].fill(0);
    let sums = quantise(row, inverse, &mut integers[..row.len()]);
    let size = 1.0 / inverse;
    // 0.02 for what the multiples themselves are off by, over the whole row.
    let lost = sums.lost_squares.sqrt() * 1.001 + 0.02;
    Step {
        size,
        sum: sums.rounded as i32,
        norm: norm(row),
        lost: size * lost,
    }
}

/// By how much pairs of the same row stand out in a form over some rows, as a share of the others: their tenth best score by
/// that of the others. `a`, `b`: `[n, h]`.
pub fn standing_out(a: &Matrix, b: &Matrix) -> f32 {
    let n = a.rows();
    let mut scores = vec![0.0; n * b.rows()];
    let some = scores.par_chunks_mut((SOME_ROWS * n).max(1)).enumerate();
    let found = some.map(|(at, scores)| {
        let first = at * SOME_ROWS;
        let rows = first..n.min(first + SOME_ROWS);
        let some = &a.data()[rows.start * a.cols()..rows.end * a.cols()];
        multiply(
            MatRef::from_row_major_slice(some, rows.len(), a.cols()),
            MatRef::from_row_major_slice(b.data(), n, b.cols()).transpose(),
            scores,
        );
        let [mut same, mut other] = [LOOKED_AT; 2].map(Best::new);
        for (row, scores) in rows.zip(scores.chunks_exact(n)) {
            for (column, &score) in scores.iter().enumerate() {
                let best = if row == column { &mut same } else { &mut other };
                best.offer(Scored {
                    id: column as u32,
                    score,
                });
            }
        }
        [same, other]
    });
    let none = || [LOOKED_AT; 2].map(Best::new);
    let found = found.reduce(none, |mut all, some| {
        let each = all.iter_mut().zip(some);
        each.for_each(|(all, some)| all.merge(some));
        all
    });
    let [same, other] = found.map(|best| best.into_sorted().last().map_or(0.0, |s| s.score));
    match other > 0.0 {
        true => same / other,
        false => f32::INFINITY,
    }
}

#[cfg(test)]
mod tests;
