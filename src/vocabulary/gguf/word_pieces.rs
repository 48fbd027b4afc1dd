//! `bert`: WordPiece, whose tokens the converter writes the other way round: `##x` as `x`, and the
//! beginnings of words as `▁x`.

use std::borrow::Cow;

use serde_json::json;

use super::super::token::Style;
use super::super::word_pieces::{CONTINUATION, bert_normalizer};
use super::{GgufTokenizer, KindParts, TokenType, vocabulary};

/// A token as vocab.txt has it.
pub(super) fn own(raw: &str, kind: TokenType) -> Cow<'_, str> {
    match (kind, raw.strip_prefix('▁')) {
        (TokenType::Control, _) => Cow::Borrowed(raw),
        (_, Some(begins)) => Cow::Borrowed(begins),
        (_, None) => Cow::Owned(format!("{CONTINUATION}{raw}")),
    }
}

pub(super) fn parts(file: &GgufTokenizer) -> KindParts {
    let ids = file.special_ids;
    let unknown = file.unknown_name();
    let model = file.deferred(move |tokens, _| {
        Ok(json!({
            "type": "WordPiece",
            "vocab": vocabulary(&tokens),
            "unk_token": unknown.clone().unwrap_or_else(|| "[UNK]".to_owned()),
            "continuing_subword_prefix": CONTINUATION,
            "max_input_chars_per_word": 100,
        }))
    });
    // The file does not say whether case counts. A vocabulary of small letters has no others.
    let words = file.tokens.iter().zip(0u32..);
    let mut words = words.filter(|(_, id)| file.token_type(*id) != TokenType::Control);
    let cased = words.any(|(token, _)| {
        let letters = token.trim_start_matches('▁');
        !letters.starts_with('[') && letters.chars().any(char::is_uppercase)
    });
    KindParts {
        style: Style::Continuation(CONTINUATION.into()),
        model,
        normalizer: bert_normalizer(true, None, !cased),
        pre_tokenizer: json!({ "type": "BertPreTokenizer" }),
        before: ids.cls.or(ids.bos),
        after: ids.separator.or(ids.eos),
        has_unknown: true,
        mask_takes_spaces: false,
    }
}
