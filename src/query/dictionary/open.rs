//! An open dictionary beside a model: its vectors as a convention has them.

use std::ops::Range;
use std::sync::Arc;

use super::{
    DictionaryAnswer, DictionaryAsk, DictionaryCard, DictionaryCardSide, DictionaryFound,
    DictionaryQuery, DictionarySource,
};
use crate::checkpoint::{DictionaryFile, DictionaryHook, DictionarySide, DictionaryWidths, Matrix};
use crate::projection::{Rows, VectorChunk, product};
use crate::query::answering::Callbacks;
use crate::query::convention::{Convention, Switch};
use crate::query::neuron::to_unit;
use crate::query::reader::Reader;
use crate::query::reader::convention::{Side, WrittenBy};
use crate::query::{AnswerKind, Query, QueryError, RankMetric};
use crate::transformer::{Form, SublayerAt};

/// The dictionary that was asked about last.
#[derive(Clone)]
pub(in crate::query) struct OpenDictionary {
    source: Arc<DictionarySource>,
    pub(super) file: Arc<DictionaryFile>,
    pub(super) card: Arc<DictionaryCard>,
    /// From the heads' side, `[n_heads × d_head, d_model]`: for what is read and what is written.
    heads: [Option<Arc<Matrix>>; 2],
}

impl From<DictionarySide> for Side {
    fn from(side: DictionarySide) -> Self {
        match side {
            DictionarySide::Reads => Self::Reads,
            DictionarySide::Writes => Self::Writes,
        }
    }
}

impl OpenDictionary {
    /// The layer of a side, as far as it is needed to be known.
    fn layer(&self, side: DictionarySide) -> Result<usize, QueryError> {
        self.file.layer(side).ok_or_else(|| {
            QueryError::Other(format!(
                "{}: which layer it is of is said nowhere, and norms and heads are of a layer: give \
                 --layer",
                self.card.name
            ))
        })
    }

    fn hook(&self, side: DictionarySide) -> DictionaryHook {
        self.file.hook(side).unwrap_or(DictionaryHook::ResidPost)
    }

    /// The sublayer whose norm a side goes through.
    fn sublayer(&self, side: DictionarySide) -> SublayerAt {
        let layer = self.file.layer(side).unwrap_or_default();
        match self.hook(side) {
            DictionaryHook::AttnIn | DictionaryHook::AttnZ | DictionaryHook::AttnOut => {
                SublayerAt::attention(layer)
            }
            DictionaryHook::ResidPre
            | DictionaryHook::ResidMid
            | DictionaryHook::ResidPost
            | DictionaryHook::MlpIn
            | DictionaryHook::MlpWritten
            | DictionaryHook::MlpOut => SublayerAt::feed_forward(layer),
        }
    }

    /// The layer after which what it writes is part of the residual stream.
    fn written_after(&self, side: DictionarySide) -> Option<usize> {
        let layer = self.file.layer(side)?;
        match self.hook(side) {
            DictionaryHook::ResidPre => layer.checked_sub(1),
            DictionaryHook::ResidMid
            | DictionaryHook::ResidPost
            | DictionaryHook::AttnIn
            | DictionaryHook::AttnZ
            | DictionaryHook::AttnOut
            | DictionaryHook::MlpIn
            | DictionaryHook::MlpWritten
            | DictionaryHook::MlpOut => Some(layer),
        }
    }

    /// A convention as far as it touches a side: what reads the residual stream itself reads through
    /// no norm.
    fn convention(&self, side: DictionarySide, mut convention: Convention) -> Convention {
        if side == DictionarySide::Reads && !self.hook(side).is_normed() {
            for switch in [Switch::Gain, Switch::Norms] {
                if convention.has(switch) {
                    convention = convention.flipped(switch);
                }
            }
        }
        convention
    }
}

impl Reader {
    pub(super) fn dictionary(
        &mut self,
        query: &DictionaryQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<DictionaryAnswer, QueryError> {
        let mut open = self.open_dictionary(&query.source)?;
        if let Some(row) = query.row().filter(|row| *row >= open.file.len()) {
            return Err(QueryError::OutOfRange {
                what: "direction",
                got: row,
                last: open.file.len().saturating_sub(1),
                model: open.card.name.clone(),
            });
        }
        let found = self.found(&mut open, query, callbacks)?;
        let card = Arc::clone(&open.card);
        // With what it was read through.
        self.dictionary = Some(open);
        Ok(DictionaryAnswer { card, found })
    }

    /// Columns of several directions of one dictionary, under the filters and the convention of the
    /// first; `None` beyond its last, and where numbers are not finite.
    pub(in crate::query) fn directions_of_dictionary(
        &mut self,
        queries: &[DictionaryQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Option<DictionaryAnswer>>, QueryError> {
        let Some(first) = queries.first() else {
            return Ok(Vec::new());
        };
        let DictionaryAsk::Direction { k, .. } = first.ask else {
            return Err(QueryError::WrongAnswer);
        };
        self.card.check_query(&Query::Dictionary(first.clone()))?;
        let mut open = self.open_dictionary(&first.source)?;
        let count = open.file.len();
        let rows = queries.iter().filter_map(DictionaryQuery::row);
        let mut rows: Vec<usize> = rows.filter(|row| *row < count).collect();
        rows.sort_unstable();
        let lists = self.direction_lists(&mut open, first, &rows, k, callbacks)?;
        let card = Arc::clone(&open.card);
        self.dictionary = Some(open);
        let answer = |query: &DictionaryQuery| {
            let at = rows.binary_search(&query.row()?).ok()?;
            let answer = DictionaryAnswer {
                card: Arc::clone(&card),
                found: DictionaryFound::Direction(lists.get(at)?.clone()),
            };
            // Who asks for one that is not finite is told so then.
            Some(answer).filter(|answer| answer.not_finite().is_none())
        };
        Ok(queries.iter().map(answer).collect())
    }

    fn found(
        &mut self,
        open: &mut OpenDictionary,
        query: &DictionaryQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<DictionaryFound, QueryError> {
        Ok(match &query.ask {
            DictionaryAsk::About => DictionaryFound::About,
            DictionaryAsk::Direction { row, k } => {
                let mut lists = self.direction_lists(open, query, &[*row], *k, callbacks)?;
                let columns = lists.pop().ok_or(QueryError::WrongAnswer)?;
                DictionaryFound::Direction(columns)
            }
            DictionaryAsk::Find { words, by, k } => {
                let wanted = super::find::Wanted {
                    words,
                    by: *by,
                    k: *k,
                };
                DictionaryFound::Places(self.find_directions(open, query, wanted, callbacks)?)
            }
            DictionaryAsk::Rank { by, count, words } => {
                if by.of_heads() {
                    let known = RankMetric::NEURONS.map(RankMetric::name).join(", ");
                    return Err(QueryError::Other(format!(
                        "directions cannot be ranked by {by}, which is of heads: expected {known}"
                    )));
                }
                let wanted = super::rank::Wanted {
                    by: *by,
                    count: *count,
                    words: *words,
                };
                DictionaryFound::Ranked(self.rank_directions(open, query, wanted, callbacks)?)
            }
            DictionaryAsk::Similar { row, n } => {
                DictionaryFound::Similar(self.similar(open, query, (*row, *n), callbacks)?)
            }
        })
    }

    /// The dictionary, opened anew if the last one was another.
    fn open_dictionary(
        &mut self,
        source: &Arc<DictionarySource>,
    ) -> Result<OpenDictionary, QueryError> {
        if let Some(open) = self
            .dictionary
            .as_ref()
            .filter(|open| open.source == *source)
        {
            return Ok(open.clone());
        }
        let spec = &self.card.spec;
        let widths = DictionaryWidths {
            d_model: spec.d_model,
            heads: spec.heads * spec.d_head,
        };
        let file = DictionaryFile::opened(&source.path, &source.options, widths)?;
        let sides = [DictionarySide::Reads, DictionarySide::Writes];
        let sides = sides.into_iter().filter_map(|side| {
            let (tensor, stored) = file.stored(side)?;
            Some(DictionaryCardSide {
                side,
                hook: file.hook(side)?,
                layer: file.layer(side),
                tensor: tensor.to_owned(),
                stored,
            })
        });
        let card = DictionaryCard {
            name: file.name().to_owned(),
            layout: file.layout(),
            model: file.model().map(str::to_owned),
            count: file.len(),
            sides: sides.collect(),
        };
        for layer in card.sides.iter().filter_map(|side| side.layer) {
            if layer >= self.card.spec.layers {
                return Err(QueryError::OutOfRange {
                    what: "layer",
                    got: layer,
                    last: self.card.spec.layers.saturating_sub(1),
                    model: self.card.name.clone(),
                });
            }
        }
        let open = OpenDictionary {
            source: Arc::clone(source),
            file: Arc::new(file),
            card: Arc::new(card),
            heads: [None, None],
        };
        self.dictionary = Some(open.clone());
        Ok(open)
    }

    /// The rows of an embedding that a side is projected on; of learned positions with `positions`.
    pub(super) fn rows_of_side(
        &mut self,
        open: &OpenDictionary,
        side: DictionarySide,
        (convention, positions): (Convention, bool),
        callbacks: Callbacks<'_>,
    ) -> Result<Arc<Rows>, QueryError> {
        let convention = open.convention(side, convention);
        let (at, side) = (open.sublayer(side), side.into());
        match positions {
            true => self.positions_as(convention, at, side, callbacks),
            false => self.rows(convention, at, side, callbacks),
        }
    }

    /// Directions of one side as they are projected.
    pub(super) fn directions_of(
        &mut self,
        open: &mut OpenDictionary,
        side: DictionarySide,
        rows: Range<usize>,
        convention: Convention,
        callbacks: Callbacks<'_>,
    ) -> Result<VectorChunk, QueryError> {
        let convention = open.convention(side, convention);
        let (first, hook, at) = (rows.start, open.hook(side), open.sublayer(side));
        let read = open.file.rows(side, rows.clone())?;
        let vectors = match hook {
            DictionaryHook::AttnZ => product(&read, &*self.heads_of(open, side)?),
            _ => read,
        };
        let own = |row| {
            open.file
                .bias(row)
                .filter(|_| convention.has(Switch::Biases))
        };
        let mut biases: Vec<Option<f32>> = match side {
            DictionarySide::Reads => rows.map(own).collect(),
            DictionarySide::Writes => vec![None; vectors.rows()],
        };
        let folds = convention.folds_gains();
        let mut vectors = match side {
            DictionarySide::Reads => {
                if folds {
                    open.layer(side)?;
                }
                if folds && convention.adds() {
                    self.add_norm_bias(at, &vectors, &mut biases)?;
                }
                self.projected(convention, at, Side::Reads, vectors, callbacks)?
            }
            DictionarySide::Writes => {
                let written = matches!(hook, DictionaryHook::MlpWritten | DictionaryHook::AttnZ);
                if convention.folds_written() && written {
                    open.layer(side)?;
                }
                let by = WrittenBy {
                    sublayer: written.then_some(at),
                    layer: open.written_after(side),
                };
                self.folded_written(convention, by, vectors)?
            }
        };
        if convention.has(Switch::Cosine) {
            to_unit(&mut vectors, &mut biases);
        }
        Ok(VectorChunk {
            layer: 0,
            first,
            vectors,
            biases,
        })
    }

    /// What the bias of the norm before a map adds to each product.
    fn add_norm_bias(
        &self,
        at: SublayerAt,
        vectors: &Matrix,
        biases: &mut [Option<f32>],
    ) -> Result<(), QueryError> {
        let norm = self.weights.norm_before(at.layer, at.sublayer)?;
        let Some(added) = norm.as_ref().and_then(|norm| norm.added()) else {
            return Ok(());
        };
        for (row, bias) in biases.iter_mut().enumerate() {
            let terms = vectors.row(row).iter().zip(added);
            let sum: f64 = terms.map(|(&k, &b)| f64::from(k) * f64::from(b)).sum();
            *bias = Some(bias.unwrap_or(0.0) + sum as f32);
        }
        Ok(())
    }

    /// What takes a direction among the heads' values to the residual stream: W_O for what is
    /// written, W_V for what is read.
    fn heads_of(
        &self,
        open: &mut OpenDictionary,
        side: DictionarySide,
    ) -> Result<Arc<Matrix>, QueryError> {
        let at = usize::from(side == DictionarySide::Writes);
        if let Some(map) = &open.heads[at] {
            return Ok(Arc::clone(map));
        }
        let layer = open.layer(side)?;
        let spec = &self.card.spec;
        let mut rows = Vec::new();
        for head in 0..spec.heads_in(layer) {
            let form = self.weights.form(Form::Vo, layer, head, 0)?;
            let own = match side {
                DictionarySide::Reads => form.left,
                DictionarySide::Writes => form.right,
            };
            rows.extend_from_slice(own.transposed().data());
        }
        let count = rows.len() / spec.d_model.max(1);
        let map = Arc::new(Matrix::new(count, spec.d_model, rows));
        open.heads[at] = Some(Arc::clone(&map));
        Ok(map)
    }
}
