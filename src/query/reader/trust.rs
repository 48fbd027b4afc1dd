//! Holding a list against the same list under other conventions, and against chance.

use crate::checkpoint::Matrix;
use crate::projection::{Ends, Pair, Passing};
use crate::query::answering::{Quiet, Watch};
use crate::query::convention::{Convention, Switch};
use crate::query::trust::{
    RANDOM_DIRECTIONS, RANDOM_FORMS, TRUST_TOP, Trust, TrustAnswer, TrustQuery,
};
use crate::query::{Answer, NeuronQuery, PairsQuery, QueryError};
use crate::transformer::{FormWeights, Half, Piece, Vectors};
use crate::vocabulary::Filters;

use super::Reader;
use super::convention::{Direction, unit};

/// Multiplications that an inverse may cost that nobody has asked for.
const INVERSE_MAX: f64 = 4e11;
/// Layers, or lists of heads, whose chance is remembered.
const REMEMBERED: usize = 64;

/// What the best scores of random vectors are under the same circumstances.
#[derive(Clone, Debug, PartialEq)]
struct Chance {
    of: Circumstances,
    /// The best scores so far, of both ends of random directions or of one end of random forms.
    best: [Vec<f32>; 2],
}

/// On what chance depends.
#[derive(Clone, Debug, PartialEq)]
enum Circumstances {
    Neurons {
        layer: usize,
        vectors: Vectors,
        convention: Convention,
        filters: Filters,
    },
    Heads(PairsQuery),
}

/// What was drawn so far.
#[derive(Default)]
pub(super) struct Chances(Vec<Chance>);

impl Chances {
    fn take(&mut self, of: Circumstances) -> Chance {
        match self.0.iter().position(|chance| chance.of == of) {
            Some(at) => self.0.remove(at),
            None => Chance {
                of,
                best: [Vec::new(), Vec::new()],
            },
        }
    }

    fn keep(&mut self, chance: Chance) {
        self.0.push(chance);
        if self.0.len() > REMEMBERED {
            self.0.remove(0);
        }
    }
}

impl Reader {
    /// `None` if it was called off.
    pub(super) fn trust(
        &mut self,
        query: &TrustQuery,
        watch: &dyn Watch,
    ) -> Result<Option<TrustAnswer>, QueryError> {
        if self.card.remote {
            return Err(QueryError::NeedsAll {
                model: self.card.name.clone(),
            });
        }
        match query {
            TrustQuery::Neuron(query) => self.trust_neuron(query, watch),
            TrustQuery::Pairs(query) => self.trust_pairs(query, watch),
        }
    }

    /// The switches that are worth flipping for lists under a convention.
    fn flips(&self, convention: Convention, pairs: bool) -> Vec<Switch> {
        let (vocab, width) = (self.card.spec.vocab as f64, self.card.spec.width as f64);
        let cheap = 2.0 * vocab * width * width < INVERSE_MAX;
        let tells = |switch: &Switch| match switch {
            Switch::Inverse => cheap || convention.has(Switch::Inverse),
            // One number for all tokens of a column, unless each is then scaled by its own.
            Switch::Centred => {
                pairs || convention.has(Switch::Cosine) || convention.has(Switch::Inverse)
            }
            Switch::Biases => pairs,
            _ => true,
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
    fn concerns(&self, switch: Switch, convention: Convention, direction: Direction) -> bool {
        let source = |convention| self.source(convention, direction);
        match switch {
            Switch::Inverse => direction == Direction::Read,
            Switch::Input | Switch::Output => {
                source(convention) != source(convention.flipped(switch))
            }
            _ => true,
        }
    }

    fn trust_neuron(
        &mut self,
        query: &NeuronQuery,
        watch: &dyn Watch,
    ) -> Result<Option<TrustAnswer>, QueryError> {
        let asked = |convention| NeuronQuery {
            k: TRUST_TOP,
            convention,
            ..query.clone()
        };
        let answers = self.neurons(&[asked(query.convention)], watch)?;
        let Some(list) = answers.and_then(|mut answers| answers.pop()) else {
            return Ok(None);
        };
        let mut lists = vec![Trust::default(); list.columns.len()];
        let flips = self.flips(query.convention, false);
        for switch in flips {
            let answers = self.neurons(&[asked(query.convention.flipped(switch))], watch)?;
            let Some(other) = answers.and_then(|mut answers| answers.pop()) else {
                return Ok(None);
            };
            let directions = [Direction::Read, Direction::Written].into_iter().cycle();
            let columns = list.columns.iter().zip(&other.columns).zip(directions);
            for (trust, ((one, other), direction)) in lists.iter_mut().zip(columns) {
                if self.concerns(switch, query.convention, direction)
                    && let Some(share) = kept(one, other, |a, b| a.id == b.id)
                {
                    trust.kept.push((switch, share));
                }
            }
        }
        let partial = |lists: &[Trust], done| TrustAnswer {
            lists: lists.to_vec(),
            done,
        };
        watch.improved(Answer::Trust(partial(&lists, 0.5)));
        let both = [Vectors::Keys(query.input), Vectors::Values];
        for (column, vectors) in both.into_iter().enumerate() {
            let Some(lengths) = self.length(query, vectors, watch)? else {
                return Ok(None);
            };
            let Some(chance) = self.chance_of_neurons(query, vectors, watch)? else {
                return Ok(None);
            };
            let bias = match vectors {
                Vectors::Keys(_) => list.bias.unwrap_or(0.0),
                Vectors::Values => 0.0,
            };
            for (end, (best, sign)) in chance.iter().zip([1.0, -1.0]).enumerate() {
                let at = column + 2 * end;
                let first = list.columns[at].first();
                let score = first.map(|s| (s.score - sign * bias) / lengths);
                lists[at].z = score.and_then(|score| standard(score, best));
            }
        }
        Ok(Some(partial(&lists, 1.0)))
    }

    /// The length of a neuron's vector as it is projected.
    fn length(
        &mut self,
        query: &NeuronQuery,
        vectors: Vectors,
        watch: &dyn Watch,
    ) -> Result<Option<f32>, QueryError> {
        if query.convention.has(Switch::Cosine) {
            return Ok(Some(1.0));
        }
        let neuron = query.neuron..query.neuron + 1;
        let vector = match vectors {
            Vectors::Keys(input) => self.weights.keys(query.layer, neuron, input)?,
            Vectors::Values => self.weights.values(query.layer, neuron)?,
        };
        let at = (query.layer, Half::FeedForward);
        let vector = self.projected(query.convention, at, direction(vectors), vector, watch)?;
        Ok(vector.map(|mut vector| unit(&mut vector)[0]))
    }

    /// The best and the lowest score of each of the random directions of a layer at length 1.
    fn chance_of_neurons(
        &mut self,
        query: &NeuronQuery,
        vectors: Vectors,
        watch: &dyn Watch,
    ) -> Result<Option<[Vec<f32>; 2]>, QueryError> {
        let mut chance = self.chances.take(Circumstances::Neurons {
            layer: query.layer,
            vectors,
            convention: query.convention,
            filters: query.filters.clone(),
        });
        if chance.best[0].is_empty() {
            let drawn = self.drawn_directions(query.layer, vectors)?;
            let at = (query.layer, Half::FeedForward);
            let direction = direction(vectors);
            let Some(mut drawn) = self.projected(query.convention, at, direction, drawn, watch)?
            else {
                return Ok(None);
            };
            unit(&mut drawn);
            let Some(rows) = self.rows(query.convention, direction, watch)? else {
                return Ok(None);
            };
            let mask = self.mask(&query.filters)?;
            let passing = Passing {
                flags: &mask.passes[..rows.len()],
                first_id: 0,
            };
            let mut ends = vec![Ends::new(1); drawn.rows()];
            if !rows.offer_scores(&drawn, passing, &mut ends, &|| watch.wanted())? {
                return Ok(None);
            }
            for ends in ends {
                let best = [ends.highest, ends.lowest].map(|best| best.into_sorted());
                for (all, best) in chance.best.iter_mut().zip(best) {
                    all.extend(best.first().map(|s| s.score));
                }
            }
        }
        let best = chance.best.clone();
        self.chances.keep(chance);
        Ok(Some(best))
    }

    /// Random directions with the mean and the covariance of a layer's vectors, `[draws, width]`:
    /// with independent standard normal g, `Σ gᵢ·(vᵢ − mean)/√n + mean` has just those.
    fn drawn_directions(&self, layer: usize, vectors: Vectors) -> Result<Matrix, QueryError> {
        let (n, width) = (self.card.spec.neurons, self.card.spec.width);
        let mut normal = Normal::new(layer as u64);
        let draw = |_| normal.shares(n);
        let shares: Vec<Vec<f32>> = (0..RANDOM_DIRECTIONS).map(draw).collect();
        let some = self.weights.pieces(layer, vectors, |piece| {
            let mut sums = Matrix::zeros(RANDOM_DIRECTIONS, width);
            for (share, sum) in shares.iter().zip(sums.data_mut().chunks_exact_mut(width)) {
                match &piece {
                    Piece::Whole { first, rows } => {
                        for i in 0..rows.rows() {
                            let by = share[first + i];
                            sum.iter_mut()
                                .zip(rows.row(i))
                                .for_each(|(s, x)| *s += by * x);
                        }
                    }
                    Piece::Coordinates { first, rows } => {
                        for i in 0..rows.rows() {
                            let terms = rows.row(i).iter().zip(share).map(|(x, by)| x * by);
                            sum[first + i] = terms.sum();
                        }
                    }
                }
            }
            sums
        })?;
        let mut all = Matrix::zeros(RANDOM_DIRECTIONS, width);
        for some in some {
            let pairs = all.data_mut().iter_mut().zip(some.data());
            pairs.for_each(|(sum, x)| *sum += x);
        }
        Ok(all)
    }

    fn trust_pairs(
        &mut self,
        query: &PairsQuery,
        watch: &dyn Watch,
    ) -> Result<Option<TrustAnswer>, QueryError> {
        let quiet = Quiet(watch);
        let asked = |convention| PairsQuery {
            k: TRUST_TOP,
            convention,
            ..query.clone()
        };
        let Some(list) = self.pairs(&asked(query.convention), &quiet)? else {
            return Ok(None);
        };
        let mut trust = Trust::default();
        let flips = self.flips(query.convention, true);
        let steps = (flips.len() + RANDOM_FORMS) as f32;
        let mut done = 0.0;
        for switch in flips {
            let other = asked(query.convention.flipped(switch));
            let Some(other) = self.pairs(&other, &quiet)? else {
                return Ok(None);
            };
            let same = |a: &Pair, b: &Pair| (a.from, a.to) == (b.from, b.to);
            if let Some(share) = kept(&list.pairs, &other.pairs, same) {
                trust.kept.push((switch, share));
            }
            done += 1.0;
            watch.improved(Answer::Trust(TrustAnswer {
                lists: vec![trust.clone()],
                done: done / steps,
            }));
        }
        // Chance knows no biases, so what is held against it has none either.
        let bare = match query.convention.has(Switch::Biases) {
            true => query.convention.flipped(Switch::Biases),
            false => query.convention,
        };
        let bare = asked(bare);
        let Some(list) = self.pairs(&bare, &quiet)? else {
            return Ok(None);
        };
        let (form, layer) = (query.form, query.layer);
        let weights = self.weights.form(form, layer, query.head, query.distance)?;
        let Some(weights) = self.projected_form(&bare, weights, watch)? else {
            return Ok(None);
        };
        let Some(chance) = self.chance_of_heads(&bare, watch)? else {
            return Ok(None);
        };
        let first = list.pairs.first();
        let score = first.map(|pair| pair.score.abs() / size(&weights));
        trust.z = score.and_then(|score| standard(score, &chance));
        Ok(Some(TrustAnswer {
            lists: vec![trust],
            done: 1.0,
        }))
    }

    /// The best score, at size 1, of each of the random forms of a layer; those that were drawn
    /// before it was called off are kept.
    fn chance_of_heads(
        &mut self,
        query: &PairsQuery,
        watch: &dyn Watch,
    ) -> Result<Option<Vec<f32>>, QueryError> {
        let mut chance = self.chances.take(Circumstances::Heads(PairsQuery {
            head: 0,
            ..query.clone()
        }));
        let mut called_off = false;
        if chance.best[0].len() < RANDOM_FORMS {
            let channels = self.channels(query)?;
            while chance.best[0].len() < RANDOM_FORMS && !called_off {
                match self.drawn_form(query, &channels, chance.best[0].len(), watch)? {
                    Some(best) => chance.best[0].push(best),
                    None => called_off = true,
                }
            }
        }
        let best = chance.best[0].clone();
        self.chances.keep(chance);
        Ok((!called_off).then_some(best))
    }

    /// Both sides' vectors of all heads of a layer, `[heads·head, width]` each.
    fn channels(&self, query: &PairsQuery) -> Result<[Matrix; 2], QueryError> {
        let spec = &self.card.spec;
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for head in 0..spec.heads {
            let form = self
                .weights
                .form(query.form, query.layer, head, query.distance)?;
            left.extend(form.left.transposed().into_data());
            right.extend(form.right.transposed().into_data());
        }
        let rows = spec.heads * spec.head_width;
        Ok([left, right].map(|side| Matrix::new(rows, spec.width, side)))
    }

    /// The best score of the random form of a number, at size 1; `None` if it was called off.
    fn drawn_form(
        &mut self,
        query: &PairsQuery,
        channels: &[Matrix; 2],
        number: usize,
        watch: &dyn Watch,
    ) -> Result<Option<f32>, QueryError> {
        let (head, width) = (self.card.spec.head_width, self.card.spec.width);
        let mut normal = Normal::new((query.layer << 8 | number) as u64);
        let mut drawn = channels.iter().map(|channels| {
            let mut side = Matrix::zeros(head, width);
            for row in side.data_mut().chunks_exact_mut(width) {
                for (i, by) in normal.shares(channels.rows()).into_iter().enumerate() {
                    row.iter_mut()
                        .zip(channels.row(i))
                        .for_each(|(sum, x)| *sum += by * x);
                }
            }
            side.transposed()
        });
        let (Some(left), Some(right)) = (drawn.next(), drawn.next()) else {
            return Ok(None);
        };
        let weights = FormWeights { left, right };
        let Some(weights) = self.projected_form(query, weights, watch)? else {
            return Ok(None);
        };
        let asked = PairsQuery {
            k: 1,
            ..query.clone()
        };
        let positions = self.with_positions(&query.filters)?;
        let Some(factors) = self.factors_of(&asked, &weights, [None, None], positions, watch)?
        else {
            return Ok(None);
        };
        let Some(found) = self.best_of(&asked, &factors, &Quiet(watch))? else {
            return Ok(None);
        };
        let best = found.pairs.first().map_or(0.0, |pair| pair.score.abs());
        Ok(Some(best / size(&weights)))
    }
}

fn direction(vectors: Vectors) -> Direction {
    match vectors {
        Vectors::Keys(_) => Direction::Read,
        Vectors::Values => Direction::Written,
    }
}

/// The share of a list that is in the other one too; `None` of an empty one.
fn kept<T>(list: &[T], other: &[T], same: impl Fn(&T, &T) -> bool) -> Option<f32> {
    let stays = |item: &&T| other.iter().any(|o| same(item, o));
    let both = list.iter().filter(stays).count();
    (!list.is_empty()).then(|| both as f32 / list.len() as f32)
}

/// How many standard deviations a score lies above the mean of others; `None` if they are all
/// alike, or one is no number.
fn standard(score: f32, others: &[f32]) -> Option<f32> {
    let n = others.len() as f64;
    let mean = others.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let squares = others.iter().map(|&x| (f64::from(x) - mean).powi(2));
    let deviation = (squares.sum::<f64>() / (n - 1.0)).sqrt();
    let z = (f64::from(score) - mean) / deviation;
    z.is_finite().then_some(z as f32)
}

/// The Frobenius norm of a form `left·rightᵀ`.
fn size(form: &FormWeights) -> f32 {
    let (left, right) = (form.left.transposed(), form.right.transposed());
    let product = |m: &Matrix, i: usize, j: usize| {
        let terms = m.row(i).iter().zip(m.row(j));
        terms
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum::<f64>()
    };
    let entries = (0..left.rows()).flat_map(|i| (0..left.rows()).map(move |j| (i, j)));
    let squares = entries.map(|(i, j)| product(&left, i, j) * product(&right, i, j));
    squares.sum::<f64>().max(0.0).sqrt() as f32
}

/// Standard normal numbers, the same for the same seed (Box and Muller 1958).
struct Normal(fastrand::Rng);

impl Normal {
    fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    fn draw(&mut self) -> f64 {
        let (u, v) = (1.0 - self.0.f64(), self.0.f64());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// By what n vectors are multiplied so that their sum is one more drawn from the normal
    /// distribution that has their mean and covariance.
    fn shares(&mut self, n: usize) -> Vec<f32> {
        let root = (n as f64).sqrt();
        let draws: Vec<f64> = (0..n).map(|_| self.draw() / root).collect();
        let rest = (1.0 - draws.iter().sum::<f64>()) / n as f64;
        draws.iter().map(|draw| (draw + rest) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_has_mean_and_covariance_of_the_vectors() {
        // Three vectors of mean (1, 2); variances 2/3 and 8/3, covariance −2/3.
        let vectors = [[2.0, 2.0], [1.0, 0.0], [0.0, 4.0]];
        let mut normal = Normal::new(3);
        let drawn: Vec<[f64; 2]> = (0..40_000)
            .map(|_| {
                let shares = normal.shares(3);
                let at = |i: usize| {
                    let terms = shares.iter().zip(&vectors);
                    terms
                        .map(|(&by, v): (&f32, &[f64; 2])| f64::from(by) * v[i])
                        .sum()
                };
                [at(0), at(1)]
            })
            .collect();
        let mean = |f: &dyn Fn(&[f64; 2]) -> f64| drawn.iter().map(f).sum::<f64>() / 40_000.0;
        let close = |found: f64, wanted: f64| {
            assert!((found - wanted).abs() < 0.05, "{found} for {wanted}");
        };
        close(mean(&|x| x[0]), 1.0);
        close(mean(&|x| x[1]), 2.0);
        close(mean(&|x| (x[0] - 1.0).powi(2)), 2.0 / 3.0);
        close(mean(&|x| (x[1] - 2.0).powi(2)), 8.0 / 3.0);
        close(mean(&|x| (x[0] - 1.0) * (x[1] - 2.0)), -2.0 / 3.0);
    }

    #[test]
    fn a_standard_score_is_in_deviations_of_the_others() {
        // Mean 2, deviation 1 with n − 1 below.
        assert_eq!(standard(5.0, &[1.0, 2.0, 3.0]), Some(3.0));
        assert_eq!(standard(5.0, &[2.0, 2.0, 2.0]), None);
        assert_eq!(standard(5.0, &[]), None);
        assert_eq!(kept(&[1, 2, 3, 4], &[4, 9, 1], |a, b| a == b), Some(0.5));
        assert_eq!(kept::<u8>(&[], &[4], |a, b| a == b), None);
    }

    #[test]
    fn the_size_of_a_form_is_that_of_its_product() {
        // (1 0; 2 1)·(3 1; 0 2)ᵀ = (3 0; 7 2)
        let form = FormWeights {
            left: Matrix::new(2, 2, vec![1.0, 0.0, 2.0, 1.0]),
            right: Matrix::new(2, 2, vec![3.0, 1.0, 0.0, 2.0]),
        };
        assert!((size(&form) - 62f32.sqrt()).abs() < 1e-6);
    }
}
