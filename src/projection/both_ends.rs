//! Both ends of a vector's list, from one pass over its scores.

use super::{Best, Scored};

/// Both ends of one vector's scores.
#[derive(Clone, Debug)]
pub struct BothEnds {
    pub highest: Best<Scored>,
    /// The highest of the negated vector.
    pub lowest: Best<Scored>,
}

impl BothEnds {
    /// Nothing offered yet.
    pub fn new(k: usize) -> Self {
        Self {
            highest: Best::new(k),
            lowest: Best::new(k),
        }
    }

    /// Takes a score in at both ends.
    pub fn offer(&mut self, id: u32, score: f32) {
        if self.highest.admits(score) {
            self.highest.offer(Scored { id, score });
        }
        // `0 − s` rather than `−s`: no list should say −0.
        let negated = 0.0 - score;
        if self.lowest.admits(negated) {
            self.lowest.offer(Scored { id, score: negated });
        }
    }

    /// Takes in what was offered elsewhere.
    pub(super) fn merge(&mut self, other: Self) {
        self.highest.merge(other.highest);
        self.lowest.merge(other.lowest);
    }
}
