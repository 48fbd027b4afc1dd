//! The two factors of a form, balanced, so that bounds on their products can be read off them.

use crate::projection::balance::Balance;
use crate::task::Cancelled;

use super::Search;
use super::side::{Side, identity_error};

pub(super) struct Bounds<'m> {
    pub(super) a: Side<'m, i8>,
    pub(super) b: Side<'m, u8>,
    /// No bound is off by more; infinite where numbers overflow or are none.
    pub(super) slack: f32,
}

impl<'m> Bounds<'m> {
    /// Of the factors balanced so, or as they are given.
    pub(super) fn new(search: &Search<'m>, balance: Option<&Balance>) -> Result<Self, Cancelled> {
        let Search {
            a,
            b,
            ref ids,
            sign,
            cancel,
            ..
        } = *search;
        let (left, right) = balance
            .map(|balance| (&balance.left, &balance.right))
            .unzip();
        // What the transformations are short of being inverse.
        let error = left.zip(right);
        let error = error.map_or(0.0, |(left, right)| identity_error(left, right));
        // One after the other, each on all threads.
        let mut memory = Vec::new();
        let mut a = Side::new((a, sign), ids, &mut memory, left, cancel)?;
        let mut b = Side::new((b, 1.0), ids, &mut memory, right, cancel)?;
        cancel.check()?;
        // Each transformation brings the other side's balanced rows back.
        if let Some((left, right)) = left.zip(right) {
            a.given.shorten(a.longest() + a.lost, right, error);
            b.given.shorten(b.longest() + b.lost, left, error);
        }
        let slack = slack(&a, &b, error, search.a.width());
        Ok(Self { a, b, slack })
    }

    /// Whether bounds are numbers, all of them. A device's maximum of some numbers and a NaN may be
    /// any of them, so else no device can say what a tile may hold.
    pub(super) fn hold_on_devices(&self) -> bool {
        self.slack.is_finite() && self.a.longest() * self.b.longest() < f32::MAX / 2.0
    }

    /// The rows of a pair.
    pub(super) fn ids(&self, row: usize, column: usize) -> (u32, u32) {
        (self.a.ids[row], self.b.ids[column])
    }
}

/// What no bound is off by.
fn slack(a: &Side<'_, i8>, b: &Side<'_, u8>, error: f32, width: usize) -> f32 {
    // a·b = a'·b' + slack: what the transformation is short of an inverse, what the products by
    // which the rows were made lose, and what these rows' own product loses; each at its largest.
    let rounding = f32::EPSILON * (width as f32 + 2.0);
    let (given_a, given_b) = (a.given, b.given);
    let (norm_a, norm_b) = (a.longest(), b.longest());
    let slack = error * given_a.longest * given_b.longest
        + given_a.longest * given_b.lost
        + given_b.longest * given_a.lost
        + norm_a * b.lost
        + norm_b * a.lost
        + a.lost * b.lost
        + rounding * (4.0 * norm_a * norm_b + given_a.longest * given_b.longest)
        + (width as f32 + 2.0) * f32::MIN_POSITIVE;
    // Numbers that overflow or are none: no bound holds, every pair is scored.
    if slack.is_finite() {
        slack
    } else {
        f32::INFINITY
    }
}
