//! Heads by how far their forms moved: Frobenius lengths of `LRᵀ` from Gram matrices of the factors,
//! and of the change from its own factors, so that nothing cancels.

use rayon::prelude::*;

use super::figures::Sums;
use super::{ChangedHead, ChangesAnswer, ChangesQuery, VectorChange};
use crate::checkpoint::Version;
use crate::projection::{End, gram};
use crate::query::reader::Reader;
use crate::query::{Callbacks, PairsQuery, QueryError};
use crate::transformer::{Form, FormWeights, Weights};

impl Reader {
    /// Adds a layer's heads that moved, and keeps the `most` that moved farthest.
    pub(super) fn changed_heads(
        &self,
        layer: usize,
        most: usize,
        answer: &mut ChangesAnswer,
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        let heads = 0..self.card.spec.heads_in(layer);
        let of = |head: usize| -> Result<ChangedHead, QueryError> {
            callbacks.cancel.check()?;
            Ok(ChangedHead {
                layer,
                head,
                vo: form_change(&self.weights, Form::Vo, layer, head)?,
                qk: form_change(&self.weights, Form::Qk, layer, head)?,
                overlap: None,
            })
        };
        let found: Vec<Result<ChangedHead, QueryError>> = heads.into_par_iter().map(of).collect();
        for head in found {
            let head = head?;
            answer.looked_at[1] += 1;
            if size(&head) > 0.0 {
                answer.changed[1] += 1;
                answer.heads.push(head);
            }
        }
        answer.heads.sort_by(|a, b| size(b).total_cmp(&size(a)));
        answer.heads.truncate(most);
        Ok(())
    }
}

impl Reader {
    /// How many of the best pairs both models share, of each head in the list: searches of seconds.
    pub(super) fn add_pairs(
        &mut self,
        query: &ChangesQuery,
        heads: &mut [ChangedHead],
        callbacks: Callbacks<'_>,
    ) -> Result<(), QueryError> {
        for head in heads {
            let mut overlap = [0; 2];
            for (common, form) in overlap.iter_mut().zip([Form::Vo, Form::Qk]) {
                let asked = PairsQuery {
                    form,
                    layer: head.layer,
                    head: head.head,
                    distance: 0,
                    end: End::Highest,
                    k: query.k,
                    filters: query.filters.clone(),
                    convention: query.convention,
                };
                *common = self.common_pairs(&asked, callbacks)?;
            }
            head.overlap = Some(overlap);
        }
        Ok(())
    }
}

fn size(head: &ChangedHead) -> f64 {
    head.vo.size().max(head.qk.size())
}

/// How far a form moved.
///
/// # Errors
/// Weights that cannot be read.
pub(super) fn form_change(
    weights: &Weights,
    form: Form,
    layer: usize,
    head: usize,
) -> Result<VectorChange, QueryError> {
    let change = weights.at(Version::Difference).form(form, layer, head, 0)?;
    Ok(sums(&change).change())
}

/// The sums over both forms, by the factors `[ΔL, L]` and `[R′, ΔR]` of the change: with the Gram
/// matrices of these, `⟨ABᵀ, CDᵀ⟩` is the sum over `(AᵀC)⊙(BᵀD)`.
fn sums(change: &FormWeights) -> Sums {
    let (left, right) = (gram(&change.left), gram(&change.right));
    let half = change.left.cols() / 2;
    let mut sums = Sums::default();
    for i in 0..half {
        for j in 0..half {
            // By the columns of L′ = L + ΔL and L, and of R′ and R = R′ − ΔR.
            let (base, moved) = (half + i, half + j);
            let own = left[(base, moved)];
            let cross = own + left[(i, moved)];
            let tuned = cross + left[(base, j)] + left[(i, j)];
            let of_tuned = right[(i, j)];
            let of_cross = of_tuned - right[(i, moved)];
            let of_base = of_cross - right[(base, j)] + right[(base, moved)];
            sums.tuned += tuned * of_tuned;
            sums.base += own * of_base;
            sums.product += cross * of_cross;
        }
    }
    for i in 0..2 * half {
        for j in 0..2 * half {
            sums.change += left[(i, j)] * right[(i, j)];
        }
    }
    // A sum of squares, whatever rounding makes of it.
    sums.change = sums.change.max(0.0);
    sums
}
