//! The scores of all keys or values of a layer for a few tokens, in whatever layout they lie.

use pulp::Arch;

use crate::checkpoint::{CheckpointError, Matrix};
use crate::projection::kernel::{dot, norm, products};
use crate::transformer::{Dictionary, RowChunk, Weights};

use super::{Hit, RankBy, Targets, TopHits, VectorChunk};

/// Coordinates that are added up in one pass over the neurons' sums.
const ABREAST: usize = 4;

/// A layer's vectors as the tokens see them.
#[derive(Debug)]
pub struct LayerScores {
    layer: usize,
    /// The number of the first neuron.
    first: usize,
    /// For each token, the score of every neuron.
    scores: Vec<Vec<f32>>,
    /// The length of every neuron's vector.
    norms: Vec<f32>,
    /// What is added to the scores of every neuron; of none if it is empty.
    biases: Vec<f32>,
}

/// What one piece adds.
enum Share {
    /// Scores `[n, m]` and squared lengths of the neurons from `first` on.
    Some {
        first: usize,
        scores: Vec<f32>,
        squares: Vec<f32>,
    },
    /// Of neurons from `first` on a part of each sum, a vector a token.
    Sums {
        first: usize,
        scores: Vec<Vec<f32>>,
        squares: Vec<f32>,
    },
}

/// Reads all keys or values of a layer once. Scores of vectors that lie as rows in the file are
/// those of the lists; of others they differ by rounding.
///
/// # Errors
/// Weights that cannot be read.
pub fn layer_scores(
    weights: &Weights,
    layer: usize,
    vectors: Dictionary,
    targets: &Targets,
) -> Result<LayerScores, CheckpointError> {
    let neurons = weights.checkpoint().spec().neurons_in(layer);
    let m = targets.ids.len();
    let shares = weights.stream(layer, vectors, |piece| share(piece, &targets.vectors))?;
    let mut all = LayerScores {
        layer,
        first: 0,
        biases: Vec::new(),
        scores: vec![vec![0.0; neurons]; m],
        norms: vec![0.0; neurons],
    };
    for share in shares {
        match share {
            Share::Some {
                first,
                scores,
                squares,
            } => {
                all.norms[first..first + squares.len()].copy_from_slice(&squares);
                for (i, row) in scores.chunks_exact(m.max(1)).enumerate() {
                    for (all, score) in all.scores.iter_mut().zip(row) {
                        all[first + i] = *score;
                    }
                }
            }
            Share::Sums {
                first,
                scores,
                squares,
            } => {
                for (all, part) in all.scores.iter_mut().zip(&scores) {
                    add(&mut all[first..], part);
                }
                add(&mut all.norms[first..], &squares);
            }
        }
    }
    all.norms
        .iter_mut()
        .for_each(|square| *square = square.sqrt());
    Ok(all)
}

fn add(all: &mut [f32], part: &[f32]) {
    all.iter_mut().zip(part).for_each(|(a, b)| *a += b);
}

fn share(piece: RowChunk, targets: &Matrix) -> Share {
    match piece {
        RowChunk::Whole { first, rows } => {
            let mut scores = vec![0.0; rows.rows() * targets.rows()];
            products(rows.data(), targets.data(), rows.cols(), &mut scores);
            let square = |i| dot(rows.row(i), rows.row(i));
            Share::Some {
                first,
                scores,
                squares: (0..rows.rows()).map(square).collect(),
            }
        }
        RowChunk::Coordinates {
            neuron,
            first,
            rows,
        } => {
            let mut scores = vec![vec![0.0; rows.cols()]; targets.rows()];
            let mut squares = vec![0.0; rows.cols()];
            let arch = Arch::new();
            for (i, some) in rows.data().chunks(ABREAST * rows.cols().max(1)).enumerate() {
                let first = first + i * ABREAST;
                for (j, sums) in scores.iter_mut().enumerate() {
                    let by = &targets.row(j)[first..];
                    arch.dispatch(|| add_scaled(some, by, sums));
                }
                arch.dispatch(|| add_squares(some, &mut squares));
            }
            Share::Sums {
                first: neuron,
                scores,
                squares,
            }
        }
    }
}

/// Adds rows, each times its number.
#[inline(always)]
fn add_scaled(rows: &[f32], by: &[f32], sums: &mut [f32]) {
    let n = sums.len();
    if let (Some((rows, [])), [p, q, r, s, ..]) = (four(rows, n), by) {
        let [a, b, c, d] = rows;
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum += p * a[i] + q * b[i] + (r * c[i] + s * d[i]);
        }
    } else {
        for (row, by) in rows.chunks_exact(n).zip(by) {
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += by * x);
        }
    }
}

#[inline(always)]
fn add_squares(rows: &[f32], sums: &mut [f32]) {
    let n = sums.len();
    if let Some(([a, b, c, d], [])) = four(rows, n) {
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum += a[i] * a[i] + b[i] * b[i] + (c[i] * c[i] + d[i] * d[i]);
        }
    } else {
        for row in rows.chunks_exact(n) {
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x * x);
        }
    }
}

/// The first four rows of `n` numbers, of lengths that the compiler can see, and what is left.
#[inline(always)]
fn four(rows: &[f32], n: usize) -> Option<([&[f32]; 4], &[f32])> {
    let (a, rest) = rows.split_at_checked(n)?;
    let (b, rest) = rest.split_at_checked(n)?;
    let (c, rest) = rest.split_at_checked(n)?;
    let (d, rest) = rest.split_at_checked(n)?;
    Some(([&a[..n], &b[..n], &c[..n], &d[..n]], rest))
}

/// A neuron's vector at one end of its list, and a target.
struct Met {
    /// The neuron, by its place in the chunk.
    index: usize,
    /// The length of its vector.
    norm: f32,
    /// The target's number.
    j: usize,
    /// 1 at the high end of the list, −1 at the low one.
    sign: f32,
}

impl LayerScores {
    /// The scores of vectors that were read before.
    pub fn of(chunk: &VectorChunk, targets: &Targets) -> Self {
        let (vectors, m) = (&chunk.vectors, targets.ids.len());
        let mut scores = vec![0.0; vectors.rows() * m];
        products(
            vectors.data(),
            targets.vectors.data(),
            vectors.cols(),
            &mut scores,
        );
        let of_token = |j: usize| scores.iter().skip(j).step_by(m).copied().collect();
        let biases = chunk.biases.iter().map(|bias| bias.unwrap_or(0.0));
        Self {
            layer: chunk.layer,
            first: chunk.first,
            norms: (0..vectors.rows()).map(|i| norm(vectors.row(i))).collect(),
            biases: biases.collect(),
            scores: (0..m).map(of_token).collect(),
        }
    }

    /// Offers every neuron, with the token that is best there, at the two ends of its list.
    pub fn offer(
        &self,
        targets: &Targets,
        by: RankBy,
        highest: &mut TopHits,
        lowest: &mut TopHits,
    ) {
        for (index, &norm) in self.norms.iter().enumerate() {
            for (sign, top) in [(1.0, &mut *highest), (-1.0, &mut *lowest)] {
                let hit = |j: usize| {
                    self.hit(
                        targets,
                        by,
                        Met {
                            index,
                            norm,
                            j,
                            sign,
                        },
                    )
                };
                let hits = (0..targets.ids.len()).map(hit);
                // Of equals the first, as tokens are in order.
                let best = hits.reduce(|a, b| if b.by > a.by { b } else { a });
                if let Some(hit) = best {
                    top.note(self.layer, hit.by);
                    top.offer(hit);
                }
            }
        }
    }

    fn hit(
        &self,
        targets: &Targets,
        by: RankBy,
        Met {
            index,
            norm,
            j,
            sign,
        }: Met,
    ) -> Hit {
        let product = sign * self.scores[j][index];
        let lengths = norm * targets.norms[j];
        // Adding 0 makes 0 of −0.
        let cosine = match lengths {
            none if none <= 0.0 => 0.0,
            some if some.is_finite() => product / lengths + 0.0,
            // No number: what it would be is not known.
            _ => f32::NAN,
        };
        let bias = self.biases.get(index).map_or(0.0, |bias| sign * bias);
        let score = product + bias + 0.0;
        Hit {
            layer: self.layer,
            index: self.first + index,
            token: targets.ids[j],
            score,
            cosine,
            rank: None,
            partner: None,
            by: match by {
                RankBy::Score => score,
                RankBy::Cosine | RankBy::Rank => cosine,
            },
        }
    }
}
