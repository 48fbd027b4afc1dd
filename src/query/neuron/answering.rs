//! Neurons' columns: their vectors as a convention has them, and both ends of the scores.

use std::sync::Arc;

use crate::checkpoint::Matrix;
use crate::projection::{BothEnds, Passing};
use crate::query::answering::Callbacks;
use crate::query::convention::Switch;
use crate::query::{Address, NeuronAnswer, NeuronQuery, QueryError};
use crate::transformer::{Sublayer, SublayerAt};

use crate::query::pairs::stacked;
use crate::query::reader::Reader;
use crate::query::reader::convention::{Side, unit};

/// What is projected of some neurons, `[queries, width]` each, and what is added to the scores of
/// each key.
pub(in crate::query) struct NeuronVectors {
    pub(in crate::query) keys: Matrix,
    pub(in crate::query) values: Matrix,
    pub(in crate::query) biases: Vec<Option<f32>>,
}

impl Reader {
    /// Answers queries of the same filters and convention.
    pub(in crate::query) fn neurons(
        &mut self,
        queries: &[NeuronQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<NeuronAnswer>, QueryError> {
        let Some(NeuronQuery {
            layer,
            convention,
            filters,
            ..
        }) = queries.first()
        else {
            return Ok(Vec::new());
        };
        let mask = self.mask(filters, callbacks.cancel)?;
        let positions = self.with_positions(filters)?;
        let vectors = self.vectors(queries, callbacks)?;
        let mut ends: Vec<BothEnds> = Vec::with_capacity(2 * queries.len());
        for _ in 0..2 {
            let ends_of = |query: &NeuronQuery| BothEnds::new(query.k.min(mask.passing));
            ends.extend(queries.iter().map(ends_of));
        }
        // The norm before the feed-forward half is of one kind in all layers.
        let at = SublayerAt::feed_forward(*layer);
        let mut blocks = Vec::with_capacity(2);
        let both = [Side::Reads, Side::Writes];
        let [read, written] = both.map(|side| self.rows(*convention, at, side, callbacks));
        blocks.push([read?, written?]);
        if positions {
            let [read, written] =
                both.map(|side| self.positions_as(*convention, at, side, callbacks));
            blocks.push([read?, written?]);
        }
        let mut first_id = 0;
        for [read, written] in blocks {
            let flags = &mask.passes[first_id..first_id + read.len()];
            let passing = Passing {
                flags,
                first_id: first_id as u32,
            };
            first_id += read.len();
            // Keys and values together, where they are projected on the same rows.
            if Arc::ptr_eq(&read, &written) {
                let both = stacked(vectors.keys.clone(), &vectors.values);
                read.offer_scores(&both, passing, &mut ends, callbacks.cancel)?;
            } else {
                let (of_keys, of_values) = ends.split_at_mut(queries.len());
                read.offer_scores(&vectors.keys, passing, of_keys, callbacks.cancel)?;
                written.offer_scores(&vectors.values, passing, of_values, callbacks.cancel)?;
            }
        }
        let of_values = ends.split_off(queries.len());
        let columns = ends.into_iter().zip(of_values).zip(vectors.biases);
        let answers = columns.map(|((key, value), bias)| {
            let ends = [key.highest, value.highest, key.lowest, value.lowest];
            let mut columns = ends.map(|best| best.into_sorted());
            if let Some(bias) = bias {
                columns[0].iter_mut().for_each(|s| s.score += bias);
                columns[2].iter_mut().for_each(|s| s.score -= bias);
            }
            NeuronAnswer {
                columns,
                bias,
                passing: mask.passing,
                rows: mask.passes.len(),
            }
        });
        Ok(answers.collect())
    }

    /// The vectors as they are projected.
    pub(in crate::query) fn vectors(
        &mut self,
        queries: &[NeuronQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<NeuronVectors, QueryError> {
        let width = self.card.spec.d_model;
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let mut biases = Vec::with_capacity(queries.len());
        let follows = |a: &NeuronQuery, b: &NeuronQuery| {
            a.layer == b.layer && a.input == b.input && a.neuron.checked_add(1) == Some(b.neuron)
        };
        // Neurons side by side are read together: in some files they are columns.
        for run in queries.chunk_by(follows) {
            let (layer, first, input) = (run[0].layer, run[0].neuron, run[0].input);
            for neuron in [first, run[run.len() - 1].neuron] {
                self.card.check(Address::Neuron { layer, neuron })?;
            }
            let neurons = first..first + run.len();
            self.weights.bring_neurons(
                layer,
                neurons.clone(),
                input,
                callbacks.without_partial(),
            )?;
            let convention = run[0].convention;
            let key = self.weights.keys(layer, neurons.clone(), input)?;
            let value = self.weights.values(layer, neurons)?;
            let mut bias = match convention.adds() {
                true => self.biases(&run[0], &key)?,
                false => vec![None; run.len()],
            };
            let at = SublayerAt::feed_forward(layer);
            let mut key = self.projected(convention, at, Side::Reads, key, callbacks)?;
            let written = Side::Writes;
            let mut value = self.projected(convention, at, written, value, callbacks)?;
            if convention.has(Switch::Cosine) {
                unit(&mut value);
                to_unit(&mut key, &mut bias);
            }
            keys.extend_from_slice(key.data());
            values.extend_from_slice(value.data());
            biases.extend(bias);
        }
        let matrix = |data| Matrix::new(queries.len(), width, data);
        Ok(NeuronVectors {
            keys: matrix(keys),
            values: matrix(values),
            biases,
        })
    }

    /// What is added to the products with neighbouring keys from `first` on: their own biases,
    /// and with gains folded in what the norm's bias brings.
    pub(in crate::query) fn biases(
        &self,
        first: &NeuronQuery,
        keys: &Matrix,
    ) -> Result<Vec<Option<f32>>, QueryError> {
        let (layer, n) = (first.layer, keys.rows());
        let neurons = first.neuron..first.neuron + n;
        let own = match first.convention.has(Switch::Biases) {
            true => self.weights.key_biases(layer, neurons, first.input)?,
            false => None,
        };
        let norm = match first.convention.folds_gains() {
            true => self.weights.norm_before(layer, Sublayer::FeedForward)?,
            false => None,
        };
        let through = norm.as_ref().and_then(|norm| norm.added());
        let bias = |i: usize| {
            let own = own.as_ref().map(|own| f64::from(own[i]));
            let through = through.map(|bias| {
                let terms = bias.iter().zip(keys.row(i));
                terms
                    .map(|(&b, &k)| f64::from(b) * f64::from(k))
                    .sum::<f64>()
            });
            let sum = own.into_iter().chain(through).reduce(|a, b| a + b);
            sum.map(|sum| sum as f32)
        };
        Ok((0..n).map(bias).collect())
    }
}

/// Brings vectors to length 1, and biases that are added to their scores with them: tokens of
/// length 1 stand for those of length √d_model that a norm gives.
pub(in crate::query) fn to_unit(vectors: &mut Matrix, biases: &mut [Option<f32>]) {
    let tokens = (vectors.cols() as f32).sqrt();
    for (bias, length) in biases.iter_mut().zip(unit(vectors)) {
        let length = if length > 0.0 { length } else { 1.0 };
        *bias = bias.map(|bias| bias / (tokens * length));
    }
}
