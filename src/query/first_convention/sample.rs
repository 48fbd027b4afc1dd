//! The sample that conventions are judged by: parts of one layer each, drawn the same every time.

use rayon::prelude::*;

use crate::checkpoint::{Matrix, Reading, Spec};
use crate::projection::End;
use crate::query::answering::Callbacks;
use crate::query::convention::Convention;
use crate::query::reader::Reader;
use crate::query::robustness::RandomDirections;
use crate::query::{NeuronQuery, PairsQuery, QueryError, ROBUSTNESS_TOP};
use crate::transformer::{Dictionary, Form, FormWeights, Input};
use crate::vocabulary::Filters;

/// Parts of the sample, spread over the layers; a model with fewer layers has several of one layer.
const PARTS: usize = 12;
/// Neurons of a part whose lists are compared, one of each quantile of length.
const NEURONS: usize = 4;
/// Keys and values of a part, of each quantile of length, that are held against random directions.
const VECTORS: usize = 48;
const DIRECTIONS: usize = 96;
/// Heads of a part.
const HEADS: usize = 4;
/// Random sides of forms: each on the left goes with each on the right.
const SIDES: usize = 5;
/// Tokens of a part among which the best scores are looked for.
const TOKENS: usize = 256;

/// What is drawn of one layer.
pub(super) struct Part {
    pub vectors: Vec<DrawnVectors>,
    pub forms: Vec<DrawnForms>,
    pub tokens: Vec<u32>,
}

/// Keys or values, and random directions like those of their layer, `[n, d_model]`.
pub(super) struct DrawnVectors {
    pub layer: usize,
    pub kind: Dictionary,
    pub own: Matrix,
    pub random: Matrix,
}

/// A form of a part's heads, and random ones made of these heads' channels. None of the conventions
/// that are tried has the norms of queries and keys.
pub(super) struct DrawnForms {
    /// Of the first head.
    pub query: PairsQuery,
    pub own: Vec<FormWeights>,
    pub random: Vec<FormWeights>,
}

/// What of a model can be read as words.
pub(super) struct Readable {
    pub kinds: Vec<Dictionary>,
    forms: Vec<Form>,
}

impl Reader {
    /// What of the model can be read as words.
    pub(super) fn readable(&self) -> Readable {
        let readable = |reading| self.card.spec.unknown_for(reading).is_none();
        let written = self.card.has_output(Convention::RAW);
        let mut kinds = Vec::with_capacity(2);
        if readable(Reading::Neurons) {
            kinds.push(Dictionary::Keys(Input::Gate));
            kinds.extend(written.then_some(Dictionary::Values));
        }
        let mut forms = Vec::with_capacity(2);
        forms.extend((written && readable(Reading::Vo)).then_some(Form::Vo));
        forms.extend(readable(Reading::Qk).then_some(Form::Qk));
        Readable { kinds, forms }
    }

    /// The layers of the sample's parts.
    pub(super) fn layers_of_parts(&self) -> impl Iterator<Item = usize> + use<> {
        let spec = &self.card.spec;
        // Of a hybrid those that have both, if there are any.
        let has = |layer: &usize| spec.heads_in(*layer) > 0 && spec.neurons_in(*layer) > 0;
        let mut layers: Vec<usize> = (0..spec.layers).filter(has).collect();
        if layers.is_empty() {
            layers = (0..spec.layers).collect();
        }
        (0..PARTS).map(move |part| layers[(2 * part + 1) * layers.len() / (2 * PARTS)])
    }

    /// The neurons of a part whose lists are compared.
    pub(super) fn draw_neurons(
        &self,
        number: usize,
        layer: usize,
        readable: &Readable,
    ) -> Result<Vec<NeuronQuery>, QueryError> {
        let layer = self.nearest(layer, Spec::neurons_in);
        let Some(kind) = readable.kinds.first() else {
            return Ok(Vec::new());
        };
        let mut random = fastrand::Rng::with_seed(number as u64);
        let all = self.all_vectors(*kind, layer)?;
        let drawn = of_each_quantile(&all, NEURONS, &mut random).into_iter();
        Ok(drawn.map(|neuron| neuron_query(layer, neuron)).collect())
    }

    /// The nearest layer that has any of what is counted.
    fn nearest(&self, layer: usize, count: fn(&Spec, usize) -> usize) -> usize {
        let spec = &self.card.spec;
        let with = (0..spec.layers).filter(|at| count(spec, *at) > 0);
        with.min_by_key(|at| at.abs_diff(layer)).unwrap_or(layer)
    }

    fn all_vectors(&self, kind: Dictionary, layer: usize) -> Result<Matrix, QueryError> {
        let all = 0..self.card.spec.neurons_in(layer);
        Ok(match kind {
            Dictionary::Keys(input) => self.weights.keys(layer, all, input)?,
            Dictionary::Values => self.weights.values(layer, all)?,
        })
    }

    /// A part of the sample, but for its neurons.
    pub(super) fn draw_part(
        &mut self,
        number: usize,
        layer: usize,
        readable: &Readable,
        callbacks: Callbacks<'_>,
    ) -> Result<Part, QueryError> {
        let mut random = fastrand::Rng::with_seed((PARTS + number) as u64);
        let mask = self.mask(&Filters::default(), callbacks.cancel)?;
        let passing = (0..self.card.spec.vocab as u32).filter(|&id| mask.passes[id as usize]);
        let mut tokens = random.choose_multiple(passing, TOKENS);
        tokens.sort_unstable();
        let mut part = Part {
            vectors: Vec::with_capacity(readable.kinds.len()),
            forms: Vec::with_capacity(readable.forms.len()),
            tokens,
        };
        let with_heads = self.nearest(layer, Spec::heads_in);
        let layer = self.nearest(layer, Spec::neurons_in);
        for &kind in &readable.kinds {
            callbacks.cancel.check()?;
            let all = self.all_vectors(kind, layer)?;
            let drawn = of_each_quantile(&all, VECTORS, &mut random);
            let own = drawn.iter().flat_map(|&row| all.row(row)).copied();
            part.vectors.push(DrawnVectors {
                layer,
                kind,
                own: Matrix::new(drawn.len(), all.cols(), own.collect()),
                random: RandomDirections::new(number as u64).like(&all, DIRECTIONS),
            });
        }
        let heads = random.choose_multiple(0..self.card.spec.heads_in(with_heads), HEADS);
        for &form in &readable.forms {
            callbacks.cancel.check()?;
            part.forms
                .push(self.draw_forms(form, with_heads, number, &heads)?);
        }
        Ok(part)
    }

    fn draw_forms(
        &self,
        form: Form,
        layer: usize,
        part: usize,
        heads: &[usize],
    ) -> Result<DrawnForms, QueryError> {
        let query = PairsQuery {
            form,
            layer,
            head: heads.first().copied().unwrap_or_default(),
            distance: 0,
            end: End::Highest,
            k: ROBUSTNESS_TOP,
            filters: Filters::default(),
            convention: Convention::RAW,
        };
        let own = heads.iter().map(|&head| self.form_of(&query, head, None));
        let own = own.collect::<Result<_, _>>()?;
        let head_vectors = self.head_vectors(&query, None, heads)?;
        let random = (0..SIDES).into_par_iter();
        let random = random.map(|at| head_vectors.drawn_form(layer, part * SIDES + at));
        let random = random.collect();
        Ok(DrawnForms { query, own, random })
    }
}

/// The numbers of so many vectors, one of each quantile of length, the shortest first.
fn of_each_quantile(vectors: &Matrix, count: usize, random: &mut fastrand::Rng) -> Vec<usize> {
    let length = |row: usize| vectors.row(row).iter().map(|x| x * x).sum::<f32>();
    let mut by_length: Vec<(f32, usize)> = (0..vectors.rows()).map(|n| (length(n), n)).collect();
    by_length.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let quantile = |at: usize| at * by_length.len() / count;
    (0..count)
        .map(|at| quantile(at)..quantile(at + 1))
        .filter(|quantile| !quantile.is_empty())
        .map(|quantile| by_length[random.usize(quantile)].1)
        .collect()
}

fn neuron_query(layer: usize, neuron: usize) -> NeuronQuery {
    NeuronQuery {
        layer,
        neuron,
        input: Input::Gate,
        k: ROBUSTNESS_TOP,
        filters: Filters::default(),
        convention: Convention::RAW,
    }
}
