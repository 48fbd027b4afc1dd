//! Taking weight matrices apart, and reading their directions as tokens.

use crate::checkpoint::Matrix;
use crate::projection::{
    BothEnds, Decomposition, End, Passing, Scored, copying, decompose_form, decompose_rows, gram,
};
use crate::query::answering::Callbacks;
use crate::query::directions::{Copying, Direction, DirectionsAnswer, DirectionsQuery, MatrixKind};
use crate::query::{Answer, PairsQuery, QueryError, Switch};
use crate::transformer::{AttentionMap, Dictionary, Form, FormWeights, SublayerAt};
use crate::vocabulary::Mask;

use crate::query::reader::Reader;
use crate::query::reader::convention::{Side, unit};

impl MatrixKind {
    /// What its two sides are: what is written, or read; of a layer only the first counts.
    fn flows(self) -> [Side; 2] {
        match self {
            Self::Form(Form::Vo) => [Side::Reads, Side::Writes],
            Self::Form(Form::Qk) | Self::FfIn | Self::FfGate | Self::FfUp => [Side::Reads; 2],
            Self::FfOut | Self::Attention(AttentionMap::Output) => [Side::Writes; 2],
            Self::Attention(_) => [Side::Reads; 2],
        }
    }

    /// Where its vectors read, or write.
    fn sublayer(self, layer: usize) -> SublayerAt {
        match self {
            Self::Form(_) | Self::Attention(_) => SublayerAt::attention(layer),
            Self::FfIn | Self::FfGate | Self::FfUp | Self::FfOut => SublayerAt::feed_forward(layer),
        }
    }
}

/// The vectors of a layer that are taken apart.
struct LayerVectors {
    /// `[vectors, d_model]`; `None` where an adapter's own factors tell in no time what a whole matrix
    /// would.
    vectors: Option<Matrix>,
    /// Those factors: on the left the residual stream.
    change: Option<FormWeights>,
}

impl Reader {
    pub(in crate::query) fn directions(
        &mut self,
        query: &DirectionsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<DirectionsAnswer, QueryError> {
        let mask = self.mask(&query.filters, callbacks.cancel)?;
        let MatrixKind::Form(form) = query.part else {
            return self.of_layer(query, &mask, callbacks);
        };
        self.weights
            .bring_form(form, query.layer, query.head, callbacks.without_partial())?;
        let convention = query.convention;
        let weights = self.weights.form(form, query.layer, query.head, 0)?;
        let at = SublayerAt::attention(query.layer);
        let fold = |matrix: Matrix, side| -> Result<Matrix, QueryError> {
            let folded = self.folded(convention, at, side, matrix.transposed())?;
            Ok(folded.transposed())
        };
        let [of_left, of_right] = query.part.flows();
        let weights = FormWeights {
            left: fold(weights.left, of_left)?,
            right: fold(weights.right, of_right)?,
        };
        let found = self.decomposed(query, &weights)?;
        let copied = copying(&weights.left, &weights.right);
        let mut answer = self.as_tokens(query, &mask, &found, callbacks)?;
        answer.copying = Some(Copying {
            weights: copied,
            vocabulary: None,
        });
        callbacks.partial(Answer::Directions(answer.clone()));
        let pairs = PairsQuery {
            convention,
            form,
            layer: query.layer,
            head: query.head,
            distance: 0,
            end: End::Highest,
            k: 0,
            filters: Default::default(),
        };
        let factors = self.bare_factors(&pairs, callbacks)?;
        answer.copying = Some(Copying {
            weights: copied,
            vocabulary: copying(&factors.a, &factors.b),
        });
        answer.exact = true;
        Ok(answer)
    }

    /// The directions of a form; of a change only as many as it has.
    fn decomposed(
        &self,
        query: &DirectionsQuery,
        weights: &FormWeights,
    ) -> Result<Decomposition, QueryError> {
        let found = decompose_form(weights).ok_or_else(|| self.undecomposed(query))?;
        match self.card.against {
            Some(_) => self.of_change(query, found.without_zeros()),
            None => Ok(found),
        }
    }

    fn of_change(
        &self,
        query: &DirectionsQuery,
        found: Decomposition,
    ) -> Result<Decomposition, QueryError> {
        match (found.values.is_empty(), &self.card.against) {
            (true, Some(against)) => Err(QueryError::Nothing {
                model: self.card.name.clone(),
                what: format!(
                    "{} of {} is the same in {against}: there are no directions",
                    query.part,
                    query.address()
                ),
            }),
            _ => Ok(found),
        }
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
        &mut self,
        query: &DirectionsQuery,
        mask: &Mask,
        callbacks: Callbacks<'_>,
    ) -> Result<DirectionsAnswer, QueryError> {
        let LayerVectors { vectors, change } = match query.part {
            MatrixKind::Attention(map) => self.of_attention(query.layer, map, callbacks)?,
            _ => self.of_neurons(query, callbacks)?,
        };
        let at = query.part.sublayer(query.layer);
        let [side, _] = query.part.flows();
        let found = match (vectors, change) {
            (_, Some(change)) => {
                let stream = change.left.transposed();
                let left = self
                    .folded(query.convention, at, side, stream)?
                    .transposed();
                self.decomposed(query, &FormWeights { left, ..change })?
            }
            (vectors, None) => {
                let vectors = vectors.unwrap_or_else(|| Matrix::zeros(0, self.card.spec.d_model));
                let vectors = self.folded(query.convention, at, side, vectors)?;
                callbacks.cancel.check()?;
                let gram = gram(&vectors);
                callbacks.cancel.check()?;
                let found = decompose_rows(&vectors, &gram, query.n)
                    .ok_or_else(|| self.undecomposed(query))?;
                match self.card.against {
                    Some(_) => self.of_change(query, found.without_zeros())?,
                    None => found,
                }
            }
        };
        let answer = self.as_tokens(query, mask, &found, callbacks)?;
        Ok(DirectionsAnswer {
            exact: true,
            ..answer
        })
    }

    /// Keys or values of a layer.
    fn of_neurons(
        &self,
        query: &DirectionsQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<LayerVectors, QueryError> {
        let all = 0..self.card.spec.neurons_in(query.layer);
        if matches!(query.part, MatrixKind::FfGate | MatrixKind::FfUp) && !self.card.gated() {
            return Err(QueryError::Nothing {
                model: self.card.name.clone(),
                what: "its neurons have no gate: expected ff-in or ff-out".to_owned(),
            });
        }
        let input = query.part.input().unwrap_or_default();
        self.weights
            .bring_neurons(query.layer, all.clone(), input, callbacks.without_partial())?;
        let dictionary = match query.part {
            MatrixKind::FfOut => Dictionary::Values,
            _ => Dictionary::Keys(input),
        };
        let change = self.weights.neuron_change(query.layer, dictionary)?;
        let vectors = match (&change, query.part) {
            (Some(_), _) => None,
            (None, MatrixKind::FfOut) => Some(self.weights.values(query.layer, all)?),
            (None, _) => Some(self.weights.keys(query.layer, all, input)?),
        };
        Ok(LayerVectors { vectors, change })
    }

    /// A linear map of attention.
    fn of_attention(
        &self,
        layer: usize,
        map: AttentionMap,
        callbacks: Callbacks<'_>,
    ) -> Result<LayerVectors, QueryError> {
        self.weights
            .bring_attention(layer, map, callbacks.without_partial())?;
        let change = self.weights.attention_change(layer, map)?;
        let vectors = match change {
            Some(_) => None,
            None => Some(self.weights.attention_vectors(layer, map)?),
        };
        Ok(LayerVectors { vectors, change })
    }

    /// The ends of the first directions: of the left sides and, of a head, of the right ones.
    fn as_tokens(
        &mut self,
        query: &DirectionsQuery,
        mask: &Mask,
        found: &Decomposition,
        callbacks: Callbacks<'_>,
    ) -> Result<DirectionsAnswer, QueryError> {
        let n = query.n.min(found.left.rows());
        let [of_left, of_right] = query.part.flows();
        let left = self.ends_of(&found.left, query, of_left, n, mask, callbacks)?;
        let right = match query.part {
            MatrixKind::Form(_) => {
                self.ends_of(&found.right, query, of_right, n, mask, callbacks)?
            }
            MatrixKind::Attention(_) => {
                let d_head = self.card.spec.head_sizes(query.layer).d_head;
                let of = |i| heads(found.right.row(i), d_head, query.k);
                (0..n).map(of).collect()
            }
            MatrixKind::FfIn | MatrixKind::FfGate | MatrixKind::FfUp | MatrixKind::FfOut => {
                (0..n).map(|i| most(found.right.row(i), query.k)).collect()
            }
        };
        let blocks = found.blocks();
        let pairs = left.into_iter().zip(right).enumerate();
        let directions = pairs.map(|(i, (left, right))| Direction {
            value: found.values[i],
            block: blocks[i],
            left,
            right,
        });
        Ok(DirectionsAnswer {
            directions: directions.collect(),
            values: found.values.clone(),
            copying: None,
            passing: mask.passing,
            rows: mask.passes.len(),
            exact: false,
        })
    }

    /// The best and the lowest tokens of the first `n` vectors: of what is read, or of what is
    /// written.
    fn ends_of(
        &mut self,
        vectors: &Matrix,
        query: &DirectionsQuery,
        side: Side,
        n: usize,
        mask: &Mask,
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<[Vec<Scored>; 2]>, QueryError> {
        let first = vectors.data()[..n * vectors.cols()].to_vec();
        let vectors = Matrix::new(n, vectors.cols(), first);
        let at = query.part.sublayer(query.layer);
        let convention = query.convention;
        let rows = self.rows(convention, at, side, callbacks)?;
        let mut vectors = self.inverted(convention, at, side, vectors, callbacks)?;
        if query.convention.has(Switch::Cosine) {
            unit(&mut vectors);
        }
        let mut ends = vec![BothEnds::new(query.k.min(mask.passing)); n];
        let passing = Passing {
            flags: &mask.passes[..rows.len()],
            first_id: 0,
        };
        rows.offer_scores(&vectors, passing, &mut ends, callbacks.cancel)?;
        let sorted = |ends: BothEnds| [ends.highest.into_sorted(), ends.lowest.into_sorted()];
        Ok(ends.into_iter().map(sorted).collect())
    }
}

/// The two ends of what each neuron has of a direction.
fn most(shares: &[f32], k: usize) -> [Vec<Scored>; 2] {
    let mut ends = BothEnds::new(k);
    for (id, &share) in (0u32..).zip(shares) {
        ends.offer(id, share);
    }
    [ends.highest.into_sorted(), ends.lowest.into_sorted()]
}

/// The heads by their shares of the squared length of what all their channels have of a direction.
fn heads(shares: &[f32], d_head: usize, k: usize) -> [Vec<Scored>; 2] {
    let mut best = BothEnds::new(k);
    for (id, channels) in (0u32..).zip(shares.chunks(d_head.max(1))) {
        let square: f64 = channels.iter().map(|&x| f64::from(x).powi(2)).sum();
        best.offer(id, square as f32);
    }
    [best.highest.into_sorted(), Vec::new()]
}
