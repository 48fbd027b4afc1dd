//! What is to be done, and in what order: pure, without a lock and without a thread. Nothing
//! queues here; whatever is asked later takes the place of what was asked before.

use crate::checkpoint::Location;
use crate::query::{DictionaryAsk, Query};

use super::ModelId;
use super::neighbours::is_walk;

/// The next thing to do.
#[derive(Debug, PartialEq)]
pub(super) enum Task {
    Open {
        id: ModelId,
        location: Location,
    },
    Answer {
        query: Query,
        round: u64,
    },
    /// A step of a walk was made: compute what lies on its way.
    WalkAhead(Steps),
    /// All that was asked is answered: compute what may be asked next.
    LookAhead(Steps),
    Stop,
}

/// What was asked in a round. `before` was asked just before `asked`, which tells in what direction
/// the user goes.
#[derive(Debug, PartialEq)]
pub(super) struct Steps {
    pub asked: Vec<Query>,
    pub before: Vec<Query>,
    pub round: u64,
}

/// Requests that wait, each kind in one place.
#[derive(Default)]
pub(super) struct Mailbox {
    /// The model that is open.
    model: ModelId,
    /// The last identifier given away.
    last_id: ModelId,
    opening: Option<(ModelId, Location)>,
    /// Whose queries `wishes` and `idle` are; they wait until that model is open.
    asked_of: ModelId,
    wishes: Wishes,
    before: Vec<Query>,
    /// What is answered when there is nothing else to do.
    idle: Wishes,
    /// Counts the lists that were asked.
    round: u64,
    /// Whether the neighbours of what is asked are still to be computed.
    look_ahead: bool,
    /// Whether those are that lie on the way of a walk.
    walk_ahead: bool,
    /// Whether the user is on a walk through what is quick: all that takes longer waits for a rest.
    walking: bool,
    stop: bool,
}

/// A list of queries.
#[derive(Default)]
struct Wishes {
    asked: Vec<Query>,
    /// The part of `asked` that has no answer yet.
    pending: Vec<Query>,
    /// Those of `pending` that have an answer so far, after a while: the others come first.
    so_far: Vec<Query>,
}

impl Wishes {
    /// Takes another list. Returns the queries that were not in the one before: those that stay
    /// keep their answers, or go on. And the list before.
    fn replace(&mut self, queries: Vec<Query>) -> (Vec<Query>, Vec<Query>) {
        let new = queries.iter().filter(|q| !self.asked.contains(q));
        let new: Vec<Query> = new.cloned().collect();
        let waits = |q: &&Query| new.contains(q) || self.pending.contains(q);
        self.pending = queries.iter().filter(waits).cloned().collect();
        self.so_far.retain(|query| self.pending.contains(query));
        (new, std::mem::replace(&mut self.asked, queries))
    }

    fn settle(&mut self, query: &Query) {
        self.pending.retain(|q| q != query);
        self.so_far.retain(|q| q != query);
    }

    /// What has no answer in the order of its turn: first what is not answered so far either.
    fn in_turn(&self) -> impl Iterator<Item = &Query> {
        let so_far = |query: &&Query| self.so_far.contains(query);
        let first = self.pending.iter().filter(move |query| !so_far(query));
        first.chain(self.pending.iter().filter(so_far))
    }
}

impl Mailbox {
    /// Asks for a model; one that was asked for before and is not being opened yet is forgotten.
    pub(super) fn open(&mut self, location: Location) -> ModelId {
        self.last_id.0 += 1;
        self.opening = Some((self.last_id, location));
        self.last_id
    }

    /// A model is open in the place of the one before.
    pub(super) fn opened(&mut self, id: ModelId) {
        self.model = id;
    }

    /// The model that is open.
    pub(super) fn model(&self) -> ModelId {
        self.model
    }

    /// Replaces the list of wanted queries. Returns the queries that were not in the list before.
    pub(super) fn want(&mut self, id: ModelId, queries: Vec<Query>) -> Vec<Query> {
        if id == self.asked_of && queries == self.wishes.asked {
            return Vec::new();
        }
        if id != self.asked_of {
            (self.wishes, self.idle) = Default::default();
            self.asked_of = id;
        }
        let (new, before) = self.wishes.replace(queries);
        self.before = before;
        self.round += 1;
        self.look_ahead = true;
        self.walking = walks(&self.wishes.asked, &self.before);
        self.walk_ahead = self.walking;
        new
    }

    /// Replaces the list of what is answered when there is nothing else to do, of the model of
    /// which something was wanted last; otherwise as [`Self::want`].
    pub(super) fn idle(&mut self, id: ModelId, queries: Vec<Query>) -> Vec<Query> {
        if id != self.asked_of {
            return Vec::new();
        }
        self.idle.replace(queries).0
    }

    /// Strikes a query off, with an answer or without. False if it is no longer wanted.
    pub(super) fn settle(&mut self, query: &Query) -> bool {
        let waits = self.waits(query);
        if waits {
            for wishes in [&mut self.wishes, &mut self.idle] {
                wishes.settle(query);
            }
        }
        waits
    }

    /// A query that goes on from where it was has been answered so far, and takes long to be answered
    /// in full: other lists come first.
    pub(super) fn improved(&mut self, query: &Query) {
        let wishes = &mut self.wishes;
        let counts = query.kind().resumes() && wishes.pending.contains(query);
        if counts && !wishes.so_far.contains(query) {
            wishes.so_far.push(query.clone());
        }
    }

    /// Whether an answer to `query` from the open model is waited for.
    pub(super) fn waits(&self, query: &Query) -> bool {
        let pending = [&self.wishes, &self.idle];
        let mut pending = pending.into_iter().flat_map(|wishes| &wishes.pending);
        self.asked_of == self.model && pending.any(|q| q == query)
    }

    /// Whether what runs should go on: `query`, begun in `round`. A wanted query goes on, except
    /// that one which takes longer waits for quick ones that are more important, and for the end of
    /// a walk, and one that loses nothing by it for whatever has its turn first. A neighbour goes on
    /// until something is asked, unless it is what is asked for. What is answered for want of
    /// anything else goes on until there is something else to do.
    pub(super) fn goes_on(&self, query: &Query, round: u64) -> bool {
        if self.stop || self.opening.is_some() {
            return false;
        }
        let pending = &self.wishes.pending;
        if !pending.contains(query) {
            return match self.idle.pending.contains(query) {
                true => pending.is_empty() && !self.look_ahead,
                false => !pending.iter().any(|q| self.comes_now(q)) && self.round == round,
            };
        }
        let resumes = query.kind().resumes();
        let mut before = self.wishes.in_turn().take_while(|q| *q != query);
        is_quick(query) || !(self.walking || before.any(|q| resumes || is_quick(q)))
    }

    /// Whether a batch of neighbours should go on: as long as nothing else is waited for that does
    /// not wait for a rest. Steps that the cache answers do not disturb it, or a held key would
    /// never let one be finished.
    pub(super) fn batch_goes_on(&self, batch: &[Query]) -> bool {
        let next = self
            .wishes
            .pending
            .iter()
            .find(|query| self.comes_now(query))
            .filter(|_| self.asked_of == self.model);
        !self.stop && self.opening.is_none() && next.is_none_or(|next| batch.contains(next))
    }

    /// Whether a query is not one that waits for the end of a walk.
    fn comes_now(&self, query: &Query) -> bool {
        is_quick(query) || !self.walking
    }

    /// Whether all that was asked is answered.
    pub(super) fn is_settled(&self) -> bool {
        self.opening.is_none() && self.wishes.pending.is_empty() && self.idle.pending.is_empty()
    }

    /// Ends everything.
    pub(super) fn stop(&mut self) {
        self.stop = true;
    }

    fn steps(&self) -> Steps {
        Steps {
            asked: self.wishes.asked.clone(),
            before: self.before.clone(),
            round: self.round,
        }
    }

    /// Whether the user is on a walk, after which there may be more to do.
    pub(super) fn is_walking(&self) -> bool {
        self.walking
    }

    /// The user has made no step for a while.
    pub(super) fn rest(&mut self) {
        self.walking = false;
    }

    /// The next thing to do, if there is one.
    pub(super) fn next(&mut self) -> Option<Task> {
        if self.stop {
            return Some(Task::Stop);
        }
        if let Some((id, location)) = self.opening.take() {
            return Some(Task::Open { id, location });
        }
        if self.asked_of != self.model {
            return None;
        }
        let round = self.round;
        let pending = &self.wishes.pending;
        if self.walking {
            if let Some(query) = pending.iter().find(|query| is_quick(query)).cloned() {
                return Some(Task::Answer { query, round });
            }
            let ahead = std::mem::take(&mut self.walk_ahead);
            return ahead.then(|| Task::WalkAhead(self.steps()));
        }
        if let Some(query) = self.wishes.in_turn().next().cloned() {
            return Some(Task::Answer { query, round });
        }
        if std::mem::take(&mut self.look_ahead) {
            return Some(Task::LookAhead(self.steps()));
        }
        let query = self.idle.pending.first()?.clone();
        Some(Task::Answer { query, round })
    }
}

/// Whether a query takes milliseconds: it waits for nothing that takes longer.
fn is_quick(query: &Query) -> bool {
    match query {
        Query::Neuron(_) => true,
        Query::Dictionary(of) => matches!(of.ask, DictionaryAsk::Direction { .. }),
        _ => false,
    }
}

/// Whether the way from what was asked before to what is asked now is a walk through what is quick.
fn walks(asked: &[Query], before: &[Query]) -> bool {
    asked
        .iter()
        .any(|query| is_quick(query) && is_walk(query, before))
}

#[cfg(test)]
mod tests;
