//! Reading under a convention: which rows vectors are projected on, how those count, and what is
//! folded into the vectors first.

use std::sync::Arc;

use crate::checkpoint::Matrix;
use crate::projection::{Inverse, RowScale, Rows};
use crate::query::convention::{Convention, Switch};
use crate::query::{Callbacks, QueryError};
use crate::transformer::{NormWeights, SublayerAt};

use super::Reader;

/// Rows of an embedding, and how they are transformed.
#[derive(Clone, Copy, Debug, PartialEq)]
struct EmbeddingView {
    source: EmbeddingSource,
    centred: bool,
    scale: RowScale,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::query) enum EmbeddingSource {
    Input,
    Output,
    Positions,
}

/// The embeddings as conventions transform them, and their inverses: those asked for so far.
#[derive(Default)]
pub(in crate::query) struct EmbeddingViews {
    adjusted: Vec<(EmbeddingView, Arc<Rows>)>,
    inverses: Vec<(EmbeddingView, Arc<Inverse>)>,
}

/// Where vectors are written to the residual stream.
#[derive(Clone, Copy, Debug)]
pub(in crate::query) struct WrittenBy {
    /// The sublayer that writes them, if a norm of what it writes lies between.
    pub(in crate::query) sublayer: Option<SublayerAt>,
    /// The layer after which they are part of the stream, if it is known.
    pub(in crate::query) layer: Option<usize>,
}

/// Which side of the residual stream vectors are on: whether they are read with or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::query) enum Side {
    Reads,
    Writes,
}

impl Reader {
    /// The rows that a sublayer is projected on: what it reads, or what it writes.
    pub(in crate::query) fn rows(
        &mut self,
        convention: Convention,
        at: SublayerAt,
        side: Side,
        callbacks: Callbacks<'_>,
    ) -> Result<Arc<Rows>, QueryError> {
        let source = self.source(convention, side);
        self.counted(self.view(source, convention, at, side)?, callbacks)
    }

    /// Learned positions, transformed as the convention says.
    pub(in crate::query) fn positions_as(
        &mut self,
        convention: Convention,
        at: SublayerAt,
        side: Side,
        callbacks: Callbacks<'_>,
    ) -> Result<Arc<Rows>, QueryError> {
        self.counted(
            self.view(EmbeddingSource::Positions, convention, at, side)?,
            callbacks,
        )
    }

    /// How rows count for a sublayer.
    ///
    /// With LayerNorm, E·P(γ⊙k) = PE·(γ⊙k), where P takes out the mean over d_model: the length
    /// and the scale are those of PE.
    fn view(
        &self,
        source: EmbeddingSource,
        convention: Convention,
        SublayerAt { layer, sublayer }: SublayerAt,
        side: Side,
    ) -> Result<EmbeddingView, QueryError> {
        let norm = match convention.folds_gains() && side == Side::Reads {
            true => self.weights.token_norm(layer, sublayer)?,
            false => None,
        };
        let scale = match norm {
            Some(norm) if convention.scales_tokens() => RowScale::Norm {
                centring: norm.centring,
                epsilon: norm.epsilon,
            },
            _ if convention.has(Switch::Cosine) => RowScale::Unit {
                centring: norm.is_some_and(|norm| norm.centring),
            },
            _ => RowScale::None,
        };
        Ok(EmbeddingView {
            source,
            centred: convention.has(Switch::Centred),
            scale,
        })
    }

    pub(in crate::query) fn source(&self, convention: Convention, side: Side) -> EmbeddingSource {
        let own = match side {
            Side::Reads => EmbeddingSource::Input,
            Side::Writes => EmbeddingSource::Output,
        };
        match own {
            _ if Arc::ptr_eq(&self.read, &self.written) => EmbeddingSource::Input,
            _ if convention.has(Switch::Input) => EmbeddingSource::Input,
            _ if convention.has(Switch::Output) => EmbeddingSource::Output,
            own => own,
        }
    }

    fn counted(
        &mut self,
        view: EmbeddingView,
        callbacks: Callbacks<'_>,
    ) -> Result<Arc<Rows>, QueryError> {
        let given = match view.source {
            EmbeddingSource::Input => &self.read,
            EmbeddingSource::Output => &self.written,
            EmbeddingSource::Positions => {
                let none = || QueryError::Nothing {
                    model: self.card.name.clone(),
                    what: "it has no learned positions".to_owned(),
                };
                self.positions.as_ref().ok_or_else(none)?
            }
        };
        if !view.centred && view.scale == RowScale::None {
            return Ok(Arc::clone(given));
        }
        if let Some((_, rows)) = self
            .embedding_views
            .adjusted
            .iter()
            .find(|(of, _)| *of == view)
        {
            return Ok(Arc::clone(rows));
        }
        let rows = given.adjusted(view.centred, view.scale, callbacks.cancel)?;
        let rows = Arc::new(rows);
        self.embedding_views
            .adjusted
            .push((view, Arc::clone(&rows)));
        Ok(rows)
    }

    /// Vectors of a sublayer (`[n, d_model]`) as they are projected: norms folded in, the
    /// inverse applied.
    pub(in crate::query) fn projected(
        &mut self,
        convention: Convention,
        at: SublayerAt,
        side: Side,
        vectors: Matrix,
        callbacks: Callbacks<'_>,
    ) -> Result<Matrix, QueryError> {
        let folded = self.folded(convention, at, side, vectors)?;
        self.inverted(convention, at, side, folded, callbacks)
    }

    /// Vectors of a sublayer (`[n, d_model]`) with norms folded in.
    ///
    /// What is read lies behind the norm before it, `k·(γ⊙Px) = P(γ⊙k)·x` with P taking out the
    /// mean; what is written goes through the last norm, `E·(γ⊙Pv)`. By what a norm divides is of
    /// the state, not of the vector: what is read has it in its rows, where it counts, and what is
    /// written is divided by the same for every word.
    pub(in crate::query) fn folded(
        &self,
        convention: Convention,
        SublayerAt { layer, sublayer }: SublayerAt,
        side: Side,
        mut vectors: Matrix,
    ) -> Result<Matrix, QueryError> {
        match side {
            Side::Reads if !convention.folds_gains() => {}
            Side::Reads => {
                if let Some(norm) = self.weights.norm_before(layer, sublayer)? {
                    scale(&mut vectors, &norm);
                    centre(&mut vectors, &norm);
                }
            }
            Side::Writes => {
                let at = SublayerAt { layer, sublayer };
                let by = WrittenBy {
                    sublayer: Some(at),
                    layer: Some(layer),
                };
                return self.folded_written(convention, by, vectors);
            }
        }
        Ok(vectors)
    }

    /// As [`Self::folded`] of what is written: by a sublayer, or into the residual stream itself.
    pub(in crate::query) fn folded_written(
        &self,
        convention: Convention,
        by: WrittenBy,
        mut vectors: Matrix,
    ) -> Result<Matrix, QueryError> {
        if !convention.folds_written() {
            return Ok(vectors);
        }
        if let Some(SublayerAt { layer, sublayer }) = by.sublayer
            && let Some(norm) = self.weights.norm_of_written(layer, sublayer)?
        {
            centre(&mut vectors, &norm);
            scale(&mut vectors, &norm);
        }
        if convention.has(Switch::Lens) {
            let layer = by.layer.ok_or_else(|| QueryError::Nothing {
                model: self.card.name.clone(),
                what:
                    "the convention lens is of a layer, and which it is of is said nowhere: give \
                       --layer"
                        .to_owned(),
            })?;
            vectors = self.carried(layer, vectors)?;
        }
        if let Some(norm) = self.weights.last_norm()? {
            centre(&mut vectors, &norm);
            scale(&mut vectors, &norm);
        }
        Ok(vectors)
    }

    /// Vectors with the inverse applied, if they are read.
    pub(in crate::query) fn inverted(
        &mut self,
        convention: Convention,
        at: SublayerAt,
        side: Side,
        vectors: Matrix,
        callbacks: Callbacks<'_>,
    ) -> Result<Matrix, QueryError> {
        if !convention.has(Switch::Inverse) || side == Side::Writes {
            return Ok(vectors);
        }
        let inverse = self.inverse(convention, at, callbacks)?;
        let applied = inverse.apply(&vectors);
        if applied.data().iter().all(|x| x.is_finite()) {
            return Ok(applied);
        }
        Err(QueryError::NoInverse {
            model: self.card.name.clone(),
            why: "is too small for single precision, in which its inverse has no numbers",
        })
    }

    /// Of the rows that are read.
    fn inverse(
        &mut self,
        convention: Convention,
        at: SublayerAt,
        callbacks: Callbacks<'_>,
    ) -> Result<Arc<Inverse>, QueryError> {
        let source = self.source(convention, Side::Reads);
        let view = self.view(source, convention, at, Side::Reads)?;
        if let Some((_, inverse)) = self
            .embedding_views
            .inverses
            .iter()
            .find(|(of, _)| *of == view)
        {
            return Ok(Arc::clone(inverse));
        }
        let rows = self.counted(view, callbacks)?;
        let inverse = Inverse::of(&rows, callbacks.cancel)?;
        let inverse = Arc::new(inverse.ok_or_else(|| QueryError::NoInverse {
            model: self.card.name.clone(),
            why: "does not reach every direction, so that vectors are no sums of its rows",
        })?);
        self.embedding_views
            .inverses
            .push((view, Arc::clone(&inverse)));
        Ok(inverse)
    }
}

/// The length that each row had, which is now 1; rows without length stay.
pub(in crate::query) fn unit(vectors: &mut Matrix) -> Vec<f32> {
    let width = vectors.cols().max(1);
    let rows = vectors.data_mut().chunks_exact_mut(width);
    rows.map(|row| {
        let length = row
            .iter()
            .map(|&x| f64::from(x).powi(2))
            .sum::<f64>()
            .sqrt();
        if length > 0.0 {
            row.iter_mut()
                .for_each(|x| *x = (f64::from(*x) / length) as f32);
        }
        length as f32
    })
    .collect()
}

fn scale(vectors: &mut Matrix, norm: &NormWeights) {
    let width = vectors.cols().max(1);
    for row in vectors.data_mut().chunks_exact_mut(width) {
        row.iter_mut().zip(&norm.gain).for_each(|(x, g)| *x *= g);
    }
}

fn centre(vectors: &mut Matrix, norm: &NormWeights) {
    if !norm.centring {
        return;
    }
    let width = vectors.cols().max(1);
    for row in vectors.data_mut().chunks_exact_mut(width) {
        let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / width as f64;
        row.iter_mut().for_each(|x| *x -= mean as f32);
    }
}
