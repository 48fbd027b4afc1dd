//! What is to be done, and in what order: pure, without a lock and without a thread. Nothing
//! queues here; whatever is asked later takes the place of what was asked before.

use crate::checkpoint::Location;
use crate::query::{DictionaryAsk, Query};

use super::ModelId;

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
    /// All that was asked is answered: compute what may be asked next. `before` was asked just
    /// before `asked`, which tells in what direction the user goes.
    LookAhead {
        asked: Vec<Query>,
        before: Vec<Query>,
        round: u64,
    },
    Stop,
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
    stop: bool,
}

/// A list of queries.
#[derive(Default)]
struct Wishes {
    asked: Vec<Query>,
    /// The part of `asked` that has no answer yet.
    pending: Vec<Query>,
}

impl Wishes {
    /// Takes another list. Returns the queries that were not in the one before: those that stay
    /// keep their answers, or go on. And the list before.
    fn replace(&mut self, queries: Vec<Query>) -> (Vec<Query>, Vec<Query>) {
        let new = queries.iter().filter(|q| !self.asked.contains(q));
        let new: Vec<Query> = new.cloned().collect();
        let waits = |q: &&Query| new.contains(q) || self.pending.contains(q);
        self.pending = queries.iter().filter(waits).cloned().collect();
        (new, std::mem::replace(&mut self.asked, queries))
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
                wishes.pending.retain(|q| q != query);
            }
        }
        waits
    }

    /// Whether an answer to `query` from the open model is waited for.
    pub(super) fn waits(&self, query: &Query) -> bool {
        let pending = [&self.wishes, &self.idle];
        let mut pending = pending.into_iter().flat_map(|wishes| &wishes.pending);
        self.asked_of == self.model && pending.any(|q| q == query)
    }

    /// Whether what runs should go on: `query`, begun in `round`. A wanted query goes on, except
    /// that a neuron or direction, which takes milliseconds, never waits for anything longer that is less
    /// important. A neighbour goes on until something is asked, unless it is what is asked for. What
    /// is answered for want of anything else goes on until there is something else to do.
    pub(super) fn goes_on(&self, query: &Query, round: u64) -> bool {
        if self.stop || self.opening.is_some() {
            return false;
        }
        let pending = &self.wishes.pending;
        if !pending.contains(query) {
            return pending.is_empty()
                && match self.idle.pending.contains(query) {
                    true => !self.look_ahead,
                    false => self.round == round,
                };
        }
        let is_quick = |q: &Query| match q {
            Query::Neuron(_) => true,
            Query::Dictionary(of) => matches!(of.ask, DictionaryAsk::Direction { .. }),
            _ => false,
        };
        let mut more_important = pending.iter().take_while(|q| *q != query);
        is_quick(query) || !more_important.any(is_quick)
    }

    /// Whether a batch of neighbours should go on: as long as nothing else is waited for. Steps
    /// that the cache answers do not disturb it, or a held key would never let one be finished.
    pub(super) fn batch_goes_on(&self, batch: &[Query]) -> bool {
        let next = self
            .wishes
            .pending
            .first()
            .filter(|_| self.asked_of == self.model);
        !self.stop && self.opening.is_none() && next.is_none_or(|next| batch.contains(next))
    }

    /// Whether all that was asked is answered.
    pub(super) fn is_settled(&self) -> bool {
        self.opening.is_none() && self.wishes.pending.is_empty() && self.idle.pending.is_empty()
    }

    /// Ends everything.
    pub(super) fn stop(&mut self) {
        self.stop = true;
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
        if let Some(query) = self.wishes.pending.first().cloned() {
            return Some(Task::Answer { query, round });
        }
        if std::mem::take(&mut self.look_ahead) {
            return Some(Task::LookAhead {
                asked: self.wishes.asked.clone(),
                before: self.before.clone(),
                round,
            });
        }
        let query = self.idle.pending.first()?.clone();
        Some(Task::Answer { query, round })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::tests::fake::{folder, neuron, pairs};

    /// A mailbox whose model 1 is open.
    fn opened() -> Mailbox {
        let mut mailbox = Mailbox::default();
        let id = mailbox.open(folder("a"));
        assert!(matches!(mailbox.next(), Some(Task::Open { .. })));
        mailbox.opened(id);
        mailbox
    }

    const ONE: ModelId = ModelId(1);

    #[test]
    fn keeps_only_the_last_of_each_kind() {
        let mut mailbox = opened();
        for n in 0..100 {
            mailbox.want(ONE, vec![neuron(0, n)]);
            mailbox.open(folder(&n.to_string()));
        }
        let open = Task::Open {
            id: ModelId(101),
            location: folder("99"),
        };
        assert_eq!(mailbox.next(), Some(open));
        let query = neuron(0, 99);
        let answer = Task::Answer { query, round: 100 };
        assert_eq!(mailbox.next(), Some(answer));
        assert!(mailbox.settle(&neuron(0, 99)));
        assert!(matches!(mailbox.next(), Some(Task::LookAhead { .. })));
        assert_eq!(mailbox.next(), None);
    }

    #[test]
    fn a_query_that_stays_is_not_asked_again() {
        let mut mailbox = opened();
        assert_eq!(mailbox.want(ONE, vec![neuron(0, 1)]), [neuron(0, 1)]);
        mailbox.settle(&neuron(0, 1));
        let more = vec![neuron(0, 1), pairs(0, 0)];
        assert_eq!(mailbox.want(ONE, more.clone()), [pairs(0, 0)]);
        assert_eq!(mailbox.want(ONE, more), []);
        assert!(!mailbox.waits(&neuron(0, 1)) && mailbox.waits(&pairs(0, 0)));
    }

    #[test]
    fn queries_wait_for_their_model() {
        let mut mailbox = opened();
        mailbox.want(ModelId(2), vec![neuron(0, 1)]);
        assert_eq!(mailbox.next(), None);
        mailbox.opened(ModelId(2));
        assert!(matches!(mailbox.next(), Some(Task::Answer { .. })));
    }

    #[test]
    fn a_running_query_goes_on_while_it_is_wanted() {
        let mut mailbox = opened();
        let (vo, other) = (pairs(0, 0), pairs(0, 1));
        mailbox.want(ONE, vec![vo.clone()]);
        mailbox.want(ONE, vec![other.clone(), vo.clone()]);
        assert!(mailbox.goes_on(&vo, 1));
        mailbox.want(ONE, vec![neuron(0, 0), vo.clone()]);
        assert!(!mailbox.goes_on(&vo, 1), "a neuron comes first");
        mailbox.want(ONE, vec![vo.clone(), neuron(0, 0)]);
        assert!(mailbox.goes_on(&vo, 1));
        mailbox.want(ONE, vec![other]);
        assert!(!mailbox.goes_on(&vo, 1));
    }

    #[test]
    fn a_neighbour_goes_on_if_it_is_what_is_asked() {
        let mut mailbox = opened();
        mailbox.want(ONE, vec![pairs(0, 0)]);
        mailbox.settle(&pairs(0, 0));
        let neighbour = pairs(0, 1);
        let others = [neighbour.clone()];
        assert!(mailbox.goes_on(&neighbour, 1) && mailbox.batch_goes_on(&[]));
        mailbox.want(ONE, vec![neighbour.clone()]);
        assert!(mailbox.goes_on(&neighbour, 1) && mailbox.batch_goes_on(&others));
        assert!(!mailbox.batch_goes_on(&[]));
        mailbox.want(ONE, vec![pairs(1, 1)]);
        assert!(!mailbox.goes_on(&neighbour, 1));
    }

    #[test]
    fn what_is_idle_waits_for_all_else_and_makes_way_for_it() {
        let mut mailbox = opened();
        mailbox.want(ONE, vec![neuron(0, 1)]);
        assert_eq!(mailbox.idle(ONE, vec![pairs(0, 0)]), [pairs(0, 0)]);
        assert_eq!(mailbox.idle(ModelId(2), vec![pairs(1, 1)]), []);
        mailbox.settle(&neuron(0, 1));
        assert!(matches!(mailbox.next(), Some(Task::LookAhead { .. })));
        let query = pairs(0, 0);
        let idle = Task::Answer { query, round: 1 };
        assert_eq!(mailbox.next(), Some(idle));
        assert!(mailbox.goes_on(&pairs(0, 0), 1) && mailbox.waits(&pairs(0, 0)));
        // A step, and what may be asked after it, come first.
        mailbox.want(ONE, vec![neuron(0, 2)]);
        assert!(!mailbox.goes_on(&pairs(0, 0), 1));
        mailbox.settle(&neuron(0, 2));
        assert!(!mailbox.goes_on(&pairs(0, 0), 1));
        assert!(matches!(mailbox.next(), Some(Task::LookAhead { .. })));
        assert!(mailbox.goes_on(&pairs(0, 0), 1));
        assert!(mailbox.settle(&pairs(0, 0)));
        assert_eq!(mailbox.next(), None);
    }

    #[test]
    fn opening_and_stopping_interrupt() {
        let mut mailbox = opened();
        mailbox.want(ONE, vec![pairs(0, 0)]);
        mailbox.open(folder("b"));
        assert!(!mailbox.goes_on(&pairs(0, 0), 1));
        assert!(matches!(mailbox.next(), Some(Task::Open { .. })));
        assert!(mailbox.goes_on(&pairs(0, 0), 1));
        mailbox.stop();
        assert!(!mailbox.goes_on(&pairs(0, 0), 1));
        assert_eq!(mailbox.next(), Some(Task::Stop));
    }
}
