//! When a list of pairs came to be what it is, by what a search tells while it runs.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::projection::Pair;
use crate::query::Answer;

/// The list of a search as it was seen last.
#[derive(Debug)]
pub struct ListSeen {
    began: Instant,
    last: Mutex<Option<Changed>>,
}

/// A list, and how long after the question it differed from the one before.
#[derive(Debug)]
struct Changed {
    after: Duration,
    pairs: Vec<Pair>,
}

impl ListSeen {
    /// Nothing seen yet of what was asked then.
    pub fn since(began: Instant) -> Self {
        Self {
            began,
            last: Mutex::default(),
        }
    }

    /// Takes note of an answer's pairs, if it has any to tell: of those on the way and the last.
    pub fn look(&self, answer: &Answer) {
        let Answer::Pairs(answer) = answer else {
            return;
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref().is_none_or(|last| last.pairs != answer.pairs) {
            *last = Some(Changed {
                after: self.began.elapsed(),
                pairs: answer.pairs.clone(),
            });
        }
    }

    /// How long after the question the list became what it was when last seen.
    pub fn stands(&self) -> Option<Duration> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(|last| last.after)
    }
}
