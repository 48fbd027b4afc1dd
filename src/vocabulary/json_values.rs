//! The values of a tokenizer's JSON files, in the ways in which people write them.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::added::AddedToken;
use super::error::{VocabularyError, one_line};
use super::listing::utf8;

pub(super) const CONFIG: &str = "tokenizer_config.json";

/// `model_type` and `tokenizer_class` of a config.json. It may hold `NaN`, which is no JSON; what is
/// wrong with it otherwise is said elsewhere.
pub(super) fn of_model(bytes: &[u8]) -> (Option<String>, Option<String>) {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Keys {
        model_type: Option<String>,
        tokenizer_class: Option<String>,
    }
    if let Ok(keys) = serde_json::from_slice::<Keys>(bytes) {
        return (keys.model_type, keys.tokenizer_class);
    }
    static PAIR: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r#""(model_type|tokenizer_class)"\s*:\s*"([^"\\]*)""#).ok());
    let text = String::from_utf8_lossy(bytes);
    let value = |key: &str| {
        let pairs = PAIR.as_ref()?.captures_iter(&text);
        let mut values = pairs.filter(|pair| &pair[1] == key);
        values.next().map(|pair| pair[2].to_owned())
    };
    (value("model_type"), value("tokenizer_class"))
}

/// The keys of `extra_special_tokens` as the file has them; a parsed map has them in its own order.
pub(super) fn order_of_extra(bytes: &[u8]) -> Vec<String> {
    struct Keys(Vec<String>);
    impl<'de> Deserialize<'de> for Keys {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct InOrder;
            impl<'de> Visitor<'de> for InOrder {
                type Value = Keys;

                fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                    f.write_str("a map of tokens")
                }

                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                    let mut keys = Vec::new();
                    while let Some((key, IgnoredAny)) = map.next_entry()? {
                        keys.push(key);
                    }
                    Ok(Keys(keys))
                }
            }
            deserializer.deserialize_map(InOrder)
        }
    }
    #[derive(Deserialize)]
    struct Config {
        extra_special_tokens: Keys,
    }
    // A list has no keys, and what is wrong with the file was said before.
    serde_json::from_slice::<Config>(bytes)
        .map(|config| config.extra_special_tokens.0)
        .unwrap_or_default()
}

/// Both ways of writing a special token.
pub(super) fn token(
    file: &'static str,
    key: &str,
    value: &Value,
) -> Result<AddedToken, VocabularyError> {
    const EXPECTED: &str = "a special token as a string or an object with its content";
    match value {
        Value::String(content) => Ok(AddedToken::special(content.as_str())),
        Value::Object(_) => {
            AddedToken::deserialize(value).map_err(|_| odd(file, key, EXPECTED, value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            Err(odd(file, key, EXPECTED, value))
        }
    }
}

/// `true`, and what people write for it.
pub(super) fn boolean(key: &str, value: Option<&Value>) -> Result<Option<bool>, VocabularyError> {
    let Some(value) = value else { return Ok(None) };
    match value {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(*flag)),
        Value::Number(number) if number.as_u64() == Some(0) => Ok(Some(false)),
        Value::Number(number) if number.as_u64() == Some(1) => Ok(Some(true)),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(odd(CONFIG, key, "true or false", value))
        }
    }
}

pub(super) fn odd(file: &'static str, key: &str, expected: &str, got: &Value) -> VocabularyError {
    let got: String = got.to_string().chars().take(40).collect();
    VocabularyError::Json {
        file,
        problem: format!("{key}: expected {expected}, got {got}"),
    }
}

/// Parses a tokenizer's JSON file.
pub(super) fn json<T: DeserializeOwned>(
    file: &'static str,
    bytes: &[u8],
) -> Result<T, VocabularyError> {
    serde_json::from_str(utf8(file, bytes)?).map_err(|e| VocabularyError::Json {
        file,
        problem: one_line(&e),
    })
}
