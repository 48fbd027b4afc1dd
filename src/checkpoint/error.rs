//! What can be wrong with a checkpoint: what, where, and what to do, in one line.

use std::fmt;
use std::io;
use std::ops::Range;

use thiserror::Error;

use crate::hub::HubError;
use crate::outside::{FileError, escape};

/// Why a checkpoint could not be found, opened or read. A `file` is a path, or
/// `name/file` for a bundled one.
#[derive(Debug, Error)]
pub enum CheckpointError {
    #[error("{name}: no such model: {advice}")]
    NotFound { name: String, advice: String },
    #[error(
        "{path}: expected a folder, got a file: give the folder that holds config.json and the weights, or a file of GGUF"
    )]
    NotAFolder { path: String },
    /// The hub has it not, or does not give it; with what is spelled alike.
    #[error("{error}{alike}")]
    Hub { error: HubError, alike: String },
    #[error(
        "{tuned} and {base} cannot be compared: expected two models of one shape, got {what} {got} in \
         the one and {expected} in the other"
    )]
    NotComparable {
        tuned: String,
        base: String,
        what: &'static str,
        got: String,
        expected: String,
    },
    #[error("{adapter}: this adapter {why}; or give its base with --base MODEL")]
    NoBase { adapter: String, why: String },
    #[error(
        "{id}: expected weights in one of {looked_for}, got {got}; choose a model that has them"
    )]
    NoWeights {
        id: String,
        looked_for: String,
        got: String,
    },
    #[error(
        "{id}: no tokenizer that can be read: expected one of {expected}, got {got}; choose a model that has one"
    )]
    NoTokenizer {
        id: String,
        expected: &'static str,
        got: String,
    },
    #[error("{file}: cannot be read: {error}")]
    Io { file: String, error: io::Error },
    /// In the place of a file lies something that is none.
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{folder}: no {missing}: expected {expected}; give the folder of a whole checkpoint")]
    MissingFile {
        folder: String,
        missing: &'static str,
        expected: String,
    },
    #[error(
        "{file}: expected {expected} bytes, got {got}: the file is cut short or was changed; get it again"
    )]
    Length {
        file: String,
        expected: u64,
        got: u64,
    },
    #[error("{file}: {size} bytes, expected at most {limit}: this cannot be the right file")]
    TooLarge { file: String, size: u64, limit: u64 },
    /// A file that contradicts its format; `what` says what was expected, what was got, what to do.
    #[error("{file}: {what}")]
    Damaged { file: String, what: String },
    #[error("{file}: `{key}`: expected {expected}, got {got}; correct it or get the file again")]
    Config {
        file: String,
        key: String,
        expected: String,
        got: String,
    },
    #[error(
        "{file}: `{key}`: expected {expected}, got {got}; models of another kind cannot be opened yet"
    )]
    Unlike {
        file: String,
        key: String,
        expected: String,
        got: String,
    },
    #[error(
        "{file}: unknown `model_type` {got}: expected one of the {known} that `lexiscope models --families` \
         lists; only these can be opened{refusal}"
    )]
    UnknownFamily {
        file: String,
        got: String,
        /// How many are known.
        known: usize,
        /// Why models of this kind are not read and what they could have, or nothing.
        refusal: String,
    },
    #[error(
        "{file}: unknown `general.architecture` {got}: expected one of {known}; only these can be \
         opened"
    )]
    UnknownArchitecture {
        file: String,
        got: String,
        known: String,
    },
    #[error("{folder}: expected one model, got several GGUF files: {got}; give the path of one")]
    SeveralModels { folder: String, got: String },
    #[error("{place}: no tensor {tensor}: expected it {why}; {advice}")]
    MissingTensor {
        place: String,
        tensor: String,
        why: String,
        advice: String,
    },
    #[error(
        "{tensor} in {file}: expected shape {expected:?}, as {described_by} has it, got {got:?}; \
         {}", described_by.advice()
    )]
    Shape {
        tensor: String,
        file: String,
        expected: Vec<usize>,
        /// What says so.
        described_by: DescribedBy,
        got: Vec<usize>,
    },
    #[error(
        "{tensor} in {file}: expected F32, F16, BF16 or F64 numbers, got {got}; \
         save the checkpoint unquantized"
    )]
    Dtype {
        tensor: String,
        file: String,
        got: String,
    },
    #[error(
        "{tensor} in {file}: stored as {got}, which cannot be read yet; take a file of the model in \
         Q4_K_M, Q8_0, F16 or another of the common types"
    )]
    BlockType {
        tensor: String,
        file: String,
        got: String,
    },
    #[error("{tensor} in {file}: expected plain numbers, got {what}: {advice}")]
    Packed {
        tensor: String,
        file: String,
        what: String,
        advice: &'static str,
    },
    #[error(
        "{tensor} in {file}: expected shape {expected:?}, got an empty placeholder {got:?}, as DeepSpeed \
         ZeRO-3 leaves where the numbers lie apart: gather them with zero_to_fp32.py, or save with \
         stage3_gather_16bit_weights_on_model_save"
    )]
    Placeholder {
        tensor: String,
        file: String,
        expected: Vec<usize>,
        got: Vec<usize>,
    },
    #[error("{folder}: expected config.json and weights, got {holds}: {advice}")]
    Elsewhere {
        folder: String,
        holds: String,
        advice: String,
    },
    #[error(
        "{id}: expected plain numbers, for which its sizes need {needed} bytes or more, got pickled \
         weights of {got} bytes and {key} in config.json: quantised weights are read from safetensors alone; \
         take the one that it was made from, or dequantise it and save that"
    )]
    QuantisedPickle {
        id: String,
        key: &'static str,
        needed: u64,
        got: u64,
    },
    #[error(
        "{tensor} in {file}: expected weights as they are used, got quantised ones, which {scale} \
         is yet to scale; take the checkpoint that is not quantised"
    )]
    Scaled {
        tensor: String,
        file: String,
        scale: String,
    },
    #[error(
        "{tensor} in {file}: expected a finite number at [{row}, {col}], got {value}: the weights \
         are damaged or overflowed; get or save them again"
    )]
    NotFinite {
        tensor: String,
        file: String,
        row: usize,
        col: usize,
        value: f32,
    },
    #[error("{tensor} in {file}: expected a block inside {shape:?}, got {rows:?} × {cols:?}")]
    Outside {
        tensor: String,
        file: String,
        shape: Vec<usize>,
        rows: Range<usize>,
        cols: Range<usize>,
    },
}

/// Where it is said which tensors a checkpoint has and of which shapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DescribedBy {
    ConfigJson,
    /// The header of a GGUF file.
    Header,
}

impl DescribedBy {
    /// What to do where the tensors are others.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::ConfigJson => "take config.json and weights from the same checkpoint",
            Self::Header => "get it again, or take another file of the model",
        }
    }
}

impl fmt::Display for DescribedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConfigJson => "config.json",
            Self::Header => "the file's header",
        })
    }
}

impl From<HubError> for CheckpointError {
    fn from(error: HubError) -> Self {
        let alike = String::new();
        Self::Hub { error, alike }
    }
}

impl CheckpointError {
    pub(super) fn damaged(file: &str, what: impl AsRef<str>) -> Self {
        Self::Damaged {
            file: file.to_string(),
            what: one_line(what.as_ref()),
        }
    }

    pub(super) fn io(file: &str, error: io::Error) -> Self {
        Self::Io {
            file: file.to_string(),
            error,
        }
    }
}

/// Text from a file, fit for one line of a message: control characters escaped, long texts cut.
pub(super) fn one_line(text: &str) -> String {
    escape::short(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_message_to_one_line_of_bounded_length() {
        let error = CheckpointError::damaged("a.bin", format!("x\ny\u{1b}[31m{}", "z".repeat(999)));
        let text = error.to_string();
        assert!(text.starts_with("a.bin: x\\ny\\u{1b}[31mzzz"), "{text}");
        assert!(text.chars().count() < 450 && text.ends_with('…'));
    }
}
