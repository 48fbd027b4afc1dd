//! The two sides of a head's form before they are laid over all rows.

use crate::checkpoint::Matrix;
use crate::query::answering::Callbacks;
use crate::query::reader::Reader;
use crate::query::{PairsQuery, QueryError};
use crate::transformer::{Form, FormWeights, QueryKeyNorms, SublayerAt};

use super::answering::directions;

impl Reader {
    /// The norms that queries and keys go through, where the convention has them.
    pub(in crate::query) fn norms_of(
        &self,
        query: &PairsQuery,
    ) -> Result<Option<QueryKeyNorms>, QueryError> {
        match (query.form, query.convention.scales_tokens()) {
            (Form::Qk, true) => {
                let PairsQuery {
                    layer,
                    head,
                    distance,
                    ..
                } = *query;
                Ok(self.weights.query_key_norms(layer, head, distance)?)
            }
            _ => Ok(None),
        }
    }

    /// The two sides of a head's form: before the norms of queries and keys, where these follow.
    pub(in crate::query) fn form_of(
        &self,
        query: &PairsQuery,
        head: usize,
        norms: Option<&QueryKeyNorms>,
    ) -> Result<FormWeights, QueryError> {
        let (form, layer) = (query.form, query.layer);
        Ok(match norms {
            Some(_) => self.weights.maps(form, layer, head)?,
            None => self.weights.form(form, layer, head, query.distance)?,
        })
    }

    /// The attention through whose norm a side of a form reads: keys and values may be an earlier
    /// layer's.
    pub(in crate::query) fn reads_at(&self, query: &PairsQuery, side: usize) -> SublayerAt {
        let shared = self.card.spec.head_sizes(query.layer).keys_of;
        let of_keys = match query.form {
            Form::Vo => side == 0,
            Form::Qk => side == 1,
        };
        let layer = shared.filter(|_| of_keys).unwrap_or(query.layer);
        SublayerAt::attention(layer)
    }

    /// Both sides of a form as they are projected.
    pub(in crate::query) fn projected_form(
        &mut self,
        query: &PairsQuery,
        weights: FormWeights,
        callbacks: Callbacks<'_>,
    ) -> Result<FormWeights, QueryError> {
        let [of_left, of_right] = directions(query);
        let mut projected = |matrix: Matrix, side, place| {
            let at = self.reads_at(query, place);
            let matrix =
                self.projected(query.convention, at, side, matrix.transposed(), callbacks)?;
            Ok::<_, QueryError>(matrix.transposed())
        };
        Ok(FormWeights {
            left: projected(weights.left, of_left, 0)?,
            right: projected(weights.right, of_right, 1)?,
        })
    }
}
