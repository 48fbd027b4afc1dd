use candle_core::Device;

use super::*;

/// Against products in f64, of widths and numbers of columns that fill no register, with rows of
/// zeros, of one number, and of sizes far apart.
#[test]
fn products_are_no_further_off_than_they_say() {
    let mut rng = fastrand::Rng::with_seed(4);
    for (n, width, h) in [
        (1, 1, 1),
        (7, 5, 3),
        (13, 64, 16),
        (20, 70, 130),
        (400, 33, 17),
    ] {
        let mut draw = |rows: usize, cols: usize| {
            let mut numbers = Vec::with_capacity(rows * cols);
            for row in 0..rows {
                let size = 10f32.powi(row as i32 % 9 - 4);
                let number = |rng: &mut fastrand::Rng| size * (rng.f32() - 0.5);
                numbers.extend((0..cols).map(|at| match row % 5 {
                    3 => 0.0,
                    4 if at > 0 => 0.0,
                    _ => number(&mut rng),
                }));
            }
            Matrix::new(rows, cols, numbers)
        };
        let (rows, w) = (draw(n, width), draw(width, h));
        let exact = |row: usize, column: usize| -> f64 {
            let terms = rows.row(row).iter().enumerate();
            terms
                .map(|(at, x)| f64::from(*x) * f64::from(w.row(at)[column]))
                .sum()
        };
        let on_host = Rows::new(rows.clone(), &Device::Cpu).unwrap();
        let Some(near) = NearRows::of(&on_host, CancelToken::never()).unwrap() else {
            return;
        };
        let found = near.times(&w, None, CancelToken::never()).unwrap();
        let in_f32 = on_host.times(&w, CancelToken::never()).unwrap();
        let some = NearProduct::of_some(&rows, &w);
        for row in 0..n {
            let squares = (0..h).map(|at| f64::from(found.product.row(row)[at]).powi(2));
            let length = squares.sum::<f64>().sqrt();
            assert!((length..=length * 1.001 + 1e-15).contains(&f64::from(found.norms[row])));
            let apart = (0..h).map(|at| {
                let apart = f64::from(some.product.row(row)[at]) - exact(row, at);
                apart.powi(2)
            });
            assert!(apart.sum::<f64>().sqrt() <= f64::from(some.off[row]));
            assert!(some.off[row] <= found.off[row] * 1.01);
            let squares = (0..h).map(|column| {
                let number = f64::from(found.product.row(row)[column]);
                let of_f32 = f64::from(in_f32.row(row)[column]);
                [exact(row, column), of_f32].map(|other| (number - other).powi(2))
            });
            let squares = squares.fold([0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
            let off = f64::from(found.off[row]);
            assert!(
                squares.iter().all(|x| x.sqrt() <= off),
                "{row}: {squares:?} {off}"
            );
            let length = norm(rows.row(row)) * norm(w.data());
            assert!(
                off <= 3e-2 * f64::from(length) + 1e-15,
                "{row}: {off} {length}"
            );
        }
    }
}

/// Rows with one direction in common, rows that share none, and one row, of all of which the largest
/// singular value is known.
#[test]
fn the_largest_singular_value_is_no_larger() {
    let mut rng = fastrand::Rng::with_seed(5);
    let direction: Vec<f32> = (0..200).map(|_| rng.f32() - 0.5).collect();
    for h in [1, 8, 64] {
        let times: Vec<f32> = (0..h).map(|_| 1e20 * (rng.f32() - 0.5)).collect();
        let common = times
            .iter()
            .flat_map(|t| direction.iter().map(move |x| t * x));
        let common = Matrix::new(h, 200, common.collect());
        let exact = norm(&times) * norm(&direction);
        let found = stretch(&common);
        assert!(
            (exact..exact * 1.1).contains(&found),
            "{h}: {found} {exact}"
        );
        let mut apart = Matrix::zeros(h, 200);
        for row in 0..h {
            apart.data_mut()[row * 200 + 3 * row] = 2.0;
        }
        let found = stretch(&apart);
        assert!((2.0..2.7).contains(&found), "{h}: {found}");
    }
    assert_eq!(stretch(&Matrix::zeros(3, 5)), 0.0);
}

/// Of a form that is the identity, rows of ones score highest with themselves; of its negative they
/// score lowest.
#[test]
fn rows_stand_out_where_they_score_highest_with_themselves() {
    let mut rows = Matrix::zeros(40, 8);
    let mut rng = fastrand::Rng::with_seed(6);
    rows.data_mut()
        .iter_mut()
        .for_each(|x| *x = rng.f32() - 0.5);
    let negative = rows.data().iter().map(|x| -x).collect();
    let negative = Matrix::new(40, 8, negative);
    assert!(standing_out(&rows, &rows) > 1.0);
    assert!(standing_out(&rows, &negative) < 0.0);
    assert_eq!(standing_out(&rows, &Matrix::zeros(40, 8)), f32::INFINITY);
}
