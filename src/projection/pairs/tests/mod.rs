mod called_off;
mod eight_bits;
mod products;

use fastrand::Rng;

use super::*;

/// Every admitted pair in f64, sorted in full: score falling, then from and to rising.
fn brute(a: &Matrix, b: &Matrix, want: &PairsWanted<'_>) -> Vec<(u32, u32, f64)> {
    let sign = if want.end == End::Lowest { -1.0 } else { 1.0 };
    let mut all = Vec::new();
    for i in (0..a.rows()).filter(|&i| want.passing[i]) {
        for j in (0..b.rows()).filter(|&j| want.passing[j]) {
            let product = a
                .row(i)
                .iter()
                .zip(b.row(j))
                .map(|(&x, &y)| f64::from(x) * f64::from(y));
            // Adding 0 makes 0 of −0: they are one score.
            let score = product.sum::<f64>() + 0.0;
            if !score.is_nan() && (want.admits)(i as u32, j as u32) {
                all.push((i as u32, j as u32, score));
            }
        }
    }
    all.sort_by(|x, y| {
        (sign * y.2)
            .total_cmp(&(sign * x.2))
            .then((x.0, x.1).cmp(&(y.0, y.1)))
    });
    all.truncate(want.k);
    all
}

/// Small whole numbers have exact products in f32, so lists must agree to the last tie.
fn whole_numbers(rng: &mut Rng, n: usize, h: usize, most: i32) -> Matrix {
    Matrix::new(
        n,
        h,
        (0..n * h).map(|_| rng.i32(-most..=most) as f32).collect(),
    )
}

fn check(a: &Matrix, b: &Matrix, want: &PairsWanted<'_>, what: &str) {
    check_in(Blocks::default(), a, b, want, what);
}

/// On the host, and on a device (candle's own processor device) in tiles of as many rows and
/// columns as the blocks have.
fn check_in(blocks: Blocks, a: &Matrix, b: &Matrix, want: &PairsWanted<'_>, what: &str) {
    let search = || Search::new((a.into(), b.into()), want, CancelToken::never());
    let by_kernels = Kernel::all().into_iter().map(|kernel| {
        let blocks = Blocks { kernel, ..blocks };
        let list = search().on_host(blocks, &mut |_, _| ());
        (list.unwrap(), format!("host by {kernel:?}"))
    });
    let tiles = Tiles {
        rows: blocks.strips * 6,
        width: blocks.panels * 9,
        across: blocks.wave,
    };
    let on_device = search().on_device((blocks, tiles), &Device::Cpu, &mut |_, _| ());
    let expected = brute(a, b, want);
    for (got, which) in by_kernels.chain([(on_device.unwrap(), "device".into())]) {
        let got: Vec<_> = got
            .iter()
            .map(|p| (p.from, p.to, f64::from(p.score)))
            .collect();
        assert_eq!(got, expected, "{what}, on the {which}");
    }
}

#[test]
fn equals_brute_force_on_thousands_of_cases() {
    let mut rng = Rng::with_seed(1);
    for case in 0..2500 {
        let (n, h) = (rng.usize(1..40), rng.usize(1..12));
        let most = rng.i32(0..4);
        let a = whole_numbers(&mut rng, n, h, most);
        let b = if rng.bool() {
            a.clone()
        } else {
            whole_numbers(&mut rng, n, h, most)
        };
        let share = rng.f32();
        let passing: Vec<bool> = (0..n).map(|_| rng.f32() <= share).collect();
        let apart = rng.u32(0..3);
        let want = PairsWanted {
            k: rng.usize(0..60),
            end: if rng.bool() {
                End::Highest
            } else {
                End::Lowest
            },
            passing: &passing,
            admits: &move |i, j| i.abs_diff(j) >= apart,
        };
        check(&a, &b, &want, &format!("case {case}"));
    }
}

#[test]
fn equals_brute_force_across_blocks_and_widths() {
    // Larger than a block on either side, wide enough for every number of leading coordinates.
    let mut rng = Rng::with_seed(2);
    for (n, h) in [(130, 100), (600, 64), (700, 20), (1300, 36), (1100, 9)] {
        let steep = |m: Matrix| {
            // Norms and directions that fall off, so that bounds decide.
            let (rows, cols) = (m.rows(), m.cols());
            let scale = |at: usize| (8 >> (at / cols * 4 / rows) >> (at % cols * 3 / cols)) as f32;
            let data = m.data().iter().enumerate().map(|(at, x)| x * scale(at));
            Matrix::new(rows, cols, data.collect())
        };
        let (a, b) = (
            whole_numbers(&mut rng, n, h, 3),
            whole_numbers(&mut rng, n, h, 3),
        );
        let passing = vec![true; n];
        for end in [End::Highest, End::Lowest] {
            for k in [1, 50, 3000] {
                let want = PairsWanted {
                    k,
                    end,
                    passing: &passing,
                    admits: &|i, j| i != j,
                };
                check(&a, &b, &want, &format!("flat {n}×{h} k {k} {end:?}"));
                check(
                    &steep(a.clone()),
                    &steep(b.clone()),
                    &want,
                    &format!("steep {n}×{h} k {k}"),
                );
            }
        }
    }
}

#[test]
fn no_size_of_block_changes_a_list() {
    let mut rng = Rng::with_seed(8);
    let sizes = [1, 1, 2, 7];
    for case in 0..600 {
        let (n, h) = (rng.usize(1..200), rng.usize(1..30));
        let most = rng.i32(1..4);
        let a = whole_numbers(&mut rng, n, h, most);
        let b = whole_numbers(&mut rng, n, h, most);
        let blocks = Blocks {
            strips: sizes[rng.usize(0..sizes.len())],
            panels: sizes[rng.usize(0..sizes.len())],
            slab: rng.usize(1..4),
            wave: rng.usize(1..5),
            scout: rng.usize(1..200),
            leading: 1,
            corner: rng.usize(1..10),
            kernel: Kernel::detected(),
        };
        let passing: Vec<bool> = (0..n).map(|_| rng.u32(0..5) > 0).collect();
        let want = PairsWanted {
            k: rng.usize(0..40),
            end: if rng.bool() {
                End::Highest
            } else {
                End::Lowest
            },
            passing: &passing,
            admits: &|i, j| i != j,
        };
        check_in(blocks, &a, &b, &want, &format!("case {case}, {blocks:?}"));
    }
}

#[test]
fn structured_cases() {
    let all = |n| vec![true; n];
    let passing = all(300);
    let want = PairsWanted {
        k: 40,
        end: End::Highest,
        passing: &passing,
        admits: &|_, _| true,
    };
    let constant = |x: f32| Matrix::new(300, 8, vec![x; 300 * 8]);
    check(&constant(0.0), &constant(0.0), &want, "zero rows");
    check(
        &constant(1.0),
        &constant(1.0),
        &want,
        "equal norms, all pairs tie",
    );
    check(&constant(2.0), &constant(-3.0), &want, "negative only");
    // One side reaches only what the other never does.
    let half = |first: bool| {
        let data = (0..300 * 8).map(|at| f32::from(u8::from((at % 8 < 4) == first)));
        Matrix::new(300, 8, data.collect())
    };
    check(&half(true), &half(false), &want, "sides that never meet");
    let duplicates = |seed| {
        let few = whole_numbers(&mut Rng::with_seed(seed), 7, 8, 5);
        Matrix::new(
            300,
            8,
            (0..300).flat_map(|i| few.row(i % 7).to_vec()).collect(),
        )
    };
    check(&duplicates(3), &duplicates(4), &want, "duplicates");
    let none = vec![false; 300];
    check(
        &duplicates(3),
        &duplicates(4),
        &PairsWanted {
            passing: &none,
            ..want
        },
        "none pass",
    );
}

#[test]
fn numbers_that_are_none_hide_no_pair() {
    let mut rng = Rng::with_seed(5);
    let n = 200;
    let passing = vec![true; n];
    let want = PairsWanted {
        k: 30,
        end: End::Highest,
        passing: &passing,
        admits: &|_, _| true,
    };
    for odd in [f32::NAN, f32::INFINITY, 1e30, 1e-30] {
        let mut a = whole_numbers(&mut rng, n, 16, 3);
        let b = whole_numbers(&mut rng, n, 16, 3);
        a.data_mut()[17 * 16..18 * 16].fill(odd);
        let got = best_pairs(&a, &b, &want, CancelToken::never(), &mut |_, _| ()).unwrap();
        let expected = brute(&a, &b, &want);
        // Sums of huge numbers round; which pairs are found is what counts.
        let ids = |p: &(u32, u32, f64)| (p.0 == 17, if p.0 == 17 { 0 } else { p.0 }, p.1);
        let got: Vec<_> = got
            .iter()
            .map(|p| (p.from, p.to, f64::from(p.score)))
            .collect();
        assert_eq!(got.len(), expected.len(), "{odd}");
        if odd.is_nan() || odd == 1e-30 {
            assert_eq!(
                got.iter().map(ids).collect::<Vec<_>>(),
                expected.iter().map(ids).collect::<Vec<_>>()
            );
        }
        assert!(got.iter().all(|p| !p.2.is_nan()));
    }
}

#[test]
fn real_numbers_agree_within_rounding() {
    let mut rng = Rng::with_seed(6);
    let (n, h) = (900, 32);
    let mut gaussian = || -> Matrix {
        let draw = |_| (0..6).map(|_| rng.f32() - 0.5).sum::<f32>();
        Matrix::new(n, h, (0..n * h).map(draw).collect())
    };
    let (a, b) = (gaussian(), gaussian());
    let passing = vec![true; n];
    let want = PairsWanted {
        k: 50,
        end: End::Lowest,
        passing: &passing,
        admits: &|_, _| true,
    };
    let got = best_pairs(&a, &b, &want, CancelToken::never(), &mut |_, _| ()).unwrap();
    for (got, want) in got.iter().zip(brute(&a, &b, &want)) {
        assert!((f64::from(got.score) - want.2).abs() < 1e-5);
    }
}

#[test]
fn likely_pairs_are_pairs_that_pass_with_their_scores() {
    let mut rng = Rng::with_seed(8);
    let n = 3000;
    // A tenth of the rows is long: the best pairs are theirs.
    let a = whole_numbers(&mut rng, n, 8, 9);
    let long = |(i, x): (usize, &f32)| {
        if (i / 8).is_multiple_of(10) {
            9.0 * x
        } else {
            *x
        }
    };
    let b = Matrix::new(n, 8, a.data().iter().enumerate().map(long).collect());
    let passing: Vec<bool> = (0..n).map(|i| !i.is_multiple_of(7)).collect();
    let want = PairsWanted {
        k: 20,
        end: End::Highest,
        passing: &passing,
        admits: &|i, j| i != j,
    };
    let best = brute(&a, &b, &want);
    let found = likely_pairs(&a, &b, &want, CancelToken::never()).unwrap();
    assert_eq!(found.len(), 20);
    for pair in &found {
        let (from, to) = (pair.from as usize, pair.to as usize);
        assert!(passing[from] && passing[to] && from != to);
        let dot: f32 = a.row(from).iter().zip(b.row(to)).map(|(a, b)| a * b).sum();
        assert_eq!(pair.score, dot);
    }
    let of_best = found.iter().filter(|pair| {
        let mut best = best.iter();
        best.any(|(from, to, _)| (*from, *to) == (pair.from, pair.to))
    });
    assert!(of_best.count() >= 10, "{found:?}");
}
