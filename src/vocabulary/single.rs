//! tokenizer.json: the vocabulary in one file, of which only the tokens are read here.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::added::{self, AddedToken};
use super::error::{VocabularyError, one_line, short};
use super::listing::{Listing, unknown_merge, utf8};
use super::merges::{FILE, Merge, TwoParts};
use super::recipe::{Later, ModelSource, Recipe};
use super::settings::{Role, TokenizerSettings};
use super::token::Style;
use super::tokenizer_class::TokenizerClass;

/// `M`: what is read of the merges.
#[derive(Deserialize)]
struct File<M: Default> {
    #[serde(default)]
    added_tokens: Vec<Added>,
    model: Model<M>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
    #[serde(default)]
    decoder: Value,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    #[serde(flatten)]
    token: AddedToken,
}

#[derive(Deserialize)]
struct Model<M: Default> {
    vocab: Tokens,
    #[serde(default)]
    merges: M,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    unk_token: Option<String>,
    unk_id: Option<usize>,
}

/// A vocabulary: `{token: id}`, or SentencePiece's `[[token, score]]` in the order of ids.
pub(super) struct Tokens {
    pub tokens: Vec<(String, u32)>,
    by_score: bool,
}

/// Reads the tokens; the model itself is parsed again once a text asks for it, of the same `bytes` or
/// of those read `again`.
///
/// # Errors
/// A file that does not parse.
pub(super) fn read(
    bytes: Cow<'static, [u8]>,
    again: Option<Later<Cow<'static, [u8]>>>,
    settings: &TokenizerSettings,
) -> Result<Listing, VocabularyError> {
    let text = utf8(FILE, &bytes)?;
    let file: File<TwoParts> = serde_json::from_str(text).map_err(|e| VocabularyError::Json {
        file: FILE,
        problem: one_line(&e),
    })?;
    let File {
        mut added_tokens,
        model,
        normalizer,
        pre_tokenizer,
        post_processor,
        decoder,
    } = file;
    added_tokens.retain(|a| !a.token.content.is_empty());
    let by_score = model.vocab.by_score;
    let tokens = model.vocab.tokens;
    let named = match (model.unk_token, model.unk_id) {
        (Some(token), _) => Some(token),
        (None, Some(id)) if by_score => tokens.get(id).map(|(token, _)| token.clone()),
        (None, _) => None,
    };
    let prefix = model.continuing_subword_prefix.unwrap_or_default();
    model.merges.0?;
    // Where no parts are marked, the tokenizer finds such a merge itself, at the first text.
    let stale = match prefix.is_empty() {
        true => None,
        false => stale_merge(&bytes),
    };
    let suffix = model.end_of_word_suffix.filter(|suffix| !suffix.is_empty());
    let parts = [&normalizer, &pre_tokenizer, &decoder];
    let bytes_as_letters = parts.into_iter().any(is_byte_level);
    let style = Style::of(&tokens, bytes_as_letters, suffix, prefix);
    let unknown = named.filter(|_| !bytes_as_letters);
    let class = TokenizerClass::of(settings);
    let stated = Stated { settings, class };
    let distinct = || match by_score {
        true => tokens.len(),
        false => {
            let tokens = tokens.iter().map(|(token, _)| token.as_str());
            tokens.collect::<HashSet<_>>().len()
        }
    };
    let own: Vec<AddedToken> = added_tokens.iter().map(|a| a.token.clone()).collect();
    let groups = [own, stated.added(&added_tokens)];
    let placed = added::placed(&tokens, distinct, &groups);
    let first = placed.first().map(Vec::as_slice).unwrap_or_default();
    let notices = moved_notice(&added_tokens, first);
    Ok(Listing {
        file: FILE,
        style,
        unknown,
        recipe: Recipe {
            model: match (stale, again) {
                (Some(stale), _) => ModelSource::Refused(stale.to_string()),
                (None, Some(again)) => ModelSource::Again(again),
                (None, None) => ModelSource::File(bytes),
            },
            normalizer: stated.normalizer(normalizer),
            pre_tokenizer: stated.pre_tokenizer(pre_tokenizer),
            post_processor,
            added: groups.into(),
            split_special: settings.split_special_tokens.unwrap_or(false),
            unlisted: None,
        },
        added: placed.into_iter().flatten().collect(),
        tokens,
        notices: notices.into_iter().collect(),
    })
}

/// What is said of added tokens whose ids in a text are not those that the file gives them.
fn moved_notice(added_tokens: &[Added], placed: &[(AddedToken, u32)]) -> Option<String> {
    let moved = added_tokens.iter().zip(placed);
    let moved: Vec<_> = moved.filter(|(said, (_, id))| said.id != *id).collect();
    moved.first().map(|(said, (token, id))| {
        let more = match moved.len() - 1 {
            0 => String::new(),
            n => format!(", and {n} more so"),
        };
        let (content, said) = (short(&token.content), said.id);
        format!(
            "{FILE} gives the added token {content:?} the id {said}, and texts get {id} for it, as \
             its vocabulary has it{more}"
        )
    })
}

/// What the files beside tokenizer.json say, where its class in transformers reads them.
struct Stated<'a> {
    settings: &'a TokenizerSettings,
    class: Option<TokenizerClass>,
}

impl Stated<'_> {
    /// Tokens that they add to those of the file.
    fn added(&self, own: &[Added]) -> Vec<AddedToken> {
        let settings = self.settings;
        let mut added: Vec<AddedToken> = settings.added.values().cloned().collect();
        let listed = own.iter().map(|added| added.token.content.as_str());
        let listed: HashSet<&str> = listed.collect();
        let named = Role::ALL
            .into_iter()
            .filter_map(|role| settings.named(role, None));
        for token in named.chain(settings.extra.iter().cloned()) {
            let content = token.content.as_str();
            if !listed.contains(content) && !added.iter().any(|a| a.content == content) {
                added.push(token);
            }
        }
        added
    }

    /// BERT's letters: whether case and accents count, and Chinese characters stand alone.
    fn normalizer(&self, mut value: Value) -> Value {
        if self.class != Some(TokenizerClass::Bert) {
            return value;
        }
        let settings = self.settings;
        if settings.do_lower_case == Some(false) {
            without(&mut value, "normalizers", "Lowercase");
        }
        each_step(&mut value, "normalizers", &mut |step| {
            if step["type"] != "BertNormalizer" {
                return;
            }
            for (key, stated) in [
                ("lowercase", settings.do_lower_case),
                ("strip_accents", settings.strip_accents),
                ("handle_chinese_chars", settings.tokenize_chinese_chars),
            ] {
                if let Some(stated) = stated {
                    step[key] = stated.into();
                }
            }
        });
        value
    }

    /// Whether a space is put before a text.
    fn pre_tokenizer(&self, mut value: Value) -> Value {
        let Some(prefix) = self.settings.add_prefix_space else {
            return value;
        };
        let kind = match self.class {
            Some(
                TokenizerClass::Gpt2
                | TokenizerClass::Roberta
                | TokenizerClass::GptNeoX
                | TokenizerClass::Qwen2,
            ) => "ByteLevel",
            Some(TokenizerClass::XlmRoberta | TokenizerClass::Camembert) => "Metaspace",
            _ => return value,
        };
        each_step(&mut value, "pretokenizers", &mut |step| {
            if step["type"] != kind {
                return;
            }
            if kind == "Metaspace" {
                let scheme = if prefix { "always" } else { "never" };
                step["prepend_scheme"] = scheme.into();
            }
            step["add_prefix_space"] = prefix.into();
        });
        value
    }
}

/// Calls `change` with a component, or with each one of a sequence of them.
fn each_step(value: &mut Value, list: &str, change: &mut impl FnMut(&mut Value)) {
    if let Some(Value::Array(steps)) = value.get_mut(list) {
        for step in steps {
            each_step(step, list, change);
        }
    } else if value.is_object() {
        change(value);
    }
}

/// Takes components of one kind out of a sequence; one that stands alone becomes none.
fn without(value: &mut Value, list: &str, kind: &str) {
    if value.get("type").is_some_and(|of| of == kind) {
        *value = Value::Null;
    } else if let Some(Value::Array(steps)) = value.get_mut(list) {
        for step in steps.iter_mut() {
            without(step, list, kind);
        }
        steps.retain(|step| !step.is_null());
    }
}

/// Whether a component, or one within it, is `ByteLevel`.
fn is_byte_level(component: &Value) -> bool {
    match component {
        Value::Object(fields) => {
            fields.get("type").is_some_and(|kind| kind == "ByteLevel")
                || fields.values().any(is_byte_level)
        }
        Value::Array(parts) => parts.iter().any(is_byte_level),
        _ => false,
    }
}

/// The first merge of a tokenizer.json that joins no two tokens into a third.
pub(super) fn stale_merge(bytes: &[u8]) -> Option<VocabularyError> {
    let file: File<Vec<Merge>> = serde_json::from_slice(bytes).ok()?;
    let model = file.model;
    let prefix = model.continuing_subword_prefix.unwrap_or_default();
    let merges = model.merges.iter().enumerate();
    let merges = merges.filter_map(|(at, merge)| merge.parts(at + 1).ok());
    unknown_merge(FILE, &model.vocab.tokens, merges, &prefix)
}

impl<'de> Deserialize<'de> for Tokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Tokens;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a vocabulary: {token: id} or [[token, score]]")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tokens, A::Error> {
                let mut tokens = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    tokens.push(entry);
                }
                Ok(Tokens {
                    tokens,
                    by_score: false,
                })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tokens, A::Error> {
                let mut tokens = Vec::new();
                let mut id = 0;
                while let Some((token, _score)) = seq.next_element::<(String, f64)>()? {
                    tokens.push((token, id));
                    id += 1;
                }
                Ok(Tokens {
                    tokens,
                    by_score: true,
                })
            }
        }
        deserializer.deserialize_any(Pairs)
    }
}
