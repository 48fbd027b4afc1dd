//! An open model, as far as running it on texts goes.

use std::sync::Arc;

use candle_core::Device;

use super::{ModelCard, QueryError};
use crate::checkpoint::Checkpoint;
use crate::transformer::ForwardError;
use crate::vocabulary::{Vocabulary, VocabularyError};

/// An open model, as far as running it goes.
#[derive(Clone, Copy)]
pub(super) struct Model<'a> {
    pub checkpoint: &'a Checkpoint,
    pub device: &'a Device,
    pub card: &'a Arc<ModelCard>,
}

impl Model<'_> {
    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.card.vocabulary
    }

    pub(super) fn forward_error(&self, error: ForwardError) -> QueryError {
        QueryError::Forward {
            model: self.card.name.clone(),
            error: Box::new(error),
        }
    }

    pub(super) fn vocabulary_error(&self, error: VocabularyError) -> QueryError {
        QueryError::Vocabulary {
            model: self.card.name.clone(),
            error,
        }
    }

    /// That what a neuron or head does on a text is one thing.
    ///
    /// # Errors
    /// A model that runs some layers several times, or of whose layers texts pass some.
    pub(super) fn runs_layers_once(&self) -> Result<(), QueryError> {
        if self.card.family.two_stacks.is_some() {
            let what = "what a neuron or head does on texts is not told: they go through the encoder \
                        alone here";
            return Err(self.nothing(what.to_owned()));
        }
        match self.card.spec.repeated() {
            None => Ok(()),
            Some(repeated) => Err(self.nothing(format!(
                "what a neuron or head does on texts is not told: {repeated}, and does something else \
                 each time; ask for geometry, or for the words of a text (`prompt`)"
            ))),
        }
    }

    pub(super) fn nothing(&self, what: String) -> QueryError {
        QueryError::Nothing {
            model: self.card.name.clone(),
            what,
        }
    }
}
