//! What a head makes of a token, as vectors whose scores are a row or a column of its form.

use faer::MatRef;
use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::kernel::multiply;
use crate::projection::kernel::{dot, norm};
use crate::projection::select::Best;
use crate::projection::{Passing, Scored};
use crate::transformer::{Form, FormWeights};

use super::{Hit, RankBy, Role, Targets, TopHits};

/// Rows that a task scores.
const ROWS: usize = 4096;

/// One side of a head's form at each of a few tokens. The form's value at a token and a row j is
/// the row's score with the token's vector, and what is added to it.
#[derive(Debug)]
pub struct HeadSide {
    pub role: Role,
    /// `[m, d_model]`, or of a form over factors `[m, d_head]`.
    pub vectors: Matrix,
    /// What biases add for each of the m tokens, whatever j is.
    added: Vec<f32>,
}

/// A form's two sides as they are projected, and what biases add to each, `[d_head]`.
#[derive(Debug)]
pub struct BiasedForm {
    pub weights: FormWeights,
    pub biases: [Option<Vec<f32>>; 2],
}

/// Both sides of a form at the tokens: as what it reads (`(E[t]·left + b)·(right + b′)ᵀ`, a row of
/// the form) and as what it writes, a column. `read` and `written` are the same tokens by the input
/// and by the output embedding.
pub fn head_sides(
    form: Form,
    BiasedForm { weights, biases }: &BiasedForm,
    read: &Targets,
    written: &Targets,
) -> [HeadSide; 2] {
    let (left, right, of_right) = match form {
        Form::Vo => (Role::From, Role::To, written),
        Form::Qk => (Role::Query, Role::Key, read),
    };
    let [left_map, right_map] =
        [(&weights.left, &biases[0]), (&weights.right, &biases[1])].map(|(map, bias)| {
            BiasedFactor {
                map,
                bias: bias.as_deref(),
            }
        });
    let side = |role, targets: &Targets, near, far| {
        let (vectors, added) = through(&targets.vectors, near, far);
        HeadSide {
            role,
            vectors,
            added,
        }
    };
    [
        side(left, read, left_map, right_map),
        side(right, of_right, right_map, left_map),
    ]
}

/// A thin factor of a form, `[d_model, d_head]`, and what is added to its products.
#[derive(Clone, Copy)]
struct BiasedFactor<'a> {
    map: &'a Matrix,
    bias: Option<&'a [f32]>,
}

/// `(x·near + b)·farᵀ` for thin factors `[d_model, d_head]`, and `(x·near + b)·b′` for each row.
fn through(x: &Matrix, near: BiasedFactor<'_>, far: BiasedFactor<'_>) -> (Matrix, Vec<f32>) {
    let (m, d, h) = (x.rows(), near.map.rows(), near.map.cols());
    let mut inner = vec![0.0; m * h];
    let of = MatRef::from_row_major_slice;
    multiply(of(x.data(), m, d), of(near.map.data(), d, h), &mut inner);
    if let Some(bias) = near.bias {
        for row in inner.chunks_exact_mut(h.max(1)) {
            row.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
        }
    }
    let mut out = Matrix::zeros(m, d);
    multiply(
        of(&inner, m, h),
        of(far.map.data(), d, h).transpose(),
        out.data_mut(),
    );
    let added = |row: &[f32]| far.bias.map_or(0.0, |bias| dot(row, bias));
    let added = inner.chunks_exact(h.max(1)).map(added).collect();
    (out, added)
}

impl HeadSide {
    /// Of a form whose factors over all rows are known, `[rows, d_head]`: its values are their
    /// products. Queries and keys that go through norms have no other.
    pub fn of_factor(role: Role, factor: &Matrix, tokens: &[u32]) -> Self {
        let rows = tokens.iter().flat_map(|&id| factor.row(id as usize));
        let rows = rows.copied().collect();
        Self {
            role,
            vectors: Matrix::new(tokens.len(), factor.cols(), rows),
            added: vec![0.0; tokens.len()],
        }
    }

    /// For each token its best partner among the passing rows of the other factor, and the length
    /// of that row.
    pub fn partners_in(&self, factor: &Matrix, passing: Passing<'_>) -> Vec<Option<(Scored, f32)>> {
        let tokens = self.vectors.rows();
        let none = || -> Vec<Best<Scored>> { (0..tokens).map(|_| Best::new(1)).collect() };
        let starts: Vec<usize> = (0..factor.rows()).step_by(ROWS).collect();
        let of_some = |start: usize| {
            let mut best = none();
            for row in (start..factor.rows().min(start + ROWS)).filter(|&i| passing.flags[i]) {
                for (token, best) in best.iter_mut().enumerate() {
                    best.offer(Scored {
                        id: passing.first_id + row as u32,
                        score: dot(self.vectors.row(token), factor.row(row)),
                    });
                }
            }
            best
        };
        let joined = |mut all: Vec<Best<Scored>>, some: Vec<Best<Scored>>| {
            all.iter_mut().zip(some).for_each(|(a, b)| a.merge(b));
            all
        };
        let best = starts.into_par_iter().map(of_some).reduce(none, joined);
        let best = best.into_iter().map(|best| best.into_sorted());
        best.map(|best| {
            let best = *best.first()?;
            Some((
                best,
                norm(factor.row((best.id - passing.first_id) as usize)),
            ))
        })
        .collect()
    }

    /// Offers the head at the token whose best pair is best. `pairs`: for each token, the best
    /// partner by its vector and the length of that partner's row. The cosine is of the two vectors.
    pub fn offer(
        &self,
        (layer, head): (usize, usize),
        targets: &Targets,
        by: RankBy,
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
            let score = pair.score + self.added[j];
            Some(Hit {
                layer,
                index: head,
                token: targets.ids[j],
                score,
                cosine,
                rank: None,
                partner: Some(pair.id),
                by: if by == RankBy::Cosine { cosine } else { score },
            })
        });
        // Of equals the first, as tokens are in order.
        if let Some(hit) = hits.reduce(|a, b| if b.by > a.by { b } else { a }) {
            top.note(layer, hit.by);
            top.offer(hit);
        }
    }
}
