//! vocab.txt, one piece per line: BERT's tokenizer, and those of its relatives that cut words otherwise.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::assembly::{Around, Assembly, Parts, Usual, with_vocab};
use super::error::VocabularyError;
use super::listing::{Listing, utf8};
use super::recipe::ModelSource;
use super::settings::{Role, TokenizerSettings};
use super::token::Style;
use super::tokenizer_class::TokenizerClass;

pub(super) const CONTINUATION: &str = "##";

const BERT: &Usual<'_> = &[
    (Role::Unk, "[UNK]"),
    (Role::Sep, "[SEP]"),
    (Role::Pad, "[PAD]"),
    (Role::Cls, "[CLS]"),
    (Role::Mask, "[MASK]"),
];

/// A piece's id is the number of its line.
///
/// # Errors
/// A file that is not UTF-8.
pub(super) fn read(
    bytes: &[u8],
    class: Option<TokenizerClass>,
    settings: &TokenizerSettings,
) -> Result<Listing, VocabularyError> {
    const FILE: &str = "vocab.txt";
    let lines = utf8(FILE, bytes)?.lines();
    let lines: Vec<(&str, u32)> = lines.map(str::trim_end).zip(0..).collect();
    let distinct: HashSet<&str> = lines.iter().map(|(line, _)| *line).collect();
    let size = distinct.len();
    let tokens: Vec<(String, u32)> = lines
        .into_iter()
        .filter(|(line, _)| !line.is_empty())
        .map(|(line, id)| (line.to_owned(), id))
        .collect();
    let continues = tokens.iter().any(|(t, _)| t.starts_with(CONTINUATION));
    let spaces = tokens
        .iter()
        .any(|(t, _)| t.starts_with('▁') && t.len() > '▁'.len_utf8());
    let style = match (continues, spaces) {
        (false, true) => Style::Metaspace,
        _ => Style::Continuation(CONTINUATION.into()),
    };
    let assembly = Assembly {
        file: FILE,
        settings,
        tokens,
        size,
        usual: BERT,
        marked: Vec::new(),
        first: Vec::new(),
    };
    let japanese = class == Some(TokenizerClass::BertJapanese);
    // SentencePiece's model that made such pieces is in another file.
    let refused = (spaces && !continues).then(|| {
        "vocab.txt lists SentencePiece's pieces (▁ for a space), and the model that cuts texts into \
         them is in none of the files; save the tokenizer as tokenizer.json"
            .to_owned()
    });
    let (model, normalizer, pre_tokenizer) = match (refused, japanese) {
        (Some(why), _) => (ModelSource::Refused(why), Value::Null, Value::Null),
        (None, true) => for_japanese(&assembly),
        (None, false) => (
            word_piece(&assembly),
            bert_normalizer(
                settings.tokenize_chinese_chars.unwrap_or(true),
                settings.strip_accents,
                settings.do_lower_case.unwrap_or(true),
            ),
            json!({ "type": "BertPreTokenizer" }),
        ),
    };
    Ok(assembly.finish(Parts {
        style,
        model,
        normalizer,
        pre_tokenizer,
        around: Around::Tokens(Role::Cls, Role::Sep),
    }))
}

pub(super) fn bert_normalizer(
    chinese: bool,
    strip_accents: Option<bool>,
    lowercase: bool,
) -> Value {
    json!({
        "type": "BertNormalizer",
        "clean_text": true,
        "handle_chinese_chars": chinese,
        "strip_accents": strip_accents,
        "lowercase": lowercase,
    })
}

fn word_piece(assembly: &Assembly<'_>) -> ModelSource {
    let model = json!({
        "type": "WordPiece",
        "unk_token": assembly.name(Role::Unk).unwrap_or_default(),
        "continuing_subword_prefix": CONTINUATION,
        "max_input_chars_per_word": 100,
    });
    with_vocab(model, &assembly.tokens)
}

/// `BertJapaneseTokenizer`: characters, or word pieces of words that its own rules cut. MeCab's and
/// Sudachi's words take their dictionaries; characters do not need them.
fn for_japanese(assembly: &Assembly<'_>) -> (ModelSource, Value, Value) {
    let settings = assembly.settings;
    let words = settings.word_tokenizer_type.as_deref().unwrap_or("basic");
    let pieces = settings.subword_tokenizer_type.as_deref();
    let lowercase = settings.do_lower_case.unwrap_or(false);
    let nfc = json!({ "type": "NFC" });
    let basic = bert_normalizer(false, None, lowercase);
    match (pieces.unwrap_or("wordpiece"), words) {
        ("wordpiece", "basic") => {
            let normalizer = json!({ "type": "Sequence", "normalizers": [nfc, basic] });
            (
                word_piece(assembly),
                normalizer,
                json!({ "type": "BertPreTokenizer" }),
            )
        }
        ("character", _) => {
            let mut steps = match words {
                "basic" => vec![nfc, basic],
                _ if lowercase => vec![json!({ "type": "NFKC" }), json!({ "type": "Lowercase" })],
                _ => vec![json!({ "type": "NFKC" })],
            };
            let space = json!({ "Regex": r"\s+" });
            steps.push(json!({ "type": "Replace", "pattern": space, "content": "" }));
            steps.push(json!({ "type": "NFKC" }));
            let unknown = assembly.name(Role::Unk).unwrap_or_default();
            let model = json!({ "type": "WordLevel", "unk_token": unknown });
            let each = json!({
                "type": "Split", "pattern": { "Regex": "(?s)." }, "behavior": "Isolated", "invert": false,
            });
            let normalizer = json!({ "type": "Sequence", "normalizers": steps });
            (with_vocab(model, &assembly.tokens), normalizer, each)
        }
        (pieces, words) => {
            let quoted = |name: &str| name.chars().take(30).collect::<String>();
            let why = format!(
                "its words are cut by {:?} and its pieces by {:?}, which take dictionaries that are \
                 not read here; whatever needs no text works",
                quoted(words),
                quoted(pieces),
            );
            (ModelSource::Refused(why), Value::Null, Value::Null)
        }
    }
}
