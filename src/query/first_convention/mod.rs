//! Which convention a model is read under at first: the figures of a small sample of its neurons
//! and heads under each of a few.

use serde::{Deserialize, Serialize};

mod answering;

use super::convention::Convention;
use super::kind::{AnswerKind, NotFinite, QueryKind};
use super::{Answer, Callbacks, Query, QueryError, Reader};

/// Conventions that are tried, as far as a model offers them. (`norms` orders what is read as
/// `gain+cosine` does, and what is written as `gain`.)
pub const TRIED: [&str; 5] = ["raw", "gain", "cosine", "gain+cosine", "centred+cosine"];

/// What a sample of lists is like under a convention.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConventionFigures {
    pub convention: Convention,
    /// The share of a list's 30 best entries that are among the best under the other conventions
    /// that were tried, too: the mean over lists and conventions, of neurons and of heads alike.
    pub stay: f32,
    /// How far best scores lie above chance, in standard deviations: the mean of the medians of
    /// neurons and of heads.
    pub z: f32,
}

impl ConventionFigures {
    /// What conventions are ordered by: how much stays, the more the higher lists rise above
    /// chance.
    fn merit(&self) -> f32 {
        self.stay * (1.0 + self.z.max(0.0))
    }
}

/// The figures of the conventions that were tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FirstConventionAnswer {
    /// The best first; of equals the one that departs least from the raw reading.
    pub tried: Vec<ConventionFigures>,
}

impl FirstConventionAnswer {
    /// Orders what was tried, which is in the order of [`TRIED`].
    pub(super) fn new(mut tried: Vec<ConventionFigures>) -> Self {
        tried.sort_by(|a, b| b.merit().total_cmp(&a.merit()));
        Self { tried }
    }

    /// The best; raw if none was tried.
    pub fn best(&self) -> Convention {
        let best = self.tried.first();
        best.map_or(Convention::RAW, |best| best.convention)
    }

    /// What was taken and why, in a sentence.
    pub fn reason(&self) -> String {
        let best = self.best();
        let figures = |of: Convention| {
            let mut tried = self.tried.iter();
            tried.find(|figures| figures.convention == of)
        };
        let Some((own, raw)) = figures(best).zip(figures(Convention::RAW)) else {
            return format!("lists under {best}");
        };
        let of_30 = |share: f32| (share * 30.0).round();
        match best.is_raw() {
            true => format!(
                "lists under raw: of 30 words {} stay under other conventions, and best scores lie \
                 {:.1} deviations above chance; none that was tried does better",
                of_30(raw.stay),
                raw.z
            ),
            false => format!(
                "lists under {best}: of 30 words {} stay under other conventions (raw {}), and best \
                 scores lie {:.1} deviations above chance (raw {:.1})",
                of_30(own.stay),
                of_30(raw.stay),
                own.z,
                raw.z
            ),
        }
    }
}

/// Asks for it.
pub struct FirstConventionQuery;

impl QueryKind for FirstConventionQuery {
    fn needs_all_weights(&self) -> bool {
        true
    }

    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::FirstConvention)
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::FirstConvention(reader.first_convention(callbacks)?))
    }
}

impl AnswerKind for FirstConventionAnswer {
    fn heap_bytes(&self) -> usize {
        size_of_val(&self.tried[..])
    }

    fn not_finite(&self) -> Option<NotFinite> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_stays_most_and_rises_highest() {
        let figures = |name: &str, stay, z| ConventionFigures {
            convention: name.parse().unwrap(),
            stay,
            z,
        };
        let answer = FirstConventionAnswer::new(vec![
            figures("raw", 0.5, 0.1),
            figures("cosine", 0.4, 2.0),
            figures("norms", 0.5, 1.4),
        ]);
        // 0.55, 1.2 and 1.2: of equals the first.
        assert_eq!(answer.best().name(), "cosine");
        assert_eq!(
            answer.reason(),
            "lists under cosine: of 30 words 12 stay under other conventions (raw 15), and best \
             scores lie 2.0 deviations above chance (raw 0.1)"
        );
        let raw =
            FirstConventionAnswer::new(vec![figures("raw", 0.5, -0.4), figures("gain", 0.4, 0.1)]);
        assert!(
            raw.reason()
                .starts_with("lists under raw: of 30 words 15 stay")
        );
        assert_eq!(
            FirstConventionAnswer::new(Vec::new()).best(),
            Convention::RAW
        );
    }
}
