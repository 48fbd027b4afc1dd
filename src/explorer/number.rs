//! Numbers as a person reads them: `1.2 ms`, scores with honest digits.

use std::time::Duration;

/// A duration in about three digits: `0.8 ms`, `12 ms`, `1.4 s`, `2 min 5 s`.
pub fn duration(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 10.0 {
        format!("{ms:.1} ms")
    } else if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else if ms < 60_000.0 {
        let decimals = usize::from(ms < 10_000.0);
        format!("{:.decimals$} s", ms / 1e3)
    } else {
        let minutes = time.as_secs() / 60;
        match minutes {
            0..60 => format!("{minutes} min {} s", time.as_secs() % 60),
            _ => format!("{} h {} min", minutes / 60, minutes % 60),
        }
    }
}

/// Bytes, as disks and networks count them: `1.4 GB`, `312 MB`.
pub fn bytes(count: u64) -> String {
    let (size, unit) = match count as f64 {
        n if n >= 1e12 => (n / 1e12, "TB"),
        n if n >= 1e9 => (n / 1e9, "GB"),
        n if n >= 1e6 => (n / 1e6, "MB"),
        n => (n / 1e3, "kB"),
    };
    let decimals = usize::from(size < 10.0);
    format!("{size:.decimals$} {unit}")
}

/// Digits after the point that show three of a list's largest score; weights in half precision
/// carry no more.
pub fn decimals(largest: f32) -> usize {
    let size = largest.abs();
    match size {
        _ if !size.is_finite() || size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ if size >= 0.1 => 3,
        _ if size >= 0.01 => 4,
        _ => 5,
    }
}

/// A score with `digits` decimals and a typographic minus.
pub fn score(score: f32, decimals: usize) -> String {
    let text = format!("{:.decimals$}", score.abs());
    if score < 0.0 && text.contains(|c| ('1'..='9').contains(&c)) {
        format!("−{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_scores_three_digits_of_the_largest() {
        assert_eq!(score(4.813, decimals(4.813)), "4.81");
        assert_eq!(score(0.4126, decimals(0.4126)), "0.413");
        assert_eq!(score(-12.34, decimals(-12.34)), "−12.3");
        assert_eq!(score(-0.001, decimals(4.0)), "0.00");
    }

    #[test]
    fn names_durations_shortly() {
        assert_eq!(duration(Duration::from_micros(830)), "0.8 ms");
        assert_eq!(duration(Duration::from_millis(1400)), "1.4 s");
        assert_eq!(duration(Duration::from_secs(40)), "40 s");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 5 s");
        assert_eq!(duration(Duration::from_secs(3 * 3600 + 61)), "3 h 1 min");
    }

    #[test]
    fn counts_bytes_as_disks_do() {
        assert_eq!(bytes(1_438_000_000), "1.4 GB");
        assert_eq!(bytes(312_400_000), "312 MB");
        assert_eq!(bytes(870), "0.9 kB");
    }
}
