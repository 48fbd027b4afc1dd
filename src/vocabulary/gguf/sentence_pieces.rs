//! `llama`, `gemma4`, `t5`: SentencePiece's BPE, by scores or by merges, and its unigram models.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

use serde_json::{Value, json};

use super::super::recipe::ModelSource;
use super::super::sentence_piece_parts::{SPACE, charsmap, replace, splits, words_with_spaces};
use super::super::token::Style;
use super::{GgufTokenizer, KindParts, TokenType, byte_pairs, vocabulary};

/// A token as SentencePiece's own file writes it: the converter writes spaces that the model's maker
/// defined as spaces.
pub(super) fn own(raw: &str, kind: TokenType) -> Cow<'_, str> {
    match kind == TokenType::UserDefined && !raw.is_empty() && raw.bytes().all(|b| b == b' ') {
        true => Cow::Owned(SPACE.repeat(raw.len())),
        false => Cow::Borrowed(raw),
    }
}

/// Whether a token is spaces alone: the model itself makes them, whatever the file calls it.
pub(super) fn is_spaces(own: &str) -> bool {
    own.chars().all(|c| c == '▁')
}

/// `llama`: of two pieces that make a third, those are merged first that make the best one.
pub(super) fn by_merges(file: &GgufTokenizer) -> KindParts {
    let kinds: Vec<TokenType> = file.kinds();
    let unknown = file.unknown_name();
    let model = file.deferred(move |tokens, parts| {
        let merges = merges_by_score(&tokens, &kinds, &parts.scores);
        Ok(bpe(&tokens, &merges, unknown.as_deref()))
    });
    let spaces = spaces_as_pieces();
    let normalizer = match file.add_space_prefix.unwrap_or(true) {
        true => {
            let prepend = json!({ "type": "Prepend", "prepend": SPACE });
            json!({ "type": "Sequence", "normalizers": [prepend, spaces] })
        }
        false => spaces,
    };
    pieces(file, model, normalizer, Value::Null)
}

/// `gemma4`: the file lists the merges.
pub(super) fn with_merges(file: &GgufTokenizer) -> KindParts {
    let unknown = file.unknown_name();
    let model = file.deferred(move |tokens, parts| {
        let merges = byte_pairs::merges(&parts.merges)?;
        Ok(bpe(&tokens, &merges, unknown.as_deref()))
    });
    pieces(file, model, spaces_as_pieces(), Value::Null)
}

fn spaces_as_pieces() -> Value {
    replace(json!({ "String": " " }), SPACE)
}

/// `t5`: the likeliest pieces of each word.
pub(super) fn unigram_model(file: &GgufTokenizer) -> KindParts {
    let byte_fallback = file.kinds().contains(&TokenType::Byte);
    let unknown = file.special_ids.unknown.or_else(|| file.first_unknown());
    let model = file.deferred(move |tokens, parts| {
        if parts.scores.len() < tokens.len() {
            return Err("it has fewer scores than tokens; get the file again".to_owned());
        }
        let scored = tokens.iter().zip(&parts.scores);
        let scored: Vec<(&str, f64)> = scored
            .map(|((token, _), score)| (token.as_str(), f64::from(*score)))
            .collect();
        Ok(json!({
            "type": "Unigram",
            "unk_id": unknown,
            "vocab": scored,
            "byte_fallback": byte_fallback,
        }))
    });
    KindParts {
        before: file
            .special_ids
            .bos
            .filter(|_| file.add_bos.unwrap_or(false)),
        after: file
            .special_ids
            .eos
            .filter(|_| file.add_eos.unwrap_or(true)),
        ..pieces(
            file,
            model,
            charsmap(&file.charsmap),
            words_with_spaces("always"),
        )
    }
}

fn pieces(
    file: &GgufTokenizer,
    model: ModelSource,
    normalizer: Value,
    pre_tokenizer: Value,
) -> KindParts {
    KindParts {
        style: Style::Metaspace,
        model,
        normalizer,
        pre_tokenizer,
        before: file
            .special_ids
            .bos
            .filter(|_| file.add_bos.unwrap_or(true)),
        after: file
            .special_ids
            .eos
            .filter(|_| file.add_eos.unwrap_or(false)),
        has_unknown: true,
        mask_takes_spaces: true,
    }
}

fn bpe(tokens: &[(String, u32)], merges: &[(&str, &str)], unknown: Option<&str>) -> Value {
    json!({
        "type": "BPE",
        "vocab": vocabulary(tokens),
        "merges": merges,
        "unk_token": unknown,
        "fuse_unk": true,
        "byte_fallback": true,
    })
}

/// Every way in which two tokens make a third, the best first: by the score of what they make, then
/// by its id, of one piece those with the longer first part. Where normal pieces are in the order of
/// their scores, ids alone count: scores that the converter gives to others say nothing.
fn merges_by_score<'t>(
    tokens: &'t [(String, u32)],
    kinds: &[TokenType],
    scores: &[f32],
) -> Vec<(&'t str, &'t str)> {
    let kind = |id: u32| kinds.get(id as usize).copied().unwrap_or(TokenType::Normal);
    let score = |id: u32| scores.get(id as usize).copied().unwrap_or(0.0);
    let normal = tokens
        .iter()
        .map(|(_, id)| *id)
        .filter(|id| kind(*id) == TokenType::Normal);
    let in_order = normal.map(score).is_sorted_by(|a, b| a >= b);
    let ids: HashMap<&str, u32> = tokens.iter().map(|(t, id)| (t.as_str(), *id)).collect();
    let mut merges = Vec::new();
    for (token, id) in tokens {
        // Of two tokens that are written alike the last is the one that the model has.
        if ids.get(token.as_str()) != Some(id) {
            continue;
        }
        let best = match in_order {
            true => 0.0,
            false => score(*id),
        };
        for (left, right) in splits(token) {
            if ids.contains_key(left) && ids.contains_key(right) {
                merges.push((best, *id, Reverse(left.len()), (left, right)));
            }
        }
    }
    merges.sort_by(|a, b| {
        let order = b.0.total_cmp(&a.0);
        order.then_with(|| (a.1, a.2).cmp(&(b.1, b.2)))
    });
    merges.into_iter().map(|(_, _, _, merge)| merge).collect()
}
