//! SentencePiece models as the classes of single models take them: XLM-RoBERTa's and CamemBERT's,
//! T5's, Llama's, Gemma's (`models/*/tokenization_*.py` of transformers 5.24).

use std::collections::HashSet;

use serde_json::{Value, json};

use super::added::AddedToken;
use super::assembly::{Around, Assembly, Parts, Usual, with_vocab};
use super::byte_pairs::ROBERTA;
use super::listing::Listing;
use super::protobuf::SentencePieceModel;
use super::sentence_piece_parts::{
    SPACE, Scored, charsmap, merges_by_id, metaspace, numbered, replace, unigram, words_with_spaces,
};
use super::settings::{Role, TokenizerSettings};
use super::token::Style;

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

const T5: &Usual<'_> = &[
    (Role::Eos, "</s>"),
    (Role::Unk, "<unk>"),
    (Role::Pad, "<pad>"),
];

/// XLM-RoBERTa's ids are fairseq's: four special tokens, then the pieces, then the mask. CamemBERT's
/// begin with five.
pub(super) fn xlm_roberta(
    file: &'static str,
    model: &SentencePieceModel,
    marked: Vec<AddedToken>,
    french: bool,
    settings: &TokenizerSettings,
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
        pre_tokenizer: words_with_spaces(scheme),
        around: Around::Tokens(Role::Bos, Role::Eos),
    })
}

/// T5's: gaps follow the pieces, and what cannot be spelled is the third piece, whatever that is.
pub(super) fn t5(
    file: &'static str,
    model: &SentencePieceModel,
    mut marked: Vec<AddedToken>,
    settings: &TokenizerSettings,
) -> Listing {
    let own = model.pieces.iter();
    let mut pieces: Vec<Scored> = own.map(|piece| (piece.text.clone(), piece.score)).collect();
    let gaps = (0..settings.extra_ids.unwrap_or(100)).rev();
    let gaps: Vec<String> = gaps.map(|gap| format!("<extra_id_{gap}>")).collect();
    if !settings.lists_extra {
        marked.extend(gaps.iter().map(AddedToken::special));
    }
    pieces.extend(gaps.into_iter().map(|gap| (gap, 0.0)));
    let assembly = Assembly {
        file,
        settings,
        size: pieces.len(),
        tokens: numbered(pieces.iter().map(|(piece, _)| piece)),
        usual: T5,
        marked,
        first: Vec::new(),
    };
    let unknown = pieces.get(2).map(|(piece, _)| piece.clone());
    let mut listing = assembly.finish(Parts {
        style: Style::Metaspace,
        model: unigram(&pieces, 2, false),
        normalizer: charsmap(&model.charsmap),
        pre_tokenizer: words_with_spaces("always"),
        around: Around::Behind(Role::Eos),
    });
    listing.unknown = unknown;
    listing
}

pub(super) fn llama(
    file: &'static str,
    model: &SentencePieceModel,
    marked: Vec<AddedToken>,
    settings: &TokenizerSettings,
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

pub(super) fn gemma(
    file: &'static str,
    model: &SentencePieceModel,
    marked: Vec<AddedToken>,
    settings: &TokenizerSettings,
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

/// All pieces as they are.
fn whole<'a>(
    file: &'static str,
    model: &SentencePieceModel,
    usual: &'a Usual<'a>,
    marked: Vec<AddedToken>,
    settings: &'a TokenizerSettings,
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
