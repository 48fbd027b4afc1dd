//! What the worker's thread does, one task after another; a panic in any of them ends that task
//! only.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use crate::checkpoint::Location;
use crate::hub::Progress;
use crate::query::{Answer, Answering, NeuronQuery, Query, QueryError, Watch};

use super::desk::Desk;
use super::kept::{OpenModel, files_of};
use super::mailbox::Task;
use super::neighbours::neighbours;

/// Neurons that are computed ahead in one pass over the embedding: as many as a pass takes along
/// for little more than its own time, so that whoever asks for another waits no longer than that.
const BATCH: usize = 4;

/// Does what the desk says until it says stop. The model is dropped on this thread.
pub(super) fn run<F>(desk: &Desk, open: F)
where
    F: Fn(&Location) -> Result<Box<dyn Answering>, QueryError>,
{
    let mut present: Option<OpenModel> = None;
    let mut before: Option<OpenModel> = None;
    loop {
        match (desk.next(), &mut present) {
            (Task::Stop, _) => return,
            (Task::Open { id, location }, present) => {
                let files = files_of(&location);
                let again = before.take_if(|kept| kept.is(&location, &files));
                let opened = match again {
                    Some(kept) => Ok((kept.model.card(), kept)),
                    None => guarded(|| {
                        let model = open(&location)?;
                        let card = model.card();
                        Ok((card, OpenModel::new(location.clone(), files, model)))
                    }),
                };
                match opened {
                    Ok((card, opened)) => {
                        let left = present.replace(opened);
                        // A model that is opened anew takes the place of itself.
                        if let Some(left) = left.filter(|left| !left.is_at(&location)) {
                            before = Some(left).filter(OpenModel::is_small);
                        }
                        desk.opened(id, card);
                    }
                    Err(message) => desk.not_opened(id, location.to_string(), message),
                }
            }
            (Task::Answer { query, round }, Some(present)) => {
                answer(&mut present.model, desk, query, round);
            }
            (
                Task::LookAhead {
                    asked,
                    before,
                    round,
                },
                Some(present),
            ) => look_ahead(&mut present.model, desk, (&asked, &before), round),
            // Nobody can know the identifier of a model that was never open.
            (Task::Answer { query, .. }, None) => {
                desk.failed(query, "no model is open".to_owned());
            }
            (Task::LookAhead { .. }, None) => {}
        }
    }
}

/// Answers one query, for whoever waits or ahead.
fn answer(model: &mut Box<dyn Answering>, desk: &Desk, query: Query, round: u64) {
    let watch = Lookout::new(desk, std::slice::from_ref(&query), Some(round));
    let answer = guarded(|| model.answer(&query, &watch));
    let took = watch.started.elapsed();
    match answer {
        Ok(Some(answer)) => desk.finished(query, answer, took),
        Ok(None) => {}
        Err(message) => desk.failed(query, message),
    }
}

/// Computes the neighbours of what was asked that are not there yet, the nearest first: neurons of
/// the same filters and convention in batches, then heads one by one, until something else is asked.
fn look_ahead(
    model: &mut Box<dyn Answering>,
    desk: &Desk,
    (asked, before): (&[Query], &[Query]),
    round: u64,
) {
    let around = match guarded(|| Ok(neighbours(asked, before, &model.card()))) {
        Ok(around) => desk.missing(around),
        Err(message) => return tracing::warn!(message, "no neighbours"),
    };
    let (neurons, heads): (Vec<Query>, Vec<Query>) = around
        .into_iter()
        .partition(|query| matches!(query, Query::Neuron(_)));
    let alike =
        neurons.chunk_by(|a, b| (a.filters(), a.convention()) == (b.filters(), b.convention()));
    for batch in alike.flat_map(|alike| alike.chunks(BATCH)) {
        if !desk.goes_on(&batch[0], round) {
            return;
        }
        answer_batch(model, desk, batch);
    }
    for query in heads {
        if !desk.goes_on(&query, round) {
            return;
        }
        answer(model, desk, query, round);
    }
}

fn answer_batch(model: &mut Box<dyn Answering>, desk: &Desk, batch: &[Query]) {
    let watch = Lookout::new(desk, batch, None);
    let neurons: Vec<NeuronQuery> = batch
        .iter()
        .filter_map(|query| match query {
            Query::Neuron(neuron) => Some(neuron.clone()),
            _ => None,
        })
        .collect();
    let answers = match guarded(|| model.answer_neurons(&neurons, &watch)) {
        Ok(answers) => answers.unwrap_or_default(),
        // Whoever asks for one of them is told then.
        Err(message) => return tracing::warn!(message, "neighbours failed"),
    };
    let took = watch.started.elapsed();
    for (query, answer) in batch.iter().zip(answers) {
        desk.finished(query.clone(), Answer::Neuron(answer), took);
    }
}

/// Runs `f`; a panic in it is an error like any other.
fn guarded<T>(f: impl FnOnce() -> Result<T, QueryError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => result.map_err(|error| first_line(&error.to_string()).to_owned()),
        Err(payload) => Err(panic_message(&*payload)),
    }
}

/// A message has one line on the screen; some errors bring a backtrace along.
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("no message")
}

/// What a panic said.
fn panic_message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let line = first_line(text.unwrap_or_default());
    format!("a fault in lexiscope, please report it: {line}")
}

/// Watches over one query begun in a round, or over a batch of neighbours.
struct Lookout<'a> {
    desk: &'a Desk,
    queries: &'a [Query],
    /// `None` for a batch.
    round: Option<u64>,
    started: Instant,
}

impl<'a> Lookout<'a> {
    fn new(desk: &'a Desk, queries: &'a [Query], round: Option<u64>) -> Self {
        let started = Instant::now();
        Self {
            desk,
            queries,
            round,
            started,
        }
    }
}

impl Watch for Lookout<'_> {
    fn wanted(&self) -> bool {
        match (self.queries, self.round) {
            ([query], Some(round)) => self.desk.goes_on(query, round),
            (batch, _) => self.desk.batch_goes_on(batch),
        }
    }

    fn improved(&self, partial: Answer) {
        if let [query] = self.queries {
            self.desk.improved(query, partial, self.started.elapsed());
        }
    }

    fn fetching(&self, progress: &Progress) {
        if let [query] = self.queries {
            self.desk.fetching(query, progress);
        }
    }
}
