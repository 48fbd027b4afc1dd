//! Undertrained tokens, looked for once, when something first depends on them.

use std::sync::Arc;

use super::kind::{AnswerKind, NotFinite, QueryKind};
use super::{Answer, Callbacks, Query, QueryError, Reader};
use crate::projection::{Seeds, undertrained};
use crate::task::CancelToken;
use crate::vocabulary::Undertrained;

impl Reader {
    /// Which tokens are undertrained; `None` if the embedding does not tell.
    pub(super) fn undertrained(
        &mut self,
        cancel: CancelToken<'_>,
    ) -> Result<Option<Arc<Undertrained>>, QueryError> {
        if let Some(known) = &self.undertrained {
            return Ok(known.clone());
        }
        let vocabulary = &self.card.vocabulary;
        let seeds = Seeds {
            unseen: &vocabulary.unseen(),
            special: &vocabulary.special(),
        };
        let flags = undertrained(&self.written, seeds, cancel)?;
        let found = flags.map(|flags| Arc::new(Undertrained::new(flags, vocabulary)));
        self.undertrained = Some(found.clone());
        Ok(found)
    }
}

/// Asks for which tokens are undertrained.
pub struct UndertrainedQuery;

impl QueryKind for UndertrainedQuery {
    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::Undertrained)
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Undertrained(reader.undertrained(callbacks.cancel)?))
    }
}

impl AnswerKind for Option<Arc<Undertrained>> {
    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, |found| found.heap_bytes())
    }

    fn not_finite(&self) -> Option<NotFinite> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use candle_core::Device;

    use super::*;
    use crate::checkpoint::{Location, Matrix};
    use crate::projection::{DeviceChoice, Rows};
    use crate::query::{
        Answer, Answering, Callbacks, Convention, ModelCard, NeuronColumn, NeuronQuery, Query,
    };
    use crate::transformer::Input;
    use crate::vocabulary::Filters;

    fn reader() -> Reader {
        Reader::open(&Location::resolve("gpt2-pl").unwrap(), DeviceChoice::Cpu).unwrap()
    }

    /// An embedding in which the undertrained tokens are known: their rows lie around one
    /// direction, all others around the origin.
    fn embedding(card: &ModelCard, undertrained: &BTreeSet<u32>) -> Rows {
        let (rows, width) = (card.spec.vocab, card.spec.d_model);
        let mut rng = fastrand::Rng::with_seed(7);
        let mut bell = || (0..6).map(|_| rng.f32() - 0.5).sum::<f32>();
        let direction: Vec<f32> = (0..width).map(|_| 2.0 * bell()).collect();
        let mut data = Vec::with_capacity(rows * width);
        for row in 0..rows as u32 {
            let (share, spread) = match undertrained.contains(&row) {
                true => (1.0, 0.3),
                false => (0.0, 1.0),
            };
            data.extend(direction.iter().map(|x| share * x + spread * bell()));
        }
        Rows::new(Matrix::new(rows, width, data), &Device::Cpu).unwrap()
    }

    /// All tokens of a list under the filter.
    fn listed(reader: &mut Reader) -> BTreeSet<u32> {
        let query = Query::Neuron(NeuronQuery {
            layer: 0,
            neuron: 0,
            input: Input::default(),
            k: reader.card.spec.vocab,
            convention: Convention::RAW,
            filters: Filters {
                exclude_undertrained: true,
                ..Filters::default()
            },
        });
        let Answer::Neuron(answer) = reader.answer(&query, Callbacks::none()).unwrap() else {
            panic!("not the answer to a neuron");
        };
        let column = &answer.columns[NeuronColumn::K as usize];
        column.iter().map(|scored| scored.id).collect()
    }

    fn marked(reader: &mut Reader) -> BTreeSet<u32> {
        let card = reader.marked_card(Callbacks::none()).unwrap();
        let names = card.token_names();
        let ids = 0..card.spec.vocab as u32;
        ids.filter(|&id| names.marked(id).ends_with('°')).collect()
    }

    #[test]
    fn models_that_share_a_vocabulary_hide_and_mark_each_its_own_tokens() {
        let alone = listed(&mut reader());
        let (mut one, mut other) = (reader(), reader());
        Arc::make_mut(&mut other.card).vocabulary = Arc::clone(&one.card.vocabulary);
        let card = Arc::clone(&other.card);
        let tokens = |ids: BTreeSet<u32>| -> BTreeSet<u32> {
            let there = |id: &u32| card.vocabulary.token(*id).is_some();
            ids.into_iter().filter(there).collect()
        };
        let all = tokens((0..card.spec.vocab as u32).collect());
        let mut planted: BTreeSet<u32> = (0..card.spec.vocab as u32).step_by(31).collect();
        planted.extend(card.vocabulary.unseen());
        other.written = Arc::new(embedding(&card, &planted));
        let planted = tokens(planted);
        // What is asked of one before makes no difference to the other, nor a second time.
        for _ in 0..2 {
            assert_eq!(listed(&mut other), &all - &planted);
            assert_eq!(marked(&mut other), planted);
            assert_eq!(listed(&mut one), alone);
            assert_eq!(marked(&mut one), &all - &alone);
        }
        assert_ne!(&all - &alone, planted);
        // Unmarked, whatever was asked before: who draws marks asks for the marked card.
        assert_eq!(one.card().undertrained, None);
    }
}
