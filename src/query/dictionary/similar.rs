//! What is similar to a direction: others of its dictionary, and the model's own neurons.

use std::sync::Arc;

use super::find::windows;
use super::lists::SIDES;
use super::{DictionaryQuery, OpenDictionary, SimilarVectors};
use crate::checkpoint::DictionarySide;
use crate::projection::{Hit, LayerScores, RankBy, Role, Targets, TopHits, VectorChunk};
use crate::query::QueryError;
use crate::query::answering::Callbacks;
use crate::query::reader::Reader;
use crate::query::reader::convention::Side;
use crate::transformer::{Input, SublayerAt};

impl Reader {
    /// The cosines of projected vectors: under a convention that folds norms in, with them.
    pub(super) fn similar(
        &mut self,
        open: &mut OpenDictionary,
        query: &DictionaryQuery,
        (row, n): (usize, usize),
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<SimilarVectors>, QueryError> {
        let mut all = Vec::new();
        let file = Arc::clone(&open.file);
        for side in SIDES.into_iter().filter(|&side| file.has(side)) {
            let own = row..row + 1;
            let one = self.directions_of(open, side, own, query.convention, callbacks)?;
            let target = Targets::new(vec![0], one.vectors);
            let mut within = Nearest::new(n + 1);
            for some in windows(open.file.len(), self.card.spec.d_model) {
                callbacks.cancel.check()?;
                let chunk = self.directions_of(open, side, some, query.convention, callbacks)?;
                within.offer(&LayerScores::of(&chunk, &target), &target);
            }
            let directions = within.best().into_iter().filter(|hit| hit.index != row);
            let directions = directions.take(n).collect();
            let neurons = match self.card.remote {
                true => Vec::new(),
                false => self.similar_neurons(side, query, &target, n, callbacks)?,
            };
            all.push(SimilarVectors {
                side,
                directions,
                neurons,
            });
        }
        Ok(all)
    }

    /// Keys, or values, of all layers' neurons.
    fn similar_neurons(
        &mut self,
        side: DictionarySide,
        query: &DictionaryQuery,
        target: &Targets,
        n: usize,
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Hit>, QueryError> {
        let mut nearest = Nearest::new(n);
        for layer in 0..self.card.spec.layers {
            let neurons = self.card.spec.neurons_in(layer);
            for some in windows(neurons, self.card.spec.d_model) {
                callbacks.cancel.check()?;
                let first = some.start;
                let (read, of) = match side {
                    DictionarySide::Reads => {
                        (self.weights.keys(layer, some, Input::Gate)?, Side::Reads)
                    }
                    DictionarySide::Writes => (self.weights.values(layer, some)?, Side::Writes),
                };
                let at = SublayerAt::feed_forward(layer);
                let vectors = self.projected(query.convention, at, of, read, callbacks)?;
                let chunk = VectorChunk {
                    layer,
                    first,
                    biases: vec![None; vectors.rows()],
                    vectors,
                };
                nearest.offer(&LayerScores::of(&chunk, target), target);
            }
        }
        Ok(nearest.best())
    }
}

/// The largest cosines whatever their sign.
struct Nearest {
    n: usize,
    ends: [TopHits; 2],
}

impl Nearest {
    fn new(n: usize) -> Self {
        Self {
            n,
            ends: [Role::V, Role::MinusV].map(|role| TopHits::new(role, n)),
        }
    }

    fn offer(&mut self, scores: &LayerScores, target: &Targets) {
        let [high, low] = &mut self.ends;
        scores.offer(target, RankBy::Cosine, high, low);
    }

    /// With their own signs.
    fn best(&self) -> Vec<Hit> {
        let [high, low] = &self.ends;
        let turned = low.best().into_iter().map(|hit| Hit {
            cosine: -hit.cosine,
            score: -hit.score,
            ..hit
        });
        // One at an angle of more than 90° is at both ends where there are few.
        let all = high.best().into_iter().chain(turned);
        let mut all: Vec<Hit> = all.filter(|hit| hit.by > 0.0).collect();
        all.sort_by(|a, b| b.by.total_cmp(&a.by));
        all.truncate(self.n);
        all
    }
}
