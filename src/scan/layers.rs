//! Which layers: what `--layers` says.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// A half-open range of layers that is not empty: `0..8`, or one of them: `3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layers(Range<usize>);

impl Layers {
    /// The range.
    pub fn range(&self) -> Range<usize> {
        self.0.clone()
    }
}

impl fmt::Display for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.0.start, self.0.end)
    }
}

impl FromStr for Layers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |digits: &str| {
            let plain = digits.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| digits.parse::<usize>().ok())?
        };
        let range = match text.split_once("..") {
            Some((start, end)) => number(start).zip(number(end)),
            None => number(text).and_then(|n| Some((n, n.checked_add(1)?))),
        };
        match range {
            Some((start, end)) if start < end => Ok(Self(start..end)),
            _ => Err("expected layers as 0..8 (0 to 7) or one as 3".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_range_and_a_single_layer() {
        assert_eq!("0..8".parse::<Layers>().unwrap().range(), 0..8);
        assert_eq!("3".parse::<Layers>().unwrap().range(), 3..4);
    }

    #[test]
    fn refuses_what_is_no_range() {
        for text in [
            "",
            "..",
            "3..",
            "..3",
            "3..3",
            "8..0",
            "-1..2",
            "+1..2",
            "1...3",
            "a",
            "0..=3",
            "18446744073709551615",
        ] {
            assert!(text.parse::<Layers>().is_err(), "{text}");
        }
    }
}
