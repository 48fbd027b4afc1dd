//! A tokenizer's normalizers and pre-tokenizers, one by one and within bounds: a file from anywhere
//! may hold such as let a text grow without end.
//!
//! Where `tokenizers` (0.23) normalizes the parts of a text, it drops errors and goes on with the
//! text as it was. They are kept for the caller that runs the tokenizer on this thread: see [`fault`].

use std::cell::Cell;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use tokenizers::{
    NormalizedString, Normalizer, NormalizerWrapper, OffsetReferential, OffsetType,
    PostProcessorWrapper, PreTokenizedString, PreTokenizer, PreTokenizerWrapper,
};
use unicode_segmentation::UnicodeSegmentation;

use super::error::one_line;

/// How many times longer a text may become, and the bytes that it may grow by beside that.
const TIMES: usize = 16;
const BESIDE: usize = 256;
/// Steps of one kind.
const MOST_STEPS: usize = 32;
/// Bytes of a pattern: SentencePiece's users define some thousand symbols at most.
const LONGEST_PATTERN: usize = 1 << 18;
/// Bytes that one match or one text may get.
const LONGEST_CONTENT: usize = 256;
/// Bytes that a character may become by a charsmap: Unicode's longest takes 33.
const LONGEST_MAPPING: usize = 128;
/// Parts of a template, and ids of a special token in it.
const LONGEST_TEMPLATE: usize = 64;

thread_local! {
    static FAULT: Cell<Option<String>> = const { Cell::new(None) };
}

/// The first error of a normalizer on this thread since this was last asked.
pub(super) fn fault() -> Option<String> {
    FAULT.take()
}

/// Normalizers in their order.
pub(super) struct Normalizers(Vec<NormalizerStep>);

struct NormalizerStep {
    name: String,
    normalizer: NormalizerWrapper,
    growth: Growth,
}

/// A bound on what a step makes of a text of n bytes.
enum Growth {
    /// So many times n.
    Times(usize),
    /// n and so much.
    Adds(usize),
    /// Every place of a string becomes another.
    Replaces { pattern: String, content: usize },
    /// What a charsmap makes of it, told by doing it.
    Charsmap,
}

impl Normalizers {
    /// `None` where there is none.
    ///
    /// # Errors
    /// A step that is not known, or one that may grow without end, by its name.
    pub(super) fn parse(value: &Value) -> Result<Option<Self>, String> {
        let leaves = leaves(value, "normalizers", "normalizer")?;
        let steps = leaves.into_iter().map(NormalizerStep::parse);
        let steps = steps.collect::<Result<Vec<_>, _>>()?;
        Ok((!steps.is_empty()).then_some(Self(steps)))
    }
}

impl NormalizerStep {
    fn parse(value: &Value) -> Result<Self, String> {
        let name = name(value);
        let refused = |why: String| format!("its normalizer {name} {why}");
        if let Some(charsmap) = value.get("precompiled_charsmap") {
            check_charsmap(charsmap.as_str().unwrap_or_default()).map_err(refused)?;
        }
        let pattern = pattern(value).map_err(refused)?;
        let normalizer = NormalizerWrapper::deserialize(value)
            .map_err(|error| refused(format!("is not known: {}", one_line(&error))))?;
        let short = |content: &str| match content.len() {
            length @ ..=LONGEST_CONTENT => Ok(length),
            length => Err(refused(format!(
                "puts {length} bytes in, expected at most {LONGEST_CONTENT}"
            ))),
        };
        let growth = match &normalizer {
            NormalizerWrapper::Replace(replace) => match pattern {
                Some(Pattern::Regex(regex)) if regex.starts_with("\\A") && !regex.contains('|') => {
                    Growth::Adds(short(&replace.content)?)
                }
                Some(Pattern::String(pattern)) => Growth::Replaces {
                    pattern,
                    content: short(&replace.content)?,
                },
                // A match may be empty: then something stands between all letters.
                Some(Pattern::Regex(_)) | None => Growth::Times(1 + short(&replace.content)?),
            },
            NormalizerWrapper::Prepend(prepend) => Growth::Adds(short(&prepend.prepend)?),
            NormalizerWrapper::Precompiled(_) => Growth::Charsmap,
            NormalizerWrapper::BertNormalizer(_) => Growth::Times(8),
            NormalizerWrapper::NFKC(_) | NormalizerWrapper::NFKD(_) => Growth::Times(12),
            NormalizerWrapper::NFC(_) | NormalizerWrapper::NFD(_) => Growth::Times(3),
            NormalizerWrapper::Lowercase(_) => Growth::Times(3),
            NormalizerWrapper::ByteLevel(_) => Growth::Times(2),
            NormalizerWrapper::Nmt(_)
            | NormalizerWrapper::StripNormalizer(_)
            | NormalizerWrapper::StripAccents(_) => Growth::Times(1),
            // Sequences were taken apart before.
            NormalizerWrapper::Sequence(_) => return Err(refused("is not known".to_owned())),
        };
        Ok(Self {
            name,
            normalizer,
            growth,
        })
    }

    /// At most how many bytes it makes of a text.
    fn bound(&self, text: &str) -> usize {
        match &self.growth {
            Growth::Times(times) => text.len().saturating_mul(*times),
            Growth::Adds(bytes) => text.len() + bytes,
            Growth::Replaces { pattern, content } => {
                text.len() + text.matches(pattern.as_str()).count() * content
            }
            Growth::Charsmap => match &self.normalizer {
                NormalizerWrapper::Precompiled(charsmap) => text
                    .graphemes(true)
                    .map(|grapheme| {
                        let whole = charsmap.transform(grapheme).map(str::len);
                        let parts = || {
                            let each = grapheme.chars().map(|c| {
                                let own = c.len_utf8();
                                charsmap
                                    .transform(c.encode_utf8(&mut [0; 4]))
                                    .map_or(own, str::len)
                            });
                            each.sum()
                        };
                        match whole.filter(|_| grapheme.len() < 6) {
                            Some(length) => length,
                            None => parts(),
                        }
                    })
                    .sum(),
                _ => text.len(),
            },
        }
    }
}

impl Normalizer for Normalizers {
    fn normalize(&self, text: &mut NormalizedString) -> tokenizers::Result<()> {
        let done = self.run(text);
        if let Err(error) = &done {
            let first = FAULT.take().unwrap_or_else(|| error.to_string());
            FAULT.set(Some(first));
        }
        done
    }
}

impl Normalizers {
    fn run(&self, text: &mut NormalizedString) -> tokenizers::Result<()> {
        let most = text.get_original().len() * TIMES + BESIDE;
        for step in &self.0 {
            if step.bound(text.get()) > most {
                let name = &step.name;
                return Err(
                    format!("its normalizer {name} makes more than {TIMES} bytes of one").into(),
                );
            }
            step.normalizer.normalize(text)?;
        }
        Ok(())
    }
}

/// Pre-tokenizers in their order.
pub(super) struct PreTokenizers(Vec<(String, PreTokenizerWrapper)>);

impl PreTokenizers {
    /// As [`Normalizers::parse`].
    pub(super) fn parse(value: &Value) -> Result<Option<Self>, String> {
        let leaves = leaves(value, "pretokenizers", "pre-tokenizer")?;
        let steps = leaves.into_iter().map(|value| {
            let name = name(value);
            let refused = |why: String| format!("its pre-tokenizer {name} {why}");
            pattern(value).map_err(refused)?;
            let step = PreTokenizerWrapper::deserialize(value)
                .map_err(|error| refused(format!("is not known: {}", one_line(&error))))?;
            if let PreTokenizerWrapper::FixedLength(fixed) = &step
                && fixed.length == 0
            {
                return Err(refused("cuts pieces of no letter".to_owned()));
            }
            Ok((name, step))
        });
        let steps = steps.collect::<Result<Vec<_>, String>>()?;
        Ok((!steps.is_empty()).then_some(Self(steps)))
    }
}

impl PreTokenizer for PreTokenizers {
    fn pre_tokenize(&self, text: &mut PreTokenizedString) -> tokenizers::Result<()> {
        for (name, step) in &self.0 {
            let splits = text.get_splits(OffsetReferential::Original, OffsetType::None);
            let now: usize = splits.iter().map(|(text, ..)| text.len()).sum();
            // Pieces of one character all name its place, so that their lengths do not add up.
            let ends = splits.iter().map(|(_, (_, end), _)| *end);
            let most = ends.max().unwrap_or(0) * TIMES + BESIDE;
            // Each piece may get a space, and each byte of a byte level takes two.
            let times = match step {
                PreTokenizerWrapper::ByteLevel(_) => 2,
                PreTokenizerWrapper::Metaspace(_) => 3,
                _ => 0,
            };
            if times > 0 && now * times + times * splits.len() > most.max(now) {
                return Err(format!(
                    "its pre-tokenizer {name} makes more than {TIMES} bytes of one"
                )
                .into());
            }
            step.pre_tokenize(text)?;
        }
        Ok(())
    }
}

/// What puts special tokens around a text; `None` where nothing does.
///
/// # Errors
/// A part that is not known, or one that repeats texts or adds tokens without measure.
pub(super) fn post_processor(value: &Value) -> Result<Option<PostProcessorWrapper>, String> {
    for leaf in leaves(value, "processors", "post-processor")? {
        let name = name(leaf);
        let refused = |why: &str| format!("its post-processor {name} {why}");
        let Some(Value::Array(parts)) = leaf.get("single") else {
            continue;
        };
        let texts = parts.iter().filter(|part| part.get("Sequence").is_some());
        if texts.count() > 1 {
            return Err(refused("repeats the text"));
        }
        let tokens = leaf.get("special_tokens").and_then(Value::as_object);
        let ids = tokens.into_iter().flat_map(|tokens| tokens.values());
        let ids = ids.filter_map(|token| token.get("ids")?.as_array());
        let most = ids.map(Vec::len).max().unwrap_or(0);
        if parts.len() > LONGEST_TEMPLATE || most > LONGEST_TEMPLATE {
            return Err(refused("adds more than 64 tokens at one place"));
        }
    }
    match value {
        Value::Null => Ok(None),
        value => PostProcessorWrapper::deserialize(value)
            .map(Some)
            .map_err(|error| format!("its post-processor is not known: {}", one_line(&error))),
    }
}

enum Pattern {
    String(String),
    Regex(String),
}

/// The pattern of a step that has one.
fn pattern(value: &Value) -> Result<Option<Pattern>, String> {
    let Some(pattern) = value.get("pattern") else {
        return Ok(None);
    };
    let text = |key: &str| Some(pattern.get(key)?.as_str()?.to_owned());
    let string = text("String").map(Pattern::String);
    let pattern = string.or_else(|| text("Regex").map(Pattern::Regex));
    let Some(Pattern::String(text) | Pattern::Regex(text)) = &pattern else {
        return Ok(None);
    };
    match text.len() {
        0 => Err("has an empty pattern".to_owned()),
        1..=LONGEST_PATTERN => Ok(pattern),
        length => Err(format!(
            "has a pattern of {length} bytes, expected at most {LONGEST_PATTERN}"
        )),
    }
}

/// SentencePiece's compiled charsmap: the size of a trie in bytes, the trie, and what it leads to,
/// each string ended by a zero.
fn check_charsmap(text: &str) -> Result<(), String> {
    let damaged = |what: &str| format!("has a damaged charsmap ({what})");
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| damaged("it is not base 64"))?;
    let Some((size, rest)) = bytes.split_first_chunk::<4>() else {
        return Err(damaged("it has no beginning"));
    };
    let size = u32::from_le_bytes(*size) as usize;
    if !size.is_multiple_of(4) || size == 0 || size > rest.len() {
        return Err(damaged("its trie is larger than itself"));
    }
    let strings = str::from_utf8(&rest[size..]).map_err(|_| damaged("it is not UTF-8"))?;
    match strings.split('\0').map(str::len).max() {
        Some(length) if length > LONGEST_MAPPING => Err(format!(
            "makes {length} bytes of a letter, expected at most {LONGEST_MAPPING}"
        )),
        _ => Ok(()),
    }
}

/// The parts of a component, sequences taken apart.
fn leaves<'a>(value: &'a Value, list: &str, what: &str) -> Result<Vec<&'a Value>, String> {
    fn walk<'a>(value: &'a Value, list: &str, found: &mut Vec<&'a Value>) {
        match value.get(list) {
            Some(Value::Array(parts)) => parts.iter().for_each(|part| walk(part, list, found)),
            _ if value.is_null() => {}
            _ => found.push(value),
        }
    }
    let mut found = Vec::new();
    walk(value, list, &mut found);
    match found.len() {
        ..=MOST_STEPS => Ok(found),
        steps => Err(format!(
            "it has {steps} {what}s, expected at most {MOST_STEPS}"
        )),
    }
}

fn name(value: &Value) -> String {
    let name = value
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("without a type");
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}
