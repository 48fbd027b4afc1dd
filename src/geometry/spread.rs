//! How much of a set of vectors lies in one direction, and how far that would differ for other
//! texts. Vectors are kept as they are as long as they are few, and multiplied where they lie; of
//! more, only the sum of their outer products is.

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, MatMut, MatRef, Par};
use pulp::Arch;
use rayon::prelude::*;

use super::lanczos::{beyond, top};
use super::pairs::dot;

/// What is kept of a state's vectors as they are.
const KEPT_BYTES: usize = 16 << 20;

/// Relative precision of the largest eigenvalues, and of one whose vector is of no use.
const FINE: f64 = 1e-12;
const COARSE: f64 = 1e-6;
/// Vectors that one thread multiplies at a time.
const CHUNK: usize = 512;

/// Vectors of `width` numbers, of one text after the other.
#[derive(Clone, Debug)]
pub(super) struct Spread {
    width: usize,
    n: f64,
    sum: Vec<f64>,
    /// Σ |x|².
    squares: f64,
    /// Not yet in `outer`, row-major.
    rows: Vec<f32>,
    /// Where the rows of each text end.
    ends: Vec<usize>,
    /// Σ x·xᵀ, `[width, width]`, once there were more rows than are kept.
    outer: Option<Vec<f64>>,
}

/// The three definitions of maximum explainable variance: uncentred, centred, truncated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Explained {
    pub shares: [f64; 3],
    /// Their standard errors; none where not all vectors were kept, or of fewer than two texts.
    pub errors: Option<[f64; 3]>,
    /// Texts with a vector among them.
    pub texts: usize,
}

impl Spread {
    /// None yet, of so many that are to come.
    pub(super) fn new(width: usize, vectors: usize) -> Self {
        let kept = (vectors * width).min(KEPT_BYTES / size_of::<f32>());
        Self {
            width,
            n: 0.0,
            sum: vec![0.0; width],
            squares: 0.0,
            rows: Vec::with_capacity(kept),
            ends: Vec::new(),
            outer: None,
        }
    }

    /// Adds all vectors of one text, `[n, width]`.
    pub(super) fn add(&mut self, vectors: &[f32]) {
        if vectors.is_empty() {
            return;
        }
        for x in vectors.chunks_exact(self.width) {
            for (sum, &x) in self.sum.iter_mut().zip(x) {
                let x = f64::from(x);
                *sum += x;
                self.squares += x * x;
            }
            self.n += 1.0;
        }
        if !self.rows.is_empty() && size_of_val(&self.rows[..]) + size_of_val(vectors) > KEPT_BYTES
        {
            self.fold();
        }
        self.rows.extend_from_slice(vectors);
        self.ends.push(self.rows.len() / self.width);
    }

    fn fold(&mut self) {
        let width = self.width;
        let outer = self.outer.get_or_insert_with(|| vec![0.0; width * width]);
        for rows in self.rows.chunks(width * 1024) {
            let rows: Vec<f64> = rows.iter().map(|&x| f64::from(x)).collect();
            let rows = MatRef::from_row_major_slice(&rows, rows.len() / width, width);
            triangular::matmul(
                MatMut::from_row_major_slice_mut(outer, width, width),
                BlockStructure::TriangularLower,
                Accum::Add,
                rows.transpose(),
                BlockStructure::Rectangular,
                rows,
                BlockStructure::Rectangular,
                1.0,
                Par::rayon(0),
            );
        }
        for i in 0..width {
            for j in 0..i {
                outer[j * width + i] = outer[i * width + j];
            }
        }
        self.rows.clear();
    }

    /// Numbers of a vector.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// None for fewer than two vectors, or where they are all the same. `errors`: whether standard
    /// errors are wanted.
    pub(super) fn explained(&self, errors: bool) -> Option<Explained> {
        self.explained_near(errors, &mut vec![0.0; self.width])
    }

    /// The same; `near`, where the first direction about the mean may lie, becomes where it lies:
    /// that of one state is a good guess at the next one's.
    pub(super) fn explained_near(&self, errors: bool, near: &mut Vec<f64>) -> Option<Explained> {
        if self.n < 2.0 {
            return None;
        }
        if self.outer.is_some() && !self.rows.is_empty() {
            let mut folded = self.clone();
            folded.fold();
            return folded.explained_near(errors, near);
        }
        let mean: Vec<f64> = self.sum.iter().map(|s| s / self.n).collect();
        let total = self.squares;
        let variance = total - self.n * dot(&mean, &mean);
        // What is left of numbers that cancel is no variance.
        if total <= 0.0 || variance <= 1e-12 * total {
            return None;
        }
        let zero = vec![0.0; self.width];
        let precision = if errors { FINE } else { COARSE };
        // The mean is nearly the first direction where vectors have much in common.
        let (first, direction) = top(&mut |q| self.product(q, &zero), &mean, FINE);
        let (centred, axis) = top(&mut |q| self.product(q, &mean), near, precision);
        let on_mean = dot(&direction, &mean);
        let along = first - self.n * on_mean * on_mean;
        let mut found = Explained {
            shares: [first / total, centred / variance, along / variance],
            errors: None,
            texts: self.ends.len(),
        };
        if errors && self.outer.is_none() && found.texts > 1 {
            // How the first direction turns when a vector counts for more.
            let aside: Vec<f64> = mean.iter().map(|m| -on_mean * self.n * m).collect();
            let turn = beyond(&mut |q| self.product(q, &zero), (first, &direction), &aside);
            let axes = [&direction, &axis, &turn].map(|v| &v[..]);
            found.errors = Some(self.errors(&found.shares, [total, variance], &mean, axes));
        }
        *near = axis;
        Some(found)
    }

    /// Standard errors by the infinitesimal jackknife (Jaeckel 1972; Efron 1982, The Jackknife,
    /// the Bootstrap and Other Resampling Plans, ch. 6) over texts: each counts for a little more,
    /// and the shares move by their derivatives. A bootstrap would draw a vector twice, which for
    /// that alone leaves less variance.
    fn errors(
        &self,
        shares: &[f64; 3],
        [total, variance]: [f64; 2],
        mean: &[f64],
        [direction, axis, turn]: [&[f64]; 3],
    ) -> [f64; 3] {
        let (mean_direction, mean_axis) = (dot(mean, direction), dot(mean, axis));
        let texts = self.ends.len() as f64;
        let (mut start, mut sums) = (0, [0.0; 3]);
        for &end in &self.ends {
            let mut moved = [0.0; 3];
            for x in self.rows[start * self.width..end * self.width].chunks_exact(self.width) {
                let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
                let on_first = dot(&x, direction);
                let length = dot(&x, &x);
                let apart = length - 2.0 * dot(&x, mean) + dot(mean, mean);
                let turned = 2.0 * on_first * dot(&x, turn);
                let on_axis = dot(&x, axis) - mean_axis;
                let on_centred = on_first - mean_direction;
                moved[0] += (on_first * on_first - shares[0] * length) / total;
                moved[1] += (on_axis * on_axis - shares[1] * apart) / variance;
                moved[2] += (on_centred * on_centred + turned - shares[2] * apart) / variance;
            }
            sums.iter_mut().zip(moved).for_each(|(s, m)| *s += m * m);
            start = end;
        }
        sums.map(|s| (s * texts / (texts - 1.0)).sqrt())
    }

    /// Σ (x − middle)·((x − middle)·q); `middle` is zero or the mean.
    fn product(&self, q: &[f64], middle: &[f64]) -> Vec<f64> {
        let on_middle = dot(middle, q);
        let mut out = vec![0.0; self.width];
        let scale = match &self.outer {
            Some(outer) => {
                let rows = outer.chunks_exact(self.width);
                out.iter_mut()
                    .zip(rows)
                    .for_each(|(o, row)| *o = dot(row, q));
                self.n * on_middle
            }
            None => {
                let chunks = self.rows.par_chunks(CHUNK * self.width).map(|rows| {
                    let mut part = vec![0.0; self.width];
                    let scale =
                        Arch::new().dispatch(|| product_of_rows(rows, q, on_middle, &mut part));
                    (part, scale)
                });
                let mut scale = 0.0;
                for (part, scale_of_part) in chunks.collect::<Vec<_>>() {
                    out.iter_mut().zip(part).for_each(|(o, x)| *o += x);
                    scale += scale_of_part;
                }
                scale
            }
        };
        out.iter_mut()
            .zip(middle)
            .for_each(|(o, m)| *o -= scale * m);
        out
    }
}

/// Adds Σ x·(x·q − shift) to `out`; returns Σ (x·q − shift). In double precision, with the widest
/// registers there are.
#[inline(always)]
fn product_of_rows(rows: &[f32], q: &[f64], shift: f64, out: &mut [f64]) -> f64 {
    let mut all = 0.0;
    for x in rows.chunks_exact(q.len()) {
        // Arrays of a known length: only with them does the compiler fill the registers.
        let mut sums = [[0.0; 8]; 2];
        let ((x16, x_rest), (q16, q_rest)) = (x.as_chunks::<16>(), q.as_chunks::<16>());
        for (x, q) in x16.iter().zip(q16) {
            for (half, sums) in sums.iter_mut().enumerate() {
                for (i, sum) in sums.iter_mut().enumerate() {
                    *sum += f64::from(x[8 * half + i]) * q[8 * half + i];
                }
            }
        }
        let rest: f64 = x_rest
            .iter()
            .zip(q_rest)
            .map(|(&x, q)| f64::from(x) * q)
            .sum();
        let scale = sums.iter().flatten().sum::<f64>() + rest - shift;
        all += scale;
        for (o, &x) in out.iter_mut().zip(x) {
            *o += scale * f64::from(x);
        }
    }
    all
}

#[cfg(test)]
impl Spread {
    /// The same without one of its texts.
    pub(super) fn lacking(&self, text: usize) -> Self {
        let mut rest = Self::new(self.width, 0);
        let mut start = 0;
        for (at, &end) in self.ends.iter().enumerate() {
            if at != text {
                rest.add(&self.rows[start * self.width..end * self.width]);
            }
            start = end;
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(n: usize, width: usize, offset: f32) -> Vec<Vec<f32>> {
        let mut rng = fastrand::Rng::with_seed(5);
        let row = |_| (0..width).map(|_| rng.f32() - 0.5 + offset).collect();
        (0..n).map(row).collect()
    }

    fn explained(rows: &[Vec<f32>]) -> Option<Explained> {
        let mut spread = Spread::new(rows[0].len(), rows.len());
        rows.iter().for_each(|row| spread.add(row));
        spread.explained(false)
    }

    /// By faer's singular values of the whole matrix.
    fn expected(rows: &[Vec<f32>]) -> [f64; 3] {
        let (n, d) = (rows.len(), rows[0].len());
        let x = faer::Mat::from_fn(n, d, |i, j| f64::from(rows[i][j]));
        let mean = |j: usize| (0..n).map(|i| x[(i, j)]).sum::<f64>() / n as f64;
        let means: Vec<f64> = (0..d).map(mean).collect();
        let y = faer::Mat::from_fn(n, d, |i, j| x[(i, j)] - means[j]);
        let share = |m: &faer::Mat<f64>| {
            let s = m.singular_values().unwrap();
            s[0] * s[0] / s.iter().map(|s| s * s).sum::<f64>()
        };
        let svd = x.thin_svd().unwrap();
        let first = svd.V().col(0);
        let along = (0..n).map(|i| (0..d).map(|j| y[(i, j)] * first[j]).sum::<f64>().powi(2));
        let all = (0..n).map(|i| (0..d).map(|j| y[(i, j)].powi(2)).sum::<f64>());
        [share(&x), share(&y), along.sum::<f64>() / all.sum::<f64>()]
    }

    #[test]
    fn agrees_with_singular_values_for_few_and_for_many_vectors() {
        for (n, width, offset) in [(2, 9, 0.3), (40, 24, 0.0), (7, 100, 1.0), (300, 20, 0.2)] {
            let rows = random(n, width, offset);
            let (got, want) = (explained(&rows).unwrap().shares, expected(&rows));
            for (got, want) in got.into_iter().zip(want) {
                assert!((got - want).abs() < 1e-7, "{n} × {width}: {got} {want}");
            }
        }
    }

    #[test]
    fn more_vectors_than_are_kept_have_the_same_shares() {
        let rows = random(300, 20, 0.2);
        let (mut kept, mut folded) = (Spread::new(20, 0), Spread::new(20, 0));
        for (at, row) in rows.iter().enumerate() {
            kept.add(row);
            folded.add(row);
            if at % 70 == 69 {
                folded.fold();
            }
        }
        let [kept, folded] = [kept, folded].map(|s| s.explained(true).unwrap());
        for (kept, folded) in kept.shares.into_iter().zip(folded.shares) {
            assert!((kept - folded).abs() < 1e-9);
        }
        assert!(kept.errors.is_some() && folded.errors.is_none());
    }

    #[test]
    fn the_three_definitions_differ_as_published() {
        // Vectors with much in common: nearly all squared length in one direction, little of
        // the variance along it.
        let rows = random(500, 64, 0.6);
        let [uncentred, centred, truncated] = explained(&rows).unwrap().shares;
        assert!(uncentred > 0.75 && centred < 0.1 && truncated < centred);
    }

    #[test]
    fn one_vector_or_equal_ones_have_no_variance() {
        assert_eq!(explained(&random(1, 8, 0.1)), None);
        let row = random(1, 8, 0.1).remove(0);
        assert_eq!(explained(&[row.clone(), row.clone(), row]), None);
    }
}
