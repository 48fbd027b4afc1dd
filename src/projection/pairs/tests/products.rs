//! Searches of factors that are not multiplied out.

use fastrand::Rng;

use crate::projection::Rows;

use super::*;

/// Rows, of which some have the same numbers, and thin weights.
struct Form {
    rows: Matrix,
    left: Matrix,
    right: Matrix,
}

impl Form {
    /// Of width `d`, with heads of `h`.
    fn drawn(rng: &mut Rng, n: usize, (d, h): (usize, usize)) -> Self {
        let mut matrix = |rows: usize, cols: usize| {
            // Directions fall off, and some rows are long.
            let size = |at: usize| {
                let (row, col) = (at / cols, at % cols);
                let long = if row % 11 == 3 { 3.0 } else { 1.0 };
                long / (1.0 + 6.0 * col as f32 / cols as f32)
            };
            let data = (0..rows * cols).map(|at| (rng.f32() - 0.5) * size(at));
            Matrix::new(rows, cols, data.collect())
        };
        let mut rows = matrix(n, d);
        let (left, right) = (matrix(d, h), matrix(d, h));
        for row in (0..n / 5).map(|i| 5 * i) {
            let same = rows.row(row / 2).to_vec();
            rows.data_mut()[row * d..(row + 1) * d].copy_from_slice(&same);
        }
        Self { rows, left, right }
    }

    /// Its list by products, and the one by factors that are multiplied out.
    fn lists(&self, blocks: Blocks, want: &PairsWanted<'_>) -> [Vec<Pair>; 2] {
        let never = CancelToken::never;
        let rows = Rows::new(self.rows.clone(), &Device::Cpu).unwrap();
        let product = |weights| {
            let product = FactorProduct::new(&rows, weights).unwrap();
            Factor::Product(product.expect("rows in memory"))
        };
        let products = (product(&self.left), product(&self.right));
        let by_products = Search::new(products, want, never());
        let whole = [&self.left, &self.right].map(|w| rows.times(w, never()).unwrap());
        let by_factors = Search::new(((&whole[0]).into(), (&whole[1]).into()), want, never());
        [by_products, by_factors].map(|s| s.on_host(blocks, &mut |_, _| ()).unwrap())
    }
}

/// To the last bit, ties by their numbers among them; with looks at leading coordinates and without.
#[test]
fn a_form_that_is_not_multiplied_out_has_the_same_list() {
    let mut rng = Rng::with_seed(12);
    for (n, d, h) in [
        (1, 8, 96),
        (2, 70, 100),
        (300, 200, 96),
        (700, 130, 128),
        (900, 64, 110),
    ] {
        let form = Form::drawn(&mut rng, n, (d, h));
        let passing: Vec<bool> = (0..n).map(|_| n < 10 || rng.u32(0..7) > 0).collect();
        for kernel in Kernel::all() {
            for leading in [1, usize::MAX] {
                for (end, k) in [(End::Highest, 1), (End::Lowest, 40), (End::Highest, 2000)] {
                    let blocks = Blocks {
                        strips: 7,
                        panels: 1,
                        leading,
                        corner: 40,
                        ..Blocks::of(kernel)
                    };
                    let want = PairsWanted {
                        k,
                        end,
                        passing: &passing,
                        admits: &|i, j| i % 3 != 1 || i != j,
                    };
                    let [by_products, by_factors] = form.lists(blocks, &want);
                    assert_eq!(
                        by_products, by_factors,
                        "{n}, {d}, {h}, {kernel:?}, {end:?} {k}"
                    );
                }
            }
        }
    }
}

#[test]
fn rows_without_a_length_and_of_one_direction_have_the_same_list() {
    let (n, d, h) = (400, 20, 96);
    let mut rng = Rng::with_seed(13);
    let mut form = Form::drawn(&mut rng, n, (d, h));
    let passing = vec![true; n];
    let want = PairsWanted {
        k: 30,
        end: End::Highest,
        passing: &passing,
        admits: &|_, _| true,
    };
    let blocks = Blocks {
        leading: 1,
        ..Blocks::default()
    };
    for fill in [0.0, 1.0, 1e-20, 1e15] {
        form.rows.data_mut()[..300 * d].fill(fill);
        let [by_products, by_factors] = form.lists(blocks, &want);
        assert_eq!(by_products, by_factors, "{fill}");
        form.rows.data_mut().fill(fill);
        let [by_products, by_factors] = form.lists(blocks, &want);
        assert_eq!(by_products, by_factors, "all {fill}");
    }
}

#[test]
fn rows_that_are_multiplied_out_when_they_are_scored_are_those_of_the_whole_product() {
    let mut rng = Rng::with_seed(14);
    for (n, d, h) in [(700, 200, 30), (600, 64, 17), (520, 1, 5)] {
        let form = Form::drawn(&mut rng, n, (d, h));
        let rows = Rows::new(form.rows.clone(), &Device::Cpu).unwrap();
        let whole = rows.times(&form.left, CancelToken::never()).unwrap();
        let product = FactorProduct::new(&rows, &form.left).unwrap().unwrap();
        for count in [1, 2, 3, 31, 200, 513] {
            let ids: Vec<u32> = (0..count).map(|_| rng.u32(0..n as u32)).collect();
            let picked = product.picked(&ids);
            for (at, &id) in ids.iter().enumerate() {
                assert_eq!(
                    picked.row(at),
                    whole.row(id as usize),
                    "{count} rows of {d}"
                );
                let longest = product.longest();
                assert!(whole.row(id as usize).iter().all(|x| x.abs() <= longest));
            }
        }
    }
}
