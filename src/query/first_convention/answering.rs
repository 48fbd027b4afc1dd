//! Trying conventions on a small sample of a model.

use candle_core::Device;

use super::sample::{DrawnForms, DrawnVectors, Readable};
use super::{FirstConventionAnswer, PartFigures, TRIED, Tried};
use crate::checkpoint::{Matrix, Version};
use crate::projection::{BothEnds, Passing, Rows};
use crate::query::answering::Callbacks;
use crate::query::convention::Convention;
use crate::query::rank::cache;
use crate::query::reader::Reader;
use crate::query::reader::convention::unit;
use crate::query::robustness::{kept, side, standard};
use crate::query::{NeuronQuery, PairsQuery, QueryError, ROBUSTNESS_TOP};
use crate::transformer::{Dictionary, SublayerAt};

/// Lists and standard scores of a part under a convention.
#[derive(Default)]
struct Lists {
    neurons: Vec<Vec<u32>>,
    heads: Vec<Vec<(u32, u32)>>,
    z_of_neurons: Vec<f32>,
    z_of_heads: Vec<f32>,
}

/// Parts of the sample that were tried before it was cancelled.
pub(in crate::query) struct TriedParts {
    version: Version,
    /// `[conventions][parts]`.
    lists: Vec<Vec<Lists>>,
    /// How many of them have scores.
    parts: usize,
}

impl TriedParts {
    /// Adds the scores of the next part, under each convention.
    fn add(&mut self, scores: Vec<Lists>) {
        for (lists, scores) in self.lists.iter_mut().zip(scores) {
            lists[self.parts].heads = scores.heads;
            lists[self.parts].z_of_neurons = scores.z_of_neurons;
            lists[self.parts].z_of_heads = scores.z_of_heads;
        }
        self.parts += 1;
    }
}

impl Reader {
    /// The figures of each convention that is tried.
    pub(in crate::query) fn first_convention(
        &mut self,
        callbacks: Callbacks<'_>,
    ) -> Result<FirstConventionAnswer, QueryError> {
        let named = TRIED.iter().filter_map(|name| name.parse().ok());
        let offered = named.filter(|c: &Convention| c.offered(&self.card) == *c);
        let conventions: Vec<Convention> = offered.collect();
        let file = self.first_convention_file(&conventions, callbacks)?;
        if let Some(kept) = file.as_deref().and_then(cache::kept) {
            return Ok(kept);
        }
        let readable = self.readable();
        let layers: Vec<usize> = self.layers_of_parts().collect();
        let lists = self.lists_of_parts(&conventions, &layers, &readable, callbacks)?;
        let tried = conventions.iter().enumerate();
        let tried = tried.map(|(at, &convention)| Tried {
            convention,
            parts: (0..layers.len())
                .map(|part| figures(&lists, at, part))
                .collect(),
        });
        let tried: Vec<Tried> = tried.collect();
        let answer = FirstConventionAnswer::new(&tried);
        if let Some(file) = &file {
            cache::keep(file, &answer);
        }
        Ok(answer)
    }

    /// The lists of each part under each convention, `[conventions][parts]`. What is done of them is
    /// kept when it is cancelled.
    fn lists_of_parts(
        &mut self,
        conventions: &[Convention],
        layers: &[usize],
        readable: &Readable,
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Vec<Lists>>, QueryError> {
        let version = self.weights.version();
        let kept = self.tried_parts.take();
        let mut begun = match kept.filter(|kept| kept.version == version) {
            Some(kept) => kept,
            None => TriedParts {
                version,
                lists: self.neurons_of_parts(conventions, layers, readable, callbacks)?,
                parts: 0,
            },
        };
        while let Some(&layer) = layers.get(begun.parts) {
            match self.scores_of_part(conventions, (begun.parts, layer), readable, callbacks) {
                Ok(scores) => begun.add(scores),
                Err(error) => {
                    self.tried_parts = Some(begun);
                    return Err(error);
                }
            }
        }
        Ok(begun.lists)
    }

    /// The lists of the neurons of all parts: at once, as they are over the whole vocabulary.
    fn neurons_of_parts(
        &mut self,
        conventions: &[Convention],
        layers: &[usize],
        readable: &Readable,
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Vec<Lists>>, QueryError> {
        let neurons = layers.iter().enumerate();
        let neurons = neurons.map(|(part, &layer)| self.draw_neurons(part, layer, readable));
        let neurons = neurons.collect::<Result<Vec<_>, _>>()?;
        let lists = conventions.iter().map(|&convention| {
            self.lists_of_neurons(convention, &neurons, &readable.kinds, callbacks)
        });
        lists.collect()
    }

    /// The lists of each part's neurons.
    fn lists_of_neurons(
        &mut self,
        convention: Convention,
        parts: &[Vec<NeuronQuery>],
        kinds: &[Dictionary],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Lists>, QueryError> {
        let queries = parts.iter().flatten().map(|query| NeuronQuery {
            convention,
            ..query.clone()
        });
        let queries: Vec<NeuronQuery> = queries.collect();
        let mut answers = self.neurons(&queries, callbacks)?.into_iter();
        let lists = parts.iter().map(|part| {
            let mut lists = Lists::default();
            for answer in answers.by_ref().take(part.len()) {
                let [key, value, ..] = &answer.columns;
                let columns = kinds.iter().map(|kind| match kind {
                    Dictionary::Keys(_) => key,
                    Dictionary::Values => value,
                });
                let ids = columns.map(|list| list.iter().map(|s| s.id).collect());
                lists.neurons.extend(ids);
            }
            lists
        });
        Ok(lists.collect())
    }

    /// A part's standard scores and its heads' pairs, under each convention.
    fn scores_of_part(
        &mut self,
        conventions: &[Convention],
        (number, layer): (usize, usize),
        readable: &Readable,
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Lists>, QueryError> {
        let part = self.draw_part(number, layer, readable, callbacks)?;
        let scores = conventions.iter().map(|&convention| {
            let mut lists = Lists::default();
            for drawn in &part.vectors {
                let z = self.z_of_vectors(convention, drawn, &part.tokens, callbacks)?;
                lists.z_of_neurons.extend(z);
            }
            for drawn in &part.forms {
                self.add_heads(&mut lists, convention, drawn, &part.tokens, callbacks)?;
            }
            Ok(lists)
        });
        scores.collect()
    }

    /// How far the best scores of a layer's neurons lie above those of random directions, among
    /// some tokens.
    fn z_of_vectors(
        &mut self,
        convention: Convention,
        drawn: &DrawnVectors,
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

    /// Adds the heads' pairs among some tokens, and how far the best of each lies above chance.
    fn add_heads(
        &mut self,
        lists: &mut Lists,
        convention: Convention,
        drawn: &DrawnForms,
        tokens: &[u32],
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        let query = PairsQuery {
            convention,
            ..drawn.query.clone()
        };
        let sample = self.sample_of(&query, tokens.to_vec(), callbacks)?;
        let random = self.best_of_sides(&query, &drawn.random, &sample, callbacks)?;
        for form in &drawn.own {
            let found = self.pairs_of_form(&query, (form.clone(), None), &sample, callbacks)?;
            lists.heads.push(found.pairs);
            lists.z_of_heads.extend(standard(found.best, &random));
        }
        Ok(())
    }
}

/// The figures of a part under one convention, against the others.
fn figures(lists: &[Vec<Lists>], at: usize, part: usize) -> PartFigures {
    let own = &lists[at][part];
    let others = lists.iter().enumerate().filter(|(other, _)| *other != at);
    let others = others.map(|(other, lists)| (other, &lists[part]));
    let mut of_neurons = Vec::new();
    let mut of_heads = Vec::new();
    for (_, other) in others {
        let both = own.neurons.iter().zip(&other.neurons);
        of_neurons.extend(both.filter_map(|(a, b)| kept(a, b, ROBUSTNESS_TOP, |a, b| a == b)));
        let both = own.heads.iter().zip(&other.heads);
        of_heads.extend(both.filter_map(|(a, b)| kept(a, b, ROBUSTNESS_TOP, |a, b| a == b)));
    }
    PartFigures {
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
