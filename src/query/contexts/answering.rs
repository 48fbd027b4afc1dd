//! Answering where a neuron or a head fires: texts run through the layers up to its own, and what
//! the layer does is recorded for all its neurons or heads at once.

use std::path::PathBuf;
use std::sync::Arc;

use super::figures::{KeyFigures, Spread};
use super::record::{LayerRecord, RecordKey, StoppedRun, on_disk, put_on_disk};
use super::run_texts::{CountedTexts, batches_within};
use super::{AttentionFigures, ContextsAnswer, ContextsFigures, ContextsQuery, passages};
use crate::query::kind::Items;
use crate::query::{Answer, Callbacks, NeuronQuery, QueryError, Reader};
use crate::transformer::{Forward, ForwardError, HookPoint, HookRequest};
use crate::vocabulary::Filters;

impl Reader {
    /// Where a neuron or a head fires.
    ///
    /// # Errors
    /// A place that the model does not have, a model that cannot be run, texts that it cannot read
    /// or that have no position that counts, or a cancelled token.
    pub(in crate::query) fn contexts(
        &mut self,
        query: &ContextsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<ContextsAnswer, QueryError> {
        self.card.check(query.place())?;
        self.model().runs_layers_once()?;
        let texts = CountedTexts::read(self.model(), &query.texts, callbacks)?;
        let record = self.record(query, &texts, callbacks)?;
        let numbers = record.unit(query.item).ok_or(QueryError::WrongAnswer)?;
        match query.among {
            Items::Neurons => self.of_neuron(query, texts, numbers, callbacks),
            Items::Heads => Ok(self.of_head(query, texts, numbers)),
        }
    }

    fn of_neuron(
        &mut self,
        query: &ContextsQuery,
        texts: CountedTexts,
        activations: &[f32],
        callbacks: Callbacks<'_>,
    ) -> Result<ContextsAnswer, QueryError> {
        let rows = self.card.vocabulary.rows();
        let whole_list = NeuronQuery {
            layer: query.layer,
            neuron: query.item,
            input: query.input,
            k: rows,
            filters: Filters::default(),
            convention: query.convention,
        };
        let [list, ..] = self
            .neuron(&whole_list, callbacks.without_partial())?
            .columns;
        let mut rank_of = vec![list.len(); rows];
        for (rank, scored) in (1..).zip(&list) {
            if let Some(of) = rank_of.get_mut(scored.id as usize) {
                *of = rank;
            }
        }
        let ids = texts.counted_ids();
        let ranks: Vec<usize> = ids.iter().map(|&id| rank_of[id as usize]).collect();
        let [most, least] = passages::of_neuron(&texts, activations, &ranks, query.k);
        let figures = KeyFigures::of(activations, &ranks, list.len());
        Ok(ContextsAnswer {
            count: activations.len(),
            spread: Spread::of(activations.iter().copied()),
            most,
            least,
            figures: ContextsFigures::Key(figures),
            notices: texts.notices,
            done: 1.0,
        })
    }

    fn of_head(
        &self,
        query: &ContextsQuery,
        texts: CountedTexts,
        weights: &[f32],
    ) -> ContextsAnswer {
        let forward = self.weights.checkpoint().forward();
        let causal = forward.is_none_or(|forward| forward.causal);
        let all = 0..texts.texts.len();
        let counted = all.flat_map(|text| passages::pairs(&texts, text, causal));
        let spread = Spread::of(counted.clone().map(|(at, ..)| weights[at]));
        ContextsAnswer {
            count: counted.count(),
            spread,
            most: passages::of_head(&texts, weights, causal, query.k),
            least: Vec::new(),
            figures: ContextsFigures::Attention(attention(&texts, weights)),
            notices: texts.notices,
            done: 1.0,
        }
    }

    /// What the layer's neurons or heads do over the texts, of as many as the memory allows.
    fn record(
        &mut self,
        query: &ContextsQuery,
        texts: &CountedTexts,
        callbacks: Callbacks<'_>,
    ) -> Result<Arc<LayerRecord>, QueryError> {
        let key = RecordKey::of(query);
        if let Some(record) = self.contexts.find(&key, query.item) {
            return Ok(record);
        }
        let budget = self.memory.kept / 2;
        let unit = (LayerRecord::len_of(key.among, texts) * size_of::<f32>()) as u64;
        let all = key.among.count(&self.card.spec, key.layer);
        let units = match unit * all as u64 <= budget {
            true => 0..all,
            false => query.item..query.item + 1,
        };
        let file = match units.len() == all {
            true => self.record_file(&key, texts, callbacks)?,
            false => None,
        };
        let known = file.as_deref();
        let known = known.and_then(|file| on_disk(file, &key, units.clone(), texts));
        let record = match known {
            Some(record) => record,
            None => {
                let mut fresh = LayerRecord::new(key, units, texts);
                let mut run = self.contexts.run.take();
                let mut beside = Vec::new();
                let ran = self.run_into(&mut fresh, &mut beside, &mut run, texts, callbacks);
                self.contexts.run = run;
                for record in beside {
                    self.contexts.keep(Arc::new(record), budget);
                }
                ran?;
                if let Some(file) = &file {
                    put_on_disk(file, &fresh);
                }
                fresh
            }
        };
        let record = Arc::new(record);
        self.contexts.keep(Arc::clone(&record), budget);
        Ok(record)
    }

    /// Runs the texts through the record's layer. What other layers do on the way, and what the
    /// layer's other half does, is recorded as far as the budget reaches. A run that stopped before
    /// the layer goes on, also one that was cancelled.
    fn run_into(
        &self,
        record: &mut LayerRecord,
        beside: &mut Vec<LayerRecord>,
        stopped: &mut Option<StoppedRun>,
        texts: &CountedTexts,
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        let target = record.key.layer;
        let model = self.model();
        let forward = Forward::new(model.checkpoint, model.device);
        let forward = forward
            .map_err(|e| model.forward_error(e))?
            .keeping(&self.layers);
        let ids = texts.ids();
        let budget = self.memory.kept / 2;
        let batches = batches_within(&ids, self.card.spec.d_model, budget);
        let (count, mut room) = (batches.len(), budget.saturating_sub(record.bytes()));
        let goes_on = |run: &StoppedRun| run.texts == record.key.texts && run.next <= target;
        if !stopped.as_ref().is_some_and(goes_on) || count > 1 {
            *stopped = None;
        }
        for (at, batch) in batches.into_iter().enumerate() {
            if stopped.is_none() || count > 1 {
                let embedded = forward.embedded_texts(&ids[batch.clone()]);
                *stopped = Some(StoppedRun {
                    texts: record.key.texts.clone(),
                    next: 0,
                    batches: embedded.map_err(|e| model.forward_error(e))?,
                });
            }
            let Some(run) = stopped.as_mut() else {
                return Err(QueryError::WrongAnswer);
            };
            while run.next <= target {
                let share = (at as f32 + run.next as f32 / (target + 1) as f32) / count as f32;
                callbacks.partial(Answer::Contexts(Box::new(ContextsAnswer::so_far(share))));
                let other = self.another(record, run.next, texts);
                let mut other = other.filter(|other| count == 1 && other.bytes() <= room);
                let here = (run.next == target).then_some(&mut *record);
                let into = here.into_iter().chain(&mut other).collect();
                let ran = one_layer(&forward, run, into, (batch.start, texts), callbacks);
                ran.map_err(|e| model.forward_error(e))?;
                room -= other.as_ref().map_or(0, LayerRecord::bytes);
                beside.extend(other);
            }
        }
        if count > 1 {
            *stopped = None;
        }
        Ok(())
    }

    /// What may be recorded while a record's texts run through a layer: of its own layer the other
    /// half.
    fn another(&self, of: &LayerRecord, layer: usize, texts: &CountedTexts) -> Option<LayerRecord> {
        let among = match (layer == of.key.layer, of.key.among) {
            (false, among) => among,
            (true, Items::Neurons) => Items::Heads,
            (true, Items::Heads) => Items::Neurons,
        };
        let key = RecordKey {
            layer,
            among,
            texts: of.key.texts.clone(),
        };
        let all = 0..among.count(&self.card.spec, layer);
        let bytes = (LayerRecord::len_of(among, texts) * all.len() * size_of::<f32>()) as u64;
        let known = self.contexts.find(&key, 0).is_some();
        (!known && bytes <= self.memory.kept / 2).then(|| LayerRecord::new(key, all, texts))
    }

    /// The file of a record; `None` if none is kept.
    fn record_file(
        &mut self,
        key: &RecordKey,
        texts: &CountedTexts,
        callbacks: Callbacks<'_>,
    ) -> Result<Option<PathBuf>, QueryError> {
        let RecordKey { layer, among, .. } = key;
        let ids = texts.texts.iter().map(|text| &text.ids[..]);
        self.record_file_of(&format!("contexts of {among:?} in {layer}"), ids, callbacks)
    }
}

/// Runs the next layer, and records what it does.
fn one_layer(
    forward: &Forward<'_>,
    run: &mut StoppedRun,
    mut into: Vec<&mut LayerRecord>,
    (first, texts): (usize, &CountedTexts),
    callbacks: Callbacks<'_>,
) -> Result<(), ForwardError> {
    let points: Vec<HookPoint> = into.iter().map(|record| record.point()).collect();
    let request = HookRequest {
        points: &points,
        pattern_from: None,
        cancel: callbacks.cancel,
    };
    forward.run_layer(run.next, &mut run.batches, request, &mut |hooked| {
        for record in &mut into {
            if record.point() == hooked.point {
                record.take(&hooked, first, texts)?;
            }
        }
        Ok(None)
    })?;
    run.next += 1;
    Ok(())
}

fn attention(texts: &CountedTexts, weights: &[f32]) -> AttentionFigures {
    let mut sums = AttentionFigures::default();
    for (at, text) in texts.texts.iter().enumerate() {
        let (start, n) = (texts.pairs(at).start, text.ids.len());
        for &from in &text.counted {
            let weight = |to: usize| f64::from(weights[start + from * n + to]);
            sums.first += weight(0);
            sums.itself += weight(from);
            // The first position does not count.
            sums.previous += weight(from.saturating_sub(1));
        }
    }
    let count = texts.count() as f64;
    AttentionFigures {
        first: sums.first / count,
        itself: sums.itself / count,
        previous: sums.previous / count,
    }
}
