//! Even steps of an axis: 1, 2 or 5 times a power of ten.

/// Where an axis is marked, and with how many decimals.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticks {
    pub values: Vec<f64>,
    pub decimals: usize,
}

/// The multiples of the least such step of which at most `most` lie from `low` to `high`.
pub fn ticks(low: f64, high: f64, most: usize) -> Ticks {
    let empty = Ticks {
        values: Vec::new(),
        decimals: 0,
    };
    let span = high - low;
    if !span.is_finite() || span <= 0.0 || most == 0 {
        return empty;
    }
    let mut exponent = (span / most as f64).log10().floor() as i32 - 1;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            // Below 1 divided by a power that is exact, so that 3 × 0.1 is 0.3.
            let value = |n: f64| match exponent {
                0.. => n * factor * 10f64.powi(exponent),
                _ => n * factor / 10f64.powi(-exponent),
            };
            let step = value(1.0);
            // What lies at an end up to rounding counts.
            let first = (low / step - 1e-9).ceil();
            let last = (high / step + 1e-9).floor();
            if last - first < most as f64 {
                let count = (last - first + 1.0).max(0.0) as usize;
                let values = (0..count).map(|n| value(first + n as f64));
                return Ticks {
                    // No −0.
                    values: values.map(|v| v + 0.0).collect(),
                    decimals: usize::try_from(-exponent).unwrap_or(0),
                };
            }
        }
        exponent += 1;
    }
}

/// Of a logarithmic axis, given by the logarithms of its ends: 1, 2 and 5 times the powers of ten,
/// or the powers alone, or some of them, so that at most `most` lie on it.
pub fn log_ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    if !(high - low).is_finite() || high <= low || most == 0 {
        return Vec::new();
    }
    let (first, last) = (low.floor() as i32, high.ceil() as i32);
    let on_axis = |factors: &[f64], every: usize| -> Vec<f64> {
        let powers = (first..=last).filter(|power| power.rem_euclid(every as i32) == 0);
        let values = powers.flat_map(|power| factors.iter().map(move |f| f * 10f64.powi(power)));
        let inside = |v: &f64| (low - 1e-9..=high + 1e-9).contains(&v.log10());
        values.filter(inside).collect()
    };
    let all = on_axis(&[1.0, 2.0, 5.0], 1);
    if all.len() <= most {
        return all;
    }
    let mut every = 1;
    loop {
        let values = on_axis(&[1.0], every);
        if values.len() <= most {
            return values;
        }
        every += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_even_and_of_one_two_or_five() {
        assert_eq!(ticks(0.12, 0.79, 5).values, [0.2, 0.4, 0.6]);
        assert_eq!(ticks(0.0, 1.0, 11).values.len(), 11);
        assert_eq!(ticks(0.0, 1.0, 10).values, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(ticks(-0.3, 0.3, 4).values, [-0.2, 0.0, 0.2]);
        assert_eq!(ticks(0.0, 24.0, 6).values, [0.0, 5.0, 10.0, 15.0, 20.0]);
        let fine = ticks(0.901, 0.904, 4);
        assert_eq!(
            (fine.values, fine.decimals),
            (vec![0.901, 0.902, 0.903, 0.904], 3)
        );
        assert_eq!(ticks(1.0, 1.0, 4).values, [0.0; 0]);
        assert_eq!(ticks(f64::NAN, 1.0, 4).values, [0.0; 0]);
    }

    #[test]
    fn a_logarithmic_axis_is_marked_at_its_decades() {
        let close = |found: Vec<f64>, wanted: &[f64]| {
            assert_eq!(found.len(), wanted.len(), "{found:?}");
            for (a, b) in found.iter().zip(wanted) {
                assert!((a / b - 1.0).abs() < 1e-12, "{found:?}");
            }
        };
        close(log_ticks(-1.1, 0.1, 6), &[0.1, 0.2, 0.5, 1.0]);
        close(log_ticks(-3.0, 0.0, 5), &[0.001, 0.01, 0.1, 1.0]);
        close(log_ticks(-6.0, 0.0, 4), &[1e-6, 1e-4, 1e-2, 1.0]);
        close(log_ticks(-6.0, 0.0, 3), &[1e-6, 1e-3, 1.0]);
    }
}
