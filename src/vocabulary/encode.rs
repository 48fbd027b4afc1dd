//! Texts -> token ids. Building a tokenizer takes longer than listing its tokens, and most
//! questions need only the list: it is built at the first text.

use std::borrow::Cow;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::Deserialize;
use serde_json::Value;
use tokenizers::Tokenizer;

use super::VocabularyError;

/// What a tokenizer is built from.
pub(super) enum Recipe {
    /// A tokenizer.json.
    File(Cow<'static, [u8]>),
    /// The same, put together from older files.
    Assembled(Value),
}

impl Recipe {
    /// The parser of tokenizer.json panics on a damaged `precompiled_charsmap` (tokenizers 0.23,
    /// normalizers/mod.rs unwraps it): to us that is a file that cannot be read, like any other.
    fn build(&self) -> Result<Tokenizer, String> {
        panic::catch_unwind(AssertUnwindSafe(|| self.parse()))
            .unwrap_or_else(|_| Err("a part of the tokenizer is damaged".to_owned()))
    }

    fn parse(&self) -> Result<Tokenizer, String> {
        let tokenizer = match self {
            Self::File(bytes) => serde_json::from_slice(bytes),
            Self::Assembled(value) => Tokenizer::deserialize(value),
        };
        let mut tokenizer: Tokenizer = tokenizer.map_err(|e| one_line(&e))?;
        // Texts are read whole; how a model was trained to be fed is not the tokenizer's matter.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|e| one_line(&e))?;
        Ok(tokenizer)
    }
}

/// A text and its ids.
type Kept = (Arc<str>, Arc<[u32]>);

/// Reads texts, and remembers the last one: filters ask for the same again and again.
pub(super) struct Encoder {
    recipe: Recipe,
    tokenizer: OnceLock<Result<Tokenizer, String>>,
    last: Mutex<Option<Kept>>,
}

impl Encoder {
    pub(super) fn new(recipe: Recipe) -> Self {
        Self {
            recipe,
            tokenizer: OnceLock::new(),
            last: Mutex::new(None),
        }
    }

    /// `special`: with the tokens that the tokenizer puts around a text.
    pub(super) fn encode(&self, text: &str, special: bool) -> Result<Vec<u32>, VocabularyError> {
        let failed = |problem| VocabularyError::Encode { problem };
        let tokenizer = self.tokenizer.get_or_init(|| self.recipe.build());
        let tokenizer = tokenizer.as_ref().map_err(|e| failed(e.clone()))?;
        let encoding = tokenizer.encode_fast(text, special);
        Ok(encoding
            .map_err(|e| failed(one_line(&e)))?
            .get_ids()
            .to_vec())
    }

    pub(super) fn encode_kept(&self, text: &Arc<str>) -> Result<Arc<[u32]>, VocabularyError> {
        // What the lock guards is replaced whole, so a poisoned one is still sound.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, ids)) = last.as_ref().filter(|(kept, _)| kept == text) {
            return Ok(Arc::clone(ids));
        }
        let ids: Arc<[u32]> = self.encode(text, false)?.into();
        *last = Some((Arc::clone(text), Arc::clone(&ids)));
        Ok(ids)
    }
}

fn one_line(error: &dyn ToString) -> String {
    error.to_string().replace(['\n', '\r'], " ")
}
