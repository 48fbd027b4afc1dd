//! The parts of a tokenizer that SentencePiece's models have in common: merges, scores, and what
//! makes spaces of a text.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::protobuf::{Piece, PieceKind};
use super::recipe::ModelSource;

pub(super) const SPACE: &str = "▁";

/// A piece and its score.
pub(super) type Scored = (String, f32);

pub(super) fn numbered<'a>(pieces: impl Iterator<Item = &'a String>) -> Vec<(String, u32)> {
    pieces.cloned().zip(0..).collect()
}

/// Every way in which two of these pieces make a third.
pub(super) fn splits(piece: &str) -> impl Iterator<Item = (&str, &str)> {
    let inside = piece.char_indices().skip(1);
    inside.map(|(at, _)| piece.split_at(at))
}

/// Merges in the order of the ids of what they make, as transformers has them for Llama's and
/// Gemma's classes.
pub(super) fn merges_by_id(tokens: &[(String, u32)]) -> Vec<(&str, &str)> {
    let ids: HashMap<&str, u32> = tokens.iter().map(|(t, id)| (t.as_str(), *id)).collect();
    let mut merges = Vec::new();
    for (token, id) in &ids {
        for (left, right) in splits(token) {
            if let (Some(l), Some(r)) = (ids.get(left), ids.get(right)) {
                let lengths = (left.chars().count(), right.chars().count());
                merges.push(((*id, lengths, *l, *r), (left, right)));
            }
        }
    }
    merges.sort_unstable_by_key(|(order, _)| *order);
    merges.into_iter().map(|(_, merge)| merge).collect()
}

/// Merges of normal pieces, the best score first.
pub(super) fn merges_by_score<'a>(
    pieces: &[Piece],
    names: &'a [String],
) -> Vec<(&'a str, &'a str)> {
    let normal = pieces.iter().zip(names).zip(0u32..);
    let normal = normal.filter(|((piece, _), _)| piece.kind == PieceKind::Normal);
    let ranks: HashMap<&str, (f32, u32)> = normal
        .map(|((piece, name), id)| (name.as_str(), (piece.score, id)))
        .collect();
    let mut merges = Vec::new();
    for (piece, (score, id)) in &ranks {
        for (left, right) in splits(piece) {
            if ranks.contains_key(left) && ranks.contains_key(right) {
                merges.push((*score, *id, left, right));
            }
        }
    }
    merges.sort_unstable_by(|a, b| {
        let order = b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        order.then_with(|| (a.2, a.3).cmp(&(b.2, b.3)))
    });
    merges
        .into_iter()
        .map(|(_, _, left, right)| (left, right))
        .collect()
}

pub(super) fn unigram(pieces: &[Scored], unk_id: i64, byte_fallback: bool) -> ModelSource {
    // transformers hands the scores on as doubles.
    let vocab: Vec<(&str, f64)> = pieces
        .iter()
        .map(|(p, score)| (p.as_str(), f64::from(*score)))
        .collect();
    ModelSource::Built(json!({
        "type": "Unigram",
        "unk_id": unk_id,
        "vocab": vocab,
        "byte_fallback": byte_fallback,
    }))
}

pub(super) fn charsmap(bytes: &[u8]) -> Value {
    match bytes {
        [] => Value::Null,
        bytes => json!({ "type": "Precompiled", "precompiled_charsmap": STANDARD.encode(bytes) }),
    }
}

pub(super) fn replace(pattern: Value, content: &str) -> Value {
    json!({ "type": "Replace", "pattern": pattern, "content": content })
}

/// Words as white space parts them, each with a space before it.
pub(super) fn words_with_spaces(scheme: &str) -> Value {
    json!({ "type": "Sequence", "pretokenizers": [
        { "type": "WhitespaceSplit" },
        metaspace(scheme, true),
    ]})
}

pub(super) fn metaspace(scheme: &str, split: bool) -> Value {
    json!({ "type": "Metaspace", "replacement": SPACE, "prepend_scheme": scheme, "split": split })
}
