//! The older files: vocab.json with merges.txt, or vocab.txt. From them a tokenizer is put
//! together as Hugging Face's own converters do (`GPT2Converter`, `HerbertConverter`,
//! `BertConverter` of transformers' `convert_slow_tokenizer.py`).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::encode::Recipe;
use super::error::{VocabularyError, short};
use super::load::{Listing, check_merges, utf8};
use super::single::Tokens;
use super::special::{self, Settings};
use super::token::Style;

const END_OF_WORD: &str = "</w>";
const CONTINUATION: &str = "##";

/// vocab.json and merges.txt: HerBERT's if its tokens end in `</w>`, else GPT-2's.
pub(super) fn pairs(
    vocab: &[u8],
    merges: &[u8],
    settings: &Settings,
) -> Result<Listing, VocabularyError> {
    let Tokens(tokens) = special::json("vocab.json", vocab)?;
    let merges = read_merges(utf8("merges.txt", merges)?)?;
    check_merges("merges.txt", &tokens, &merges, "")?;
    let ends = tokens.iter().any(|(token, _)| token.ends_with(END_OF_WORD));
    let starts = tokens.iter().any(|(token, _)| token.starts_with('Ġ'));
    let herbert = ends && !starts;
    let mut model = json!({ "type": "BPE", "merges": merges });
    let (style, normalizer, pre_tokenizer, around) = if herbert {
        model["end_of_word_suffix"] = json!(END_OF_WORD);
        model["unk_token"] = json!(unknown(settings, &tokens, "<unk>"));
        (
            Style::EndOfWord(END_OF_WORD.into()),
            bert_normalizer(settings, Some(false), false),
            json!({ "type": "BertPreTokenizer" }),
            bert_processing(settings, &tokens, ["<s>", "</s>"]),
        )
    } else {
        let pre_tokenizer = json!({
            "type": "ByteLevel",
            "add_prefix_space": settings.add_prefix_space.unwrap_or(false),
            "trim_offsets": true,
            "use_regex": true,
        });
        let around = first_token(settings, &tokens);
        (Style::ByteLevel, Value::Null, pre_tokenizer, around)
    };
    let parts = [normalizer, pre_tokenizer, around];
    let recipe = assemble(&tokens, settings, model, parts);
    Ok(Listing {
        file: "vocab.json",
        tokens,
        added: Vec::new(),
        style,
        recipe,
    })
}

/// vocab.txt: a word piece a line, its id the line's number.
pub(super) fn pieces(bytes: &[u8], settings: &Settings) -> Result<Listing, VocabularyError> {
    const FILE: &str = "vocab.txt";
    let lines = utf8(FILE, bytes)?.lines().zip(0..);
    let tokens: Vec<(String, u32)> = lines
        .filter(|(line, _)| !line.is_empty())
        .map(|(line, id)| (line.to_owned(), id))
        .collect();
    let model = json!({
        "type": "WordPiece",
        "unk_token": unknown(settings, &tokens, "[UNK]"),
        "continuing_subword_prefix": CONTINUATION,
        "max_input_chars_per_word": 100,
    });
    let normalizer = bert_normalizer(settings, settings.strip_accents, true);
    let pre_tokenizer = json!({ "type": "BertPreTokenizer" });
    let around = bert_processing(settings, &tokens, ["[CLS]", "[SEP]"]);
    let parts = [normalizer, pre_tokenizer, around];
    let recipe = assemble(&tokens, settings, model, parts);
    Ok(Listing {
        file: FILE,
        tokens,
        added: Vec::new(),
        style: Style::Continuation(CONTINUATION.into()),
        recipe,
    })
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
                    file: "merges.txt",
                    number: at + 1,
                    merge: short(line),
                }),
            }
        })
        .collect()
}

fn unknown(settings: &Settings, tokens: &[(String, u32)], usual: &str) -> Option<String> {
    let name = settings.unknown.as_deref().unwrap_or(usual);
    tokens
        .iter()
        .any(|(token, _)| token == name)
        .then(|| name.to_owned())
}

fn bert_normalizer(settings: &Settings, strip_accents: Option<bool>, lowercase: bool) -> Value {
    json!({
        "type": "BertNormalizer",
        "clean_text": true,
        "handle_chinese_chars": settings.tokenize_chinese_chars.unwrap_or(true),
        "strip_accents": strip_accents,
        "lowercase": settings.do_lower_case.unwrap_or(lowercase),
    })
}

/// What BERT puts around a text, `usual` unless the settings name others; nothing where the
/// vocabulary lacks them.
fn bert_processing(settings: &Settings, tokens: &[(String, u32)], usual: [&str; 2]) -> Value {
    let named = |name: &Option<String>, usual: &str| {
        let name = name.as_deref().unwrap_or(usual);
        tokens.iter().find(|(token, _)| token == name)
    };
    match (
        named(&settings.cls, usual[0]),
        named(&settings.sep, usual[1]),
    ) {
        (Some(cls), Some(sep)) => json!({ "type": "BertProcessing", "cls": cls, "sep": sep }),
        _ => Value::Null,
    }
}

/// What GPT-2 puts before a text: nothing, unless the settings ask for it.
fn first_token(settings: &Settings, tokens: &[(String, u32)]) -> Value {
    let bos = settings.bos.as_deref().unwrap_or("<|endoftext|>");
    let found = tokens.iter().find(|(token, _)| token == bos);
    let (Some(true), Some((bos, id))) = (settings.add_bos_token, found) else {
        return Value::Null;
    };
    json!({
        "type": "TemplateProcessing",
        "single": [
            { "SpecialToken": { "id": bos, "type_id": 0 } },
            { "Sequence": { "id": "A", "type_id": 0 } },
        ],
        "pair": [
            { "Sequence": { "id": "A", "type_id": 0 } },
            { "Sequence": { "id": "B", "type_id": 1 } },
        ],
        "special_tokens": { bos: { "id": bos, "ids": [id], "tokens": [bos] } },
    })
}

/// A tokenizer.json of a model, and of normalizer, pre-tokenizer and post-processor.
fn assemble(
    tokens: &[(String, u32)],
    settings: &Settings,
    mut model: Value,
    [normalizer, pre_tokenizer, around]: [Value; 3],
) -> Recipe {
    let added = settings.added_tokens_decoder.iter();
    let mut vocab: Map<String, Value> = added
        .clone()
        .map(|(&id, added)| (added.content.clone(), json!(id)))
        .collect();
    vocab.extend(tokens.iter().map(|(token, id)| (token.clone(), json!(id))));
    let special: BTreeSet<&String> = settings
        .special
        .iter()
        .chain(
            added
                .clone()
                .filter(|(_, added)| added.special)
                .map(|(_, added)| &added.content),
        )
        .collect();
    let added = added
        .map(|(_, added)| &added.content)
        .filter(|content| !special.contains(content));
    let added_tokens: Vec<Value> = special
        .iter()
        .map(|&content| (content, true))
        .chain(added.map(|content| (content, false)))
        .filter_map(|(content, special)| {
            let id = vocab.get(content)?;
            Some(json!({
                "id": id, "content": content, "special": special, "normalized": !special,
                "single_word": false, "lstrip": false, "rstrip": false,
            }))
        })
        .collect();
    model["vocab"] = Value::Object(vocab);
    Recipe::Assembled(json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added_tokens,
        "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": around,
        "decoder": null, "model": model,
    }))
}
