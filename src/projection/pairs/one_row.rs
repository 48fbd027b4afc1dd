//! One row in 8-bit integers, and what rounding makes of it.

use pulp::Arch;

/// Largest multiple of a step; its rounding in f32 stays below 127.
pub(super) const MOST_STEPS: f32 = 126.9;
/// No step is smaller: its inverse is a number, as is the product of two of these.
pub(super) const LEAST_STEP: f32 = 1.0 / (1u64 << 60) as f32;
/// Coordinates whose sums are kept.
pub(super) const PART: usize = 16;

/// Sums over some coordinates, in squares of the row's step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    /// Of the numbers' squares.
    pub(super) squares: f32,
    /// Of the squares of what rounding takes away.
    pub(super) lost: f32,
}

/// Sums over some coordinates.
#[derive(Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) lost_squares: f32,
    pub(super) rounded: f32,
}

/// Takes a row as multiples of a step, and sums of every [`PART`] coordinates; the inverse of the step.
pub(super) fn read(row: &[f32], integers: &mut [i8], parts: &mut [Part]) -> f32 {
    Arch::new().dispatch(
        #[inline(always)]
        || {
            let inverse_step = 1.0 / (largest(row) / MOST_STEPS).max(LEAST_STEP);
            let (whole, last) = row.as_chunks::<PART>();
            let (whole_integers, last_integers) = integers.as_chunks_mut::<PART>();
            let each = whole.iter().zip(whole_integers).zip(&mut *parts);
            for ((numbers, integers), part) in each {
                *part = one_part(numbers, inverse_step, integers);
            }
            if let (Some(part), false) = (parts.get_mut(whole.len()), last.is_empty()) {
                let (mut numbers, mut integers) = ([0.0; PART], [0; PART]);
                numbers[..last.len()].copy_from_slice(last);
                *part = one_part(&numbers, inverse_step, &mut integers);
                last_integers.copy_from_slice(&integers[..last_integers.len()]);
            }
            inverse_step
        },
    )
}

#[inline(always)]
fn one_part(numbers: &[f32; PART], inverse_step: f32, integers: &mut [i8; PART]) -> Part {
    let (mut squares, mut lost) = ([0f32; PART], [0f32; PART]);
    for lane in 0..PART {
        let x = numbers[lane] * inverse_step;
        let (rounded, integer) = rounded(x);
        integers[lane] = integer;
        squares[lane] = x * x;
        lost[lane] = (x - rounded) * (x - rounded);
    }
    Part {
        squares: sum(squares),
        lost: sum(lost),
    }
}

#[inline(always)]
fn sum(numbers: [f32; PART]) -> f32 {
    let eight: [f32; 8] = std::array::from_fn(|at| numbers[at] + numbers[at + 8]);
    let four: [f32; 4] = std::array::from_fn(|at| eight[at] + eight[at + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

/// The next whole number.
#[inline(always)]
fn rounded(x: f32) -> (f32, i8) {
    /// Between this and its double f32 has the whole numbers only: added, it rounds to one, which
    /// is what the sum's last bits say.
    const WHOLE: f32 = (1 << 23) as f32 * 1.5;
    let shifted = x + WHOLE;
    (shifted - WHOLE, shifted.to_bits() as i8)
}

/// The largest of the numbers, whatever their signs.
#[inline(always)]
pub(super) fn largest(numbers: &[f32]) -> f32 {
    let (eights, rest) = numbers.as_chunks::<8>();
    let mut most = [0f32; 8];
    for eight in eights {
        most.iter_mut()
            .zip(eight)
            .for_each(|(most, x)| *most = most.max(x.abs()));
    }
    most.iter()
        .chain(rest)
        .fold(0.0, |most, x| most.max(x.abs()))
}

/// The sum of the squares of the numbers, in f32.
#[inline(always)]
pub(super) fn squares(numbers: &[f32]) -> f32 {
    let (parts, rest) = numbers.as_chunks::<PART>();
    let mut sums = [0f32; PART];
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, x)| *sum += x * x);
    }
    sum(sums) + rest.iter().map(|x| x * x).sum::<f32>()
}

/// Coordinates as multiples of a step, rounded.
#[inline(always)]
pub(super) fn quantise(numbers: &[f32], inverse_step: f32, integers: &mut [i8]) -> Sums {
    const LANES: usize = 8;
    // Eight sums of each kind, none of which waits for another.
    let mut sums = [[0f32; LANES]; 2];
    let mut one = |number: f32, integer: &mut i8, lane: usize| {
        let x = number * inverse_step;
        let (rounded, nearest) = rounded(x);
        *integer = nearest;
        sums[0][lane] += (x - rounded) * (x - rounded);
        sums[1][lane] += rounded;
    };
    let (numbers, last_numbers) = numbers.as_chunks::<LANES>();
    let (integers, last_integers) = integers.as_chunks_mut::<LANES>();
    for (numbers, integers) in numbers.iter().zip(integers) {
        for lane in 0..LANES {
            one(numbers[lane], &mut integers[lane], lane);
        }
    }
    for (&number, integer) in last_numbers.iter().zip(last_integers) {
        one(number, integer, 0);
    }
    let [lost_squares, rounded] = sums.map(|sums| sums.iter().sum());
    Sums {
        lost_squares,
        rounded,
    }
}
