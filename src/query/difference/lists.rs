//! Both models' lists of a neuron or a head, item by item: what rose, what fell, what is new.

use super::figures::compared;
use super::heads::form_change;
use super::neurons::step;
use super::{BothListsAnswer, BothListsQuery, Moved, TokenPair};
use crate::query::reader::Reader;
use crate::query::{Callbacks, NeuronColumn, NeuronQuery, PairsQuery, QueryError};
use crate::transformer::{Dictionary, Weights};
use crate::vocabulary::Filters;

impl Reader {
    /// The lists of both models.
    pub(super) fn both_lists(
        &mut self,
        query: &BothListsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<BothListsAnswer, QueryError> {
        match query {
            BothListsQuery::Neuron(query) => self.both_neurons(query, callbacks),
            BothListsQuery::Pairs(query) => self.both_pairs(query, callbacks),
        }
    }

    fn both_neurons(
        &mut self,
        query: &NeuronQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<BothListsAnswer, QueryError> {
        let of = Filters {
            positions: false,
            ..query.filters.clone()
        };
        let asked = NeuronQuery {
            filters: of,
            ..query.clone()
        };
        let both = self.of_both_versions(|reader| reader.neuron(&asked, callbacks))?;
        let tokens = self.token_match();
        let columns = NeuronColumn::ALL.map(|column| {
            let tuned = both.tuned.columns[column as usize].iter();
            let base = both.base.columns[column as usize].iter();
            moved(
                tuned.map(|scored| (scored.id, scored.score)),
                base.map(|scored| (tokens.tuned(scored.id), scored.score)),
            )
        });
        let (layer, neuron) = (query.layer, query.neuron);
        let types = self.stored_versions();
        let figures = |dictionary: Dictionary| {
            let read = |weights: &Weights| match dictionary {
                Dictionary::Keys(input) => weights.keys(layer, neuron..neuron + 1, input),
                Dictionary::Values => weights.values(layer, neuron..neuron + 1),
            };
            let both = self.weights.both_versions(read)?;
            let step = step(&types, layer, dictionary);
            Ok::<_, QueryError>(compared(both.tuned.data(), both.base.data(), step))
        };
        let (of_key, mut numbers) = figures(Dictionary::Keys(query.input))?;
        let (of_value, more) = figures(Dictionary::Values)?;
        numbers.add(more);
        Ok(BothListsAnswer::Neuron {
            columns,
            key: of_key.change(),
            value: of_value.change(),
            numbers,
        })
    }

    fn both_pairs(
        &mut self,
        query: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<BothListsAnswer, QueryError> {
        let pairs = self.moved_pairs(query, callbacks)?;
        let change = form_change(&self.weights, query.form, query.layer, query.head)?;
        Ok(BothListsAnswer::Pairs { pairs, change })
    }

    /// How many of the best pairs both models share.
    pub(super) fn common_pairs(
        &mut self,
        query: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<usize, QueryError> {
        let pairs = self.moved_pairs(query, callbacks)?;
        let of_both = |pair: &&Moved<TokenPair>| pair.tuned.is_some() && pair.base.is_some();
        Ok(pairs.iter().filter(of_both).count())
    }

    fn moved_pairs(
        &mut self,
        query: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Moved<TokenPair>>, QueryError> {
        let callbacks = callbacks.without_partial();
        let mut asked = query.clone();
        asked.filters.positions = false;
        let both = self.of_both_versions(|reader| reader.pairs(&asked, callbacks))?;
        let tokens = self.token_match();
        let of_base = |from, to| {
            let (from, to) = (tokens.tuned(from)?, tokens.tuned(to)?);
            Some(TokenPair { from, to })
        };
        let tuned = both.tuned.pairs.iter();
        let base = both.base.pairs.iter();
        let tuned = tuned.map(|pair| {
            (
                TokenPair {
                    from: pair.from,
                    to: pair.to,
                },
                pair.score,
            )
        });
        let base = base.map(|pair| (of_base(pair.from, pair.to), pair.score));
        Ok(moved(tuned, base))
    }
}

/// The tuned model's list with the places in the base's, then what only the base's has. Tokens that the
/// tuned model does not have are left out.
fn moved<T: Copy + PartialEq>(
    tuned: impl Iterator<Item = (T, f32)>,
    base: impl Iterator<Item = (Option<T>, f32)>,
) -> Vec<Moved<T>> {
    let mut moved: Vec<Moved<T>> = tuned
        .zip(1..)
        .map(|((item, score), rank)| Moved {
            item,
            tuned: Some((rank, score)),
            base: None,
        })
        .collect();
    let own = moved.len();
    for ((item, score), rank) in base.zip(1..) {
        let Some(item) = item else { continue };
        let place = Some((rank, score));
        match moved[..own].iter_mut().find(|moved| moved.item == item) {
            Some(found) => found.base = place,
            None => moved.push(Moved {
                item,
                tuned: None,
                base: place,
            }),
        }
    }
    moved
}
