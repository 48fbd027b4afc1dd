//! The factors of heads' forms, near enough to rule most heads out: products in 8-bit integers.

use std::sync::Arc;

use crate::checkpoint::Matrix;
use crate::projection::{NearProduct, NearRows, ProjectionError, Rows};
use crate::query::pairs::directions;
use crate::query::reader::Reader;
use crate::query::{Callbacks, MemoryBudget, PairsQuery, QueryError};
use crate::task::{CancelToken, Cancelled};

/// An embedding in integers.
pub(super) struct NearEmbedding {
    /// As they count.
    rows: Arc<Rows>,
    integers: NearRows,
    /// Some of the rows.
    pub(super) sample: Matrix,
}

/// One side of a form: the embedding and the weights whose product it is.
pub(super) struct ThinSide {
    pub(super) near: Arc<NearEmbedding>,
    /// `[d_model, d_head]`.
    pub(super) weights: Matrix,
}

/// The same with its product.
pub(super) struct NearSide {
    of: ThinSide,
    pub(super) product: NearProduct,
}

impl NearSide {
    /// Some rows of the product in f32.
    pub(super) fn of_some(&self, rows: &[u32]) -> Result<NearProduct, ProjectionError> {
        let rows = self.of.near.rows.pick(rows)?;
        Ok(NearProduct::of_some(&rows, &self.of.weights))
    }
}

/// What is the same for all heads, or for one and the next.
pub(super) struct NearSides {
    /// Some of the rows.
    sample: Vec<u32>,
    /// `None` where there is no room or no use for integers.
    embeddings: Vec<(Arc<Rows>, Option<Arc<NearEmbedding>>)>,
    /// The last products of the two sides.
    last: [Option<NearSide>; 2],
}

impl NearSides {
    pub(super) fn new(sample: Vec<u32>) -> Self {
        Self {
            sample,
            embeddings: Vec::new(),
            last: [None, None],
        }
    }

    /// Keeps the memory of products for the next.
    pub(super) fn keep(&mut self, last: [NearSide; 2]) {
        self.last = last.map(Some);
    }

    /// Gives up the memory of the last products.
    pub(super) fn free(&mut self) {
        self.last = [None, None];
    }

    /// The products of both sides; one that the last head had too is not computed again, as with heads
    /// that share keys and values.
    pub(super) fn products(
        &mut self,
        [a, b]: [ThinSide; 2],
        cancel: CancelToken<'_>,
    ) -> Result<[NearSide; 2], Cancelled> {
        let product = |of: ThinSide, last: Option<NearSide>| match last {
            Some(last) if Arc::ptr_eq(&last.of.near, &of.near) && last.of.weights == of.weights => {
                Ok(last)
            }
            last => {
                let memory = last.map(|last| last.product);
                let product = of.near.integers.times(&of.weights, memory, cancel)?;
                Ok(NearSide { of, product })
            }
        };
        let [last_a, last_b] = self.last.each_mut().map(Option::take);
        let (a, b) = rayon::join(|| product(a, last_a), || product(b, last_b));
        Ok([a?, b?])
    }
}

impl Reader {
    /// The two sides of a form whose factors are near by products in integers; `None` where they are
    /// no such products, or the integers have no room.
    pub(super) fn thin_sides(
        &mut self,
        query: &PairsQuery,
        known: &mut NearSides,
        callbacks: Callbacks<'_>,
    ) -> Result<Option<[ThinSide; 2]>, QueryError> {
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
            let Some(near) = self.near_embedding(&rows, known, callbacks)? else {
                return Ok(None);
            };
            sides.push(ThinSide { near, weights });
        }
        Ok(sides.try_into().ok())
    }

    /// An embedding in integers, made when it is first asked for.
    fn near_embedding(
        &self,
        rows: &Arc<Rows>,
        known: &mut NearSides,
        callbacks: Callbacks<'_>,
    ) -> Result<Option<Arc<NearEmbedding>>, QueryError> {
        let mut of_rows = known
            .embeddings
            .iter()
            .filter(|(of, _)| Arc::ptr_eq(of, rows));
        if let Some((_, near)) = of_rows.next() {
            return Ok(near.clone());
        }
        let (tokens, width) = (rows.len(), rows.width());
        let factors = MemoryBudget::of_pairs(tokens, self.card.form_columns(), true);
        let all = NearRows::bytes(tokens, width) * (known.embeddings.len() as u64 + 1) + factors;
        let integers = match all <= self.memory.kept {
            true => NearRows::of(rows, callbacks.cancel)?,
            false => None,
        };
        let near = match integers {
            Some(integers) => Some(Arc::new(NearEmbedding {
                rows: Arc::clone(rows),
                integers,
                sample: rows.pick(&known.sample)?,
            })),
            None => None,
        };
        known.embeddings.push((Arc::clone(rows), near.clone()));
        Ok(near)
    }
}
