//! Holding a list against the same list under other conventions, and against chance.

use super::{RANDOM_FORMS, TRUST_LEAST, TRUST_TOP, Trust, TrustAnswer, TrustQuery, ZScore};
use crate::projection::{Pair, Scored};
use crate::query::answering::Callbacks;
use crate::query::convention::{Convention, Switch};
use crate::query::{Answer, Column, NeuronQuery, PairsQuery, QueryError};
use crate::transformer::Dictionary;

use super::null_distribution::standard;
use crate::query::reader::Reader;
use crate::query::reader::convention::{Flow, unit};

/// Multiplications that an inverse may cost that nobody has asked for.
const INVERSE_MAX: f64 = 4e11;

impl Reader {
    pub(in crate::query) fn trust(
        &mut self,
        query: &TrustQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<TrustAnswer, QueryError> {
        match query {
            TrustQuery::Neuron(query) => {
                let mut answer = self.trust_neuron(query, callbacks)?;
                if !self.card.has_output(query.convention) {
                    answer.lists[Column::V as usize] = Trust::default();
                    answer.lists[Column::MinusV as usize] = Trust::default();
                }
                Ok(answer)
            }
            TrustQuery::Pairs(query) => self.trust_pairs(query, callbacks),
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
            Switch::Gain | Switch::Norms | Switch::Cosine | Switch::Input | Switch::Output => true,
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
    fn concerns(&self, switch: Switch, convention: Convention, flow: Flow) -> bool {
        let source = |convention| self.source(convention, flow);
        match switch {
            Switch::Inverse | Switch::Biases => flow == Flow::Read,
            Switch::Input | Switch::Output => {
                source(convention) != source(convention.flipped(switch))
            }
            Switch::Gain | Switch::Norms | Switch::Centred | Switch::Cosine => true,
        }
    }

    fn trust_neuron(
        &mut self,
        query: &NeuronQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<TrustAnswer, QueryError> {
        let asked = |convention| NeuronQuery {
            k: TRUST_TOP,
            convention,
            ..query.clone()
        };
        let list = self.neuron(&asked(query.convention), callbacks)?;
        let of_column = |column: &Vec<Scored>| Trust {
            top: TRUST_TOP.min(list.passing / 2).min(column.len()),
            ..Trust::default()
        };
        let mut lists: Vec<Trust> = list.columns.iter().map(of_column).collect();
        if lists.iter().any(|trust| trust.top < TRUST_LEAST) {
            return Ok(TrustAnswer { lists, done: 1.0 });
        }
        let flips = self.flips(query.convention, false);
        for switch in flips {
            let other = match self.neuron(&asked(query.convention.flipped(switch)), callbacks) {
                // What has no inverse is not held against it.
                Err(QueryError::NoInverse { .. }) => continue,
                other => other?,
            };
            let directions = [Flow::Read, Flow::Written].into_iter().cycle();
            let columns = list.columns.iter().zip(&other.columns).zip(directions);
            for (trust, ((one, other), flow)) in lists.iter_mut().zip(columns) {
                let best: (&[Scored], &[Scored], usize) = (one, other, trust.top);
                if self.concerns(switch, query.convention, flow)
                    && let Some(share) = kept(best, |a, b| a.id == b.id)
                {
                    trust.kept.push((switch, share));
                }
            }
        }
        let partial = |lists: &[Trust], done| TrustAnswer {
            lists: lists.to_vec(),
            done,
        };
        callbacks.partial(Answer::Trust(partial(&lists, 0.5)));
        let own = self.vectors(std::slice::from_ref(query), callbacks)?;
        let both = [
            (Dictionary::Keys(query.input), own.keys),
            (Dictionary::Values, own.values),
        ];
        for (column, (vectors, mut own)) in both.into_iter().enumerate() {
            let length = unit(&mut own)[0];
            let chance = self.chance_of_neurons(query, vectors, callbacks)?;
            let bias = match vectors {
                Dictionary::Keys(_) => list.bias.unwrap_or(0.0),
                Dictionary::Values => 0.0,
            };
            for (end, (best, sign)) in chance.iter().zip([1.0, -1.0]).enumerate() {
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

    fn trust_pairs(
        &mut self,
        query: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<TrustAnswer, QueryError> {
        let quiet = callbacks.without_partial();
        let asked = |convention| PairsQuery {
            k: TRUST_TOP,
            convention,
            ..query.clone()
        };
        let list = self.pairs(&asked(query.convention), quiet)?;
        let mut trust = Trust {
            top: match list.pairs.len() {
                TRUST_TOP => TRUST_TOP,
                all => all / 2,
            },
            ..Trust::default()
        };
        let answer = |trust: &Trust, done| TrustAnswer {
            lists: vec![trust.clone()],
            done,
        };
        if trust.top < TRUST_LEAST {
            return Ok(answer(&trust, 1.0));
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
            if let Some(share) = kept((&list.pairs, &other.pairs, trust.top), same) {
                trust.kept.push((switch, share));
            }
            done += 1.0;
            callbacks.partial(Answer::Trust(answer(&trust, done / steps)));
        }
        let mut tell = |z: Option<ZScore>, forms: usize| {
            let so_far = Trust { z, ..trust.clone() };
            let done = (done + forms as f32) / steps;
            callbacks.partial(Answer::Trust(answer(&so_far, done)));
        };
        let z = self.z_of_head(&asked(query.convention), callbacks, &mut tell)?;
        trust.z = z;
        Ok(answer(&trust, 1.0))
    }
}

/// The share of the best `top` of a list that are among as many best of the other one; `None` of
/// none.
pub(in crate::query) fn kept<T>(
    (list, other, top): (&[T], &[T], usize),
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
        assert_eq!(
            kept((&[1, 2, 3, 4], &[4, 9, 1, 3], 3), same),
            Some(1.0 / 3.0)
        );
        assert_eq!(kept((&[1, 2, 3, 4], &[4, 9, 1], 4), same), Some(0.5));
        assert_eq!(kept((&[], &[4], 30), same), None);
    }
}
