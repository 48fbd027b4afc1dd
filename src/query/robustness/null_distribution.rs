//! Null distributions of a list's best score: those of random directions and forms that are made
//! from a layer's own vectors.

use candle_core::Device;
use faer::Mat;
use rayon::prelude::*;

use super::{RANDOM_DIRECTIONS, RANDOM_FORMS, RANDOM_FORMS_FIRST, ZScore};
use crate::checkpoint::Matrix;
use crate::projection::{
    BothEnds, End, Pair, PairsWanted, Passing, Rows, best_pairs, gram, product,
};
use crate::query::answering::Callbacks;
use crate::query::convention::Convention;
use crate::query::pairs::{admits, directions};
use crate::query::reader::Reader;
use crate::query::reader::convention::{Side, unit};
use crate::query::{NeuronQuery, PairsQuery, QueryError};
use crate::transformer::{Dictionary, Form, FormWeights, QueryKeyNorms, SublayerAt};
use crate::vocabulary::Filters;

use super::few_tokens::{are_few, best_of_few};
use super::random_directions::RandomDirections;

/// Layers, or lists of heads, whose null distributions are remembered.
const REMEMBERED: usize = 64;
/// Tokens that heads are judged by.
const SAMPLE: usize = 8192;

/// The best scores of random vectors under one [`NullKey`].
#[derive(Clone, Debug, PartialEq)]
struct NullDistribution {
    of: NullKey,
    /// The best scores so far, of both ends of random directions or of one end of random forms.
    best: [Vec<f32>; 2],
}

/// What a null distribution depends on.
#[derive(Clone, Debug, PartialEq)]
enum NullKey {
    Neurons {
        layer: usize,
        vectors: Dictionary,
        convention: Convention,
        filters: Filters,
    },
    Heads(PairsQuery),
}

/// The null distributions drawn so far.
#[derive(Default)]
pub(in crate::query) struct NullDistributions(Vec<NullDistribution>);

impl NullDistributions {
    fn take(&mut self, of: NullKey) -> NullDistribution {
        match self.0.iter().position(|null| null.of == of) {
            Some(at) => self.0.remove(at),
            None => NullDistribution {
                of,
                best: [Vec::new(), Vec::new()],
            },
        }
    }

    fn keep(&mut self, null: NullDistribution) {
        self.0.push(null);
        if self.0.len() > REMEMBERED {
            self.0.remove(0);
        }
    }
}

/// Some tokens, and their rows on both sides of a form.
pub(in crate::query) struct Sample {
    ids: Vec<u32>,
    left: Rows,
    right: Rows,
}

/// The best pairs of a form among some tokens, by their places among these, and the score of the
/// best at size 1.
pub(in crate::query) struct PairsAmongSome {
    pub(in crate::query) pairs: Vec<(u32, u32)>,
    pub(in crate::query) best: f32,
}

/// The channels of a layer's heads on both sides of a form, `[head_vectors, d_model]` each: those of
/// keys and values that heads share are there once.
pub(in crate::query) struct HeadVectors {
    /// Channels of one head.
    head: usize,
    left: Matrix,
    right: Matrix,
}

impl Reader {
    /// The best and the lowest score of each of the random directions of a layer at length 1.
    pub(in crate::query) fn null_of_neurons(
        &mut self,
        query: &NeuronQuery,
        vectors: Dictionary,
        callbacks: Callbacks<'_>,
    ) -> Result<[Vec<f32>; 2], QueryError> {
        let mut null = self.null_distributions.take(NullKey::Neurons {
            layer: query.layer,
            vectors,
            convention: query.convention,
            filters: query.filters.clone(),
        });
        if null.best[0].is_empty() {
            let all = 0..self.card.spec.neurons_in(query.layer);
            let given = match vectors {
                Dictionary::Keys(input) => self.weights.keys(query.layer, all, input)?,
                Dictionary::Values => self.weights.values(query.layer, all)?,
            };
            callbacks.cancel.check()?;
            let mut drawn = RandomDirections::new(query.layer as u64);
            let drawn = drawn.like(&given, RANDOM_DIRECTIONS);
            let at = SublayerAt::feed_forward(query.layer);
            let side = side(vectors);
            let mut drawn = self.projected(query.convention, at, side, drawn, callbacks)?;
            unit(&mut drawn);
            let rows = self.rows(query.convention, at, side, callbacks)?;
            let mask = self.mask(&query.filters, callbacks.cancel)?;
            let passing = Passing {
                flags: &mask.passes[..rows.len()],
                first_id: 0,
            };
            let mut ends = vec![BothEnds::new(1); drawn.rows()];
            rows.offer_scores(&drawn, passing, &mut ends, callbacks.cancel)?;
            for ends in ends {
                let best = [ends.highest, ends.lowest].map(|best| best.into_sorted());
                for (all, best) in null.best.iter_mut().zip(best) {
                    all.extend(best.first().map(|s| s.score));
                }
            }
        }
        let best = null.best.clone();
        self.null_distributions.keep(null);
        Ok(best)
    }

    /// How far the best pair of a head's form lies above those of random forms with the layer's own
    /// channels; among a draw of tokens where there are more. `tell` takes what is known after each
    /// of them, with their number. What was drawn is kept when it is cancelled.
    pub(in crate::query) fn z_of_head(
        &mut self,
        query: &PairsQuery,
        callbacks: Callbacks<'_>,
        tell: &mut dyn FnMut(Option<ZScore>, usize),
    ) -> Result<Option<ZScore>, QueryError> {
        let sample = self.sample(query, callbacks)?;
        let norms = self.norms_of(query)?;
        let norms = norms.as_ref();
        let own = self.form_of(query, query.head, norms)?;
        let one = PairsQuery {
            k: 1,
            ..query.clone()
        };
        let own = self
            .pairs_of_form(&one, (own, norms), &sample, callbacks)?
            .best;
        let mut null = self.null_distributions.take(NullKey::Heads(PairsQuery {
            head: 0,
            ..query.clone()
        }));
        let z = |best: &[f32]| {
            let known = best.len() >= RANDOM_FORMS_FIRST;
            let value = known.then(|| standard(own, best)).flatten();
            let draws = best.len();
            value.map(|value| ZScore { value, draws })
        };
        let mut outcome = Ok(());
        let head_vectors = match null.best[0].len() < RANDOM_FORMS {
            true => {
                let all: Vec<usize> = (0..self.card.spec.heads_in(query.layer)).collect();
                Some(self.head_vectors(query, norms, &all)?)
            }
            false => None,
        };
        while let Some(head_vectors) = &head_vectors
            && null.best[0].len() < RANDOM_FORMS
            && outcome.is_ok()
        {
            let drawn = head_vectors.drawn_form(query.layer, null.best[0].len());
            match self.pairs_of_form(&one, (drawn, norms), &sample, callbacks) {
                Ok(found) => {
                    null.best[0].push(found.best);
                    tell(z(&null.best[0]), null.best[0].len());
                }
                Err(error) => outcome = Err(error),
            }
        }
        let z = z(&null.best[0]);
        self.null_distributions.keep(null);
        outcome.map(|()| z)
    }

    /// The tokens that a form is judged by: all that pass, or a draw of them.
    fn sample(
        &mut self,
        query: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<Sample, QueryError> {
        let mask = self.mask(&query.filters, callbacks.cancel)?;
        let passing = (0..self.card.spec.vocab as u32).filter(|&id| mask.passes[id as usize]);
        let mut ids = fastrand::Rng::with_seed(0).choose_multiple(passing, SAMPLE);
        ids.sort_unstable();
        self.sample_of(query, ids, callbacks)
    }

    /// Some tokens on both sides of a form.
    pub(in crate::query) fn sample_of(
        &mut self,
        query: &PairsQuery,
        ids: Vec<u32>,
        callbacks: Callbacks<'_>,
    ) -> Result<Sample, QueryError> {
        let at = SublayerAt::attention(query.layer);
        let [of_left, of_right] = directions(query);
        let mut rows_of = |side| -> Result<Rows, QueryError> {
            let rows = self.rows(query.convention, at, side, callbacks)?;
            Ok(Rows::new(rows.pick(&ids)?, &Device::Cpu)?)
        };
        let (left, right) = (rows_of(of_left)?, rows_of(of_right)?);
        Ok(Sample { ids, left, right })
    }

    /// The best pairs of a form among some tokens, and the score of the best at size 1. Biases are
    /// left out: chance has none.
    pub(in crate::query) fn pairs_of_form(
        &mut self,
        query: &PairsQuery,
        (weights, norms): (FormWeights, Option<&QueryKeyNorms>),
        sample: &Sample,
        callbacks: Callbacks<'_>,
    ) -> Result<PairsAmongSome, QueryError> {
        let weights = self.projected_form(query, weights, callbacks)?;
        let mut a = sample.left.times(&weights.left, callbacks.cancel)?;
        let mut b = sample.right.times(&weights.right, callbacks.cancel)?;
        // Norms of queries and keys take the form's size out themselves.
        let size = match norms {
            Some(norms) => {
                norms.apply(0, &mut a);
                norms.apply(1, &mut b);
                1.0
            }
            None => size(&weights),
        };
        let admits = admits(&self.card.vocabulary, &query.filters);
        let want = PairsWanted {
            k: query.k,
            end: query.end,
            passing: &vec![true; sample.ids.len()],
            admits: &|from, to| admits(sample.ids[from as usize], sample.ids[to as usize]),
        };
        let best = match are_few(&a, &b) {
            true => best_of_few(&a, &b, &want),
            false => best_pairs(&a, &b, &want, callbacks.cancel, &mut |_, _| {})?,
        };
        let sign = if query.end == End::Lowest { -1.0 } else { 1.0 };
        let score = best.first().map_or(0.0, |pair| sign * pair.score / size);
        let pairs = best.iter().map(|pair: &Pair| (pair.from, pair.to));
        Ok(PairsAmongSome {
            pairs: pairs.collect(),
            best: score,
        })
    }

    /// The best scores at size 1, among some tokens of which every pair is admitted, of all forms
    /// that have the left side of one of the given forms and the right side of one. Many for little:
    /// each side is projected once.
    pub(in crate::query) fn best_of_sides(
        &mut self,
        query: &PairsQuery,
        forms: &[FormWeights],
        sample: &Sample,
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<f32>, QueryError> {
        let (mut lefts, mut rights) = (Vec::new(), Vec::new());
        for form in forms {
            let form = self.projected_form(query, form.clone(), callbacks)?;
            let left = sample.left.times(&form.left, callbacks.cancel)?;
            let right = sample.right.times(&form.right, callbacks.cancel)?;
            let (of_left, of_right) = rayon::join(|| gram(&form.left), || gram(&form.right));
            lefts.push((left, of_left));
            rights.push((right.transposed(), of_right));
        }
        let of_left = |(left, of_left): &(Matrix, Mat<f64>)| -> Result<Vec<f32>, QueryError> {
            callbacks.cancel.check()?;
            let of_right = |(right, of_right): &(Matrix, Mat<f64>)| {
                let scores = product(left, right).into_data().into_iter();
                let highest = scores.reduce(f32::max)?;
                Some(highest / size_of((of_left, of_right)))
            };
            Ok(rights.iter().filter_map(of_right).collect())
        };
        let best: Result<Vec<_>, _> = lefts.par_iter().map(of_left).collect();
        Ok(best?.concat())
    }

    /// The channels of some of a layer's heads.
    pub(in crate::query) fn head_vectors(
        &self,
        query: &PairsQuery,
        norms: Option<&QueryKeyNorms>,
        heads: &[usize],
    ) -> Result<HeadVectors, QueryError> {
        let (spec, sizes) = (&self.card.spec, self.card.spec.head_sizes(query.layer));
        // Queries and outputs are a head's own; keys and values are shared by so many.
        let [by_left, by_right] = match query.form {
            Form::Vo => [sizes.queries_per_kv_head(), 1],
            Form::Qk => [1, sizes.queries_per_kv_head()],
        };
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (at, &head) in heads.iter().enumerate() {
            let form = self.form_of(query, head, norms)?;
            let new = |by: usize| heads[..at].iter().all(|before| before / by != head / by);
            if new(by_left) {
                left.extend(form.left.transposed().into_data());
            }
            if new(by_right) {
                right.extend(form.right.transposed().into_data());
            }
        }
        let all = |side: Vec<f32>| Matrix::new(side.len() / spec.d_model, spec.d_model, side);
        Ok(HeadVectors {
            head: sizes.d_head,
            left: all(left),
            right: all(right),
        })
    }
}

impl HeadVectors {
    /// The random form of a number: on each side a random orthogonal mixture of the channels.
    pub(in crate::query) fn drawn_form(&self, layer: usize, number: usize) -> FormWeights {
        let mut draw = RandomDirections::new((layer << 8 | number) as u64);
        FormWeights {
            left: draw.mixtures(&self.left, self.head).transposed(),
            right: draw.mixtures(&self.right, self.head).transposed(),
        }
    }
}

pub(in crate::query) fn side(vectors: Dictionary) -> Side {
    match vectors {
        Dictionary::Keys(_) => Side::Reads,
        Dictionary::Values => Side::Writes,
    }
}

/// How many standard deviations a score lies above the mean of others; `None` if they are all
/// alike, or one is no number.
pub(in crate::query) fn standard(score: f32, others: &[f32]) -> Option<f32> {
    let n = others.len() as f64;
    let mean = others.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let squares = others.iter().map(|&x| (f64::from(x) - mean).powi(2));
    let deviation = (squares.sum::<f64>() / (n - 1.0)).sqrt();
    let z = (f64::from(score) - mean) / deviation;
    z.is_finite().then_some(z as f32)
}

/// The Frobenius norm of a form `left·rightᵀ`.
fn size(form: &FormWeights) -> f32 {
    let (left, right) = rayon::join(|| gram(&form.left), || gram(&form.right));
    size_of((&left, &right))
}

/// The same by the Gram matrices of its two sides.
fn size_of((left, right): (&Mat<f64>, &Mat<f64>)) -> f32 {
    let head_vectors = left.ncols();
    // ‖left·rightᵀ‖² is the sum of the entries of leftᵀ·left times those of rightᵀ·right.
    let entries = (0..head_vectors).flat_map(|j| (0..head_vectors).map(move |i| (i, j)));
    let square: f64 = entries.map(|at| left[at] * right[at]).sum();
    square.max(0.0).sqrt() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_score_is_in_deviations_of_the_others() {
        // Mean 2, deviation 1 with n − 1 below.
        assert_eq!(standard(5.0, &[1.0, 2.0, 3.0]), Some(3.0));
        assert_eq!(standard(5.0, &[2.0, 2.0, 2.0]), None);
        assert_eq!(standard(5.0, &[]), None);
    }

    #[test]
    fn the_size_of_a_form_is_that_of_its_product() {
        // (1 0; 2 1)·(3 1; 0 2)ᵀ = (3 0; 7 2)
        let form = FormWeights {
            left: Matrix::new(2, 2, vec![1.0, 0.0, 2.0, 1.0]),
            right: Matrix::new(2, 2, vec![3.0, 1.0, 0.0, 2.0]),
        };
        assert!((size(&form) - 62f32.sqrt()).abs() < 1e-6);
    }
}
