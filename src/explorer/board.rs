//! The board: answers by their queries, whatever view asked for them.

use std::sync::Arc;
use std::time::Duration;

use crate::query::{Answer, Answered, Query};

/// An answer with its query.
#[derive(Clone)]
pub struct Shown {
    pub query: Query,
    pub answer: Arc<Answer>,
    /// What it took to compute; zero if it was known.
    pub took: Duration,
}

impl Shown {
    /// The query and its answer, if they are of a kind.
    pub fn of<Q: Answered>(&self) -> Option<(&Q, &Q::Answer)> {
        Q::of(&self.query, &self.answer)
    }
}

/// The answers that the screen shows or may show again, and what could not be answered.
#[derive(Clone, Default)]
pub struct Board {
    /// The oldest first.
    answers: Vec<Shown>,
    failed: Vec<(Query, String)>,
}

impl Board {
    /// Takes an answer; one to the same query before it goes.
    pub fn put(&mut self, shown: Shown) {
        self.answers.retain(|old| old.query != shown.query);
        self.answers.push(shown);
    }

    /// The answer to a query.
    pub fn get(&self, query: &Query) -> Option<&Shown> {
        self.answers
            .iter()
            .rev()
            .find(|shown| shown.query == *query)
    }

    /// The latest answer to such a query.
    pub fn latest(&self, such: impl Fn(&Query) -> bool) -> Option<&Shown> {
        self.answers.iter().rev().find(|shown| such(&shown.query))
    }

    /// All answers, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Shown> {
        self.answers.iter()
    }

    /// Keeps the answers to such queries, and of the others the latest of each place on the screen.
    pub fn keep(&mut self, such: impl Fn(&Query) -> bool) {
        let mut latest: Vec<&Query> = Vec::new();
        let mut kept = vec![false; self.answers.len()];
        for (shown, keep) in self.answers.iter().zip(&mut kept).rev() {
            let first = latest.iter().all(|query| !query.shares_place(&shown.query));
            if first {
                latest.push(&shown.query);
            }
            *keep = such(&shown.query) || first && shown.query.shares_place(&shown.query);
        }
        let mut kept = kept.into_iter();
        self.answers.retain(|_| kept.next().unwrap_or(false));
    }

    /// Notes why a query could not be answered; what had come of it goes.
    pub fn fail(&mut self, query: Query, why: String) {
        self.answers.retain(|shown| shown.query != query);
        self.failed.retain(|(failed, _)| *failed != query);
        self.failed.push((query, why));
    }

    /// What could not be answered, and why.
    pub fn failed(&self) -> &[(Query, String)] {
        &self.failed
    }

    /// What could not be answered may be asked again.
    pub fn forget_failures(&mut self) {
        self.failed.clear();
    }

    /// Forgets all: another model is open.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
