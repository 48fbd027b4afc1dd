//! Exact selection: the k best of many scores, ties to the smaller id, never a NaN.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// Which end of the scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    #[default]
    Highest,
    Lowest,
}

impl End {
    /// `highest` or `lowest`, as in JSON and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Highest => "highest",
            Self::Lowest => "lowest",
        }
    }
}

/// Which rows may be chosen, and under which ids.
#[derive(Clone, Copy)]
pub struct Passing<'a> {
    /// One flag a row.
    pub flags: &'a [bool],
    /// The id of row 0.
    pub first_id: u32,
}

/// A row of the embedding with its score. Ids from the vocabulary's size upwards are positions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    pub id: u32,
    pub score: f32,
}

/// A pair of rows with the form's value there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    pub from: u32,
    pub to: u32,
    pub score: f32,
}

/// What can be ranked: a score, and a key that breaks ties.
pub trait Ranked: Copy {
    fn score(&self) -> f32;
    /// The smaller key goes first among equal scores.
    fn key(&self) -> u64;
}

impl Ranked for Scored {
    fn score(&self) -> f32 {
        self.score
    }

    fn key(&self) -> u64 {
        u64::from(self.id)
    }
}

impl Ranked for Pair {
    fn score(&self) -> f32 {
        self.score
    }

    fn key(&self) -> u64 {
        u64::from(self.from) << 32 | u64::from(self.to)
    }
}

/// Best first: score falling, key rising. 0 and −0 are one score.
fn order<T: Ranked>(a: &T, b: &T) -> Ordering {
    b.score()
        .partial_cmp(&a.score())
        .unwrap_or(Ordering::Equal)
        .then(a.key().cmp(&b.key()))
}

/// The k highest of all that was offered.
///
/// Candidates gather in a buffer of a few times k; when it is full one partial sort throws away
/// what cannot be among the best, so an offer costs a comparison and rarely more.
#[derive(Clone, Debug)]
pub struct Best<T> {
    k: usize,
    kept: Vec<T>,
    threshold: f32,
}

impl<T: Ranked> Best<T> {
    /// Nothing offered yet.
    pub fn new(k: usize) -> Self {
        Self {
            k,
            kept: Vec::new(),
            threshold: f32::NEG_INFINITY,
        }
    }

    /// Nothing offered yet, and nothing below `threshold` wanted.
    pub fn at_least(k: usize, threshold: f32) -> Self {
        Self {
            threshold,
            ..Self::new(k)
        }
    }

    /// Gives up what is below `threshold`: k items are known to reach it elsewhere.
    pub fn raise(&mut self, threshold: f32) {
        self.threshold = self.threshold.max(threshold);
    }

    /// How many are kept.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Scores below this cannot enter any more.
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Whether an item of this score might enter; false for NaN.
    pub fn admits(&self, score: f32) -> bool {
        score >= self.threshold
    }

    /// Takes `item` in if it is, so far, among the k best.
    pub fn offer(&mut self, item: T) {
        if self.k == 0 || !self.admits(item.score()) {
            return;
        }
        self.kept.push(item);
        if self.kept.len() >= 4 * self.k.max(16) {
            self.prune();
        }
    }

    /// Takes over what another selection of the same k has kept.
    pub fn merge(&mut self, other: Self) {
        other.kept.into_iter().for_each(|item| self.offer(item));
    }

    /// Raises the threshold as far as what is kept allows.
    pub fn prune(&mut self) {
        if self.k == 0 || self.kept.len() < self.k {
            return;
        }
        let (_, last, _) = self.kept.select_nth_unstable_by(self.k - 1, order);
        self.threshold = self.threshold.max(last.score());
        self.kept.truncate(self.k);
    }

    /// The best, best first; fewer than k if fewer were offered.
    pub fn into_sorted(mut self) -> Vec<T> {
        self.kept.sort_unstable_by(order);
        self.kept.truncate(self.k);
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn best(k: usize, scores: &[f32]) -> Vec<u32> {
        let mut best = Best::new(k);
        for (id, &score) in scores.iter().enumerate() {
            best.offer(Scored {
                id: id as u32,
                score,
            });
        }
        best.into_sorted().iter().map(|s| s.id).collect()
    }

    #[test]
    fn ties_go_to_the_smaller_id_whatever_the_order_of_offers() {
        assert_eq!(best(2, &[1.0, 3.0, 3.0, 3.0]), [1, 2]);
        let mut late = Best::new(1);
        late.offer(Scored { id: 9, score: 0.0 });
        late.offer(Scored { id: 4, score: -0.0 });
        assert_eq!(late.into_sorted()[0].id, 4);
    }

    #[test]
    fn never_takes_a_nan() {
        assert_eq!(best(3, &[f32::NAN, 1.0, f32::NAN, -1.0]), [1, 3]);
        assert_eq!(best(0, &[1.0]), [0; 0]);
    }

    proptest! {
        #[test]
        fn equals_a_full_sort(
            scores in prop::collection::vec(-20i8..20, 0..900), k in 0usize..70, split in 0usize..900
        ) {
            let items: Vec<Scored> = scores.iter().enumerate()
                .map(|(id, &s)| Scored { id: id as u32, score: f32::from(s) }).collect();
            let mut sorted = items.clone();
            sorted.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
            sorted.truncate(k);
            // Offered in two parts, the later first: chunks may come in any order.
            let (early, late) = items.split_at(split.min(items.len()));
            let mut whole = Best::new(k);
            late.iter().for_each(|&i| whole.offer(i));
            let mut part = Best::new(k);
            early.iter().for_each(|&i| part.offer(i));
            whole.merge(part);
            prop_assert_eq!(whole.into_sorted(), sorted);
        }
    }
}
