//! The mean norm of each layer's value vectors.

use super::kind::{AnswerKind, NotFinite, QueryKind};
use super::{Answer, Callbacks, Query, QueryError, Reader};
use crate::checkpoint::Reading;

/// Asks for them.
pub struct ValueNormsQuery;

impl QueryKind for ValueNormsQuery {
    fn readings(&self) -> &'static [Reading] {
        &[Reading::Neurons]
    }

    fn needs_all_weights(&self) -> bool {
        true
    }

    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::ValueNorms)
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        let mut norms = Vec::with_capacity(reader.card.spec.layers);
        for layer in 0..reader.card.spec.layers {
            callbacks.cancel.check()?;
            norms.push(reader.weights.mean_value_norm(layer)?);
            callbacks.partial(Answer::ValueNorms(norms.clone()));
        }
        Ok(Answer::ValueNorms(norms))
    }
}

impl AnswerKind for Vec<f32> {
    fn heap_bytes(&self) -> usize {
        size_of_val(&self[..])
    }

    fn not_finite(&self) -> Option<NotFinite> {
        let norms = self.iter().map(|&norm| f64::from(norm));
        NotFinite::among("lengths of values", norms)
    }
}
