//! The figures of a change: sums over two vectors, in double precision, and which numbers differ by no
//! more than rounding does.

use super::{ChangedNumbers, VectorChange};

/// Sums over a vector, or a matrix, in both models.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) tuned: f64,
    pub(super) base: f64,
    pub(super) change: f64,
    pub(super) product: f64,
}

impl Sums {
    pub(super) fn add(&mut self, other: Self) {
        self.tuned += other.tuned;
        self.base += other.base;
        self.change += other.change;
        self.product += other.product;
    }

    pub(super) fn change(self) -> VectorChange {
        let both = (self.tuned * self.base).sqrt();
        VectorChange {
            relative: match self.base > 0.0 {
                true => Some((self.change / self.base).sqrt()),
                false => (self.change == 0.0).then_some(0.0),
            },
            cosine: (both > 0.0).then(|| (self.product / both).clamp(-1.0, 1.0)),
        }
    }
}

/// The step between neighbouring numbers of a 16-bit type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Binary digits after the first.
    digits: i32,
    /// The exponent of the least number that has a first digit of its own.
    lowest: i32,
}

impl Step {
    /// Of the coarser of the types that two models are stored in; `None` unless both are of 16 bits.
    pub(super) fn of(tuned: &str, base: &str) -> Option<Self> {
        const BF16: Step = Step {
            digits: 7,
            lowest: -126,
        };
        const F16: Step = Step {
            digits: 10,
            lowest: -14,
        };
        match (tuned, base) {
            ("F16", "F16") => Some(F16),
            ("BF16" | "F16", "BF16" | "F16") => Some(BF16),
            _ => None,
        }
    }

    fn holds(self, a: f32, b: f32) -> bool {
        let exponent = (a.abs().max(b.abs()).to_bits() >> 23) as i32 - 127;
        let step = 2f64.powi(exponent.max(self.lowest) - self.digits);
        (f64::from(a) - f64::from(b)).abs() <= step
    }
}

/// The sums over two vectors, and how many of their numbers differ.
pub(super) fn compared(tuned: &[f32], base: &[f32], step: Option<Step>) -> (Sums, ChangedNumbers) {
    let mut sums = Sums::default();
    let mut numbers = ChangedNumbers {
        all: tuned.len(),
        ..ChangedNumbers::default()
    };
    for (&a, &b) in tuned.iter().zip(base) {
        let (x, y) = (f64::from(a), f64::from(b));
        sums.tuned += x * x;
        sums.base += y * y;
        sums.product += x * y;
        if a != b {
            sums.change += (x - y) * (x - y);
            numbers.changed += 1;
            numbers.by_rounding += usize::from(step.is_some_and(|step| step.holds(a, b)));
        }
    }
    (sums, numbers)
}

impl ChangedNumbers {
    pub(super) fn add(&mut self, other: Self) {
        self.all += other.all;
        self.changed += other.changed;
        self.by_rounding += other.by_rounding;
    }

    /// Whether something changed, and nothing by more than rounding.
    pub fn is_rounding(self) -> bool {
        self.changed > 0 && self.by_rounding == self.changed
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;

    #[test]
    fn neighbours_of_a_type_are_rounding_and_others_are_not() {
        let step = Step::of("BF16", "BF16");
        for bits in [0x3f80u16, 0x3fff, 0x4000, 0x0080, 0x0001, 0xbf80, 0x7f00] {
            let number = |bits| bf16::from_bits(bits).to_f32();
            let (a, next, after) = (number(bits), number(bits + 1), number(bits + 3));
            assert_eq!(compared(&[a], &[next], step).1.by_rounding, 1, "{a} {next}");
            let far = compared(&[a], &[after], step).1;
            assert!(far.changed == 1 && far.by_rounding == 0, "{a} {after}");
        }
        let step = Step::of("F16", "F16");
        for bits in [0x3c00u16, 0x0001, 0x03ff, 0x7bfe] {
            let number = |bits| f16::from_bits(bits).to_f32();
            assert_eq!(
                compared(&[number(bits)], &[number(bits + 1)], step)
                    .1
                    .by_rounding,
                1
            );
        }
        // Numbers of 32 bits have been rounded to nothing that could be told.
        assert!(Step::of("F32", "BF16").is_none());
        assert_eq!(compared(&[1.0], &[1.0], None).1.changed, 0);
    }

    #[test]
    fn figures_are_those_of_two_vectors() {
        // (3, 4) and (0, 5): Δ = (3, −1).
        let (sums, _) = compared(&[3.0, 4.0], &[0.0, 5.0], None);
        let change = sums.change();
        assert!((change.relative.unwrap() - 10f64.sqrt() / 5.0).abs() < 1e-12);
        assert!((change.cosine.unwrap() - 0.8).abs() < 1e-12);
        let (new, _) = compared(&[1.0], &[0.0], None);
        assert_eq!((new.change().relative, new.change().cosine), (None, None));
        let (nothing, _) = compared(&[0.0], &[0.0], None);
        assert_eq!(nothing.change().relative, Some(0.0));
    }
}
