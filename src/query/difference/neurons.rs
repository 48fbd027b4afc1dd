//! Neurons ranked by how far they moved, a layer at a time; then the lists of those that moved most.

use rayon::prelude::*;

use super::figures::{Step, Sums, compared};
use super::{ChangedNeuron, ChangedNumbers, ChangesAnswer, ChangesQuery};
use crate::checkpoint::{Matrix, Version};
use crate::projection::Scored;
use crate::query::pairs::takes_seconds;
use crate::query::reader::Reader;
use crate::query::{Callbacks, NeuronAnswer, NeuronColumn, NeuronQuery, QueryError};
use crate::transformer::{BothVersions, Dictionary, Input, StoredTypes, Weights};

/// Neurons whose vectors are compared at a time: two matrices of them are in memory.
const NEURONS: usize = 2048;

/// Words of a change that come with a neuron.
const WORDS: usize = 8;

/// Keys, or values, of some of a layer's neurons.
struct SomeVectors<'q> {
    layer: usize,
    dictionary: Dictionary,
    neurons: std::ops::Range<usize>,
    step: Option<Step>,
    callbacks: &'q Callbacks<'q>,
}

/// The sums of a neuron's vectors.
#[derive(Clone, Copy, Default)]
struct NeuronSums {
    of: [Sums; 3],
    numbers: ChangedNumbers,
}

impl Reader {
    /// What changed most.
    pub(super) fn changes(
        &mut self,
        query: &ChangesQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<ChangesAnswer, QueryError> {
        let layers = match query.layer {
            Some(layer) => layer..layer + 1,
            None => 0..self.card.spec.layers,
        };
        let mut answer = ChangesAnswer {
            neurons: Vec::new(),
            heads: Vec::new(),
            numbers: ChangedNumbers::default(),
            looked_at: [0; 2],
            changed: [0; 2],
        };
        for layer in layers {
            callbacks.cancel.check()?;
            if query.neurons > 0 {
                self.changed_neurons(layer, query.neurons, &mut answer, callbacks)?;
            }
            if query.heads > 0 {
                self.changed_heads(layer, query.heads, &mut answer, callbacks)?;
            }
        }
        if query.k > 0 {
            self.add_lists(query, &mut answer.neurons, callbacks)?;
            if query.pairs || !takes_seconds(&self.card) {
                self.add_pairs(query, &mut answer.heads, callbacks)?;
            }
        }
        Ok(answer)
    }

    fn changed_neurons(
        &mut self,
        layer: usize,
        most: usize,
        answer: &mut ChangesAnswer,
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        let spec = &self.card.spec;
        let mut dictionaries = vec![Dictionary::Keys(Input::Gate), Dictionary::Values];
        dictionaries.extend(self.card.gated().then_some(Dictionary::Keys(Input::Up)));
        let types = self.stored_versions();
        for first in (0..spec.neurons_in(layer)).step_by(NEURONS) {
            let neurons = first..spec.neurons_in(layer).min(first + NEURONS);
            let mut sums = vec![NeuronSums::default(); neurons.len()];
            for (place, &dictionary) in dictionaries.iter().enumerate() {
                callbacks.cancel.check()?;
                let some = SomeVectors {
                    layer,
                    dictionary,
                    neurons: neurons.clone(),
                    step: step(&types, layer, dictionary),
                    callbacks: &callbacks,
                };
                some.add(&self.weights, place, &mut sums)?;
            }
            for (neuron, sums) in neurons.zip(sums) {
                answer.looked_at[0] += 1;
                answer.changed[0] += usize::from(sums.numbers.changed > 0);
                answer.numbers.add(sums.numbers);
                if sums.numbers.changed > 0 {
                    answer
                        .neurons
                        .push(sums.neuron(layer, neuron, dictionaries.len() > 2));
                }
            }
            // Equal ones stay in their order.
            let by =
                |a: &ChangedNeuron, b: &ChangedNeuron| b.change.size().total_cmp(&a.change.size());
            answer.neurons.sort_by(by);
            answer.neurons.truncate(most);
        }
        Ok(())
    }

    /// The types that both models are stored in.
    pub(super) fn stored_versions(&self) -> BothVersions<StoredTypes> {
        BothVersions {
            tuned: self.weights.at(Version::Tuned).stored_types(),
            base: self.weights.at(Version::Base).stored_types(),
        }
    }

    /// The overlap of both models' lists, and the first words of what changed.
    fn add_lists(
        &mut self,
        query: &ChangesQuery,
        neurons: &mut [ChangedNeuron],
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        let queries: Vec<NeuronQuery> = neurons
            .iter()
            .map(|neuron| NeuronQuery {
                layer: neuron.layer,
                neuron: neuron.neuron,
                input: Input::Gate,
                k: query.k,
                filters: query.filters.per_token(),
                convention: query.convention,
            })
            .collect();
        let changes = self.neurons(&queries, callbacks)?;
        let both = self.of_both_versions(|reader| reader.neurons(&queries, callbacks))?;
        let tokens = self.token_match();
        let lists = both.tuned.iter().zip(&both.base).zip(&changes);
        for (neuron, ((tuned, base), change)) in neurons.iter_mut().zip(lists) {
            let of = |answer: &NeuronAnswer, column: NeuronColumn| -> Vec<Scored> {
                answer.columns[column as usize].clone()
            };
            let common = |column| {
                let base: Vec<u32> = of(base, column)
                    .iter()
                    .filter_map(|scored| tokens.tuned(scored.id))
                    .collect();
                of(tuned, column)
                    .iter()
                    .filter(|s| base.contains(&s.id))
                    .count()
            };
            neuron.overlap = Some([common(NeuronColumn::K), common(NeuronColumn::V)]);
            neuron.words = [NeuronColumn::K, NeuronColumn::V].map(|column| {
                let list = of(change, column).into_iter().take(WORDS);
                list.filter(|scored| scored.score > 0.0)
                    .map(|scored| scored.id)
                    .collect()
            });
        }
        Ok(())
    }
}

/// The step of a dictionary's numbers in the types of both models.
pub(super) fn step(
    types: &BothVersions<StoredTypes>,
    layer: usize,
    dictionary: Dictionary,
) -> Option<Step> {
    let of = |types: &StoredTypes| {
        let (input, part) = match dictionary {
            Dictionary::Keys(input) => (input, 0),
            Dictionary::Values => (Input::Gate, 1),
        };
        types
            .neuron(layer, input)
            .get(part)
            .map(|part| part.stored.clone())
    };
    Step::of(&of(&types.tuned)?, &of(&types.base)?)
}

impl SomeVectors<'_> {
    fn add(
        &self,
        weights: &Weights,
        place: usize,
        sums: &mut [NeuronSums],
    ) -> Result<(), QueryError> {
        self.callbacks.cancel.check()?;
        let read = |weights: &Weights| match self.dictionary {
            Dictionary::Keys(input) => weights.keys(self.layer, self.neurons.clone(), input),
            Dictionary::Values => weights.values(self.layer, self.neurons.clone()),
        };
        let BothVersions { tuned, base }: BothVersions<Matrix> = weights.both_versions(read)?;
        sums.par_iter_mut().enumerate().for_each(|(i, sums)| {
            let (of_vector, numbers) = compared(tuned.row(i), base.row(i), self.step);
            sums.of[place] = of_vector;
            sums.numbers.add(numbers);
        });
        Ok(())
    }
}

impl NeuronSums {
    fn neuron(&self, layer: usize, neuron: usize, gated: bool) -> ChangedNeuron {
        let [key, value, up] = self.of;
        let mut all = Sums::default();
        self.of.into_iter().for_each(|sums| all.add(sums));
        ChangedNeuron {
            layer,
            neuron,
            change: all.change(),
            key: key.change(),
            up: gated.then(|| up.change()),
            value: value.change(),
            numbers: self.numbers,
            overlap: None,
            words: [Vec::new(), Vec::new()],
        }
    }
}
