//! Looking up by word: through all neurons, then through all heads, layer by layer.

mod gists;
mod heads;
mod neurons;

use std::collections::HashMap;
use std::sync::Arc;

use crate::projection::{Hit, ListRows, Role, Rows, Targets, TopHits};
use crate::query::answering::Callbacks;
use crate::query::find::TOKENS_MAX;
use crate::query::kind::NotFinite;
use crate::query::{Answer, FindAnswer, FindQuery, QueryError, RoleHits};
use crate::transformer::SublayerAt;
use crate::vocabulary::{Filters, Mask, Pattern, VocabularyError};

use crate::query::reader::Reader;
use crate::query::reader::convention::Side;

/// What is searched for, and among what.
struct Search<'a> {
    query: &'a FindQuery,
    matched: usize,
    mask: Arc<Mask>,
    layers: usize,
    /// The input side: what keys and heads read.
    read: SearchedSide,
    /// The output side: what values and heads write.
    written: SearchedSide,
    /// Whether what is written can be projected; else nothing is found among it.
    has_output: bool,
}

/// The rows of one side, and the tokens by them.
struct SearchedSide {
    rows: Arc<Rows>,
    targets: Targets,
    /// Learned positions, where the filters let them count.
    positions: Option<Arc<Rows>>,
}

/// What was found so far.
struct FindResults {
    /// In the order of [`Role::ALL`].
    tops: Vec<TopHits>,
    /// Neurons of each kind whose ranks are known, or known not to be among the best.
    counted: usize,
    /// False if some have no rank, as their scores overflow.
    exact: bool,
    /// The first words of neurons' lists, by the list, the layer and the neuron.
    gists: HashMap<(Role, usize, usize), Vec<u32>>,
}

impl Reader {
    pub(in crate::query) fn find(
        &mut self,
        query: &FindQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<FindAnswer, QueryError> {
        let search = self.search(query, callbacks)?;
        let roles = Role::ALL.iter().filter(|s| query.heads || !s.is_of_heads());
        let mut found = FindResults {
            tops: roles.map(|&role| TopHits::new(role, query.k)).collect(),
            counted: 0,
            exact: true,
            gists: HashMap::new(),
        };
        self.through_neurons(&search, &mut found, callbacks)?;
        if let Some(best) = self.no_number(&search, &found) {
            return Err(self.not_finite(NotFinite {
                what: "scores of what was found",
                got: best.to_string(),
            }));
        }
        self.gists(&search, &mut found, callbacks)?;
        search.report(&found, callbacks, search.layers as f32);
        for layer in 0..if query.heads { search.layers } else { 0 } {
            self.through_heads(&search, &mut found, layer, callbacks)?;
            search.report(&found, callbacks, (search.layers + layer + 1) as f32);
        }
        Ok(search.answer(&found, 1.0, found.exact))
    }

    /// The best score of a layer with neurons, every one of which was offered, if it is no number.
    fn no_number(&self, search: &Search<'_>, found: &FindResults) -> Option<f32> {
        let spec = &self.card.spec;
        let neurons = found.tops.iter().filter(|top| {
            let is_read = search.has_output || !top.role.is_of_output();
            is_read && !top.role.is_of_heads()
        });
        let of_layer = |layer: usize| {
            let best = move |top: &TopHits| top.by_layer.get(layer).copied();
            neurons
                .clone()
                .map(move |top| best(top).unwrap_or(f32::NEG_INFINITY))
        };
        let layers = (0..search.layers).filter(|&layer| spec.neurons_in(layer) > 0);
        layers.flat_map(of_layer).find(|best| !best.is_finite())
    }

    fn search<'a>(
        &mut self,
        query: &'a FindQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<Search<'a>, QueryError> {
        let mask = self.mask(&query.filters, callbacks.cancel)?;
        let (tokens, matched) = self.tokens_of(&query.words, &query.filters, &mask)?;
        let positions = self.with_positions(&query.filters)?;
        // Norms before maps are of one kind in all layers.
        let (convention, at) = (query.convention, SublayerAt::feed_forward(0));
        let mut searched = |side| -> Result<SearchedSide, QueryError> {
            let rows = self.rows(convention, at, side, callbacks)?;
            let positions = match positions {
                true => Some(self.positions_as(convention, at, side, callbacks)?),
                false => None,
            };
            let targets = Targets::new(tokens.clone(), rows.pick(&tokens)?);
            Ok(SearchedSide {
                rows,
                targets,
                positions,
            })
        };
        let (read, written) = (searched(Side::Reads)?, searched(Side::Writes)?);
        Ok(Search {
            query,
            matched,
            mask,
            layers: self.card.spec.layers,
            read,
            written,
            has_output: self.card.has_output(query.convention),
        })
    }

    /// The tokens that are looked for, and how many match.
    pub(in crate::query) fn tokens_of(
        &self,
        words: &[String],
        filters: &Filters,
        mask: &Mask,
    ) -> Result<(Vec<u32>, usize), QueryError> {
        let vocabulary = &self.card.vocabulary;
        let of_model = |error: VocabularyError| QueryError::Nothing {
            model: self.card.name.clone(),
            what: error.to_string(),
        };
        let patterns = words.iter().map(|word| Pattern::parse(word));
        let patterns: Vec<Pattern> = patterns.collect::<Result<_, _>>().map_err(of_model)?;
        let mut tokens = vocabulary.matching(&patterns).map_err(of_model)?;
        let matched = tokens.len();
        tokens.retain(|&id| mask.passes[id as usize]);
        let on = || {
            let filters = filters.describe().into_iter();
            let named = filters.map(|(name, value)| match value == "true" {
                true => name.to_owned(),
                false => format!("{name} {value}"),
            });
            named.collect::<Vec<_>>().join(", ")
        };
        if tokens.is_empty() {
            return Err(QueryError::Nothing {
                model: self.card.name.clone(),
                what: match matched {
                    0 => "no word to look up: expected at least one".to_owned(),
                    1 => format!("the filters leave out the token that matches: {}", on()),
                    n => format!("the filters leave out all {n} tokens that match: {}", on()),
                },
            });
        }
        let matched = tokens.len();
        tokens.truncate(TOKENS_MAX);
        Ok((tokens, matched))
    }
}

impl Search<'_> {
    /// What the lists of one side are made of.
    fn list_rows<'b>(&'b self, side: &'b SearchedSide) -> ListRows<'b> {
        let (tokens, positions) = self.mask.passes.split_at(side.rows.len());
        ListRows {
            rows: &side.rows,
            flags: tokens,
            positions: side.positions.as_deref().map(|rows| (rows, positions)),
        }
    }

    /// Passes on what was found; `steps`: layers that were gone through, of neurons and of heads.
    fn report(&self, found: &FindResults, callbacks: Callbacks<'_>, steps: f32) {
        let all = self.layers * if self.query.heads { 2 } else { 1 };
        let done = steps / all.max(1) as f32;
        callbacks.partial(Answer::Find(self.answer(found, done.min(1.0), false)));
    }

    fn answer(&self, found: &FindResults, done: f32, exact: bool) -> FindAnswer {
        let gist = |top: &TopHits, hit: &Hit| {
            let known = found.gists.get(&(top.role, hit.layer, hit.index));
            known.cloned().unwrap_or_default()
        };
        let group = |top: &TopHits| {
            let is_read = self.has_output || !top.role.is_of_output();
            let hits = if is_read { top.best() } else { Vec::new() };
            let by_layer: &[f32] = if is_read { &top.by_layer } else { &[] };
            RoleHits {
                role: top.role,
                gists: hits.iter().map(|hit| gist(top, hit)).collect(),
                hits,
                by_layer: by_layer.to_vec(),
            }
        };
        FindAnswer {
            tokens: self.read.targets.ids.clone(),
            matched: self.matched,
            groups: found.tops.iter().map(group).collect(),
            counted: found.counted,
            done,
            exact,
        }
    }
}
