//! How texts are cut into words before byte pairs are merged, by the name in `tokenizer.ggml.pre`.
//! The file has no more than the name: the patterns are those of the tokenizer.json of the models
//! that llama.cpp's converter gives it to.

use serde_json::{Value, json};

use super::super::assembly::{byte_level, split_then_bytes};
use super::super::byte_pairs::QWEN2_PATTERN;
use super::super::error::short;
use super::super::tiktoken::PATTERN as GPT4_PATTERN;

/// How GPT-4o's tokenizer cuts a text.
const GPT4O_PATTERN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// How Qwen3.5's tokenizer cuts a text: marks belong to letters.
const QWEN35_PATTERN: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// How Mistral's newer tokenizers cut a text.
const TEKKEN_PATTERN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// How BLOOM's tokenizer cuts a text.
const BLOOM_PATTERN: &str = r" ?[^(\s|.,!?…。，、।۔،)]+";

/// How DeepSeek's tokenizer of its third version cuts a text, one pattern after another.
const DEEPSEEK_V3_PATTERNS: [&str; 3] = [
    r"\p{N}{1,3}",
    "[一-龥\u{3040}-ゟ゠-ヿ]+",
    r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##,
];

/// The same of its models for code.
const DEEPSEEK_CODER_PATTERNS: [&str; 4] = [
    r"[\r\n]",
    r"\s?\p{L}+",
    r"\s?\p{P}+",
    "[一-龥ࠀ-一가-\u{d7ff}]+",
];

/// What a name stands for.
pub(super) struct PreTokenizer {
    pub normalizer: Value,
    pub pre_tokenizer: Value,
    /// Whether a word that is a token stays one.
    pub ignore_merges: bool,
    /// Whether texts begin with the bos token where the file does not say.
    pub add_bos: bool,
}

impl PreTokenizer {
    /// Where texts cannot be read.
    pub(super) fn none() -> Self {
        Self::of(Value::Null)
    }

    fn of(pre_tokenizer: Value) -> Self {
        Self {
            normalizer: Value::Null,
            pre_tokenizer,
            ignore_merges: false,
            add_bos: false,
        }
    }

    fn composed(self) -> Self {
        Self {
            normalizer: json!({ "type": "NFC" }),
            ..self
        }
    }

    fn whole_words(self) -> Self {
        Self {
            ignore_merges: true,
            add_bos: true,
            ..self
        }
    }
}

/// What a name stands for.
///
/// # Errors
/// There is none, or it is not known, in words.
pub(super) fn named(name: Option<&str>) -> Result<PreTokenizer, String> {
    let gpt2 = || byte_level(false, true);
    let pattern = |pattern: &'static str| PreTokenizer::of(split_then_bytes(pattern.into(), false));
    Ok(match name {
        Some(
            "gpt-2" | "phi-2" | "jina-es" | "jina-de" | "jina-v1-en" | "jina-v2-es" | "jina-v2-de"
            | "jina-v2-code" | "roberta-bpe" | "mpt" | "gigachat",
        ) => PreTokenizer::of(gpt2()),
        Some("olmo" | "modern-bert") => PreTokenizer::of(gpt2()).composed(),
        Some(
            "llama3" | "llama-v3" | "llama-bpe" | "pixtral" | "falcon3" | "falcon-h1" | "lfm2",
        ) => pattern(GPT4_PATTERN).whole_words(),
        Some("smaug-bpe" | "dbrx" | "glm4" | "chatglm-bpe") => pattern(GPT4_PATTERN),
        Some("qwen2" | "deepseek-r1-qwen") => pattern(QWEN2_PATTERN).composed(),
        Some("qwen35") => pattern(QWEN35_PATTERN).composed(),
        Some("stablelm2") => pattern(QWEN2_PATTERN),
        Some("gpt-4o" | "llama4") => pattern(GPT4O_PATTERN),
        Some("tekken") => pattern(TEKKEN_PATTERN).whole_words(),
        Some("bloom" | "poro-chat" | "gpt3-finnish") => pattern(BLOOM_PATTERN),
        Some("smollm" | "starcoder" | "refact" | "codeshell") => {
            PreTokenizer::of(sequence(vec![digits(true), gpt2()]))
        }
        Some("command-r") => PreTokenizer::of(sequence(vec![digits(true), gpt2()])).composed(),
        Some("falcon") => PreTokenizer::of(sequence(vec![
            json!({ "type": "Punctuation", "behavior": "Contiguous" }),
            gpt2(),
            digits(false),
            split("[0-9][0-9][0-9]"),
        ])),
        Some("deepseek-v3" | "hunyuan-dense") => {
            let mut steps = DEEPSEEK_V3_PATTERNS.map(split).to_vec();
            steps.push(byte_level(false, false));
            PreTokenizer::of(sequence(steps))
        }
        Some("deepseek-coder") => {
            let mut steps = DEEPSEEK_CODER_PATTERNS.map(split).to_vec();
            steps.extend([digits(true), byte_level(false, false)]);
            PreTokenizer::of(sequence(steps))
        }
        Some(other) => {
            return Err(format!(
                "it cuts texts as {:?} does, which is not known here (tokenizer.ggml.pre); take the \
                 model with its tokenizer.json",
                short(other)
            ));
        }
        None => {
            return Err(
                "the file does not say how it cuts texts (tokenizer.ggml.pre); take a newer one, or \
                 the model with its tokenizer.json"
                    .to_owned(),
            );
        }
    })
}

fn sequence(steps: Vec<Value>) -> Value {
    json!({ "type": "Sequence", "pretokenizers": steps })
}

fn digits(individual: bool) -> Value {
    json!({ "type": "Digits", "individual_digits": individual })
}

fn split(pattern: &str) -> Value {
    let pattern = json!({ "Regex": pattern });
    json!({ "type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": false })
}
