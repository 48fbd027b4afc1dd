//! Which convention a model is read under at first: the figures of a small sample of its neurons
//! and heads under each of a few.

use serde::{Deserialize, Serialize};

mod answering;
mod sample;

pub(super) use answering::TriedParts;

use super::convention::Convention;
use super::kind::{AnswerKind, NotFinite, QueryKind};
use super::{Answer, Callbacks, Query, QueryError, Reader};

/// Conventions that are tried, as far as a model offers them. (`norms` orders what is read as
/// `gain+cosine` does, and what is written as `gain`.)
pub const TRIED: [&str; 5] = ["raw", "gain", "cosine", "gain+cosine", "centred+cosine"];

/// Which rule chose; one that was kept by an earlier rule is chosen anew.
pub const RULE: u32 = 2;

/// Standard errors that a lead must have to be clear.
const ERRORS: f32 = 2.0;
/// The share of the other one's merit that it must have besides: less is not worth a departure.
const WORTH: f32 = 0.2;

/// What a part of the sample is like under a convention.
#[derive(Clone, Copy, Debug)]
struct PartFigures {
    /// See [`ConventionFigures::stay`].
    stay: f32,
    /// See [`ConventionFigures::z`].
    z: f32,
}

/// A convention with its figures of every part of the sample.
struct Tried {
    convention: Convention,
    parts: Vec<PartFigures>,
}

/// What a sample of lists is like under a convention.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConventionFigures {
    pub convention: Convention,
    /// The share of a list's 30 best entries that are among the best under the other conventions
    /// that were tried, too: the mean over lists and conventions, of neurons and of heads alike.
    pub stay: f32,
    /// How far best scores lie above chance, in standard deviations: the mean over the sample's
    /// layers, and there of the medians of neurons and of heads.
    pub z: f32,
    /// What its merit must be above raw's to be clearly so: two standard errors of the difference, by
    /// leaving out one part of the sample after another (Tukey's jackknife), and at least a fifth of
    /// raw's. 0 of raw.
    pub margin: f32,
}

impl ConventionFigures {
    /// What conventions are ordered by: how much stays, the more the higher lists rise above
    /// chance.
    pub fn merit(&self) -> f32 {
        merit(self.stay, self.z)
    }
}

fn merit(stay: f32, z: f32) -> f32 {
    stay * (1.0 + z.max(0.0))
}

impl Tried {
    /// The means over the parts, but for one.
    fn means(&self, without: Option<usize>) -> PartFigures {
        let parts = self.parts.iter().enumerate();
        let parts = parts.filter(|(at, _)| Some(*at) != without);
        let (mut n, mut sums) = (0, PartFigures { stay: 0.0, z: 0.0 });
        for (_, part) in parts {
            n += 1;
            sums.stay += part.stay;
            sums.z += part.z;
        }
        let n = n.max(1) as f32;
        PartFigures {
            stay: sums.stay / n,
            z: sums.z / n,
        }
    }

    fn merit(&self, without: Option<usize>) -> f32 {
        let PartFigures { stay, z } = self.means(without);
        merit(stay, z)
    }

    /// How much better it is than another one.
    fn lead(&self, other: &Self) -> Lead {
        let lead = |without| self.merit(without) - other.merit(without);
        let n = self.parts.len();
        let left_out: Vec<f32> = (0..n).map(|part| lead(Some(part))).collect();
        let mean = left_out.iter().sum::<f32>() / n.max(1) as f32;
        let squares: f32 = left_out.iter().map(|x| (x - mean).powi(2)).sum();
        let error = (squares * n.saturating_sub(1) as f32 / n.max(1) as f32).sqrt();
        Lead {
            by: lead(None),
            margin: (ERRORS * error).max(WORTH * other.merit(None)),
        }
    }
}

/// How much better one convention is than another one.
struct Lead {
    by: f32,
    /// See [`ConventionFigures::margin`].
    margin: f32,
}

impl Lead {
    fn is_clear(&self) -> bool {
        self.by > self.margin
    }
}

/// The figures of the conventions that were tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FirstConventionAnswer {
    /// The chosen one first, then the best first; of equals the one that departs least from the raw
    /// reading.
    pub tried: Vec<ConventionFigures>,
}

impl FirstConventionAnswer {
    /// Chooses of what was tried, which is in the order of [`TRIED`]: raw, unless others clearly lead
    /// it; of these the first that no other of them clearly leads.
    fn new(tried: &[Tried]) -> Self {
        let raw = tried.iter().find(|one| one.convention.is_raw());
        let leads = |one: &&Tried| raw.is_none_or(|raw| one.lead(raw).is_clear());
        let leading: Vec<&Tried> = tried.iter().filter(leads).collect();
        let unled = |one: &&Tried| !leading.iter().any(|other| other.lead(one).is_clear());
        let chosen = leading.iter().copied().find(unled).or(raw);
        let figures = tried.iter().map(|one| {
            let PartFigures { stay, z } = one.means(None);
            ConventionFigures {
                convention: one.convention,
                stay,
                z,
                margin: match raw {
                    Some(raw) if !one.convention.is_raw() => one.lead(raw).margin,
                    _ => 0.0,
                },
            }
        });
        let mut figures: Vec<ConventionFigures> = figures.collect();
        figures.sort_by(|a, b| b.merit().total_cmp(&a.merit()));
        let is_chosen =
            |one: &ConventionFigures| chosen.map(|c| c.convention) == Some(one.convention);
        figures.sort_by_key(|one| !is_chosen(one));
        Self { tried: figures }
    }

    /// The chosen one; raw if none was tried.
    pub fn best(&self) -> Convention {
        let best = self.tried.first();
        best.map_or(Convention::RAW, |best| best.convention)
    }

    /// What was chosen and why, in a sentence.
    pub fn reason(&self) -> String {
        let best = self.best();
        let raw = self.tried.iter().find(|f| f.convention.is_raw());
        let Some((own, raw)) = self.tried.first().zip(raw) else {
            return format!("lists under {best}");
        };
        if !best.is_raw() {
            let of_30 = |share: f32| (share * 30.0).round();
            return format!(
                "lists under {best}: of 30 words {} stay under other conventions (raw {}), and best \
                 scores lie {:.1} deviations above chance (raw {:.1})",
                of_30(own.stay),
                of_30(raw.stay),
                own.z,
                raw.z
            );
        }
        match self.tried.get(1) {
            Some(other) if other.merit() > raw.merit() => format!(
                "lists under raw: no other convention is clearly more robust ({} {:.2} against \
                 {:.2}, ± {:.2})",
                other.convention,
                other.merit(),
                raw.merit(),
                other.margin
            ),
            _ => format!(
                "lists under raw: no other convention that was tried is more robust ({:.2})",
                raw.merit()
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

    fn resumes(&self) -> bool {
        true
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

    /// Conventions with what stays in each part; nothing rises above chance, so that what stays
    /// decides.
    fn choice(tried: &[(&str, [f32; 4])]) -> FirstConventionAnswer {
        let tried = tried.iter().map(|(name, stay)| Tried {
            convention: name.parse().unwrap(),
            parts: stay.map(|stay| PartFigures { stay, z: -0.5 }).to_vec(),
        });
        FirstConventionAnswer::new(&tried.collect::<Vec<_>>())
    }

    #[test]
    fn raw_stays_where_the_lead_of_another_is_within_its_error() {
        // Leads of 0.3, −0.1, 0.3 and −0.1: mean 0.1, deviation √(0.16/3), error of the mean half
        // of that, 0.115.
        let raw = ("raw", [0.4; 4]);
        let unclear = choice(&[raw, ("cosine", [0.7, 0.3, 0.7, 0.3])]);
        assert!(unclear.best().is_raw());
        assert!((unclear.tried[1].margin - 0.2309).abs() < 1e-3);
        assert_eq!(
            unclear.reason(),
            "lists under raw: no other convention is clearly more robust (cosine 0.50 against 0.40, \
             ± 0.23)"
        );
        // 0.12, 0.08, 0.1 and 0.1: the same mean, an error of 0.008.
        let clear = choice(&[raw, ("cosine", [0.52, 0.48, 0.5, 0.5])]);
        assert_eq!(clear.best().name(), "cosine");
        assert_eq!(
            clear.reason(),
            "lists under cosine: of 30 words 15 stay under other conventions (raw 12), and best \
             scores lie -0.5 deviations above chance (raw -0.5)"
        );
        // As sure, but less than a fifth.
        let small = choice(&[raw, ("cosine", [0.48, 0.44, 0.46, 0.46])]);
        assert!(small.best().is_raw() && small.reason().ends_with("0.46 against 0.40, ± 0.08)"));
        let none = choice(&[raw, ("cosine", [0.2; 4])]);
        assert!(none.best().is_raw() && none.reason().contains("is more robust (0.40)"));
        assert_eq!(choice(&[]).best(), Convention::RAW);
    }

    #[test]
    fn of_those_that_clearly_lead_raw_the_one_that_departs_least_is_taken() {
        // Gain leads raw, but not clearly; the others do, and the last leads the one before it by
        // 0.05, with an error of 0.065.
        let tried = [
            ("raw", [0.1; 4]),
            ("gain", [0.9, 0.1, 0.1, 0.1]),
            ("cosine", [0.4; 4]),
            ("centred+cosine", [0.6, 0.3, 0.5, 0.4]),
        ];
        let answer = choice(&tried);
        assert_eq!(answer.best().name(), "cosine");
        let order = answer.tried.iter().map(|f| f.convention.name());
        assert_eq!(
            order.collect::<Vec<_>>(),
            ["cosine", "centred+cosine", "gain", "raw"]
        );
    }

    #[test]
    fn merit_is_what_stays_times_how_far_lists_rise_above_chance() {
        let tried = [("raw", 0.5, 1.0), ("cosine", 0.4, 2.0)];
        let tried = tried.map(|(name, stay, z)| Tried {
            convention: name.parse().unwrap(),
            parts: vec![PartFigures { stay, z }; 3],
        });
        // 0.5·2 and 0.4·3, the same in every part.
        let answer = FirstConventionAnswer::new(&tried);
        assert_eq!(answer.best().name(), "cosine");
        assert!((answer.tried[0].merit() - 1.2).abs() < 1e-6);
    }
}
