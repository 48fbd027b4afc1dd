//! Taking weight matrices apart, and reading their directions as tokens.

use crate::checkpoint::Matrix;
use crate::projection::{
    Decomposition, End, Ends, Passing, Scored, copying, decompose_form, decompose_rows, gram,
};
use crate::query::answering::{Fetch, Watch, arrived};
use crate::query::directions::{Copying, Direction, DirectionsAnswer, DirectionsQuery, Part};
use crate::query::{Answer, Convention, PairsQuery, QueryError};
use crate::transformer::{Form, Input};
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
        let weights = self.weights.form(form, query.layer, query.head, 0)?;
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
            convention: Convention::RAW,
            form,
            layer: query.layer,
            head: query.head,
            distance: 0,
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
        let input = match query.part {
            Part::FfGate if self.card.gated() => Input::Gate,
            Part::FfGate => {
                return Err(QueryError::Nothing {
                    model: self.card.name.clone(),
                    what: "its neurons have no gate: expected ff-in or ff-out".to_owned(),
                });
            }
            _ => Input::Up,
        };
        let near = self
            .weights
            .bring_neurons(query.layer, all.clone(), input, &Fetch(watch));
        if !arrived(near)? {
            return Ok(None);
        }
        let vectors = match query.part {
            Part::FfOut => self.weights.values(query.layer, all)?,
            _ => self.weights.keys(query.layer, all, input)?,
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
        let read_by_left = query.part != Part::FfOut;
        let Some(left) = self.ends_of(&found.left, read_by_left, n, (query.k, mask), watch)? else {
            return Ok(None);
        };
        let read_by_right = query.part == Part::Form(Form::Qk);
        let of_tokens = match of_head {
            true => self.ends_of(&found.right, read_by_right, n, (query.k, mask), watch)?,
            false => Some(Vec::new()),
        };
        let Some(of_tokens) = of_tokens else {
            return Ok(None);
        };
        let right = match of_head {
            true => of_tokens,
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

    /// The best and the lowest tokens of the first `n` vectors: of what is read, or of what is
    /// written. `None` if it was called off.
    fn ends_of(
        &self,
        vectors: &Matrix,
        read: bool,
        n: usize,
        (k, mask): (usize, &Mask),
        watch: &dyn Watch,
    ) -> Result<Option<Vec<[Vec<Scored>; 2]>>, QueryError> {
        let rows = if read { &self.read } else { &self.written };
        let first = vectors.data()[..n * vectors.cols()].to_vec();
        let vectors = Matrix::new(n, vectors.cols(), first);
        let mut ends = vec![Ends::new(k.min(mask.passing)); n];
        let passing = Passing {
            flags: &mask.passes[..rows.len()],
            first_id: 0,
        };
        if !rows.offer_scores(&vectors, passing, &mut ends, &|| watch.wanted())? {
            return Ok(None);
        }
        let sorted = |ends: Ends| [ends.highest.into_sorted(), ends.lowest.into_sorted()];
        Ok(Some(ends.into_iter().map(sorted).collect()))
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
