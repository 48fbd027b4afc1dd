//! A layer's neurons or heads ranked by their lists, some at a time, with lists from a model or from a scan.

use rayon::prelude::*;

use super::{RankAnswer, RankMetric, RankQuery, RankedItem};
use crate::projection::{End, Pair, Scored};
use crate::query::{
    Answer, Answering, Callbacks, NeuronAnswer, NeuronQuery, PairsQuery, Query, QueryError,
};
use crate::transformer::{Form, Input};
use crate::vocabulary::Vocabulary;

/// Neurons at a time: enough for products at full rate, few enough to see the list grow.
const BATCH: usize = 256;

/// A ranking that goes on where it was cancelled.
#[derive(Default)]
pub struct Ranking {
    of: Option<RankQuery>,
    /// Of the first neurons or heads.
    judged: Vec<Judged>,
}

/// A neuron, and the best score of K and of V; or a head.
pub(in crate::query) struct Judged {
    pub(in crate::query) item: RankedItem,
    best: [f32; 2],
}

impl Ranking {
    /// Ranks by the lists that `model` answers with. What is known when it is cancelled counts the
    /// next time, if the same is asked.
    ///
    /// # Errors
    /// As [`Answering::answer`].
    pub fn rank(
        &mut self,
        model: &mut dyn Answering,
        query: &RankQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        if self.of.as_ref() != Some(query) {
            self.of = Some(query.clone());
            self.judged.clear();
        }
        let card = model.card();
        let (all, batch) = match query.by.of_heads() {
            true => (card.spec.heads_in(query.layer), 1),
            false => (card.spec.neurons_in(query.layer), BATCH),
        };
        while self.judged.len() < all {
            let first = self.judged.len();
            let some: Vec<usize> = (first..all.min(first + batch)).collect();
            let judged = match query.by.form() {
                Some(form) => vec![judge_head(model, query, form, first, callbacks)?],
                None => {
                    let answers = top_lists(model, query, &some, callbacks)?;
                    let answers = some.par_iter().zip(&answers);
                    let judge = |(&neuron, answer)| judge(query, neuron, answer, &card.vocabulary);
                    answers.map(judge).collect()
                }
            };
            self.judged.extend(judged);
            if query.by == RankMetric::Z {
                standardise(&mut self.judged);
            }
            if self.judged.len() < all {
                let done = self.judged.len() as f32 / all as f32;
                let items = self.judged.iter().map(|j| j.item.clone()).collect();
                callbacks.partial(Answer::Rank(ranked(items, query.count, done)));
            }
        }
        self.of = None;
        let items = self.judged.drain(..).map(|j| j.item).collect();
        Ok(ranked(items, query.count, 1.0))
    }
}

/// The lists of some neurons that are judged.
pub(in crate::query) fn top_lists(
    model: &mut dyn Answering,
    query: &RankQuery,
    neurons: &[usize],
    callbacks: Callbacks<'_>,
) -> Result<Vec<NeuronAnswer>, QueryError> {
    let query = |&neuron: &usize| NeuronQuery {
        convention: query.convention,
        layer: query.layer,
        neuron,
        input: Input::Gate,
        k: RankMetric::TOP,
        filters: query.filters.clone(),
    };
    let queries: Vec<NeuronQuery> = neurons.iter().map(query).collect();
    model.answer_neurons(&queries, callbacks)
}

pub(super) fn pairs_query(query: &RankQuery, form: Form, head: usize) -> PairsQuery {
    PairsQuery {
        convention: query.convention,
        form,
        layer: query.layer,
        head,
        distance: 0,
        end: End::Highest,
        k: RankMetric::TOP,
        filters: query.filters.per_token(),
    }
}

/// The best pairs of a form of a head.
pub(in crate::query) fn top_pairs(
    model: &mut dyn Answering,
    query: &RankQuery,
    form: Form,
    head: usize,
    callbacks: Callbacks<'_>,
) -> Result<Vec<Pair>, QueryError> {
    let asked = Query::Pairs(pairs_query(query, form, head));
    let Answer::Pairs(answer) = model.answer(&asked, callbacks.without_partial())? else {
        return Err(QueryError::WrongAnswer);
    };
    Ok(answer.pairs)
}

pub(super) fn judge_head(
    model: &mut dyn Answering,
    query: &RankQuery,
    form: Form,
    head: usize,
    callbacks: Callbacks<'_>,
) -> Result<Judged, QueryError> {
    let likely = match query.likely {
        true => model.likely_pairs(&pairs_query(query, form, head), callbacks)?,
        false => None,
    };
    let proven = likely.is_none();
    let pairs = match likely {
        Some(pairs) => pairs,
        None => top_pairs(model, query, form, head, callbacks)?,
    };
    let vocabulary = &model.card().vocabulary;
    let same = |pair: &&Pair| vocabulary.same(pair.from, pair.to);
    let same = pairs.iter().filter(same).count();
    let figure = same as f32 / pairs.len().max(1) as f32;
    Ok(Judged {
        item: RankedItem {
            proven,
            ..of_head(head, figure, &pairs[..pairs.len().min(query.words)])
        },
        best: [f32::NAN; 2],
    })
}

/// A head, with the words of some of its pairs.
pub(in crate::query) fn of_head(head: usize, figure: f32, pairs: &[Pair]) -> RankedItem {
    RankedItem {
        item: head,
        figure,
        key: pairs.iter().map(|pair| pair.from).collect(),
        value: pairs.iter().map(|pair| pair.to).collect(),
        proven: true,
    }
}

pub(in crate::query) fn of_neuron(
    query: &RankQuery,
    neuron: usize,
    figure: f32,
    answer: &NeuronAnswer,
) -> RankedItem {
    let words = |list: &[Scored]| list.iter().take(query.words).map(|s| s.id).collect();
    let [key, value, ..] = &answer.columns;
    RankedItem {
        item: neuron,
        figure,
        key: words(key),
        value: words(value),
        proven: true,
    }
}

/// A neuron with its figure, as far as its own lists tell.
pub(in crate::query) fn judge(
    query: &RankQuery,
    neuron: usize,
    answer: &NeuronAnswer,
    vocabulary: &Vocabulary,
) -> Judged {
    let [key, value, ..] = &answer.columns;
    let figure = match query.by {
        RankMetric::Overlap => overlap(key, value),
        RankMetric::Stem => stem(key, vocabulary).max(stem(value, vocabulary)),
        // Known once all are.
        _ => 0.0,
    };
    let best = |list: &[Scored]| list.first().map_or(f32::NAN, |s| s.score);
    Judged {
        item: of_neuron(query, neuron, figure, answer),
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
pub(in crate::query) fn standardise(judged: &mut [Judged]) {
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
        judged.item.figure = key.max(value) as f32;
    }
}

/// The best first; ties stay in the order of their numbers. Items without a figure,
/// such as heads that are all zeros, are left out.
pub(in crate::query) fn ranked(mut items: Vec<RankedItem>, count: usize, done: f32) -> RankAnswer {
    items.retain(|item| item.figure.is_finite());
    let known = items.iter().map(|i| f64::from(i.figure));
    let mean = (known.sum::<f64>() / items.len() as f64) as f32;
    items.sort_by(|a, b| b.figure.total_cmp(&a.figure));
    items.truncate(count);
    RankAnswer { items, mean, done }
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
        let neuron = |(item, best)| Judged {
            item: RankedItem {
                item,
                figure: 0.0,
                key: Vec::new(),
                value: Vec::new(),
                proven: true,
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
        let figures = |judged: &[Judged]| judged.iter().map(|j| j.item.figure).collect();
        let found: Vec<f32> = figures(&four);
        assert_eq!(found, [-1.0, 1.0, -1.0, 1.0]);
        // V: mean 1, deviation √3.
        let mut four = judged([[1.0, 0.0], [3.0, 0.0], [1.0, 4.0], [3.0, 0.0]]);
        standardise(&mut four);
        let found: Vec<f32> = figures(&four);
        assert!((found[2] - 3.0f32.sqrt()).abs() < 1e-6, "{found:?}");
        let items = four.into_iter().map(|j| j.item).collect();
        let ranked = ranked(items, 3, 1.0);
        let order: Vec<usize> = ranked.items.iter().map(|n| n.item).collect();
        assert_eq!(order, [2, 1, 3], "ties go to the smaller number");
        // Of all four: −1/√3, 1, √3 and 1.
        let mean = (3.0f32.sqrt() + 1.0 + 1.0 - 1.0 / 3.0f32.sqrt()) / 4.0;
        assert!((ranked.mean - mean).abs() < 1e-6, "{}", ranked.mean);
    }
}
