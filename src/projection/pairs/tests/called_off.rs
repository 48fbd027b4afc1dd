//! What a search tells while it runs, and how it ends and goes on when it is called off.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use fastrand::Rng;

use super::*;

#[test]
fn reports_only_improve_and_calling_off_ends_it() {
    let mut rng = Rng::with_seed(7);
    let a = whole_numbers(&mut rng, 5000, 8, 9);
    let passing = vec![true; 5000];
    let want = PairsWanted {
        k: 20,
        end: End::Highest,
        passing: &passing,
        admits: &|i, j| i != j,
    };
    let mut lists: Vec<Vec<Pair>> = Vec::new();
    let mut shares = Vec::new();
    let found = best_pairs(&a, &a, &want, CancelToken::never(), &mut |done, list| {
        shares.push(done);
        lists.push(list);
    });
    assert!(shares.is_sorted() && shares.last() == Some(&1.0) && shares.len() > 1);
    assert_eq!(lists.last(), found.as_ref().ok());
    for two in lists.windows(2) {
        assert!(
            two[0]
                .iter()
                .zip(&two[1])
                .all(|(before, after)| after.score >= before.score)
        );
    }
    // Called off at any moment at which it asks; how often it does differs a little.
    let asked = AtomicUsize::new(0);
    let found = best_pairs(
        &a,
        &a,
        &want,
        CancelToken::new(&|| asked.fetch_add(1, Relaxed) == usize::MAX),
        &mut |_, _| (),
    );
    assert!(found.is_ok());
    for at in 0..asked.into_inner() / 2 {
        let left = AtomicUsize::new(at);
        let cancelled = || {
            left.fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1))
                .is_err()
        };
        let cancel = CancelToken::new(&cancelled);
        assert_eq!(
            best_pairs(&a, &a, &want, cancel, &mut |_, _| ()),
            Err(Cancelled)
        );
    }
}

#[test]
fn a_search_that_was_called_off_goes_on_to_the_same_list() {
    let mut rng = Rng::with_seed(9);
    let n = 3000;
    let passing = vec![true; n];
    for end in [End::Highest, End::Lowest] {
        let (a, b) = (
            whole_numbers(&mut rng, n, 8, 9),
            whole_numbers(&mut rng, n, 8, 9),
        );
        let want = PairsWanted {
            k: 20,
            end,
            passing: &passing,
            admits: &|i, j| i != j,
        };
        let search = |known: &[Pair]| {
            let mut lists = Vec::new();
            let never = CancelToken::never();
            let found = best_pairs_on(
                &Device::Cpu,
                ((&a).into(), (&b).into()),
                &want,
                known,
                never,
                &mut |_, list| lists.push(list),
            );
            (found.unwrap(), lists)
        };
        let (found, lists) = search(&[]);
        // Ties by their numbers are part of it.
        let scores = found.iter().map(|p| (p.from, p.to, f64::from(p.score)));
        assert_eq!(scores.collect::<Vec<_>>(), brute(&a, &b, &want));
        for list in [&lists[0], &lists[lists.len() - 1]] {
            let (again, reports) = search(list);
            assert_eq!(&reports[0], list);
            assert_eq!(again, found);
        }
    }
}
