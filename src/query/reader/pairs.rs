//! The pairs of a head's form: its two factors over the vocabulary, and the best of their products.

use std::sync::Arc;

use crate::checkpoint::Matrix;
use crate::projection::{PairsWanted, Rows, best_pairs_on};
use crate::query::answering::{Fetch, Watch, arrived};
use crate::query::{Answer, PairsAnswer, PairsQuery, QueryError};
use crate::transformer::Form;

use super::Reader;

/// A form over all rows: `a[s]·b[t]`, both `[rows, head]`.
pub(super) struct Factors {
    pub(super) a: Matrix,
    pub(super) b: Matrix,
}

#[derive(PartialEq, Eq)]
pub(super) struct FactorKey {
    form: Form,
    layer: usize,
    head: usize,
    distance: usize,
    positions: bool,
}

impl Factors {
    fn bytes(&self) -> u64 {
        (size_of_val(self.a.data()) + size_of_val(self.b.data())) as u64
    }
}

impl Reader {
    /// The best pairs of a head's form; `None` if it was called off.
    pub(super) fn pairs(
        &mut self,
        query: &PairsQuery,
        watch: &dyn Watch,
    ) -> Result<Option<PairsAnswer>, QueryError> {
        let mask = self.mask(&query.filters)?;
        let Some(factors) = self.factors(query, watch)? else {
            return Ok(None);
        };
        let vocabulary = Arc::clone(&self.card.vocabulary);
        let (same, similar) = (query.filters.exclude_same, query.filters.exclude_similar);
        let admits = move |from, to| {
            !(same && vocabulary.same(from, to) || similar && vocabulary.similar(from, to))
        };
        let want = PairsWanted {
            k: query.k.min(mask.passing * mask.passing),
            end: query.end,
            passing: &mask.passes,
            admits: &admits,
        };
        let answer = |pairs, done, exact| PairsAnswer {
            pairs,
            passing: mask.passing,
            rows: mask.passes.len(),
            done,
            exact,
        };
        let mut report = |done, pairs| watch.improved(Answer::Pairs(answer(pairs, done, false)));
        let found = best_pairs_on(
            &self.device,
            &factors.a,
            &factors.b,
            &want,
            &|| watch.wanted(),
            &mut report,
        )?;
        Ok(found.map(|pairs| answer(pairs, 1.0, true)))
    }

    /// A form's factors over all rows, kept for other filters and the other end; `None` if it was
    /// called off.
    pub(super) fn factors(
        &mut self,
        query: &PairsQuery,
        watch: &dyn Watch,
    ) -> Result<Option<Arc<Factors>>, QueryError> {
        let positions = self.position_rows(&query.filters)?;
        let key = FactorKey {
            form: query.form,
            layer: query.layer,
            head: query.head,
            distance: query.distance,
            positions: positions.is_some(),
        };
        if let Some(at) = self.factors.iter().position(|(of, _)| *of == key) {
            let found = self.factors.remove(at);
            let factors = Arc::clone(&found.1);
            self.factors.push(found);
            return Ok(Some(factors));
        }
        let (form, layer, head) = (query.form, query.layer, query.head);
        if !arrived(self.weights.bring_form(form, layer, head, &Fetch(watch)))? {
            return Ok(None);
        }
        let factors = self.weights.form(form, layer, head, query.distance)?;
        let wanted = || watch.wanted();
        let over_all_rows = |rows: &Rows, w: &Matrix| -> Result<Option<Matrix>, QueryError> {
            let Some(product) = rows.times(w, &wanted)? else {
                return Ok(None);
            };
            let Some(positions) = &positions else {
                return Ok(Some(product));
            };
            Ok(positions
                .times(w, &wanted)?
                .map(|below| stacked(product, &below)))
        };
        let Some(a) = over_all_rows(&self.read, &factors.left)? else {
            return Ok(None);
        };
        let right = match form {
            Form::Vo => &self.written,
            Form::Qk => &self.read,
        };
        let Some(b) = over_all_rows(right, &factors.right)? else {
            return Ok(None);
        };
        let factors = Arc::new(Factors { a, b });
        self.factors.push((key, Arc::clone(&factors)));
        while self.factors.len() > 1
            && self.factors.iter().map(|(_, f)| f.bytes()).sum::<u64>() > self.memory
        {
            self.factors.remove(0);
        }
        Ok(Some(factors))
    }
}

/// `above` with the rows of `below` under it.
pub(super) fn stacked(above: Matrix, below: &Matrix) -> Matrix {
    let (rows, cols) = (above.rows() + below.rows(), above.cols());
    let mut data = above.into_data();
    data.extend_from_slice(below.data());
    Matrix::new(rows, cols, data)
}
