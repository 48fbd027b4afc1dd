//! Texts -> token ids, through one guarded door. Building a tokenizer takes longer than listing its
//! tokens, and most questions need only the list: it is built at the first text.
//!
//! What a tokenizer's file asks for is not ours: a part may panic, or take hours. So a tokenizer is
//! built and run on a thread of its own, whose panics are errors and which is left behind when it
//! takes too long; what may grow is bounded in [`super::steps`].

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use tokenizers::{
    AddedToken, DecoderWrapper, ModelWrapper, PostProcessorWrapper, TokenizerBuilder, TokenizerImpl,
};

use super::error::{VocabularyError, one_line};
use super::recipe::{ModelSource, Recipe, Unlisted};
use super::single::stale_merge;
use super::steps::{self, Normalizers, PreTokenizers};

/// What is said of a tokenizer that panics.
const DAMAGED: &str = "a part of it is damaged";
/// Bytes of the longest text that is read at once.
const LONGEST_TEXT: usize = 2 << 20;
/// Added tokens, each of which is looked for in every text.
const MOST_ADDED: usize = 100_000;
/// Letters of the longest word that WordPiece tries: its time grows with the cube of them.
const LONGEST_WORD: usize = 1000;
/// What a text may take. The largest tokenizers are built in seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// The name of the threads that run tokenizers.
const THREAD: &str = "tokenizer";

type Tokenizer =
    TokenizerImpl<ModelWrapper, Normalizers, PreTokenizers, PostProcessorWrapper, DecoderWrapper>;

/// A text and its ids.
type Kept = (Arc<str>, Arc<[u32]>);

/// Reads texts, and remembers the last one: filters ask for the same again and again.
pub(super) struct Encoder {
    source: Arc<Source>,
    last: Mutex<Option<Kept>>,
}

/// What the thread of a text shares with those of others.
struct Source {
    recipe: Recipe,
    tokenizer: OnceLock<Result<Tokenizer, String>>,
    /// The same, which reads special tokens in a text as letters, all but a mask.
    literal: OnceLock<Result<Tokenizer, String>>,
    /// A text took too long: no other is begun.
    stuck: AtomicBool,
}

impl Encoder {
    pub(super) fn new(recipe: Recipe) -> Self {
        Self {
            source: Arc::new(Source {
                recipe,
                tokenizer: OnceLock::new(),
                literal: OnceLock::new(),
                stuck: AtomicBool::new(false),
            }),
            last: Mutex::new(None),
        }
    }

    /// `special`: with the tokens that the tokenizer puts around a text.
    pub(super) fn encode(&self, text: &str, special: bool) -> Result<Vec<u32>, VocabularyError> {
        self.encode_as(text, special, false)
    }

    /// Whether a text holds a special token other than a mask, as it is written.
    pub(super) fn holds_special(&self, text: &str) -> bool {
        let added = self.source.recipe.added.iter().flatten();
        let mut special = added.filter(|token| token.special && !is_mask(&token.content));
        special.any(|token| text.contains(&token.content))
    }

    /// `special`: with the tokens that the tokenizer puts around a text; `literal`: special tokens in
    /// the text itself are read as letters, all but a mask.
    pub(super) fn encode_as(
        &self,
        text: &str,
        special: bool,
        literal: bool,
    ) -> Result<Vec<u32>, VocabularyError> {
        if text.len() > LONGEST_TEXT {
            return Err(VocabularyError::LongText {
                bytes: text.len(),
                longest: LONGEST_TEXT,
            });
        }
        let source = Arc::clone(&self.source);
        let text = text.to_owned();
        let ids = match self.source.stuck.load(Ordering::Relaxed) {
            true => Err(too_long()),
            false => guarded(PATIENCE, move || source.encode(&text, special, literal)),
        };
        ids.map_err(|problem| {
            if problem == too_long() {
                self.source.stuck.store(true, Ordering::Relaxed);
            }
            VocabularyError::Encode { problem }
        })
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

    /// The ids of the text that was encoded last; `None` of another, or while one is encoded.
    pub(super) fn kept(&self, text: &Arc<str>) -> Option<Arc<[u32]>> {
        let last = self.last.try_lock().ok()?;
        let kept = last.as_ref().filter(|(kept, _)| kept == text);
        kept.map(|(_, ids)| Arc::clone(ids))
    }
}

impl Source {
    fn encode(&self, text: &str, special: bool, literal: bool) -> Result<Vec<u32>, String> {
        let tokenizer = match literal {
            false => self.tokenizer.get_or_init(|| build(&self.recipe, false)),
            true => self.literal.get_or_init(|| build(&self.recipe, true)),
        };
        let tokenizer = tokenizer.as_ref().map_err(Clone::clone)?;
        let encoding = tokenizer.encode_fast(text, special);
        if let Some(fault) = steps::fault() {
            return Err(one_line(&fault));
        }
        let encoding = encoding.map_err(|error| one_line(&error))?;
        let ids = encoding.get_ids().iter().copied();
        Ok(match self.recipe.unlisted {
            Some(unlisted) => ids.map(|id| listed(id, unlisted)).collect(),
            None => ids.collect(),
        })
    }
}

/// The id in the vocabulary of one that the model uses.
fn listed(id: u32, unlisted: Unlisted) -> u32 {
    match id.checked_sub(unlisted.first) {
        None => id,
        Some(beyond) if beyond < unlisted.count => unlisted.unknown,
        Some(_) => id - unlisted.count,
    }
}

/// Runs something on a thread of its own.
///
/// # Errors
/// What it says itself, that it panicked, or that it takes too long: then it is left behind.
fn guarded<T: Send + 'static>(
    patience: Duration,
    run: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    hush_panics();
    let (send, result) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name(THREAD.to_owned());
    let spawned = thread.spawn(move || {
        let done = panic::catch_unwind(AssertUnwindSafe(run));
        let done = done.unwrap_or_else(|_| Err(DAMAGED.to_owned()));
        // Who asked may have gone.
        let _unheard = send.send(done);
    });
    if let Err(error) = spawned {
        return Err(format!("the system gives no thread: {error}"));
    }
    match result.recv_timeout(patience) {
        Ok(done) => done,
        Err(RecvTimeoutError::Timeout) => Err(too_long()),
        Err(RecvTimeoutError::Disconnected) => Err(DAMAGED.to_owned()),
    }
}

fn too_long() -> String {
    format!("a text took longer than {} s", PATIENCE.as_secs())
}

/// A panic of a tokenizer is an error like any other: what is printed of it goes to the log.
fn hush_panics() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| match thread::current().name() {
            Some(THREAD) => tracing::warn!("{info}"),
            _ => before(info),
        }));
    });
}

/// The strings of masks; what a tokenizer's files call one is spelt so in all of them.
const MASKS: [&str; 2] = ["[MASK]", "<mask>"];

/// Whether a special token is a mask.
pub(super) fn is_mask(token: &str) -> bool {
    MASKS.contains(&token)
}

/// The model of a tokenizer.json.
fn model_of(bytes: &[u8]) -> Result<ModelWrapper, String> {
    #[derive(Deserialize)]
    struct File {
        model: ModelWrapper,
    }
    // Of some merges the tokenizer says that they join no tokens, at others it panics.
    let read = || serde_json::from_slice(bytes).map(|file: File| file.model);
    let read = panic::catch_unwind(AssertUnwindSafe(read));
    let stale = || stale_merge(bytes).map(|error| error.to_string());
    match read {
        Ok(read) => read.map_err(|error| stale().unwrap_or_else(|| one_line(&error))),
        Err(_) => Err(stale().unwrap_or_else(|| DAMAGED.to_owned())),
    }
}

/// `literal`: special tokens in a text are read as letters, all but a mask.
fn build(recipe: &Recipe, literal: bool) -> Result<Tokenizer, String> {
    let model = match &recipe.model {
        ModelSource::File(bytes) => model_of(bytes),
        ModelSource::Again(again) => model_of(&again.read()?),
        ModelSource::Built(value) => ModelWrapper::deserialize(value).map_err(|e| one_line(&e)),
        ModelSource::Deferred(build) => {
            ModelWrapper::deserialize(build()?).map_err(|e| one_line(&e))
        }
        ModelSource::Refused(why) => return Err(why.clone()),
    };
    let mut model = model?;
    match &mut model {
        // For training: with it, one text has other tokens each time.
        ModelWrapper::BPE(model) => model.dropout = None,
        ModelWrapper::WordPiece(model) if model.max_input_chars_per_word > LONGEST_WORD => {
            return Err(format!(
                "its WordPiece model reads words of {} letters, expected at most {LONGEST_WORD}",
                model.max_input_chars_per_word
            ));
        }
        ModelWrapper::WordPiece(_) | ModelWrapper::WordLevel(_) | ModelWrapper::Unigram(_) => {}
    }
    let added: usize = recipe.added.iter().map(Vec::len).sum();
    if added > MOST_ADDED {
        return Err(format!(
            "it has {added} added tokens, expected at most {MOST_ADDED}"
        ));
    }
    // Padding and truncation are left out: texts are read whole, how a model was trained to be fed
    // is not the tokenizer's matter. A decoder is not needed.
    let tokenizer = TokenizerBuilder::new()
        .with_model(model)
        .with_normalizer(Normalizers::parse(&recipe.normalizer)?)
        .with_pre_tokenizer(PreTokenizers::parse(&recipe.pre_tokenizer)?)
        .with_post_processor(steps::post_processor(&recipe.post_processor)?)
        .with_decoder(None)
        .build();
    let mut tokenizer = tokenizer.map_err(|error| one_line(&error))?;
    tokenizer.set_encode_special_tokens(recipe.split_special || literal);
    for group in &recipe.added {
        let tokens = group.iter().map(|token| AddedToken {
            content: token.content.clone(),
            single_word: token.single_word,
            lstrip: token.lstrip,
            rstrip: token.rstrip,
            normalized: token.normalized.unwrap_or(!token.special),
            special: token.special && !(literal && is_mask(&token.content)),
        });
        tokenizer
            .add_tokens(tokens)
            .map_err(|error| one_line(&error))?;
    }
    Ok(tokenizer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_what_takes_too_long_is_left_behind() {
        let damaged = guarded(PATIENCE, || -> Result<(), String> { panic!("on purpose") });
        assert_eq!(damaged, Err("a part of it is damaged".to_owned()));
        let (hold, wait) = mpsc::channel::<()>();
        let late = guarded(Duration::ZERO, move || {
            let _released = wait.recv();
            Ok(())
        });
        assert_eq!(late, Err(too_long()));
        drop(hold);
        assert_eq!(guarded(PATIENCE, || Ok(7)), Ok(7));
    }
}
