//! The first words of the lists that hits are in, so that one sees what else stands there.

use crate::projection::Role;
use crate::projection::TopHits;
use crate::query::answering::Callbacks;
use crate::query::reader::Reader;
use crate::query::{NeuronColumn, NeuronQuery, QueryError};

use super::{FindResults, Search};

/// Hits of a kind that have their lists' first words, the best.
const HITS_MAX: usize = 100;
/// Neurons whose lists are made in one pass.
const BATCH: usize = 128;

impl Reader {
    /// Makes the first words of the lists of the best neurons.
    pub(super) fn gists(
        &mut self,
        search: &Search<'_>,
        found: &mut FindResults,
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        if search.query.gist == 0 {
            return Ok(());
        }
        let neurons = |top: &&TopHits| !top.role.is_of_heads();
        let mut missing = Vec::new();
        for top in found.tops.iter().filter(neurons) {
            let best = top.best().into_iter().take(HITS_MAX);
            let at = best.map(|hit| (hit.layer, hit.index));
            missing.extend(at.filter(|&(l, n)| !found.gists.contains_key(&(top.role, l, n))));
        }
        missing.sort_unstable();
        missing.dedup();
        for some in missing.chunks(BATCH) {
            let queries = some.iter().map(|&(layer, neuron)| NeuronQuery {
                k: search.query.gist,
                ..search.neuron(layer, neuron)
            });
            let queries: Vec<NeuronQuery> = queries.collect();
            let answers = self.neurons(&queries, callbacks)?;
            for (&(layer, neuron), answer) in some.iter().zip(answers) {
                for (column, list) in NeuronColumn::ALL.into_iter().zip(answer.columns) {
                    let role = match column {
                        NeuronColumn::K => Role::K,
                        NeuronColumn::V => Role::V,
                        NeuronColumn::MinusK => Role::MinusK,
                        NeuronColumn::MinusV => Role::MinusV,
                    };
                    let words = list.iter().map(|scored| scored.id).collect();
                    found.gists.insert((role, layer, neuron), words);
                }
            }
        }
        Ok(())
    }
}
