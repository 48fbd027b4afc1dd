//! A SentencePiece model -> a tokenizer, as transformers makes it from `tokenizer.model` and
//! `sentencepiece.bpe.model` where there is no tokenizer.json (`convert_slow_tokenizer.py` of 5.24).

use std::collections::{HashMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::assemble::{Around, Assembly, Parts, Usual, with_vocab};
use super::byte_pairs::ROBERTA;
use super::error::VocabularyError;
use super::load::Listing;
use super::protobuf::{ModelKind, Piece, PieceKind, SentencePieceModel};
use super::recipe::ModelSource;
use super::settings::{AddedToken, Role, Settings};
use super::token::Style;
use super::tokenizer_class::TokenizerClass;

const SPACE: &str = "▁";

const LLAMA: &Usual<'_> = &[
    (Role::Bos, "<s>"),
    (Role::Eos, "</s>"),
    (Role::Unk, "<unk>"),
];
const GEMMA: &Usual<'_> = &[
    (Role::Bos, "<bos>"),
    (Role::Eos, "<eos>"),
    (Role::Unk, "<unk>"),
    (Role::Pad, "<pad>"),
    (Role::Mask, "<mask>"),
];

/// A piece and its score.
type Scored = (String, f32);

/// # Errors
/// Bytes that are no SentencePiece model.
pub(super) fn read(
    file: &'static str,
    bytes: &[u8],
    class: Option<TokenizerClass>,
    settings: &Settings,
) -> Result<Listing, VocabularyError> {
    let model = SentencePieceModel::parse(file, bytes)?;
    // Control symbols are special, what the model's maker defined is not; both are found whole.
    let marked = model.pieces.iter().filter_map(|piece| {
        let special = piece.kind == PieceKind::Control;
        (special || piece.kind == PieceKind::UserDefined).then(|| AddedToken {
            content: piece.text.clone(),
            normalized: Some(false),
            special,
            ..AddedToken::default()
        })
    });
    let marked: Vec<AddedToken> = marked.collect();
    Ok(match class {
        Some(TokenizerClass::XlmRoberta | TokenizerClass::Camembert) => {
            let french = class == Some(TokenizerClass::Camembert);
            xlm_roberta(file, &model, marked, french, settings)
        }
        Some(TokenizerClass::Llama) if model.kind == ModelKind::Bpe => {
            llama(file, &model, marked, settings)
        }
        Some(TokenizerClass::Gemma) if model.kind == ModelKind::Bpe => {
            gemma(file, &model, marked, settings)
        }
        _ => as_the_file_says(file, &model, marked, settings),
    })
}

/// XLM-RoBERTa's ids are fairseq's: four special tokens, then the pieces, then the mask. CamemBERT's
/// begin with five.
fn xlm_roberta(
    file: &'static str,
    model: &SentencePieceModel,
    marked: Vec<AddedToken>,
    french: bool,
    settings: &Settings,
) -> Listing {
    let usual = |role| {
        ROBERTA
            .iter()
            .find(|(of, _)| *of == role)
            .map(|(_, name)| *name)
    };
    let name = |role: Role| {
        let token = settings.named(role, usual(role));
        (token.map(|token| token.content).unwrap_or_default(), 0.0)
    };
    let fixed = |name: &str, score| (name.to_owned(), score);
    let (mut pieces, skipped): (Vec<Scored>, usize) = match french {
        true => {
            let start = vec![
                fixed("<s>NOTUSED", 0.0),
                name(Role::Pad),
                fixed("</s>NOTUSED", 0.0),
                name(Role::Unk),
                fixed("<unk>NOTUSED", -100.0),
            ];
            (start, 1)
        }
        false => {
            let start = [Role::Bos, Role::Pad, Role::Eos, Role::Unk];
            (start.map(name).to_vec(), 3)
        }
    };
    let own = model.pieces.iter().skip(skipped);
    pieces.extend(own.map(|piece| (piece.text.clone(), piece.score)));
    pieces.push(name(Role::Mask));
    let assembly = Assembly {
        file,
        settings,
        size: pieces.len(),
        tokens: numbered(pieces.iter().map(|(piece, _)| piece)),
        usual: ROBERTA,
        marked,
        first: Vec::new(),
    };
    let scheme = match settings.add_prefix_space.unwrap_or(true) {
        true => "always",
        false => "never",
    };
    assembly.finish(Parts {
        style: Style::Metaspace,
        model: unigram(&pieces, 3, false),
        normalizer: charsmap(&model.charsmap),
        pre_tokenizer: json!({ "type": "Sequence", "pretokenizers": [
            { "type": "WhitespaceSplit" },
            metaspace(scheme, true),
        ]}),
        around: Around::Tokens(Role::Bos, Role::Eos),
    })
}

fn llama(
    file: &'static str,
    model: &SentencePieceModel,
    marked: Vec<AddedToken>,
    settings: &Settings,
) -> Listing {
    let assembly = whole(file, model, LLAMA, marked, settings);
    let prefix = settings.add_prefix_space.unwrap_or(true);
    let scheme = match (prefix, settings.legacy.unwrap_or(false)) {
        (false, _) => "never",
        (true, true) => "always",
        (true, false) => "first",
    };
    let model = json!({
        "type": "BPE",
        "merges": merges_by_id(&assembly.tokens),
        "fuse_unk": true,
        "byte_fallback": true,
    });
    let model = with_vocab(model, &assembly.tokens);
    assembly.finish(Parts {
        style: Style::Metaspace,
        model,
        normalizer: Value::Null,
        pre_tokenizer: metaspace(scheme, false),
        around: Around::Asked,
    })
}

fn gemma(
    file: &'static str,
    model: &SentencePieceModel,
    marked: Vec<AddedToken>,
    settings: &Settings,
) -> Listing {
    let assembly = whole(file, model, GEMMA, marked, settings);
    let model = json!({
        "type": "BPE",
        "merges": merges_by_id(&assembly.tokens),
        "unk_token": assembly.name(Role::Unk),
        "fuse_unk": true,
        "byte_fallback": true,
    });
    let model = with_vocab(model, &assembly.tokens);
    assembly.finish(Parts {
        style: Style::Metaspace,
        model,
        normalizer: replace(json!({ "String": " " }), SPACE),
        pre_tokenizer: json!({
            "type": "Split", "pattern": { "String": " " }, "behavior": "MergedWithPrevious", "invert": false,
        }),
        around: Around::Asked,
    })
}

/// Where no class decides, the model's own settings do: the result reads as SentencePiece does.
fn as_the_file_says(
    file: &'static str,
    model: &SentencePieceModel,
    mut marked: Vec<AddedToken>,
    settings: &Settings,
) -> Listing {
    let names = renamed(&model.pieces, settings);
    // The user's own symbols are cut out below, by the model's side.
    marked.retain(|token| token.special);
    let usual: Vec<(Role, &str)> = [
        (Role::Bos, model.bos_id, &model.bos_piece),
        (Role::Eos, model.eos_id, &model.eos_piece),
        (Role::Unk, model.unk_id, &model.unk_piece),
    ]
    .into_iter()
    .filter(|(_, id, _)| *id >= 0)
    .map(|(role, _, piece)| (role, piece.as_str()))
    .collect();
    let assembly = Assembly {
        file,
        settings,
        size: names.iter().collect::<HashSet<_>>().len(),
        tokens: numbered(names.iter()),
        usual: &usual,
        marked,
        first: Vec::new(),
    };
    let kinds = model.pieces.iter().zip(&names);
    let defined = kinds.filter(|(piece, _)| piece.kind == PieceKind::UserDefined);
    let mut defined: Vec<&str> = defined.map(|(_, name)| name.as_str()).collect();
    let source = match model.kind {
        ModelKind::Unigram => {
            let scores = model.pieces.iter().map(|piece| piece.score);
            let pieces: Vec<Scored> = names.iter().cloned().zip(scores).collect();
            unigram(&pieces, model.unk_id, model.byte_fallback)
        }
        ModelKind::Bpe => {
            let bpe = json!({
                "type": "BPE",
                "merges": merges_by_score(&model.pieces, &names),
                "unk_token": model.unk_piece,
                "fuse_unk": true,
                "byte_fallback": model.byte_fallback,
                "ignore_merges": !defined.is_empty(),
            });
            with_vocab(bpe, &assembly.tokens)
        }
        ModelKind::Word | ModelKind::Char => ModelSource::Refused(
            "its SentencePiece model is one of words or characters, and only unigram and BPE \
             models are read"
                .to_owned(),
        ),
    };
    let mut normalizers = Vec::new();
    if !model.charsmap.is_empty() {
        normalizers.push(charsmap(&model.charsmap));
    }
    if model.remove_extra_whitespaces {
        normalizers.push(replace(json!({ "Regex": r"\A +| +\z" }), ""));
        normalizers.push(replace(json!({ "Regex": " {2,}" }), " "));
    }
    if model.escape_whitespaces {
        normalizers.push(replace(json!({ "String": " " }), SPACE));
    }
    let legacy = settings.legacy.unwrap_or(true);
    let mut pre_tokenizers = Vec::new();
    if model.add_dummy_prefix {
        if legacy {
            normalizers.push(replace(json!({ "Regex": "\\A▁" }), "▁▁"));
        }
        pre_tokenizers.push(metaspace(if legacy { "always" } else { "first" }, false));
    }
    if !defined.is_empty() {
        // Stable: of one length, in the order of their ids.
        defined.sort_by_key(|piece| std::cmp::Reverse(piece.chars().count()));
        let each: Vec<String> = defined.into_iter().map(regex::escape).collect();
        pre_tokenizers.push(json!({
            "type": "Split", "pattern": { "Regex": each.join("|") }, "behavior": "Isolated", "invert": false,
        }));
    }
    let mut listing = assembly.finish(Parts {
        style: Style::Metaspace,
        model: source,
        normalizer: json!({ "type": "Sequence", "normalizers": normalizers }),
        pre_tokenizer: json!({ "type": "Sequence", "pretokenizers": pre_tokenizers }),
        around: Around::Asked,
    });
    listing.unknown = Some(model.unk_piece.clone());
    listing
}

/// The pieces' names: those that stand for nothing may be renamed by `added_tokens_decoder`.
fn renamed(pieces: &[Piece], settings: &Settings) -> Vec<String> {
    let renames = |id: u32| settings.added.get(&id).map(|token| token.content.as_str());
    let numbered = pieces.iter().zip(0u32..);
    let kept = numbered.clone().filter(|(_, id)| renames(*id).is_none());
    let kept: HashSet<&str> = kept.map(|(piece, _)| piece.text.as_str()).collect();
    let names = numbered.map(|(piece, id)| match renames(id) {
        Some(name) if !kept.contains(name) => name.to_owned(),
        _ => piece.text.clone(),
    });
    names.collect()
}

/// All pieces as they are.
fn whole<'a>(
    file: &'static str,
    model: &SentencePieceModel,
    usual: &'a Usual<'a>,
    marked: Vec<AddedToken>,
    settings: &'a Settings,
) -> Assembly<'a> {
    let tokens = numbered(model.pieces.iter().map(|piece| &piece.text));
    let distinct: HashSet<&str> = tokens.iter().map(|(t, _)| t.as_str()).collect();
    Assembly {
        size: distinct.len(),
        file,
        settings,
        usual,
        marked,
        first: Vec::new(),
        tokens,
    }
}

fn numbered<'a>(pieces: impl Iterator<Item = &'a String>) -> Vec<(String, u32)> {
    pieces.cloned().zip(0..).collect()
}

/// Every way in which two of these pieces make a third.
fn splits(piece: &str) -> impl Iterator<Item = (&str, &str)> {
    let inside = piece.char_indices().skip(1);
    inside.map(|(at, _)| piece.split_at(at))
}

/// Merges in the order of the ids of what they make, as transformers has them for Llama's and
/// Gemma's classes.
fn merges_by_id(tokens: &[(String, u32)]) -> Vec<(&str, &str)> {
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
fn merges_by_score<'a>(pieces: &[Piece], names: &'a [String]) -> Vec<(&'a str, &'a str)> {
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

fn unigram(pieces: &[Scored], unk_id: i64, byte_fallback: bool) -> ModelSource {
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

fn charsmap(bytes: &[u8]) -> Value {
    match bytes {
        [] => Value::Null,
        bytes => json!({ "type": "Precompiled", "precompiled_charsmap": STANDARD.encode(bytes) }),
    }
}

fn replace(pattern: Value, content: &str) -> Value {
    json!({ "type": "Replace", "pattern": pattern, "content": content })
}

fn metaspace(scheme: &str, split: bool) -> Value {
    json!({ "type": "Metaspace", "replacement": SPACE, "prepend_scheme": scheme, "split": split })
}
