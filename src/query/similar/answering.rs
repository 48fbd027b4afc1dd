//! Cosines of whole columns by the kernels of two embeddings over their shared tokens.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::{SimilarNeuron, SimilarNeuronsAnswer, SimilarNeuronsQuery};
use crate::checkpoint::Matrix;
use crate::projection::{Rows, Scored, product};
use crate::query::reader::Reader;
use crate::query::reader::convention::Side;
use crate::query::{Answering, Callbacks, NeuronQuery, Query, QueryError};
use crate::task::CancelToken;
use crate::transformer::SublayerAt;
use crate::vocabulary::Vocabulary;

/// Rows of an embedding that are picked at a time.
const ROWS: usize = 4096;
/// Neurons of which a thread takes the products at a time.
const NEURONS: usize = 256;

/// Tokens of two vocabularies that have the same string, in the same order.
struct SharedTokens {
    own: Vec<u32>,
    other: Vec<u32>,
}

/// The column of the neuron that is asked about, over the shared tokens.
struct Column {
    scores: Vec<f64>,
    length: f64,
}

/// What the other model's vectors are multiplied with.
struct Kernel {
    rows: Arc<Rows>,
    /// E′ᵀ times the column, `[d_model′]`.
    along: Vec<f32>,
    /// E′ᵀE′, `[d_model′, d_model′]`.
    gram: Matrix,
}

impl Reader {
    /// The neurons of another model, or of this one, whose columns are most like a neuron's.
    ///
    /// # Errors
    /// A neuron that is not there, a convention that a model does not offer, no shared tokens, weights
    /// that cannot be read, or a cancelled token.
    pub fn similar_neurons_to(
        &mut self,
        query: &SimilarNeuronsQuery,
        mut other: Option<&mut Reader>,
        callbacks: Callbacks<'_>,
    ) -> Result<SimilarNeuronsAnswer, QueryError> {
        let asked = query.neuron(query.layer, query.neuron);
        self.card.check_query(&Query::Neuron(asked.clone()))?;
        let of = other.as_deref_mut().map(|other| Arc::clone(&other.card));
        let of = of.unwrap_or_else(|| Arc::clone(&self.card));
        of.check_convention(query.convention)?;
        let unfit = |why| QueryError::Nothing {
            model: of.name.clone(),
            what: why,
        };
        of.check_input(query.input).map_err(unfit)?;
        let tokens = [&self.card, &of].map(|card| card.vocabulary.len());
        let shared = self.shared_tokens(query, &of.vocabulary, callbacks)?;
        let own_words = words(&self.answer_neurons(&[asked], callbacks)?)
            .pop()
            .unwrap_or_default();
        let has_values = [&self.card, &of]
            .into_iter()
            .all(|card| card.has_output(query.convention));
        let mut cosines = Vec::new();
        for side in [Side::Reads, Side::Writes] {
            if side == Side::Writes && !has_values {
                continue;
            }
            let column = self.column(query, side, &shared.own, callbacks)?;
            let model = match other.as_deref_mut() {
                Some(other) => other,
                None => &mut *self,
            };
            cosines.push(model.all_cosines(query, side, (&column, &shared.other), callbacks)?);
        }
        let within = other.is_none();
        let (by_key, by_value) = lists(query, &cosines, within);
        let model = match other {
            Some(other) => other,
            None => self,
        };
        Ok(SimilarNeuronsAnswer {
            by_key: model.add_similar_words(query, by_key, callbacks)?,
            by_value: model.add_similar_words(query, by_value, callbacks)?,
            shared: shared.own.len(),
            tokens,
            own_words,
        })
    }

    fn shared_tokens(
        &mut self,
        query: &SimilarNeuronsQuery,
        of: &Vocabulary,
        callbacks: Callbacks<'_>,
    ) -> Result<SharedTokens, QueryError> {
        let mask = self.mask(&query.filters, callbacks.cancel)?;
        let raw = |vocabulary: &Vocabulary, id: u32| {
            vocabulary.token(id).map(|token| token.raw.to_string())
        };
        let others = (0..of.rows() as u32).filter_map(|id| Some((raw(of, id)?, id)));
        let others: HashMap<String, u32> = others.collect();
        let own = &self.card.vocabulary;
        let both = (0..own.rows() as u32)
            .filter(|id| mask.passes[*id as usize])
            .filter_map(|id| Some((id, *others.get(&raw(own, id)?)?)));
        let (own, other): (Vec<u32>, Vec<u32>) = both.unzip();
        match own.is_empty() {
            true => Err(self.model().nothing(
                "no token of its vocabulary that passes the filters is one of the other model's: \
                 columns cannot be compared"
                    .to_owned(),
            )),
            false => Ok(SharedTokens { own, other }),
        }
    }

    /// The one column that is formed.
    fn column(
        &mut self,
        query: &SimilarNeuronsQuery,
        side: Side,
        tokens: &[u32],
        callbacks: Callbacks<'_>,
    ) -> Result<Column, QueryError> {
        let neurons = query.neuron..query.neuron + 1;
        let (rows, vector) = self.side_of(query, query.layer, neurons, side, callbacks)?;
        let mut scores = Vec::with_capacity(tokens.len());
        for some in tokens.chunks(ROWS) {
            callbacks.cancel.check()?;
            let rows = rows.pick(some)?;
            let products = product(&rows, &vector.clone().transposed());
            scores.extend(products.data().iter().map(|&x| f64::from(x)));
        }
        let length = scores.iter().map(|x| x * x).sum::<f64>().sqrt();
        Ok(Column { scores, length })
    }

    /// What a layer's neurons are projected on, and their vectors as they are projected.
    fn side_of(
        &mut self,
        query: &SimilarNeuronsQuery,
        layer: usize,
        neurons: std::ops::Range<usize>,
        side: Side,
        callbacks: Callbacks<'_>,
    ) -> Result<(Arc<Rows>, Matrix), QueryError> {
        let at = SublayerAt::feed_forward(layer);
        let vectors = match side {
            Side::Reads => self.weights.keys(layer, neurons, query.input)?,
            Side::Writes => self.weights.values(layer, neurons)?,
        };
        let vectors = self.projected(query.convention, at, side, vectors, callbacks)?;
        Ok((self.rows(query.convention, at, side, callbacks)?, vectors))
    }

    /// The cosines of all neurons, layer by layer.
    fn all_cosines(
        &mut self,
        query: &SimilarNeuronsQuery,
        side: Side,
        (column, tokens): (&Column, &[u32]),
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Vec<Option<f32>>>, QueryError> {
        let mut kernel: Option<Kernel> = None;
        let mut all = Vec::with_capacity(self.card.spec.layers);
        for layer in 0..self.card.spec.layers {
            callbacks.cancel.check()?;
            let neurons = 0..self.card.spec.neurons_in(layer);
            if neurons.is_empty() {
                all.push(Vec::new());
                continue;
            }
            self.weights.bring_neurons(
                layer,
                neurons.clone(),
                query.input,
                callbacks.without_partial(),
            )?;
            let (rows, vectors) = self.side_of(query, layer, neurons, side, callbacks)?;
            let kernel = match kernel.take() {
                // Rows that count otherwise in every layer have kernels of their own.
                Some(known) if Arc::ptr_eq(&known.rows, &rows) => kernel.insert(known),
                _ => kernel.insert(Kernel::of(rows, tokens, column, callbacks.cancel)?),
            };
            all.push(kernel.cosines(&vectors, column.length));
        }
        Ok(all)
    }

    fn add_similar_words(
        &mut self,
        query: &SimilarNeuronsQuery,
        mut list: Vec<SimilarNeuron>,
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<SimilarNeuron>, QueryError> {
        let queries = list.iter().map(|of| query.neuron(of.layer, of.neuron));
        let queries: Vec<NeuronQuery> = queries.collect();
        let answers = self.answer_neurons(&queries, callbacks.without_partial())?;
        for (neuron, [key, value]) in list.iter_mut().zip(words(&answers)) {
            (neuron.key_words, neuron.value_words) = (key, value);
        }
        Ok(list)
    }
}

impl SimilarNeuronsQuery {
    /// A neuron's lists, as far as they are shown.
    fn neuron(&self, layer: usize, neuron: usize) -> NeuronQuery {
        NeuronQuery {
            layer,
            neuron,
            input: self.input,
            k: self.words,
            filters: self.filters.per_token(),
            convention: self.convention,
        }
    }
}

/// The best tokens of K and V.
fn words(answers: &[crate::query::NeuronAnswer]) -> Vec<[Vec<u32>; 2]> {
    let ids = |list: &[Scored]| list.iter().map(|scored| scored.id).collect();
    let of = |answer: &crate::query::NeuronAnswer| {
        let [key, value, ..] = &answer.columns;
        [ids(key), ids(value)]
    };
    answers.iter().map(of).collect()
}

impl Kernel {
    /// Sums over the shared tokens, in double precision from one piece of the embedding to the next.
    fn of(
        rows: Arc<Rows>,
        tokens: &[u32],
        column: &Column,
        cancel: CancelToken<'_>,
    ) -> Result<Self, QueryError> {
        let width = rows.width();
        let (mut along, mut gram) = (vec![0f64; width], vec![0f64; width * width]);
        for (some, scores) in tokens.chunks(ROWS).zip(column.scores.chunks(ROWS)) {
            cancel.check()?;
            let picked = rows.pick(some)?;
            for (row, score) in (0..picked.rows()).zip(scores) {
                let row = picked.row(row).iter();
                let sums = along.iter_mut().zip(row);
                sums.for_each(|(sum, x)| *sum += score * f64::from(*x));
            }
            let part = product(&picked.clone().transposed(), &picked);
            let sums = gram.iter_mut().zip(part.data());
            sums.for_each(|(sum, x)| *sum += f64::from(*x));
        }
        let single = |numbers: Vec<f64>| numbers.into_iter().map(|x| x as f32).collect();
        Ok(Self {
            rows,
            along: single(along),
            gram: Matrix::new(width, width, single(gram)),
        })
    }

    fn cosines(&self, vectors: &Matrix, length: f64) -> Vec<Option<f32>> {
        let width = vectors.cols().max(1);
        let parts = vectors.data().par_chunks(NEURONS * width);
        let of = |part: &[f32]| -> Vec<Option<f32>> {
            let some = Matrix::new(part.len() / width, width, part.to_vec());
            let turned = product(&some, &self.gram);
            let cosine = |i: usize| {
                let (vector, turned) = (some.row(i), turned.row(i));
                let own = dot(vector, turned).max(0.0).sqrt() * length;
                (own > 0.0).then(|| (dot(vector, &self.along) / own).clamp(-1.0, 1.0) as f32)
            };
            (0..some.rows()).map(cosine).collect()
        };
        parts.flat_map_iter(of).collect()
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
    products.sum()
}

/// The first of all neurons by K and by V; within one model without the neuron itself.
fn lists(
    query: &SimilarNeuronsQuery,
    cosines: &[Vec<Vec<Option<f32>>>],
    within: bool,
) -> (Vec<SimilarNeuron>, Vec<SimilarNeuron>) {
    let of = |side: usize, layer: usize, neuron: usize| {
        let side = cosines.get(side)?;
        *side.get(layer)?.get(neuron)?
    };
    let keys = cosines.first().into_iter().flatten().enumerate();
    let all = keys.flat_map(|(layer, keys)| (0..keys.len()).map(move |neuron| (layer, neuron)));
    let all = all.filter(|place| !within || *place != (query.layer, query.neuron));
    let all = all.map(|(layer, neuron)| SimilarNeuron {
        layer,
        neuron,
        key: of(0, layer, neuron),
        value: of(1, layer, neuron),
        key_words: Vec::new(),
        value_words: Vec::new(),
    });
    let all: Vec<SimilarNeuron> = all.collect();
    let best = |by: fn(&SimilarNeuron) -> Option<f32>| {
        let mut best: Vec<&SimilarNeuron> = all.iter().filter(|of| by(of).is_some()).collect();
        // Equal ones stay in the order of their places.
        let falling = |a: &&SimilarNeuron, b: &&SimilarNeuron| {
            by(b).partial_cmp(&by(a)).unwrap_or(Ordering::Equal)
        };
        best.sort_by(falling);
        best.into_iter().take(query.count).cloned().collect()
    };
    (best(|of| of.key), best(|of| of.value))
}
