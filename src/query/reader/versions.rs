//! The two models of a difference, each read as it is: the tuned one with the reader's own embedding,
//! the base with its own, where that is another.

use std::collections::HashMap;
use std::mem::swap;
use std::sync::Arc;

use crate::checkpoint::{Checkpoint, EmbeddingSide, Version};
use crate::projection::Rows;
use crate::query::{ModelCard, QueryError};
use crate::transformer::BothVersions;
use crate::vocabulary::{Filters, Mask, Undertrained, Vocabulary};

use super::convention::EmbeddingViews;
use super::{Reader, sides, vocabulary};

/// Rows of two embeddings that are compared at a time.
const ROWS: usize = 4096;

/// What stands in the place of the reader's own while the base is read.
pub(super) struct BaseSide {
    card: Arc<ModelCard>,
    read: Arc<Rows>,
    written: Arc<Rows>,
    embedding_views: EmbeddingViews,
    mask: Option<(Filters, Arc<Mask>)>,
    undertrained: Option<Option<Arc<Undertrained>>>,
    /// For each token of the base, the tuned model's of the same string; `None` if all are the same.
    to_tuned: Option<Vec<Option<u32>>>,
}

/// The tokens of the base in the tuned model's vocabulary.
#[derive(Clone, Copy)]
pub(in crate::query) struct TokenMatch<'a>(Option<&'a [Option<u32>]>);

impl TokenMatch<'_> {
    /// The tuned model's token of the same string, if it has one.
    pub(in crate::query) fn tuned(self, id: u32) -> Option<u32> {
        match self.0 {
            None => Some(id),
            Some(ids) => ids.get(id as usize).copied().flatten(),
        }
    }
}

impl Reader {
    /// What `ask` answers of the tuned model, and of its base. Tokens of the base are its own.
    ///
    /// # Errors
    /// This is no difference, or those of `ask`.
    pub(in crate::query) fn of_both_versions<T>(
        &mut self,
        ask: impl Fn(&mut Self) -> Result<T, QueryError>,
    ) -> Result<BothVersions<T>, QueryError> {
        let mut base_side = match self.base.take() {
            Some(base_side) => base_side,
            None => Box::new(self.base_side()?),
        };
        let difference = self.weights.at(self.weights.version());
        self.weights = difference.at(Version::Tuned);
        let tuned = ask(self);
        self.weights = difference.at(Version::Base);
        self.exchange(&mut base_side);
        let base = ask(self);
        self.exchange(&mut base_side);
        self.weights = difference;
        self.base = Some(base_side);
        Ok(BothVersions {
            tuned: tuned?,
            base: base?,
        })
    }

    /// How the base's tokens are called in the tuned model; once both were read.
    pub(in crate::query) fn token_match(&self) -> TokenMatch<'_> {
        TokenMatch(self.base.as_ref().and_then(|base| base.to_tuned.as_deref()))
    }

    fn exchange(&mut self, base: &mut BaseSide) {
        swap(&mut self.card, &mut base.card);
        swap(&mut self.read, &mut base.read);
        swap(&mut self.written, &mut base.written);
        swap(&mut self.embedding_views, &mut base.embedding_views);
        swap(&mut self.mask, &mut base.mask);
        swap(&mut self.undertrained, &mut base.undertrained);
    }

    /// Reads the base's vocabulary and, where they are others, its embeddings.
    fn base_side(&self) -> Result<BaseSide, QueryError> {
        let tuned = self.weights.checkpoint();
        let base = tuned.against().ok_or_else(|| QueryError::Nothing {
            model: self.card.name.clone(),
            what: "nothing is compared with it: give --against MODEL".to_owned(),
        })?;
        let name = self.card.against.clone().unwrap_or_default();
        let vocabulary = vocabulary(&name, base)?;
        let own = &self.card.vocabulary;
        let to_tuned = matched(&vocabulary, own);
        let mut card = ModelCard::clone(&self.card);
        card.spec = base.spec().clone();
        if to_tuned.is_some() {
            card.vocabulary = Arc::new(vocabulary);
        }
        let (read, written) = match same_embeddings(tuned, base)? {
            true => (Arc::clone(&self.read), Arc::clone(&self.written)),
            false => {
                let weights = self.weights.at(Version::Base);
                let embeddings = (weights.input_embedding()?, weights.output_embedding()?);
                sides(embeddings, &self.device)?
            }
        };
        Ok(BaseSide {
            card: Arc::new(card),
            read,
            written,
            embedding_views: EmbeddingViews::default(),
            mask: None,
            undertrained: None,
            to_tuned,
        })
    }
}

/// For each token of a vocabulary, that of another one with the same string; `None` if all of them are
/// the same tokens.
fn matched(base: &Vocabulary, tuned: &Vocabulary) -> Option<Vec<Option<u32>>> {
    let string = |vocabulary: &Vocabulary, id: usize| {
        vocabulary
            .token(id as u32)
            .map(|token| token.raw.to_string())
    };
    let same = base.rows() == tuned.rows()
        && (0..base.rows()).all(|id| string(base, id) == string(tuned, id));
    if same {
        return None;
    }
    let ids = (0..tuned.rows()).filter_map(|id| Some((string(tuned, id)?, id as u32)));
    let ids: HashMap<String, u32> = ids.collect();
    let of = |id| ids.get(&string(base, id)?).copied();
    Some((0..base.rows()).map(of).collect())
}

/// Whether two models have the same numbers in their embeddings.
fn same_embeddings(tuned: &Checkpoint, base: &Checkpoint) -> Result<bool, QueryError> {
    let (spec, other) = (tuned.spec(), base.spec());
    if spec.vocab != other.vocab
        || spec.embedding_width != other.embedding_width
        || tuned.output_embedding().is_some() != base.output_embedding().is_some()
    {
        return Ok(false);
    }
    for side in [EmbeddingSide::Input, EmbeddingSide::Output] {
        if tuned.map_of(side)? != base.map_of(side)? {
            return Ok(false);
        }
    }
    let inputs = (tuned.embedding(), base.embedding());
    let outputs = tuned.output_embedding().zip(base.output_embedding());
    for (own, of_base) in std::iter::once(inputs).chain(outputs) {
        for first in (0..spec.vocab).step_by(ROWS) {
            let rows = first..spec.vocab.min(first + ROWS);
            let width = 0..spec.embedding_width;
            let own = tuned.block(own, rows.clone(), width.clone())?;
            if own.data() != base.block(of_base, rows, width)?.data() {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
