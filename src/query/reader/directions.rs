//! Taking weight matrices apart, and reading their directions as tokens.

use crate::checkpoint::Matrix;
use crate::projection::{
    Decomposition, End, Ends, Passing, Scored, copying, decompose_form, decompose_rows, gram,
};
use crate::query::answering::{Fetch, Watch, arrived};
use crate::query::directions::{Copying, Direction, DirectionsAnswer, DirectionsQuery, Part};
use crate::query::{Answer, PairsQuery, QueryError};
use crate::vocabulary::Mask;

use super::Reader;

impl Reader {
    /// `None` if it was called off.
    pub(super) fn directions(
        &mut self,
        query: &DirectionsQuery,
        watch: &dyn Watch,
    ) -> Result<Option<DirectionsAnswer>, QueryError> {
        let mask = self.mask(&query.filters)?;
        let Part::Form(form) = query.part else {
            return self.of_layer(query, &mask, watch);
        };
        let near = self
            .weights
            .bring_form(form, query.layer, query.head, &Fetch(watch));
        if !arrived(near)? {
            return Ok(None);
        }
        let weights = self.weights.form(form, query.layer, query.head)?;
        let found = decompose_form(&weights).ok_or_else(|| self.undecomposed(query))?;
        let copied = copying(&weights.left, &weights.right);
        let Some(mut answer) = self.as_tokens(query, &mask, &found, watch)? else {
            return Ok(None);
        };
        answer.copying = Some(Copying {
            weights: copied,
            vocabulary: None,
        });
        watch.improved(Answer::Directions(answer.clone()));
        let pairs = PairsQuery {
            form,
            layer: query.layer,
            head: query.head,
            end: End::Highest,
            k: 0,
            filters: Default::default(),
        };
        let Some(factors) = self.factors(&pairs, watch)? else {
            return Ok(None);
        };
        answer.copying = Some(Copying {
            weights: copied,
            vocabulary: copying(&factors.a, &factors.b),
        });
        answer.exact = true;
        Ok(Some(answer))
    }

    fn undecomposed(&self, query: &DirectionsQuery) -> QueryError {
        QueryError::Nothing {
            model: self.card.name.clone(),
            what: format!(
                "{} of {} has no decomposition: expected finite weights",
                query.part,
                query.address()
            ),
        }
    }

    fn of_layer(
        &self,
        query: &DirectionsQuery,
        mask: &Mask,
        watch: &dyn Watch,
    ) -> Result<Option<DirectionsAnswer>, QueryError> {
        let all = 0..self.card.spec.neurons;
        let near = self
            .weights
            .bring_neurons(query.layer, all.clone(), &Fetch(watch));
        if !arrived(near)? {
            return Ok(None);
        }
        let vectors = match query.part {
            Part::FfOut => self.weights.values(query.layer, all)?,
            _ => self.weights.keys(query.layer, all)?,
        };
        if !watch.wanted() {
            return Ok(None);
        }
        let gram = gram(&vectors);
        if !watch.wanted() {
            return Ok(None);
        }
        let found =
            decompose_rows(&vectors, &gram, query.n).ok_or_else(|| self.undecomposed(query))?;
        let answer = self.as_tokens(query, mask, &found, watch)?;
        Ok(answer.map(|answer| DirectionsAnswer {
            exact: true,
            ..answer
        }))
    }

    /// The ends of the first directions: of the left sides and, of a head, of the right ones.
    fn as_tokens(
        &self,
        query: &DirectionsQuery,
        mask: &Mask,
        found: &Decomposition,
        watch: &dyn Watch,
    ) -> Result<Option<DirectionsAnswer>, QueryError> {
        let n = query.n.min(found.left.rows());
        let of_head = matches!(query.part, Part::Form(_));
        let sides = [Some(&found.left), of_head.then_some(&found.right)];
        let width = found.left.cols();
        let first = |m: &Matrix| m.data()[..n * width].to_vec();
        let data: Vec<f32> = sides.into_iter().flatten().flat_map(first).collect();
        let vectors = Matrix::new(data.len() / width.max(1), width, data);
        let k = query.k.min(mask.passing);
        let mut ends = vec![Ends::new(k); vectors.rows()];
        let passing = Passing {
            flags: &mask.passes[..self.embedding.len()],
            first_id: 0,
        };
        let wanted = || watch.wanted();
        if !(self.embedding).offer_scores(&vectors, passing, &mut ends, &wanted)? {
            return Ok(None);
        }
        let sorted = |ends: Ends| [ends.highest.into_sorted(), ends.lowest.into_sorted()];
        let mut left: Vec<[Vec<Scored>; 2]> = ends.into_iter().map(sorted).collect();
        let right = match of_head {
            true => left.split_off(n),
            false => (0..n).map(|i| most(found.right.row(i), query.k)).collect(),
        };
        let blocks = found.blocks();
        let pairs = left.into_iter().zip(right).enumerate();
        let directions = pairs.map(|(i, (left, right))| Direction {
            value: found.values[i],
            block: blocks[i],
            left,
            right,
        });
        Ok(Some(DirectionsAnswer {
            directions: directions.collect(),
            values: found.values.clone(),
            copying: None,
            passing: mask.passing,
            rows: mask.passes.len(),
            exact: false,
        }))
    }
}

/// The two ends of what each neuron has of a direction.
fn most(shares: &[f32], k: usize) -> [Vec<Scored>; 2] {
    let mut ends = Ends::new(k);
    for (id, &share) in (0u32..).zip(shares) {
        ends.offer(id, share);
    }
    [ends.highest.into_sorted(), ends.lowest.into_sorted()]
}
