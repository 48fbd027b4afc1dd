//! Holding a list against the same list under other conventions, and against chance.

use super::{
    RANDOM_FORMS, ROBUSTNESS_LEAST, ROBUSTNESS_TOP, Robustness, RobustnessAnswer, RobustnessQuery,
    ZScore,
};
use crate::projection::{Pair, Scored};
use crate::query::answering::Callbacks;
use crate::query::convention::{Convention, Switch};
use crate::query::{Answer, NeuronColumn, NeuronQuery, PairsQuery, QueryError};
use crate::transformer::Dictionary;

use super::null_distribution::standard;
use crate::query::reader::Reader;
use crate::query::reader::convention::{Side, unit};

/// Largest pseudo-inverse computed unasked, in multiply–adds.
const INVERSE_MAX: f64 = 4e11;

impl Reader {
    pub(in crate::query) fn robustness(
        &mut self,
        query: &RobustnessQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<RobustnessAnswer, QueryError> {
        match query {
            RobustnessQuery::Neuron(query) => {
                let mut answer = self.robustness_of_neuron(query, callbacks)?;
                if !self.card.has_output(query.convention) {
                    answer.lists[NeuronColumn::V as usize] = Robustness::default();
                    answer.lists[NeuronColumn::MinusV as usize] = Robustness::default();
                }
                Ok(answer)
            }
            RobustnessQuery::Pairs(query) => self.robustness_of_pairs(query, callbacks),
        }
    }

    /// The switches that are worth flipping for lists under a convention.
    fn flips(&self, convention: Convention, pairs: bool) -> Vec<Switch> {
        let (vocab, width) = (self.card.spec.vocab as f64, self.card.spec.d_model as f64);
        let cheap = 2.0 * vocab * width * width < INVERSE_MAX;
        let tells = |switch: &Switch| match switch {
            Switch::Inverse => cheap || convention.has(Switch::Inverse),
            // One number for all tokens of a column, unless each is then scaled by its own.
            Switch::Centred => {
                pairs || convention.has(Switch::Cosine) || convention.has(Switch::Inverse)
            }
            Switch::Biases => pairs || convention.has(Switch::Gain),
            Switch::Gain
            | Switch::Norms
            | Switch::Cosine
            | Switch::Input
            | Switch::Output
            | Switch::Lens => true,
        };
        // Flipping one must not take another one away, or it would be two steps off.
        let alone = |switch: &Switch| {
            let flipped = convention.flipped(*switch);
            flipped.flipped(*switch) == convention
        };
        let all = Switch::ALL.into_iter();
        let offered = all.filter(|switch| self.card.offers(*switch).is_ok());
        offered.filter(tells).filter(alone).collect()
    }

    /// Whether a flipped switch can make a difference to what is read, or written.
    fn concerns(&self, switch: Switch, convention: Convention, side: Side) -> bool {
        let source = |convention| self.source(convention, side);
        match switch {
            Switch::Inverse | Switch::Biases => side == Side::Reads,
            Switch::Lens => side == Side::Writes,
            Switch::Input | Switch::Output => {
                source(convention) != source(convention.flipped(switch))
            }
            Switch::Gain | Switch::Norms | Switch::Centred | Switch::Cosine => true,
        }
    }

    fn robustness_of_neuron(
        &mut self,
        query: &NeuronQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<RobustnessAnswer, QueryError> {
        let asked = |convention| NeuronQuery {
            k: ROBUSTNESS_TOP,
            convention,
            ..query.clone()
        };
        let list = self.neuron(&asked(query.convention), callbacks)?;
        let of_column = |column: &Vec<Scored>| Robustness {
            top: ROBUSTNESS_TOP.min(list.passing / 2).min(column.len()),
            ..Robustness::default()
        };
        let mut lists: Vec<Robustness> = list.columns.iter().map(of_column).collect();
        if lists
            .iter()
            .any(|robustness| robustness.top < ROBUSTNESS_LEAST)
        {
            return Ok(RobustnessAnswer { lists, done: 1.0 });
        }
        let flips = self.flips(query.convention, false);
        for switch in flips {
            let other = match self.neuron(&asked(query.convention.flipped(switch)), callbacks) {
                // What has no inverse is not held against it.
                Err(QueryError::NoInverse { .. }) => continue,
                other => other?,
            };
            let directions = [Side::Reads, Side::Writes].into_iter().cycle();
            let columns = list.columns.iter().zip(&other.columns).zip(directions);
            for (robustness, ((one, other), side)) in lists.iter_mut().zip(columns) {
                if self.concerns(switch, query.convention, side)
                    && let Some(share) = kept(one, other, robustness.top, |a, b| a.id == b.id)
                {
                    robustness.kept.push((switch, share));
                }
            }
        }
        let partial = |lists: &[Robustness], done| RobustnessAnswer {
            lists: lists.to_vec(),
            done,
        };
        callbacks.partial(Answer::Robustness(partial(&lists, 0.5)));
        let own = self.vectors(std::slice::from_ref(query), callbacks)?;
        let both = [
            (Dictionary::Keys(query.input), own.keys),
            (Dictionary::Values, own.values),
        ];
        for (column, (vectors, mut own)) in both.into_iter().enumerate() {
            let length = unit(&mut own)[0];
            let null = self.null_of_neurons(query, vectors, callbacks)?;
            let bias = match vectors {
                Dictionary::Keys(_) => list.bias.unwrap_or(0.0),
                Dictionary::Values => 0.0,
            };
            for (end, (best, sign)) in null.iter().zip([1.0, -1.0]).enumerate() {
                let at = column + 2 * end;
                let first = list.columns[at].first();
                let score = first.map(|s| (s.score - sign * bias) / length);
                let value = score.and_then(|score| standard(score, best));
                let draws = best.len();
                lists[at].z = value.map(|value| ZScore { value, draws });
            }
        }
        Ok(partial(&lists, 1.0))
    }

    fn robustness_of_pairs(
        &mut self,
        query: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<RobustnessAnswer, QueryError> {
        let quiet = callbacks.without_partial();
        let asked = |convention| PairsQuery {
            k: ROBUSTNESS_TOP,
            convention,
            ..query.clone()
        };
        let list = self.pairs(&asked(query.convention), quiet)?;
        let mut robustness = Robustness {
            top: match list.pairs.len() {
                ROBUSTNESS_TOP => ROBUSTNESS_TOP,
                all => all / 2,
            },
            ..Robustness::default()
        };
        let answer = |robustness: &Robustness, done| RobustnessAnswer {
            lists: vec![robustness.clone()],
            done,
        };
        if robustness.top < ROBUSTNESS_LEAST {
            return Ok(answer(&robustness, 1.0));
        }
        let flips = self.flips(query.convention, true);
        let steps = (flips.len() + RANDOM_FORMS) as f32;
        let mut done = 0.0;
        for switch in flips {
            let other = asked(query.convention.flipped(switch));
            let other = match self.pairs(&other, quiet) {
                Err(QueryError::NoInverse { .. }) => continue,
                other => other?,
            };
            let same = |a: &Pair, b: &Pair| (a.from, a.to) == (b.from, b.to);
            if let Some(share) = kept(&list.pairs, &other.pairs, robustness.top, same) {
                robustness.kept.push((switch, share));
            }
            done += 1.0;
            callbacks.partial(Answer::Robustness(answer(&robustness, done / steps)));
        }
        let mut tell = |z: Option<ZScore>, forms: usize| {
            let so_far = Robustness {
                z,
                ..robustness.clone()
            };
            let done = (done + forms as f32) / steps;
            callbacks.partial(Answer::Robustness(answer(&so_far, done)));
        };
        let z = self.z_of_head(&asked(query.convention), callbacks, &mut tell)?;
        robustness.z = z;
        Ok(answer(&robustness, 1.0))
    }
}

/// The share of the best `top` of a list that are among as many best of the other one; `None` of
/// none.
pub(in crate::query) fn kept<T>(
    list: &[T],
    other: &[T],
    top: usize,
    same: impl Fn(&T, &T) -> bool,
) -> Option<f32> {
    let [list, other] = [list, other].map(|list| &list[..top.min(list.len())]);
    let stays = |item: &&T| other.iter().any(|o| same(item, o));
    let both = list.iter().filter(stays).count();
    (!list.is_empty()).then(|| both as f32 / list.len() as f32)
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn what_is_kept_is_a_share_of_the_best() {
        let same = |a: &u8, b: &u8| a == b;
        assert_eq!(kept(&[1, 2, 3, 4], &[4, 9, 1, 3], 3, same), Some(1.0 / 3.0));
        assert_eq!(kept(&[1, 2, 3, 4], &[4, 9, 1], 4, same), Some(0.5));
        assert_eq!(kept(&[], &[4], 30, same), None);
    }
}
