//! Forms over large vocabularies: a search multiplies out those rows of their factors that it scores.

use std::sync::Arc;

use super::PairsQuery;
use super::answering::{Searched, directions};
use super::in_range::surely_in_range;
use crate::projection::{Factor, FactorProduct, Rows, searches_products};
use crate::query::answering::Callbacks;
use crate::query::reader::Reader;
use crate::query::{MemoryBudget, QueryError};
use crate::transformer::FormWeights;

/// The rows and weights of a form's two sides.
pub(super) struct FormProducts {
    rows: [Arc<Rows>; 2],
    weights: FormWeights,
}

impl FormProducts {
    /// What a search takes, if rows count as they lie in memory and no score can be out of range.
    pub(super) fn searched(&self) -> Result<Option<Searched<'_>>, QueryError> {
        let [left, right] = &self.rows;
        let a = FactorProduct::new(left, &self.weights.left)?;
        let b = FactorProduct::new(right, &self.weights.right)?;
        let both = a.zip(b).filter(|(a, b)| surely_in_range(a, b));
        Ok(both.map(|(a, b)| Searched {
            factors: (Factor::Product(a), Factor::Product(b)),
            unconditional: None,
        }))
    }
}

impl Reader {
    /// A form whose factors need not be multiplied out: where many tokens pass, on the processor, of rows
    /// that nothing is added to and that no norm scales.
    pub(super) fn form_products(
        &mut self,
        query: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<Option<FormProducts>, QueryError> {
        let bare = !query.convention.adds() && !self.with_positions(&query.filters)?;
        let passing = self.mask(&query.filters, callbacks.cancel)?.passing;
        let many = searches_products(passing, self.card.form_columns());
        if !(many && bare && self.device.is_cpu()) {
            return Ok(None);
        }
        let needed = MemoryBudget::of_products(
            self.card.spec.vocab,
            self.card.form_columns(),
            self.card.spec.d_model,
        );
        self.make_room(needed)?;
        let form = self.weights_of(query, false, callbacks)?;
        if form.norms.is_some() {
            return Ok(None);
        }
        let flows = directions(query);
        let mut rows = |at: usize| {
            let reads_at = self.reads_at(query, at);
            self.rows(query.convention, reads_at, flows[at], callbacks)
        };
        let rows = [rows(0)?, rows(1)?];
        Ok(Some(FormProducts {
            rows,
            weights: form.weights,
        }))
    }
}
