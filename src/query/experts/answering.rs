//! Products of all tokens with a router's rows.

use rayon::prelude::*;

use super::{ExpertWords, ExpertsAnswer, ExpertsQuery};
use crate::checkpoint::Matrix;
use crate::projection::BothEnds;
use crate::query::convention::Switch;
use crate::query::neuron::to_unit;
use crate::query::reader::Reader;
use crate::query::reader::convention::Side;
use crate::query::{Callbacks, QueryError};
use crate::transformer::SublayerAt;

impl Reader {
    pub(in crate::query) fn experts(
        &mut self,
        query: &ExpertsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<ExpertsAnswer, QueryError> {
        let at = SublayerAt::feed_forward(query.layer);
        let rows = less_mean(self.weights.router(query.layer)?);
        let experts = rows.rows();
        let mut biases = match query.convention.has(Switch::Biases) {
            true => self.weights.router_biases(query.layer)?,
            false => None,
        }
        .map_or_else(
            || vec![None; experts],
            |own| own.into_iter().map(Some).collect(),
        );
        let mut rows = self.projected(query.convention, at, Side::Reads, rows, callbacks)?;
        if query.convention.has(Switch::Cosine) {
            to_unit(&mut rows, &mut biases);
        }
        let mask = self.mask(&query.filters, callbacks.cancel)?;
        let embedding = self.rows(query.convention, at, Side::Reads, callbacks)?;
        // `[tokens, experts]`.
        let mut scores = embedding.times(&rows.transposed(), callbacks.cancel)?;
        for row in scores.data_mut().chunks_exact_mut(experts.max(1)) {
            let own = row.iter_mut().zip(&biases);
            own.for_each(|(score, bias)| *score += bias.unwrap_or(0.0));
        }
        callbacks.cancel.check()?;
        let first: Vec<u32> = (0..scores.rows()).map(|t| best(scores.row(t))).collect();
        let passes = &mask.passes[..scores.rows()];
        let mut counts = vec![0; experts];
        for (&expert, _) in first.iter().zip(passes).filter(|(_, passes)| **passes) {
            counts[expert as usize] += 1;
        }
        let asked: Vec<usize> = match query.expert {
            Some(expert) => vec![expert],
            None => (0..experts).collect(),
        };
        let words = asked.into_par_iter().map(|expert| {
            let mut ends = BothEnds::new(query.k.min(mask.passing));
            let of_expert = scores.data().iter().skip(expert).step_by(experts);
            for (token, (score, passes)) in of_expert.zip(passes).enumerate() {
                if *passes {
                    ends.offer(token as u32, *score);
                }
            }
            ExpertWords {
                expert,
                first: counts[expert],
                calls: ends.highest.into_sorted(),
                turns_away: ends.lowest.into_sorted(),
            }
        });
        Ok(ExpertsAnswer {
            experts: words.collect(),
            first,
            passing: passes.iter().filter(|passes| **passes).count(),
            rows: scores.rows(),
        })
    }
}

/// Rows less their mean.
fn less_mean(mut rows: Matrix) -> Matrix {
    let (count, width) = (rows.rows() as f64, rows.cols().max(1));
    let mut mean = vec![0f64; width];
    for row in rows.data().chunks_exact(width) {
        mean.iter_mut()
            .zip(row)
            .for_each(|(m, x)| *m += f64::from(*x) / count);
    }
    for row in rows.data_mut().chunks_exact_mut(width) {
        let own = row.iter_mut().zip(&mean);
        own.for_each(|(x, m)| *x = (f64::from(*x) - m) as f32);
    }
    rows
}

/// The place of the largest, the first of equals.
fn best(scores: &[f32]) -> u32 {
    let mut best = 0;
    for (at, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = at;
        }
    }
    best as u32
}
