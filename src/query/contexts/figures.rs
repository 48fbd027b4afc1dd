//! Figures of activations: how they lie, and whether a key's list tells when its neuron fires.

/// How numbers lie.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    pub least: f32,
    pub most: f32,
    pub mean: f64,
    /// The share of them that is above 0.
    pub above_zero: f64,
    /// How many lie in each of [`Self::BINS`] bins of one width from the least to the most; the last
    /// has its upper end.
    pub histogram: Vec<usize>,
}

impl Spread {
    /// Bins of the histogram.
    pub const BINS: usize = 20;

    /// Of some numbers; of none all is 0.
    pub(super) fn of(numbers: impl Iterator<Item = f32> + Clone) -> Self {
        let mut spread = Self {
            least: f32::INFINITY,
            most: f32::NEG_INFINITY,
            histogram: vec![0; Self::BINS],
            ..Self::default()
        };
        let (mut count, mut above, mut sum) = (0usize, 0usize, 0f64);
        for x in numbers.clone() {
            // Not `min` and `max`, which leave out what is no number.
            if x < spread.least || x.is_nan() {
                spread.least = x;
            }
            if x > spread.most || x.is_nan() {
                spread.most = x;
            }
            count += 1;
            above += usize::from(x > 0.0);
            sum += f64::from(x);
        }
        if count == 0 {
            return Self::default();
        }
        let (least, most) = (f64::from(spread.least), f64::from(spread.most));
        let width = (most - least) / Self::BINS as f64;
        for x in numbers {
            let bin = match width > 0.0 {
                true => ((f64::from(x) - least) / width) as usize,
                false => 0,
            };
            spread.histogram[bin.min(Self::BINS - 1)] += 1;
        }
        spread.mean = sum / count as f64;
        spread.above_zero = above as f64 / count as f64;
        spread
    }
}

/// Whether a key's list tells when its neuron fires.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyFigures {
    /// **Precision of K at 10**: of the [`Self::AT`] positions that count where the neuron is most
    /// active (ties go to the earlier one), the share whose token is among the first [`Self::AT`] of
    /// its K list. Tokens are compared by their ids.
    pub precision: f64,
    /// The share of *all* positions that count whose token is: the precision of a neuron that fires
    /// anywhere.
    pub base: f64,
    /// Spearman's rank correlation, over all positions that count, of the activation with how early
    /// the token stands in the K list; equal ones have the mean of their ranks. `None` where one of
    /// both is the same everywhere.
    pub correlation: Option<f64>,
    /// Positions by the rank of their token in the K list.
    pub bands: Vec<KeyBand>,
}

/// The positions whose token has one of some ranks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyBand {
    /// The first and the last rank, from 1.
    pub first: usize,
    pub last: usize,
    pub positions: usize,
    /// The mean activation there, and the share of activations above 0; `None` without a position.
    pub mean: Option<f64>,
    pub above_zero: Option<f64>,
}

/// The last ranks of the bands but the last.
const BANDS: [usize; 4] = [10, 100, 1_000, 10_000];

impl KeyFigures {
    /// Positions, and tokens of the list, that precision is of.
    pub const AT: usize = 10;

    /// `ranks` are those of the positions' tokens in the K list, from 1, of `rows` in all.
    pub(super) fn of(activations: &[f32], ranks: &[usize], rows: usize) -> Self {
        let mut top = TopPositions::default();
        for (at, &x) in activations.iter().enumerate() {
            top.offer(x, at as u32);
        }
        let among = |at: &u32| ranks[*at as usize] <= Self::AT;
        let all = ranks.iter().filter(|&&rank| rank <= Self::AT).count();
        let early: Vec<f64> = ranks.iter().map(|&rank| -(rank as f64)).collect();
        let activity: Vec<f64> = activations.iter().map(|&x| x.into()).collect();
        Self {
            precision: top.share(|at| among(&at)),
            base: all as f64 / ranks.len().max(1) as f64,
            correlation: correlation(&mean_ranks(&activity), &mean_ranks(&early)),
            bands: bands(activations, ranks, rows),
        }
    }
}

/// The positions with the highest numbers of those offered in order, at most
/// [`KeyFigures::AT`]; ties go to the earlier.
#[derive(Clone, Debug, Default)]
pub(in crate::query) struct TopPositions(Vec<(f32, u32)>);

impl TopPositions {
    /// Positions must come in their order.
    pub(in crate::query) fn offer(&mut self, x: f32, position: u32) {
        let Self(top) = self;
        let full = top.len() == KeyFigures::AT;
        // What is no number stays on top, and shows as such.
        let after = |of: &(f32, u32)| of.0.total_cmp(&x).is_ge();
        if full && top.last().is_some_and(after) {
            return;
        }
        let at = top.partition_point(after);
        top.insert(at, (x, position));
        top.truncate(KeyFigures::AT);
    }

    /// The highest number.
    pub(in crate::query) fn highest(&self) -> Option<f32> {
        self.0.first().map(|(x, _)| *x)
    }

    /// The share of them of which something holds; 0 of none.
    pub(in crate::query) fn share(&self, holds: impl Fn(u32) -> bool) -> f64 {
        let held = self.0.iter().filter(|(_, at)| holds(*at)).count();
        held as f64 / self.0.len().max(1) as f64
    }
}

fn bands(activations: &[f32], ranks: &[usize], rows: usize) -> Vec<KeyBand> {
    let lasts = BANDS.into_iter().filter(|&last| last < rows);
    let lasts: Vec<usize> = lasts.chain([rows]).collect();
    let mut first = 1;
    let band = |last: usize| {
        let inside = first..=last;
        first = last + 1;
        let numbers = activations.iter().zip(ranks);
        let numbers = numbers.filter(|(_, rank)| inside.contains(rank));
        let spread = Spread::of(numbers.clone().map(|(x, _)| *x));
        let positions = numbers.count();
        KeyBand {
            first: *inside.start(),
            last,
            positions,
            mean: (positions > 0).then_some(spread.mean),
            above_zero: (positions > 0).then_some(spread.above_zero),
        }
    };
    lasts.into_iter().map(band).collect()
}

/// The rank of each number from 1, equal ones with the mean of theirs.
fn mean_ranks(numbers: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    let mut ranks = vec![0.0; numbers.len()];
    let mut before = 0;
    for equal in order.chunk_by(|&a, &b| numbers[a] == numbers[b]) {
        let rank = before as f64 + (equal.len() + 1) as f64 / 2.0;
        equal.iter().for_each(|&at| ranks[at] = rank);
        before += equal.len();
    }
    ranks
}

/// Pearson's, of two lists of one length; `None` where one is the same everywhere.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len().max(1) as f64;
    let mean = |x: &[f64]| x.iter().sum::<f64>() / n;
    let (of_a, of_b) = (mean(a), mean(b));
    let sum = |x: &[f64], y: &[f64], (x0, y0): (f64, f64)| {
        let terms = x.iter().zip(y).map(|(x, y)| (x - x0) * (y - y0));
        terms.sum::<f64>()
    };
    let sizes = sum(a, a, (of_a, of_a)) * sum(b, b, (of_b, of_b));
    (sizes > 0.0).then(|| sum(a, b, (of_a, of_b)) / sizes.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_positions_are_kept_and_ties_go_to_the_earlier() {
        let mut top = TopPositions::default();
        for at in 0..40 {
            top.offer((at % 4) as f32, at);
        }
        // 3, 7, …, 39 have the highest number: all ten of them.
        assert_eq!(top.share(|at| at % 4 == 3), 1.0);
        top.offer(3.0, 40);
        assert_eq!(top.share(|at| at == 40), 0.0);
        top.offer(4.0, 41);
        assert_eq!(top.share(|at| at == 41), 0.1);
        assert_eq!(top.share(|at| at == 39), 0.0);
        assert_eq!(top.highest(), Some(4.0));
    }

    #[test]
    fn a_histogram_has_all_numbers_and_the_largest_in_its_last_bin() {
        let spread = Spread::of([-1.0, 0.0, 0.05, 1.0].into_iter());
        assert_eq!(spread.histogram.iter().sum::<usize>(), 4);
        assert_eq!([spread.histogram[0], spread.histogram[19]], [1, 1]);
        // 0 and 0.05 begin the second half: bins are 0.1 wide.
        assert_eq!(spread.histogram[10], 2);
        assert_eq!(spread.above_zero, 0.5);
        let same = Spread::of([2.0, 2.0].into_iter());
        assert_eq!((same.histogram[0], same.mean), (2, 2.0));
        assert_eq!(Spread::of(std::iter::empty()), Spread::default());
    }

    #[test]
    fn equal_numbers_share_their_ranks() {
        assert_eq!(mean_ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        let found = correlation(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]);
        assert_eq!(found, Some(-1.0));
        assert_eq!(correlation(&[1.0, 1.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn a_band_has_the_positions_of_its_ranks() {
        let figures = KeyFigures::of(&[1.0, -1.0, 3.0, 5.0], &[1, 10, 11, 200], 200);
        let positions: Vec<usize> = figures.bands.iter().map(|b| b.positions).collect();
        assert_eq!(positions, [2, 1, 1]);
        assert_eq!(figures.bands[0].mean, Some(0.0));
        assert_eq!(figures.bands[0].above_zero, Some(0.5));
        assert_eq!((figures.precision, figures.base), (0.5, 0.5));
        assert_eq!((figures.bands[2].first, figures.bands[2].last), (101, 200));
    }
}
