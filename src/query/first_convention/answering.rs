//! Trying conventions on a small sample of a model: neurons and heads of a few layers, heads among
//! some tokens only.

use candle_core::Device;

use super::{ConventionFigures, FirstConventionAnswer, TRIED};
use crate::checkpoint::{Matrix, Reading};
use crate::projection::{BothEnds, End, Passing, Rows};
use crate::query::ROBUSTNESS_TOP;
use crate::query::answering::Callbacks;
use crate::query::convention::Convention;
use crate::query::rank::cache;
use crate::query::reader::Reader;
use crate::query::reader::convention::unit;
use crate::query::{NeuronQuery, PairsQuery, QueryError};
use crate::transformer::{Dictionary, Form, FormWeights, Input, SublayerAt};
use crate::vocabulary::Filters;

use crate::query::robustness::{RandomDirections, kept, side, standard};

/// Layers of the sample, and of these those whose heads are in it.
const LAYERS: usize = 6;
const HEAD_LAYERS: usize = 3;
/// Neurons of each layer, and heads.
const NEURONS: usize = 4;
const HEADS: usize = 2;
/// Tokens that heads, and best scores, are judged by.
const TOKENS: usize = 1024;
/// Random directions of a layer, and random forms.
const DIRECTIONS: usize = 16;
const FORMS: usize = 8;
/// Heads whose channels random forms are mixed of.
const MIXED: usize = 4;

/// What is looked at under each convention.
struct Chosen {
    neurons: Vec<NeuronQuery>,
    heads: Vec<(PairsQuery, DrawnForms)>,
    /// Keys and values of the layers' neurons in `neurons`, and random directions like those of
    /// their layer, `[n, d_model]`.
    vectors: Vec<Drawn>,
    tokens: Vec<u32>,
    /// Whether what is written can be read.
    written: bool,
}

struct Drawn {
    layer: usize,
    kind: Dictionary,
    own: Matrix,
    random: Matrix,
}

/// A head's form, and random ones like those of its layer: none of the conventions that are tried
/// has the norms of queries and keys.
struct DrawnForms {
    own: FormWeights,
    random: Vec<FormWeights>,
}

/// Lists and standard scores under a convention.
#[derive(Default)]
struct Seen {
    convention: Convention,
    neurons: Vec<Vec<u32>>,
    heads: Vec<Vec<(u32, u32)>>,
    z_of_neurons: Vec<f32>,
    z_of_heads: Vec<f32>,
}

impl Reader {
    /// The figures of each convention that is tried.
    pub(in crate::query) fn first_convention(
        &mut self,
        callbacks: Callbacks<'_>,
    ) -> Result<FirstConventionAnswer, QueryError> {
        let named = TRIED.iter().filter_map(|name| name.parse().ok());
        let offered = named.filter(|c: &Convention| c.offered(&self.card) == *c);
        let tried: Vec<Convention> = offered.collect();
        let file = self.first_convention_file(&tried, callbacks)?;
        if let Some(kept) = file.as_deref().and_then(cache::kept) {
            return Ok(kept);
        }
        let chosen = self.choose(callbacks)?;
        let mut seen = Vec::with_capacity(tried.len());
        for convention in tried {
            seen.push(self.look(convention, &chosen, callbacks)?);
        }
        let figures = (0..seen.len()).map(|at| figures(&seen, at)).collect();
        let answer = FirstConventionAnswer::new(figures);
        if let Some(file) = &file {
            cache::keep(file, &answer);
        }
        Ok(answer)
    }

    /// The sample, the same every time.
    fn choose(&mut self, callbacks: Callbacks<'_>) -> Result<Chosen, QueryError> {
        let spec = self.card.spec.clone();
        let mut random = fastrand::Rng::with_seed(0);
        let mask = self.mask(&Filters::default(), callbacks.cancel)?;
        let passing = (0..spec.vocab as u32).filter(|&id| mask.passes[id as usize]);
        let mut tokens = random.choose_multiple(passing, TOKENS);
        tokens.sort_unstable();
        let mut layers: Vec<usize> = (0..LAYERS)
            .map(|i| (2 * i + 1) * spec.layers / (2 * LAYERS))
            .collect();
        layers.dedup();
        let readable = |reading| spec.unknown_for(reading).is_none();
        let written = self.card.has_output(Convention::RAW);
        let kinds: &[Dictionary] = match readable(Reading::Neurons) {
            false => &[],
            true if written => &[Dictionary::Keys(Input::Gate), Dictionary::Values],
            true => &[Dictionary::Keys(Input::Gate)],
        };
        let mut forms = Vec::with_capacity(2);
        forms.extend((written && readable(Reading::Vo)).then_some(Form::Vo));
        forms.extend(readable(Reading::Qk).then_some(Form::Qk));
        let mut chosen = Chosen {
            neurons: Vec::new(),
            heads: Vec::new(),
            vectors: Vec::new(),
            tokens,
            written,
        };
        for (at, &layer) in layers.iter().enumerate() {
            let mut neurons = random.choose_multiple(0..spec.neurons, NEURONS);
            neurons.sort_unstable();
            for &kind in kinds {
                callbacks.cancel.check()?;
                let all = match kind {
                    Dictionary::Keys(input) => self.weights.keys(layer, 0..spec.neurons, input)?,
                    Dictionary::Values => self.weights.values(layer, 0..spec.neurons)?,
                };
                let own = neurons.iter().flat_map(|&n| all.row(n)).copied().collect();
                chosen.vectors.push(Drawn {
                    layer,
                    kind,
                    own: Matrix::new(neurons.len(), spec.d_model, own),
                    random: RandomDirections::new(layer as u64).like(&all, DIRECTIONS),
                });
            }
            let neurons = neurons.iter().filter(|_| !kinds.is_empty());
            chosen.neurons.extend(neurons.map(|&neuron| NeuronQuery {
                layer,
                neuron,
                input: Input::Gate,
                k: ROBUSTNESS_TOP,
                filters: Filters::default(),
                convention: Convention::RAW,
            }));
            if at % (LAYERS / HEAD_LAYERS) != 0 {
                continue;
            }
            for head in random.choose_multiple(0..spec.heads, HEADS) {
                for &form in &forms {
                    callbacks.cancel.check()?;
                    let query = PairsQuery {
                        form,
                        layer,
                        head,
                        distance: 0,
                        end: End::Highest,
                        k: ROBUSTNESS_TOP,
                        filters: Filters::default(),
                        convention: Convention::RAW,
                    };
                    let drawn = self.drawn_forms(&query)?;
                    chosen.heads.push((query, drawn));
                }
            }
        }
        Ok(chosen)
    }

    /// The sample under a convention.
    fn look(
        &mut self,
        convention: Convention,
        chosen: &Chosen,
        callbacks: Callbacks<'_>,
    ) -> Result<Seen, QueryError> {
        let mut seen = Seen {
            convention,
            ..Seen::default()
        };
        let queries: Vec<NeuronQuery> = chosen
            .neurons
            .iter()
            .map(|query| NeuronQuery {
                convention,
                ..query.clone()
            })
            .collect();
        let answers = self.neurons(&queries, callbacks)?;
        for answer in answers {
            let [key, value, ..] = &answer.columns;
            let lists = std::iter::once(key).chain(chosen.written.then_some(value));
            let ids = lists.map(|list| list.iter().map(|s| s.id).collect());
            seen.neurons.extend(ids);
        }
        for drawn in &chosen.vectors {
            let z = self.z_of_vectors(convention, drawn, &chosen.tokens, callbacks)?;
            seen.z_of_neurons.extend(z);
        }
        for (query, drawn) in &chosen.heads {
            let query = PairsQuery {
                convention,
                ..query.clone()
            };
            self.look_at_head((&query, drawn), &chosen.tokens, &mut seen, callbacks)?;
        }
        Ok(seen)
    }

    /// How far the best scores of a layer's neurons lie above those of random directions, among
    /// some tokens.
    fn z_of_vectors(
        &mut self,
        convention: Convention,
        drawn: &Drawn,
        tokens: &[u32],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<f32>, QueryError> {
        let (at, side) = (SublayerAt::feed_forward(drawn.layer), side(drawn.kind));
        let rows = self.rows(convention, at, side, callbacks)?;
        let rows = Rows::new(rows.pick(tokens)?, &Device::Cpu)?;
        let flags = vec![true; tokens.len()];
        let passing = Passing {
            flags: &flags,
            first_id: 0,
        };
        let mut best = |vectors: Matrix| -> Result<Vec<f32>, QueryError> {
            let mut vectors = self.projected(convention, at, side, vectors, callbacks)?;
            unit(&mut vectors);
            let mut ends = vec![BothEnds::new(1); vectors.rows()];
            rows.offer_scores(&vectors, passing, &mut ends, callbacks.cancel)?;
            let highest = ends.into_iter().map(|ends| ends.highest.into_sorted());
            let best = highest.filter_map(|best| best.first().map(|s| s.score));
            Ok(best.collect())
        };
        let (own, random) = (best(drawn.own.clone())?, best(drawn.random.clone())?);
        let z = own.into_iter().filter_map(|own| standard(own, &random));
        Ok(z.collect())
    }

    /// A head's pairs among some tokens, and how far the best lies above chance.
    fn look_at_head(
        &mut self,
        (query, forms): (&PairsQuery, &DrawnForms),
        tokens: &[u32],
        seen: &mut Seen,
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        let sample = self.sample_of(query, tokens.to_vec(), callbacks)?;
        let own = (forms.own.clone(), None);
        let own = self.pairs_of_form(query, own, &sample, callbacks)?;
        seen.heads.push(own.pairs);
        let one = PairsQuery {
            k: 1,
            ..query.clone()
        };
        let mut random = Vec::with_capacity(FORMS);
        for drawn in &forms.random {
            let found = self.pairs_of_form(&one, (drawn.clone(), None), &sample, callbacks)?;
            random.push(found.best);
        }
        seen.z_of_heads.extend(standard(own.best, &random));
        Ok(())
    }

    /// A head's form, and random ones of its channels and those of the heads after it.
    fn drawn_forms(&self, query: &PairsQuery) -> Result<DrawnForms, QueryError> {
        let heads = self.card.spec.heads;
        let mixed = (0..MIXED.min(heads)).map(|i| (query.head + i) % heads);
        let channels = self.channels(query, None, &mixed.collect::<Vec<usize>>())?;
        let random = (0..FORMS).map(|number| channels.drawn_form(query.layer, number));
        Ok(DrawnForms {
            own: self.form_of(query, query.head, None)?,
            random: random.collect(),
        })
    }
}

fn figures(seen: &[Seen], at: usize) -> ConventionFigures {
    let own = &seen[at];
    let others = seen.iter().enumerate().filter(|(other, _)| *other != at);
    let mut of_neurons = Vec::new();
    let mut of_heads = Vec::new();
    for (_, other) in others {
        let both = own.neurons.iter().zip(&other.neurons);
        of_neurons.extend(both.filter_map(|(a, b)| kept((a, b, ROBUSTNESS_TOP), |a, b| a == b)));
        let both = own.heads.iter().zip(&other.heads);
        of_heads.extend(both.filter_map(|(a, b)| kept((a, b, ROBUSTNESS_TOP), |a, b| a == b)));
    }
    ConventionFigures {
        convention: own.convention,
        stay: (mean(&of_neurons) + mean(&of_heads)) / 2.0,
        z: (median(&own.z_of_neurons) + median(&own.z_of_heads)) / 2.0,
    }
}

/// 0 of none.
fn mean(of: &[f32]) -> f32 {
    of.iter().sum::<f32>() / of.len().max(1) as f32
}

/// The upper one of two; 0 of none.
fn median(of: &[f32]) -> f32 {
    let mut sorted = of.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
