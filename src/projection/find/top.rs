//! The best hits of one kind.

use super::{Hit, Role};

/// The k best hits of all that were offered, and the best figure of every layer that was searched.
#[derive(Clone, Debug)]
pub struct TopHits {
    pub role: Role,
    /// For each layer the best score, or by cosine and by rank the best cosine.
    pub by_layer: Vec<f32>,
    k: usize,
    /// More than k of them, until it is worth sorting.
    hits: Vec<Hit>,
    /// The k-th best at the last sorting.
    last: Option<Hit>,
}

impl TopHits {
    /// Nothing offered yet.
    pub fn new(role: Role, k: usize) -> Self {
        Self {
            role,
            by_layer: Vec::new(),
            k,
            hits: Vec::new(),
            last: None,
        }
    }

    /// Takes a hit, if it may be among the best. One whose figure is not a number is none.
    pub fn offer(&mut self, hit: Hit) {
        if hit.by.is_finite() && self.admits(&hit) {
            self.hits.push(hit);
            if self.hits.len() >= 2 * self.k.max(32) {
                self.prune();
            }
        }
    }

    /// Whether a hit may be among the best, as far as they are sorted.
    pub(super) fn admits(&self, hit: &Hit) -> bool {
        let better = |last: &Hit| hit.order(last).is_lt();
        self.k > 0 && self.last.as_ref().is_none_or(better)
    }

    /// Throws away what is not among the best.
    pub(super) fn prune(&mut self) {
        self.hits.sort_unstable_by(Hit::order);
        self.hits.truncate(self.k);
        if self.hits.len() == self.k {
            self.last = self.hits.last().copied();
        }
    }

    /// Notes a figure of a layer, of which the best counts.
    pub(super) fn note(&mut self, layer: usize, figure: f32) {
        if self.by_layer.len() <= layer {
            self.by_layer.resize(layer + 1, f32::NEG_INFINITY);
        }
        self.by_layer[layer] = self.by_layer[layer].max(figure);
    }

    /// The best, best first.
    pub fn best(&self) -> Vec<Hit> {
        let mut best = self.hits.clone();
        best.sort_unstable_by(Hit::order);
        best.truncate(self.k);
        best
    }

    /// Others in the place of those that were offered.
    pub fn replace(&mut self, hits: Vec<Hit>) {
        self.hits = hits;
        self.last = None;
        self.prune();
    }
}
