//! What can be wrong with a tokenizer.

use thiserror::Error;

use super::chat::ChatError;

/// Why a vocabulary could not be read. Every message is one line: the file, what was expected,
/// what was got, what to do.
#[derive(Debug, Error)]
pub enum VocabularyError {
    #[error(
        "no tokenizer: expected tokenizer.json, vocab.json with merges.txt, vocab.txt, tokenizer.model, \
         sentencepiece.bpe.model or tekken.json, got {got}; put the model's tokenizer files beside its \
         weights"
    )]
    Missing { got: &'static str },

    #[error("{file}: expected UTF-8, got something else at byte {at}; fetch the file again")]
    NotUtf8 { file: &'static str, at: usize },

    #[error("{file}: expected a tokenizer's JSON, got an error: {problem}; fetch the file again")]
    Json { file: &'static str, problem: String },

    #[error("{file}: expected a vocabulary, got no token at all; fetch the file again")]
    Empty { file: &'static str },

    #[error(
        "{file}: expected ids below {rows}, the rows of the embedding, got ids from {id} on; \
         take the tokenizer and the weights from the same model"
    )]
    BeyondRows {
        file: &'static str,
        id: u32,
        rows: usize,
    },

    #[error(
        "{file}: expected tokens of at most {longest} bytes, got one of {bytes} (id {id}); \
         fetch the file again"
    )]
    LongToken {
        file: &'static str,
        id: u32,
        bytes: usize,
        longest: usize,
    },

    #[error("{file}: expected {expected}, got {got:?} as line {number}; fetch the file again")]
    BadLine {
        file: &'static str,
        number: usize,
        expected: &'static str,
        got: String,
    },

    #[error("{file}: expected a SentencePiece model, got {problem}; fetch the file again")]
    NotSentencePiece { file: &'static str, problem: String },

    #[error(
        "{file}: expected one token an id, got {first:?} and {second:?} for id {id}; \
         fetch the file again"
    )]
    SameId {
        file: &'static str,
        id: u32,
        first: String,
        second: String,
    },

    #[error(
        "{file}: expected merges of known tokens, got {merge:?} as merge {number}, and {unknown:?} \
         is not in the vocabulary; take the vocabulary and the merges from the same model"
    )]
    UnknownMerge {
        file: &'static str,
        number: usize,
        merge: String,
        unknown: String,
    },

    #[error(
        "{file}: expected two tokens and a space between them, got {merge:?} as merge {number}; \
         fetch the file again"
    )]
    BadMerge {
        file: &'static str,
        number: usize,
        merge: String,
    },

    #[error(
        "the GGUF file's tokenizer: expected one of the kinds {known}, got {got:?} \
         (tokenizer.ggml.model); take the model with its tokenizer.json"
    )]
    GgufModel { got: String, known: &'static str },

    #[error(
        "{word:?} is not in the vocabulary: expected a word that its tokens can spell, or a token's \
         own string; try another spelling"
    )]
    UnknownWord { word: String },

    #[error("no word to look up: expected a word, a beginning such as dom*, or an expression /…/")]
    NoWord,

    #[error("/{expression}/ is no regular expression: {problem}")]
    Expression { expression: String, problem: String },

    #[error("no token of the vocabulary {what}{advice}; try a beginning (dom*) or /…/")]
    Unmatched { what: String, advice: String },

    #[error("the tokenizer cannot read texts: {problem}; its tokens can still be listed")]
    Encode { problem: String },

    #[error(
        "the text has token {id}, and the embedding has only {rows} rows: take the tokenizer and the \
         weights from the same model"
    )]
    NoRow { id: u32, rows: usize },

    #[error(
        "expected a text of at most {longest} bytes, got {bytes}; cut it into several, a line each"
    )]
    LongText { bytes: usize, longest: usize },

    #[error(transparent)]
    Chat(#[from] ChatError),
}

/// A token as an error message shows it: no longer than a line bears.
pub(super) fn short(token: &str) -> String {
    const LONGEST: usize = 40;
    let mut short: String = token.chars().take(LONGEST).collect();
    if short.len() < token.len() {
        short.push('…');
    }
    short
}

/// What another parser says, as a part of a line: it may repeat what a file holds.
pub(super) fn one_line(error: &dyn std::fmt::Display) -> String {
    const LONGEST: usize = 240;
    let error = error.to_string();
    let mut line: String = error.chars().take(LONGEST).collect();
    line.retain(|c| !c.is_control());
    if line.len() < error.len() && error.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}
