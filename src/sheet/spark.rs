//! Numbers as a row of small bars.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

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
    use super::spark;

    #[test]
    fn bars_rise_from_zero_to_the_largest() {
        assert_eq!(spark([0.0, 1.0, 4.0, 8.0, -3.0, f32::NAN]), "▁▂▅█▁▁");
        assert_eq!(spark([0.0, 0.0]), "▁▁");
    }
}
