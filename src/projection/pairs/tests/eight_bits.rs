//! Bounds in 8-bit integers at their edges.

use super::*;

/// The rounding of 8-bit integers at its edges: rows of zeros, of one huge coordinate among small
/// ones, of numbers at the ends of their range, and halves that round to either side.
#[test]
fn rows_that_8_bits_hold_badly_hide_no_pair() {
    let mut rng = Rng::with_seed(9);
    for (n, h) in [(70, 1), (90, 3), (200, 31), (150, 64), (130, 130)] {
        let mut odd = |at: usize| -> Vec<f32> {
            let mut row: Vec<f32> = (0..h).map(|_| rng.i32(-2..=2) as f32).collect();
            match at % 6 {
                0 => row.fill(0.0),
                1 => row[at % h] = 1024.0,
                2 => row.iter_mut().for_each(|x| *x = x.signum() * 64.0),
                3 => row.iter_mut().for_each(|x| *x *= 0.5),
                4 => row.fill(-127.0),
                _ => {}
            }
            row
        };
        let mut odd_matrix = || Matrix::new(n, h, (0..n).flat_map(&mut odd).collect());
        let (a, b) = (odd_matrix(), odd_matrix());
        let passing = vec![true; n];
        for end in [End::Highest, End::Lowest] {
            let want = PairsWanted {
                k: 60,
                end,
                passing: &passing,
                admits: &|i, j| i != j,
            };
            check(&a, &b, &want, &format!("{n}×{h} {end:?}"));
        }
    }
}

#[test]
fn the_smallest_and_the_largest_numbers_hide_no_pair() {
    let mut rng = Rng::with_seed(10);
    let (n, h) = (150, 24);
    let passing = vec![true; n];
    let want = PairsWanted {
        k: 25,
        end: End::Highest,
        passing: &passing,
        admits: &|_, _| true,
    };
    // Powers of two, so that products stay exact: subnormal steps, and sums near the largest.
    for (left, right) in [(-140, 0), (-126, 60), (-100, -30), (100, 10), (60, 60)] {
        let scaled = |m: Matrix, power: i32| {
            let scale = f64::from(power).exp2();
            let data = m.data().iter().map(|&x| (f64::from(x) * scale) as f32);
            Matrix::new(n, h, data.collect())
        };
        let a = scaled(whole_numbers(&mut rng, n, h, 3), left);
        let b = scaled(whole_numbers(&mut rng, n, h, 3), right);
        check(&a, &b, &want, &format!("2^{left} and 2^{right}"));
    }
}

/// More coordinates than the integers' sums have room for, all of them at the largest integer.
#[test]
fn sums_of_the_largest_integers_do_not_overflow() {
    let (n, h) = (70, 520);
    let row = |i: usize| vec![if i.is_multiple_of(3) { -127.0 } else { 127.0 }; h];
    let a = Matrix::new(n, h, (0..n).flat_map(row).collect());
    let passing = vec![true; n];
    let want = PairsWanted {
        k: 5000,
        end: End::Highest,
        passing: &passing,
        admits: &|i, j| i < j,
    };
    check(&a, &a, &want, "wide rows");
}
