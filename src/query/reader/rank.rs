//! A layer's neurons ranked: all of their lists, some neurons at a time, and what they come to.

use rayon::prelude::*;

use super::super::answering::{Answering, Fetch, Watch, arrived};
use super::super::rank::{Interest, Interesting, RankAnswer, RankQuery, TOP};
use super::super::{Answer, NeuronAnswer, NeuronQuery, QueryError};
use super::Reader;
use crate::projection::Scored;
use crate::transformer::Input;
use crate::vocabulary::Vocabulary;

/// Neurons at a time: enough for products at full rate, few enough to see the list grow.
const BATCH: usize = 256;
/// Tokens of each side that are kept with a neuron or a head.
pub(super) const WORDS: usize = 10;

/// A neuron, and the best score of K and of V.
struct Judged {
    neuron: Interesting,
    best: [f32; 2],
}

impl Reader {
    pub(super) fn rank(
        &mut self,
        query: &RankQuery,
        watch: &dyn Watch,
    ) -> Result<Option<RankAnswer>, QueryError> {
        match query.by {
            Interest::Norm => return self.rank_by_norm(query, watch),
            Interest::Copying | Interest::Same => return self.rank_heads(query, watch),
            Interest::Overlap | Interest::Z | Interest::Stem => {}
        }
        let neurons: Vec<usize> = (0..self.card.spec.neurons).collect();
        let mut judged = Vec::with_capacity(neurons.len());
        for batch in neurons.chunks(BATCH) {
            let Some(answers) = self.top_lists(query, batch, watch)? else {
                return Ok(None);
            };
            let vocabulary = &self.card.vocabulary;
            let judge = |(&neuron, answer): (&usize, &NeuronAnswer)| {
                judge(query.by, neuron, answer, vocabulary)
            };
            judged.par_extend(batch.par_iter().zip(&answers).map(judge));
            if query.by == Interest::Z {
                standardise(&mut judged);
            }
            if judged.len() < neurons.len() {
                let done = judged.len() as f32 / neurons.len() as f32;
                watch.improved(Answer::Rank(ranking(&judged, query.count, done)));
            }
        }
        Ok(Some(ranking(&judged, query.count, 1.0)))
    }

    /// The lengths first, then the lists of the longest only.
    fn rank_by_norm(
        &mut self,
        query: &RankQuery,
        watch: &dyn Watch,
    ) -> Result<Option<RankAnswer>, QueryError> {
        let all = 0..self.card.spec.neurons;
        let brought =
            self.weights
                .bring_neurons(query.layer, all.clone(), Input::Gate, &Fetch(watch));
        if !arrived(brought)? {
            return Ok(None);
        }
        let values = self.weights.values(query.layer, all.clone())?;
        let norm = |n: usize| {
            values
                .row(n)
                .iter()
                .map(|&x| f64::from(x).powi(2))
                .sum::<f64>()
        };
        let mut by_norm: Vec<(usize, f32)> = all.map(|n| (n, norm(n).sqrt() as f32)).collect();
        by_norm.sort_by(|a, b| b.1.total_cmp(&a.1));
        by_norm.truncate(query.count);
        let longest: Vec<usize> = by_norm.iter().map(|(neuron, _)| *neuron).collect();
        let Some(answers) = self.top_lists(query, &longest, watch)? else {
            return Ok(None);
        };
        let neurons = by_norm.iter().zip(&answers);
        let neurons = neurons.map(|(&(neuron, norm), answer)| interesting(neuron, norm, answer));
        Ok(Some(RankAnswer {
            items: neurons.collect(),
            done: 1.0,
        }))
    }

    fn top_lists(
        &mut self,
        query: &RankQuery,
        neurons: &[usize],
        watch: &dyn Watch,
    ) -> Result<Option<Vec<NeuronAnswer>>, QueryError> {
        let query = |&neuron: &usize| NeuronQuery {
            convention: Default::default(),
            layer: query.layer,
            neuron,
            input: Input::Gate,
            k: TOP,
            filters: query.filters.clone(),
        };
        let queries: Vec<NeuronQuery> = neurons.iter().map(query).collect();
        self.answer_neurons(&queries, watch)
    }
}

fn interesting(neuron: usize, figure: f32, answer: &NeuronAnswer) -> Interesting {
    let words = |list: &[Scored]| list.iter().take(WORDS).map(|s| s.id).collect();
    let [key, value, ..] = &answer.columns;
    Interesting {
        item: neuron,
        figure,
        key: words(key),
        value: words(value),
    }
}

fn judge(by: Interest, neuron: usize, answer: &NeuronAnswer, vocabulary: &Vocabulary) -> Judged {
    let [key, value, ..] = &answer.columns;
    let figure = match by {
        Interest::Overlap => overlap(key, value),
        Interest::Stem => stem(key, vocabulary).max(stem(value, vocabulary)),
        // Known once all are.
        _ => 0.0,
    };
    let best = |list: &[Scored]| list.first().map_or(f32::NAN, |s| s.score);
    Judged {
        neuron: interesting(neuron, figure, answer),
        best: [best(key), best(value)],
    }
}

/// The share of tokens that are in both lists.
fn overlap(a: &[Scored], b: &[Scored]) -> f32 {
    let both = a.iter().filter(|a| b.iter().any(|b| b.id == a.id)).count();
    both as f32 / a.len().max(1) as f32
}

/// The largest share of a list that looks like one of its tokens, itself among them; 0 if it looks
/// like itself only.
fn stem(list: &[Scored], vocabulary: &Vocabulary) -> f32 {
    let like = |a: &Scored| {
        let alike = list.iter().filter(|b| vocabulary.similar(a.id, b.id));
        alike.count()
    };
    match list.iter().map(like).max() {
        Some(most @ 2..) => most as f32 / list.len() as f32,
        _ => 0.0,
    }
}

/// Makes of the best scores how far they lie above the mean, in standard deviations.
fn standardise(judged: &mut [Judged]) {
    let count = judged.len() as f64;
    let of_column = [0, 1].map(|column| {
        let scores = judged.iter().map(|j| f64::from(j.best[column]));
        let mean = scores.clone().sum::<f64>() / count;
        let variance = scores.map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        (mean, variance.sqrt())
    });
    for judged in judged {
        let z = |(column, (mean, deviation)): (usize, (f64, f64))| {
            (f64::from(judged.best[column]) - mean) / deviation
        };
        let [key, value] = [0, 1].map(|column| z((column, of_column[column])));
        judged.neuron.figure = key.max(value) as f32;
    }
}

fn ranking(judged: &[Judged], count: usize, done: f32) -> RankAnswer {
    let mut items: Vec<Interesting> = judged.iter().map(|j| j.neuron.clone()).collect();
    sort(&mut items);
    items.truncate(count);
    RankAnswer { items, done }
}

/// The most interesting first; ties stay in the order of their numbers, and what is no number goes
/// last.
pub(super) fn sort(items: &mut [Interesting]) {
    let figure = |n: &Interesting| match n.figure.is_nan() {
        true => f32::NEG_INFINITY,
        false => n.figure,
    };
    items.sort_by(|a, b| figure(b).total_cmp(&figure(a)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::TokenizerFiles;

    fn list(ids: &[u32]) -> Vec<Scored> {
        let scored = |&id: &u32| Scored { id, score: 1.0 };
        ids.iter().map(scored).collect()
    }

    fn judged(best: [[f32; 2]; 4]) -> Vec<Judged> {
        let neuron = |(neuron, best)| Judged {
            neuron: Interesting {
                item: neuron,
                figure: 0.0,
                key: Vec::new(),
                value: Vec::new(),
            },
            best,
        };
        best.into_iter().enumerate().map(neuron).collect()
    }

    #[test]
    fn overlap_is_the_share_of_both() {
        assert_eq!(overlap(&list(&[1, 2, 3, 4]), &list(&[9, 4, 2, 8])), 0.5);
        assert_eq!(overlap(&[], &[]), 0.0);
    }

    #[test]
    fn stem_is_the_largest_family_of_a_list() {
        let words = "zamek zamku zamki kot pies dom rzeka most";
        let files = TokenizerFiles {
            vocab_txt: Some(words.replace(' ', "\n").into_bytes().into()),
            ..TokenizerFiles::default()
        };
        let vocabulary = Vocabulary::open(&files, 8).unwrap();
        // zamku and zamki are one letter apart, zamek is two from either.
        assert_eq!(stem(&list(&[0, 1, 2, 3]), &vocabulary), 0.5);
        assert_eq!(stem(&list(&[0, 3, 4, 5]), &vocabulary), 0.0);
    }

    #[test]
    fn z_is_the_larger_of_both_columns_against_the_layer() {
        // K: mean 2, deviation 1; V: mean 5, deviation 0, which tells nothing.
        let mut four = judged([[1.0, 5.0], [3.0, 5.0], [1.0, 5.0], [3.0, 5.0]]);
        standardise(&mut four);
        let figures = |judged: &[Judged]| judged.iter().map(|j| j.neuron.figure).collect();
        let found: Vec<f32> = figures(&four);
        assert_eq!(found, [-1.0, 1.0, -1.0, 1.0]);
        // V: mean 1, deviation √3.
        let mut four = judged([[1.0, 0.0], [3.0, 0.0], [1.0, 4.0], [3.0, 0.0]]);
        standardise(&mut four);
        let found: Vec<f32> = figures(&four);
        assert!((found[2] - 3.0f32.sqrt()).abs() < 1e-6, "{found:?}");
        let ranked = ranking(&four, 3, 1.0).items;
        let order: Vec<usize> = ranked.iter().map(|n| n.item).collect();
        assert_eq!(order, [2, 1, 3], "ties go to the smaller number");
    }
}
