//! Measuring while a model runs: states come in, sums are kept, and curves come out.

use std::ops::Range;

use rayon::prelude::*;

use super::bootstrap::{SAMPLES, Weights, interval};
use super::measure::{Curve, Estimate, Measure};
use super::plan::Plan;
use super::spread::Explained;
use super::sums::{StateSums, TextSums, TokenSums};

/// Takes the states of all texts, once each.
pub struct Measuring {
    plan: Plan,
    weights: Weights,
    states: Vec<StateSums>,
    /// By text and state.
    anisotropy: Vec<Vec<Option<f64>>>,
    intra: Vec<Vec<Option<f64>>>,
    /// Where the last state's vectors vary most.
    near: Vec<f64>,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// In the order of [`Measure::ALL`]; those of a token only if one was asked about.
    pub curves: Vec<Curve>,
    /// By text and state: mean cosine over the pairs within the text.
    pub anisotropy: Vec<Vec<Option<f64>>>,
    /// By state: the three dimensions with the largest contribution, the largest first.
    pub dominant: Vec<Vec<usize>>,
}

/// A value, and its values in the bootstrap samples.
type Sampled = (Option<f64>, Vec<Option<f64>>);

impl Measuring {
    /// Nothing measured yet. `seed` settles the bootstrap samples.
    pub fn new(plan: Plan, seed: u64) -> Self {
        let texts = plan.texts.len();
        Self {
            weights: Weights::draw(texts, seed),
            states: (0..plan.states).map(|_| StateSums::new(&plan)).collect(),
            anisotropy: vec![vec![None; plan.states]; texts],
            intra: vec![vec![None; plan.states]; texts],
            near: vec![0.0; plan.width],
            plan,
        }
    }

    /// Takes the vectors of one state of consecutive texts, which follow those that were taken of
    /// it before: `numbers` is `[rows, width]`, and `rows` are each text's.
    pub fn take(
        &mut self,
        state: usize,
        texts: Range<usize>,
        rows: &[Range<usize>],
        numbers: &[f32],
    ) {
        let (plan, width) = (&self.plan, self.plan.width);
        let each = texts.clone().into_par_iter().zip(rows);
        let sums: Vec<TextSums<'_>> = each
            .map(|(text, rows)| {
                let numbers = &numbers[rows.start * width..rows.end * width];
                TextSums::of(plan, &plan.texts[text], state, numbers)
            })
            .collect();
        for (text, sums) in texts.clone().zip(&sums) {
            self.anisotropy[text][state] = sums.all.mean_cosine();
            self.intra[text][state] = sums.intra;
        }
        let (state, last) = (&mut self.states[state], texts.end == plan.texts.len());
        state.add(texts.start, &sums, &self.weights);
        state.compare(&sums, last, &mut self.near);
    }

    /// By state, the `k` dimensions that bring the most to anisotropy, the largest first.
    pub fn dominant(&self, k: usize) -> Vec<Vec<usize>> {
        let largest = |state: &StateSums| {
            let contributions = state.contributions().unwrap_or_default();
            let mut order: Vec<usize> = (0..contributions.len()).collect();
            order.sort_by(|&a, &b| contributions[b].total_cmp(&contributions[a]));
            order.truncate(k);
            order
        };
        self.states.iter().map(largest).collect()
    }

    /// The curves.
    pub fn finish(self) -> Measured {
        let dominant = self.dominant(3);
        let anisotropy: Vec<Sampled> = self
            .states
            .iter()
            .map(|s| (s.all.mean_cosine(), s.all.in_samples()))
            .collect();
        let of_token = |pick: fn(&super::sums::TokenSums) -> &super::pairs::PairSums| {
            let sums = self.states.iter().filter_map(|s| s.token.as_ref());
            let sums = sums.map(pick);
            sums.map(|s| (s.mean_cosine(), s.in_samples())).collect()
        };
        let intra = (0..self.plan.states).map(|s| self.intra_at(s)).collect();
        let top = self
            .states
            .iter()
            .zip(&dominant)
            .map(|(s, d)| top_share(s, d));
        let mut curves = vec![
            curve(Measure::Anisotropy, anisotropy.clone(), None),
            curve(Measure::IntraSentence, intra, Some(&anisotropy)),
            curve(Measure::TopThree, top.collect(), None),
        ];
        if self.plan.token {
            let specificity = of_token(|t| &t.means);
            let similarity = of_token(|t| &t.occurrences);
            curves.extend([
                curve(Measure::ContextSpecificity, specificity, Some(&anisotropy)),
                curve(Measure::SelfSimilarity, similarity, Some(&anisotropy)),
            ]);
            curves.extend(self.variances());
        }
        for curve in &mut curves {
            curve.missing = self.missing(curve);
        }
        let place = |c: &Curve| Measure::ALL.iter().position(|m| *m == c.measure);
        curves.sort_by_key(place);
        Measured {
            curves,
            anisotropy: self.anisotropy,
            dominant,
        }
    }

    /// Mean over texts, and in each sample.
    fn intra_at(&self, state: usize) -> Sampled {
        let mean = |weight: &dyn Fn(usize) -> f64| {
            let (mut sum, mut n) = (0.0, 0.0);
            for (text, values) in self.intra.iter().enumerate() {
                if let Some(value) = values[state] {
                    sum += weight(text) * value;
                    n += weight(text);
                }
            }
            (n > 0.0).then(|| sum / n)
        };
        let samples = (0..SAMPLES).map(|b| mean(&|text| self.weights.of(b, text)));
        (mean(&|_| 1.0), samples.collect())
    }

    /// The three definitions of maximum explainable variance. What they are corrected by counts as
    /// known in their intervals: it is of all positions, and the token's are few among them.
    fn variances(&self) -> Vec<Curve> {
        let tokens: Vec<&TokenSums> = self
            .states
            .iter()
            .filter_map(|s| s.token.as_ref())
            .collect();
        let few = tokens.par_iter().map(|t| t.spread.explained(true));
        let few: Vec<Option<Explained>> = few.collect();
        let all = tokens.iter().map(|t| t.of_all);
        let found: Vec<[Option<Explained>; 2]> = few
            .into_iter()
            .zip(all)
            .map(|(few, all)| [few, all])
            .collect();
        // About their mean equal vectors have no share of anything.
        let share = |of: &Explained, at: usize| (of.differ || at == 0).then(|| of.shares[at]);
        let estimate = |of: &Explained, at: usize, less: f64| {
            let interval = of
                .errors
                .and_then(|errors| super::jackknife::interval(of.shares[at], errors[at], of.texts));
            Some(Estimate {
                value: share(of, at)? - less,
                interval: interval.map(|ends| ends.map(|end| end - less)),
            })
        };
        let measures = [
            Measure::MevUncentred,
            Measure::MevCentred,
            Measure::MevTruncated,
        ];
        let curve = |(at, measure): (usize, Measure)| Curve {
            measure,
            raw: found
                .iter()
                .map(|[token, _]| token.as_ref().and_then(|t| estimate(t, at, 0.0)))
                .collect(),
            corrected: found
                .iter()
                .map(|[token, all]| {
                    let both = token.as_ref().zip(all.as_ref());
                    both.and_then(|(t, a)| estimate(t, at, share(a, at)?))
                })
                .collect(),
            missing: None,
        };
        measures.into_iter().enumerate().map(curve).collect()
    }

    /// Why a curve lacks numbers, if it does.
    fn missing(&self, curve: &Curve) -> Option<String> {
        if curve.raw.iter().all(Option::is_some) {
            return None;
        }
        let texts = &self.plan.texts;
        let occurrences = self.plan.occurrences();
        let holding = texts.iter().filter(|t| !t.occurrences.is_empty()).count();
        let counted = self.plan.counted();
        Some(match curve.measure {
            Measure::TopThree if counted >= 2 => "anisotropy is not above 0 at some states".into(),
            measure if !measure.of_token() => {
                format!("needs two positions to compare, got {counted}")
            }
            Measure::ContextSpecificity => {
                format!("needs two texts that hold the token, got {holding}")
            }
            _ if occurrences >= 2 => "all occurrences are the same vector at some states".into(),
            _ => format!("needs two occurrences of the token, got {occurrences}"),
        })
    }
}

/// The three dimensions' share; none where anisotropy is not above 0, of which no share is meant.
fn top_share(state: &StateSums, dimensions: &[usize]) -> Sampled {
    let share = state.contributions().and_then(|c| {
        let all: f64 = c.iter().sum();
        let three: f64 = dimensions.iter().map(|&i| c[i]).sum();
        (all > 1e-6).then(|| three / all)
    });
    (share, Vec::new())
}

fn curve(measure: Measure, values: Vec<Sampled>, baseline: Option<&[Sampled]>) -> Curve {
    let estimate = |value: Option<f64>, samples: &mut dyn Iterator<Item = Option<f64>>| {
        value.map(|value| Estimate {
            value,
            interval: interval(samples),
        })
    };
    let less = |((a, a_samples), (b, b_samples)): (&Sampled, &Sampled)| {
        let minus = |(a, b): (&Option<f64>, &Option<f64>)| Some((*a)? - (*b)?);
        let mut samples = a_samples.iter().zip(b_samples).map(minus);
        estimate(minus((a, b)), &mut samples)
    };
    let corrected = baseline.map(|b| values.iter().zip(b).map(less).collect());
    Curve {
        measure,
        raw: values
            .iter()
            .map(|(value, samples)| estimate(*value, &mut samples.iter().copied()))
            .collect(),
        corrected: corrected.unwrap_or_default(),
        missing: None,
    }
}
