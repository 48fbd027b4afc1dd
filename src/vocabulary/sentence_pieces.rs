//! A SentencePiece model -> a tokenizer, as transformers makes it from `tokenizer.model` and
//! `sentencepiece.bpe.model` where there is no tokenizer.json (`convert_slow_tokenizer.py` of 5.24).

use std::cmp::Reverse;
use std::collections::HashSet;

use serde_json::{Value, json};

use super::added::AddedToken;
use super::assembly::{Around, Assembly, Parts, with_vocab};
use super::error::VocabularyError;
use super::listing::Listing;
use super::protobuf::{ModelKind, Piece, PieceKind, SentencePieceModel};
use super::recipe::ModelSource;
use super::sentence_piece_classes::{gemma, llama, t5, xlm_roberta};
use super::sentence_piece_parts::{
    SPACE, Scored, charsmap, merges_by_score, metaspace, numbered, replace, unigram,
};
use super::settings::{Role, TokenizerSettings};
use super::token::Style;
use super::tokenizer_class::TokenizerClass;

/// # Errors
/// Bytes that are no SentencePiece model.
pub(super) fn read(
    file: &'static str,
    bytes: &[u8],
    class: Option<TokenizerClass>,
    settings: &TokenizerSettings,
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
    let marked: Vec<AddedToken> = marked.filter(|_| !settings.lists_extra).collect();
    Ok(match class {
        Some(TokenizerClass::XlmRoberta | TokenizerClass::Camembert) => {
            let french = class == Some(TokenizerClass::Camembert);
            xlm_roberta(file, &model, marked, french, settings)
        }
        Some(TokenizerClass::T5) => t5(file, &model, marked, settings),
        Some(TokenizerClass::Llama) if model.kind == ModelKind::Bpe => {
            llama(file, &model, marked, settings)
        }
        Some(TokenizerClass::Gemma) if model.kind == ModelKind::Bpe => {
            gemma(file, &model, marked, settings)
        }
        _ => as_the_file_says(file, &model, marked, settings),
    })
}

/// Where no class decides, the model's own settings do: the result reads as SentencePiece does.
fn as_the_file_says(
    file: &'static str,
    model: &SentencePieceModel,
    mut marked: Vec<AddedToken>,
    settings: &TokenizerSettings,
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
    let legacy = settings.legacy.unwrap_or(true);
    let mut pre_tokenizers = Vec::new();
    if model.add_dummy_prefix {
        pre_tokenizers.push(metaspace(if legacy { "always" } else { "first" }, false));
    }
    if !defined.is_empty() {
        // Stable: of one length, in the order of their ids.
        defined.sort_by_key(|piece| Reverse(piece.chars().count()));
        let each: Vec<String> = defined.into_iter().map(regex::escape).collect();
        pre_tokenizers.push(json!({
            "type": "Split", "pattern": { "Regex": each.join("|") }, "behavior": "Isolated", "invert": false,
        }));
    }
    let mut listing = assembly.finish(Parts {
        style: Style::Metaspace,
        model: source,
        normalizer: json!({ "type": "Sequence", "normalizers": normalizers(model, legacy) }),
        pre_tokenizer: json!({ "type": "Sequence", "pretokenizers": pre_tokenizers }),
        around: Around::Asked,
    });
    listing.unknown = Some(model.unk_piece.clone());
    listing
}

/// What a text goes through before it is cut. `legacy`: as [`TokenizerSettings::legacy`].
fn normalizers(model: &SentencePieceModel, legacy: bool) -> Vec<Value> {
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
    if model.add_dummy_prefix && legacy {
        normalizers.push(replace(json!({ "Regex": "\\A▁" }), "▁▁"));
    }
    normalizers
}

/// The pieces' names: those that stand for nothing may be renamed by `added_tokens_decoder`.
fn renamed(pieces: &[Piece], settings: &TokenizerSettings) -> Vec<String> {
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
