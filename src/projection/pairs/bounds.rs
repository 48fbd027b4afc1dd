//! The two factors of a form, balanced, so that bounds on their products can be read off them.

use crate::projection::balance::Balance;
use crate::projection::kernel::{dot, norm};
use crate::task::Cancelled;

use super::Search;
use super::side::{Side, identity_error};

pub(super) struct Bounds<'m> {
    pub(super) a: Side<'m>,
    pub(super) b: Side<'m>,
    /// No bound is off by more; infinite where numbers overflow or are none.
    pub(super) slack: f32,
}

/// What is lost by a factor's transformation.
#[derive(Clone, Copy)]
struct Balancing {
    /// The norms of the two transformations, 0 if there are none.
    left: f32,
    right: f32,
    /// What they are short of being inverse.
    error: f32,
}

impl<'m> Bounds<'m> {
    /// Of the factors balanced so, or as they are given.
    pub(super) fn new(search: &Search<'m>, balance: Option<Balance>) -> Result<Self, Cancelled> {
        let Search {
            a, b, ids, sign, ..
        } = search;
        let cancel = search.cancel;
        let (left, right) = balance.map(|balance| (balance.left, balance.right)).unzip();
        let size = |of: &Option<_>| {
            of.as_ref()
                .map_or(0.0, |of: &crate::checkpoint::Matrix| norm(of.data()))
        };
        let error = left.as_ref().zip(right.as_ref());
        let balancing = Balancing {
            left: size(&left),
            right: size(&right),
            error: error.map_or(0.0, |(left, right)| identity_error(left, right)),
        };
        // One after the other, each on all threads.
        let a = Side::new(a, ids, *sign, left, cancel)?;
        let b = Side::new(b, ids, 1.0, right, cancel)?;
        cancel.check()?;
        let slack = slack(&a, &b, balancing);
        Ok(Self { a, b, slack })
    }

    /// Whether bounds are numbers, all of them. A device's maximum of some numbers and a NaN may be
    /// any of them, so else no device can say what a tile may hold.
    pub(super) fn hold_on_devices(&self) -> bool {
        self.slack.is_finite() && self.a.longest() * self.b.longest() < f32::MAX / 2.0
    }

    /// The score of a pair, times the sign, from the numbers as they were given.
    pub(super) fn score(&self, row: usize, column: usize, search: &Search<'_>) -> f32 {
        search.sign * dot(self.a.given(row), self.b.given(column))
    }
}

/// What no bound is off by.
fn slack(a: &Side<'_>, b: &Side<'_>, balancing: Balancing) -> f32 {
    let Balancing { left, right, error } = balancing;
    // a·b = a'·b' + slack: what the transformation is short of an inverse, what its two products
    // lose, and what the bound's own product loses; each at its largest.
    let rounding = 4.0 * f32::EPSILON * (a.width() as f32 + 2.0);
    let (long_a, long_b) = (a.longest_given, b.longest_given);
    let (lost_a, lost_b) = (rounding * long_a * left, rounding * long_b * right);
    let (norm_a, norm_b) = (a.longest(), b.longest());
    let slack = error * long_a * long_b
        + norm_a * lost_b
        + norm_b * lost_a
        + lost_a * lost_b
        + rounding * (norm_a * norm_b + long_a * long_b)
        + (a.width() as f32 + 2.0) * f32::MIN_POSITIVE;
    // Numbers that overflow or are none: no bound holds, every pair is scored.
    if slack.is_finite() {
        slack
    } else {
        f32::INFINITY
    }
}
