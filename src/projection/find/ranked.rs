//! The vectors in whose lists a token stands highest. Every vector gets a lower bound of the token's
//! rank from a few sampled tokens; those with the least bounds are ranked first, and of the rest
//! only those whose bounds, from larger and larger samples, could still be among the best.

use std::ops::Range;

use rayon::prelude::*;

use crate::checkpoint::Matrix;
use crate::projection::ProjectionError;
use crate::projection::kernel::chunks;
use crate::projection::kernel::{norm, products};
use crate::projection::ranks::ListRows;
use crate::task::{CancelToken, Cancelled};

use super::bounds::{Ahead, RankBounds, SAMPLES};
use super::{Hit, RankBy, Role, Targets, TopHits};

/// Vectors that a task holds against a sample.
const CHUNK: usize = 128;
/// Vectors that are narrowed down together.
const STRETCH: usize = 1024;
/// Vectors whose ranks are counted together, and so in one pass over the rows.
const BATCH: usize = 128;
/// Vectors that are ranked before all others, a power of two of layers after the other: as many as
/// are searched, within these limits.
const FIRST: [usize; 2] = [64, 1024];

/// Neighbouring neurons' keys or values as they are projected.
#[derive(Debug)]
pub struct VectorChunk {
    pub layer: usize,
    /// The number of the first neuron.
    pub first: usize,
    /// `[n, d_model]`.
    pub vectors: Matrix,
    /// What is added to all scores of each vector, if anything is.
    pub biases: Vec<Option<f32>>,
}

/// A search for the best ranks at both ends of the lists of one kind of vector. All vectors are
/// [surveyed](Self::survey), and then all are [searched](Self::search).
pub struct RankSearch<'a> {
    lists: ListRows<'a>,
    targets: &'a Targets,
    bounds: RankBounds,
    /// Of the vectors, and of the negated ones.
    ends: [TopHits; 2],
    /// Of every vector that was surveyed, at both ends, unless it is counted or never will be.
    surveyed: Vec<[Option<Bound>; 2]>,
    /// Vectors whose scores overflow, and which have no rank.
    unranked: usize,
    /// Neurons of a layer.
    neurons: usize,
    /// Vectors that are ranked before all others.
    first: usize,
    /// What is still to be counted.
    waiting: Vec<Candidate>,
}

/// What the first sample says of a vector at one end.
#[derive(Clone, Copy)]
struct Bound {
    /// Tokens surely ahead.
    ahead: u32,
    cosine: f32,
}

/// A vector at one end whose rank may be among the best.
struct Candidate {
    /// With a lower bound in the place of the rank.
    hit: Hit,
    /// 0 or 1: whose [end](RankSearch::ends).
    end: usize,
    /// Negated at the second end.
    vector: Vec<f32>,
    /// The tokens that may be the best there, by their places in the targets, with their cosines.
    near: Vec<(usize, f32)>,
    /// What is added to its scores.
    bias: f32,
}

const SIGNS: [f32; 2] = [1.0, -1.0];

/// How much a search by rank looks for, and in what.
#[derive(Clone, Copy, Debug)]
pub struct RankedWanted {
    /// Hits of each role.
    pub k: usize,
    /// Neurons of a layer.
    pub neurons: usize,
}

impl<'a> RankSearch<'a> {
    /// Nothing seen yet; the best of each of `roles` are searched.
    ///
    /// # Errors
    /// The device fails.
    pub fn new(
        lists: ListRows<'a>,
        targets: &'a Targets,
        roles: [Role; 2],
        RankedWanted { k, neurons }: RankedWanted,
    ) -> Result<Self, ProjectionError> {
        Ok(Self {
            bounds: RankBounds::of(lists.rows, lists.flags)?,
            lists,
            targets,
            ends: roles.map(|role| TopHits::new(role, k)),
            surveyed: Vec::new(),
            unranked: 0,
            neurons,
            first: k.clamp(FIRST[0], FIRST[1]),
            waiting: Vec::new(),
        })
    }

    /// The best so far, of the vectors and of the negated ones.
    pub fn ends(&self) -> &[TopHits; 2] {
        &self.ends
    }

    /// How many of the vectors that were surveyed have no rank, as their scores are no numbers.
    pub fn unranked(&self) -> usize {
        self.unranked
    }

    /// Bounds the ranks of vectors from below.
    pub fn survey(
        &mut self,
        chunk: &VectorChunk,
        cancel: CancelToken<'_>,
    ) -> Result<(), Cancelled> {
        let parts: Vec<Range<usize>> = chunks(chunk.vectors.rows(), CHUNK).collect();
        let parts = parts
            .into_par_iter()
            .map(|part| self.survey_part(chunk, part, cancel));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let at = chunk.layer * self.neurons + chunk.first;
        let all = self.surveyed.len().max(at + chunk.vectors.rows());
        self.surveyed.resize(all, [None; 2]);
        let bounds = parts.iter().flat_map(|(bounds, _)| bounds);
        for (surveyed, bounds) in self.surveyed[at..].iter_mut().zip(bounds) {
            *surveyed = *bounds;
            self.unranked += usize::from(bounds[0].is_none());
            for (end, bound) in self.ends.iter_mut().zip(bounds) {
                if let Some(bound) = bound {
                    end.note(chunk.layer, bound.cosine);
                }
            }
        }
        self.waiting
            .extend(parts.into_iter().flat_map(|(_, candidates)| candidates));
        // Of each end the least bounds.
        self.waiting.sort_unstable_by(|a, b| a.hit.order(&b.hit));
        let mut room = [self.first; 2];
        self.waiting.retain(|candidate| {
            let room = &mut room[candidate.end];
            let stays = *room > 0;
            *room = room.saturating_sub(1);
            stays
        });
        Ok(())
    }

    /// Counts the ranks of the vectors with the least bounds so far.
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    pub fn count(&mut self, cancel: CancelToken<'_>) -> Result<(), ProjectionError> {
        self.count_to(0, cancel)
    }

    /// Whether some of a layer's neurons are still to be searched.
    pub fn may_hold(&self, layer: usize, neurons: Range<usize>) -> bool {
        let mut neurons = neurons;
        neurons.any(|neuron| (0..2).any(|end| self.left((layer, neuron), end).is_some()))
    }

    /// Counts the ranks of all surveyed vectors that may be among the best, or leaves them to
    /// [`Self::count`].
    ///
    /// # Errors
    /// The device fails, or the token is cancelled.
    pub fn search(
        &mut self,
        chunk: &VectorChunk,
        cancel: CancelToken<'_>,
    ) -> Result<(), ProjectionError> {
        let all = (0..chunk.vectors.rows()).flat_map(|i| [(i, 0), (i, 1)]);
        let left = all.filter_map(|(i, end)| {
            let bound = self.left((chunk.layer, chunk.first + i), end)?;
            Some((i, end, bound))
        });
        let left: Vec<_> = left.collect();
        for some in left.chunks(STRETCH) {
            let candidates = some.iter().filter_map(|&(i, end, bound)| {
                let scores = self.scores(chunk, i..i + 1);
                self.candidate(chunk, (i, end), &scores, bound.ahead)
            });
            let candidates: Vec<Candidate> = candidates.collect();
            self.narrow(candidates, cancel)?;
            self.count_to(BATCH - 1, cancel)?;
        }
        Ok(())
    }

    /// The bound of a vector that was surveyed and may be among the best.
    fn left(&self, (layer, index): (usize, usize), end: usize) -> Option<Bound> {
        let surveyed = self.surveyed.get(layer * self.neurons + index)?;
        let bound = surveyed[end]?;
        let hit = Hit {
            by: by(bound.ahead),
            cosine: bound.cosine,
            ..Hit::at(layer, index)
        };
        self.ends[end].admits(&hit).then_some(bound)
    }

    fn admits(&self, candidate: &Candidate) -> bool {
        self.ends[candidate.end].admits(&candidate.hit)
    }

    /// The targets' scores at some vectors, `[n, m]`.
    fn scores(&self, chunk: &VectorChunk, some: Range<usize>) -> Vec<f32> {
        let (width, m) = (chunk.vectors.cols(), self.targets.ids.len());
        let vectors = &chunk.vectors.data()[some.start * width..some.end * width];
        let mut scores = vec![0.0; some.len() * m];
        products(vectors, self.targets.vectors.data(), width, &mut scores);
        scores
    }

    /// The bounds of a part of the vectors, and those that may be among the best.
    #[expect(clippy::type_complexity, reason = "both of one part")]
    fn survey_part(
        &self,
        chunk: &VectorChunk,
        part: Range<usize>,
        cancel: CancelToken<'_>,
    ) -> Result<(Vec<[Option<Bound>; 2]>, Vec<Candidate>), Cancelled> {
        let m = self.targets.ids.len();
        let scores = self.scores(chunk, part.clone());
        let of = |i: usize| &scores[(i - part.start) * m..][..m];
        let limits = |i: usize| {
            let scores = of(i).iter();
            [
                scores.clone().copied().fold(f32::NEG_INFINITY, f32::max),
                scores.copied().fold(f32::INFINITY, f32::min),
            ]
        };
        let vectors = &chunk.vectors;
        let ahead = self
            .bounds
            .ahead(0, vectors, part.clone(), limits, cancel)?;
        let mut found = Vec::new();
        let bounds = part.clone().zip(ahead).map(|(i, Ahead { higher, lower })| {
            [(0, higher), (1, lower)].map(|(end, ahead)| {
                let candidate = self.candidate(chunk, (i, end), of(i), ahead as u32)?;
                let cosine = candidate.hit.cosine;
                if self.admits(&candidate) {
                    found.push(candidate);
                }
                let ahead = ahead as u32;
                Some(Bound { ahead, cosine })
            })
        });
        let bounds = bounds.collect();
        Ok((bounds, found))
    }

    /// A vector at one end of its list, by the targets' scores and a bound; `None` if they are no
    /// numbers.
    fn candidate(
        &self,
        chunk: &VectorChunk,
        (i, end): (usize, usize),
        scores: &[f32],
        ahead: u32,
    ) -> Option<Candidate> {
        let sign = SIGNS[end];
        let vector = chunk.vectors.row(i);
        let best = scores.iter().map(|score| sign * score).reduce(f32::max)?;
        if !best.is_finite() {
            return None;
        }
        let length = norm(vector);
        let cosine = |j: usize| {
            let lengths = length * self.targets.norms[j];
            let score = sign * scores[j] + 0.0;
            if lengths > 0.0 { score / lengths } else { 0.0 }
        };
        // All tokens of a vector are ranked in one list: the highest score has the best rank.
        let least = best - 2.0 * self.bounds.slack(vector);
        let near = (0..scores.len()).filter(|&j| sign * scores[j] >= least);
        let near: Vec<(usize, f32)> = near.map(|j| (j, cosine(j))).collect();
        let cosines = near.iter().map(|(_, cosine)| *cosine);
        Some(Candidate {
            hit: Hit {
                score: best,
                cosine: cosines.fold(f32::NEG_INFINITY, f32::max),
                by: by(ahead),
                ..Hit::at(chunk.layer, chunk.first + i)
            },
            end,
            vector: vector.iter().map(|x| sign * x).collect(),
            near,
            bias: sign * chunk.biases[i].unwrap_or(0.0),
        })
    }

    /// Lets those wait for their count that may be among the best by all samples.
    fn narrow(&mut self, some: Vec<Candidate>, cancel: CancelToken<'_>) -> Result<(), Cancelled> {
        let mut left = some;
        for sample in 1..SAMPLES.len() {
            left.par_chunks_mut(CHUNK).try_for_each(|some| {
                let vectors = matrix(some);
                let limits = |i: usize| [some[i].hit.score, f32::NEG_INFINITY];
                let all = 0..some.len();
                let ahead = self.bounds.ahead(sample, &vectors, all, limits, cancel)?;
                for (candidate, ahead) in some.iter_mut().zip(ahead) {
                    candidate.hit.by -= ahead.higher as f32;
                }
                Ok(())
            })?;
            left.retain(|candidate| self.admits(candidate));
        }
        self.waiting.extend(left);
        Ok(())
    }

    /// Counts the ranks of what waits, the promising ones first, until at most so many are left.
    fn count_to(&mut self, left: usize, cancel: CancelToken<'_>) -> Result<(), ProjectionError> {
        while self.waiting.len() > left {
            let mut waiting = std::mem::take(&mut self.waiting);
            waiting.sort_unstable_by(|a, b| a.hit.order(&b.hit));
            self.waiting = waiting.split_off(waiting.len().min(BATCH));
            self.count_batch(waiting, cancel)?;
            let ends = &self.ends;
            self.waiting.retain(|c| ends[c.end].admits(&c.hit));
        }
        Ok(())
    }

    fn count_batch(
        &mut self,
        batch: Vec<Candidate>,
        cancel: CancelToken<'_>,
    ) -> Result<(), ProjectionError> {
        let asked = batch.iter().enumerate();
        let asked: Vec<(usize, usize, f32)> = asked
            .flat_map(|(i, c)| c.near.iter().map(move |&(j, cosine)| (i, j, cosine)))
            .collect();
        let vectors = asked.iter().flat_map(|(i, ..)| &batch[*i].vector);
        let vectors = Matrix::new(
            asked.len(),
            self.targets.vectors.cols(),
            vectors.copied().collect(),
        );
        let tokens: Vec<u32> = asked.iter().map(|(_, j, _)| self.targets.ids[*j]).collect();
        let ranked = self.lists.ranks(&vectors, &tokens, cancel)?;
        let mut ranked = asked.into_iter().zip(ranked).peekable();
        for (i, candidate) in batch.into_iter().enumerate() {
            let (hit, end) = (candidate.hit, candidate.end);
            let at = hit.layer * self.neurons + hit.index;
            if let Some(surveyed) = self.surveyed.get_mut(at) {
                surveyed[end] = None;
            }
            let own = std::iter::from_fn(|| ranked.next_if(|((of, ..), _)| *of == i));
            if let Some(((_, j, cosine), best)) = own.min_by_key(|(_, ranked)| ranked.rank) {
                let token = self.targets.ids[j];
                let mut hit = Hit {
                    token,
                    cosine,
                    ..hit
                };
                hit.counted(best.score + candidate.bias + 0.0, best.rank, RankBy::Rank);
                self.ends[end].offer(hit);
            }
        }
        self.ends.iter_mut().for_each(TopHits::prune);
        Ok(())
    }
}

/// What a hit is ordered by while so many tokens are known to be ahead.
fn by(ahead: u32) -> f32 {
    -(ahead as f32 + 1.0)
}

fn matrix(candidates: &[Candidate]) -> Matrix {
    let width = candidates.first().map_or(0, |c| c.vector.len());
    let data = candidates.iter().flat_map(|c| &c.vector);
    Matrix::new(candidates.len(), width, data.copied().collect())
}
