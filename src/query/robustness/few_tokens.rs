//! The best pairs among so few tokens that all their scores are computed at once.

use crate::checkpoint::Matrix;
use crate::projection::{Best, End, Pair, PairsWanted, product};

/// Pairs up to which a product of both factors costs less than bounds on it.
const PAIRS_MAX: usize = 1 << 18;

/// Whether factors of so many rows are worth no search.
pub(super) fn are_few(a: &Matrix, b: &Matrix) -> bool {
    a.rows().saturating_mul(b.rows()) <= PAIRS_MAX
}

/// What [`best_pairs`](crate::projection::best_pairs) finds, within rounding, where all rows pass.
pub(super) fn best_of_few(a: &Matrix, b: &Matrix, want: &PairsWanted<'_>) -> Vec<Pair> {
    let scores = product(a, &b.transposed());
    let sign = if want.end == End::Lowest { -1.0 } else { 1.0 };
    let mut best = Best::new(want.k);
    for from in 0..scores.rows() {
        for (to, score) in scores.row(from).iter().enumerate() {
            let pair = Pair {
                from: from as u32,
                to: to as u32,
                score: sign * score,
            };
            if best.admits(pair.score) && (want.admits)(pair.from, pair.to) {
                best.offer(pair);
            }
        }
    }
    let found = best.into_sorted().into_iter();
    let signed = found.map(|pair| Pair {
        score: sign * pair.score,
        ..pair
    });
    signed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projection::best_pairs;
    use crate::task::CancelToken;

    #[test]
    fn finds_what_the_search_over_many_finds() {
        let mut draw = fastrand::Rng::with_seed(7);
        let mut drawn = || Matrix::new(40, 8, (0..320).map(|_| draw.f32() - 0.5).collect());
        let (a, b) = (drawn(), drawn());
        for end in [End::Highest, End::Lowest] {
            let want = PairsWanted {
                k: 30,
                end,
                passing: &[true; 40],
                admits: &|from, to| from != to,
            };
            let few = best_of_few(&a, &b, &want);
            let never = CancelToken::never();
            let searched = best_pairs(&a, &b, &want, never, &mut |_, _| {}).unwrap();
            assert_eq!(few.len(), 30);
            for (one, other) in few.iter().zip(&searched) {
                assert_eq!((one.from, one.to), (other.from, other.to));
                assert!((one.score - other.score).abs() < 1e-5);
            }
        }
    }
}
