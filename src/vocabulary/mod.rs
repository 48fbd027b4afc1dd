//! Ids, strings, visible text, token classes, filter masks.

mod added;
mod assembly;
mod byte_pairs;
mod chat;
mod encode;
mod error;
mod fairseq;
mod file_sets;
mod filter;
mod gguf;
mod json_values;
mod listing;
mod load;
mod mask;
mod merges;
mod pattern;
mod protobuf;
mod recipe;
mod sentence_piece_classes;
mod sentence_piece_parts;
mod sentence_pieces;
mod settings;
mod single;
mod spelling;
mod steps;
mod strftime;
mod tiktoken;
mod token;
mod tokenizer_class;
mod undertrained;
mod visible;
mod word;
mod word_pieces;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use chat::ChatFiles;
use encode::Encoder;
use spelling::Spellings;
use visible::Class;

pub use chat::{ChatError, ChatMessage, ChatTemplate};
pub use error::VocabularyError;
pub use filter::{FileSource, Filters, Text, TextCount, Words};
pub use gguf::{GgufSpecialIds, GgufTextParts, GgufTokenizer};
pub use mask::Mask;
pub use pattern::Pattern;
pub use recipe::Later;
pub use strftime::Moment;
pub use token::{Boundary, Token};
pub use undertrained::Undertrained;
pub use word::Word;

/// The tokenizer's files, as far as they are there.
#[derive(Clone, Debug, Default)]
pub struct TokenizerFiles {
    pub tokenizer_json: Option<Cow<'static, [u8]>>,
    /// The same once more: with it the bytes are not kept until the first text.
    pub tokenizer_json_again: Option<Later<Cow<'static, [u8]>>>,
    pub vocab_json: Option<Cow<'static, [u8]>>,
    pub merges_txt: Option<Cow<'static, [u8]>>,
    pub vocab_txt: Option<Cow<'static, [u8]>>,
    pub tokenizer_config_json: Option<Cow<'static, [u8]>>,
    pub special_tokens_map_json: Option<Cow<'static, [u8]>>,
    pub added_tokens_json: Option<Cow<'static, [u8]>>,
    /// SentencePiece's model, or tiktoken's ranks.
    pub tokenizer_model: Option<Cow<'static, [u8]>>,
    pub sentencepiece_bpe_model: Option<Cow<'static, [u8]>>,
    pub spiece_model: Option<Cow<'static, [u8]>>,
    pub tekken_json: Option<Cow<'static, [u8]>>,
    /// Beside a vocab.txt that is a fairseq dictionary.
    pub bpe_codes: Option<Cow<'static, [u8]>>,
    /// Of chat models.
    pub chat_template_jinja: Option<Cow<'static, [u8]>>,
    /// The model's own, for its type and the class of its tokenizer.
    pub config_json: Option<Cow<'static, [u8]>>,
    /// What a GGUF file says of its tokenizer; counts before all files.
    pub gguf: Option<GgufTokenizer>,
}

/// What the rows of an embedding are called.
pub struct Vocabulary {
    /// By row; `None` where the embedding is padded.
    tokens: Vec<Option<Token>>,
    /// By row.
    classes: Vec<Class>,
    /// Sorted when words are first compared.
    spelled: OnceLock<SpelledRows>,
    len: usize,
    encoder: Encoder,
    unknown: Option<u32>,
    chat: ChatFiles,
    notices: Vec<String>,
}

/// The ids of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedPrompt {
    /// With the special tokens that the tokenizer puts around a text.
    pub ids: Vec<u32>,
    /// Without them.
    pub bare: Vec<u32>,
    /// Whether special tokens typed in the text were read as letters.
    pub specials_as_letters: bool,
}

/// How rows are spelled.
struct SpelledRows {
    /// By row: its number in `spellings`, or [`NO_SPELLING`].
    numbers: Vec<u32>,
    spellings: Spellings,
}

/// The spelling of a row without a token.
const NO_SPELLING: u32 = u32::MAX;

#[expect(
    clippy::len_without_is_empty,
    reason = "an empty vocabulary does not open"
)]
impl Vocabulary {
    /// Reads a tokenizer for an embedding of `rows` rows. Rows without a token never pass a mask.
    /// tokenizer.json counts before all others; without it the older files are read as the class
    /// reads them that transformers' `AutoTokenizer` would choose.
    ///
    /// # Errors
    /// No tokenizer files, files that do not parse, two of the model's tokens of one id, or no token
    /// with a row in the embedding.
    pub fn open(files: &TokenizerFiles, rows: usize) -> Result<Self, VocabularyError> {
        Self::of(files.clone(), rows)
    }

    /// The same without a copy of tokenizer.json, which is kept where it cannot be read again.
    ///
    /// # Errors
    /// As [`Vocabulary::open`].
    pub fn of(files: TokenizerFiles, rows: usize) -> Result<Self, VocabularyError> {
        let chat = ChatFiles::of(&files);
        let placed = load::load(files, rows)?;
        let style = &placed.style;
        let (tokens, classes): (Vec<_>, Vec<_>) = placed
            .rows
            .into_par_iter()
            .map(|row| row.map(|(raw, origin)| style.token(raw, origin)).unzip())
            .map(|(token, class)| (token, class.unwrap_or_default()))
            .unzip();
        Ok(Self {
            len: tokens.iter().flatten().count(),
            tokens,
            classes,
            spelled: OnceLock::new(),
            encoder: Encoder::new(placed.recipe),
            unknown: placed.unknown,
            chat,
            notices: placed.notices,
        })
    }

    /// Rows of the embedding.
    pub fn rows(&self) -> usize {
        self.tokens.len()
    }

    /// How many rows have a token.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The token of a row; `None` for a padded row and for a position.
    pub fn token(&self, id: u32) -> Option<&Token> {
        self.tokens.get(id as usize)?.as_ref()
    }

    /// A row as a person reads it: the token's text, `[pos 17]` for the row `rows() + 17`, or
    /// `[row 51199]` for a padded one.
    pub fn text(&self, id: u32) -> Cow<'_, str> {
        match (self.token(id), (id as usize).checked_sub(self.rows())) {
            (Some(token), _) => Cow::Borrowed(&token.text),
            (None, Some(position)) => Cow::Owned(format!("[pos {position}]")),
            (None, None) => Cow::Owned(format!("[row {id}]")),
        }
    }

    /// What the user should know of the tokenizer's files, a sentence each.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// The token that stands for what the vocabulary cannot spell, where there is one.
    pub fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    /// Equal in whatever case, without outer spaces. A position is the same as itself only.
    pub fn same(&self, a: u32, b: u32) -> bool {
        a == b
            || self
                .spelling(a)
                .is_some_and(|spelling| Some(spelling) == self.spelling(b))
    }

    /// The same, or one a prefix of the other or one edit apart (a letter inserted, deleted or
    /// substituted), the shorter of four letters or more. In either case.
    pub fn similar(&self, a: u32, b: u32) -> bool {
        a == b
            || self
                .spelling(a)
                .zip(self.spelling(b))
                .is_some_and(|(a, b)| self.spellings().similar(a, b))
    }

    /// Token ids of a text, without special tokens.
    ///
    /// # Errors
    /// The tokenizer has parts that are not known here or is damaged, the text is too long, or a
    /// token of it has no row.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, VocabularyError> {
        self.with_rows(self.encoder.encode(text, false)?)
    }

    /// Token ids of a text, with the special tokens that the tokenizer puts around it: `[CLS]`
    /// and `[SEP]` for BERT, none for GPT-2.
    ///
    /// # Errors
    /// As [`Vocabulary::encode`].
    pub fn encode_with_special(&self, text: &str) -> Result<Vec<u32>, VocabularyError> {
        self.with_rows(self.encoder.encode(text, true)?)
    }

    /// A text as a prompt: special tokens typed in it are read as letters, all but a mask, unless
    /// `special` says that they are meant.
    ///
    /// # Errors
    /// As [`Vocabulary::encode`].
    pub fn encode_prompt(
        &self,
        text: &str,
        special: bool,
    ) -> Result<EncodedPrompt, VocabularyError> {
        let literal = !special && self.encoder.holds_special(text);
        let encode = |around| self.with_rows(self.encoder.encode_as(text, around, literal)?);
        Ok(EncodedPrompt {
            ids: encode(true)?,
            bare: encode(false)?,
            specials_as_letters: literal,
        })
    }

    /// The chat template of the model.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn chat_template(&self) -> Result<ChatTemplate, VocabularyError> {
        Ok(self.chat.template()?)
    }

    /// The token that stands for a hidden word, where there is one.
    pub fn mask_token(&self) -> Option<u32> {
        let is_mask = |token: &Option<Token>| {
            token
                .as_ref()
                .is_some_and(|t| t.boundary == Boundary::Special && encode::is_mask(&t.raw))
        };
        let at = self.tokens.iter().position(is_mask)?;
        u32::try_from(at).ok()
    }

    /// Ids that all have rows.
    fn with_rows(&self, ids: Vec<u32>) -> Result<Vec<u32>, VocabularyError> {
        let rows = self.rows();
        match ids.iter().find(|&&id| id as usize >= rows) {
            Some(&id) => Err(VocabularyError::NoRow { id, rows }),
            None => Ok(ids),
        }
    }

    /// Whether a row is a special token or one in brackets: `[CLS]`, `</s>`, `[unused12]`.
    pub fn is_special(&self, id: u32) -> bool {
        self.classes.get(id as usize).is_some_and(|c| c.special)
    }

    /// How many tokens a text has, and how many of them are unknown.
    ///
    /// # Errors
    /// As [`Vocabulary::encode`].
    pub fn count_in(&self, text: &Arc<str>) -> Result<TextCount, VocabularyError> {
        self.ids_in(text).map(|ids| self.count(&ids))
    }

    /// The same of the text that filters judged by last; `None` of another.
    pub fn counted_in(&self, text: &Arc<str>) -> Option<TextCount> {
        self.encoder.kept(text).map(|ids| self.count(&ids))
    }

    fn count(&self, ids: &[u32]) -> TextCount {
        let unknown = ids.iter().filter(|&&id| Some(id) == self.unknown);
        TextCount {
            count: ids.len(),
            unknown: unknown.count(),
        }
    }

    fn ids_in(&self, text: &Arc<str>) -> Result<Arc<[u32]>, VocabularyError> {
        self.encoder.encode_kept(text)
    }

    fn spelling(&self, id: u32) -> Option<u32> {
        let spelling = *self.spelled().numbers.get(id as usize)?;
        (spelling != NO_SPELLING).then_some(spelling)
    }

    fn spellings(&self) -> &Spellings {
        &self.spelled().spellings
    }

    fn spelled(&self) -> &SpelledRows {
        self.spelled.get_or_init(|| {
            let texts = self.tokens.iter().flatten().map(Token::own_text);
            let (spellings, numbers) = Spellings::of(texts);
            let mut numbers = numbers.into_iter();
            let number = |token: &Option<Token>| token.as_ref().and_then(|_| numbers.next());
            let numbers = self.tokens.iter().map(number);
            SpelledRows {
                numbers: numbers
                    .map(|number| number.unwrap_or(NO_SPELLING))
                    .collect(),
                spellings,
            }
        })
    }
}
