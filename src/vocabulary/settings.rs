//! What stands beside a vocabulary: tokenizer_config.json, special_tokens_map.json and
//! added_tokens.json, and what config.json says of the tokenizer.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::TokenizerFiles;
use super::added::AddedToken;
use super::error::VocabularyError;
use super::json_values::{CONFIG, boolean, json, odd, of_model, order_of_extra, token};

const MAP: &str = "special_tokens_map.json";
const ADDED: &str = "added_tokens.json";

/// What a special token is for, in the order in which transformers adds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Bos,
    Eos,
    Unk,
    Sep,
    Pad,
    Cls,
    Mask,
}

impl Role {
    pub(super) const ALL: [Self; 7] = [
        Self::Bos,
        Self::Eos,
        Self::Unk,
        Self::Sep,
        Self::Pad,
        Self::Cls,
        Self::Mask,
    ];

    fn key(self) -> &'static str {
        match self {
            Self::Bos => "bos_token",
            Self::Eos => "eos_token",
            Self::Unk => "unk_token",
            Self::Sep => "sep_token",
            Self::Pad => "pad_token",
            Self::Cls => "cls_token",
            Self::Mask => "mask_token",
        }
    }
}

/// The token of a role, as the files have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Named {
    /// No file says anything: the tokenizer's class decides.
    #[default]
    Unsaid,
    /// `null`: there is none.
    None,
    Token(AddedToken),
}

/// The settings that change how tokens and texts are read; `None` where the files say nothing.
#[derive(Debug, Default)]
pub(super) struct TokenizerSettings {
    /// `tokenizer_class` of tokenizer_config.json.
    pub config_class: Option<String>,
    /// `tokenizer_class` of config.json.
    pub model_class: Option<String>,
    /// `model_type` of config.json.
    pub model_type: Option<String>,
    pub add_prefix_space: Option<bool>,
    pub do_lower_case: Option<bool>,
    pub strip_accents: Option<bool>,
    pub tokenize_chinese_chars: Option<bool>,
    /// Whether texts begin with the bos token, and end with the eos token.
    pub add_bos_token: Option<bool>,
    pub add_eos_token: Option<bool>,
    /// Llama's: a space is put before each part of a text between added tokens, not the first alone.
    pub legacy: Option<bool>,
    /// Whether special tokens in a text are read as any other letters.
    pub split_special_tokens: Option<bool>,
    /// BERTweet's: tweets are rewritten before they are read.
    pub normalization: Option<bool>,
    /// BERT's for Japanese.
    pub word_tokenizer_type: Option<String>,
    pub subword_tokenizer_type: Option<String>,
    /// T5's: tokens for gaps, `<extra_id_0>` and on, that follow the vocabulary.
    pub extra_ids: Option<u16>,
    /// Whether tokenizer_config.json lists special tokens of no role, if only as none: then those
    /// that a vocabulary's own file marks do not count.
    pub lists_extra: bool,
    /// Special tokens of no role, by their names or as a list.
    pub extra: Vec<AddedToken>,
    /// Tokens with the ids that the files give them.
    pub added: BTreeMap<u32, AddedToken>,
    /// The strings of all special tokens, whatever file names them.
    pub special: BTreeSet<String>,
    named: [Named; 7],
}

impl TokenizerSettings {
    /// # Errors
    /// A file that is no JSON, or a value of another kind than its key takes.
    pub(super) fn read(files: &TokenizerFiles) -> Result<Self, VocabularyError> {
        let mut settings = Self::default();
        if let Some(bytes) = &files.config_json {
            (settings.model_type, settings.model_class) = of_model(bytes);
        }
        let config: Map<String, Value> = match &files.tokenizer_config_json {
            Some(bytes) => json(CONFIG, bytes)?,
            None => Map::new(),
        };
        let order = files.tokenizer_config_json.as_deref().map(order_of_extra);
        settings.read_config(&config, &order.unwrap_or_default())?;
        let map: Map<String, Value> = match &files.special_tokens_map_json {
            Some(bytes) => json(MAP, bytes)?,
            None => Map::new(),
        };
        // As transformers has it: where added_tokens_decoder is, the older files beside it are not
        // read. That a token is special they may say nevertheless.
        let decoder = config.get("added_tokens_decoder");
        let mut older = Self::default();
        older.read_names(MAP, &map, &[])?;
        settings.special.append(&mut older.special);
        match decoder {
            Some(decoder) => settings.added = decoded(decoder)?,
            None => {
                settings.read_names(MAP, &map, &[])?;
                if let Some(bytes) = &files.added_tokens_json {
                    settings.read_added(bytes)?;
                }
            }
        }
        let specials = settings.added.values().filter(|added| added.special);
        settings
            .special
            .extend(specials.map(|added| added.content.clone()));
        Ok(settings)
    }

    fn read_config(
        &mut self,
        config: &Map<String, Value>,
        order: &[String],
    ) -> Result<(), VocabularyError> {
        let text = |key: &str| config.get(key).and_then(Value::as_str).map(str::to_owned);
        self.config_class = text("tokenizer_class");
        self.word_tokenizer_type = text("word_tokenizer_type");
        self.subword_tokenizer_type = text("subword_tokenizer_type");
        for (key, flag) in [
            ("add_prefix_space", &mut self.add_prefix_space),
            ("do_lower_case", &mut self.do_lower_case),
            ("strip_accents", &mut self.strip_accents),
            ("tokenize_chinese_chars", &mut self.tokenize_chinese_chars),
            ("add_bos_token", &mut self.add_bos_token),
            ("add_eos_token", &mut self.add_eos_token),
            ("legacy", &mut self.legacy),
            ("split_special_tokens", &mut self.split_special_tokens),
            ("normalization", &mut self.normalization),
        ] {
            *flag = boolean(key, config.get(key))?;
        }
        let extra = config.get("extra_ids").and_then(Value::as_u64);
        self.extra_ids = extra.and_then(|n| u16::try_from(n).ok());
        let lists = ["extra_special_tokens", "additional_special_tokens"];
        self.lists_extra = lists.into_iter().any(|key| config.contains_key(key));
        self.read_names(CONFIG, config, order)
    }

    /// Special tokens of either file, by role and of none.
    fn read_names(
        &mut self,
        file: &'static str,
        values: &Map<String, Value>,
        order: &[String],
    ) -> Result<(), VocabularyError> {
        for (role, named) in Role::ALL.into_iter().zip(&mut self.named) {
            match values.get(role.key()) {
                None => {}
                Some(Value::Null) => *named = Named::None,
                Some(value) => *named = Named::Token(token(file, role.key(), value)?),
            }
        }
        // Later names of the same list take its place: `extra_special_tokens` since 5.0.
        let lists = ["extra_special_tokens", "additional_special_tokens"];
        let list = lists.iter().find_map(|key| {
            let value = values.get(*key)?;
            let empty = match value {
                Value::Null => true,
                Value::Array(items) => items.is_empty(),
                Value::Object(items) => items.is_empty(),
                Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
            };
            (!empty).then_some((*key, value))
        });
        let role = |key: &str| Role::ALL.iter().any(|role| role.key() == key);
        let own = values.iter().filter(|(key, value)| {
            key.ends_with("_token") && !role(key) && (value.is_string() || value.is_object())
        });
        let mut extra = Vec::new();
        for (key, value) in own {
            extra.push(token(file, key, value)?);
        }
        match list {
            Some((key, Value::Array(items))) => {
                for item in items {
                    extra.push(token(file, key, item)?);
                }
            }
            Some((_, Value::Object(items))) => {
                // In the file's order, which gives tokens without an id theirs.
                let place = |key: &str| order.iter().position(|known| known == key);
                let mut items: Vec<_> = items.iter().collect();
                items.sort_by_key(|(key, _)| place(key));
                for (key, item) in items {
                    extra.push(token(file, key, item)?);
                }
            }
            Some((key, other)) => return Err(odd(file, key, "a list or a map of tokens", other)),
            None => {}
        }
        let named = self.named.iter().filter_map(|named| match named {
            Named::Token(token) => Some(token),
            Named::Unsaid | Named::None => None,
        });
        let all = named.chain(&extra).map(|token| token.content.clone());
        self.special.extend(all);
        self.extra.append(&mut extra);
        Ok(())
    }

    /// added_tokens.json: `{token: id}`.
    fn read_added(&mut self, bytes: &[u8]) -> Result<(), VocabularyError> {
        let added: BTreeMap<String, u32> = json(ADDED, bytes)?;
        let tokens = added.into_iter().map(|(content, id)| {
            let special = self.special.contains(&content);
            let token = AddedToken {
                content,
                normalized: Some(!special),
                special,
                ..AddedToken::default()
            };
            (id, token)
        });
        self.added = tokens.collect();
        Ok(())
    }

    /// The token of a role, `usual` where the files say nothing.
    pub(super) fn named(&self, role: Role, usual: Option<&str>) -> Option<AddedToken> {
        let token = match &self.named[role as usize] {
            Named::Unsaid => AddedToken::special(usual?),
            Named::None => return None,
            Named::Token(token) => token.clone(),
        };
        // An added token of that string knows more of itself.
        let added = self.added.values().find(|a| a.content == token.content);
        let mut token = added.cloned().unwrap_or(token);
        token.special = true;
        Some(token)
    }
}

fn decoded(decoder: &Value) -> Result<BTreeMap<u32, AddedToken>, VocabularyError> {
    const KEY: &str = "added_tokens_decoder";
    let Value::Object(entries) = decoder else {
        return Err(odd(CONFIG, KEY, "{id: token}", decoder));
    };
    let mut added = BTreeMap::new();
    for (id, value) in entries {
        let id = id
            .parse()
            .map_err(|_| odd(CONFIG, KEY, "ids as keys", &id.as_str().into()))?;
        let mut token = token(CONFIG, KEY, value)?;
        if value.is_string() {
            token.special = false;
            token.normalized = None;
        }
        added.insert(id, token);
    }
    Ok(added)
}
