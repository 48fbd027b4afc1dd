//! A byte-level BPE of made-up words: every token is the merge of two earlier ones.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::Random;

/// `tokenizer.json` with exactly `vocab` tokens: the 256 bytes, syllables, and words of them, half
/// of the words with a space in front.
pub fn tokenizer_json(vocab: usize, seed: u64) -> Vec<u8> {
    let mut tokens: Vec<String> = (0..=255u8).map(|b| byte_symbol(b).to_string()).collect();
    let mut known: HashSet<String> = tokens.iter().cloned().collect();
    let mut merges: Vec<[String; 2]> = Vec::new();
    let mut add = |tokens: &mut Vec<String>, a: &str, b: &str| {
        let token = format!("{a}{b}");
        if tokens.len() < vocab && known.insert(token.clone()) {
            merges.push([a.to_string(), b.to_string()]);
            tokens.push(token);
        }
    };
    let accented: Vec<String> = "ąęóż".chars().map(symbols).collect();
    for letter in &accented {
        let (first, second) = letter.split_at(letter.chars().next().map_or(0, char::len_utf8));
        add(&mut tokens, first, second);
    }
    let vowels: Vec<&str> = ["a", "e", "i", "o", "u", "y"]
        .into_iter()
        .chain(accented.iter().map(String::as_str))
        .collect();
    for consonant in "bcdfghjklmnprstwz".chars() {
        for vowel in &vowels {
            add(&mut tokens, &consonant.to_string(), vowel);
        }
    }
    // Words: any two pieces, the second without a space; "Ġ" is the space.
    let pieces = 260.min(tokens.len());
    let mut random = Random::new(seed);
    while tokens.len() < vocab {
        let range = tokens.len().saturating_sub(pieces).max(1);
        let a = tokens[(pieces + random.below(range)).min(tokens.len() - 1)].clone();
        let b = tokens[(pieces + random.below(range)).min(tokens.len() - 1)].clone();
        if a.chars().count() + b.chars().count() > 14 {
            continue;
        } else if random.below(3) == 0 && !a.starts_with('Ġ') {
            add(&mut tokens, "Ġ", &a);
        } else if !b.starts_with('Ġ') {
            add(&mut tokens, &a, &b);
        }
    }
    tokens.truncate(vocab);
    let ids: Map<String, Value> = (0..)
        .zip(tokens)
        .map(|(i, t): (u32, _)| (t, json!(i)))
        .collect();
    let byte_level = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
    });
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null, "pre_tokenizer": byte_level, "post_processor": null,
        "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "ignore_merges": false, "vocab": ids, "merges": merges,
        },
    });
    tokenizer.to_string().into_bytes()
}

fn symbols(letter: char) -> String {
    letter.to_string().bytes().map(byte_symbol).collect()
}

/// GPT-2's printable stand-in for a byte: itself if it is visible, else 256 and onward in order.
fn byte_symbol(byte: u8) -> char {
    let visible = |b: u8| matches!(b, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if visible(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|&b| !visible(b)).count() as u32;
    char::from_u32(256 + before).unwrap_or('?')
}
