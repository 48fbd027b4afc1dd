//! How many of a head's best pairs can be twice the same word, told without the search for them.
//!
//! The pairs of a few full rows and columns say what the last of the best scores at least; pairs of
//! the same word are few and all scored. Those that score as much are at least as many as are among
//! the best.

use super::near_sides::{NearSide, NearSides};
use super::ranking::pairs_query;
use super::{RankMetric, RankQuery};
use crate::checkpoint::Matrix;
use crate::projection::{Pair, PairsWanted, likely_pairs_while, product, scores_of, standing_out};
use crate::query::pairs::{admits, in_range};
use crate::query::reader::Reader;
use crate::query::{Callbacks, PairsQuery, QueryError};
use crate::task::CancelToken;
use crate::transformer::Form;

/// Pairs of the same word a row, on the average, that are worth scoring.
const PAIRS_A_ROW: usize = 64;
/// Rows by which a head's promise is judged.
const SAMPLED: usize = 512;
/// Pairs that may be among the best by their bounds and are worth another look.
const LOOKED_AT: usize = 1024;

/// What is the same for all heads.
pub(super) struct SameWords {
    /// Pairs of the same word that pass, in rising order.
    pairs: Vec<(u32, u32)>,
    /// Length of a head's list.
    pub(super) k: usize,
    pub(super) near: NearSides,
}

impl SameWords {
    /// `None` if pairs of the same word are too many to be scored.
    pub(super) fn new(
        reader: &mut Reader,
        query: &RankQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<Option<Self>, QueryError> {
        let filters = query.filters.per_token();
        let mask = reader.mask(&filters, callbacks.cancel)?;
        let words = reader.card.vocabulary.same_rows(&mask);
        let pairs: usize = words.iter().map(|word| word.len().pow(2)).sum();
        if pairs > PAIRS_A_ROW * mask.passing {
            return Ok(None);
        }
        let of_word = |word: &Vec<u32>| -> Vec<(u32, u32)> {
            let pairs = word.iter().flat_map(|&a| word.iter().map(move |&b| (a, b)));
            pairs.collect()
        };
        let admits = admits(&reader.card.vocabulary, &filters);
        let mut pairs: Vec<(u32, u32)> = words.iter().flat_map(of_word).collect();
        pairs.retain(|&(from, to)| admits(from, to));
        // As the rows lie.
        pairs.sort_unstable();
        let passing = (0..mask.passes.len() as u32).filter(|&id| mask.passes[id as usize]);
        let every = mask.passing.div_ceil(SAMPLED).max(1);
        Ok(Some(Self {
            pairs,
            k: RankMetric::TOP.min(mask.passing * mask.passing),
            near: NearSides::new(passing.step_by(every).collect()),
        }))
    }
}

/// The two factors of a form.
struct Sides<'a> {
    a: &'a Matrix,
    b: &'a Matrix,
    /// Of factors that are near: what they are products of, and how far a pair's score may be off.
    near: Option<[&'a NearSide; 2]>,
}

impl Sides<'_> {
    fn off_by(&self, from: u32, to: u32) -> f32 {
        let off_by = |[a, b]: [&NearSide; 2]| a.product.off_by(from, &b.product, to);
        self.near.map_or(0.0, off_by)
    }

    /// Of the pairs of the same word as many as may score what those that are `found` do, up to what
    /// a list takes. `at_most`: what they score.
    fn most_by(
        &self,
        found: &[Pair],
        known: &SameWords,
        at_most: &[f32],
        cancel: CancelToken<'_>,
    ) -> Result<usize, QueryError> {
        if found.len() < known.k {
            return Ok(usize::MAX);
        }
        let found: Vec<(u32, u32)> = found.iter().map(|pair| (pair.from, pair.to)).collect();
        let scores = self.scores(&found, -1.0, cancel)?;
        if !scores.iter().sum::<f32>().is_finite() {
            return Ok(usize::MAX);
        }
        let least = scores.into_iter().fold(f32::INFINITY, f32::min);
        let reaches = |score: &f32| *score >= least || score.is_nan();
        let pairs = known.pairs.iter().zip(at_most);
        let pairs = pairs.filter(|(_, score)| reaches(score));
        let pairs: Vec<(u32, u32)> = pairs.map(|(pair, _)| *pair).collect();
        let most = match pairs.len() {
            1..=LOOKED_AT if self.near.is_some() => {
                let scores = self.scores(&pairs, 1.0, cancel)?;
                scores.iter().filter(|score| reaches(score)).count()
            }
            most => most,
        };
        Ok(most.min(known.k))
    }

    /// The scores of a few pairs, with as much of what they may be off by as `times` says.
    fn scores(
        &self,
        pairs: &[(u32, u32)],
        times: f32,
        cancel: CancelToken<'_>,
    ) -> Result<Vec<f32>, QueryError> {
        let Some([a, b]) = self.near else {
            return Ok(scores_of((self.a, self.b), pairs, &|_, _| 0.0, cancel)?);
        };
        let distinct = |of: fn(&(u32, u32)) -> u32| {
            let mut rows: Vec<u32> = pairs.iter().map(of).collect();
            rows.sort_unstable();
            rows.dedup();
            rows
        };
        let (from, to) = (distinct(|pair| pair.0), distinct(|pair| pair.1));
        let (a, b) = rayon::join(|| a.of_some(&from), || b.of_some(&to));
        let (a, b) = (a?, b?);
        let place = |rows: &[u32], row: u32| rows.partition_point(|&other| other < row) as u32;
        let pairs = pairs.iter();
        let pairs: Vec<(u32, u32)> = pairs
            .map(|&(s, t)| (place(&from, s), place(&to, t)))
            .collect();
        let off = |i, j| times * a.off_by(i, &b, j);
        Ok(scores_of((&a.product, &b.product), &pairs, &off, cancel)?)
    }
}

impl Reader {
    /// How well a head does by its pairs of some rows, `1` and more if pairs of the same word are the
    /// best of these; `None` where that is not soon told.
    pub(super) fn promise(
        &mut self,
        (query, form, head): (&RankQuery, Form, usize),
        known: &mut SameWords,
        callbacks: Callbacks<'_>,
    ) -> Result<Option<f32>, QueryError> {
        let query = pairs_query(query, form, head);
        let Some([a, b]) = self.thin_sides(&query, &mut known.near, callbacks)? else {
            return Ok(None);
        };
        let (a, b) = rayon::join(
            || product(&a.near.sample, &a.weights),
            || product(&b.near.sample, &b.weights),
        );
        let promise = standing_out(&a, &b);
        Ok(Some(if promise.is_nan() {
            f32::INFINITY
        } else {
            promise
        }))
    }

    /// How many of a head's best pairs can be twice the same word, as closely as it takes to tell
    /// whether they are fewer than `needed`; `usize::MAX` where nothing is known of it.
    pub(super) fn most_same(
        &mut self,
        query: &PairsQuery,
        known: &mut SameWords,
        needed: usize,
        callbacks: Callbacks<'_>,
    ) -> Result<usize, QueryError> {
        let Some(sides) = self.thin_sides(query, &mut known.near, callbacks)? else {
            let factors = self.factors(query, callbacks)?;
            let sides = Sides {
                a: &factors.a,
                b: &factors.b,
                near: None,
            };
            return self.most_same_of(query, &sides, (known, needed), callbacks);
        };
        let [a, b] = known.near.products(sides, callbacks.cancel)?;
        let sides = Sides {
            a: &a.product.product,
            b: &b.product.product,
            near: Some([&a, &b]),
        };
        let most = self.most_same_of(query, &sides, (known, needed), callbacks);
        known.near.keep([a, b]);
        most
    }

    fn most_same_of(
        &mut self,
        query: &PairsQuery,
        sides: &Sides<'_>,
        (known, needed): (&SameWords, usize),
        callbacks: Callbacks<'_>,
    ) -> Result<usize, QueryError> {
        let cancel = callbacks.cancel;
        in_range(sides.a, sides.b)?;
        let mask = self.mask(&query.filters, cancel)?;
        let want = PairsWanted {
            k: known.k,
            end: query.end,
            passing: &mask.passes,
            admits: &admits(&self.card.vocabulary, &query.filters),
        };
        let off_by = |from, to| sides.off_by(from, to);
        let at_most = scores_of((sides.a, sides.b), &known.pairs, &off_by, cancel)?;
        let mut most = Ok(usize::MAX);
        // Each time more are found, so that the last look is the sharpest.
        let mut go_on = |found: &[Pair]| {
            most = sides.most_by(found, known, &at_most, cancel);
            most.as_ref().is_ok_and(|&most| most >= needed)
        };
        likely_pairs_while(sides.a, sides.b, &want, cancel, &mut go_on)?;
        most
    }
}
