//! How a search for pairs goes on: since when its list stands, and how long it will take.

use std::time::Duration;

use super::Heads;
use crate::explorer::board::Shown;
use crate::explorer::number::duration;
use crate::explorer::state::State;
use crate::query::{PairsAnswer, PairsQuery};

/// What was seen of a search; times since its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SearchCourse {
    /// When its list last changed.
    changed: Duration,
    /// How long that list stood in a search that this one goes on from.
    stood: Duration,
    /// When the first part of the pairs was done, and how much that was.
    first: Option<(Duration, f32)>,
}

/// Less is not worth saying.
const LEAST: Duration = Duration::from_secs(1);
/// With less done nothing is known of its pace.
const LEAST_DONE: f32 = 1e-6;

/// Takes note of an answer that has come and is not on the board yet.
pub(super) fn follow(state: &mut State, shown: &Shown) {
    let Some((query, answer)) = shown.of::<PairsQuery>() else {
        return;
    };
    let before = state.board.get(&shown.query);
    let took = before.map_or(Duration::ZERO, |before| before.took);
    let before = before
        .and_then(Shown::of::<PairsQuery>)
        .map(|(_, before)| before)
        .filter(|before| !before.exact);
    let same = before.is_some_and(|before| before.pairs == answer.pairs);
    let goes_on = before.is_some_and(|before| before.done <= answer.done);
    let course = &mut state.views.heads.searches[Heads::list_of(query.form)];
    if !goes_on {
        *course = SearchCourse {
            stood: course.stands(took),
            ..SearchCourse::default()
        };
    }
    if !same {
        course.changed = shown.took;
        course.stood = Duration::ZERO;
    }
    if answer.done >= LEAST_DONE {
        course.first.get_or_insert((shown.took, answer.done));
    }
}

impl SearchCourse {
    /// What there is to say of a list that is not proven, `took` after the search began.
    pub(super) fn line(&self, answer: &PairsAnswer, took: Duration) -> String {
        let percent = (answer.done * 100.0).clamp(0.0, 99.0);
        let stands = self.stands(took);
        let mut line = match stands < LEAST {
            true if answer.done == 0.0 => "0 % … improving".to_owned(),
            true => format!("{percent:.0} % proven"),
            false => format!(
                "{percent:.0} % proven · stands since {}",
                whole_seconds(stands)
            ),
        };
        if let Some(left) = self.left(answer.done, took).filter(|left| *left >= LEAST) {
            line += &format!(" · {} left", whole_seconds(left));
        }
        line
    }

    /// For how long its list has stood.
    fn stands(&self, took: Duration) -> Duration {
        self.stood + took.saturating_sub(self.changed)
    }

    /// The time left, by the pace since the first part was done.
    fn left(&self, done: f32, took: Duration) -> Option<Duration> {
        let (since, before) = self.first?;
        let share = done - before;
        if share <= 0.0 || took <= since {
            return None;
        }
        Duration::try_from_secs_f32((took - since).as_secs_f32() / share * (1.0 - done)).ok()
    }
}

fn whole_seconds(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => duration(Duration::from_secs(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_told_by_the_pace_of_the_proof_alone() {
        let answer = |done| PairsAnswer {
            pairs: Vec::new(),
            unconditional: None,
            passing: 1,
            rows: 1,
            done,
            exact: false,
        };
        let seconds = Duration::from_secs;
        // Two seconds until anything was proven, then a tenth a second.
        let course = SearchCourse {
            changed: seconds(3),
            stood: Duration::ZERO,
            first: Some((seconds(2), 0.1)),
        };
        assert_eq!(course.left(0.5, seconds(6)), Some(seconds(5)));
        let line = course.line(&answer(0.5), seconds(6));
        assert_eq!(line, "50 % proven · stands since 3 s · 5 s left");
        // Nothing is promised before there is a measure, and a list that just changed does not stand.
        let begun = SearchCourse {
            changed: seconds(2),
            stood: Duration::ZERO,
            first: Some((seconds(2), 0.1)),
        };
        assert_eq!(begun.line(&answer(0.0), seconds(2)), "0 % … improving");
        assert_eq!(begun.line(&answer(0.1), seconds(2)), "10 % proven");
    }
}
