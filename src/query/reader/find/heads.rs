//! The best pair of every head at each token that is looked up.

use crate::checkpoint::Matrix;
use crate::projection::{End, Ends, HeadSide, Passing, Rows, Stand, head_sides};
use crate::query::answering::Watch;
use crate::query::{PairsQuery, QueryError};
use crate::transformer::Form;

use super::{Found, Reader, Search};

impl Reader {
    /// Goes through the heads of a layer. False if it was called off.
    pub(super) fn through_heads(
        &mut self,
        search: &Search<'_>,
        found: &mut Found,
        layer: usize,
        watch: &dyn Watch,
    ) -> Result<bool, QueryError> {
        let (mut with_written, mut with_read) = (Vec::new(), Vec::new());
        for head in 0..self.card.spec.heads {
            if !watch.wanted() {
                return Ok(false);
            }
            for form in [Form::Vo, Form::Qk] {
                let weights = self.weights.form(form, layer, head, 0)?;
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
                let Some(weights) = self.projected_form(&pairs, weights, watch)? else {
                    return Ok(false);
                };
                let (read, written) = (&search.read.targets, &search.written.targets);
                for side in head_sides(form, &weights, read, written) {
                    // What is read goes with what is written; all else with what is read.
                    match side.stand {
                        Stand::From => with_written.push((head, side)),
                        _ => with_read.push((head, side)),
                    }
                }
            }
        }
        let (read, written) = (&search.read.rows, &search.written.rows);
        Ok(
            self.partners(search, found, (layer, written, &with_written), watch)?
                && self.partners(search, found, (layer, read, &with_read), watch)?,
        )
    }

    /// The best partner among `rows` of every side at every token. False if it was called off.
    fn partners(
        &self,
        search: &Search<'_>,
        found: &mut Found,
        (layer, rows, sides): (usize, &Rows, &[(usize, HeadSide)]),
        watch: &dyn Watch,
    ) -> Result<bool, QueryError> {
        let targets = &search.read.targets;
        let m = targets.ids.len();
        let data = sides.iter().flat_map(|(_, side)| side.vectors.data());
        let vectors = data.copied().collect();
        let vectors = Matrix::new(sides.len() * m, self.card.spec.width, vectors);
        let mut ends = vec![Ends::new(1); vectors.rows()];
        let passing = Passing {
            flags: &search.mask.passes[..rows.len()],
            first_id: 0,
        };
        if !rows.offer_scores(&vectors, passing, &mut ends, &|| watch.wanted())? {
            return Ok(false);
        }
        let best = ends.into_iter().map(|ends| ends.highest.into_sorted());
        let best: Vec<_> = best.map(|best| best.first().copied()).collect();
        let partners: Vec<u32> = best.iter().map(|best| best.map_or(0, |b| b.id)).collect();
        let partners = rows.pick(&partners)?;
        let length = |i: usize| partners.row(i).iter().map(|x| x * x).sum::<f32>().sqrt();
        for (i, (head, side)) in sides.iter().enumerate() {
            let pairs = (i * m..(i + 1) * m).map(|i| best[i].map(|best| (best, length(i))));
            let top = found.tops.iter_mut().find(|top| top.stand == side.stand);
            if let Some(top) = top {
                side.offer((layer, *head), targets, search.query.by, pairs, top);
            }
        }
        Ok(true)
    }
}
