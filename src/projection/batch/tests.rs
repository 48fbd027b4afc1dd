use candle_core::Device;
use fastrand::Rng;

use super::*;
use crate::projection::{ProjectionError, RowScale, Rows};

fn draw(rng: &mut Rng, n: usize, width: usize) -> Matrix {
    let data = (0..n * width).map(|_| rng.f32() - rng.f32());
    Matrix::new(n, width, data.collect())
}

/// The lists of all vectors together and of each alone must be the same to the last bit.
fn check(rows: Matrix, vectors: &Matrix, flags: &[bool], k: usize, what: &str) {
    let refused = refusals(rows, vectors, flags, k, what);
    assert_eq!(refused, 0, "{what}");
}

/// As [`check`], for each way that rows count in; of how many of these five it is said that scores
/// overflow, and nothing else.
fn refusals(rows: Matrix, vectors: &Matrix, flags: &[bool], k: usize, what: &str) -> usize {
    let rows = Rows::new(rows, &Device::Cpu).unwrap();
    let unit = RowScale::Unit { centring: false };
    let norm = RowScale::Norm {
        centring: true,
        epsilon: 1e-5,
    };
    let ways = [
        (false, RowScale::None),
        (true, RowScale::None),
        (false, unit),
        (true, unit),
        (true, norm),
    ];
    let refused = ways.iter().filter(|&&(centred, scale)| {
        let rows = rows.adjusted(centred, scale, CancelToken::never()).unwrap();
        let what = format!("{what}, {centred} {scale:?}");
        !compare(&rows, vectors, flags, k, &what)
    });
    refused.count()
}

/// Whether there are lists; where there are they must be the same.
fn compare(rows: &Rows, vectors: &Matrix, flags: &[bool], k: usize, what: &str) -> bool {
    let passing = Passing { flags, first_id: 7 };
    let lists = |vectors: &Matrix| {
        let mut ends = vec![BothEnds::new(k); vectors.rows()];
        match rows.offer_scores(vectors, passing, &mut ends, CancelToken::never()) {
            Err(ProjectionError::Overflow) => return None,
            done => done.unwrap(),
        }
        let bits = |list: Vec<Scored>| -> Vec<_> {
            list.iter().map(|s| (s.id, s.score.to_bits())).collect()
        };
        let lists = ends.into_iter().map(|ends| {
            (
                bits(ends.highest.into_sorted()),
                bits(ends.lowest.into_sorted()),
            )
        });
        Some(lists.collect::<Vec<_>>())
    };
    assert!(vectors.rows() >= LEAST);
    let Some(together) = lists(vectors) else {
        return false;
    };
    for (j, together) in together.into_iter().enumerate() {
        let one = Matrix::new(1, vectors.cols(), vectors.row(j).to_vec());
        assert_eq!(Some(vec![together]), lists(&one), "{what}: vector {j}");
    }
    true
}

#[test]
fn many_vectors_have_the_lists_of_each_alone() {
    let mut rng = Rng::with_seed(1);
    for (n, width, k) in [(1, 3, 5), (700, 48, 30), (2500, 20, 1), (1500, 96, 400)] {
        let (rows, vectors) = (draw(&mut rng, n, width), draw(&mut rng, 40, width));
        let flags: Vec<bool> = (0..n).map(|_| rng.f32() < 0.7).collect();
        check(rows, &vectors, &flags, k, &format!("{n}×{width}, k {k}"));
    }
}

#[test]
fn equal_scores_hide_no_smaller_id() {
    // Rows that repeat, vectors of nothing and of one number: ties beyond any candidates' room.
    let mut rng = Rng::with_seed(2);
    let (n, width) = (20_000, 16);
    let few = draw(&mut rng, 5, width);
    let data = (0..n).flat_map(|i| few.row(i * 7 % 5).to_vec()).collect();
    let mut vectors = draw(&mut rng, 32, width);
    vectors.data_mut()[..4 * width].fill(0.0);
    vectors.data_mut()[4 * width..8 * width].fill(1e-30);
    let flags = vec![true; n];
    check(
        Matrix::new(n, width, data),
        &vectors,
        &flags,
        30,
        "repeated rows",
    );
}

#[test]
fn numbers_that_are_none_or_huge_are_said_and_tiny_ones_change_nothing() {
    let mut rng = Rng::with_seed(3);
    let (n, width) = (900, 24);
    for odd in [f32::NAN, f32::INFINITY, 3e38, 1e-40] {
        let flags = vec![true; n];
        let (rows, mut vectors) = (draw(&mut rng, n, width), draw(&mut rng, 33, width));
        vectors.data_mut()[8 * width..9 * width].fill(odd);
        let refused = refusals(rows, &vectors, &flags, 10, &format!("{odd} in a vector"));
        assert_eq!(refused > 0, odd != 1e-40, "{odd} in a vector");
        let (mut rows, vectors) = (draw(&mut rng, n, width), draw(&mut rng, 33, width));
        rows.data_mut()[500 * width + 3] = odd;
        let refused = refusals(rows, &vectors, &flags, 10, &format!("{odd} in a row"));
        assert!(refused == 0 || odd != 1e-40, "{odd} in a row");
    }
}

#[test]
fn is_called_off_within_a_block() {
    let mut rng = Rng::with_seed(4);
    let (rows, vectors) = (draw(&mut rng, 3000, 8), draw(&mut rng, 64, 8));
    let flags = vec![true; 3000];
    let passing = Passing {
        flags: &flags,
        first_id: 0,
    };
    let mut ends = vec![BothEnds::new(5); 64];
    let counted = TransformedRows {
        rows: &rows.into(),
        transform: &RowTransform::default(),
        longest: 9.0,
    };
    assert!(
        offer(
            counted,
            &vectors,
            passing,
            &mut ends,
            CancelToken::new(&|| true)
        )
        .is_err()
    );
    assert!(
        ends.iter()
            .all(|e| e.highest.clone().into_sorted().is_empty())
    );
}
