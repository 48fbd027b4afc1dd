//! How much of a set of vectors lies in one direction, and how far that would differ for other
//! texts. Vectors are kept as they are as long as they are few, and multiplied where they lie; of
//! more, only the sum of their outer products is.

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

use super::lanczos::{Downdate, Eigen, STEPS_MAX, Search, beyond, tops};
use super::pairs::dot;
use super::products::{LANES, products, rough_products};

/// What is kept of a state's vectors as they are.
const KEPT_BYTES: usize = 16 << 20;

/// Relative precision of the largest eigenvalues, and of one whose vector is of no use.
const FINE: f64 = 1e-12;
const COARSE: f64 = 1e-6;
/// Least number of vectors at which a rough search saves more than it costs.
const MANY: usize = 512;
/// More steps find little more in single precision.
const ROUGH_STEPS: usize = 32;

/// Rows' products with one or two vectors.
type Products = fn(&[&[f32]], &[&[f64]]) -> Vec<Vec<f64>>;

/// Vectors of `width` numbers, of one text after the other.
#[derive(Clone, Debug)]
pub(super) struct Spread {
    width: usize,
    n: f64,
    sum: Vec<f64>,
    /// Σ |x|².
    squares: f64,
    /// Those of each text that are not yet in `outer`, row-major.
    texts: Vec<Vec<f32>>,
    /// Σ x·xᵀ, `[width, width]`, once there were more than are kept.
    outer: Option<Vec<f64>>,
}

/// The three definitions of maximum explainable variance: uncentred, centred, truncated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Explained {
    pub shares: [f64; 3],
    /// Whether the vectors differ; else only the first share means anything, and is 1.
    pub differ: bool,
    /// Their standard errors; none where not all vectors were kept, or of fewer than two texts.
    pub errors: Option<[f64; 3]>,
    /// Texts with a vector among them.
    pub texts: usize,
}

/// What the shares depend on, and how the first direction moves when a vector counts for more.
struct Moves<'a> {
    shares: [f64; 3],
    /// Σ |x|².
    total: f64,
    /// Σ |x − mean|².
    variance: f64,
    mean: &'a [f64],
    /// The first direction.
    direction: &'a [f64],
    /// The first direction about the mean.
    axis: &'a [f64],
    /// How the first direction turns.
    turn: &'a [f64],
}

impl Spread {
    /// None yet.
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            n: 0.0,
            sum: vec![0.0; width],
            squares: 0.0,
            texts: Vec::new(),
            outer: None,
        }
    }

    /// Adds all vectors of one text, `[n, width]`.
    pub(super) fn add(&mut self, vectors: Vec<f32>) {
        let (mut sum, mut squares) = (vec![0.0; self.width], 0.0);
        for x in vectors.chunks_exact(self.width) {
            for (sum, &x) in sum.iter_mut().zip(x) {
                let x = f64::from(x);
                *sum += x;
                squares += x * x;
            }
        }
        self.count(vectors.len() / self.width, &sum, squares);
        self.keep(vectors);
    }

    /// Counts n vectors: Σ x and Σ |x|².
    pub(super) fn count(&mut self, n: usize, sum: &[f64], squares: f64) {
        self.n += n as f64;
        self.sum.iter_mut().zip(sum).for_each(|(s, x)| *s += x);
        self.squares += squares;
    }

    /// Keeps all vectors of one text, that are counted.
    pub(super) fn keep(&mut self, vectors: Vec<f32>) {
        if vectors.is_empty() {
            return;
        }
        let kept: usize = self.texts.iter().map(Vec::len).sum();
        if kept > 0 && (kept + vectors.len()) * size_of::<f32>() > KEPT_BYTES {
            self.fold();
        }
        self.texts.push(vectors);
    }

    fn fold(&mut self) {
        let width = self.width;
        let outer = self.outer.get_or_insert_with(|| vec![0.0; width * width]);
        let texts = std::mem::take(&mut self.texts);
        let rows: Vec<&[f32]> = texts.iter().flat_map(|t| t.chunks_exact(width)).collect();
        for rows in rows.chunks(1024) {
            let numbers = rows.iter().copied().flatten();
            let numbers: Vec<f64> = numbers.map(|&x| f64::from(x)).collect();
            let rows = MatRef::from_row_major_slice(&numbers, rows.len(), width);
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
    }

    /// None for fewer than two vectors, or where they are all zero. `errors`: whether standard errors
    /// are wanted.
    pub(super) fn explained(&self, errors: bool) -> Option<Explained> {
        self.explained_near(&[], errors, &mut vec![0.0; self.width])
    }

    /// The same, where the last vectors are counted but not kept: `last` are those of each text.
    /// `near`, where the first direction about the mean may lie, becomes where it lies: that of one
    /// state is a good guess at the next one's.
    pub(super) fn explained_near(
        &self,
        last: &[&[f32]],
        errors: bool,
        near: &mut Vec<f64>,
    ) -> Option<Explained> {
        if self.n < 2.0 {
            return None;
        }
        let mean: Vec<f64> = self.sum.iter().map(|s| s / self.n).collect();
        let total = self.squares;
        let variance = total - self.n * dot(&mean, &mean);
        if total <= 0.0 {
            return None;
        }
        // What is left of numbers that cancel is no variance. One vector, however often, lies in
        // one direction: so do those of a token before the first layer without learned positions.
        if variance <= 1e-12 * total {
            return Some(Explained {
                shares: [1.0, 0.0, 0.0],
                differ: false,
                errors: None,
                texts: self.texts.len(),
            });
        }
        let kept = self.texts.iter().map(Vec::as_slice);
        let rows = kept.chain(last.iter().copied());
        let rows: Vec<&[f32]> = rows.flat_map(|x| x.chunks_exact(self.width)).collect();
        let start = self.searched(&rows, &mean, near);
        let search = Search {
            near: start.as_ref().unwrap_or(near),
            known: start.is_some(),
            precisions: [FINE, if errors { FINE } else { COARSE }],
            steps: STEPS_MAX,
        };
        let mut products = |vectors: &[&[f64]]| self.products(products, &rows, vectors);
        let [(first, direction), (centred, axis)] = tops(&mut products, self.less(&mean), &search);
        let on_mean = dot(&direction, &mean);
        let along = first - self.n * on_mean * on_mean;
        let mut found = Explained {
            shares: [first / total, centred / variance, along / variance],
            differ: true,
            errors: None,
            texts: self.texts.len(),
        };
        if errors && self.outer.is_none() && found.texts > 1 {
            // How the first direction turns when a vector counts for more.
            let aside: Vec<f64> = mean.iter().map(|m| -on_mean * self.n * m).collect();
            let eigen = Eigen {
                value: first,
                vector: &direction,
            };
            let turn = beyond(&mut products, eigen, &aside);
            let moves = Moves {
                shares: found.shares,
                total,
                variance,
                mean: &mean,
                direction: &direction,
                axis: &axis,
                turn: &turn,
            };
            found.errors = Some(self.errors(&moves));
        }
        if centred.is_finite() {
            *near = axis;
        }
        Some(found)
    }

    /// What is taken out of Σ x·xᵀ to centre the vectors.
    fn less<'m>(&self, mean: &'m [f64]) -> Downdate<'m> {
        Downdate {
            times: self.n,
            middle: mean,
        }
    }

    /// Where the first direction about the mean lies as single precision has it; none where it is
    /// not worth a search.
    fn searched(&self, rows: &[&[f32]], mean: &[f64], near: &[f64]) -> Option<Vec<f64>> {
        if rows.len() < MANY || !self.width.is_multiple_of(LANES) {
            return None;
        }
        let mut products = |vectors: &[&[f64]]| self.products(rough_products, rows, vectors);
        let search = Search {
            near,
            known: false,
            precisions: [1.0, COARSE],
            steps: ROUGH_STEPS,
        };
        let [_, (value, axis)] = tops(&mut products, self.less(mean), &search);
        value.is_finite().then_some(axis)
    }

    /// Σ x·(x·q) for one or two vectors q: over `rows`, and those that are only kept as a sum.
    fn products(&self, of: Products, rows: &[&[f32]], vectors: &[&[f64]]) -> Vec<Vec<f64>> {
        let mut found = of(rows, vectors);
        if let Some(outer) = &self.outer {
            for (found, q) in found.iter_mut().zip(vectors) {
                let rows = outer.par_chunks_exact(self.width);
                let each = found.par_iter_mut().zip(rows).with_min_len(64);
                each.for_each(|(f, row)| *f += dot(row, q));
            }
        }
        found
    }

    /// Standard errors by the infinitesimal jackknife (Jaeckel 1972; Efron 1982, The Jackknife,
    /// the Bootstrap and Other Resampling Plans, ch. 6) over texts: each counts for a little more,
    /// and the shares move by their derivatives. A bootstrap would draw a vector twice, which for
    /// that alone leaves less variance.
    fn errors(&self, moves: &Moves<'_>) -> [f64; 3] {
        let Moves {
            shares,
            total,
            variance,
            mean,
            direction,
            axis,
            turn,
        } = *moves;
        let (mean_direction, mean_axis) = (dot(mean, direction), dot(mean, axis));
        let texts = self.texts.len() as f64;
        let mut sums = [0.0; 3];
        for text in &self.texts {
            let mut moved = [0.0; 3];
            for x in text.chunks_exact(self.width) {
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
        }
        sums.map(|s| (s * texts / (texts - 1.0)).sqrt())
    }
}

#[cfg(test)]
impl Spread {
    /// The same without one of its texts.
    pub(super) fn lacking(&self, text: usize) -> Self {
        let mut rest = Self::new(self.width);
        for (at, vectors) in self.texts.iter().enumerate() {
            if at != text {
                rest.add(vectors.clone());
            }
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
        let mut spread = Spread::new(rows[0].len());
        rows.iter().for_each(|row| spread.add(row.clone()));
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
        for (n, width, offset) in [
            (2, 9, 0.3),
            (40, 24, 0.0),
            (7, 100, 1.0),
            (300, 20, 0.2),
            (2 * MANY, 2 * LANES, 0.0),
            (2 * MANY, 2 * LANES, 3.0),
        ] {
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
        let (mut kept, mut folded) = (Spread::new(20), Spread::new(20));
        for (at, row) in rows.iter().enumerate() {
            kept.add(row.clone());
            folded.add(row.clone());
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
    fn one_vector_has_no_variance_and_equal_ones_one_direction() {
        assert_eq!(explained(&random(1, 8, 0.1)), None);
        assert_eq!(explained(&vec![vec![0.0; 8]; 3]), None);
        let row = random(1, 8, 0.1).remove(0);
        let equal = explained(&[row.clone(), row.clone(), row]).unwrap();
        assert!(!equal.differ && equal.shares[0] == 1.0);
    }
}
