//! Numbers as people write them, and as a row of small bars.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A number with thousands separators: `51,200`.
pub fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A score with four significant digits at the list's own size, so that a column lines up:
/// `12.34`, `0.4120`, `0.0002150`.
pub fn score(score: f32, largest: f32) -> String {
    let whole = if largest > 0.0 && largest.is_finite() {
        largest.log10().floor()
    } else {
        0.0
    };
    format!("{score:.*}", (3.0 - whole).clamp(0.0, 12.0) as usize)
}

/// One bar a number, from 0 to the largest; what is not positive has the lowest.
pub fn spark(numbers: impl IntoIterator<Item = f32>) -> String {
    let numbers: Vec<f32> = numbers.into_iter().collect();
    let largest = numbers.iter().copied().fold(0.0, f32::max);
    let bar = |&x: &f32| {
        let share = if largest > 0.0 { x / largest } else { 0.0 };
        // Negative numbers and NaN become 0.
        BARS[((share * 8.0) as usize).min(7)]
    };
    numbers.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_thousands() {
        let got = [0, 999, 1000, 51_200, 2_621_440_000].map(grouped);
        assert_eq!(got, ["0", "999", "1,000", "51,200", "2,621,440,000"]);
    }

    #[test]
    fn scores_have_the_digits_of_the_largest() {
        assert_eq!(
            [score(12.345, 12.345), score(1.5, 12.345)],
            ["12.35", "1.50"]
        );
        assert_eq!(score(0.412, 0.412), "0.4120");
        assert_eq!(score(-0.000_215, 0.000_215), "-0.0002150");
        assert_eq!(score(0.0, 0.0), "0.000");
    }

    #[test]
    fn bars_rise_from_zero_to_the_largest() {
        assert_eq!(spark([0.0, 1.0, 4.0, 8.0, -3.0, f32::NAN]), "▁▂▅█▁▁");
        assert_eq!(spark([0.0, 0.0]), "▁▁");
    }
}
