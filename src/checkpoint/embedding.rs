//! Embeddings as they are stored: a row for each token, and the map that brings it to the width of
//! the layers where the rows are narrower.

use std::ops::Range;

use super::family::NarrowExtent;
use super::{Checkpoint, CheckpointError, Matrix, StoredMatrix, TensorSlice};

/// A table of rows that count multiplied by a map: `[n, width]·[width, d_model]`.
#[derive(Clone, Debug)]
pub struct Embedding {
    /// The rows as they lie.
    pub table: StoredMatrix,
    /// `[width, d_model]`; `None` where rows are as wide as the layers.
    pub map: Option<Matrix>,
}

impl<M: Into<StoredMatrix>> From<M> for Embedding {
    fn from(table: M) -> Self {
        Self {
            table: table.into(),
            map: None,
        }
    }
}

/// The maps of a narrow embedding, by full name without `.weight`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EmbeddingMaps {
    /// `[d_model, width]`.
    pub input: String,
    /// `[width, d_model]`; `None` where states go back through the transpose of the other.
    pub output: Option<String>,
    pub extent: NarrowExtent,
}

/// Which of two embeddings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmbeddingSide {
    /// What layers read.
    Input,
    /// What states are multiplied with.
    Output,
}

impl Checkpoint {
    /// Full name, without `.weight`, of the map that brings narrow rows to the width of the layers,
    /// and what is as narrow as tokens; `None` in a model whose embedding is as wide as its layers.
    pub fn embedding_map(&self) -> Option<(&str, NarrowExtent)> {
        let maps = self.embedding_maps.as_ref()?;
        Some((&maps.input, maps.extent))
    }

    /// Width of what is added to tokens: positions and token types.
    pub fn added_width(&self) -> usize {
        match self.embedding_map() {
            Some((_, NarrowExtent::AllEmbeddings)) => self.spec().embedding_width,
            Some((_, NarrowExtent::Tokens)) | None => self.spec().d_model,
        }
    }

    /// What rows of one side are multiplied with, `[width, d_model]`; `None` where they are as wide
    /// as the layers.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn map_of(&self, side: EmbeddingSide) -> Result<Option<Matrix>, CheckpointError> {
        let Some(maps) = &self.embedding_maps else {
            return Ok(None);
        };
        let (width, d_model) = (self.spec().embedding_width, self.spec().d_model);
        let map = match (side, &maps.output) {
            (EmbeddingSide::Output, Some(output)) => {
                self.block(&format!("{output}.weight"), 0..width, 0..d_model)?
            }
            (EmbeddingSide::Output, None) | (EmbeddingSide::Input, _) => {
                let input = format!("{}.weight", maps.input);
                self.block(&input, 0..d_model, 0..width)?.transposed()
            }
        };
        Ok(Some(map))
    }

    /// Whether both sides have one map, or none.
    pub fn one_map(&self) -> bool {
        let maps = self.embedding_maps.as_ref();
        maps.is_none_or(|maps| maps.output.is_none())
    }

    /// Some rows of one side as they lie, `[rows, width]`.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn embedding_rows(
        &self,
        side: EmbeddingSide,
        rows: Range<usize>,
    ) -> Result<Matrix, CheckpointError> {
        let output = self
            .output_embedding()
            .filter(|_| side == EmbeddingSide::Output);
        let name = output.unwrap_or(self.embedding());
        self.block(name, rows, 0..self.spec().embedding_width)
    }

    /// One row of one side as layers have it, `[d_model]`.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn embedded_row(
        &self,
        side: EmbeddingSide,
        row: usize,
    ) -> Result<Vec<f32>, CheckpointError> {
        let row = self.embedding_rows(side, row..row + 1)?;
        self.mapped(row.into_data(), side)
    }

    /// A learned position as layers have it, `[d_model]`, by its place in the file's rows.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn position_row(&self, name: &str, row: usize) -> Result<Vec<f32>, CheckpointError> {
        let row = self.block(name, row..row + 1, 0..self.added_width())?;
        match self.added_width() == self.spec().embedding_width {
            true => self.mapped(row.into_data(), EmbeddingSide::Input),
            false => Ok(row.into_data()),
        }
    }

    fn mapped(&self, row: Vec<f32>, side: EmbeddingSide) -> Result<Vec<f32>, CheckpointError> {
        let Some(map) = self.map_of(side)? else {
            return Ok(row);
        };
        let mut sums = vec![0.0; map.cols()];
        for (x, part) in row.iter().zip(map.data().chunks_exact(map.cols().max(1))) {
            let terms = sums.iter_mut().zip(part);
            terms.for_each(|(sum, y)| *sum += f64::from(*x) * f64::from(*y));
        }
        Ok(sums.into_iter().map(|x| x as f32).collect())
    }

    /// The whole of what is stored of embeddings.
    pub(crate) fn embeddings(&self) -> Vec<TensorSlice> {
        let (width, d_model) = (self.spec().embedding_width, self.spec().d_model);
        let whole = |tensor: String, rows, cols| TensorSlice {
            tensor,
            rows: 0..rows,
            cols: 0..cols,
        };
        let tables = [Some(self.embedding()), self.output_embedding()].into_iter();
        let tables = tables.flatten();
        let mut all: Vec<_> = tables
            .map(|name| whole(name.to_owned(), self.spec().vocab, width))
            .collect();
        if let Some(maps) = &self.embedding_maps {
            all.push(whole(format!("{}.weight", maps.input), d_model, width));
            let output = maps.output.iter();
            all.extend(output.map(|name| whole(format!("{name}.weight"), width, d_model)));
        }
        all
    }
}
