//! The tokenizer that a GGUF file holds: tokens and their types for lists; merges or scores, which
//! are only read once a text asks for them.

mod byte_pairs;
mod pre_tokenizers;
mod sentence_pieces;
mod word_pieces;

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::added::AddedToken;
use super::assembly::template;
use super::error::{VocabularyError, short};
use super::listing::Listing;
use super::recipe::{Later, ModelSource, Recipe};
use super::settings::TokenizerSettings;
use super::token::Style;

const FILE: &str = "the GGUF file's tokenizer";

/// What a GGUF file says of its tokenizer, under `tokenizer.ggml.…`.
#[derive(Clone, Debug, Default)]
pub struct GgufTokenizer {
    /// `model`: the kind of tokenizer.
    pub model: String,
    /// `pre`: how texts are cut into words, by name.
    pub pre: Option<String>,
    /// `tokens`, in the order of their ids.
    pub tokens: Vec<String>,
    /// `token_type`; a token without one is normal.
    pub token_types: Vec<u64>,
    pub special_ids: GgufSpecialIds,
    /// `add_bos_token`, `add_eos_token`.
    pub add_bos: Option<bool>,
    pub add_eos: Option<bool>,
    /// `add_space_prefix`: whether a space is put before a text.
    pub add_space_prefix: Option<bool>,
    /// `precompiled_charsmap`: which characters become which.
    pub charsmap: Vec<u8>,
    /// `tokenizer.huggingface.json`: the tokenizer.json of the model that the file was made from.
    pub tokenizer_json: Option<Cow<'static, [u8]>>,
    /// `tokenizer.chat_template`.
    pub chat_template: Option<String>,
    /// What only texts need.
    pub for_texts: Later<GgufTextParts>,
}

/// Ids of special tokens, each as its key has it (`bos_token_id` …).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GgufSpecialIds {
    pub bos: Option<u32>,
    pub eos: Option<u32>,
    pub unknown: Option<u32>,
    pub separator: Option<u32>,
    pub cls: Option<u32>,
    pub mask: Option<u32>,
}

/// What only texts need of a GGUF file.
#[derive(Clone, Debug, Default)]
pub struct GgufTextParts {
    /// `tokens`.
    pub tokens: Vec<String>,
    /// `merges`: two tokens and a space between them.
    pub merges: Vec<String>,
    /// `scores`, in the order of the tokens.
    pub scores: Vec<f32>,
}

/// What a token is, by `token_type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenType {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

impl TokenType {
    fn of(number: u64) -> Self {
        match number {
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => Self::Normal,
        }
    }
}

/// The parts of a tokenizer that its kind decides.
struct KindParts {
    style: Style,
    model: ModelSource,
    normalizer: Value,
    pre_tokenizer: Value,
    /// Ids around a text.
    before: Option<u32>,
    after: Option<u32>,
    /// Whether something stands for what cannot be spelled.
    has_unknown: bool,
    /// Whether the mask takes the spaces before it.
    mask_takes_spaces: bool,
}

/// # Errors
/// A kind of tokenizer that is not known, or a tokenizer.json inside that does not parse.
pub(super) fn read(file: &GgufTokenizer) -> Result<Listing, VocabularyError> {
    if let Some(bytes) = &file.tokenizer_json {
        return super::single::read(bytes.clone(), None, &TokenizerSettings::default());
    }
    let parts = match file.model.as_str() {
        "gpt2" => byte_pairs::parts(file),
        "llama" => sentence_pieces::by_merges(file),
        "gemma4" => sentence_pieces::with_merges(file),
        "t5" => sentence_pieces::unigram_model(file),
        "bert" => word_pieces::parts(file),
        other => {
            return Err(VocabularyError::GgufModel {
                got: short(other),
                known: "gpt2, llama, t5, bert, gemma4",
            });
        }
    };
    Ok(listing(file, parts))
}

fn listing(file: &GgufTokenizer, parts: KindParts) -> Listing {
    let mut tokens = Vec::with_capacity(file.tokens.len());
    let mut added = Vec::new();
    for (raw, id) in file.tokens.iter().zip(0u32..) {
        let kind = file.token_type(id);
        if kind == TokenType::Unused && is_filler(raw, id) {
            continue;
        }
        let content = file.own(raw, kind);
        if !file.is_added(&content, kind) {
            tokens.push((content.into_owned(), id));
            continue;
        }
        let special = kind != TokenType::UserDefined;
        let token = AddedToken {
            content: content.into_owned(),
            normalized: Some(false),
            lstrip: parts.mask_takes_spaces && Some(id) == file.special_ids.mask,
            special,
            ..AddedToken::default()
        };
        added.push((token, id));
    }
    let named = |id: Option<u32>| {
        let id = id?;
        let raw = file.tokens.get(id as usize)?;
        Some((file.own(raw, file.token_type(id)).into_owned(), id))
    };
    let unknown = file.unknown_name().filter(|_| parts.has_unknown);
    Listing {
        file: FILE,
        style: parts.style,
        unknown,
        recipe: Recipe {
            model: parts.model,
            normalizer: parts.normalizer,
            pre_tokenizer: parts.pre_tokenizer,
            post_processor: template(named(parts.before), named(parts.after)),
            added: vec![added.iter().map(|(token, _)| token.clone()).collect()],
            split_special: false,
            unlisted: None,
        },
        tokens,
        added,
        notices: Vec::new(),
    }
}

/// A row that the converter filled, since the embedding has more rows than the tokenizer has tokens.
fn is_filler(raw: &str, id: u32) -> bool {
    let number = raw
        .strip_prefix("[PAD")
        .and_then(|rest| rest.strip_suffix(']'));
    number.is_some_and(|number| number == id.to_string())
}

impl GgufTokenizer {
    fn token_type(&self, id: u32) -> TokenType {
        let kind = self.token_types.get(id as usize).copied();
        kind.map_or(TokenType::Normal, TokenType::of)
    }

    fn kinds(&self) -> Vec<TokenType> {
        (0u32..)
            .zip(&self.tokens)
            .map(|(id, _)| self.token_type(id))
            .collect()
    }

    /// The string of the unknown token.
    fn unknown_name(&self) -> Option<String> {
        let id = self.special_ids.unknown.or_else(|| self.first_unknown())?;
        self.tokens.get(id as usize).cloned()
    }

    fn first_unknown(&self) -> Option<u32> {
        let kinds = self.token_types.iter().copied().map(TokenType::of);
        let mut unknown = kinds
            .zip(0u32..)
            .filter(|(kind, _)| *kind == TokenType::Unknown);
        unknown.next().map(|(_, id)| id)
    }

    /// A token as the model's own files write it.
    fn own<'t>(&self, raw: &'t str, kind: TokenType) -> Cow<'t, str> {
        match self.model.as_str() {
            "bert" => word_pieces::own(raw, kind),
            "llama" | "gemma4" | "t5" => sentence_pieces::own(raw, kind),
            _ => Cow::Borrowed(raw),
        }
    }

    /// Whether a token, as [`Self::own`] has it, is found in a text before the model reads it.
    fn is_added(&self, own: &str, kind: TokenType) -> bool {
        match kind {
            TokenType::Control | TokenType::Unknown => true,
            TokenType::UserDefined => !sentence_pieces::is_spaces(own),
            TokenType::Normal | TokenType::Unused | TokenType::Byte => false,
        }
    }

    /// A model that is put together once a text asks for it, from all tokens as the model's own files
    /// write them.
    fn deferred(
        &self,
        build: impl Fn(Vec<(String, u32)>, GgufTextParts) -> Result<Value, String>
        + Send
        + Sync
        + 'static,
    ) -> ModelSource {
        // Without the list, which is read again: for most models no text ever asks.
        let file = Self {
            model: self.model.clone(),
            token_types: self.token_types.clone(),
            for_texts: self.for_texts.clone(),
            ..Self::default()
        };
        ModelSource::Deferred(Box::new(move || {
            let mut parts = file.for_texts.read()?;
            let raw = std::mem::take(&mut parts.tokens);
            let own = raw.iter().zip(0u32..).map(|(raw, id)| {
                let own = file.own(raw, file.token_type(id));
                (own.into_owned(), id)
            });
            build(own.collect(), parts)
        }))
    }
}

/// A vocabulary as tokenizer.json has it.
fn vocabulary(tokens: &[(String, u32)]) -> Value {
    let entries = tokens.iter().map(|(token, id)| (token.clone(), json!(id)));
    Value::Object(entries.collect::<Map<_, _>>())
}
