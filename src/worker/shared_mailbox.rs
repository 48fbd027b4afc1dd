//! Where the threads meet: the mailbox, the cache and the way out, behind one lock. Whether an
//! answer is wanted and sending it are one step, so that nothing unwanted is ever sent.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::checkpoint::Location;
use crate::query::{Answer, ModelCard, Query};
use crate::task::Progress;

use super::cache::Cache;
use super::mailbox::{Mailbox, Task};
use super::{Event, ModelId};

/// Without a step for so long the user is at rest: longer than a held key takes to repeat.
const REST: Duration = Duration::from_millis(100);

/// A list that is not proven after so long waits until there is something of the others.
const LONG: Duration = Duration::from_secs(1);

pub(super) struct SharedMailbox {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    mailbox: Mailbox,
    /// When something was wanted last.
    wanted: Instant,
    cache: Cache,
    notify: Box<dyn Fn(Event) + Send>,
}

impl State {
    fn answered(&self, query: Query, answer: Arc<Answer>, took: Duration) {
        (self.notify)(Event::Answered {
            id: self.mailbox.model(),
            query,
            answer,
            took,
        });
    }

    fn answer_from_cache(&mut self, id: ModelId, queries: Vec<Query>) {
        if id != self.mailbox.model() {
            return;
        }
        for query in queries {
            if let Some(answer) = self.cache.get(&query) {
                self.mailbox.settle(&query);
                self.answered(query, answer, Duration::ZERO);
            }
        }
    }
}

impl SharedMailbox {
    pub(super) fn new(cache_bytes_max: usize, notify: Box<dyn Fn(Event) + Send>) -> Self {
        let state = State {
            mailbox: Mailbox::default(),
            wanted: Instant::now(),
            cache: Cache::new(cache_bytes_max),
            notify,
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// A panic in `notify` leaves nothing half done, so a poisoned lock is taken as it is.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open(&self, location: Location) -> ModelId {
        let id = self.state().mailbox.open(location);
        self.changed.notify_one();
        id
    }

    /// Answers from the cache at once; the rest is left to the worker's thread.
    pub(super) fn want(&self, id: ModelId, queries: Vec<Query>) {
        let mut state = self.state();
        let new = state.mailbox.want(id, queries);
        state.wanted = Instant::now();
        state.answer_from_cache(id, new);
        drop(state);
        self.changed.notify_one();
    }

    /// The same for what is answered when there is nothing else to do.
    pub(super) fn idle(&self, id: ModelId, queries: Vec<Query>) {
        let mut state = self.state();
        let new = state.mailbox.idle(id, queries);
        state.answer_from_cache(id, new);
        drop(state);
        self.changed.notify_one();
    }

    pub(super) fn stop(&self) {
        self.state().mailbox.stop();
        self.changed.notify_one();
    }

    /// Sleeps until there is something to do.
    pub(super) fn next(&self) -> Task {
        let mut state = self.state();
        loop {
            if let Some(task) = state.mailbox.next() {
                return task;
            }
            let rested = state.wanted.elapsed();
            if !state.mailbox.is_walking() {
                let woken = self.changed.wait(state);
                state = woken.unwrap_or_else(PoisonError::into_inner);
            } else if rested >= REST {
                state.mailbox.rest();
            } else {
                let woken = self.changed.wait_timeout(state, REST - rested);
                (state, _) = woken.unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// See [`Mailbox::is_settled`]; the answers have been passed on then.
    pub(super) fn is_settled(&self) -> bool {
        self.state().mailbox.is_settled()
    }

    /// See [`Mailbox::goes_on`].
    pub(super) fn goes_on(&self, query: &Query, round: u64) -> bool {
        self.state().mailbox.goes_on(query, round)
    }

    /// See [`Mailbox::batch_goes_on`].
    pub(super) fn batch_goes_on(&self, batch: &[Query]) -> bool {
        self.state().mailbox.batch_goes_on(batch)
    }

    /// Those of `queries` whose answers are not there.
    pub(super) fn missing(&self, mut queries: Vec<Query>) -> Vec<Query> {
        let state = self.state();
        queries.retain(|q| !state.cache.contains(q));
        queries
    }

    pub(super) fn opened(&self, id: ModelId, card: Arc<ModelCard>) {
        let mut state = self.state();
        state.cache.clear();
        state.mailbox.opened(id);
        (state.notify)(Event::Opened { id, card });
    }

    pub(super) fn not_opened(&self, id: ModelId, name: String, message: String) {
        let event = Event::NotOpened { id, name, message };
        (self.state().notify)(event);
    }

    /// Passes a partial answer on, if it is wanted.
    pub(super) fn improved(&self, query: &Query, partial: Answer, took: Duration) {
        let mut state = self.state();
        if took >= LONG && partial.kind().so_far().is_some_and(|done| done > 0.0) {
            state.mailbox.improved(query);
        }
        if state.mailbox.waits(query) {
            state.answered(query.clone(), Arc::new(partial), took);
        }
    }

    /// Says how far a query's weights are, if it is wanted.
    pub(super) fn fetching(&self, query: &Query, progress: &Progress) {
        let state = self.state();
        if state.mailbox.waits(query) {
            (state.notify)(Event::Fetching {
                id: state.mailbox.model(),
                query: query.clone(),
                progress: progress.clone(),
            });
        }
    }

    /// Keeps an answer, and passes it on if it is wanted.
    pub(super) fn finished(&self, query: Query, answer: Answer, took: Duration) {
        let answer = Arc::new(answer);
        let mut state = self.state();
        state.cache.put(query.clone(), Arc::clone(&answer));
        if state.mailbox.settle(&query) {
            state.answered(query, answer, took);
        }
    }

    /// Says that a query cannot be answered, to whom it concerns.
    pub(super) fn failed(&self, query: Query, message: String) {
        tracing::warn!(at = ?query.address(), message, "a query failed");
        let mut state = self.state();
        if state.mailbox.settle(&query) {
            let id = state.mailbox.model();
            (state.notify)(Event::Failed { id, query, message });
        }
    }
}
