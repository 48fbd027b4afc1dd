//! vocab.json with merges.txt: GPT-2's tokenizer and its kin, and HerBERT's.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::assembly::{Around, Assembly, Parts, Usual, byte_level, split_then_bytes, with_vocab};
use super::error::{VocabularyError, short};
use super::json_values;
use super::listing::{Listing, unknown_merge, utf8};
use super::recipe::ModelSource;
use super::settings::{Role, TokenizerSettings};
use super::single::Tokens;
use super::token::Style;
use super::tokenizer_class::TokenizerClass;

const END_OF_WORD: &str = "</w>";
const MERGES: &str = "merges.txt";

const GPT2: &Usual<'_> = &[
    (Role::Bos, "<|endoftext|>"),
    (Role::Eos, "<|endoftext|>"),
    (Role::Unk, "<|endoftext|>"),
];
const GPT_NEOX: &Usual<'_> = &[
    (Role::Bos, "<|endoftext|>"),
    (Role::Eos, "<|endoftext|>"),
    (Role::Unk, "<|endoftext|>"),
    (Role::Pad, "<|padding|>"),
];
const QWEN2: &Usual<'_> = &[
    (Role::Eos, "<|endoftext|>"),
    (Role::Unk, "<|endoftext|>"),
    (Role::Pad, "<|endoftext|>"),
];
pub(super) const ROBERTA: &Usual<'_> = &[
    (Role::Bos, "<s>"),
    (Role::Eos, "</s>"),
    (Role::Unk, "<unk>"),
    (Role::Sep, "</s>"),
    (Role::Pad, "<pad>"),
    (Role::Cls, "<s>"),
    (Role::Mask, "<mask>"),
];
const HERBERT: &Usual<'_> = &[
    (Role::Unk, "<unk>"),
    (Role::Sep, "</s>"),
    (Role::Pad, "<pad>"),
    (Role::Cls, "<s>"),
    (Role::Mask, "<mask>"),
];

/// How Qwen2 cuts a text.
pub(super) const QWEN2_PATTERN: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// # Errors
/// Files that do not parse. Merges of unknown tokens keep texts from being read, and nothing else.
pub(super) fn read(
    vocab: &[u8],
    merges: &[u8],
    class: Option<TokenizerClass>,
    settings: &TokenizerSettings,
) -> Result<Listing, VocabularyError> {
    const FILE: &str = "vocab.json";
    let tokens = json_values::json::<Tokens>(FILE, vocab)?.tokens;
    let merges = read_merges(utf8(MERGES, merges)?)?;
    let parts = merges.iter().map(|(a, b)| (&**a, &**b));
    let stale = unknown_merge(MERGES, &tokens, parts, "");
    let ends = tokens.iter().any(|(token, _)| token.ends_with(END_OF_WORD));
    let starts = tokens.iter().any(|(token, _)| token.starts_with('Ġ'));
    let style = match (ends, starts) {
        (true, false) => Style::EndOfWord(END_OF_WORD.into()),
        (true, true) => Style::byte_level_for(&tokens, END_OF_WORD),
        (false, _) => Style::ByteLevel,
    };
    let class = known_class(class, ends && !starts);
    let herbert = class == TokenizerClass::Herbert;
    let usual = match class {
        TokenizerClass::Roberta => ROBERTA,
        TokenizerClass::GptNeoX => GPT_NEOX,
        TokenizerClass::Qwen2 => QWEN2,
        TokenizerClass::Herbert => HERBERT,
        _ => GPT2,
    };
    let assembly = Assembly {
        file: FILE,
        settings,
        size: tokens.len(),
        tokens,
        usual,
        marked: Vec::new(),
        first: Vec::new(),
    };
    let model = match stale {
        Some(stale) => ModelSource::Refused(stale.to_string()),
        None => {
            let mut model = json!({ "type": "BPE", "merges": merges });
            if herbert {
                model["end_of_word_suffix"] = json!(END_OF_WORD);
                model["unk_token"] = json!(assembly.name(Role::Unk));
            }
            with_vocab(model, &assembly.tokens)
        }
    };
    let add_prefix_space = settings.add_prefix_space.unwrap_or(false);
    let nfc = json!({ "type": "NFC" });
    let (normalizer, pre_tokenizer) = match class {
        TokenizerClass::Herbert => (
            super::word_pieces::bert_normalizer(true, Some(false), false),
            json!({ "type": "BertPreTokenizer" }),
        ),
        TokenizerClass::Qwen2 => (
            nfc,
            split_then_bytes(Cow::Borrowed(QWEN2_PATTERN), add_prefix_space),
        ),
        TokenizerClass::GptNeoX => (nfc, byte_level(add_prefix_space, true)),
        _ => (Value::Null, byte_level(add_prefix_space, true)),
    };
    let around = match class {
        TokenizerClass::Roberta | TokenizerClass::Herbert => Around::Tokens(Role::Cls, Role::Sep),
        _ => Around::Asked,
    };
    let mut listing = assembly.finish(Parts {
        style,
        model,
        normalizer,
        pre_tokenizer,
        around,
    });
    // Bytes spell everything.
    listing.unknown = listing.unknown.filter(|_| herbert);
    Ok(listing)
}

/// The class of a tokenizer of these files; `ends_words`: whether its tokens mark the ends of words.
fn known_class(class: Option<TokenizerClass>, ends_words: bool) -> TokenizerClass {
    match class {
        Some(
            class @ (TokenizerClass::Gpt2
            | TokenizerClass::Roberta
            | TokenizerClass::GptNeoX
            | TokenizerClass::Qwen2
            | TokenizerClass::Herbert),
        ) => class,
        // BERT's own class has no such files; HerBERT is a BERT that says so only sometimes.
        Some(_) | None if ends_words => TokenizerClass::Herbert,
        Some(_) | None => TokenizerClass::Gpt2,
    }
}

/// A merge a line, perhaps with how often it was seen as a third column.
fn read_merges(text: &str) -> Result<Vec<(&str, &str)>, VocabularyError> {
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.starts_with("#version") && !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            let mut parts = line.split(' ');
            match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(first), Some(second), count, None)
                    if count.is_none_or(|count| count.trim().parse::<u64>().is_ok()) =>
                {
                    Ok((first, second))
                }
                _ => Err(VocabularyError::BadMerge {
                    file: MERGES,
                    number: at + 1,
                    merge: short(line),
                }),
            }
        })
        .collect()
}
