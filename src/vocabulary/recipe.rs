//! What a tokenizer is built from, once a text asks for it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::added::AddedToken;

/// The parts of a tokenizer, each as tokenizer.json has it.
pub(super) struct Recipe {
    pub model: ModelSource,
    pub normalizer: Value,
    pub pre_tokenizer: Value,
    pub post_processor: Value,
    /// Added tokens, in the groups in which they are added.
    pub added: Vec<Vec<AddedToken>>,
    /// Whether special tokens in a text are read as any other letters.
    pub split_special: bool,
    pub unlisted: Option<Unlisted>,
}

/// Where the model itself comes from.
pub(super) enum ModelSource {
    /// The `model` of a tokenizer.json.
    File(Cow<'static, [u8]>),
    /// The same of a file that is read again when it is needed.
    Again(Later<Cow<'static, [u8]>>),
    /// The same, put together from other files.
    Built(Value),
    /// The same, put together when it is needed; or why it cannot be.
    Deferred(Box<dyn Fn() -> Result<Value, String> + Send + Sync>),
    /// Texts cannot be read, and why.
    Refused(String),
}

/// Ids that the model uses for pieces that the vocabulary does not list: all of them are unknown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unlisted {
    /// The first of them; they are the highest that the model has.
    pub first: u32,
    /// The id that each becomes.
    pub unknown: u32,
    /// What added tokens are moved by, so that they follow the listed ones.
    pub count: u32,
}

/// What is read when it is asked for, on any thread; or why it cannot be read.
pub struct Later<T>(Arc<dyn Fn() -> Result<T, String> + Send + Sync>);

impl<T> Later<T> {
    /// From a reader.
    pub fn new(read: impl Fn() -> Result<T, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    pub(super) fn read(&self) -> Result<T, String> {
        (self.0)()
    }
}

impl<T> Clone for Later<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Default> Default for Later<T> {
    fn default() -> Self {
        Self::new(|| Ok(T::default()))
    }
}

impl<T> fmt::Debug for Later<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Later")
    }
}
