//! Sizes in bytes, as one types them.

use std::str::FromStr;

/// A number of bytes: `500M`, `2G`, `1.5GiB`; units are powers of 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("expected a size like 500M or 2G, got {text}");
        let upper = text.trim().to_uppercase();
        let digits = upper.trim_end_matches("IB").trim_end_matches('B');
        let (number, shift) = match digits.chars().last() {
            Some('K') => (&digits[..digits.len() - 1], 10),
            Some('M') => (&digits[..digits.len() - 1], 20),
            Some('G') => (&digits[..digits.len() - 1], 30),
            Some('T') => (&digits[..digits.len() - 1], 40),
            _ => (digits, 0),
        };
        let number: f64 = number.trim().parse().map_err(|_| expected())?;
        let bytes = number * (1u64 << shift) as f64;
        if !(1.0..1e18).contains(&bytes) {
            return Err(expected());
        }
        Ok(Self(bytes as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_units_in_either_case() {
        let size = |text: &str| text.parse::<Size>().map(|size| size.0);
        assert_eq!(size("2G"), Ok(2 << 30));
        assert_eq!(size("500m"), Ok(500 << 20));
        assert_eq!(size("1.5GiB"), Ok(3 << 29));
        assert_eq!(size("4096"), Ok(4096));
        for wrong in ["", "G", "-1G", "two", "0", "nan", "1e30G"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
