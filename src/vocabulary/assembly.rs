//! Old sets of files -> a tokenizer as transformers' classes make it (`models/*/tokenization_*.py`
//! of 5.24): what all classes share.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::added::{self, AddedToken};
use super::listing::Listing;
use super::recipe::{ModelSource, Recipe};
use super::settings::{Role, TokenizerSettings};
use super::token::Style;

/// The usual special tokens of a class, where no file names others.
pub(super) type Usual<'a> = [(Role, &'a str)];

/// A tokenizer that is being put together.
pub(super) struct Assembly<'a> {
    pub file: &'static str,
    pub settings: &'a TokenizerSettings,
    pub tokens: Vec<(String, u32)>,
    /// How many the model counts; a new token's id.
    pub size: usize,
    pub usual: &'a Usual<'a>,
    /// Tokens that the vocabulary's own file marks: what the settings add comes before them.
    pub marked: Vec<AddedToken>,
    /// Such tokens that come before all others.
    pub first: Vec<AddedToken>,
}

/// The parts of a tokenizer, as tokenizer.json has them.
pub(super) struct Parts {
    pub style: Style,
    /// Without its vocabulary, where `vocab` is not `Null`.
    pub model: ModelSource,
    pub normalizer: Value,
    pub pre_tokenizer: Value,
    pub around: Around,
}

/// What a class puts around a text.
pub(super) enum Around {
    /// What the settings ask for of bos and eos: nothing unless they do.
    Asked,
    /// These, in any case; nothing where one is missing.
    Tokens(Role, Role),
    /// This one behind it.
    Behind(Role),
}

impl Assembly<'_> {
    /// The token of a role.
    pub(super) fn named(&self, role: Role) -> Option<AddedToken> {
        let usual = self.usual.iter().find(|(of, _)| *of == role);
        self.settings.named(role, usual.map(|(_, name)| *name))
    }

    /// The string of a role's token.
    pub(super) fn name(&self, role: Role) -> Option<String> {
        self.named(role).map(|token| token.content)
    }

    /// Whether a file names this token.
    fn is_said(&self, content: &str) -> bool {
        let mut tokens = self.first.iter().chain(&self.marked);
        self.settings.special.contains(content)
            || self.settings.added.values().any(|a| a.content == content)
            || tokens.any(|token| token.content == content)
    }

    pub(super) fn finish(self, parts: Parts) -> Listing {
        let mut added = self.first.clone();
        let listed = self.settings.added.values().cloned();
        let named = Role::ALL.into_iter().filter_map(|role| self.named(role));
        let extra = self.settings.extra.iter().chain(&self.marked).cloned();
        for token in listed.chain(named).chain(extra) {
            if !added.iter().any(|known| known.content == token.content) {
                added.push(token);
            }
        }
        let added = added::placed(&self.tokens, || self.size, &[added]);
        let id_of = |role: Role| {
            let name = self.name(role)?;
            let of_model = self.tokens.iter().rev().find(|(token, _)| *token == name);
            let id = of_model.map(|(_, id)| *id).or_else(|| {
                let added = added.iter().flatten();
                added
                    .clone()
                    .find(|(token, _)| token.content == name)
                    .map(|(_, id)| *id)
            });
            Some((name, id?))
        };
        let post_processor = match parts.around {
            Around::Asked => {
                let asked =
                    |flag: Option<bool>, role| flag.filter(|&on| on).and_then(|_| id_of(role));
                template(
                    asked(self.settings.add_bos_token, Role::Bos),
                    asked(self.settings.add_eos_token, Role::Eos),
                )
            }
            Around::Behind(after) => template(None, id_of(after)),
            Around::Tokens(before, after) => match (id_of(before), id_of(after)) {
                (Some(before), Some(after)) => template(Some(before), Some(after)),
                _ => Value::Null,
            },
        };
        Listing {
            file: self.file,
            unknown: self.name(Role::Unk),
            recipe: Recipe {
                model: parts.model,
                normalizer: parts.normalizer,
                pre_tokenizer: parts.pre_tokenizer,
                post_processor,
                added: added
                    .iter()
                    .map(|group| group.iter().map(|(t, _)| t.clone()).collect())
                    .collect(),
                split_special: self.settings.split_special_tokens.unwrap_or(false),
                unlisted: None,
            },
            // A token that is only usual, and not the model's own, names no row: texts alone have it.
            added: added
                .into_iter()
                .flatten()
                .filter(|(token, id)| (*id as usize) < self.size || self.is_said(&token.content))
                .collect(),
            style: parts.style,
            tokens: self.tokens,
            notices: Vec::new(),
        }
    }
}

/// A model's JSON with its vocabulary in it.
pub(super) fn with_vocab(mut model: Value, tokens: &[(String, u32)]) -> ModelSource {
    let vocab: Map<String, Value> = tokens
        .iter()
        .map(|(token, id)| (token.clone(), json!(id)))
        .collect();
    model["vocab"] = Value::Object(vocab);
    ModelSource::Built(model)
}

/// Tokens before and after a text; `Null` for none.
pub(super) fn template(before: Option<(String, u32)>, after: Option<(String, u32)>) -> Value {
    if before.is_none() && after.is_none() {
        return Value::Null;
    }
    let special =
        |(token, _): &(String, u32)| json!({ "SpecialToken": { "id": token, "type_id": 0 } });
    let text = |id: &str| json!({ "Sequence": { "id": id, "type_id": 0 } });
    let around = |inside: Vec<Value>| -> Vec<Value> {
        let before = before.iter().map(special);
        before
            .chain(inside)
            .chain(after.iter().map(special))
            .collect()
    };
    let ids: Map<String, Value> = before
        .iter()
        .chain(&after)
        .map(|(token, id)| {
            let entry = json!({ "id": token, "ids": [id], "tokens": [token] });
            (token.clone(), entry)
        })
        .collect();
    json!({
        "type": "TemplateProcessing",
        "single": around(vec![text("A")]),
        "pair": around(vec![text("A"), text("B")]),
        "special_tokens": ids,
    })
}

/// GPT-2's pre-tokenizer.
pub(super) fn byte_level(add_prefix_space: bool, use_regex: bool) -> Value {
    json!({
        "type": "ByteLevel",
        "add_prefix_space": add_prefix_space,
        "trim_offsets": true,
        "use_regex": use_regex,
    })
}

/// A regular expression that cuts a text, then bytes.
pub(super) fn split_then_bytes(pattern: Cow<'static, str>, add_prefix_space: bool) -> Value {
    json!({ "type": "Sequence", "pretokenizers": [
        { "type": "Split", "pattern": { "Regex": pattern }, "behavior": "Isolated", "invert": false },
        byte_level(add_prefix_space, false),
    ]})
}
