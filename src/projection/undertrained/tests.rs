use candle_core::Device;

use super::*;
use crate::checkpoint::Matrix;

const WIDTH: usize = 48;

/// `rows` rows around an origin of their own; those of `planted` near one direction.
fn embedding(rows: usize, planted: impl Fn(usize) -> bool) -> Rows {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut bell = || (0..6).map(|_| rng.f32() - 0.5).sum::<f32>();
    let direction: Vec<f32> = (0..WIDTH).map(|_| 2.0 * bell()).collect();
    let mut data = Vec::with_capacity(rows * WIDTH);
    for row in 0..rows {
        let (share, spread) = if planted(row) { (1.0, 0.3) } else { (0.0, 1.0) };
        data.extend(direction.iter().map(|x| 3.0 + share * x + spread * bell()));
    }
    Rows::new(Matrix::new(rows, WIDTH, data), &Device::Cpu).unwrap()
}

fn found(rows: &Rows, unseen: &[u32]) -> Option<Vec<usize>> {
    flagged(rows, unseen, &[])
}

fn flagged(rows: &Rows, unseen: &[u32], special: &[u32]) -> Option<Vec<usize>> {
    let seeds = Seeds { unseen, special };
    let found = undertrained(rows, seeds, CancelToken::never()).unwrap()?;
    Some((0..rows.len()).filter(|&id| found[id]).collect())
}

/// Rows around an origin of their own; each planted one near one of two directions.
fn two_heaps(rows: usize, heap: impl Fn(usize) -> Option<usize>) -> Rows {
    let mut rng = fastrand::Rng::with_seed(11);
    let mut bell = || (0..6).map(|_| rng.f32() - 0.5).sum::<f32>();
    let directions: Vec<f32> = (0..2 * WIDTH).map(|_| 2.0 * bell()).collect();
    let mut data = Vec::with_capacity(rows * WIDTH);
    for row in 0..rows {
        let towards = heap(row).map(|heap| &directions[heap * WIDTH..][..WIDTH]);
        let spread = if towards.is_some() { 0.3 } else { 1.0 };
        for i in 0..WIDTH {
            data.push(towards.map_or(0.0, |t| t[i]) + spread * bell());
        }
    }
    Rows::new(Matrix::new(rows, WIDTH, data), &Device::Cpu).unwrap()
}

#[test]
fn looks_for_a_second_heap_around_the_seeds_that_are_not_in_the_first() {
    let heap = |row: usize| match row % 20 {
        3 => Some(0),
        4 if row < 1_000 => Some(1),
        _ => None,
    };
    let rows = two_heaps(2_000, heap);
    let of = |wanted| (0..2_000).filter(move |&row| heap(row) == wanted);
    let seeds = |n: usize| {
        let all = of(Some(0)).take(n).chain(of(Some(1)).take(n / 2));
        let mut seeds: Vec<u32> = all.map(|row| row as u32).collect();
        seeds.sort_unstable();
        seeds
    };
    let expected: Vec<usize> = (0..2_000).filter(|&row| heap(row).is_some()).collect();
    assert_eq!(found(&rows, &seeds(20)), Some(expected));
}

#[test]
fn a_seed_is_flagged_wherever_it_lies() {
    let planted = |row: usize| row % 31 == 5 || row < 8;
    let rows = embedding(1_500, planted);
    let with_stray = [0, 1, 2, 3, 4, 5, 6, 7, 900];
    let found = found(&rows, &with_stray).unwrap();
    assert!(!planted(900) && found.contains(&900));
    assert!((0..1_500).all(|row| found.contains(&row) == (planted(row) || row == 900)));
}

#[test]
fn special_tokens_with_nearly_equal_rows_are_seeds() {
    // The heap's rows lie at a cosine of 0.9 to one another, the specials' nearer still.
    let mut rng = fastrand::Rng::with_seed(3);
    let mut bell = || (0..6).map(|_| rng.f32() - 0.5).sum::<f32>();
    let direction: Vec<f32> = (0..WIDTH).map(|_| 2.0 * bell()).collect();
    let special = [100, 101, 102, 103, 104, 105, 700, 701, 702];
    let equal = |row: usize| (100..106).contains(&row);
    let planted = |row: usize| row % 31 == 5 || equal(row);
    let mut data = Vec::new();
    for row in 0..1_500 {
        let (share, spread) = match (equal(row), planted(row)) {
            (true, _) => (1.0, 0.02),
            (_, true) => (1.0, 0.3),
            _ => (0.0, 1.0),
        };
        data.extend(direction.iter().map(|x| share * x + spread * bell()));
    }
    let rows = Rows::new(Matrix::new(1_500, WIDTH, data), &Device::Cpu).unwrap();
    let expected: Vec<usize> = (0..1_500).filter(|&row| planted(row)).collect();
    assert_eq!(flagged(&rows, &[], &special), Some(expected));
    assert_eq!(
        flagged(&rows, &[], &special[6..]),
        None,
        "these were trained"
    );
}

#[test]
fn finds_a_planted_heap_exactly() {
    let planted = |row: usize| row % 31 == 5 || row < 4;
    let rows = embedding(1_500, planted);
    let expected: Vec<usize> = (0..1_500).filter(|&row| planted(row)).collect();
    for unseen in [&[0, 1, 2, 3][..], &[2]] {
        assert_eq!(found(&rows, unseen).as_ref(), Some(&expected), "{unseen:?}");
    }
}

#[test]
fn finds_nothing_where_nothing_lies_together() {
    let rows = embedding(1_500, |_| false);
    assert_eq!(found(&rows, &[0, 1, 2, 3, 4, 5]), None);
    assert_eq!(found(&rows, &[9]), None);
    assert_eq!(found(&rows, &[]), None);
}

#[test]
fn rows_that_cannot_be_seen_and_lie_elsewhere_tell_nothing() {
    let rows = embedding(1_500, |row| row % 31 == 5);
    assert_eq!(found(&rows, &[0, 1, 2, 3]), None);
}

#[test]
fn calling_off_is_not_an_answer() {
    let rows = embedding(600, |row| row < 20);
    let seeds = Seeds {
        unseen: &[0, 1],
        special: &[],
    };
    assert!(undertrained(&rows, seeds, CancelToken::new(&|| true)).is_err());
}
