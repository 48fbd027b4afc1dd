//! From a standard error over texts to an interval.

/// Fewer texts say too little of how texts differ.
const TEXTS_MIN: usize = 5;

/// The 95 % interval of a share between 0 and 1 by Student's t on the scale of its logarithmic
/// odds, so that it stays between them; none of fewer than five texts.
pub(super) fn interval(share: f64, error: f64, texts: usize) -> Option<[f64; 2]> {
    let odds = share / (1.0 - share);
    let reach = student(texts.saturating_sub(1)) * error / (share * (1.0 - share));
    let there = texts >= TEXTS_MIN && odds > 0.0 && odds.is_finite() && reach.is_finite();
    there.then(|| [-reach, reach].map(|by| 1.0 / (1.0 + (-(odds.ln() + by)).exp())))
}

/// The 97.5th percentile of Student's t, to 0.3 % from four degrees of freedom on (Abramowitz &
/// Stegun 1964, 26.7.5).
fn student(freedom: usize) -> f64 {
    let (z, n) = (1.959_964_f64, freedom as f64);
    let terms = [
        (z.powi(3) + z) / 4.0,
        (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
        (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
    ];
    terms.iter().rev().fold(0.0, |sum, term| (sum + term) / n) + z
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::spread::Spread;

    #[test]
    fn students_percentiles_are_those_of_the_tables() {
        for (freedom, table) in [(4, 2.776), (10, 2.228), (30, 2.042), (1000, 1.962)] {
            assert!(
                (student(freedom) - table).abs() < 0.003 * table,
                "{freedom}"
            );
        }
    }

    #[test]
    fn stays_between_nothing_and_everything_and_needs_some_texts() {
        let [low, high] = interval(0.98, 0.05, 9).unwrap();
        assert!(0.0 < low && low < 0.98 && 0.98 < high && high < 1.0);
        assert_eq!(interval(0.5, 0.1, 4), None);
        assert_eq!(interval(1.0, 0.0, 40), None);
    }

    const WIDTH: usize = 6;
    const MEAN: [f64; WIDTH] = [1.0, 0.4, 0.0, 0.0, 0.6, 0.0];
    const SPREAD: [f64; WIDTH] = [0.5, 1.5, 0.7, 0.5, 0.9, 0.4];

    /// The shares of all vectors that there could be.
    fn of_all() -> [f64; 3] {
        let own = |i: usize, j: usize| if i == j { SPREAD[i].powi(2) } else { 0.0 };
        let all = faer::Mat::from_fn(WIDTH, WIDTH, |i, j| own(i, j) + MEAN[i] * MEAN[j]);
        let eigen = all.self_adjoint_eigen(faer::Side::Lower).unwrap();
        let first = eigen.U().col(WIDTH - 1);
        let variance: f64 = (0..WIDTH).map(|i| own(i, i)).sum();
        let total: f64 = variance + MEAN.iter().map(|m| m * m).sum::<f64>();
        let along: f64 = (0..WIDTH).map(|i| own(i, i) * first[i].powi(2)).sum();
        let largest = eigen.S().column_vector()[WIDTH - 1];
        [
            largest / total,
            SPREAD[1].powi(2) / variance,
            along / variance,
        ]
    }

    /// Texts with one to three occurrences that lean to one side together.
    fn sample(rng: &mut fastrand::Rng, texts: usize) -> Spread {
        let mut normal = || {
            let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
            radius * (std::f64::consts::TAU * rng.f64()).cos()
        };
        let mut spread = Spread::new(WIDTH);
        for text in 0..texts {
            let common: Vec<f64> = (0..WIDTH).map(|_| normal()).collect();
            let mut vectors = Vec::new();
            for _ in 0..1 + text % 3 {
                for i in 0..WIDTH {
                    let own = 0.6 * common[i] + 0.8 * normal();
                    vectors.push((MEAN[i] + SPREAD[i] * own) as f32);
                }
            }
            spread.add(vectors);
        }
        spread
    }

    #[test]
    fn intervals_hold_the_true_shares_about_as_often_as_they_say() {
        let (mut rng, truth, runs) = (fastrand::Rng::with_seed(11), of_all(), 1000);
        let mut held = [0; 3];
        for _ in 0..runs {
            let found = sample(&mut rng, 60).explained(true).unwrap();
            let errors = found.errors.unwrap();
            for i in 0..3 {
                let [low, high] = interval(found.shares[i], errors[i], found.texts).unwrap();
                held[i] += u32::from(low <= truth[i] && truth[i] <= high);
            }
        }
        // Of 1000 at 95 %, 900 to 985.
        assert!(held.iter().all(|n| (900..=985).contains(n)), "{held:?}");
    }

    #[test]
    fn errors_are_those_of_leaving_out_each_text() {
        let rng = || fastrand::Rng::with_seed(3);
        let whole = sample(&mut rng(), 200).explained(true).unwrap();
        // The jackknife as it is defined, over texts of a second copy that lacks one of them.
        let mut without = [Vec::new(), Vec::new(), Vec::new()];
        for left_out in 0..200 {
            let shares = sample(&mut rng(), 200).lacking(left_out).explained(false);
            let shares = shares.unwrap().shares;
            without.iter_mut().zip(shares).for_each(|(w, s)| w.push(s));
        }
        for (values, error) in without.iter().zip(whole.errors.unwrap()) {
            let mean = values.iter().sum::<f64>() / 200.0;
            let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
            let expected = (squares * 199.0 / 200.0).sqrt();
            assert!((error / expected - 1.0).abs() < 0.05, "{error} {expected}");
        }
    }
}
