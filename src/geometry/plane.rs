//! Vectors as points in two dimensions: their first two principal components.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par, Side};

/// Points of a set of vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// One a vector, in their order.
    pub points: Vec<[f64; 2]>,
    /// The share of the variance that each of the two axes shows.
    pub explained: [f64; 2],
}

/// The plane in which vectors `[n, width]` lie furthest apart (principal components). Of either
/// sign, that in which the point furthest out is positive. None for fewer than two vectors.
pub fn plane(rows: &[f32], width: usize) -> Option<Plane> {
    let n = rows.len() / width.max(1);
    if n < 2 {
        return None;
    }
    let mut means = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        means
            .iter_mut()
            .zip(row)
            .for_each(|(m, &x)| *m += f64::from(x));
    }
    means.iter_mut().for_each(|m| *m /= n as f64);
    let x = Mat::from_fn(n, width, |i, j| f64::from(rows[i * width + j]) - means[j]);
    let small = product(x.as_ref(), n <= width);
    let m = small.nrows();
    let variance: f64 = (0..m).map(|i| small[(i, i)]).sum();
    let eigen = small.self_adjoint_eigen(Side::Lower).ok()?;
    let mut points = vec![[0.0; 2]; n];
    let mut explained = [0.0; 2];
    for axis in 0..m.min(2) {
        // Ascending.
        let value = eigen.S().column_vector()[m - 1 - axis].max(0.0);
        let vector = eigen.U().col(m - 1 - axis);
        explained[axis] = if variance > 0.0 {
            value / variance
        } else {
            0.0
        };
        for (i, point) in points.iter_mut().enumerate() {
            point[axis] = if n <= width {
                vector[i] * value.sqrt()
            } else {
                (0..width).map(|j| x[(i, j)] * vector[j]).sum()
            };
        }
        let furthest = |a: &f64, b: &f64| a.abs().total_cmp(&b.abs());
        let along = points.iter().map(|p| p[axis]).max_by(furthest);
        if along.is_some_and(|x| x < 0.0) {
            points.iter_mut().for_each(|p| p[axis] = 0.0 - p[axis]);
        }
    }
    Some(Plane { points, explained })
}

/// `x·xᵀ`, or `xᵀ·x`.
fn product(x: MatRef<'_, f64>, of_rows: bool) -> Mat<f64> {
    let (a, b) = match of_rows {
        true => (x, x.transpose()),
        false => (x.transpose(), x),
    };
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    matmul(out.as_mut(), Accum::Replace, a, b, 1.0, Par::rayon(0));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_groups_come_apart_along_the_first_axis() {
        let mut rng = fastrand::Rng::with_seed(2);
        // Fewer vectors than dimensions, and more.
        for (n, width) in [(12, 40), (60, 5)] {
            let rows: Vec<f32> = (0..n * width)
                .map(|i| {
                    let group = if (i / width) % 2 == 0 { 3.0 } else { -1.0 };
                    group + 0.2 * (rng.f32() - 0.5)
                })
                .collect();
            let plane = plane(&rows, width).unwrap();
            let sides: Vec<bool> = plane.points.iter().map(|p| p[0] > 0.0).collect();
            assert!(sides.chunks(2).all(|s| s[0] == sides[0] && s[1] != s[0]));
            assert!(plane.explained[0] > 0.95 && plane.explained[1] < 0.05);
        }
    }

    #[test]
    fn points_on_a_line_keep_their_distances() {
        let at = [0.0f32, 1.0, 5.0];
        let rows: Vec<f32> = at.iter().flat_map(|t| [3.0 * t, 1.0 - 4.0 * t]).collect();
        let points = plane(&rows, 2).unwrap().points;
        for (i, j) in [(0, 1), (1, 2), (0, 2)] {
            let apart = (points[i][0] - points[j][0]).hypot(points[i][1] - points[j][1]);
            assert!((apart - 5.0 * f64::from((at[i] - at[j]).abs())).abs() < 1e-6);
        }
    }

    #[test]
    fn one_vector_is_no_map() {
        assert_eq!(plane(&[1.0, 2.0], 2), None);
    }
}
