//! Looking up by word: layer by layer through all neurons, then through all heads.

use crate::checkpoint::Matrix;
use crate::projection::{
    Ends, HeadSide, Hit, Passing, Places, Rows, Stand, Targets, head_sides, layer_scores,
};
use crate::query::answering::Watch;
use crate::query::find::TOKENS_MAX;
use crate::query::{Answer, By, FindAnswer, FindQuery, Group, QueryError};
use crate::transformer::{Form, Vectors};
use crate::vocabulary::{Mask, Pattern, VocabularyError};

use super::Reader;

/// By rank the ranks of many neurons are counted, the best by cosine: that many times more than
/// are shown, this many at least, and as many as so many multiplications are enough for, which in
/// a small model are all.
const POOL: (usize, usize, usize) = (8, 256, 10_000_000_000);

/// A search that goes on.
struct Search<'a> {
    query: &'a FindQuery,
    /// By the input embedding: what keys and heads read.
    read: Targets,
    /// By the output embedding: what values and heads write.
    written: Targets,
    matched: usize,
    mask: &'a Mask,
    layers: usize,
    /// Neurons of each kind whose ranks are counted.
    kept: usize,
    /// In the order of [`Stand::ALL`].
    places: Vec<Places>,
}

impl Reader {
    /// `None` if it was called off.
    pub(super) fn find(
        &mut self,
        query: &FindQuery,
        watch: &dyn Watch,
    ) -> Result<Option<FindAnswer>, QueryError> {
        let mask = self.mask(&query.filters)?;
        let mut search = self.search(query, &mask)?;
        for layer in 0..search.layers {
            if !watch.wanted() {
                return Ok(None);
            }
            let keys = (Vectors::Keys(query.input), &search.read, [0, 2]);
            let values = (Vectors::Values, &search.written, [1, 3]);
            for (vectors, targets, [high, low]) in [keys, values] {
                let scores = layer_scores(&self.weights, layer, vectors, targets)?;
                if let Ok([high, low]) = search.places.get_disjoint_mut([high, low]) {
                    scores.offer(targets, query.by, high, low);
                }
            }
            search.report(watch, layer + 1);
        }
        for at in 0..4 {
            if !self.count(&mut search, at, watch)? {
                return Ok(None);
            }
        }
        search.report(watch, search.layers);
        for layer in 0..if query.heads { search.layers } else { 0 } {
            if !self.through_heads(&mut search, layer, watch)? {
                return Ok(None);
            }
            search.report(watch, search.layers + layer + 1);
        }
        Ok(Some(search.answer(1.0, true)))
    }

    fn search<'a>(&self, query: &'a FindQuery, mask: &'a Mask) -> Result<Search<'a>, QueryError> {
        let vocabulary = &self.card.vocabulary;
        let of_model = |error: VocabularyError| QueryError::Nothing {
            model: self.card.name.clone(),
            what: error.to_string(),
        };
        let patterns = query.words.iter().map(|word| Pattern::parse(word));
        let patterns: Vec<Pattern> = patterns.collect::<Result<_, _>>().map_err(of_model)?;
        let mut tokens = vocabulary.matching(&patterns).map_err(of_model)?;
        let matched = tokens.len();
        tokens.retain(|&id| mask.passes[id as usize]);
        if tokens.is_empty() {
            return Err(QueryError::Nothing {
                model: self.card.name.clone(),
                what: match matched {
                    0 => "no word to look up: expected at least one".to_owned(),
                    1 => "the filters leave out the token that matches".to_owned(),
                    n => format!("the filters leave out all {n} tokens that match"),
                },
            });
        }
        let matched = tokens.len();
        tokens.truncate(TOKENS_MAX);
        let (read, written) = (self.read.pick(&tokens)?, self.written.pick(&tokens)?);
        let kept = if query.by == By::Rank {
            let spec = &self.card.spec;
            let enough = POOL.2 / (spec.vocab * spec.width).max(1);
            let all = spec.layers * spec.neurons;
            (POOL.0 * query.k).max(POOL.1).max(enough).min(all)
        } else {
            query.k
        };
        let places = Stand::ALL.iter().map(|&stand| match stand.is_of_heads() {
            false => Places::new(stand, kept),
            true => Places::new(stand, query.k),
        });
        Ok(Search {
            query,
            matched,
            mask,
            layers: self.card.spec.layers,
            kept,
            places: places.take(if query.heads { 8 } else { 4 }).collect(),
            read: Targets::new(tokens.clone(), read),
            written: Targets::new(tokens, written),
        })
    }

    /// Counts the ranks of a group's neurons, and orders them by what is asked. False if it was
    /// called off.
    fn count(
        &self,
        search: &mut Search<'_>,
        at: usize,
        watch: &dyn Watch,
    ) -> Result<bool, QueryError> {
        let places = &mut search.places[at];
        let mut hits = places.best.clone().into_sorted();
        let sign = match places.stand {
            Stand::MinusK | Stand::MinusV => -1.0,
            _ => 1.0,
        };
        let mut vectors = Vec::with_capacity(hits.len() * self.card.spec.width);
        for hit in &hits {
            if !watch.wanted() {
                return Ok(false);
            }
            let one = hit.index..hit.index + 1;
            let vector = match places.stand {
                Stand::K | Stand::MinusK => {
                    self.weights.keys(hit.layer, one, search.query.input)?
                }
                _ => self.weights.values(hit.layer, one)?,
            };
            vectors.extend(vector.data().iter().map(|x| sign * x));
        }
        let vectors = Matrix::new(hits.len(), self.card.spec.width, vectors);
        let tokens: Vec<u32> = hits.iter().map(|hit| hit.token).collect();
        let rows = match places.stand {
            Stand::K | Stand::MinusK => &self.read,
            _ => &self.written,
        };
        let flags = &search.mask.passes[..rows.len()];
        let wanted = || watch.wanted();
        let Some(ranks) = rows.ranks(&vectors, &tokens, flags, &wanted)? else {
            return Ok(false);
        };
        for (hit, (score, rank)) in hits.iter_mut().zip(ranks) {
            hit.counted(score + 0.0, rank, search.query.by);
        }
        let mut best = crate::projection::Best::new(search.query.k);
        hits.into_iter().for_each(|hit: Hit| best.offer(hit));
        places.best = best;
        Ok(true)
    }

    /// The best pair of every head of a layer at each token. False if it was called off.
    fn through_heads(
        &self,
        search: &mut Search<'_>,
        layer: usize,
        watch: &dyn Watch,
    ) -> Result<bool, QueryError> {
        let (mut with_written, mut with_read) = (Vec::new(), Vec::new());
        for head in 0..self.card.spec.heads {
            if !watch.wanted() {
                return Ok(false);
            }
            for form in [Form::Vo, Form::Qk] {
                let weights = self.weights.form(form, layer, head, 0)?;
                for side in head_sides(form, &weights, &search.read, &search.written) {
                    // What is read goes with what is written; all else with what is read.
                    match side.stand {
                        Stand::From => with_written.push((head, side)),
                        _ => with_read.push((head, side)),
                    }
                }
            }
        }
        Ok(
            self.partners(search, layer, &self.written, &with_written, watch)?
                && self.partners(search, layer, &self.read, &with_read, watch)?,
        )
    }

    /// The best partner among `rows` of every side at every token. False if it was called off.
    fn partners(
        &self,
        search: &mut Search<'_>,
        layer: usize,
        rows: &Rows,
        sides: &[(usize, HeadSide)],
        watch: &dyn Watch,
    ) -> Result<bool, QueryError> {
        let m = search.read.ids.len();
        let data = sides.iter().flat_map(|(_, side)| side.vectors.data());
        let vectors = data.copied().collect();
        let vectors = Matrix::new(sides.len() * m, self.card.spec.width, vectors);
        let mut ends = vec![Ends::new(1); vectors.rows()];
        let passing = Passing {
            flags: &search.mask.passes[..rows.len()],
            first_id: 0,
        };
        if !rows.offer_scores(&vectors, passing, &mut ends, &|| watch.wanted())? {
            return Ok(false);
        }
        let best = ends.into_iter().map(|ends| ends.highest.into_sorted());
        let best: Vec<_> = best.map(|best| best.first().copied()).collect();
        let partners: Vec<u32> = best.iter().map(|best| best.map_or(0, |b| b.id)).collect();
        let partners = rows.pick(&partners)?;
        let length = |i: usize| partners.row(i).iter().map(|x| x * x).sum::<f32>().sqrt();
        for (i, (head, side)) in sides.iter().enumerate() {
            let pairs = (i * m..(i + 1) * m).map(|i| best[i].map(|best| (best, length(i))));
            let place = search.places.iter_mut().find(|p| p.stand == side.stand);
            if let Some(places) = place {
                let at = (layer, *head);
                side.offer(at, &search.read, search.query.by, pairs, places);
            }
        }
        Ok(true)
    }
}

impl Search<'_> {
    fn report(&self, watch: &dyn Watch, steps: usize) {
        let all = self.layers * if self.query.heads { 2 } else { 1 };
        let done = steps as f32 / all.max(1) as f32;
        watch.improved(Answer::Find(self.answer(done.min(1.0), false)));
    }

    fn answer(&self, done: f32, exact: bool) -> FindAnswer {
        let group = |places: &Places| {
            let mut hits = places.best.clone().into_sorted();
            hits.truncate(self.query.k);
            Group {
                stand: places.stand,
                hits,
                by_layer: places.by_layer.clone(),
            }
        };
        FindAnswer {
            tokens: self.read.ids.clone(),
            matched: self.matched,
            groups: self.places.iter().map(group).collect(),
            counted: self.kept,
            done,
            exact,
        }
    }
}
