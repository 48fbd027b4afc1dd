//! The best pair of every head at each token that is looked up.

use crate::checkpoint::Matrix;
use crate::projection::{
    BiasedForm, BothEnds, End, HeadSide, Passing, ProjectionError, Role, Scored, head_sides,
};
use crate::query::answering::Callbacks;
use crate::query::reader::Reader;
use crate::query::{PairsQuery, QueryError};
use crate::transformer::Form;

use super::{FindResults, Search, SearchedSide};

impl Reader {
    /// Goes through the heads of a layer.
    pub(super) fn through_heads(
        &mut self,
        search: &Search<'_>,
        found: &mut FindResults,
        layer: usize,
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        let (mut with_written, mut with_read) = (Vec::new(), Vec::new());
        for head in 0..self.card.spec.heads_in(layer) {
            callbacks.cancel.check()?;
            for form in [Form::Vo, Form::Qk] {
                let pairs = PairsQuery {
                    form,
                    layer,
                    head,
                    distance: 0,
                    end: End::Highest,
                    k: 1,
                    filters: search.query.filters.clone(),
                    convention: search.query.convention,
                };
                if self.norms_of(&pairs)?.is_some() {
                    self.by_factors(search, found, &pairs, callbacks)?;
                    continue;
                }
                let weights = self.weights.form(form, layer, head, 0)?;
                let biases = match search.query.convention.adds() {
                    true => self.form_biases(&pairs, &weights, None)?,
                    false => [None, None],
                };
                let weights = self.projected_form(&pairs, weights, callbacks)?;
                let biased = BiasedForm { weights, biases };
                let (read, written) = (&search.read.targets, &search.written.targets);
                for side in head_sides(form, &biased, read, written) {
                    // What is read goes with what is written; all else with what is read.
                    match side.role {
                        Role::From => with_written.push((head, side)),
                        _ => with_read.push((head, side)),
                    }
                }
            }
        }
        let (read, written) = (&search.read, &search.written);
        self.partners(search, found, (layer, written, &with_written), callbacks)?;
        self.partners(search, found, (layer, read, &with_read), callbacks)
    }

    /// A head whose queries and keys go through norms: over all rows, as its list is made.
    fn by_factors(
        &mut self,
        search: &Search<'_>,
        found: &mut FindResults,
        pairs: &PairsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        let factors = self.factors(pairs, callbacks)?;
        let passing = Passing {
            flags: &search.mask.passes,
            first_id: 0,
        };
        for (role, near, far) in [
            (Role::Query, &factors.a, &factors.b),
            (Role::Key, &factors.b, &factors.a),
        ] {
            let side = HeadSide::of_factor(role, near, &search.read.targets.ids);
            let best = side.partners_in(far, passing);
            let at = (pairs.layer, pairs.head);
            found.offer_head(search, &side, at, best.into_iter());
        }
        Ok(())
    }

    /// The best partner on a side of every head's form at every token.
    fn partners(
        &self,
        search: &Search<'_>,
        found: &mut FindResults,
        (layer, with, sides): (usize, &SearchedSide, &[(usize, HeadSide)]),
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        // A layer may have no heads.
        if sides.is_empty() {
            return Ok(());
        }
        let m = search.read.targets.ids.len();
        let data = sides.iter().flat_map(|(_, side)| side.vectors.data());
        let vectors = data.copied().collect();
        let vectors = Matrix::new(sides.len() * m, self.card.spec.d_model, vectors);
        let mut ends = vec![BothEnds::new(1); vectors.rows()];
        let blocks = [Some(&with.rows), with.positions.as_ref()];
        let mut first = 0;
        for rows in blocks.into_iter().flatten() {
            let passing = Passing {
                flags: &search.mask.passes[first..first + rows.len()],
                first_id: first as u32,
            };
            first += rows.len();
            rows.offer_scores(&vectors, passing, &mut ends, callbacks.cancel)?;
        }
        let best = ends.into_iter().map(|ends| ends.highest.into_sorted());
        let best: Vec<_> = best.map(|best| best.first().copied()).collect();
        let lengths = with.lengths(&best)?;
        let mut pairs = best.into_iter().zip(lengths);
        for (head, side) in sides {
            let pairs = pairs.by_ref().take(m);
            let pairs = pairs.map(|(best, length)| best.map(|best| (best, length)));
            found.offer_head(search, side, (layer, *head), pairs);
        }
        Ok(())
    }
}

impl SearchedSide {
    /// The lengths of some rows, of positions too; 0 where there is none.
    fn lengths(&self, rows: &[Option<Scored>]) -> Result<Vec<f32>, ProjectionError> {
        let count = self.rows.len() as u32;
        let mut lengths = vec![0.0; rows.len()];
        let blocks = [
            (Some(&self.rows), 0..count),
            (self.positions.as_ref(), count..u32::MAX),
        ];
        for (block, ids) in blocks {
            let inside = rows.iter().enumerate();
            let inside = inside.filter_map(|(at, row)| Some((at, row.as_ref()?.id)));
            let inside: Vec<(usize, u32)> = inside.filter(|(_, id)| ids.contains(id)).collect();
            let Some(block) = block.filter(|_| !inside.is_empty()) else {
                continue;
            };
            let picked: Vec<u32> = inside.iter().map(|(_, id)| id - ids.start).collect();
            let picked = block.pick(&picked)?;
            for (i, (at, _)) in inside.into_iter().enumerate() {
                lengths[at] = picked.row(i).iter().map(|x| x * x).sum::<f32>().sqrt();
            }
        }
        Ok(lengths)
    }
}

impl FindResults {
    /// Takes a head's best pairs, one a token.
    fn offer_head(
        &mut self,
        search: &Search<'_>,
        side: &HeadSide,
        at: (usize, usize),
        pairs: impl Iterator<Item = Option<(Scored, f32)>>,
    ) {
        if let Some(top) = self.tops.iter_mut().find(|top| top.role == side.role) {
            side.offer(at, &search.read.targets, search.query.by, pairs, top);
        }
    }
}
