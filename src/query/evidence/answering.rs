//! Answering what evidence there is: one run of the texts through all layers, which keeps of each
//! neuron the positions where it is most active; then the lists of all neurons.

use rayon::prelude::*;

use super::{EvidenceAnswer, EvidenceQuery, LayerEvidence, NeuronEvidence};
use crate::checkpoint::Matrix;
use crate::projection::{LogitShape, LogitsWanted, Scored};
use crate::query::contexts::{CountedTexts, TopPositions, batches_within};
use crate::query::{
    Answer, Answering, Callbacks, Convention, KeyFigures, NO_HEAD, NeuronAnswer, NeuronQuery,
    Query, QueryError, Reader,
};
use crate::transformer::{
    Forward, ForwardError, HookPoint, HookRequest, Hooked, LogitHead, TextBatch, with_numbers,
};
use crate::vocabulary::Filters;

/// Neurons whose lists are made at a time.
const NEURONS: usize = 256;
/// Positions whose predictions are made at a time.
const POSITIONS: usize = 1024;

/// What the run keeps of a neuron.
#[derive(Clone, Default)]
struct Activity {
    top: TopPositions,
    above_zero: usize,
}

/// What texts set off in all neurons, before any list is looked at.
pub struct EvidenceRun {
    ran: Ran,
    notices: Vec<String>,
}

/// What is known after the texts ran.
struct Ran {
    /// By layer and neuron.
    layers: Vec<Vec<Activity>>,
    /// The token at each position that counts.
    ids: Vec<u32>,
    /// The best prediction there; `None` if the model predicts nothing.
    predicted: Option<Vec<u32>>,
}

/// How often each token stands somewhere.
struct Occurrences {
    counts: Vec<u32>,
    all: usize,
}

impl Reader {
    /// The evidence of all neurons.
    ///
    /// # Errors
    /// A model that cannot be run, texts that it cannot read or that have no position that counts,
    /// or a cancelled token.
    pub(in crate::query) fn evidence(
        &mut self,
        query: &EvidenceQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<EvidenceAnswer, QueryError> {
        let run = self.evidence_run(query, callbacks)?;
        run.judged(query, self, callbacks)
    }

    /// Runs the texts of a query.
    ///
    /// # Errors
    /// As a query of evidence has them, but for those of lists.
    pub fn evidence_run(
        &self,
        query: &EvidenceQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<EvidenceRun, QueryError> {
        self.card.check_query(&Query::Evidence(query.clone()))?;
        self.model().runs_layers_once()?;
        let mut texts = CountedTexts::read(self.model(), &query.texts, callbacks)?;
        let mut notices = std::mem::take(&mut texts.notices);
        let ran = self.run_texts(&texts, &mut notices, callbacks)?;
        Ok(EvidenceRun { ran, notices })
    }

    fn run_texts(
        &self,
        texts: &CountedTexts,
        notices: &mut Vec<String>,
        callbacks: Callbacks<'_>,
    ) -> Result<Ran, QueryError> {
        let model = self.model();
        let failed = |error: ForwardError| model.forward_error(error);
        let forward = Forward::new(model.checkpoint, model.device).map_err(failed)?;
        let forward = forward.keeping(&self.layers);
        let head = match self.card.has_output(Convention::RAW) {
            false => Err(NO_HEAD.to_owned()),
            true => match forward.head() {
                Ok(head) => Ok(head),
                Err(why @ ForwardError::NoHead { .. }) => Err(why.to_string()),
                Err(error) => return Err(failed(error)),
            },
        };
        if let Err(why) = &head {
            notices.push(format!("nothing is said of V: {why}"));
        }
        let head = head.ok();
        let spec = &self.card.spec;
        let activity = |layer| vec![Activity::default(); spec.neurons_in(layer)];
        let mut layers: Vec<Vec<Activity>> = (0..spec.layers).map(activity).collect();
        let mut predicted = head.is_some().then(Vec::new);
        let ids = texts.ids();
        let parts = batches_within(&ids, spec.d_model, self.memory.kept / 2);
        let count = parts.len() as f32;
        for (at, part) in parts.into_iter().enumerate() {
            let mut batches = forward.embedded_texts(&ids[part.clone()]).map_err(failed)?;
            for (layer, activity) in layers.iter_mut().enumerate() {
                let done = (at as f32 + layer as f32 / spec.layers as f32) / count;
                callbacks.partial(Answer::Evidence(EvidenceAnswer::so_far(0.5 * done)));
                let request = HookRequest {
                    points: &[HookPoint::MlpPost],
                    pattern_from: None,
                    cancel: callbacks.cancel,
                };
                let ran = forward.run_layer(layer, &mut batches, request, &mut |hooked| {
                    take(activity, &hooked, part.start, texts)?;
                    Ok(None)
                });
                ran.map_err(failed)?;
            }
            if let (Some(predicted), Some(head)) = (&mut predicted, &head) {
                self.predict(head, &batches, (part.start, texts), predicted, callbacks)?;
            }
        }
        Ok(Ran {
            layers,
            ids: texts.counted_ids(),
            predicted,
        })
    }

    /// Adds the best prediction at each position of some texts that counts.
    fn predict(
        &self,
        head: &LogitHead,
        batches: &[TextBatch],
        (first, texts): (usize, &CountedTexts),
        predicted: &mut Vec<u32>,
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        let model = self.model();
        let failed = |error: ForwardError| model.forward_error(error);
        let width = self.card.spec.d_model;
        let shape = LogitShape {
            bias: head.bias(),
            softcap: head.softcap(),
        };
        for batch in batches {
            let read = head.read(&batch.state).map_err(failed)?;
            let mut vectors = Vec::new();
            let gathered = with_numbers(&read, |x| {
                for (text, rows) in batch.texts.clone().zip(&batch.rows) {
                    for at in &texts.texts[first + text].counted {
                        let row = (rows.start + at) * width;
                        vectors.extend_from_slice(&x[row..row + width]);
                    }
                }
            });
            gathered.map_err(|e| failed(e.into()))?;
            for some in vectors.chunks(POSITIONS * width) {
                let some = Matrix::new(some.len() / width, width, some.to_vec());
                let wanted = LogitsWanted {
                    k: 1,
                    tokens: &[],
                    references: &[],
                };
                let found =
                    self.logit_rows
                        .distributions(&some, shape, wanted, callbacks.cancel)?;
                let best = found.iter().map(|of| of.best.first().map(|best| best.id));
                let best: Option<Vec<u32>> = best.collect();
                predicted.extend(best.ok_or(QueryError::WrongAnswer)?);
            }
        }
        Ok(())
    }
}

impl EvidenceRun {
    /// What the lists of all neurons, as `lists` answers with them, tell of it.
    ///
    /// # Errors
    /// As [`Answering::answer_neurons`].
    pub fn judged(
        self,
        query: &EvidenceQuery,
        lists: &mut dyn Answering,
        callbacks: Callbacks<'_>,
    ) -> Result<EvidenceAnswer, QueryError> {
        let Self { ran, notices } = self;
        let rows = lists.card().vocabulary.rows();
        let tokens = Occurrences::of(&ran.ids, rows);
        let predictions = ran.predicted.as_ref().map(|ids| Occurrences::of(ids, rows));
        let mut layers = Vec::with_capacity(ran.layers.len());
        for (layer, activity) in ran.layers.iter().enumerate() {
            let mut neurons = Vec::with_capacity(activity.len());
            for first in (0..activity.len()).step_by(NEURONS) {
                let done = layer as f32 + first as f32 / activity.len() as f32;
                let done = 0.5 + 0.5 * done / ran.layers.len() as f32;
                callbacks.partial(Answer::Evidence(EvidenceAnswer::so_far(done)));
                let some = first..activity.len().min(first + NEURONS);
                let queries: Vec<NeuronQuery> =
                    some.clone().map(|n| first_list(query, layer, n)).collect();
                let found = lists.answer_neurons(&queries, callbacks.without_partial())?;
                let judged = activity[some].par_iter().zip(&found);
                let judged =
                    judged.map(|(of, list)| judge(of, list, (&ran, &tokens, predictions.as_ref())));
                neurons.extend(judged.collect::<Vec<_>>());
            }
            layers.push(LayerEvidence { neurons });
        }
        Ok(EvidenceAnswer {
            layers,
            positions: ran.ids.len(),
            notices,
            done: 1.0,
        })
    }
}

/// The first tokens of a neuron's columns.
fn first_list(query: &EvidenceQuery, layer: usize, neuron: usize) -> NeuronQuery {
    NeuronQuery {
        layer,
        neuron,
        input: query.input,
        k: KeyFigures::AT,
        filters: Filters::default(),
        convention: query.convention,
    }
}

/// Takes in a layer's activations.
fn take(
    activity: &mut [Activity],
    hooked: &Hooked<'_>,
    first: usize,
    texts: &CountedTexts,
) -> Result<(), ForwardError> {
    let width = activity.len();
    with_numbers(hooked.tensor, |x| {
        for (text, rows) in hooked.texts.clone().zip(hooked.rows) {
            let counted = &texts.texts[first + text].counted;
            for (position, at) in texts.positions(first + text).zip(counted) {
                let row = (rows.start + at) * width;
                let numbers = &x[row..row + width];
                for (of, &number) in activity.iter_mut().zip(numbers) {
                    of.top.offer(number, position as u32);
                    of.above_zero += usize::from(number > 0.0);
                }
            }
        }
    })?;
    Ok(())
}

fn judge(
    of: &Activity,
    lists: &NeuronAnswer,
    (ran, tokens, predictions): (&Ran, &Occurrences, Option<&Occurrences>),
) -> NeuronEvidence {
    let [key, value, ..] = &lists.columns;
    let among = |list: &[Scored], id: u32| list.iter().any(|scored| scored.id == id);
    let agrees = |predicted: &[u32]| of.top.share(|at| among(value, predicted[at as usize]));
    NeuronEvidence {
        most: of.top.highest().unwrap_or_default(),
        above_zero: of.above_zero as f64 / ran.ids.len().max(1) as f64,
        precision: of.top.share(|at| among(key, ran.ids[at as usize])),
        precision_base: tokens.share(key),
        agreement: ran.predicted.as_deref().map(agrees),
        agreement_base: predictions.map(|predictions| predictions.share(value)),
    }
}

impl Occurrences {
    fn of(ids: &[u32], rows: usize) -> Self {
        let mut counts = vec![0; rows];
        for &id in ids {
            if let Some(count) = counts.get_mut(id as usize) {
                *count += 1;
            }
        }
        Self {
            counts,
            all: ids.len(),
        }
    }

    /// The share of all places that have a token of a list.
    fn share(&self, list: &[Scored]) -> f64 {
        let counts = list.iter().filter_map(|of| self.counts.get(of.id as usize));
        f64::from(counts.sum::<u32>()) / self.all.max(1) as f64
    }
}
