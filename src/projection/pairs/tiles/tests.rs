use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use fastrand::Rng;

use super::*;
use crate::projection::End;
use crate::projection::pairs::{Blocks, PairsWanted};
use crate::task::CancelToken;

const SMALL: Tiles = Tiles {
    rows: 100,
    width: 32,
    across: 9,
};

fn all(k: usize, passing: &[bool]) -> PairsWanted<'_> {
    PairsWanted {
        k,
        end: End::Highest,
        passing,
        admits: &|i, j| i != j,
    }
}

/// Rows whose norms fall off, so that some products need not be computed at all.
fn draw(rng: &mut Rng, n: usize, h: usize) -> Matrix {
    let mut row = |i: usize| -> Vec<f32> {
        let scale = (1.0 + i as f32).powf(-0.3);
        (0..h).map(|_| (rng.f32() - rng.f32()) * scale).collect()
    };
    Matrix::new(n, h, (0..n).flat_map(&mut row).collect())
}

#[test]
fn real_numbers_have_the_hosts_list_to_the_last_bit() {
    let mut rng = Rng::with_seed(1);
    for (n, h, k) in [(1, 1, 3), (31, 5, 2000), (700, 32, 1), (1500, 64, 300)] {
        let (a, b) = (draw(&mut rng, n, h), draw(&mut rng, n, h));
        let passing: Vec<bool> = (0..n).map(|_| rng.u32(0..4) > 0).collect();
        for end in [End::Highest, End::Lowest] {
            let want = PairsWanted {
                end,
                ..all(k, &passing)
            };
            let search = || Search::new(((&a).into(), (&b).into()), &want, CancelToken::never());
            let on_host = search().on_host(Blocks::default(), &mut |_, _| ()).unwrap();
            for tiles in [SMALL, Tiles::default()] {
                let list =
                    search().on_device((Blocks::default(), tiles), &Device::Cpu, &mut |_, _| ());
                let bits = |list: Vec<Pair>| -> Vec<_> {
                    list.iter()
                        .map(|p| (p.from, p.to, p.score.to_bits()))
                        .collect()
                };
                assert_eq!(bits(list.unwrap()), bits(on_host.clone()), "{n}×{h}, {k}");
            }
        }
    }
}

#[test]
fn numbers_that_are_none_or_overflow_are_not_left_to_a_device() {
    let mut rng = Rng::with_seed(2);
    let b = draw(&mut rng, 50, 8);
    let passing = vec![true; 50];
    let want = all(5, &passing);
    let mut a = draw(&mut rng, 50, 8);
    let hold = |a: &Matrix| {
        let search = Search::new((a.into(), (&b).into()), &want, CancelToken::never());
        Bounds::new(&search, None).unwrap().hold_on_devices()
    };
    assert!(hold(&a));
    for odd in [f32::NAN, f32::INFINITY, 3e38] {
        a.data_mut()[17 * 8] = odd;
        assert!(!hold(&a), "{odd}");
    }
}

#[test]
fn a_device_that_rounds_more_coarsely_is_an_error() {
    let mut rng = Rng::with_seed(3);
    let (a, b) = (draw(&mut rng, 400, 64), draw(&mut rng, 400, 64));
    let passing = vec![true; 400];
    let want = all(20, &passing);
    let search = Search::new(((&a).into(), (&b).into()), &want, CancelToken::never());
    let bounds = Bounds::new(&search, None).unwrap();
    // TF32 keeps ten bits after the point.
    let coarse = |m: &Matrix| {
        let round = |x: &f32| f32::from_bits((x.to_bits() + 0x1000) & !0x1fff);
        let data = m.data().iter().map(round).collect();
        upload(
            &Matrix::new(m.rows(), m.cols(), data),
            SMALL.width,
            &Device::Cpu,
        )
        .unwrap()
    };
    let never = CancelToken::never;
    let rows = [
        bounds.a.all_balanced(never()).unwrap(),
        bounds.b.all_balanced(never()).unwrap(),
    ];
    let tiled = Tiled {
        search: &search,
        bounds: &bounds,
        rows: &rows,
        tiles: SMALL,
    };
    let (a, b) = (coarse(&rows[0]), coarse(&rows[1]));
    let refused = tiled.run((&a, &b), &Best::new(20), &mut |_, _| ());
    let said = refused.unwrap_err().to_string();
    assert!(
        said.contains("f32") && said.contains("--device cpu"),
        "{said}"
    );
}

#[test]
fn lists_only_improve_and_calling_off_ends_it() {
    let mut rng = Rng::with_seed(4);
    let a = draw(&mut rng, 900, 16);
    let passing = vec![true; 900];
    let want = all(20, &passing);
    let asked = AtomicUsize::new(0);
    let counting = || asked.fetch_add(1, Relaxed) == usize::MAX;
    let search = Search::new(
        ((&a).into(), (&a).into()),
        &want,
        CancelToken::new(&counting),
    );
    let (mut shares, mut lists): (Vec<f32>, Vec<Vec<Pair>>) = Default::default();
    let found = search.on_device(
        (Blocks::default(), SMALL),
        &Device::Cpu,
        &mut |done, list| {
            shares.push(done);
            lists.push(list);
        },
    );
    assert!(shares.is_sorted() && shares.last() == Some(&1.0) && shares.len() > 1);
    assert_eq!(lists.last(), Some(&found.unwrap()));
    for two in lists.windows(2) {
        let mut pairs = two[0].iter().zip(&two[1]);
        assert!(pairs.all(|(before, after)| after.score >= before.score));
    }
    // How often it asks differs a little.
    for at in 0..asked.into_inner() / 2 {
        let left = AtomicUsize::new(at);
        let cancelled = || {
            left.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1))
                .is_err()
        };
        let search = Search::new(
            ((&a).into(), (&a).into()),
            &want,
            CancelToken::new(&cancelled),
        );
        let found = search.on_device((Blocks::default(), SMALL), &Device::Cpu, &mut |_, _| ());
        assert!(found.is_err(), "called off after {at} looks");
    }
}
