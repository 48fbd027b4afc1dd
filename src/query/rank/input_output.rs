//! Neurons ranked by what they write of what they read (Gerstner and Schütze 2025, arXiv 2505.17936).

use super::{InputOutputClass, RankAnswer, RankQuery};
use crate::checkpoint::Matrix;
use crate::query::reader::Reader;
use crate::query::reader::convention::Side;
use crate::query::{Callbacks, QueryError};
use crate::transformer::{Input, SublayerAt};

/// The cosines of one neuron.
struct Cosines {
    /// Of what it reads, of a gated neuron the up side, with its value.
    read: f32,
    /// Of its gate with its value.
    gate: Option<f32>,
}

impl Reader {
    /// Figures of the vectors alone: no word is needed before the best are known.
    pub(super) fn rank_by_input_output(
        &mut self,
        query: &RankQuery,
        class: InputOutputClass,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        let all = 0..self.card.spec.neurons_in(query.layer);
        let gated = self.card.gated();
        let inputs: &[Input] = if gated {
            &[Input::Up, Input::Gate]
        } else {
            &[Input::Gate]
        };
        let at = SublayerAt::feed_forward(query.layer);
        let mut read = Vec::with_capacity(inputs.len());
        for input in inputs {
            self.weights.bring_neurons(
                query.layer,
                all.clone(),
                *input,
                callbacks.without_partial(),
            )?;
            let keys = self.weights.keys(query.layer, all.clone(), *input)?;
            read.push(self.folded(query.convention, at, Side::Reads, keys)?);
        }
        let values = self.weights.values(query.layer, all.clone())?;
        let values = self.folded(query.convention, at, Side::Writes, values)?;
        let figure = |n: usize| {
            let with = |vectors: &Matrix| cosine(vectors.row(n), values.row(n));
            let cosines = Cosines {
                read: with(&read[0]),
                gate: read.get(1).map(with),
            };
            cosines.figure(class)
        };
        let figures = all.map(figure).collect();
        self.neurons_by(query, figures, callbacks)
    }
}

impl Cosines {
    /// How clearly the neuron is of a class: at least a half if it is.
    fn figure(&self, class: InputOutputClass) -> f32 {
        let (a, gate) = (self.read, self.gate.map(f32::abs));
        let is = |x: f32| gate.map_or(x, |g| x.min(g));
        let is_not = |x: f32| gate.map_or(x, |g| x.min(1.0 - g));
        match class {
            InputOutputClass::Enrichment => is(a),
            InputOutputClass::Depletion => is(-a),
            InputOutputClass::ConditionalEnrichment => is_not(a),
            InputOutputClass::ConditionalDepletion => is_not(-a),
            InputOutputClass::ProportionalChange => is(1.0 - a.abs()),
            InputOutputClass::OrthogonalOutput => is_not(1.0 - a.abs()),
        }
    }
}

/// Of two vectors; NaN if one is zero.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let products = a.iter().zip(b).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    let [mut ab, mut aa, mut bb] = [0.0; 3];
    for (a, b) in products {
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    (ab / (aa * bb).sqrt()) as f32
}
