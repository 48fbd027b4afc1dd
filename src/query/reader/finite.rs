//! No answer holds a number that is infinite or none: checked where answers leave.

use crate::projection::Scored;
use crate::query::{Answer, FindAnswer, GeometryAnswer, MapAnswer, NeuronAnswer, QueryError};

use super::Reader;

impl Reader {
    /// Whether every number of an answer is one.
    ///
    /// # Errors
    /// One is not: which.
    pub(super) fn checked(&self, answer: Answer) -> Result<Answer, QueryError> {
        match unfinite(&answer) {
            None => Ok(answer),
            Some(found) => Err(self.not_finite(found)),
        }
    }

    pub(super) fn not_finite(&self, (what, got): (&'static str, String)) -> QueryError {
        QueryError::NotFinite {
            model: self.card.name.clone(),
            what: what.to_owned(),
            got,
        }
    }
}

/// What a number belongs to that is none, and what it is.
type Unfinite = Option<(&'static str, String)>;

fn among(what: &'static str, numbers: impl IntoIterator<Item = f64>) -> Unfinite {
    let found = numbers.into_iter().find(|x| !x.is_finite());
    found.map(|x| (what, x.to_string()))
}

fn scores<'a>(what: &'static str, list: impl IntoIterator<Item = &'a Scored>) -> Unfinite {
    among(what, list.into_iter().map(|s| f64::from(s.score)))
}

fn unfinite(answer: &Answer) -> Unfinite {
    match answer {
        Answer::Neuron(answer) => neuron(answer),
        Answer::Pairs(answer) => {
            let pairs = answer.pairs.iter().map(|pair| f64::from(pair.score));
            let regardless = answer.regardless.iter().flatten().flatten();
            among("scores of its pairs", pairs)
                .or_else(|| scores("scores of its pairs", regardless))
        }
        Answer::Directions(answer) => {
            let values = answer.values.iter().map(|&value| f64::from(value));
            let sides = |d: &'_ crate::query::Direction| [d.left.clone(), d.right.clone()].concat();
            let lists = answer.directions.iter().flat_map(sides).flatten();
            among("its singular values", values).or_else(|| {
                among(
                    "scores of its directions",
                    lists.map(|s| f64::from(s.score)),
                )
            })
        }
        Answer::Find(answer) => found(answer),
        Answer::ValueNorms(norms) => among(
            "lengths of values",
            norms.iter().map(|&norm| f64::from(norm)),
        ),
        Answer::Geometry(answer) => geometry(answer),
        Answer::Map(answer) => map(answer),
        // Items without a figure are none of the best; trust says nothing where it cannot be told.
        Answer::Undertrained(_)
        | Answer::FirstConvention(_)
        | Answer::TextLanguage(_)
        | Answer::Rank(_)
        | Answer::Trust(_) => None,
    }
}

pub(super) fn neuron(answer: &NeuronAnswer) -> Unfinite {
    let bias = answer.bias.map(f64::from);
    let what = "scores of its lists";
    among("its bias", bias)
        .or_else(|| scores(what, answer.columns.iter().flatten()))
        .or_else(|| vanishing(what, &answer.columns))
}

/// A list whose best score is so small that single precision holds but a few of its digits.
fn vanishing(what: &'static str, lists: &[Vec<Scored>]) -> Unfinite {
    /// A thousand times the least number but 0.
    const LEAST: f32 = 1.4e-42;
    let mut best = lists.iter().filter_map(|list| list.first());
    let found = best.find(|best| best.score != 0.0 && best.score.abs() < LEAST);
    found.map(|best| (what, best.score.to_string()))
}

fn found(answer: &FindAnswer) -> Unfinite {
    let hits = answer.groups.iter().flat_map(|group| &group.hits);
    let numbers = hits.flat_map(|hit| [hit.score, hit.cosine].map(f64::from));
    // Every neuron is offered: a layer without a best has none that is a number.
    let neurons = answer.groups.iter().filter(|g| !g.stand.is_of_heads());
    let layers = neurons.flat_map(|group| group.by_layer.iter().map(|&x| f64::from(x)));
    among("scores of what was found", numbers.chain(layers))
}

fn geometry(answer: &GeometryAnswer) -> Unfinite {
    let curves = answer.curves.iter();
    let estimates = curves.flat_map(|curve| curve.raw.iter().chain(&curve.corrected).flatten());
    let numbers = estimates.flat_map(|estimate| {
        let ends = estimate.interval.into_iter().flatten();
        std::iter::once(estimate.value).chain(ends)
    });
    let texts = answer.texts.iter().flat_map(|text| text.anisotropy.iter());
    among("measures of its states", numbers)
        .or_else(|| among("measures of its states", texts.copied().flatten()))
}

fn map(answer: &MapAnswer) -> Unfinite {
    let points = answer.points.iter().flat_map(|point| point.at);
    among("places of its points", points.chain(answer.explained))
}
