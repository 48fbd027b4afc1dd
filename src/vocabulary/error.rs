//! What can be wrong with a tokenizer.

use thiserror::Error;

/// Why a vocabulary could not be read.
#[derive(Debug, Error)]
pub enum VocabularyError {}
