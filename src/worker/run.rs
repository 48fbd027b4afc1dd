//! What the worker's thread does, one task after another; a panic in any of them ends that task
//! only.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::checkpoint::Location;
use crate::query::{Answer, Answering, Callbacks, ModelCard, Query, QueryError};
use crate::task::{CancelToken, Progress};

use super::kept::{OpenModel, files_of};
use super::mailbox::{Steps, Task};
use super::neighbours::{neighbours, on_the_way};
use super::shared_mailbox::SharedMailbox;

/// Neurons that are computed ahead in one pass over the embedding: as many as a pass takes along
/// for little more than its own time, so that another query waits no longer than that.
const BATCH: usize = 4;

/// Does what the desk says until it says stop. The model is dropped on this thread.
pub(super) fn run<F>(mailbox: &SharedMailbox, open: F)
where
    F: Fn(&Location) -> Result<Box<dyn Answering>, QueryError>,
{
    let mut present: Option<OpenModel> = None;
    let mut before: Option<OpenModel> = None;
    let aside = all_threads_but_one();
    loop {
        match (mailbox.next(), &mut present) {
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
                        mailbox.opened(id, card);
                    }
                    Err(error) => mailbox.not_opened(id, location.to_string(), message(&error)),
                }
            }
            (Task::Answer { query, round }, Some(present)) => {
                answer(&mut present.model, mailbox, query, round);
            }
            (Task::WalkAhead(steps), Some(present)) => {
                let ahead = around(&*present.model, &steps, on_the_way);
                let missing = mailbox.missing(ahead.clone());
                if is_due(&ahead, &missing) {
                    let look = || look_ahead(&mut present.model, mailbox, missing, steps.round);
                    match &aside {
                        Some(aside) => aside.install(look),
                        None => look(),
                    }
                }
            }
            (Task::LookAhead(steps), Some(present)) => {
                let missing = mailbox.missing(around(&*present.model, &steps, neighbours));
                look_ahead(&mut present.model, mailbox, missing, steps.round);
            }
            // Nobody can know the identifier of a model that was never open.
            (Task::Answer { query, .. }, None) => {
                mailbox.failed(query, "no model is open".to_owned());
            }
            (Task::WalkAhead(_) | Task::LookAhead(_), None) => {}
        }
    }
}

/// Threads for what is computed ahead of a walk: the one that is left draws the steps, which would wait
/// for a processor while a batch has all. `None`: the system gives none.
fn all_threads_but_one() -> Option<ThreadPool> {
    let threads = rayon::current_num_threads().saturating_sub(1).max(1);
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.inspect_err(|error| tracing::warn!(%error, "no threads beside the others"))
        .ok()
}

/// Answers one query, either for a waiting client or as a prefetch.
fn answer(model: &mut Box<dyn Answering>, mailbox: &SharedMailbox, query: Query, round: u64) {
    let started = Instant::now();
    let cancelled = || !mailbox.goes_on(&query, round);
    let on_partial = |answer| mailbox.improved(&query, answer, started.elapsed());
    let on_progress = |progress: &Progress| mailbox.fetching(&query, progress);
    let callbacks = Callbacks {
        cancel: CancelToken::new(&cancelled),
        on_partial: Some(&on_partial),
        on_progress: Some(&on_progress),
    };
    match guarded(|| model.answer(&query, callbacks)) {
        Ok(answer) => mailbox.finished(query.clone(), answer, started.elapsed()),
        Err(error) if error.is_cancelled() => {}
        Err(error) => mailbox.failed(query.clone(), message(&error)),
    }
}

/// What is near what was asked, as `which` has it.
fn around(
    model: &dyn Answering,
    steps: &Steps,
    which: fn(&[Query], &[Query], &ModelCard) -> Vec<Query>,
) -> Vec<Query> {
    let around = guarded(|| Ok(which(&steps.asked, &steps.before, &model.card())));
    around.unwrap_or_else(|error| {
        tracing::warn!(message = message(&error), "no neighbours");
        Vec::new()
    })
}

/// Whether of what lies ahead on a walk enough is missing for a batch, which takes along for little
/// more than the time of one, or the next steps are.
fn is_due(ahead: &[Query], missing: &[Query]) -> bool {
    let mut next = ahead.iter().take(BATCH / 2);
    missing.len() >= BATCH || next.any(|next| missing.contains(next))
}

/// Computes neighbours that are not there yet, the nearest first: neurons of the same filters and
/// convention in batches, then heads one by one, until something else is asked.
fn look_ahead(
    model: &mut Box<dyn Answering>,
    mailbox: &SharedMailbox,
    around: Vec<Query>,
    round: u64,
) {
    let (neurons, heads): (Vec<Query>, Vec<Query>) = around
        .into_iter()
        .partition(|query| matches!(query, Query::Neuron(_) | Query::Dictionary(_)));
    let alike = neurons.chunk_by(|a, b| {
        let of_model = |query: &Query| matches!(query, Query::Neuron(_));
        let of = |query: &Query| (query.filters().cloned(), query.convention());
        of_model(a) == of_model(b) && of(a) == of(b)
    });
    for batch in alike.flat_map(|alike| alike.chunks(BATCH)) {
        if !mailbox.goes_on(&batch[0], round) {
            return;
        }
        answer_batch(model, mailbox, batch);
    }
    for query in heads {
        if !mailbox.goes_on(&query, round) {
            return;
        }
        answer(model, mailbox, query, round);
    }
}

fn answer_batch(model: &mut Box<dyn Answering>, mailbox: &SharedMailbox, batch: &[Query]) {
    let started = Instant::now();
    let cancelled = || !mailbox.batch_goes_on(batch);
    let on_progress = |progress: &Progress| {
        batch
            .iter()
            .for_each(|query| mailbox.fetching(query, progress));
    };
    let callbacks = Callbacks {
        cancel: CancelToken::new(&cancelled),
        on_partial: None,
        on_progress: Some(&on_progress),
    };
    let answers = match guarded(|| answers_of(&mut **model, batch, callbacks)) {
        Ok(answers) => answers,
        Err(error) if error.is_cancelled() => return,
        // Whoever asks for one of them is told then.
        Err(error) => {
            return tracing::warn!(message = message(&error), "neighbours failed");
        }
    };
    let took = started.elapsed();
    for (query, answer) in batch.iter().zip(answers) {
        if let Some(answer) = answer {
            mailbox.finished(query.clone(), answer, took);
        }
    }
}

/// Answers to neurons, or to directions of a dictionary; `None` where there is no such direction.
fn answers_of(
    model: &mut dyn Answering,
    batch: &[Query],
    callbacks: Callbacks<'_>,
) -> Result<Vec<Option<Answer>>, QueryError> {
    let (mut neurons, mut directions) = (Vec::new(), Vec::new());
    for query in batch {
        match query {
            Query::Neuron(neuron) => neurons.push(neuron.clone()),
            Query::Dictionary(direction) => directions.push(direction.clone()),
            _ => {}
        }
    }
    if !directions.is_empty() {
        let answers = model.answer_directions(&directions, callbacks)?.into_iter();
        return Ok(answers.map(|of| of.map(Answer::Dictionary)).collect());
    }
    let answers = model.answer_neurons(&neurons, callbacks)?.into_iter();
    Ok(answers.map(|of| Some(Answer::Neuron(of))).collect())
}

/// Runs `f`; a panic in it is an error like any other.
fn guarded<T>(f: impl FnOnce() -> Result<T, QueryError>) -> Result<T, QueryError> {
    catch_unwind(AssertUnwindSafe(f))
        .unwrap_or_else(|payload| Err(QueryError::Other(panic_message(&*payload))))
}

/// What the user is told of an error: its first line, as some bring a backtrace along.
fn message(error: &QueryError) -> String {
    first_line(&error.to_string()).to_owned()
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::tests::fake::neuron;

    #[test]
    fn a_walk_is_computed_ahead_in_whole_batches_unless_the_next_step_is_missing() {
        let ahead: Vec<Query> = (1..=8).map(|n| neuron(0, n)).collect();
        assert!(is_due(&ahead, &ahead));
        assert!(is_due(&ahead, &ahead[4..]));
        assert!(!is_due(&ahead, &ahead[5..]));
        assert!(!is_due(&ahead, &[]));
        // At the end of a layer.
        assert!(is_due(&ahead[..2], &ahead[1..2]));
    }
}
