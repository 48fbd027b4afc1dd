//! How many of a head's best pairs can be twice the same word, told without the search for them.
//!
//! The pairs of a few full rows and columns say what the last of the best scores at least; pairs of
//! the same word are few and all scored. Those that score as much are at least as many as are among
//! the best.

use std::sync::Arc;

use super::RankQuery;
use crate::checkpoint::Matrix;
use crate::projection::{NearProduct, NearRows, PairsWanted, Rows, likely_pairs, reaching_within};
use crate::query::pairs::{admits, directions, in_range};
use crate::query::reader::Reader;
use crate::query::{Callbacks, MemoryBudget, PairsQuery, QueryError};

/// Pairs of the same word a row, on the average, that are worth scoring.
const PAIRS_A_ROW: usize = 64;

/// What is the same for all heads, or for one and the next.
pub(super) struct SameWords {
    /// The rows that pass, those of one word together.
    words: Vec<Vec<u32>>,
    /// Embeddings in 16-bit integers; `None` where there is no room or no use for them.
    near: Vec<(Arc<Rows>, Option<NearRows>)>,
    /// The last products of the two sides, of what weights.
    last: [Option<NearSide>; 2],
}

struct NearSide {
    rows: Arc<Rows>,
    weights: Matrix,
    product: Arc<NearProduct>,
}

/// The two factors of a form.
struct Sides<'a> {
    a: &'a Matrix,
    b: &'a Matrix,
    /// How far a pair's score may be off.
    off_by: &'a (dyn Fn(u32, u32) -> f32 + Sync),
}

impl SameWords {
    /// `None` if pairs of the same word are too many to be scored.
    pub(super) fn new(
        reader: &mut Reader,
        query: &RankQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<Option<Self>, QueryError> {
        let mask = reader.mask(&query.filters.per_token(), callbacks.cancel)?;
        let words = reader.card.vocabulary.same_rows(&mask);
        let pairs: usize = words.iter().map(|word| word.len().pow(2)).sum();
        Ok((pairs <= PAIRS_A_ROW * mask.passing).then_some(Self {
            words,
            near: Vec::new(),
            last: [None, None],
        }))
    }
}

impl Reader {
    /// The largest share of a head's best pairs that can be twice the same word; infinite where
    /// nothing is known of it.
    pub(super) fn most_same(
        &mut self,
        query: &PairsQuery,
        known: &mut SameWords,
        callbacks: Callbacks<'_>,
    ) -> Result<f32, QueryError> {
        if let Some([a, b]) = self.near_sides(query, known, callbacks)? {
            let sides = Sides {
                a: &a.product,
                b: &b.product,
                off_by: &|from, to| a.off_by(from, &b, to),
            };
            return self.most_same_of(query, sides, known, callbacks);
        }
        let factors = self.factors(query, callbacks)?;
        let sides = Sides {
            a: &factors.a,
            b: &factors.b,
            off_by: &|_, _| 0.0,
        };
        self.most_same_of(query, sides, known, callbacks)
    }

    fn most_same_of(
        &mut self,
        query: &PairsQuery,
        sides: Sides<'_>,
        known: &SameWords,
        callbacks: Callbacks<'_>,
    ) -> Result<f32, QueryError> {
        let Sides { a, b, off_by } = sides;
        in_range(a, b)?;
        let mask = self.mask(&query.filters, callbacks.cancel)?;
        let want = PairsWanted {
            k: query.k.min(mask.passing * mask.passing),
            end: query.end,
            passing: &mask.passes,
            admits: &admits(&self.card.vocabulary, &query.filters),
        };
        let likely = likely_pairs(a, b, &want, callbacks.cancel)?;
        let scores = likely
            .iter()
            .map(|pair| pair.score - off_by(pair.from, pair.to));
        let least = scores.clone().fold(f32::INFINITY, f32::min);
        if likely.len() < want.k || !scores.sum::<f32>().is_finite() {
            return Ok(f32::INFINITY);
        }
        let more = (least, off_by);
        let reaching = reaching_within((a, b), &known.words, more, &want, callbacks.cancel)?;
        Ok(reaching.min(want.k) as f32 / want.k.max(1) as f32)
    }

    /// The two factors by products in 16-bit integers; `None` where they are no such products, or
    /// the integers have no room.
    fn near_sides(
        &mut self,
        query: &PairsQuery,
        known: &mut SameWords,
        callbacks: Callbacks<'_>,
    ) -> Result<Option<[Arc<NearProduct>; 2]>, QueryError> {
        let (form, layer, head) = (query.form, query.layer, query.head);
        if query.convention.adds() || query.filters.positions || self.norms_of(query)?.is_some() {
            return Ok(None);
        }
        self.weights
            .bring_form(form, layer, head, callbacks.without_partial())?;
        let weights = self.form_of(query, head, None)?;
        let weights = self.projected_form(query, weights, callbacks)?;
        let of_sides = [weights.left, weights.right].into_iter().enumerate();
        let mut sides = Vec::with_capacity(2);
        for ((at, weights), side) in of_sides.zip(directions(query)) {
            let read_at = self.reads_at(query, at);
            let rows = self.rows(query.convention, read_at, side, callbacks)?;
            let last = match known.last[at].take() {
                // Heads that share keys and values have one factor.
                Some(last) if Arc::ptr_eq(&last.rows, &rows) && last.weights == weights => last,
                last => {
                    let Some(near) = self.near_rows(&rows, known, callbacks)? else {
                        return Ok(None);
                    };
                    let memory = last.and_then(|last| Arc::into_inner(last.product));
                    let product = Arc::new(near.times(&weights, memory, callbacks.cancel)?);
                    NearSide {
                        rows,
                        weights,
                        product,
                    }
                }
            };
            sides.push(Arc::clone(&last.product));
            known.last[at] = Some(last);
        }
        Ok(sides.try_into().ok())
    }

    /// An embedding in 16-bit integers, made when it is first asked for.
    fn near_rows<'k>(
        &self,
        rows: &Arc<Rows>,
        known: &'k mut SameWords,
        callbacks: Callbacks<'_>,
    ) -> Result<Option<&'k NearRows>, QueryError> {
        let known = &mut known.near;
        let at = known.iter().position(|(of, _)| Arc::ptr_eq(of, rows));
        if at.is_none() {
            let (tokens, width) = (rows.len(), rows.width());
            let factors = MemoryBudget::of_pairs(tokens, self.card.form_columns(), true);
            let all = NearRows::bytes(tokens, width) * (known.len() as u64 + 1) + factors;
            let near = match all <= self.memory.kept {
                true => NearRows::of(rows, callbacks.cancel)?,
                false => None,
            };
            known.push((Arc::clone(rows), near));
        }
        let near = known.get(at.unwrap_or(known.len() - 1));
        Ok(near.and_then(|(_, near)| near.as_ref()))
    }
}
