//! Neurons ranked by how their scores are distributed over the vocabulary.

use super::{RankAnswer, RankMetric, RankQuery};
use crate::checkpoint::Matrix;
use crate::projection::{Rows, ScoreSums};
use crate::query::reader::Reader;
use crate::query::reader::convention::Side;
use crate::query::{Callbacks, NeuronQuery, QueryError};
use crate::transformer::{Input, SublayerAt};

/// Neurons at a time: enough for products at full rate.
const BATCH: usize = 256;

impl Reader {
    /// Judges K and V of every neuron over the tokens that pass, without their lists; where nothing
    /// can be written K alone.
    pub(super) fn rank_by_score_shape(
        &mut self,
        query: &RankQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        let tokens = self.card.spec.vocab;
        let mask = self.mask(&query.filters, callbacks.cancel)?;
        let flags = &mask.passes[..tokens];
        let at = SublayerAt::feed_forward(query.layer);
        let both = [Side::Reads, Side::Writes];
        let [read, written] = both.map(|side| self.rows(query.convention, at, side, callbacks));
        let (read, written) = (read?, written?);
        let neurons: Vec<usize> = (0..self.card.spec.neurons_in(query.layer)).collect();
        let mut figures = Vec::with_capacity(neurons.len());
        for some in neurons.chunks(BATCH) {
            let queries: Vec<NeuronQuery> = some.iter().map(|n| of(query, *n)).collect();
            let vectors = self.vectors(&queries, callbacks)?;
            let key = shapes(query.by, &read, &vectors.keys, flags, callbacks)?;
            let value = shapes(query.by, &written, &vectors.values, flags, callbacks)?;
            figures.extend(key.iter().zip(value).map(|(k, v)| k.max(v)));
        }
        self.neurons_by(query, figures, callbacks)
    }
}

/// A neuron's lists under a ranking's convention.
fn of(query: &RankQuery, neuron: usize) -> NeuronQuery {
    NeuronQuery {
        convention: query.convention,
        layer: query.layer,
        neuron,
        input: Input::Gate,
        k: 0,
        filters: query.filters.clone(),
    }
}

/// The figure of each vector on its rows.
fn shapes(
    by: RankMetric,
    rows: &Rows,
    vectors: &Matrix,
    flags: &[bool],
    callbacks: Callbacks<'_>,
) -> Result<Vec<f32>, QueryError> {
    let sums = rows.score_sums(vectors, flags, callbacks.cancel)?;
    if by == RankMetric::Kurtosis {
        return Ok(sums.iter().map(|sums| sums.kurtosis() as f32).collect());
    }
    let limit = |sums: &ScoreSums| sums.mean() + RankMetric::OUTLIER * sums.deviation();
    let limits: Vec<f32> = sums.iter().map(|sums| limit(sums) as f32).collect();
    let above = rows.above(vectors, &limits, flags, callbacks.cancel)?;
    let share = |(above, sums): (usize, &ScoreSums)| above as f32 / sums.count as f32;
    Ok(above.into_iter().zip(&sums).map(share).collect())
}
