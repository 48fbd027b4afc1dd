//! Links over all layers: what the others write, or read, against one neuron or head.

use rayon::prelude::*;

use super::parts::{ReadRows, Strength, WrittenRows, head, keys, values};
use super::{Link, LinkLists, LinksAnswer, LinksQuery, ReadSide};
use crate::projection::Scored;
use crate::query::reader::Reader;
use crate::query::{Address, Answer, Callbacks, NeuronQuery, QueryError};
use crate::transformer::{Input, SublayerAt};

/// What is asked about: what it reads and writes, and where.
struct Asked {
    at: SublayerAt,
    sides: Vec<ReadRows>,
    written: WrittenRows,
}

impl Reader {
    pub(in crate::query) fn links(
        &mut self,
        query: &LinksQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<LinksAnswer, QueryError> {
        if self.card.family.two_stacks.is_some() {
            let what = "who feeds a neuron or head is not told of an encoder with a decoder";
            return Err(self.model().nothing(what.to_owned()));
        }
        let asked = self.asked(query)?;
        let mut answer = LinksAnswer {
            upstream: LinkLists::default(),
            downstream: LinkLists::default(),
            done: 0.0,
        };
        let all: Vec<usize> = (0..self.card.spec.layers).collect();
        for some in all.chunks(rayon::current_num_threads().max(1)) {
            let of_layer = |&layer: &usize| {
                callbacks.cancel.check()?;
                let upstream = self.upstream(&asked, layer, query.count)?;
                Ok((upstream, self.downstream(&asked, layer, query.count)?))
            };
            let found: Result<Vec<_>, QueryError> = some.par_iter().map(of_layer).collect();
            for (upstream, downstream) in found? {
                answer.upstream.merge(upstream, query.count);
                answer.downstream.merge(downstream, query.count);
                answer.done += 1.0 / all.len() as f32;
            }
            callbacks.partial(Answer::Links(answer.clone()));
        }
        answer.done = 1.0;
        self.add_words(&mut answer, query, callbacks)?;
        Ok(answer)
    }

    fn asked(&self, query: &LinksQuery) -> Result<Asked, QueryError> {
        let weights = &self.weights;
        if let Address::Neuron { layer, neuron } = query.of {
            let neurons = neuron..neuron + 1;
            let key = keys(weights, layer, neurons.clone(), query.input)?;
            let side = match (query.input, self.card.gated()) {
                (Input::Up, true) => ReadSide::Up,
                (Input::Gate | Input::Up, _) => ReadSide::Key,
            };
            return Ok(Asked {
                at: SublayerAt::feed_forward(layer),
                sides: vec![ReadRows::of_key(side, key)],
                written: WrittenRows::of_value(values(weights, layer, neurons)?),
            });
        }
        let Address::Head {
            layer, head: of, ..
        } = query.of
        else {
            return Err(QueryError::WrongAnswer);
        };
        let (sides, written) = head(weights, layer, of)?;
        let at = SublayerAt::attention(layer);
        Ok(Asked { at, sides, written })
    }

    /// Who of a layer writes what is read.
    fn upstream(&self, asked: &Asked, layer: usize, count: usize) -> Result<LinkLists, QueryError> {
        let (weights, spec) = (&self.weights, &self.card.spec);
        let mut found = LinkLists::default();
        let writer = SublayerAt::feed_forward(layer);
        if weights.reaches(writer, asked.at) {
            let values = values(weights, layer, 0..spec.neurons_in(layer))?;
            let values = weights.carried(writer, asked.at, values)?;
            for side in &asked.sides {
                let strengths = side.of_values(&values);
                found.add_neurons(layer, side.side, &strengths);
            }
        }
        let writer = SublayerAt::attention(layer);
        if weights.reaches(writer, asked.at) {
            for of in 0..spec.heads_in(layer) {
                let (_, written) = head(weights, layer, of)?;
                let written = written.carried(weights, writer, asked.at)?;
                for side in &asked.sides {
                    found.add_head((layer, of), side.side, side.of_head(&written));
                }
            }
        }
        found.keep(count);
        Ok(found)
    }

    /// Who of a layer reads what is written.
    fn downstream(
        &self,
        asked: &Asked,
        layer: usize,
        count: usize,
    ) -> Result<LinkLists, QueryError> {
        let (weights, spec) = (&self.weights, &self.card.spec);
        let mut found = LinkLists::default();
        let reader = SublayerAt::feed_forward(layer);
        if weights.reaches(asked.at, reader) {
            let written = asked.written.carried(weights, asked.at, reader)?;
            let inputs: &[Input] = match self.card.gated() {
                true => &[Input::Gate, Input::Up],
                false => &[Input::Gate],
            };
            for &input in inputs {
                let keys = keys(weights, layer, 0..spec.neurons_in(layer), input)?;
                let side = match input {
                    Input::Gate => ReadSide::Key,
                    Input::Up => ReadSide::Up,
                };
                found.add_neurons(layer, side, &written.to_keys(&keys));
            }
        }
        let reader = SublayerAt::attention(layer);
        if weights.reaches(asked.at, reader) {
            let written = asked.written.carried(weights, asked.at, reader)?;
            for of in 0..spec.heads_in(layer) {
                let (sides, _) = head(weights, layer, of)?;
                for side in &sides {
                    found.add_head((layer, of), side.side, written.to_head(side));
                }
            }
        }
        found.keep(count);
        Ok(found)
    }

    /// The words of all neurons in an answer.
    fn add_words(
        &mut self,
        answer: &mut LinksAnswer,
        query: &LinksQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        if query.words == 0 {
            return Ok(());
        }
        let lists = [&mut answer.upstream, &mut answer.downstream];
        let links = lists.into_iter().flat_map(|lists| &mut lists.neurons);
        let mut links: Vec<&mut Link> = links.collect();
        let of = |link: &&mut Link| {
            let Address::Neuron { layer, neuron } = link.at else {
                return None;
            };
            Some(NeuronQuery {
                convention: query.convention,
                layer,
                neuron,
                input: Input::Gate,
                k: query.words,
                filters: query.filters.clone(),
            })
        };
        let queries: Vec<NeuronQuery> = links.iter().filter_map(of).collect();
        let found = self.neurons(&queries, callbacks.without_partial())?;
        for (link, found) in links.iter_mut().zip(found) {
            let ids = |list: &[Scored]| list.iter().map(|scored| scored.id).collect();
            let [key, value, ..] = &found.columns;
            (link.key, link.value) = (ids(key), ids(value));
        }
        Ok(())
    }
}

impl LinkLists {
    fn add_neurons(&mut self, layer: usize, side: ReadSide, strengths: &[Strength]) {
        let links = strengths.iter().enumerate();
        self.neurons
            .extend(links.map(|(neuron, strength)| {
                link(Address::Neuron { layer, neuron }, side, *strength)
            }));
    }

    fn add_head(&mut self, (layer, head): (usize, usize), side: ReadSide, strength: Strength) {
        let form = None;
        let at = Address::Head { layer, head, form };
        self.heads.push(link(at, side, strength));
    }

    fn merge(&mut self, other: Self, count: usize) {
        self.neurons.extend(other.neurons);
        self.heads.extend(other.heads);
        self.keep(count);
    }
}

fn link(at: Address, side: ReadSide, Strength { strength, share }: Strength) -> Link {
    Link {
        at,
        side,
        strength: strength as f32,
        share: share as f32,
        key: Vec::new(),
        value: Vec::new(),
    }
}
