//! What stands beside a vocabulary: tokenizer_config.json and special_tokens_map.json.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::VocabularyError;
use super::{TokenizerFiles, load::utf8};

/// A token added beside the model's own.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct AddedToken {
    pub content: String,
    #[serde(default)]
    pub special: bool,
}

/// The settings that change how tokens and texts are read; `None` where the file says nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Settings {
    pub add_prefix_space: Option<bool>,
    pub do_lower_case: Option<bool>,
    pub strip_accents: Option<bool>,
    pub tokenize_chinese_chars: Option<bool>,
    /// Whether texts begin with `bos`.
    pub add_bos_token: Option<bool>,
    pub added_tokens_decoder: BTreeMap<u32, AddedToken>,
    /// The strings of the special tokens, of both files.
    #[serde(skip)]
    pub special: BTreeSet<String>,
    #[serde(skip)]
    pub unknown: Option<String>,
    /// What begins a text, by its names as bos and as cls; and what ends one.
    #[serde(skip)]
    pub bos: Option<String>,
    #[serde(skip)]
    pub cls: Option<String>,
    #[serde(skip)]
    pub sep: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Names {
    bos_token: Option<Name>,
    eos_token: Option<Name>,
    unk_token: Option<Name>,
    sep_token: Option<Name>,
    pad_token: Option<Name>,
    cls_token: Option<Name>,
    mask_token: Option<Name>,
    additional_special_tokens: Option<Vec<Name>>,
}

/// Both ways of writing a special token.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a special token as a string or an object with its content"
)]
enum Name {
    Plain(String),
    Object(AddedToken),
}

impl Name {
    fn into_string(self) -> String {
        match self {
            Self::Plain(content) | Self::Object(AddedToken { content, .. }) => content,
        }
    }
}

impl Settings {
    pub(super) fn read(files: &TokenizerFiles) -> Result<Self, VocabularyError> {
        const CONFIG: &str = "tokenizer_config.json";
        const MAP: &str = "special_tokens_map.json";
        let mut settings = Self::default();
        if let Some(bytes) = &files.tokenizer_config_json {
            settings = json(CONFIG, bytes)?;
            settings.add_names(json(CONFIG, bytes)?);
        }
        if let Some(bytes) = &files.special_tokens_map_json {
            settings.add_names(json(MAP, bytes)?);
        }
        Ok(settings)
    }

    fn add_names(&mut self, names: Names) {
        for (name, kept) in [
            (names.unk_token, &mut self.unknown),
            (names.bos_token, &mut self.bos),
            (names.cls_token, &mut self.cls),
            (names.sep_token, &mut self.sep),
        ] {
            let name = name.map(Name::into_string);
            self.special.extend(name.clone());
            *kept = name.or(kept.take());
        }
        let one = [names.eos_token, names.pad_token, names.mask_token];
        let more = names.additional_special_tokens.into_iter().flatten();
        let all = one.into_iter().flatten().chain(more);
        self.special.extend(all.map(Name::into_string));
    }
}

/// Parses a tokenizer's JSON file.
pub(super) fn json<T: DeserializeOwned>(
    file: &'static str,
    bytes: &[u8],
) -> Result<T, VocabularyError> {
    serde_json::from_str(utf8(file, bytes)?).map_err(|e| VocabularyError::Json {
        file,
        problem: e.to_string(),
    })
}
