//! What a head makes of a token, as vectors whose scores are a row or a column of its form.

use faer::MatRef;

use crate::checkpoint::Matrix;
use crate::projection::Scored;
use crate::projection::kernel::norm;
use crate::projection::rows::multiply;
use crate::transformer::{Form, FormWeights};

use super::{By, Hit, Stand, Targets, TopHits};

/// One side of a head's form at each of a few tokens: `[m, width]`. The score of row j at a token
/// is the form's value at that token and the j-th.
#[derive(Debug)]
pub struct HeadSide {
    pub stand: Stand,
    pub vectors: Matrix,
}

/// Both sides of a form at the tokens: as what it reads (`E[t]·left·rightᵀ`, a row of the form)
/// and as what it writes (`E[t]·right·leftᵀ`, a column). `read` and `written` are the same tokens
/// by the input and by the output embedding.
pub fn head_sides(
    form: Form,
    weights: &FormWeights,
    read: &Targets,
    written: &Targets,
) -> [HeadSide; 2] {
    let (left, right, of_right) = match form {
        Form::Vo => (Stand::From, Stand::To, written),
        Form::Qk => (Stand::Query, Stand::Key, read),
    };
    let side = |stand, targets: &Targets, near, far| HeadSide {
        stand,
        vectors: through(&targets.vectors, near, far),
    };
    [
        side(left, read, &weights.left, &weights.right),
        side(right, of_right, &weights.right, &weights.left),
    ]
}

/// `x·near·farᵀ` for thin factors `[width, h]`.
fn through(x: &Matrix, near: &Matrix, far: &Matrix) -> Matrix {
    let (m, d, h) = (x.rows(), near.rows(), near.cols());
    let mut inner = vec![0.0; m * h];
    let of = MatRef::from_row_major_slice;
    multiply(of(x.data(), m, d), of(near.data(), d, h), &mut inner);
    let mut out = Matrix::zeros(m, d);
    multiply(
        of(&inner, m, h),
        of(far.data(), d, h).transpose(),
        out.data_mut(),
    );
    out
}

impl HeadSide {
    /// Offers the head at the token whose best pair is best. `pairs`: for each token, the best
    /// partner and the length of that partner's embedding.
    pub fn offer(
        &self,
        (layer, head): (usize, usize),
        targets: &Targets,
        by: By,
        pairs: impl Iterator<Item = Option<(Scored, f32)>>,
        top: &mut TopHits,
    ) {
        let hits = pairs.enumerate().filter_map(|(j, pair)| {
            let (pair, length) = pair?;
            let lengths = norm(self.vectors.row(j)) * length;
            let cosine = if lengths > 0.0 {
                pair.score / lengths
            } else {
                0.0
            };
            Some(Hit {
                layer,
                index: head,
                token: targets.ids[j],
                score: pair.score,
                cosine,
                rank: None,
                partner: Some(pair.id),
                by: if by == By::Cosine { cosine } else { pair.score },
            })
        });
        // Of equals the first, as tokens are in order.
        if let Some(hit) = hits.reduce(|a, b| if b.by > a.by { b } else { a }) {
            top.note(layer, hit.by);
            top.offer(hit);
        }
    }
}
